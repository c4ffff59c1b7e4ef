/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/update_op.h"

/*
 * Three sources of news: the session's report on stdout, the end of the exec, the deadline. Each
 * notes its fact and moves the state; finish() makes the one result out of all facts. What the
 * report said counts more than how the exec ended: after "done" a lost connection changes nothing,
 * and without it exit code 0 proves nothing.
 *
 * After "done" the result is delivered at once. The exec's own end, which takes the runtime some
 * milliseconds more, is not waited for, since the shell has nothing left to do.
 */

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "controller/payload.h"
#include "kube/exec.h"
#include "liveupdate/failure.h"
#include "liveupdate/report.h"
#include "liveupdate/script.h"

#define CONNECT_TIMEOUT_MS  30000
#define PROGRESS_TIMEOUT_MS 60000
#define RUN_SPARE_MS        30000 /* on top of a run's own time */
#define LAST_WORDS_MS       2000
#define STDERR_TAIL         ((size_t)1024)
#define ECHO_LINE_MAX       ((size_t)4096)

enum update_state {
        UPDATE_CONNECTING,
        UPDATE_SENDING,
        UPDATE_RUNNING,
        UPDATE_FAILING,
        UPDATE_ENDED,
};

static const char *const update_state_names[] = {
        [UPDATE_CONNECTING] = "connecting", [UPDATE_SENDING] = "sending",
        [UPDATE_RUNNING] = "running",       [UPDATE_FAILING] = "failing",
        [UPDATE_ENDED] = "ended",
};

struct update_op {
        enum update_state state;
        struct kube_client *client;
        kube_exec_id exec; /* 0: ended */
        struct lu_update *update;
        const struct update_callbacks *callbacks;
        void *userdata;
        uv_timer_t timer;
        uint64_t started; /* loop time */
        char *target;     /* "namespace/pod/container" */

        struct payload *payload;
        struct lu_report report;
        struct str stderr_tail;
        struct str run_tail; /* of the run under way, or the last */
        struct str line;     /* of it, not yet complete */

        /* What is known. */
        bool failed;
        struct lu_failure_facts facts; /* with failed */
        size_t n_runs_succeeded;
        const char *protocol; /* static */
        struct update_result result;
        struct lu_failure failure;           /* judged from the facts */
        char *refusal_text, *refusal_reason; /* what the facts point to */
        char *run_message, *output_tail;
};

static void update_go(struct update_op *op, enum update_state next);

/* ------------------------------------------------------------------ the end */

static void conclude_run_failure(struct update_op *op)
{
        struct update_result *r = &op->result;
        const struct lu_update_run *run = &op->update->runs[r->failed_run];
        _cleanup_(str_done) struct str tail = {};

        while (op->run_tail.len > 0 && op->run_tail.data[op->run_tail.len - 1] == '\n')
                op->run_tail.len--;
        str_append_printable(&tail, str_text(&op->run_tail), op->run_tail.len);
        op->output_tail = str_take(&tail);
        r->output_tail = op->output_tail;
        if (r->timed_out)
                op->run_message = xasprintf("`%s` was ended after %u s (timeoutSeconds)%s%s",
                                            run->text, (unsigned)run->timeout_seconds,
                                            *op->output_tail ? ": " : "", op->output_tail);
        else
                op->run_message = xasprintf("`%s` exited with code %d%s%s", run->text, r->exit_code,
                                            *op->output_tail ? ": " : "", op->output_tail);
        r->outcome.run_message = op->run_message;
}

static void judge(struct update_op *op)
{
        struct lu_outcome *o = &op->result.outcome;

        if (op->failed) {
                op->facts.stderr_tail = str_text(&op->stderr_tail);
                lu_failure_judge(&op->facts, &op->failure);
                o->reason = op->failure.reason;
                o->message = op->failure.message;
                o->retry_helps = op->failure.retry_helps;
                o->run_failed = false;
        } else if (o->run_failed) {
                conclude_run_failure(op);
        }
        o->applied = !op->failed;
        for (size_t i = op->n_runs_succeeded; i < op->update->n_runs; i++)
                lu_run_set_add(&o->unfinished, op->update->runs[i].index);
}

