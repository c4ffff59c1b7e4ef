/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/session.h"

/*
 * Back-pressure goes both ways without a buffer of ours: while the process has not taken its stdin
 * the WebSocket is not read (pings neither, as with the real server), and while much waits for the
 * socket the process' output is not read.
 */

#include "base/mem.h"
#include "test/standin/container.h"
#include "test/standin/jx.h"
#include "test/standin/standin.h"
#include "test/standin/ws.h"

#define PENDING_HIGH ((size_t)256 << 10)

enum channel {
        CHANNEL_STDIN = 0,
        CHANNEL_STDOUT = 1,
        CHANNEL_STDERR = 2,
        CHANNEL_STATUS = 3,
        CHANNEL_RESIZE = 4,
        CHANNEL_CLOSE = 255,
};

struct session {
        struct standin *standin;
        struct ws *ws;
        bool v5, stdin_open, stdout_open, stderr_open, tty, stdin_once;
        struct process *process;     /* exec: owned */
        struct container *container; /* attach: borrowed while viewing */
        struct container_viewer viewer;
        unsigned n_open; /* output streams of the exec without their end */
        bool exited;
        int code;
        bool no_status; /* a fault */
};

/* The process that stdin goes to, or NULL. */
static struct process *target(const struct session *s)
{
        return s->container ? s->container->process : s->process;
}

static void end_with_status(struct session *s, json_t *status_take)
{
        _cleanup_(freep) char *text = jx_dump(status_take);

        json_decref(status_take);
        if (s->no_status)
                return;
        ws_send(s->ws, CHANNEL_STATUS, text, strlen(text));
        ws_close(s->ws);
}

static json_t *success(void)
{
        return json_pack("{s:{}, s:s}", "metadata", "status", "Success");
}

static json_t *exit_status(int code)
{
        _cleanup_(freep) char *text = xasprintf("%d", code);
        _cleanup_(freep) char *message =
                xasprintf("command terminated with non-zero exit code: exit code %d", code);

        if (code == 0)
                return success();
        return json_pack("{s:{}, s:s, s:s, s:s, s:{s:[{s:s, s:s}]}}", "metadata", "status",
                         "Failure", "message", message, "reason", "NonZeroExitCode", "details",
                         "causes", "reason", "ExitCode", "message", text);
}

static json_t *internal_error(const char *what)
{
        _cleanup_(freep) char *message = xasprintf("Internal error occurred: %s", what);

        return json_pack("{s:{}, s:s, s:s, s:s, s:{s:[{s:s}]}, s:i}", "metadata", "status",
                         "Failure", "message", message, "reason", "InternalError", "details",
                         "causes", "message", what, "code", 500);
}

static void check_over(struct session *s)
{
        if (!s->exited || s->n_open > 0 || !s->process)
                return;
        process_release(take_ptr(s->process));
        end_with_status(s, exit_status(s->code));
}

static void send_output(struct session *s, enum process_stream stream, const char *bytes,
                        size_t len)
{
        bool wanted = stream == STREAM_STDOUT ? s->stdout_open : s->stderr_open;

        if (!wanted)
                return;
        ws_send(s->ws, stream == STREAM_STDOUT ? CHANNEL_STDOUT : CHANNEL_STDERR, bytes, len);
        if (ws_pending(s->ws) > PENDING_HIGH && target(s))
                process_pause(target(s), true);
}

static void on_output(void *user, enum process_stream stream, const char *bytes, size_t len)
{
        send_output(user, stream, bytes, len);
}

static void on_output_end(void *user, enum process_stream stream)
{
        struct session *s = user;

        s->n_open--;
        check_over(s);
}

static void on_stdin_drained(void *user)
{
        struct session *s = user;

        ws_pause(s->ws, false);
}

static void on_exited(void *user, int code)
{
        struct session *s = user;

        s->exited = true;
        s->code = code;
        /* What waited for its stdin has no reader any more; the client's close must be seen. */
        ws_pause(s->ws, false);
        check_over(s);
}

static const struct process_events process_events = {on_output, on_output_end, on_stdin_drained,
                                                     on_exited};

static void on_container_ended(void *user)
{
        struct session *s = user;

        container_unview(s->container, &s->viewer);
        s->container = NULL;
        ws_pause(s->ws, false);
        end_with_status(s, success());
}

static void half_close(struct session *s)
{
        if (target(s) && (s->process || s->stdin_once))
                process_close_stdin(target(s));
}

