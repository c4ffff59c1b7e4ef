/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/controller/session.h"

#include "test/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "liveupdate/report.h"
#include "liveupdate/script.h"

#define TOKEN       "0123456789abcdef0123456789abcdef"
#define PATIENCE_MS 60000

const struct flavour flavours[] = {
        {"dash and GNU tar", {"/usr/bin/dash"}, NULL},
        {"bash and GNU tar", {"/usr/bin/bash", "--posix"}, NULL},
        {"BusyBox", {"/usr/bin/busybox", "sh"}, "busybox"},
        {"dash and bsdtar", {"/usr/bin/dash"}, "bsdtar"},
};
const size_t n_flavours = ARRAY_SIZE(flavours);

static char last_stderr[4096];
static size_t last_sent;

bool flavour_exists(const struct flavour *f)
{
        bool tools = true;

        if (f->tools && streq(f->tools, "bsdtar"))
                tools = access("/usr/bin/bsdtar", X_OK) == 0;
        if (access(f->shell[0], X_OK) == 0 && tools)
                return true;
        print_message("not on this machine: %s\n", f->name);
        return false;
}

/* ------------------------------------------------------------------ the two trees */

static char *join(const char *directory, const char *path)
{
        return xasprintf("%s%s", directory, path);
}

static void make_parents(const char *path)
{
        _cleanup_(freep) char *copy = xstrdup(path);

        for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                assert_true(mkdir(copy, 0755) == 0 || errno == EEXIST);
                *slash = '/';
        }
}

void make_file(const char *directory, const char *path, const char *content)
{
        _cleanup_(freep) char *name = join(directory, path);
        _cleanup_(closep) int fd = -1;

        make_parents(name);
        fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
}

void make_bytes(const char *directory, const char *path, size_t size, unsigned seed)
{
        _cleanup_(freep) char *name = join(directory, path);
        _cleanup_(freep) uint32_t *block = xmalloc(65536);
        _cleanup_(closep) int fd = -1;

        make_parents(name);
        fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        for (size_t done = 0, n; done < size; done += n) {
                for (size_t i = 0; i < 16384; i++)
                        block[i] = seed = seed * 1664525 + 1013904223;
                n = size - done < 65536 ? size - done : 65536;
                assert_int_equal(write(fd, block, n), (ssize_t)n);
        }
}

void make_executable(const char *directory, const char *path)
{
        _cleanup_(freep) char *name = join(directory, path);

        assert_int_equal(chmod(name, 0755), 0);
}

void make_directory(const char *directory, const char *path)
{
        _cleanup_(freep) char *name = join(directory, path);

        make_parents(name);
        assert_int_equal(mkdir(name, 0755), 0);
}

void make_symlink(const char *directory, const char *path, const char *target)
{
        _cleanup_(freep) char *name = join(directory, path);

        make_parents(name);
        assert_int_equal(symlink(target, name), 0);
}

static char *look_at_file(const char *name, const struct stat *st)
{
        char content[64] = "";
        _cleanup_(closep) int fd = open(name, O_RDONLY | O_CLOEXEC);

        assert_true(fd >= 0);
        assert_true(read(fd, content, sizeof(content) - 1) >= 0);
        return xasprintf("file %o %s", st->st_mode & 07777, content);
}

char *look(const char *directory, const char *path)
{
        _cleanup_(freep) char *name = join(directory, path);
        char target[4096] = "";
        struct stat st;

        if (lstat(name, &st) < 0)
                return xstrdup("absent");
        if (S_ISDIR(st.st_mode))
                return xstrdup("directory");
        if (S_ISREG(st.st_mode))
                return look_at_file(name, &st);
        assert_true(readlink(name, target, sizeof(target) - 1) >= 0);
        return xasprintf("link %s", target);
}

bool same_bytes(const struct fixture *f, const char *workspace_path, const char *root_path)
{
        _cleanup_(freep) char *a = join(f->workspace, workspace_path);
        _cleanup_(freep) char *b = join(f->root, root_path);
        pid_t pid = fork();
        int status;

        if (pid == 0) {
                execl("/usr/bin/cmp", "cmp", "-s", a, b, (char *)NULL);
                _exit(127);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return status == 0;
}

static const char *count_prefix;
static size_t count_found;

static int count_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        if (ftw->level > 0 && strncmp(path + ftw->base, count_prefix, strlen(count_prefix)) == 0)
                count_found++;
        return 0;
}

size_t count_names(const char *directory, const char *prefix)
{
        count_prefix = prefix;
        count_found = 0;
        assert_int_equal(nftw(directory, count_entry, 16, FTW_PHYS), 0);
        return count_found;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        return remove(path);
}

