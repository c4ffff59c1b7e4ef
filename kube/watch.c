/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/watch.h"

/*
 * The shell around watch_machine: it turns what the network says into inputs, carries out one
 * decision at a time, and then tells the owner. In this order, because the owner may free the watch
 * in any callback: first the store, then the machine, then what the decision demands, and only then
 * the callbacks, each followed by a look whether the watch still runs.
 *
 * The watch lives as long as somebody holds a reference: its owner, the timer until libuv has
 * closed it, and whoever is just calling back.
 */

#include <assert.h>
#include <errno.h>

#include <sys/random.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/http.h"
#include "kube/lines.h"
#include "kube/request.h"
#include "kube/status.h"
#include "kube/store.h"
#include "kube/watch_decode.h"
#include "kube/watch_machine.h"

#define LIST_TIMEOUT_MS  120000 /* a large list over a slow line */
#define OPEN_TIMEOUT_MS  35000  /* a little more than connecting may take */
#define TIMEOUT_MIN_S    300
#define TIMEOUT_SPREAD_S 300
#define WATCHDOG_MS      30000 /* above the time after which the server ends the stream */

struct kube_watch {
        struct kube_op op;
        struct kube_client *client; /* NULL: ended */
        char *path, *label_selector, *field_selector;
        unsigned timeout_s, stream_timeout_s;
        kube_watch_cb cb;
        void *userdata;

        struct watch_machine machine;
        struct kube_store store;
        kube_request_id list;    /* while LISTING */
        struct kube_http stream; /* while WATCHING */
        struct lines lines;
        struct str refusal; /* the body of an answer that is no stream */
        bool too_long;      /* a line exceeded its bound */
        uv_timer_t timer;   /* the wait, or the watchdog of the stream */
        unsigned n_refs;
        char *problem;
        int problem_status;
};

static void unref(struct kube_watch *w)
{
        if (--w->n_refs > 0)
                return;
        watch_machine_done(&w->machine);
        kube_store_done(&w->store);
        lines_done(&w->lines);
        str_done(&w->refusal);
        free(w->path);
        free(w->label_selector);
        free(w->field_selector);
        free(w->problem);
        free(w);
}

static uint64_t random_number(void)
{
        uint64_t number = 0;

        (void)!getrandom(&number, sizeof(number), 0); /* cannot fail for so few bytes */
        return number;
}

/* Ends whatever the watch is doing. */
static void halt(struct kube_watch *w)
{
        kube_request_cancel(w->client, w->list);
        w->list = 0;
        kube_http_done(&w->stream);
        lines_reset(&w->lines);
        str_clear(&w->refusal);
        w->too_long = false;
        uv_timer_stop(&w->timer);
}

static void on_timer_closed(uv_handle_t *handle)
{
        unref(container_of((uv_timer_t *)handle, struct kube_watch, timer));
}

static void on_stop(struct kube_op *op)
{
        struct kube_watch *w = container_of(op, struct kube_watch, op);

        kube_client_detach(w->client, op);
        halt(w);
        w->client = NULL;
        uv_close((uv_handle_t *)&w->timer, on_timer_closed);
}

static void tell(struct kube_watch *w, enum kube_watch_event event, json_t *object)
{
        if (w->client)
                w->cb(w->userdata, w, event, object);
}

static void step(struct kube_watch *w, const struct watch_input *input, const char *problem,
                 const struct kube_changes *changes);

static void failed(struct kube_watch *w, const struct watch_input *input, const char *what)
{
        _cleanup_(freep) char *problem = xasprintf(
                "watching %s%s: %s", kube_client_config(w->client)->server, w->path, what);

        step(w, input, problem, NULL);
}

static const char *text_of(int r)
{
        switch (r) {
        case -EBADMSG:
                return "the server sent something that is no JSON";
        case -EMSGSIZE:
                return "the server sent an event that is too large";
        default:
                return "the server sent something that is neither list nor event";
        }
}

static void on_error_event(struct kube_watch *w, const json_t *object)
{
        _cleanup_(kube_status_done) struct kube_status s = {};
        struct watch_input input = {.happened = WATCH_FAILED};

        if (kube_status_from_json(object, &s) < 0) {
                input.r = -EPROTO;
                failed(w, &input, text_of(input.r));
                return;
        }
        input.status = s.code ? s.code : 500;
        if (streq(s.reason, "Expired") || streq(s.reason, "Gone"))
                input.status = 410;
        input.retry_after_s = s.retry_after_s;
        failed(w, &input, *s.message ? s.message : s.reason);
}

static void on_line(struct kube_watch *w, struct view line)
{
        _cleanup_(watch_event_done) struct watch_event event = {};
        _cleanup_(kube_changes_done) struct kube_changes changes = {};
        struct watch_input input = {.happened = WATCH_EVENT};

        if (line.len == 0)
                return;
        input.r = watch_event_decode(line, &event);
        if (input.r == 0 && event.type == WATCH_EVENT_ERROR) {
                on_error_event(w, event.object);
                return;
        }
        if (input.r == 0 && event.type == WATCH_EVENT_APPLIED)
                input.r = kube_store_apply(&w->store, event.object, &changes);
        else if (input.r == 0 && event.type == WATCH_EVENT_DELETED)
                input.r = kube_store_delete(&w->store, event.object, &changes);
        if (input.r < 0) {
                input.happened = WATCH_FAILED;
                failed(w, &input, text_of(input.r));
                return;
        }
        input.resource_version = event.resource_version;
        step(w, &input, NULL, &changes);
}

