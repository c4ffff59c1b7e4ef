/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/tree.h"

/*
 * Roots of containers are real copies, not links: what a container writes must never show in the
 * image. sendfile() copies within the kernel, and from one file system to another as well (the
 * state is often below a tmpfs), which copy_file_range() does not.
 */

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/str.h"

int tree_copy_file(const char *from, const char *to, struct err *err)
{
        _cleanup_(closep) int in = open(from, O_RDONLY | O_CLOEXEC);
        _cleanup_(closep) int out = -1;
        struct stat st;
        ssize_t n;

        if (in < 0 || fstat(in, &st) < 0)
                return err_errno(err, -errno, "opening %s", from);
        out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (out < 0)
                return err_errno(err, -errno, "creating %s", to);
        do
                n = sendfile(out, in, NULL, (size_t)1 << 30);
        while (n > 0);
        if (n < 0)
                return err_errno(err, -errno, "copying %s to %s", from, to);
        if (fchown(out, st.st_uid, st.st_gid) < 0 && errno != EPERM && errno != EINVAL)
                return err_errno(err, -errno, "changing the owner of %s", to);
        if (fchmod(out, st.st_mode & 07777) < 0)
                return err_errno(err, -errno, "changing the mode of %s", to);
        return 0;
}

static int copy_link(const char *from, const char *to, struct err *err)
{
        char target[4096];
        ssize_t n = readlink(from, target, sizeof(target) - 1);

        if (n < 0)
                return err_errno(err, -errno, "reading the link %s", from);
        target[n] = '\0';
        if (symlink(target, to) < 0)
                return err_errno(err, -errno, "linking %s", to);
        return 0;
}

static int copy_entry(const FTSENT *e, const char *to, struct err *err)
{
        const struct stat *st = e->fts_statp;

        switch (e->fts_info) {
        case FTS_D:
                if (mkdir(to, 0700) < 0 && errno != EEXIST)
                        return err_errno(err, -errno, "making %s", to);
                return 0;
        case FTS_DP:
                if (chown(to, st->st_uid, st->st_gid) < 0 && errno != EPERM && errno != EINVAL)
                        return err_errno(err, -errno, "changing the owner of %s", to);
                if (chmod(to, st->st_mode & 07777) < 0)
                        return err_errno(err, -errno, "changing the mode of %s", to);
                return 0;
        case FTS_F:
                return tree_copy_file(e->fts_accpath, to, err);
        case FTS_SL:
        case FTS_SLNONE:
                return copy_link(e->fts_accpath, to, err);
        default:
                return err_set(err, -EINVAL, "cannot copy %s", e->fts_path);
        }
}

static void fts_closep(FTS **fts)
{
        if (*fts)
                fts_close(*fts);
}

int tree_copy(const char *from, const char *to, struct err *err)
{
        char *roots[] = {(char *)from, NULL};
        _cleanup_(fts_closep) FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
        size_t skip = strlen(from);
        FTSENT *e;

        if (!fts)
                return err_errno(err, -errno, "reading %s", from);
        while ((e = fts_read(fts))) {
                _cleanup_(freep) char *target = xasprintf("%s%s", to, e->fts_path + skip);
                int r = copy_entry(e, target, err);

                if (r < 0)
                        return r;
        }
        return 0;
}

void tree_remove(const char *path)
{
        char *roots[] = {(char *)path, NULL};
        _cleanup_(fts_closep) FTS *fts =
                fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
        FTSENT *e;

        while (fts && (e = fts_read(fts))) {
                if (e->fts_info == FTS_D)
                        chmod(e->fts_accpath, 0700);
                else if (e->fts_info == FTS_DP)
                        rmdir(e->fts_accpath);
                else
                        unlink(e->fts_accpath);
        }
}

int tree_make_dirs(const char *path, struct err *err)
{
        for (const char *p = path + 1;; p++) {
                p += strcspn(p, "/");
                _cleanup_(freep) char *head = xstrndup(path, (size_t)(p - path));

                if (mkdir(head, 0755) < 0 && errno != EEXIST)
                        return err_errno(err, -errno, "making %s", head);
                if (!*p)
                        return 0;
        }
}

int tree_write_file(const char *path, const char *text, mode_t mode, struct err *err)
{
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
        size_t len = strlen(text);

        if (fd < 0)
                return err_errno(err, -errno, "creating %s", path);
        if (fchmod(fd, mode) < 0 || write(fd, text, len) != (ssize_t)len)
                return err_errno(err, -errno, "writing %s", path);
        return 0;
}