static void link_tools(struct fixture *f)
{
        static const char *const applets[] = {"sh",    "rm",    "tar",    "dd",  "mkdir", "mv",
                                              "chown", "sleep", "setsid", "cat", "echo",  "true"};
        _cleanup_(freep) char *bsdtar = xasprintf("%s/bsdtar/tar", f->tools);

        make_parents(bsdtar);
        assert_int_equal(symlink("/usr/bin/bsdtar", bsdtar), 0);
        for (size_t i = 0; i < ARRAY_SIZE(applets); i++) {
                _cleanup_(freep) char *name = xasprintf("%s/busybox/%s", f->tools, applets[i]);

                make_parents(name);
                assert_int_equal(symlink("/usr/bin/busybox", name), 0);
        }
}

void fixture_init(struct fixture *f)
{
        char base[] = "/tmp/sluice-session-XXXXXX";

        assert_non_null(mkdtemp(base));
        f->base = xstrdup(base);
        f->workspace = join(base, "/workspace");
        f->root = join(base, "/root");
        f->tools = join(base, "/tools");
        make_directory(f->workspace, "");
        make_directory(f->root, "");
        link_tools(f);
        f->workspace_fd = open(f->workspace, O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_true(f->workspace_fd >= 0);
}

void fixture_done(struct fixture *f)
{
        close(f->workspace_fd);
        assert_int_equal(nftw(f->base, remove_entry, 16, FTW_PHYS | FTW_DEPTH), 0);
        free(f->base);
        free(f->workspace);
        free(f->root);
        free(f->tools);
}

char *in_root(const struct fixture *f, const char *path)
{
        return join(f->root, path);
}

char *tools_without(const struct fixture *f, const char *without)
{
        static const char *const names[] = {"rm",    "tar", "dd",    "mkdir",  "mv",
                                            "chown", "sh",  "sleep", "setsid", "timeout"};
        _cleanup_(freep) char *directory = xasprintf("%s/only-XXXXXX", f->base);

        assert_non_null(mkdtemp(directory));
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                _cleanup_(freep) char *link = xasprintf("/%s", names[i]);
                _cleanup_(freep) char *program = xasprintf("/usr/bin/%s", names[i]);

                if (!streq(names[i], without))
                        make_symlink(directory, link, program);
        }
        return take_ptr(directory);
}

struct lu_update_item *add_item(const struct fixture *f, struct lu_update *u, const char *path,
                                enum lu_kind kind)
{
        return lu_update_add(u, path + 1, in_root(f, path), kind);
}

void add_run(struct lu_update *u, const char *command, unsigned timeout_seconds)
{
        u->runs = xreallocarray(u->runs, u->n_runs + 1, sizeof(*u->runs));
        u->runs[u->n_runs] = (struct lu_update_run){
                .index = u->n_runs,
                .command = xstrdup(command),
                .working_dir = xstrdup("/"),
                .text = xstrdup(command),
                .timeout_seconds = timeout_seconds,
                .echo = true,
        };
        u->n_runs++;
}

/* ------------------------------------------------------------------ the session */

struct talk {
        struct payload *payload;
        const struct session_options *o;
        struct lu_report report;
        struct str events;
        int in, out, err;
        uint8_t buffer[32768];
        size_t len, at;
        bool all_pulled;
        bool in_output;
        bool unreadable; /* the shell swallows what comes until its input ends */
};

static void on_event(void *userdata, const struct lu_report_event *e)
{
        struct talk *t = userdata;

        if (t->in_output && e->kind != LU_REPORT_OUTPUT)
                str_append_char(&t->events, ']');
        if (t->events.len > 0 && !(t->in_output && e->kind == LU_REPORT_OUTPUT))
                str_append_char(&t->events, ' ');
        switch (e->kind) {
        case LU_REPORT_APPLIED:
                str_append(&t->events, "applied");
                break;
        case LU_REPORT_VOID:
                str_append(&t->events, "void");
                break;
        case LU_REPORT_FAIL:
                str_appendf(&t->events, "fail %s %d", lu_phase_name(e->phase), e->code);
                break;
        case LU_REPORT_RUN:
                str_appendf(&t->events, "run%zu", e->run);
                break;
        case LU_REPORT_OUTPUT:
                if (!t->in_output)
                        str_append_char(&t->events, '[');
                str_append_bytes(&t->events, e->output.data, e->output.len);
                break;
        case LU_REPORT_EXIT:
                str_appendf(&t->events, "exit%zu=%d%s", e->run, e->code,
                            e->timed_out ? " timed out" : "");
                break;
        case LU_REPORT_DONE:
                str_append(&t->events, "done");
                break;
        }
        t->in_output = e->kind == LU_REPORT_OUTPUT;
        t->unreadable = e->kind == LU_REPORT_FAIL && e->phase == LU_PHASE_READ;
}