static size_t on_body(char *data, size_t size, size_t n, void *userdata)
{
        struct kube_watch *w = userdata;
        size_t len = size * n, room = LIMIT_ERROR_BODY - w->refusal.len;

        if (kube_http_status(&w->stream) >= 300) {
                str_append_bytes(&w->refusal, data, len < room ? len : room);
                return len;
        }
        w->too_long = lines_push(&w->lines, data, len) < 0;
        curl_transfer_readable(&w->stream.transfer);
        return w->too_long ? 0 : len;
}

/* The headers alone say that the stream is open; the first event may be far away. */
static size_t on_header(char *data, size_t size, size_t n, void *userdata)
{
        struct kube_watch *w = userdata;

        curl_transfer_readable(&w->stream.transfer);
        return size * n;
}

static void on_timer(uv_timer_t *timer)
{
        struct kube_watch *w = container_of(timer, struct kube_watch, timer);
        struct watch_input input = {.happened = WATCH_TIMER};

        if (w->machine.state == WATCH_WAITING)
                step(w, &input, NULL, NULL);
        else
                failed(w, &input, "the connection is silent");
}

static void opened(struct kube_watch *w)
{
        struct watch_input input = {.happened = WATCH_OPENED};
        uint64_t watchdog_ms = (uint64_t)w->stream_timeout_s * 1000 + WATCHDOG_MS;

        kube_client_stats(w->client)->watches_opened++;
        uv_timer_start(&w->timer, on_timer, watchdog_ms, 0);
        step(w, &input, NULL, NULL);
}

static void on_readable(struct curl_transfer *t)
{
        struct kube_watch *w = container_of(t, struct kube_watch, stream.transfer);
        int status = kube_http_status(&w->stream);
        struct view line;

        w->n_refs++;
        if (status >= 200 && status < 300 && !w->machine.open)
                opened(w);
        while (w->client && lines_next(&w->lines, &line))
                on_line(w, line);
        unref(w);
}

static void on_stream_done(struct curl_transfer *t, CURLcode result)
{
        struct kube_watch *w = container_of(t, struct kube_watch, stream.transfer);
        _cleanup_(kube_status_done) struct kube_status s = {};
        struct watch_input input = {.happened = WATCH_FAILED, .r = kube_http_errno(result)};
        _cleanup_(freep) char *problem = NULL;
        int status = kube_http_status(&w->stream);

        if (w->too_long) {
                input.r = -EMSGSIZE;
                failed(w, &input, text_of(input.r));
                return;
        }
        if (input.r < 0) {
                problem = kube_http_transport_problem(&w->stream, result);
                step(w, &input, problem, NULL);
                return;
        }
        if (status >= 200 && status < 300) {
                input.happened = WATCH_STREAM_END;
                step(w, &input, NULL, NULL);
                return;
        }
        if (status == 401 && kube_http_restart_unauthorized(&w->stream)) {
                str_clear(&w->refusal);
                return;
        }
        kube_status_parse(str_text(&w->refusal), w->refusal.len, &s);
        input.status = status;
        input.rv_too_large = s.rv_too_large;
        input.retry_after_s = kube_http_retry_after(&w->stream);
        problem = kube_http_status_problem(&w->stream, &w->refusal);
        step(w, &input, problem, NULL);
}

static void on_list(void *userdata, const struct kube_response *response)
{
        struct kube_watch *w = userdata;
        _cleanup_(watch_list_done) struct watch_list list = {};
        _cleanup_(kube_status_done) struct kube_status s = {};
        _cleanup_(kube_changes_done) struct kube_changes changes = {};
        struct watch_input input = {.happened = WATCH_FAILED};

        w->list = 0;
        if (!kube_response_ok(response)) {
                kube_status_parse(str_text(response->body), response->body->len, &s);
                input.r = response->r;
                input.status = response->status;
                input.rv_too_large = s.rv_too_large;
                input.retry_after_s = response->retry_after_s;
                step(w, &input, response->problem, NULL);
                return;
        }
        input.r = watch_list_decode(response->body, &list);
        if (input.r == 0)
                input.r = kube_store_replace(&w->store, list.items, &changes);
        if (input.r < 0) {
                failed(w, &input, text_of(input.r));
                return;
        }
        input.happened = WATCH_LISTED;
        input.resource_version = list.resource_version;
        step(w, &input, NULL, &changes);
}

static char *make_path(const struct kube_watch *w, const char *version, unsigned timeout_s)
{
        const struct watch_query query = {
                .path = w->path,
                .label_selector = w->label_selector,
                .field_selector = w->field_selector,
                .resource_version = version,
                .timeout_s = timeout_s,
        };

        return watch_query_format(&query);
}

