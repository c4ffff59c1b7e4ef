/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/image.h"

/*
 * A built-in image is assembled in a directory beside its final name and renamed, so that one which
 * is there is whole. Which libraries a program needs is asked of ldd.
 */

#include <errno.h>
#include <openssl/sha.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/strv.h"
#include "test/standin/jx.h"
#include "test/standin/tree.h"

#define STAY "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait $!; done"

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/app:/bin/sh\n";
static const char group[] = "root:x:0:\napp:x:1000:\n";

static int make_skeleton(const char *dir, struct err *err)
{
        static const char *const dirs[] = {"bin", "sbin", "usr/bin", "etc",     "tmp",
                                           "app", "root", "var/tmp", "var/log", "home"};
        _cleanup_(freep) char *etc_passwd = xasprintf("%s/etc/passwd", dir);
        _cleanup_(freep) char *etc_group = xasprintf("%s/etc/group", dir);
        _cleanup_(freep) char *app = xasprintf("%s/app", dir);
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(dirs) && r == 0; i++) {
                _cleanup_(freep) char *path = xasprintf("%s/%s", dir, dirs[i]);

                r = tree_make_dirs(path, err);
                if (r == 0 && ends_with(dirs[i], "tmp") && chmod(path, 01777) < 0)
                        r = err_errno(err, -errno, "changing the mode of %s", path);
        }
        if (r == 0)
                r = tree_write_file(etc_passwd, passwd, 0644, err);
        if (r == 0)
                r = tree_write_file(etc_group, group, 0644, err);
        if (r == 0 && chown(app, 1000, 1000) < 0 && errno != EPERM && errno != EINVAL)
                r = err_errno(err, -errno, "changing the owner of %s", app);
        return r;
}

/* Runs a program of this machine and returns its output's lines. */
static int lines_of(const char *command, struct strv *lines, struct err *err)
{
        FILE *pipe = popen(command, "re");
        _cleanup_(freep) char *line = NULL;
        size_t capacity = 0;
        ssize_t n;

        if (!pipe)
                return err_errno(err, -errno, "running %s", command);
        while ((n = getline(&line, &capacity, pipe)) > 0) {
                if (line[n - 1] == '\n')
                        line[n - 1] = '\0';
                strv_push(lines, line);
        }
        return pclose(pipe) == 0 ? 0 : err_set(err, -EIO, "%s failed", command);
}

static int make_busybox(const char *dir, struct err *err)
{
        _cleanup_(strv_done) struct strv applets = {};
        _cleanup_(freep) char *program = xasprintf("%s/bin/busybox", dir);
        int r = tree_copy_file("/bin/busybox", program, err);

        if (r == 0)
                r = lines_of("/bin/busybox --list", &applets, err);
        for (size_t i = 0; i < applets.n_items && r == 0; i++) {
                _cleanup_(freep) char *link = xasprintf("%s/bin/%s", dir, applets.items[i]);

                if (!streq(applets.items[i], "busybox") && symlink("busybox", link) < 0)
                        r = err_errno(err, -errno, "linking %s", link);
        }
        return r;
}

/* Copies @path to the same place below @dir, unless it is there. */
static int copy_to_same_place(const char *dir, const char *path, struct err *err)
{
        _cleanup_(freep) char *to = xasprintf("%s%s", dir, path);
        _cleanup_(freep) char *parent = xstrndup(to, (size_t)(strrchr(to, '/') - to));
        int r;

        if (access(to, F_OK) == 0)
                return 0;
        r = tree_make_dirs(parent, err);
        return r < 0 ? r : tree_copy_file(path, to, err);
}

static int copy_libraries(const char *dir, const char *program, struct err *err)
{
        _cleanup_(freep) char *command = xasprintf("ldd %s", program);
        _cleanup_(strv_done) struct strv lines = {};
        int r = lines_of(command, &lines, err);

        for (size_t i = 0; i < lines.n_items && r == 0; i++) {
                const char *path = strchr(lines.items[i], '/');
                _cleanup_(freep) char *clean = path ? xstrndup(path, strcspn(path, " ")) : NULL;

                if (clean)
                        r = copy_to_same_place(dir, clean, err);
        }
        return r;
}

static int make_debian_tar(const char *dir, struct err *err)
{
        static const char *const programs[] = {
                "tar",  "dash",  "cat",   "ls",     "mkdir",     "rm",       "rmdir",   "mv",
                "cp",   "chmod", "chown", "stat",   "head",      "tail",     "sleep",   "touch",
                "ln",   "env",   "id",    "dd",     "sha256sum", "sort",     "wc",      "tee",
                "true", "false", "date",  "mktemp", "readlink",  "basename", "dirname", "printf",
                "echo", "seq",   "tr",    "cut",    "test",      "find",     "grep",    "sync",
        };
        _cleanup_(freep) char *sh = xasprintf("%s/bin/sh", dir);
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(programs) && r == 0; i++) {
                _cleanup_(freep) char *from = xasprintf("/bin/%s", programs[i]);
                _cleanup_(freep) char *in_usr = xasprintf("/usr/bin/%s", programs[i]);
                _cleanup_(freep) char *to = xasprintf("%s/bin/%s", dir, programs[i]);
                const char *found = access(from, X_OK) == 0 ? from : in_usr;

                r = tree_copy_file(found, to, err);
                if (r == 0)
                        r = copy_libraries(dir, found, err);
        }
        if (r == 0 && symlink("dash", sh) < 0)
                r = err_errno(err, -errno, "linking %s", sh);
        return r;
}

