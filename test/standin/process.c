/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/process.h"

/*
 * The pid namespace of a child is that of the parent's nsproxy at the fork: it is set for the
 * moment of the fork (unshare() for a new container, setns() to join one) and set back. So the
 * child's parent is this program, and its exit status needs nobody in between.
 *
 * A process is freed when it has exited, was released by its owner, and its handles are closed.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "base/str.h"
#include "test/standin/child.h"

#define N_STREAMS 3

struct process {
        struct processes *all;
        struct process *next, **previous; /* in all->first */
        const struct process_events *events;
        void *user;
        pid_t pid; /* 0: reaped */
        uv_pipe_t pipes[N_STREAMS];
        bool open[N_STREAMS];  /* the handle is in use */
        bool ended[N_STREAMS]; /* its end was told */
        bool tty;
        bool paused;
        bool broken_stdin; /* EPIPE: what comes is dropped */
        bool released;
        unsigned n_closing;
        size_t n_writing; /* bytes */
        bool close_stdin_later;
};

struct stdin_write {
        uv_write_t req;
        struct process *process;
        size_t len;
        char data[];
};

static void try_free(struct process *p)
{
        if (p->pid != 0 || !p->released || p->n_closing > 0)
                return;
        for (int i = 0; i < N_STREAMS; i++)
                if (p->open[i])
                        return;
        *p->previous = p->next;
        if (p->next)
                p->next->previous = p->previous;
        free(p);
}

static void on_pipe_closed(uv_handle_t *handle)
{
        struct process *p = handle->data;

        p->n_closing--;
        try_free(p);
}

static void close_stream(struct process *p, int stream)
{
        if (!p->open[stream])
                return;
        p->open[stream] = false;
        p->n_closing++;
        uv_close((uv_handle_t *)&p->pipes[stream], on_pipe_closed);
}

/* With a terminal, stdin goes to the handle that stdout comes from. */
static int stdin_index(const struct process *p)
{
        return p->tty ? STREAM_STDOUT : STREAM_STDIN;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
        static char buffer[32768]; /* one thread, used within one callback */

        *buf = uv_buf_init(buffer, sizeof(buffer));
}

static void end_stream(struct process *p, int stream)
{
        close_stream(p, stream);
        if (p->ended[stream])
                return;
        p->ended[stream] = true;
        if (!p->released)
                p->events->output_end(p->user, (enum process_stream)stream);
}

static void on_read(uv_stream_t *handle, ssize_t n, const uv_buf_t *buf)
{
        struct process *p = handle->data;
        int stream = (int)((uv_pipe_t *)handle - p->pipes);

        /* A terminal whose last user has gone reads as EIO. */
        if (n < 0)
                end_stream(p, stream);
        else if (n > 0 && !p->released)
                p->events->output(p->user, (enum process_stream)stream, buf->base, (size_t)n);
}

static void update_reading(struct process *p)
{
        for (int i = STREAM_STDOUT; i < N_STREAMS; i++) {
                if (!p->open[i])
                        continue;
                if (p->paused)
                        uv_read_stop((uv_stream_t *)&p->pipes[i]);
                else
                        uv_read_start((uv_stream_t *)&p->pipes[i], on_alloc, on_read);
        }
}

void process_pause(struct process *p, bool paused)
{
        if (p->paused == paused || p->released)
                return;
        p->paused = paused;
        update_reading(p);
}

/* Pairs: the parent's end, the child's end. -1: none. */
struct streams {
        int ours[N_STREAMS];
        int theirs[N_STREAMS];
};

static void streams_done(struct streams *s)
{
        for (int i = 0; i < N_STREAMS; i++) {
                closep(&s->ours[i]);
                if (i == 0 || s->theirs[i] != s->theirs[i - 1])
                        closep(&s->theirs[i]);
        }
}

static int open_terminal(struct streams *s, struct err *err)
{
        int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;
        char name[64];

        if (master < 0)
                return err_errno(err, -errno, "opening a terminal");
        s->ours[STREAM_STDOUT] = master;
        if (grantpt(master) < 0 || unlockpt(master) < 0 ||
            ptsname_r(master, name, sizeof(name)) != 0)
                return err_errno(err, -errno, "unlocking a terminal");
        slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (slave < 0)
                return err_errno(err, -errno, "opening %s", name);
        s->theirs[0] = s->theirs[1] = s->theirs[2] = slave;
        return 0;
}