/* All that can be known is known: the result is made and delivered. */
static void finish(struct update_op *op)
{
        struct lu_outcome *o = &op->result.outcome;
        const struct payload_stats *stats = payload_stats(op->payload);

        if (op->state == UPDATE_ENDED)
                return;
        judge(op);
        o->files = stats->files;
        o->deleted = stats->deleted;
        o->bytes = stats->bytes;
        o->milliseconds = kube_client_now(op->client) - op->started;
        o->protocol = op->protocol;
        op->result.unreadable = stats->unreadable;
        update_go(op, UPDATE_ENDED);
}

static void note_failure(struct update_op *op, const struct lu_failure_facts *facts)
{
        if (op->failed)
                return; /* the first counts, what follows is its consequence */
        op->failed = true;
        op->facts = *facts;
        if (!op->facts.refusal)
                op->facts.refusal = "";
}

/* ------------------------------------------------------------------ states and deadlines */

static void on_timer(uv_timer_t *timer)
{
        struct update_op *op = container_of(timer, struct update_op, timer);

        if (op->state == UPDATE_ENDED) {
                op->callbacks->on_end(op->userdata, &op->result);
                return;
        }
        if (op->state == UPDATE_RUNNING)
                note_failure(op, &(struct lu_failure_facts){
                                         .kind = LU_FAILURE_TIMEOUT,
                                         .message = "the session fell silent: a run neither ended "
                                                    "nor could it be ended in the container",
                                 });
        finish(op);
}

static void update_go(struct update_op *op, enum update_state next)
{
        log_debug("update", LOG_S("target", op->target), LOG_S("state", update_state_names[next]));
        op->state = next;
        switch (next) {
        case UPDATE_CONNECTING:
        case UPDATE_SENDING:
                break; /* the exec's own deadlines */
        case UPDATE_RUNNING:
                kube_exec_set_idle_timeout(op->client, op->exec, 0);
                uv_timer_start(&op->timer, on_timer, RUN_SPARE_MS, 0);
                break;
        case UPDATE_FAILING:
                uv_timer_start(&op->timer, on_timer, LAST_WORDS_MS, 0);
                break;
        case UPDATE_ENDED:
                kube_exec_cancel(op->client, op->exec);
                op->exec = 0;
                uv_timer_start(&op->timer, on_timer, 0, 0);
                break;
        }
}

/* ------------------------------------------------------------------ what the session reports */

static void keep_tail(struct str *tail, const char *data, size_t len, size_t max)
{
        str_append_bytes(tail, data, len);
        if (tail->len > max)
                str_consume(tail, tail->len - max);
}

static void flush_line(struct update_op *op, size_t run)
{
        size_t len = op->line.len;

        if (len > 0 && op->line.data[len - 1] == '\r')
                len--;
        if (op->callbacks->on_line && op->update->runs[run].echo)
                op->callbacks->on_line(op->userdata, run, str_text(&op->line), len);
        str_clear(&op->line);
}

static void on_run_output(struct update_op *op, size_t run, struct view output)
{
        keep_tail(&op->run_tail, output.data, output.len, LIMIT_RUN_OUTPUT_TAIL);
        while (output.len > 0) {
                const char *newline = memchr(output.data, '\n', output.len);
                size_t len = newline ? (size_t)(newline - output.data) : output.len;
                size_t room = ECHO_LINE_MAX - op->line.len;
                bool full = len >= room;

                len = full ? room : len;
                str_append_bytes(&op->line, output.data, len);
                if (newline && !full)
                        len++;
                if (newline || full)
                        flush_line(op, run);
                output = view_of(output.data + len, output.len - len);
        }
}

