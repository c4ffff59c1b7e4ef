/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/watch.h"

/*
 * A watch listens to the store and writes lines at once. With a selector the type of an event
 * depends on both states: what leaves the selection is DELETED, with its last matching state and
 * the new resourceVersion; what enters is ADDED. A client that does not read is cut off when too
 * much waits for it.
 */

#include <inttypes.h>

#include "base/mem.h"
#include "test/standin/jx.h"
#include "test/standin/rules.h"
#include "test/standin/standin.h"

#define PENDING_MAX         ((size_t)32 << 20)
#define TIMEOUT_DEFAULT_SEC 1800

struct watch {
        struct standin *standin;
        struct http *http;
        struct resource *asked, *resource;
        char *ns; /* or NULL */
        struct selector labels, fields;
        struct store_listener listener;
        uv_timer_t bookmark, timeout;
        unsigned n_open; /* timers still to close */
        bool bookmarks;
        bool silent; /* a fault */
};

bool watch_selects(const struct selector *labels, const struct selector *fields, const char *ns,
                   const json_t *object)
{
        const char *object_ns = jx_text(object, "metadata.namespace");

        if (ns && !streq(ns, object_ns))
                return false;
        return selector_matches_labels(labels, object) && selector_matches_fields(fields, object);
}

static bool selects(const struct watch *w, json_t *object)
{
        json_auto_t *view = object ? rules_to_view(w->asked, object) : NULL;

        return view && watch_selects(&w->labels, &w->fields, w->ns, view);
}

static void send_line(struct watch *w, const char *type, const json_t *object)
{
        _cleanup_(freep) char *text = jx_dump(object);
        _cleanup_(str_done) struct str line = {};

        if (w->silent)
                return;
        str_appendf(&line, "{\"type\":\"%s\",\"object\":", type);
        str_append(&line, text);
        str_append(&line, "}\n");
        http_stream_write(w->http, line.data, line.len);
        if (conn_pending(http_conn(w->http)) > PENDING_MAX)
                conn_reset(http_conn(w->http));
}

static void send_object(struct watch *w, enum event_type type, json_t *object)
{
        json_auto_t *view = rules_to_view(w->asked, object);

        send_line(w, event_type_text(type), view);
}

static void send_event(struct watch *w, const struct event *e)
{
        bool before, now;

        if (e->resource != w->resource)
                return;
        before = selects(w, e->before);
        now = e->type != EVENT_DELETED && selects(w, e->now);
        if (now) {
                send_object(w, before ? EVENT_MODIFIED : EVENT_ADDED, e->now);
        } else if (before && e->type == EVENT_DELETED) {
                send_object(w, EVENT_DELETED, e->now);
        } else if (before) {
                json_auto_t *last = json_deep_copy(e->before);

                jx_put(last, "metadata.resourceVersion",
                       jx_get(e->now, "metadata.resourceVersion"));
                send_object(w, EVENT_DELETED, last);
        }
}

static void on_event(void *user, const struct event *e)
{
        send_event(user, e);
}

static void on_timer_closed(uv_handle_t *handle)
{
        struct watch *w = handle->data;

        if (--w->n_open > 0)
                return;
        selector_done(&w->labels);
        selector_done(&w->fields);
        free(w->ns);
        free(w);
}

static void watch_end(struct watch *w)
{
        store_unlisten(&w->listener);
        uv_close((uv_handle_t *)&w->bookmark, on_timer_closed);
        uv_close((uv_handle_t *)&w->timeout, on_timer_closed);
}

static void on_gone(void *user)
{
        watch_end(user);
}

static void finish(struct watch *w)
{
        struct http *h = w->http;

        http_on_gone(h, NULL, NULL);
        watch_end(w);
        http_stream_end(h);
}

static void on_timeout(uv_timer_t *timer)
{
        struct watch *w = timer->data;

        if (!w->silent)
                finish(w);
}

