/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/chroot.h"

/*
 * How mounts spread is a property of a mount, and it is set by naming the directory at its top.
 * From within a chroot nobody can name that directory. But joining a mount namespace, even one's
 * own, begins at its true root: there it is said, and the way back is a descriptor.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/mem.h"

static bool root_is_mount_point(void)
{
        struct statx stx;

        if (statx(AT_FDCWD, "/", 0, 0, &stx) < 0)
                return true;
        return stx.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

int chroot_isolate(struct err *err)
{
        _cleanup_(closep) int root = -1;
        _cleanup_(closep) int cwd = -1;
        _cleanup_(closep) int self = -1;

        if (root_is_mount_point())
                return 0;
        if (unshare(CLONE_NEWNS) < 0)
                return err_errno(err, -errno, "making a mount namespace");
        root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        self = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
        if (root < 0 || cwd < 0 || self < 0)
                return err_errno(err, -errno,
                                 "opening the root and /proc/self/ns/mnt (is /proc mounted?)");
        if (setns(self, CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            fchdir(root) < 0 || chroot(".") < 0 || fchdir(cwd) < 0)
                return err_errno(err, -errno, "keeping mounts from those outside of the chroot");
        return 0;
}
