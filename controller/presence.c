/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/presence.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"

/*
 * The order matters when it is looked for: first the watch above, then the attempt to open, so that
 * a workspace which appears between the two is found by the second. An event above then only means
 * "look again", whatever it says.
 */

static bool is_mount_point(int fd)
{
        struct statx st;

        return statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st) == 0 &&
               (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

int presence_init(struct presence *p, const char *path, struct err *err)
{
        _cleanup_(freep) char *resolved = realpath(path, NULL);
        int fd;

        if (!resolved)
                return err_errno(err, -errno, "opening the workspace '%s'", path);
        fd = open(resolved, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return err_errno(err, -errno, "opening the workspace '%s'", resolved);
        *p = (struct presence){.path = take_ptr(resolved), .fd = fd, .mounted = is_mount_point(fd)};
        return 0;
}

void presence_done(struct presence *p, struct notify *notify)
{
        notify_dir_drop(notify, p->above);
        presence_lose(p);
        free(p->path);
        *p = (struct presence){.fd = -1};
}

/* Cuts the last component off. False when there is none. */
static bool go_up(char *path)
{
        char *slash = strrchr(path, '/');

        if (!slash || slash[1] == '\0')
                return false;
        slash[slash == path ? 1 : 0] = '\0';
        return true;
}

void presence_guard(struct presence *p, struct notify *notify)
{
        _cleanup_(freep) char *path = xstrdup(p->path);

        notify_dir_drop(notify, p->above);
        p->above = NULL;
        while (go_up(path)) {
                _cleanup_(closep) int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
                struct notify_dir *dir;

                if (fd < 0)
                        continue;
                dir = notify_dir_new(NULL, NOTIFY_ABOVE, path_basename(path));
                if (notify_dir_watch(notify, dir, fd) == 0)
                        p->above = dir;
                else
                        notify_dir_drop(notify, dir);
                return;
        }
}

bool presence_concerns(const struct presence *p, const char *name)
{
        return p->fd < 0 || strcmp(name, path_basename(p->path)) == 0;
}

bool presence_holds(const struct presence *p)
{
        struct stat there, held;

        if (p->fd < 0 || fstat(p->fd, &held) < 0)
                return false;
        if (lstat(p->path, &there) < 0)
                return false;
        return there.st_dev == held.st_dev && there.st_ino == held.st_ino;
}

void presence_lose(struct presence *p)
{
        closep(&p->fd);
        p->fd = -1;
}

bool presence_regain(struct presence *p, struct notify *notify)
{
        int fd;

        presence_guard(p, notify);
        fd = open(p->path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return false;
        if (p->mounted && !is_mount_point(fd)) {
                close(fd);
                return false;
        }
        p->fd = fd;
        p->mounted = is_mount_point(fd);
        return true;
}