static void resize(struct session *s, const char *bytes, size_t len)
{
        json_auto_t *size = json_loadb(bytes, len, JSON_DISABLE_EOF_CHECK, NULL);

        if (size && target(s))
                process_resize(target(s), (unsigned)jx_int(size, "Width", 80),
                               (unsigned)jx_int(size, "Height", 24));
}

static void violation(struct session *s, const char *name)
{
        faults_count_violation(&s->standin->faults, name);
}

static void broken(struct session *s, const char *name)
{
        violation(s, name);
        ws_reset(s->ws);
}

static void on_message(void *user, const char *bytes, size_t len)
{
        struct session *s = user;
        unsigned channel = len > 0 ? (unsigned char)bytes[0] : 0;

        if (len == 0)
                return;
        if (channel == CHANNEL_STDIN) {
                if (!s->stdin_open || !target(s))
                        return;
                process_write(target(s), bytes + 1, len - 1);
                if (process_stdin_full(target(s)))
                        ws_pause(s->ws, true);
        } else if (channel == CHANNEL_RESIZE) {
                resize(s, bytes + 1, len - 1);
        } else if (!s->v5) {
                return; /* v4: "reader not valid", dropped silently */
        } else if (channel == CHANNEL_CLOSE && len == 2 && bytes[1] == CHANNEL_STDIN) {
                half_close(s);
        } else if (channel == CHANNEL_CLOSE) {
                broken(s, "malformed-close-signal");
        } else if (channel > CHANNEL_RESIZE) {
                broken(s, "unknown-channel");
        }
}

static void on_drained(void *user)
{
        struct session *s = user;

        if (target(s))
                process_pause(target(s), false);
}

static void on_closed(void *user)
{
        struct session *s = user;

        if (s->container) {
                if (s->stdin_once && s->stdin_open && s->container->process)
                        process_close_stdin(s->container->process);
                if (s->container->process)
                        process_pause(s->container->process, false);
                container_unview(s->container, &s->viewer);
        }
        if (s->process)
                process_release(s->process);
        free(s);
}

static void on_violation(void *user, const char *name)
{
        violation(user, name);
}

static const struct ws_events ws_events = {on_message, on_drained, on_closed, on_violation};

static void send_first_frame(struct session *s)
{
        unsigned char channel = s->stdout_open   ? CHANNEL_STDOUT
                                : s->stderr_open ? CHANNEL_STDERR
                                                 : CHANNEL_STATUS;

        ws_send(s->ws, channel, "", 0);
}

static void start_exec(struct session *s, const struct session_params *params)
{
        struct container *container = params->container;
        _cleanup_(err_done) struct err err = {};
        struct process_params exec = {
                .join = process_pid(container->process),
                .argv = params->command,
                .env = &container->env,
                .cwd = container->cwd,
                .uid = container->uid,
                .gid = container->gid,
                .stdin_open = s->stdin_open,
                .stdout_open = s->stdout_open,
                .stderr_open = s->stderr_open,
                .tty = s->tty,
        };

        s->n_open = s->tty ? 1 : (unsigned)s->stdout_open + s->stderr_open;
        if (process_start(&s->standin->kubelet.processes, &exec, &process_events, s, &s->process,
                          &err) < 0) {
                err_wrap(&err, -1,
                         "error executing command in container: failed to exec in "
                         "container: failed to start exec");
                end_with_status(s, internal_error(err_text(&err)));
        }
}

static void start_attach(struct session *s, struct container *container)
{
        s->container = container;
        s->viewer = (struct container_viewer){.output = on_output,
                                              .ended = on_container_ended,
                                              .stdin_drained = on_stdin_drained,
                                              .user = s};
        container_view(container, &s->viewer);
}

void session_start(struct call *c, const struct session_params *params)
{
        struct session *s = xcalloc(1, sizeof(*s));
        const struct http_request *r = http_request(c->http);
        struct fault fault;

        s->standin = c->standin;
        s->v5 = params->v5;
        s->stdin_open = params->stdin_open;
        s->stdout_open = params->stdout_open;
        s->stderr_open = params->stderr_open;
        s->tty = params->tty;
        s->stdin_once = params->stdin_once;
        s->no_status = faults_strike(&c->standin->faults, FAULT_NO_STATUS, r->method,
                                     r->target.data, &fault);
        s->ws = ws_accept(c->http, s->v5 ? "v5.channel.k8s.io" : "v4.channel.k8s.io", &ws_events,
                          s);
        send_first_frame(s);
        if (!params->container)
                end_with_status(s, internal_error(params->error));
        else if (params->attach)
                start_attach(s, params->container);
        else
                start_exec(s, params);
        ws_pause(s->ws, false);
}
