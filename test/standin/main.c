/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/standin.h"

/*
 * Reads the command line, builds everything in order, runs the loop, takes it down in reverse.
 *
 * SIGTERM and SIGINT end the pods: TERM at once, KILL after two seconds, then the listener and all
 * handles are closed and the loop runs empty.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "test/standin/api.h"
#include "test/standin/jx.h"
#include "test/standin/rules.h"
#include "test/standin/tree.h"
#include "test/standin/chroot.h"
#include "test/standin/userns.h"
#include "test/standin/write.h"

#define STOP_MS 2000

struct ending {
        uv_signal_t term, interrupt;
        uv_timer_t timer;
        uv_prepare_t check;
        struct standin *standin;
        bool asked, closed;
        uint64_t deadline;
};

static const char usage[] =
        "usage: standin --state DIR --kubeconfig FILE [--listen 127.0.0.1:0] [--protocols v5,v4]\n"
        "               [--token T] [--version 1.31.0] [--images DIR] [--log FILE]\n"
        "               [--request-log FILE] [--die-with-parent] [--bookmark-ms N]\n"
        "               [--restart-backoff-ms N] [--max-grace-ms N] [--history N]\n";

enum option_number {
        OPT_LISTEN = 256,
        OPT_STATE,
        OPT_KUBECONFIG,
        OPT_PROTOCOLS,
        OPT_TOKEN,
        OPT_VERSION,
        OPT_IMAGES,
        OPT_LOG,
        OPT_REQUEST_LOG,
        OPT_DIE_WITH_PARENT,
        OPT_BOOKMARK_MS,
        OPT_RESTART_BACKOFF_MS,
        OPT_MAX_GRACE_MS,
        OPT_HISTORY,
};

static const struct option long_options[] = {
        {"listen", required_argument, NULL, OPT_LISTEN},
        {"state", required_argument, NULL, OPT_STATE},
        {"kubeconfig", required_argument, NULL, OPT_KUBECONFIG},
        {"protocols", required_argument, NULL, OPT_PROTOCOLS},
        {"token", required_argument, NULL, OPT_TOKEN},
        {"version", required_argument, NULL, OPT_VERSION},
        {"images", required_argument, NULL, OPT_IMAGES},
        {"log", required_argument, NULL, OPT_LOG},
        {"request-log", required_argument, NULL, OPT_REQUEST_LOG},
        {"die-with-parent", no_argument, NULL, OPT_DIE_WITH_PARENT},
        {"bookmark-ms", required_argument, NULL, OPT_BOOKMARK_MS},
        {"restart-backoff-ms", required_argument, NULL, OPT_RESTART_BACKOFF_MS},
        {"max-grace-ms", required_argument, NULL, OPT_MAX_GRACE_MS},
        {"history", required_argument, NULL, OPT_HISTORY},
        {},
};

static bool number(const char *text, unsigned *ret_number)
{
        uint64_t n;

        if (parse_u64(text, UINT32_MAX, &n) < 0)
                return false;
        *ret_number = (unsigned)n;
        return true;
}

static bool protocols(const char *text, struct options *o)
{
        o->v5 = streq(text, "v5,v4") || streq(text, "v4,v5") || streq(text, "v5");
        o->v4 = streq(text, "v5,v4") || streq(text, "v4,v5") || streq(text, "v4");
        return o->v4 || o->v5;
}

static bool one_option(struct options *o, int option)
{
        switch (option) {
        case OPT_LISTEN:
                o->listen = optarg;
                return true;
        case OPT_STATE:
                o->state_dir = optarg;
                return true;
        case OPT_KUBECONFIG:
                o->kubeconfig = optarg;
                return true;
        case OPT_PROTOCOLS:
                return protocols(optarg, o);
        case OPT_TOKEN:
                o->token = optarg;
                return *optarg;
        case OPT_VERSION:
                o->version = optarg;
                return true;
        case OPT_IMAGES:
                o->images_dir = optarg;
                return true;
        case OPT_LOG:
                o->log = optarg;
                return true;
        case OPT_REQUEST_LOG:
                o->request_log = optarg;
                return true;
        case OPT_DIE_WITH_PARENT:
                o->die_with_parent = true;
                return true;
        case OPT_BOOKMARK_MS:
                return number(optarg, &o->bookmark_ms);
        case OPT_RESTART_BACKOFF_MS:
                return number(optarg, &o->restart_backoff_ms);
        case OPT_MAX_GRACE_MS:
                return number(optarg, &o->max_grace_ms);
        case OPT_HISTORY:
                return number(optarg, &o->history) && o->history > 0;
        default:
                return false;
        }
}

static bool parse_options(int argc, char **argv, struct options *o)
{
        int option;

        *o = (struct options){.listen = "127.0.0.1:0",
                              .version = "1.31.0",
                              .v4 = true,
                              .v5 = true,
                              .bookmark_ms = 5000,
                              .restart_backoff_ms = 10000,
                              .max_grace_ms = UINT32_MAX,
                              .history = 1000};
        while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
                if (!one_option(o, option))
                        return false;
        return o->state_dir && o->kubeconfig && optind == argc;
}

/* Files, limits and what belongs to the process as a whole. */
static int prepare(struct standin *s, struct err *err)
{
        struct rlimit files;
        int fd;

        if (s->options.die_with_parent)
                prctl(PR_SET_PDEATHSIG, SIGTERM);
        signal(SIGPIPE, SIG_IGN);
        umask(022);
        if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
                files.rlim_cur = files.rlim_max;
                setrlimit(RLIMIT_NOFILE, &files);
        }
        if (s->options.log) {
                fd = open(s->options.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
                if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
                        return err_errno(err, -errno, "opening %s", s->options.log);
                close(fd);
        }
        if (s->options.request_log) {
                s->request_log = fopen(s->options.request_log, "ae");
                if (!s->request_log)
                        return err_errno(err, -errno, "opening %s", s->options.request_log);
        }
        return tree_make_dirs(s->options.state_dir, err);
}

