/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Times a command in a container through kube/exec.h alone: the yardstick that hack/bench lays
 * beside the program.
 *
 *   exec-timer [-i FILE] NAMESPACE POD CONTAINER -- COMMAND...
 *
 *   -i   gives the command this file as its standard input
 *
 * Runs the command once for every line on its own standard input and answers each with one line,
 * when the command's Status is there: microseconds until the stream was open, and until the Status.
 * All execs share one client, as the program's do. At the end of input it exits with 0; with 1 as
 * soon as a command failed, with 2 after a mistake in the command line or the configuration.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/macro.h"
#include "base/str.h"
#include "kube/client.h"
#include "kube/exec.h"

struct timed {
        uv_loop_t loop;
        struct kube_client *client;
        struct kube_exec_params params;
        uv_poll_t lines;
        int fd; /* the command's standard input; -1: none */
        uint64_t started_ns, opened_ns;
        int exit_code;
};

static void stop(struct timed *t, int exit_code)
{
        t->exit_code = exit_code;
        uv_close((uv_handle_t *)&t->lines, NULL);
        kube_client_stop(t->client);
}

static void on_open(void *userdata, const char *protocol)
{
        struct timed *t = userdata;

        t->opened_ns = uv_hrtime();
}

static ssize_t pull(void *userdata, uint8_t *buffer, size_t size)
{
        struct timed *t = userdata;
        ssize_t n = read(t->fd, buffer, size);

        return n > 0 ? n : n == 0 ? -ENODATA : -errno;
}

static void on_output(void *userdata, int channel, const uint8_t *data, size_t len)
{
        fprintf(stderr, "%.*s", (int)len, (const char *)data);
}

static void on_end(void *userdata, const struct kube_exec_result *result)
{
        struct timed *t = userdata;
        uint64_t now = uv_hrtime();

        if (result->outcome != KUBE_EXEC_EXITED || result->exit_code != 0) {
                fprintf(stderr, "%s\n", result->message);
                stop(t, 1);
                return;
        }
        printf("%" PRIu64 " %" PRIu64 "\n", (t->opened_ns - t->started_ns) / 1000,
               (now - t->started_ns) / 1000);
        fflush(stdout);
}

static void start(struct timed *t)
{
        static const struct kube_exec_callbacks without = {
                .on_open = on_open, .on_output = on_output, .on_end = on_end};
        static const struct kube_exec_callbacks with = {
                .on_open = on_open, .pull = pull, .on_output = on_output, .on_end = on_end};
        _cleanup_(err_done) struct err err = {};
        kube_exec_id id;

        if (t->fd >= 0)
                lseek(t->fd, 0, SEEK_SET);
        t->started_ns = uv_hrtime();
        if (kube_exec_start(t->client, &t->params, t->fd >= 0 ? &with : &without, t, &id, &err) <
            0) {
                fprintf(stderr, "%s\n", err_text(&err));
                stop(t, 2);
        }
}

/* The caller waits for each answer, so there is never more than one line. */
static void on_line(uv_poll_t *poll, int status, int events)
{
        struct timed *t = container_of(poll, struct timed, lines);
        char line[64];

        if (status == 0 && read(STDIN_FILENO, line, sizeof(line)) > 0)
                start(t);
        else
                stop(t, 0);
}

static int parse_options(struct timed *t, int argc, char **argv)
{
        int option;

        while ((option = getopt(argc, argv, "+i:")) != -1) {
                if (option != 'i')
                        return -EINVAL;
                t->fd = open(optarg, O_RDONLY | O_CLOEXEC);
                if (t->fd < 0) {
                        fprintf(stderr, "%s: %s\n", optarg, strerror(errno));
                        return -EINVAL;
                }
        }
        if (argc - optind < 5 || !streq(argv[optind + 3], "--"))
                return -EINVAL;
        t->params.namespace_ = argv[optind];
        t->params.pod = argv[optind + 1];
        t->params.container = argv[optind + 2];
        t->params.argv = (const char *const *)argv + optind + 4;
        return 0;
}

int main(int argc, char **argv)
{
        struct timed t = {.fd = -1};
        struct kube_config *config = NULL;
        struct err err = {};

        if (parse_options(&t, argc, argv) < 0) {
                fprintf(stderr, "usage: exec-timer [-i FILE] NAMESPACE POD CONTAINER -- "
                                "COMMAND...\n");
                return 2;
        }
        uv_loop_init(&t.loop);
        if (kube_config_load(&(struct kube_config_params){}, &config, &err) < 0 ||
            kube_client_new(&t.loop, config, &t.client, &err) < 0) {
                fprintf(stderr, "%s\n", err_text(&err));
                err_done(&err);
                return 2;
        }
        uv_poll_init(&t.loop, &t.lines, STDIN_FILENO);
        uv_poll_start(&t.lines, UV_READABLE | UV_DISCONNECT, on_line);
        uv_run(&t.loop, UV_RUN_DEFAULT);
        kube_client_free(t.client);
        if (uv_loop_close(&t.loop) != 0) {
                fprintf(stderr, "handles are left on the loop\n");
                return 99;
        }
        if (t.fd >= 0)
                close(t.fd);
        return t.exit_code;
}