static int open_one(struct streams *s, int i, bool wanted, struct err *err)
{
        int ends[2];

        if (!wanted) {
                s->theirs[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
                return s->theirs[i] < 0 ? err_errno(err, -errno, "opening /dev/null") : 0;
        }
        if (pipe2(ends, O_CLOEXEC) < 0)
                return err_errno(err, -errno, "making a pipe");
        s->ours[i] = ends[i == STREAM_STDIN];
        s->theirs[i] = ends[i != STREAM_STDIN];
        return 0;
}

static int open_streams(const struct process_params *params, struct streams *s, struct err *err)
{
        int r;

        if (params->tty)
                return open_terminal(s, err);
        r = open_one(s, STREAM_STDIN, params->stdin_open, err);
        if (r == 0)
                r = open_one(s, STREAM_STDOUT, params->stdout_open, err);
        return r < 0 ? r : open_one(s, STREAM_STDERR, params->stderr_open, err);
}

static int open_namespace(pid_t pid, const char *name, struct err *err)
{
        _cleanup_(freep) char *path = xasprintf("/proc/%d/ns/%s", (int)pid, name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        return fd < 0 ? err_errno(err, -errno, "opening %s", path) : fd;
}

/* Forks with the right pid namespace for the child. Returns as fork() does, or a negative errno. */
static pid_t fork_in_namespace(struct processes *all, const struct process_params *params,
                               struct err *err)
{
        pid_t of = params->root ? params->join_pids : params->join, pid;
        _cleanup_(closep) int fd = -1;

        if (of > 0) {
                fd = open_namespace(of, "pid", err);
                if (fd < 0)
                        return fd;
        }
        if ((of > 0 ? setns(fd, CLONE_NEWPID) : unshare(CLONE_NEWPID)) < 0)
                return err_errno(err, -errno, "entering a process namespace");
        pid = fork();
        if (pid == 0)
                return 0;
        if (pid < 0)
                pid = err_errno(err, -errno, "forking");
        if (setns(all->own_pid_namespace, CLONE_NEWPID) < 0)
                abort();
        return pid;
}

/* Waits for the exec or its failure. */
static int read_report(int fd, const struct process_params *params, struct err *err)
{
        struct child_report report;
        ssize_t n = read(fd, &report, sizeof(report));
        _cleanup_(freep) char *program = printable(params->argv->items[0]);

        if (n == 0)
                return 0;
        if (n != sizeof(report))
                return err_set(err, -EIO, "the child process failed before exec");
        if (report.stage != CHILD_EXEC) {
                err_errno(err, -report.error, "unable to start container process: %s",
                          child_stage_text(report.stage));
                return -EIO;
        }
        if (report.error == ENOENT && !strchr(program, '/'))
                return err_set(err, -ENOENT,
                               "unable to start container process: exec: \"%s\": executable file "
                               "not found in $PATH",
                               program);
        return err_errno(err, -report.error, "unable to start container process: exec: \"%s\"",
                         program);
}

static int open_root(pid_t pid, struct err *err)
{
        _cleanup_(freep) char *path = xasprintf("/proc/%d/root", (int)pid);
        int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? err_errno(err, -errno, "opening %s", path) : fd;
}

static pid_t fork_child(struct processes *all, const struct process_params *params,
                        const struct streams *streams, struct err *err)
{
        _cleanup_(closep) int mount_ns = -1;
        _cleanup_(closep) int host_ns = -1;
        _cleanup_(closep) int root = -1;
        _cleanup_(closep) int report_in = -1;
        _cleanup_(closep) int report_out = -1;
        int ends[2], r;
        pid_t pid;

        if (params->join > 0) {
                mount_ns = open_namespace(params->join, "mnt", err);
                host_ns = mount_ns < 0 ? -1 : open_namespace(params->join, "uts", err);
                root = host_ns < 0 ? -1 : open_root(params->join, err);
                if (root < 0)
                        return -ESRCH;
        }
        if (pipe2(ends, O_CLOEXEC) < 0)
                return err_errno(err, -errno, "making a pipe");
        report_in = ends[0];
        report_out = ends[1];
        pid = fork_in_namespace(all, params, err);
        if (pid == 0)
                child_run(&(struct child){
                        .params = params,
                        .fds = {streams->theirs[0], streams->theirs[1], streams->theirs[2]},
                        .report = report_out,
                        .mount_namespace = mount_ns,
                        .host_namespace = host_ns,
                        .root = root});
        if (pid < 0)
                return pid;
        close(report_out);
        report_out = -1;
        r = read_report(report_in, params, err);
        if (r < 0) {
                waitpid(pid, NULL, 0);
                return r;
        }
        return pid;
}

static void adopt_streams(struct process *p, struct streams *s)
{
        for (int i = 0; i < N_STREAMS; i++) {
                if (s->ours[i] < 0)
                        continue;
                uv_pipe_init(p->all->loop, &p->pipes[i], 0);
                p->pipes[i].data = p;
                uv_pipe_open(&p->pipes[i], s->ours[i]);
                s->ours[i] = -1;
                p->open[i] = true;
        }
        for (int i = STREAM_STDOUT; i < N_STREAMS; i++)
                p->ended[i] = !p->open[i];
        update_reading(p);
}

int process_start(struct processes *all, const struct process_params *params,
                  const struct process_events *events, void *user, struct process **ret_process,
                  struct err *err)
{
        _cleanup_(streams_done) struct streams streams = {{-1, -1, -1}, {-1, -1, -1}};
        struct process *p;
        int r = open_streams(params, &streams, err);
        pid_t pid;

        if (r < 0)
                return r;
        pid = fork_child(all, params, &streams, err);
        if (pid < 0)
                return pid;
        p = xcalloc(1, sizeof(*p));
        p->all = all;
        p->pid = pid;
        p->events = events;
        p->user = user;
        p->tty = params->tty;
        p->next = all->first;
        if (p->next)
                p->next->previous = &p->next;
        p->previous = &all->first;
        all->first = p;
        adopt_streams(p, &streams);
        *ret_process = p;
        return 0;
}

pid_t process_pid(const struct process *p)
{
        return p->pid;
}

static void on_stdin_written(uv_write_t *req, int status)
{
        struct stdin_write *w = container_of(req, struct stdin_write, req);
        struct process *p = w->process;

        p->n_writing -= w->len;
        free(w);
        if (status < 0)
                p->broken_stdin = true;
        if (p->n_writing > 0 || status == UV_ECANCELED)
                return;
        if (p->close_stdin_later)
                close_stream(p, STREAM_STDIN);
        if (!p->released)
                p->events->stdin_drained(p->user);
}

void process_write(struct process *p, const char *bytes, size_t len)
{
        int i = stdin_index(p);
        struct stdin_write *w;
        uv_buf_t buf;

        if (!p->open[i] || p->broken_stdin || p->close_stdin_later || len == 0)
                return;
        w = xmalloc(sizeof(*w) + len);
        w->process = p;
        w->len = len;
        memcpy(w->data, bytes, len);
        buf = uv_buf_init(w->data, (unsigned int)len);
        p->n_writing += len;
        if (uv_write(&w->req, (uv_stream_t *)&p->pipes[i], &buf, 1, on_stdin_written) < 0) {
                p->n_writing -= len;
                p->broken_stdin = true;
                free(w);
        }
}

bool process_stdin_full(const struct process *p)
{
        return p->n_writing > 0;
}

void process_close_stdin(struct process *p)
{
        static const char end_of_transmission = 4;

        if (p->tty) {
                process_write(p, &end_of_transmission, 1);
                return;
        }
        p->close_stdin_later = true;
        if (p->n_writing == 0)
                close_stream(p, STREAM_STDIN);
}

void process_signal(struct process *p, int signal)
{
        if (p->pid > 0)
                kill(p->pid, signal);
}

void process_resize(struct process *p, unsigned width, unsigned height)
{
        struct winsize size = {.ws_col = (unsigned short)width, .ws_row = (unsigned short)height};
        uv_os_fd_t fd;

        if (p->tty && p->open[STREAM_STDOUT] &&
            uv_fileno((uv_handle_t *)&p->pipes[STREAM_STDOUT], &fd) == 0)
                ioctl(fd, TIOCSWINSZ, &size);
}

void process_release(struct process *p)
{
        bool was_paused = p->paused;

        if (p->released)
                return;
        if (!was_paused)
                process_pause(p, true);
        p->released = true;
        process_close_stdin(p);
        if (p->pid == 0)
                for (int i = 0; i < N_STREAMS; i++)
                        close_stream(p, i);
        try_free(p);
}

static void reaped(struct process *p, int status)
{
        int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);

        p->pid = 0;
        close_stream(p, STREAM_STDIN);
        if (!p->released) {
                p->events->exited(p->user, code);
                return;
        }
        for (int i = 0; i < N_STREAMS; i++)
                close_stream(p, i);
        try_free(p);
}

static void on_child(uv_signal_t *signal, int signum)
{
        struct processes *all = signal->data;
        int status;
        pid_t pid;

        while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
                struct process *p = all->first;

                while (p && p->pid != pid)
                        p = p->next;
                if (p)
                        reaped(p, status);
        }
}

int processes_init(struct processes *all, uv_loop_t *loop, struct err *err)
{
        all->loop = loop;
        all->own_pid_namespace = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
        if (all->own_pid_namespace < 0)
                return err_errno(err, -errno, "opening /proc/self/ns/pid");
        uv_signal_init(loop, &all->child);
        all->child.data = all;
        return uv_signal_start(&all->child, on_child, SIGCHLD);
}

void processes_done(struct processes *all)
{
        struct process *next;

        uv_close((uv_handle_t *)&all->child, NULL);
        for (struct process *p = all->first; p; p = next) {
                next = p->next;
                if (p->pid > 0) {
                        kill(p->pid, SIGKILL);
                        waitpid(p->pid, NULL, 0);
                        p->pid = 0;
                }
                p->released = true;
                for (int i = 0; i < N_STREAMS; i++)
                        close_stream(p, i);
                try_free(p);
        }
        closep(&all->own_pid_namespace);
}