static void create_first_objects(struct store *s)
{
        static const char *const names[] = {"default", "kube-system"};
        static const char *const conditions = "[{s:s, s:s, s:s}]";

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                write_new_take(s, store_kind(s, "Namespace"),
                               json_pack("{s:{s:s}}", "metadata", "name", names[i]));
        json_t *node = json_pack("{s:{s:s, s:{s:s}}, s:{}}", "metadata", "name", "standin",
                                 "labels", "kubernetes.io/hostname", "standin", "spec");
        node = json_deep_copy(write_new_take(s, store_kind(s, "Node"), node));
        jx_put_take(
                node, "status.conditions",
                json_pack(conditions, "type", "Ready", "status", "True", "reason", "KubeletReady"));
        jx_put_take(node, "status.addresses",
                    json_pack("[{s:s, s:s}]", "type", "InternalIP", "address", "127.0.0.1"));
        jx_put_text(node, "status.nodeInfo.kubeletVersion", "v1.31.0");
        store_put_take(s, store_kind(s, "Node"), node);
}

static int start(struct standin *s, struct err *err)
{
        struct options *o = &s->options;
        _cleanup_(freep) char *url = NULL;
        int r;

        s->token = o->token ? xstrdup(o->token) : random_hex(24);
        s->kubelet.loop = &s->loop;
        s->kubelet.store = &s->store;
        s->kubelet.state_dir = o->state_dir;
        s->kubelet.images = (struct images){o->state_dir, o->images_dir};
        s->kubelet.restart_backoff_ms = o->restart_backoff_ms;
        s->kubelet.max_grace_ms = o->max_grace_ms;
        s->kubelet.wake = controllers_wake;
        s->kubelet.wake_user = &s->controllers;
        r = kubelet_start(&s->kubelet, err);
        if (r < 0)
                return r;
        s->controllers.store = &s->store;
        s->controllers.kubelet = &s->kubelet;
        controllers_start(&s->controllers, &s->loop);
        create_first_objects(&s->store);
        s->listener.loop = &s->loop;
        s->listener.tls = s->pki.server;
        s->server = (struct http_server){.listener = &s->listener,
                                         .handle = api_handle,
                                         .answered = api_answered,
                                         .user = s};
        http_serve(&s->server);
        r = listener_start(&s->listener, o->listen, err);
        if (r < 0)
                return r;
        url = xasprintf("https://127.0.0.1:%d", s->listener.port);
        r = pki_write_kubeconfig(&s->pki, o->kubeconfig, url, s->token, err);
        if (r < 0)
                return r;
        printf("standin ready %s\n", url);
        return fflush(stdout) == 0 ? 0 : err_errno(err, -errno, "writing to stdout");
}

