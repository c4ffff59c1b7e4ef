/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/userns.h"

/*
 * The child is process 1 of a pid namespace that belongs to the user namespace: only so may it set
 * its children's pid namespace to and fro (process.c). When it ends, the kernel ends all it
 * started.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/mem.h"

static volatile pid_t child;

static void pass_on(int signal)
{
        if (child > 0)
                kill(child, signal);
}

/* Files of /proc want one write() of the whole. */
static int write_proc(const char *path, const char *text, struct err *err)
{
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

        if (fd < 0 || write(fd, text, strlen(text)) < 0)
                return err_errno(err, -errno, "writing %s", path);
        return 0;
}

/* The present user and group become 0. */
static int write_maps(unsigned uid, unsigned gid, struct err *err)
{
        _cleanup_(freep) char *users = xasprintf("0 %u 1\n", uid);
        _cleanup_(freep) char *groups = xasprintf("0 %u 1\n", gid);
        int r = write_proc("/proc/self/setgroups", "deny", err);

        if (r == 0)
                r = write_proc("/proc/self/uid_map", users, err);
        return r < 0 ? r : write_proc("/proc/self/gid_map", groups, err);
}

static _noreturn_ void wait_for_child(void)
{
        struct sigaction action = {.sa_handler = pass_on};
        int status;

        sigaction(SIGTERM, &action, NULL);
        sigaction(SIGINT, &action, NULL);
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
                ;
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* A fresh /proc, so that /proc/PID names what this pid namespace calls PID. */
static int mount_proc(struct err *err)
{
        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
                return err_errno(err, -errno, "mounting /proc in a user namespace");
        return 0;
}

int userns_enter(struct err *err)
{
        unsigned uid = geteuid(), gid = getegid();
        int r;

        if (uid == 0)
                return 0;
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID) < 0)
                return err_errno(err, -errno,
                                 "without root a user namespace is needed, and making one failed");
        r = write_maps(uid, gid, err);
        if (r < 0)
                return r;
        child = fork();
        if (child < 0)
                return err_errno(err, -errno, "forking");
        if (child > 0)
                wait_for_child();
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        return mount_proc(err);
}
