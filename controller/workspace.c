/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/workspace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/path.h"

static int open_beneath(const struct workspace *w, const char *path, int flags)
{
        const struct open_how how = {
                .flags = (uint64_t)(flags | O_CLOEXEC),
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
        };
        long fd = syscall(SYS_openat2, w->fd, *path ? path : ".", &how, sizeof(how));

        return fd < 0 ? -errno : (int)fd;
}

int workspace_open(const char *path, struct workspace *ret_workspace, struct err *err)
{
        const char *wanted = path ? path : ".";
        _cleanup_(freep) char *resolved = realpath(wanted, NULL);
        int fd;

        if (!resolved)
                return err_errno(err, -errno, "opening the workspace '%s'", wanted);
        fd = open(resolved, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return err_errno(err, -errno, "opening the workspace '%s'", resolved);
        *ret_workspace = (struct workspace){.path = take_ptr(resolved), .fd = fd};
        return 0;
}

void workspace_done(struct workspace *w)
{
        if (!w->path)
                return;
        free(w->path);
        close(w->fd);
        *w = (struct workspace){.fd = -1};
}

int workspace_read(const struct workspace *w, const char *path, size_t max, struct str *ret_content)
{
        _cleanup_(closep) int fd = open_beneath(w, path, O_RDONLY | O_NOCTTY | O_NONBLOCK);
        _cleanup_(str_done) struct str content = {.max = max};
        char buffer[4096];
        ssize_t n;

        if (fd < 0)
                return fd;
        while ((n = read(fd, buffer, sizeof(buffer))) != 0) {
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                str_append_bytes(&content, buffer, (size_t)n);
                if (content.overflow)
                        return -EFBIG;
        }
        *ret_content = content;
        content = (struct str){};
        return 0;
}

enum lu_kind workspace_kind(const struct workspace *w, const char *path)
{
        _cleanup_(closep) int fd = open_beneath(w, path, O_PATH | O_NOFOLLOW);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return LU_KIND_ABSENT;
        if (S_ISDIR(st.st_mode))
                return LU_KIND_DIRECTORY;
        return S_ISLNK(st.st_mode) ? LU_KIND_SYMLINK : LU_KIND_FILE;
}

int workspace_relative(const struct workspace *w, const char *path, char **ret_path)
{
        if (path[0] != '/')
                return path_join_clean("", path, ret_path);
        if (path_is_below(path, w->path))
                return path_join_clean("", path_below(path, w->path), ret_path);
        return -ERANGE;
}

int workspace_load_ignores(const struct workspace *w, struct lu_rules *rules, struct err *err)
{
        int result = 0;

        for (size_t i = 0; i < lu_rules_n_ignore_files(rules); i++) {
                _cleanup_(freep) char *path = lu_rules_ignore_file(rules, i);
                _cleanup_(str_done) struct str content = {};
                int r = workspace_read(w, path, LIMIT_IGNORE_FILE, &content);

                if (r < 0 && r != -ENOENT && r != -ENOTDIR) {
                        result = err_errno(err, r, "reading '%s'", path);
                        continue;
                }
                r = lu_rules_set_ignore_file(rules, i, r < 0 ? NULL : str_text(&content), err);
                if (r < 0)
                        result = err_wrap(err, r, "reading '%s'", path);
        }
        return result;
}