static void start_list(struct kube_watch *w)
{
        _cleanup_(freep) char *path = make_path(w, watch_machine_list_version(&w->machine), 0);
        struct kube_request_params params = {
                .method = "GET", .path = path, .timeout_ms = LIST_TIMEOUT_MS, .gzip = true};

        w->list = kube_request_start(w->client, &params, on_list, w);
}

static void start_stream(struct kube_watch *w)
{
        unsigned timeout_s =
                w->timeout_s ? w->timeout_s
                             : TIMEOUT_MIN_S + (unsigned)(random_number() % (TIMEOUT_SPREAD_S + 1));
        _cleanup_(freep) char *path = make_path(w, w->machine.resource_version, timeout_s);
        struct kube_http_params params = {.method = "GET", .path = path};

        w->stream_timeout_s = timeout_s;
        w->stream.transfer.on_readable = on_readable;
        w->stream.transfer.on_done = on_stream_done;
        kube_http_init(&w->stream, w->client, &params);
        curl_easy_setopt(w->stream.transfer.easy, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(w->stream.transfer.easy, CURLOPT_WRITEDATA, w);
        curl_easy_setopt(w->stream.transfer.easy, CURLOPT_HEADERFUNCTION, on_header);
        curl_easy_setopt(w->stream.transfer.easy, CURLOPT_HEADERDATA, w);
        uv_timer_start(&w->timer, on_timer, OPEN_TIMEOUT_MS, 0);
        kube_http_start(&w->stream);
}

static void carry_out(struct kube_watch *w, const struct watch_decision *d)
{
        if (d->what == WATCH_STAY)
                return;
        log_debug("watch", LOG_S("path", w->path),
                  LOG_S("state", watch_state_name(w->machine.state)), LOG_U("wait_ms", d->wait_ms));
        halt(w);
        if (d->what == WATCH_DO_LIST)
                start_list(w);
        else if (d->what == WATCH_DO_WATCH)
                start_stream(w);
        else
                uv_timer_start(&w->timer, on_timer, d->wait_ms, 0);
}

static void set_problem(struct kube_watch *w, const char *problem, int status)
{
        char *copy = xstrdup(problem);

        free(w->problem);
        w->problem = copy;
        w->problem_status = status;
}

/* @input but for its time and random number; @problem: the failure in words. */
static void step(struct kube_watch *w, const struct watch_input *input, const char *problem,
                 const struct kube_changes *changes)
{
        struct watch_input in = *input;
        struct watch_decision d;

        in.now_ms = kube_client_now(w->client);
        in.random = random_number();
        d = watch_machine_step(&w->machine, &in);
        if (!w->machine.in_trouble)
                set_problem(w, NULL, 0);
        else if (problem)
                set_problem(w, problem, in.status);
        w->n_refs++;
        carry_out(w, &d);
        for (size_t i = 0; changes && i < changes->n_items; i++)
                tell(w, changes->items[i].deleted ? KUBE_WATCH_DELETED : KUBE_WATCH_APPLIED,
                     changes->items[i].object);
        if (d.synced)
                tell(w, KUBE_WATCH_SYNCED, NULL);
        if (d.trouble != WATCH_TROUBLE_SAME)
                tell(w, KUBE_WATCH_PROBLEM, NULL);
        unref(w);
}

int kube_watch_start(struct kube_client *c, const struct kube_watch_params *params,
                     kube_watch_cb cb, void *userdata, struct kube_watch **ret_watch)
{
        struct kube_watch *w = xcalloc(1, sizeof(*w));

        w->op.stop = on_stop;
        if (!kube_client_attach(c, &w->op)) {
                free(w);
                return -ECANCELED;
        }
        w->client = c;
        w->path = xstrdup(params->path);
        w->label_selector = xstrdup(params->label_selector);
        w->field_selector = xstrdup(params->field_selector);
        w->timeout_s = params->timeout_s;
        w->cb = cb;
        w->userdata = userdata;
        w->lines.max = LIMIT_WATCH_LINE;
        uv_timer_init(kube_client_loop(c), &w->timer);
        w->n_refs = 2; /* the owner and the timer */
        start_list(w);
        *ret_watch = w;
        return 0;
}

void kube_watch_free(struct kube_watch *w)
{
        if (!w)
                return;
        if (w->client)
                on_stop(&w->op);
        unref(w);
}

bool kube_watch_synced(const struct kube_watch *w)
{
        return w->machine.synced;
}

const char *kube_watch_problem(const struct kube_watch *w)
{
        return w->problem;
}

int kube_watch_problem_status(const struct kube_watch *w)
{
        return w->problem_status;
}

json_t *kube_watch_get(const struct kube_watch *w, const char *namespace_, const char *name)
{
        return kube_store_get(&w->store, namespace_, name);
}

size_t kube_watch_count(const struct kube_watch *w)
{
        return kube_store_count(&w->store);
}

void kube_watch_each(const struct kube_watch *w, bool (*each)(void *userdata, json_t *object),
                     void *userdata)
{
        kube_store_each(&w->store, each, userdata);
}
