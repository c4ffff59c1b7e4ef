/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/source.h"

/*
 * A file is whole when its size and its time of modification are the same before and after it was
 * read. O_NONBLOCK is for a FIFO that took the file's place: opening it must not wait for a writer.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

#define TARGET_MAX ((size_t)4096)

static int open_beneath(int workspace_fd, const char *path, unsigned flags)
{
        struct open_how how = {
                .flags = flags | O_CLOEXEC | O_NOFOLLOW,
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
        };

        /* EAGAIN: something on the way was renamed meanwhile (openat2(2)). */
        for (unsigned i = 0; i < 16; i++) {
                long fd = syscall(SYS_openat2, workspace_fd, path, &how, sizeof(how));

                if (fd >= 0)
                        return (int)fd;
                if (errno != EAGAIN && errno != EINTR)
                        break;
        }
        switch (errno) {
        case ELOOP:   /* a symlink */
        case ENOTDIR: /* a directory on the way is none any more */
        case EXDEV:   /* leads out */
        case ENXIO:   /* a socket */
                return -ENOENT;
        default:
                return -errno;
        }
}

int source_open(int workspace_fd, const char *path, int *ret_fd, struct stat *ret_st)
{
        _cleanup_(closep) int fd = open_beneath(workspace_fd, path, O_RDONLY | O_NONBLOCK);
        struct stat st;

        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -ENOENT;
        *ret_fd = fd;
        *ret_st = st;
        fd = -1;
        return 0;
}

int source_readlink(int workspace_fd, const char *path, char **ret_target)
{
        _cleanup_(closep) int fd = open_beneath(workspace_fd, path, O_PATH);
        char target[TARGET_MAX];
        ssize_t n;

        if (fd < 0)
                return fd;
        n = readlinkat(fd, "", target, sizeof(target));
        if (n < 0)
                return errno == EINVAL || errno == ENOENT ? -ENOENT : -errno;
        if ((size_t)n == sizeof(target))
                return -ENAMETOOLONG;
        *ret_target = xstrndup(target, (size_t)n);
        return 0;
}

static bool same_content(const struct stat *a, const struct stat *b)
{
        return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
               a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

bool source_unchanged(int fd, const struct stat *st)
{
        struct stat now = *st;

        return fstat(fd, &now) == 0 && same_content(st, &now);
}

/* Reads up to @size bytes; how many there were. */
static ssize_t read_content(int fd, char *data, size_t size)
{
        size_t done = 0;

        while (done < size) {
                ssize_t n = pread(fd, data + done, size - done, (off_t)done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                done += (size_t)n;
        }
        return (ssize_t)done;
}

int source_read(int fd, struct stat *st, struct str *out)
{
        size_t size = (size_t)st->st_size;
        struct stat now = *st;
        ssize_t n;

        if (!str_reserve(out, size))
                return -EFBIG;
        n = read_content(fd, out->data + out->len, size);
        if (n >= 0 && fstat(fd, &now) < 0)
                n = -errno;
        if (n == (ssize_t)size && same_content(st, &now))
                out->len += size;
        else if (n >= 0)
                n = -EAGAIN;
        out->data[out->len] = '\0';
        if (n == -EAGAIN)
                *st = now;
        return n < 0 ? (int)n : 0;
}
