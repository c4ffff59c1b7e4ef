/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/child.h"

/*
 * Only system calls and the stack are used here. The pid namespace is already the container's: the
 * parent arranged it before the fork. A new container gets its root with pivot_root() where that is
 * possible; who joins it later changes to its first process' root, which /proc/PID/root shows from
 * outside.
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/str.h"

const char *child_stage_text(enum child_stage stage)
{
        static const char *const texts[] = {
                [CHILD_NAMESPACES] = "entering namespaces",
                [CHILD_ROOT] = "changing the root",
                [CHILD_MOUNTS] = "mounting",
                [CHILD_IDENTITY] = "setting user and group",
                [CHILD_CWD] = "changing to the working directory",
                [CHILD_EXEC] = "exec",
        };

        return texts[stage];
}

static _noreturn_ void fail(const struct child *c, enum child_stage stage)
{
        struct child_report report = {.stage = stage, .error = errno};
        ssize_t n = write(c->report, &report, sizeof(report));

        _exit(n == sizeof(report) ? 127 : 126);
}

/* Signals and the like as a fresh process has them. */
static void reset_signals(void)
{
        struct sigaction standard = {.sa_handler = SIG_DFL};
        sigset_t none;

        for (int i = 1; i < NSIG; i++)
                sigaction(i, &standard, NULL);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
}

static void join(const struct child *c)
{
        if (setns(c->mount_namespace, CLONE_NEWNS) < 0 ||
            setns(c->host_namespace, CLONE_NEWUTS) < 0)
                fail(c, CHILD_NAMESPACES);
        if (fchdir(c->root) < 0 || chroot(".") < 0)
                fail(c, CHILD_ROOT);
}

static int bind_mount(const char *source, const char *root, const char *target, bool read_only)
{
        char path[4096];

        snprintf(path, sizeof(path), "%s%s", root, target);
        if (mount(source, path, NULL, MS_BIND | MS_REC, NULL) < 0)
                return -1;
        return read_only ? mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) : 0;
}

static void mount_all(const struct child *c)
{
        static const char *const nodes[] = {"/dev/null",   "/dev/zero",    "/dev/full",
                                            "/dev/random", "/dev/urandom", "/dev/tty"};
        const struct process_params *p = c->params;
        char proc[4096];

        snprintf(proc, sizeof(proc), "%s/proc", p->root);
        if (mount("proc", proc, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
                fail(c, CHILD_MOUNTS);
        for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
                if (access(nodes[i], F_OK) == 0 &&
                    bind_mount(nodes[i], p->root, nodes[i], false) < 0)
                        fail(c, CHILD_MOUNTS);
        for (size_t i = 0; i < p->n_mounts; i++)
                if (bind_mount(p->mounts[i].source, p->root, p->mounts[i].target,
                               p->mounts[i].read_only) < 0)
                        fail(c, CHILD_MOUNTS);
}

/* The working directory becomes the root. In a chroot the kernel refuses pivot_root(). */
static int change_root(void)
{
        if (syscall(SYS_pivot_root, ".", ".") == 0)
                return umount2(".", MNT_DETACH);
        return errno == EINVAL ? chroot(".") : -1;
}

static void begin_container(const struct child *c)
{
        const struct process_params *p = c->params;

        if (unshare(CLONE_NEWNS | CLONE_NEWUTS) < 0 ||
            sethostname(p->hostname, strlen(p->hostname)) < 0)
                fail(c, CHILD_NAMESPACES);
        /* EINVAL: in a chroot, see chroot.c */
        if ((mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 && errno != EINVAL) ||
            mount(p->root, p->root, NULL, MS_BIND | MS_REC, NULL) < 0)
                fail(c, CHILD_ROOT);
        mount_all(c);
        if (chdir(p->root) < 0 || change_root() < 0 || chdir("/") < 0)
                fail(c, CHILD_ROOT);
        if (p->read_only_root && mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0)
                fail(c, CHILD_ROOT);
}

static void set_streams(const struct child *c)
{
        setsid();
        for (int i = 0; i < 3; i++)
                if (dup2(c->fds[i], i) < 0)
                        fail(c, CHILD_IDENTITY);
        if (c->params->tty && ioctl(0, TIOCSCTTY, 0) < 0)
                fail(c, CHILD_IDENTITY);
}

static void set_identity(const struct child *c)
{
        const struct process_params *p = c->params;

        umask(022);
        /* A user namespace of one id forbids setgroups(); there is then nothing to drop. */
        if (setgroups(0, NULL) < 0 && errno != EPERM)
                fail(c, CHILD_IDENTITY);
        if (setgid(p->gid) < 0 || setuid(p->uid) < 0)
                fail(c, CHILD_IDENTITY);
        if (p->root)
                prctl(PR_SET_PDEATHSIG, SIGKILL);
        prctl(PR_SET_DUMPABLE, 1);
}

static const char *search_path(const struct strv *env)
{
        for (size_t i = 0; i < env->n_items; i++)
                if (starts_with(env->items[i], "PATH="))
                        return env->items[i] + 5;
        return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

static void execute(const struct child *c)
{
        char **argv = c->params->argv->items, **env = c->params->env->items;
        const char *dir = search_path(c->params->env);
        int error = ENOENT;
        char path[4096];

        if (strchr(argv[0], '/')) {
                execve(argv[0], argv, env);
                return;
        }
        while (*dir) {
                size_t len = strcspn(dir, ":");

                snprintf(path, sizeof(path), "%.*s/%s", (int)len, dir, argv[0]);
                execve(path, argv, env);
                if (errno != ENOENT && errno != ENOTDIR)
                        error = errno;
                dir += len + (dir[len] == ':');
        }
        errno = error;
}

void child_run(const struct child *c)
{
        const char *cwd = c->params->cwd;

        reset_signals();
        if (c->params->root)
                begin_container(c);
        else
                join(c);
        set_streams(c);
        set_identity(c);
        if (cwd && *cwd && chdir(cwd) < 0)
                fail(c, CHILD_CWD);
        execute(c);
        fail(c, CHILD_EXEC);
}