static void on_run_start(struct update_op *op, size_t run)
{
        str_clear(&op->run_tail);
        uv_timer_start(&op->timer, on_timer,
                       (uint64_t)op->update->runs[run].timeout_seconds * 1000 + RUN_SPARE_MS, 0);
}

static void on_run_exit(struct update_op *op, const struct lu_report_event *event)
{
        struct update_result *r = &op->result;

        if (op->line.len > 0)
                flush_line(op, event->run);
        uv_timer_start(&op->timer, on_timer, RUN_SPARE_MS, 0);
        if (event->code == 0) {
                op->n_runs_succeeded++;
                return;
        }
        r->outcome.run_failed = true;
        r->failed_run = event->run;
        r->exit_code = event->code;
        r->timed_out = event->timed_out;
        finish(op);
}

/* A record that does not fit to what was asked for. */
static bool is_absurd(const struct update_op *op, const struct lu_report_event *event)
{
        switch (event->kind) {
        case LU_REPORT_RUN:
        case LU_REPORT_EXIT:
                return op->state != UPDATE_RUNNING || event->run != op->n_runs_succeeded ||
                       event->run >= op->update->n_runs;
        case LU_REPORT_DONE:
                return op->state != UPDATE_RUNNING || op->n_runs_succeeded != op->update->n_runs;
        case LU_REPORT_APPLIED:
        case LU_REPORT_VOID:
        case LU_REPORT_FAIL:
                return op->state != UPDATE_SENDING;
        case LU_REPORT_OUTPUT:
                return false;
        }
        return true;
}

static void garbled(struct update_op *op)
{
        note_failure(op, &(struct lu_failure_facts){
                                 .kind = LU_FAILURE_LOST,
                                 .message = "the session's report cannot be understood",
                         });
        finish(op);
}

static void on_report(void *userdata, const struct lu_report_event *event)
{
        struct update_op *op = userdata;

        if (op->state == UPDATE_ENDED || op->state == UPDATE_FAILING)
                return;
        if (is_absurd(op, event)) {
                garbled(op);
                return;
        }
        switch (event->kind) {
        case LU_REPORT_APPLIED:
                update_go(op, UPDATE_RUNNING);
                break;
        case LU_REPORT_VOID:
                note_failure(op, &(struct lu_failure_facts){.kind = LU_FAILURE_VOID});
                finish(op);
                break;
        case LU_REPORT_FAIL:
                note_failure(op, &(struct lu_failure_facts){
                                         .kind = LU_FAILURE_COMMAND,
                                         .phase = event->phase,
                                         .code = event->code,
                                 });
                update_go(op, UPDATE_FAILING);
                break;
        case LU_REPORT_RUN:
                on_run_start(op, event->run);
                break;
        case LU_REPORT_OUTPUT:
                on_run_output(op, event->run, event->output);
                break;
        case LU_REPORT_EXIT:
                on_run_exit(op, event);
                break;
        case LU_REPORT_DONE:
                finish(op);
                break;
        }
}

/* ------------------------------------------------------------------ the exec */

static void on_open(void *userdata, const char *protocol)
{
        struct update_op *op = userdata;

        op->protocol = streq(protocol, "v5") ? "v5" : "v4";
        update_go(op, UPDATE_SENDING);
}

static ssize_t pull(void *userdata, uint8_t *buffer, size_t size)
{
        struct update_op *op = userdata;

        /* After a failure the rest is of no use; the end of input ends a shell that still reads. */
        if (op->state == UPDATE_FAILING || op->state == UPDATE_ENDED)
                return -ENODATA;
        return payload_pull(op->payload, buffer, size);
}

static void on_output(void *userdata, int channel, const uint8_t *data, size_t len)
{
        struct update_op *op = userdata;

        if (channel == 2)
                keep_tail(&op->stderr_tail, (const char *)data, len, STDERR_TAIL);
        else if (lu_report_feed(&op->report, (const char *)data, len) < 0)
                garbled(op);
}