static void exec_shell(const struct fixture *f, const struct session_options *o)
{
        char language[] = "LANG=C.UTF-8";
        const char *argv[6] = {};
        _cleanup_(freep) char *path = NULL;
        size_t n = 0;

        for (; n < 3 && o->flavour->shell[n]; n++)
                argv[n] = o->flavour->shell[n];
        argv[n++] = "-c";
        argv[n++] = LU_SCRIPT_BOOTSTRAP;
        if (o->flavour->tools)
                path = xasprintf("PATH=%s/%s:/usr/bin:/bin", f->tools, o->flavour->tools);
        else
                path = xstrdup("PATH=/usr/bin:/bin");
        if (o->path) {
                free(path);
                path = xasprintf("PATH=%s", o->path);
        }
        execve(argv[0], (char *const *)argv, (char *const[]){path, language, NULL});
        _exit(127);
}

static pid_t start_shell(const struct fixture *f, struct talk *t)
{
        int in[2], out[2], err[2];
        pid_t pid;

        assert_int_equal(pipe2(in, O_CLOEXEC), 0);
        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
        assert_int_equal(pipe2(err, O_CLOEXEC), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                dup2(in[0], 0);
                dup2(out[1], 1);
                dup2(err[1], 2);
                exec_shell(f, t->o);
        }
        close(in[0]);
        close(out[1]);
        close(err[1]);
        t->in = in[1];
        t->out = out[0];
        t->err = err[0];
        assert_int_equal(fcntl(t->in, F_SETFL, O_NONBLOCK), 0);
        return pid;
}

static void close_in(struct talk *t)
{
        close(t->in);
        t->in = -1;
}

static void send_some(struct talk *t)
{
        size_t piece = t->o->piece ? t->o->piece : sizeof(t->buffer);
        ssize_t n;

        if (t->at == t->len) {
                if (t->o->at)
                        t->o->at(t->o->userdata, last_sent);
                n = payload_pull(t->payload, t->buffer, sizeof(t->buffer));
                t->all_pulled = n == -ENODATA;
                if (t->all_pulled)
                        return;
                assert_true(n > 0);
                t->at = 0;
                t->len = (size_t)n;
        }
        if (t->o->cut && t->len - t->at > t->o->cut - last_sent)
                t->len = t->at + (t->o->cut - last_sent);
        n = write(t->in, t->buffer + t->at, t->len - t->at < piece ? t->len - t->at : piece);
        if (n < 0 && errno == EPIPE)
                t->all_pulled = true;
        if (n > 0) {
                t->at += (size_t)n;
                last_sent += (size_t)n;
        }
        if (t->o->cut && last_sent == t->o->cut)
                close_in(t);
}

/* False at the end of its output. */
static bool receive(struct talk *t)
{
        char data[8192];
        ssize_t n = read(t->out, data, sizeof(data));

        assert_true(n >= 0);
        assert_int_equal(lu_report_feed(&t->report, data, (size_t)n), 0);
        return n > 0;
}

static void receive_stderr(struct talk *t)
{
        char data[8192];
        ssize_t n = read(t->err, data, sizeof(data));
        size_t have = strlen(last_stderr);

        assert_true(n >= 0);
        if (n == 0) {
                close(t->err);
                t->err = -1;
                return;
        }
        if ((size_t)n > sizeof(last_stderr) - 1 - have)
                n = (ssize_t)(sizeof(last_stderr) - 1 - have);
        memcpy(last_stderr + have, data, (size_t)n);
        last_stderr[have + (size_t)n] = '\0';
}

static void converse(struct talk *t)
{
        for (;;) {
                struct pollfd fds[] = {
                        {.fd = t->out, .events = POLLIN},
                        {.fd = t->err, .events = POLLIN},
                        {.fd = t->all_pulled ? -1 : t->in, .events = POLLOUT},
                };

                if (poll(fds, 3, PATIENCE_MS) <= 0)
                        fail_msg("the session hangs; so far: %s; stderr: %s", str_text(&t->events),
                                 last_stderr);
                if (fds[1].revents)
                        receive_stderr(t);
                if (fds[0].revents && !receive(t))
                        return;
                if (t->unreadable && t->in >= 0)
                        close_in(t);
                else if (fds[2].revents)
                        send_some(t);
        }
}

char *session_run(const struct fixture *f, struct lu_update *u, const struct session_options *o)
{
        struct payload_params params = {
                .update = u,
                .workspace_fd = f->workspace_fd,
                .token = TOKEN,
                .careful = o->careful,
        };
        _cleanup_(freep) struct talk *t = xcalloc(1, sizeof(*t));
        pid_t pid;
        int status;

        last_sent = 0;
        memset(last_stderr, 0, sizeof(last_stderr));
        signal(SIGPIPE, SIG_IGN);
        t->o = o;
        t->payload = payload_new(&params);
        lu_report_init(&t->report, TOKEN, on_event, t);
        pid = start_shell(f, t);
        converse(t);
        while (t->err >= 0)
                receive_stderr(t);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        close(t->out);
        closep(&t->in);
        lu_report_done(&t->report);
        payload_free(t->payload);
        return str_take(&t->events);
}

const char *session_stderr(void)
{
        return last_stderr;
}

size_t session_sent(void)
{
        return last_sent;
}