static void send_bookmark(struct watch *w, bool initial_end)
{
        _cleanup_(freep) char *rv = xasprintf("%" PRIu64, w->standin->store.rv);
        _cleanup_(freep) char *api_version = resource_api_version(w->asked);
        json_auto_t *o =
                json_pack("{s:s, s:s, s:{s:s, s:n}}", "kind", w->asked->kind, "apiVersion",
                          api_version, "metadata", "resourceVersion", rv, "creationTimestamp");

        if (initial_end)
                json_object_set_new(jx_object_at(o, "metadata.annotations"),
                                    "k8s.io/initial-events-end", json_string("true"));
        send_line(w, "BOOKMARK", o);
}

static void on_bookmark(uv_timer_t *timer)
{
        send_bookmark(timer->data, false);
}

static void send_initial(struct watch *w)
{
        struct object *o, *next;

        store_sort(w->resource);
        HASH_ITER(hh, w->resource->objects, o, next)
                if (selects(w, o->json))
                        send_object(w, EVENT_ADDED, o->json);
}

static void send_history(struct watch *w, uint64_t since)
{
        const struct store *s = &w->standin->store;

        for (size_t i = 0; i < s->n_history; i++) {
                const struct event *e = &s->history[(s->first_history + i) % s->max_history];

                if (e->rv > since)
                        send_event(w, e);
        }
}

static void send_expired(struct watch *w, uint64_t asked)
{
        _cleanup_(freep) char *message =
                xasprintf("too old resource version: %" PRIu64 " (%" PRIu64 ")", asked,
                          w->standin->store.forgotten_rv);
        json_auto_t *status = status_new(410, "Expired", message);

        send_line(w, "ERROR", status);
        finish(w);
}

static struct watch *watch_new(struct call *c)
{
        struct watch *w = xcalloc(1, sizeof(*w));

        w->standin = c->standin;
        w->http = c->http;
        w->asked = c->asked;
        w->resource = c->resource;
        w->ns = xstrdup(c->ns);
        w->bookmarks = http_query_true(c->http, "allowWatchBookmarks");
        w->listener = (struct store_listener){.notify = on_event, .user = w};
        uv_timer_init(&c->standin->loop, &w->bookmark);
        uv_timer_init(&c->standin->loop, &w->timeout);
        w->bookmark.data = w->timeout.data = w;
        w->n_open = 2;
        return w;
}

static void start_timers(struct watch *w)
{
        const char *text = http_query(w->http, "timeoutSeconds");
        unsigned every = w->standin->options.bookmark_ms;
        uint64_t seconds = TIMEOUT_DEFAULT_SEC;

        if (text && (parse_u64(text, 86400, &seconds) < 0 || seconds == 0))
                seconds = TIMEOUT_DEFAULT_SEC;
        uv_timer_start(&w->timeout, on_timeout, seconds * 1000, 0);
        if (w->bookmarks && every > 0)
                uv_timer_start(&w->bookmark, on_bookmark, every, every);
}

void watch_start(struct call *c, struct selector *labels_take, struct selector *fields_take)
{
        struct store *s = &c->standin->store;
        const struct http_request *request = http_request(c->http);
        const char *text = http_query(c->http, "resourceVersion");
        bool initial = http_query_true(c->http, "sendInitialEvents");
        uint64_t rv = 0;
        struct fault fault;
        struct watch *w = watch_new(c);

        w->labels = *labels_take;
        w->fields = *fields_take;
        *labels_take = *fields_take = (struct selector){};
        parse_u64(text ? text : "", UINT64_MAX, &rv);
        w->silent = faults_strike(&c->standin->faults, FAULT_WATCH_SILENT, request->method,
                                  request->target.data, &fault);
        http_stream_begin(c->http, "application/json");
        http_on_gone(c->http, on_gone, w);
        if ((rv != 0 && rv < s->forgotten_rv) ||
            faults_strike(&c->standin->faults, FAULT_WATCH_EXPIRED, request->method,
                          request->target.data, &fault)) {
                send_expired(w, rv);
                return;
        }
        if (rv == 0 || initial)
                send_initial(w);
        else
                send_history(w, rv);
        if (initial)
                send_bookmark(w, true);
        store_listen(s, &w->listener);
        start_timers(w);
}