static void on_exec_end(void *userdata, const struct kube_exec_result *result)
{
        struct update_op *op = userdata;
        struct lu_failure_facts facts = {
                .code = result->exit_code,
                .http_status = result->http_status,
                .retryable = result->retryable,
        };

        op->exec = 0;
        op->refusal_reason = xstrdup(result->reason);
        op->refusal_text = xstrdup(result->message);
        facts.refusal = op->refusal_reason;
        facts.message = op->refusal_text;
        switch (result->outcome) {
        case KUBE_EXEC_EXITED:
                facts.kind = LU_FAILURE_EXITED;
                break;
        case KUBE_EXEC_REFUSED:
                facts.kind = LU_FAILURE_REFUSED;
                break;
        case KUBE_EXEC_UNKNOWN:
                facts.kind = LU_FAILURE_LOST;
                break;
        }
        if (op->state != UPDATE_ENDED)
                note_failure(op, &facts);
        finish(op);
}

static const struct kube_exec_callbacks exec_callbacks = {
        .on_open = on_open,
        .pull = pull,
        .on_output = on_output,
        .on_end = on_exec_end,
};

/* ------------------------------------------------------------------ life */

static void make_token(char token[static LU_TOKEN_SIZE])
{
        unsigned char random[(LU_TOKEN_SIZE - 1) / 2];

        if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
                abort(); /* cannot happen for so few bytes: getrandom(2) */
        for (size_t i = 0; i < sizeof(random); i++)
                snprintf(token + 2 * i, 3, "%02x", random[i]);
}

int update_op_start(const struct update_op_params *params, const struct update_callbacks *callbacks,
                    void *userdata, struct update_op **ret_op, struct err *err)
{
        const char *const argv[] = {"sh", "-c", LU_SCRIPT_BOOTSTRAP, NULL};
        struct kube_exec_params exec = {
                .namespace_ = params->namespace_,
                .pod = params->pod,
                .container = params->container,
                .argv = argv,
                .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                .idle_timeout_ms = PROGRESS_TIMEOUT_MS,
        };
        struct update_op *op = xcalloc(1, sizeof(*op));
        struct payload_params payload = {
                .update = params->update,
                .workspace_fd = params->workspace_fd,
                .careful = params->careful,
        };
        char token[LU_TOKEN_SIZE];
        int e;

        make_token(token);
        payload.token = token;
        op->client = params->client;
        op->update = lu_update_ref(params->update);
        op->callbacks = callbacks;
        op->userdata = userdata;
        op->protocol = "";
        op->started = kube_client_now(params->client);
        op->target = xasprintf("%s/%s/%s", params->namespace_, params->pod,
                               params->container ? params->container : "");
        op->payload = payload_new(&payload);
        lu_report_init(&op->report, token, on_report, op);
        uv_timer_init(kube_client_loop(params->client), &op->timer);

        e = kube_exec_start(params->client, &exec, &exec_callbacks, op, &op->exec, err);
        if (e < 0) {
                update_op_free(op);
                return e;
        }
        *ret_op = op;
        return 0;
}

static void on_closed(uv_handle_t *handle)
{
        struct update_op *op = container_of((uv_timer_t *)handle, struct update_op, timer);

        payload_free(op->payload);
        lu_report_done(&op->report);
        lu_failure_done(&op->failure);
        lu_update_unref(op->update);
        str_done(&op->stderr_tail);
        str_done(&op->run_tail);
        str_done(&op->line);
        free(op->refusal_reason);
        free(op->refusal_text);
        free(op->run_message);
        free(op->output_tail);
        free(op->target);
        free(op);
}

void update_op_free(struct update_op *op)
{
        if (!op)
                return;
        kube_exec_cancel(op->client, op->exec);
        uv_close((uv_handle_t *)&op->timer, on_closed);
}