/* Closes everything once the pods are over or late. */
static void finish(struct ending *e)
{
        struct standin *s = e->standin;

        if (e->closed)
                return;
        e->closed = true;
        listener_stop(&s->listener);
        kubelet_done(&s->kubelet);
        controllers_done(&s->controllers);
        uv_close((uv_handle_t *)&e->term, NULL);
        uv_close((uv_handle_t *)&e->interrupt, NULL);
        uv_close((uv_handle_t *)&e->timer, NULL);
        uv_close((uv_handle_t *)&e->check, NULL);
}

static void on_check(uv_prepare_t *check)
{
        struct ending *e = check->data;

        if (e->asked && kubelet_is_idle(&e->standin->kubelet))
                finish(e);
}

static void on_late(uv_timer_t *timer)
{
        finish(timer->data);
}

static void ask_to_end(struct ending *e)
{
        if (e->asked)
                return;
        e->asked = true;
        controllers_stop(&e->standin->controllers);
        kubelet_terminate(&e->standin->kubelet);
        uv_timer_start(&e->timer, on_late, STOP_MS, 0);
}

static void on_signal(uv_signal_t *signal, int signum)
{
        ask_to_end(signal->data);
}

static void start_ending(struct ending *e, struct standin *s)
{
        e->standin = s;
        uv_signal_init(&s->loop, &e->term);
        uv_signal_init(&s->loop, &e->interrupt);
        uv_timer_init(&s->loop, &e->timer);
        uv_prepare_init(&s->loop, &e->check);
        e->term.data = e->interrupt.data = e->timer.data = e->check.data = e;
        uv_signal_start(&e->term, on_signal, SIGTERM);
        uv_signal_start(&e->interrupt, on_signal, SIGINT);
        uv_prepare_start(&e->check, on_check);
}

static int run(struct standin *s, struct err *err)
{
        struct ending ending = {};
        int r = prepare(s, err);

        if (r == 0)
                r = pki_init(&s->pki, err);
        if (r < 0)
                return r;
        uv_loop_init(&s->loop);
        store_init(&s->store, s->options.history);
        faults_init(&s->faults);
        rules_register(&s->store);
        start_ending(&ending, s);
        r = start(s, err);
        if (r < 0)
                ask_to_end(&ending);
        uv_run(&s->loop, UV_RUN_DEFAULT);
        uv_loop_close(&s->loop);
        store_done(&s->store);
        faults_done(&s->faults);
        pki_done(&s->pki);
        free(s->token);
        if (s->request_log)
                fclose(s->request_log);
        return r;
}

int main(int argc, char **argv)
{
        _cleanup_(err_done) struct err err = {};
        static struct standin standin;
        int r;

        if (!parse_options(argc, argv, &standin.options)) {
                fputs(usage, stderr);
                return 2;
        }
        if (standin.options.die_with_parent)
                prctl(PR_SET_PDEATHSIG, SIGTERM);
        r = userns_enter(&err);
        if (r == 0)
                r = chroot_isolate(&err);
        if (r == 0)
                r = run(&standin, &err);
        if (r < 0)
                log_error(err_text(&err));
        return r < 0 ? 1 : 0;
}
