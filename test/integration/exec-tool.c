/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Runs commands in containers through kube/exec.h alone, so that tests and measurements see what
 * the library does and nothing else.
 *
 *   exec-tool [-i] [-n COUNT] [-p PARALLEL] [-x open|output|start] [-s] [-t MS] [-T MS]
 *             NAMESPACE POD CONTAINER -- COMMAND...
 *
 *   -i   gives its own standard input to the command (to each one in turn, with -n 1 -p 1)
 *   -n   runs it COUNT times, at most PARALLEL (-p) at once, and prints times to stderr
 *   -x   cancels each exec: right after the start, when it opens, or at its first output
 *   -s   stops the whole client there instead, in the middle of the callback
 *   -t   idle timeout, -T connect timeout, in milliseconds
 *
 * Exits with the command's code; 124: the outcome is unknown; 125: refused; 2: usage or config. The
 * message goes to stderr with outcome, reason, HTTP status and whether a retry can help.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/macro.h"
#include "base/mem.h"
#include "base/str.h"
#include "kube/client.h"
#include "kube/exec.h"

enum when {
        NEVER,
        AT_START,
        AT_OPEN,
        AT_OUTPUT,
};

struct session;

struct tool {
        uv_loop_t loop;
        struct kube_client *client;
        struct kube_exec_params params;
        unsigned n_total, n_parallel;
        unsigned n_started, n_ended, n_running, n_most;
        bool with_stdin, stop_client, stopped;
        enum when cancel;
        uv_poll_t input; /* when standard input is no regular file */
        bool input_polled, input_waiting;
        struct session *sessions; /* n_total */
        uint64_t *times_ns;       /* of ended execs */
        int exit_code;
};

struct session {
        struct tool *tool;
        kube_exec_id id;
        uint64_t started_ns;
        bool over; /* cancelled, or ended */
};

static void start_more(struct tool *t);

static void stop(struct tool *t)
{
        if (t->stopped)
                return;
        t->stopped = true;
        if (t->input_polled)
                uv_close((uv_handle_t *)&t->input, NULL);
        kube_client_stop(t->client);
}

static void session_over(struct session *s)
{
        struct tool *t = s->tool;

        s->over = true;
        t->times_ns[t->n_ended++] = uv_hrtime() - s->started_ns;
        t->n_running--;
        if (t->n_ended == t->n_total)
                stop(t);
        else
                start_more(t);
}

static void cancel_if(struct session *s, enum when when)
{
        struct tool *t = s->tool;

        if (s->over || t->cancel != when)
                return;
        if (t->stop_client) {
                stop(t);
                return;
        }
        kube_exec_cancel(t->client, s->id);
        session_over(s);
}

static void on_open(void *userdata, const char *protocol)
{
        log_debug("open", LOG_S("protocol", protocol));
        cancel_if(userdata, AT_OPEN);
}

static void on_input(uv_poll_t *poll, int status, int events)
{
        struct tool *t = container_of(poll, struct tool, input);

        uv_poll_stop(poll);
        t->input_waiting = false;
        for (kube_exec_id id = 1; id <= t->n_started; id++)
                kube_exec_resume(t->client, id);
}

static ssize_t pull(void *userdata, uint8_t *buffer, size_t size)
{
        struct session *s = userdata;
        struct tool *t = s->tool;
        ssize_t n = read(STDIN_FILENO, buffer, size);

        if (n == 0)
                return -ENODATA;
        if (n > 0)
                return n;
        if (errno != EAGAIN)
                return -errno;
        if (!t->input_waiting) {
                t->input_waiting = true;
                uv_poll_start(&t->input, UV_READABLE, on_input);
        }
        return 0;
}

static void on_output(void *userdata, int channel, const uint8_t *data, size_t len)
{
        while (len > 0) {
                ssize_t n = write(channel == 1 ? STDOUT_FILENO : STDERR_FILENO, data, len);

                if (n < 0)
                        break;
                data += n;
                len -= (size_t)n;
        }
        cancel_if(userdata, AT_OUTPUT);
}

static void on_end(void *userdata, const struct kube_exec_result *r)
{
        static const char *const outcomes[] = {"exited", "refused", "unknown"};
        struct session *s = userdata;
        struct tool *t = s->tool;
        int code = r->outcome == KUBE_EXEC_EXITED    ? r->exit_code
                   : r->outcome == KUBE_EXEC_REFUSED ? 125
                                                     : 124;

        if (*r->message)
                fprintf(stderr, "%s protocol=%s http=%d reason=%s retryable=%s opened=%s: %s\n",
                        outcomes[r->outcome], r->protocol, r->http_status, r->reason,
                        r->retryable ? "yes" : "no", r->opened ? "yes" : "no", r->message);
        if (code)
                t->exit_code = code;
        session_over(s);
}

static void start_one(struct tool *t)
{
        static const struct kube_exec_callbacks without = {
                .on_open = on_open, .on_output = on_output, .on_end = on_end};
        static const struct kube_exec_callbacks with = {
                .on_open = on_open, .pull = pull, .on_output = on_output, .on_end = on_end};
        struct session *s;
        struct err err = {};

        s = &t->sessions[t->n_started++];
        s->tool = t;
        s->started_ns = uv_hrtime();
        if (++t->n_running > t->n_most)
                t->n_most = t->n_running;
        if (kube_exec_start(t->client, &t->params, t->with_stdin ? &with : &without, s, &s->id,
                            &err) < 0) {
                fprintf(stderr, "%s\n", err_text(&err));
                err_done(&err);
                t->exit_code = 2;
                stop(t);
                return;
        }
        cancel_if(s, AT_START);
}

