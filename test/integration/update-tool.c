/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Applies a directory to one container through controller/update_op.h alone, so that tests and
 * measurements see what one update does and nothing of what decides about it.
 *
 *   update-tool [-cv] [-n COUNT] [-r COMMAND]... [-t SECONDS] [-x DESTINATION]...
 *               WORKSPACE DESTINATION NAMESPACE POD CONTAINER
 *
 *   -n   applies it COUNT times, one after the other, and prints the times
 *   -c   the careful way of a retry
 *   -r   a run, and -t its timeoutSeconds
 *   -x   removes DESTINATION
 *
 * Prints one line per update. Exits with 0: all applied; 1: one was not; 3: a run failed; 2: usage
 * or config.
 */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "controller/update_op.h"

struct tool {
        uv_loop_t loop;
        struct kube_client *client;
        struct update_op_params params;
        struct update_op *op;
        unsigned n_left;
        uint64_t started_ns;
        uint32_t timeout_seconds;
        int exit_code;
};

static struct lu_update *update; /* nftw() has no userdata */
static const char *destination;
static size_t root_len;

static int add_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        enum lu_kind kind = S_ISREG(st->st_mode)   ? LU_KIND_FILE
                            : S_ISLNK(st->st_mode) ? LU_KIND_SYMLINK
                                                   : LU_KIND_DIRECTORY;

        if (ftw->level > 0)
                lu_update_add(update, path + root_len + 1,
                              xasprintf("%s%s", destination, path + root_len), kind);
        return 0;
}

static void add_run(struct tool *t, const char *command)
{
        update->runs = xreallocarray(update->runs, update->n_runs + 1, sizeof(*update->runs));
        update->runs[update->n_runs] = (struct lu_update_run){
                .index = update->n_runs,
                .command = xstrdup(command),
                .working_dir = xstrdup("/"),
                .text = xstrdup(command),
                .timeout_seconds = t->timeout_seconds,
                .echo = true,
        };
        update->n_runs++;
}

static void start(struct tool *t);

static void on_line(void *userdata, size_t run, const char *line, size_t len)
{
        printf("run %zu: %.*s\n", run, (int)len, line);
}

static void on_end(void *userdata, const struct update_result *r)
{
        struct tool *t = userdata;
        const struct lu_outcome *o = &r->outcome;
        double ms = (double)(uv_hrtime() - t->started_ns) / 1e6;

        if (!o->applied) {
                printf("failed %s retry=%s: %s\n", lu_reason_name(o->reason),
                       o->retry_helps ? "yes" : "no", o->message);
                t->exit_code = 1;
        } else {
                printf("applied files=%zu deleted=%zu bytes=%zu protocol=%s ms=%.2f\n",
                       (size_t)o->files, (size_t)o->deleted, (size_t)o->bytes, o->protocol, ms);
        }
        if (o->run_failed) {
                printf("run failed%s: %s\n", r->timed_out ? " (timed out)" : "", o->run_message);
                t->exit_code = 3;
        }
        if (r->unreadable)
                printf("unreadable: %s\n", r->unreadable);
        update_op_free(t->op);
        t->op = NULL;
        if (--t->n_left > 0)
                start(t);
        else
                kube_client_stop(t->client);
}

static const struct update_callbacks callbacks = {.on_line = on_line, .on_end = on_end};

static void start(struct tool *t)
{
        struct err err = {};

        t->started_ns = uv_hrtime();
        if (update_op_start(&t->params, &callbacks, t, &t->op, &err) < 0) {
                fprintf(stderr, "%s\n", err_text(&err));
                err_done(&err);
                t->exit_code = 2;
                kube_client_stop(t->client);
        }
}

static int parse_option(struct tool *t, int option)
{
        uint64_t n = 0;

        switch (option) {
        case 'c':
                t->params.careful = true;
                return 0;
        case 'v':
                log_setup(LOG_DEBUG, LOG_TEXT);
                return 0;
        case 'n':
                if (parse_u64(optarg, 100000, &n) < 0 || n == 0)
                        return -EINVAL;
                t->n_left = (unsigned)n;
                return 0;
        case 't':
                if (parse_u64(optarg, 100000, &n) < 0)
                        return -EINVAL;
                t->timeout_seconds = (uint32_t)n;
                return 0;
        case 'r':
                add_run(t, optarg);
                return 0;
        case 'x':
                lu_update_add(update, optarg + 1, xstrdup(optarg), LU_KIND_ABSENT);
                return 0;
        default:
                return -EINVAL;
        }
}

static int parse_options(struct tool *t, int argc, char **argv)
{
        int option, e = 0;

        while (e == 0 && (option = getopt(argc, argv, "+cvn:r:t:x:")) != -1)
                e = parse_option(t, option);
        if (e < 0 || argc - optind != 5)
                return -EINVAL;
        destination = argv[optind + 1];
        t->params.namespace_ = argv[optind + 2];
        t->params.pod = argv[optind + 3];
        t->params.container = argv[optind + 4];
        root_len = strlen(argv[optind]);
        t->params.workspace_fd = open(argv[optind], O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (t->params.workspace_fd < 0 || nftw(argv[optind], add_entry, 16, FTW_PHYS) < 0)
                return -errno;
        lu_update_seal(update);
        return 0;
}

int main(int argc, char **argv)
{
        struct tool t = {.n_left = 1, .timeout_seconds = 300};
        struct kube_config *config = NULL;
        struct err err = {};
        struct rusage usage;

        update = lu_update_new();
        if (parse_options(&t, argc, argv) < 0) {
                fprintf(stderr, "usage: update-tool [-cv] [-n COUNT] [-r COMMAND]... [-t SECONDS] "
                                "[-x DESTINATION]... WORKSPACE DESTINATION NAMESPACE POD "
                                "CONTAINER\n");
                return 2;
        }
        t.params.update = update;
        uv_loop_init(&t.loop);
        if (kube_config_load(&(struct kube_config_params){}, &config, &err) < 0 ||
            kube_client_new(&t.loop, config, &t.client, &err) < 0) {
                fprintf(stderr, "%s\n", err_text(&err));
                err_done(&err);
                return 2;
        }
        t.params.client = t.client;
        start(&t);
        uv_run(&t.loop, UV_RUN_DEFAULT);

        kube_client_free(t.client);
        uv_loop_close(&t.loop);
        lu_update_unref(update);
        close(t.params.workspace_fd);
        getrusage(RUSAGE_SELF, &usage);
        printf("memory %ld KiB\n", usage.ru_maxrss);
        return t.exit_code;
}