static const struct {
        const char *reference;
        int (*make)(const char *dir, struct err *err);
} builtin[] = {
        {"localhost/busybox:1", make_busybox},
        {"localhost/debian-tar:1", make_debian_tar},
};

static int make_builtin(size_t i, const char *dir, struct err *err)
{
        _cleanup_(freep) char *partial = xasprintf("%s.partial", dir);
        int r;

        tree_remove(partial);
        r = make_skeleton(partial, err);
        if (r == 0)
                r = builtin[i].make(partial, err);
        if (r == 0 && rename(partial, dir) < 0)
                r = err_errno(err, -errno, "renaming %s", partial);
        return r;
}

/* "a/b:1" becomes "a%2Fb:1"; a missing tag is "latest". */
static char *file_name(const char *reference)
{
        const char *last = strrchr(reference, '/');
        struct str s = {};

        for (const char *p = reference; *p; p++)
                str_append(&s, *p == '/' ? "%2F" : (char[]){*p, '\0'});
        if (!strchr(last ? last : reference, ':'))
                str_append(&s, ":latest");
        return str_take(&s);
}

static char *id_of(const char *reference)
{
        const char *last = strrchr(reference, '/');
        const char *tag = strchr(last ? last : reference, ':');
        unsigned char digest[SHA256_DIGEST_LENGTH];
        struct str s = {};

        SHA256((const unsigned char *)reference, strlen(reference), digest);
        str_append_bytes(&s, reference, tag ? (size_t)(tag - reference) : strlen(reference));
        str_append(&s, "@sha256:");
        for (size_t i = 0; i < sizeof(digest); i++)
                str_appendf(&s, "%02x", digest[i]);
        return str_take(&s);
}

static json_t *read_config(const char *dir)
{
        _cleanup_(freep) char *path = xasprintf("%s.json", dir);
        json_t *config = json_load_file(path, 0, NULL);

        return config ? config : json_pack("{s:[s, s, s]}", "command", "/bin/sh", "-c", STAY);
}

static int find_dir(const struct images *images, const char *reference, char **ret_dir,
                    struct err *err)
{
        _cleanup_(freep) char *name = file_name(reference);
        _cleanup_(freep) char *dir = NULL;
        int r = -ENOENT;

        if (images->images_dir) {
                dir = xasprintf("%s/%s", images->images_dir, name);
                r = access(dir, F_OK) == 0 ? 0 : -ENOENT;
        }
        for (size_t i = 0; i < ARRAY_SIZE(builtin) && r == -ENOENT; i++) {
                if (!streq(builtin[i].reference, reference))
                        continue;
                free(dir);
                dir = xasprintf("%s/images/%s", images->state_dir, name);
                r = access(dir, F_OK) == 0 ? 0 : make_builtin(i, dir, err);
                if (r < 0)
                        return r == -ENOENT ? -EIO : r;
        }
        if (r < 0)
                return err_set(err, r, "failed to pull and unpack image \"%s\": not found",
                               reference);
        *ret_dir = take_ptr(dir);
        return 0;
}

int image_find(const struct images *images, const char *reference, struct image *ret_image,
               struct err *err)
{
        char *dir = NULL;
        int r = find_dir(images, reference, &dir, err);

        if (r < 0)
                return r;
        *ret_image = (struct image){.dir = dir, .config = read_config(dir), .id = id_of(reference)};
        return 0;
}

void image_done(struct image *image)
{
        free(image->dir);
        free(image->id);
        json_decref(image->config);
        *image = (struct image){};
}

/* Mount points, and links that programs expect. */
static int add_dev(const char *root, struct err *err)
{
        static const char *const nodes[] = {"null", "zero", "full", "random", "urandom", "tty"};
        static const char *const links[][2] = {{"fd", "/proc/self/fd"},
                                               {"stdin", "/proc/self/fd/0"},
                                               {"stdout", "/proc/self/fd/1"},
                                               {"stderr", "/proc/self/fd/2"}};
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(nodes) && r == 0; i++) {
                _cleanup_(freep) char *path = xasprintf("%s/dev/%s", root, nodes[i]);

                r = tree_write_file(path, "", 0666, err);
        }
        for (size_t i = 0; i < ARRAY_SIZE(links) && r == 0; i++) {
                _cleanup_(freep) char *path = xasprintf("%s/dev/%s", root, links[i][0]);

                if (symlink(links[i][1], path) < 0 && errno != EEXIST)
                        r = err_errno(err, -errno, "linking %s", path);
        }
        return r;
}

int image_unpack(const struct image *image, const char *root, struct err *err)
{
        static const char *const dirs[] = {"dev", "proc", "sys", "tmp"};
        int r = tree_copy(image->dir, root, err);

        for (size_t i = 0; i < ARRAY_SIZE(dirs) && r == 0; i++) {
                _cleanup_(freep) char *path = xasprintf("%s/%s", root, dirs[i]);

                r = tree_make_dirs(path, err);
                if (r == 0 && streq(dirs[i], "tmp") && chmod(path, 01777) < 0)
                        r = err_errno(err, -errno, "changing the mode of %s", path);
        }
        return r < 0 ? r : add_dev(root, err);
}