static void start_more(struct tool *t)
{
        while (!t->stopped && t->n_started < t->n_total && t->n_running < t->n_parallel)
                start_one(t);
}

static int compare(const void *a, const void *b)
{
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return x < y ? -1 : x > y;
}

static void print_times(const struct tool *t, uint64_t total_ns)
{
        struct rusage usage;

        if (t->n_ended == 0)
                return;
        qsort(t->times_ns, t->n_ended, sizeof(*t->times_ns), compare);
        getrusage(RUSAGE_SELF, &usage);
        fprintf(stderr, "%u execs in %.1f ms: p50 %.2f p95 %.2f max %.2f ms, memory %ld KiB\n",
                t->n_ended, (double)total_ns / 1e6, (double)t->times_ns[t->n_ended / 2] / 1e6,
                (double)t->times_ns[t->n_ended * 95 / 100] / 1e6,
                (double)t->times_ns[t->n_ended - 1] / 1e6, usage.ru_maxrss);
}

static int parse_number(const char *text, unsigned *ret_number)
{
        uint64_t n;

        if (parse_u64(text, 1000000, &n) < 0)
                return -EINVAL;
        *ret_number = (unsigned)n;
        return 0;
}

static int parse_when(const char *text, enum when *ret_when)
{
        static const char *const names[] = {
                [AT_START] = "start", [AT_OPEN] = "open", [AT_OUTPUT] = "output"};

        for (size_t i = AT_START; i < ARRAY_SIZE(names); i++) {
                if (streq(text, names[i])) {
                        *ret_when = (enum when)i;
                        return 0;
                }
        }
        return -EINVAL;
}

static int parse_options(struct tool *t, int argc, char **argv)
{
        int option, r = 0;

        while (r == 0 && (option = getopt(argc, argv, "+in:p:x:st:T:v")) != -1) {
                switch (option) {
                case 'i':
                        t->with_stdin = true;
                        break;
                case 'n':
                        r = parse_number(optarg, &t->n_total);
                        break;
                case 'p':
                        r = parse_number(optarg, &t->n_parallel);
                        break;
                case 'x':
                        r = parse_when(optarg, &t->cancel);
                        break;
                case 's':
                        t->stop_client = true;
                        break;
                case 't':
                        r = parse_number(optarg, &t->params.idle_timeout_ms);
                        break;
                case 'T':
                        r = parse_number(optarg, &t->params.connect_timeout_ms);
                        break;
                case 'v':
                        log_setup(LOG_DEBUG, LOG_TEXT);
                        break;
                default:
                        r = -EINVAL;
                        break;
                }
        }
        if (r < 0 || argc - optind < 5 || t->n_total == 0 || !streq(argv[optind + 3], "--"))
                return -EINVAL;
        t->params.namespace_ = argv[optind];
        t->params.pod = argv[optind + 1];
        t->params.container = argv[optind + 2];
        t->params.argv = (const char *const *)argv + optind + 4;
        return 0;
}

/* A regular file is read when asked; anything else may have nothing yet. */
static void prepare_input(struct tool *t)
{
        struct stat st;

        if (!t->with_stdin || fstat(STDIN_FILENO, &st) < 0 || S_ISREG(st.st_mode))
                return;
        fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
        t->input_polled = uv_poll_init(&t->loop, &t->input, STDIN_FILENO) == 0;
}

int main(int argc, char **argv)
{
        struct tool t = {.n_total = 1, .n_parallel = 1};
        struct kube_config *config = NULL;
        struct err err = {};
        uint64_t started_ns;

        if (parse_options(&t, argc, argv) < 0) {
                fprintf(stderr,
                        "usage: exec-tool [-isv] [-n COUNT] [-p PARALLEL] [-x WHEN] [-t MS] "
                        "[-T MS] NAMESPACE POD CONTAINER -- COMMAND...\n");
                return 2;
        }
        uv_loop_init(&t.loop);
        if (kube_config_load(&(struct kube_config_params){}, &config, &err) < 0 ||
            kube_client_new(&t.loop, config, &t.client, &err) < 0) {
                fprintf(stderr, "%s\n", err_text(&err));
                err_done(&err);
                return 2;
        }
        t.sessions = xcalloc(t.n_total, sizeof(*t.sessions));
        t.times_ns = xcalloc(t.n_total, sizeof(*t.times_ns));
        prepare_input(&t);

        started_ns = uv_hrtime();
        start_more(&t);
        uv_run(&t.loop, UV_RUN_DEFAULT);
        if (t.n_total > 1)
                print_times(&t, uv_hrtime() - started_ns);
        kube_client_free(t.client);
        if (uv_loop_close(&t.loop) != 0) {
                fprintf(stderr, "handles are left on the loop\n");
                return 99;
        }
        free(t.sessions);
        free(t.times_ns);
        return t.exit_code;
}
