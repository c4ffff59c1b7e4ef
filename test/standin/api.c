/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/api.h"

/*
 * In the order of the real server: authentication, then the path, then the method. Faults come
 * before everything but the stand-in's own interface below /standin/.
 */

#include <openssl/crypto.h>

#include "base/mem.h"
#include "test/standin/call.h"
#include "test/standin/discovery.h"
#include "test/standin/jx.h"
#include "test/standin/rules.h"
#include "test/standin/standin.h"
#include "test/standin/streams.h"
#include "test/standin/verbs.h"

static bool token_fits(const char *token, const char *header)
{
        static const char bearer[] = "Bearer ";
        size_t len = strlen(token);

        if (!header || !starts_with(header, bearer))
                return false;
        header += sizeof(bearer) - 1;
        return strlen(header) == len && CRYPTO_memcmp(header, token, len) == 0;
}

static bool authenticated(struct standin *s, struct http *h)
{
        const char *header = http_header(h, "Authorization");

        /* As the real server: a wrong token is not saved by a certificate. */
        if (header)
                return token_fits(s->token, header);
        return conn_has_certificate(http_conn(h));
}

static void method_not_allowed(struct call *c)
{
        call_fail(c, 405, "MethodNotAllowed",
                  "the server does not allow this method on the requested resource");
}

static void path_not_found(struct call *c)
{
        call_fail(c, 404, "NotFound", "the server could not find the requested resource");
}

/* Reads the rest of the path, from the plural name on. False: no such path. */
static bool parse_names(struct call *c, const char *group, const char *version, size_t at)
{
        const struct strv *path = &http_request(c->http)->segments;
        struct store *s = &c->standin->store;
        const char *const *items = (const char *const *)path->items;
        size_t left = path->n_items - at;

        /* "namespaces/x" alone is the namespace; with more behind it, a scope. */
        if (left >= 3 && streq(items[at], "namespaces") &&
            (*group || (!streq(items[at + 2], "status") && !streq(items[at + 2], "finalize")))) {
                c->ns = items[at + 1];
                at += 2;
                left -= 2;
        }
        if (left < 1 || left > 3)
                return false;
        c->asked = store_resource(s, group, version, items[at]);
        c->name = left > 1 ? items[at + 1] : NULL;
        c->sub = left > 2 ? items[at + 2] : NULL;
        if (!c->asked)
                return false;
        c->resource = rules_storage(s, c->asked);
        if (!c->asked->namespaced)
                return !c->ns;
        return c->ns || !c->name;
}

static bool parse_path(struct call *c)
{
        const struct strv *path = &http_request(c->http)->segments;
        const char *first = path->n_items > 0 ? path->items[0] : "";

        if (streq(first, "api") && path->n_items > 2)
                return parse_names(c, "", path->items[1], 2);
        if (streq(first, "apis") && path->n_items > 3)
                return parse_names(c, path->items[1], path->items[2], 3);
        return false;
}

static bool known_subresource(const struct call *c)
{
        if (!c->sub)
                return true;
        if (streq(c->sub, "status"))
                return c->resource->has_status;
        if (streq(c->sub, "ephemeralcontainers"))
                return streq(c->resource->kind, "Pod") && !c->resource->custom;
        return streq(c->sub, "scale") && c->resource->has_scale;
}

static void dispatch_named(struct call *c, const char *method)
{
        if (streq(method, "GET") || streq(method, "HEAD"))
                verb_get(c);
        else if (streq(method, "PUT"))
                verb_update(c);
        else if (streq(method, "PATCH"))
                verb_patch(c);
        else if (streq(method, "DELETE") && !c->sub)
                verb_delete(c);
        else
                method_not_allowed(c);
}

static void dispatch(struct call *c)
{
        const char *method = http_request(c->http)->method;
        bool create_only = c->asked->virtual && c->asked == c->resource;

        if (streams_answer(c))
                return;
        if (!known_subresource(c))
                path_not_found(c);
        else if (c->name && !create_only)
                dispatch_named(c, method);
        else if (streq(method, "POST") && (c->ns || !c->asked->namespaced))
                verb_create(c);
        else if (streq(method, "GET") && !create_only)
                verb_list_or_watch(c);
        else if (streq(method, "DELETE") && !create_only)
                verb_delete_collection(c);
        else
                method_not_allowed(c);
}

static void faults_interface(struct call *c, const char *method)
{
        struct faults *f = &c->standin->faults;
        _cleanup_(err_done) struct err err = {};
        json_auto_t *body = NULL;

        if (streq(method, "POST")) {
                body = call_body(c);
                if (!body)
                        return;
                if (faults_add(f, body, &err) < 0) {
                        call_fail(c, 400, "BadRequest", "%s", err_text(&err));
                        return;
                }
        } else if (streq(method, "DELETE")) {
                faults_clear(f);
        }
        json_auto_t *list = faults_list(f);
        call_answer(c, 200, list);
}

/* From now on the old token is as good as expired. */
static void token_interface(struct call *c)
{
        json_auto_t *body = call_body(c);
        const char *token = body ? jx_text(body, "token") : NULL;

        if (!body)
                return;
        if (!token || !*token) {
                call_fail(c, 400, "BadRequest", "token: Required value");
                return;
        }
        free(c->standin->token);
        c->standin->token = xstrdup(token);
        call_answer(c, 200, c->standin->faults.violations);
}

/* The stand-in's own paths, which need the token as well. */
static void own_interface(struct call *c)
{
        const struct http_request *r = http_request(c->http);
        const char *what = r->segments.n_items > 1 ? r->segments.items[1] : "";

        if (streq(what, "faults")) {
                faults_interface(c, r->method);
        } else if (streq(what, "requests")) {
                call_answer(c, 200, c->standin->faults.requests);
        } else if (streq(what, "violations")) {
                call_answer(c, 200, c->standin->faults.violations);
        } else if (streq(what, "token") && streq(r->method, "POST")) {
                token_interface(c);
        } else if (streq(what, "compact") && streq(r->method, "POST")) {
                store_compact(&c->standin->store);
                call_answer(c, 200, c->standin->faults.requests);
        } else {
                path_not_found(c);
        }
}

/* Names and parameters are text; only a command of an exec may be any bytes. */
static bool is_text(const struct http_request *r)
{
        for (size_t i = 0; i < r->segments.n_items; i++)
                if (!utf8_valid(r->segments.items[i], strlen(r->segments.items[i])))
                        return false;
        for (size_t i = 0; i < r->query.n_items; i++) {
                const struct http_pair *q = &r->query.items[i];

                if (!streq(q->name, "command") && !utf8_valid(q->value, strlen(q->value)))
                        return false;
        }
        return true;
}

static void handle_now(struct standin *s, struct http *h)
{
        struct call c = {.standin = s, .http = h};
        const struct strv *path = &http_request(h)->segments;

        if (!authenticated(s, h))
                call_fail(&c, 401, "Unauthorized", "Unauthorized");
        else if (!is_text(http_request(h)))
                call_fail(&c, 400, "BadRequest", "the request's path or query is not UTF-8");
        else if (path->n_items > 0 && streq(path->items[0], "standin"))
                own_interface(&c);
        else if (streq(http_request(h)->method, "GET") && discovery_answer(s, h))
                return;
        else if (parse_path(&c))
                dispatch(&c);
        else
                path_not_found(&(struct call){.standin = s, .http = h});
}

struct delayed {
        uv_timer_t timer;
        struct standin *standin;
        struct http *http; /* NULL: gone */
};

static void on_delayed_closed(uv_handle_t *handle)
{
        free(handle->data);
}

static void on_delayed_gone(void *user)
{
        struct delayed *d = user;

        uv_close((uv_handle_t *)&d->timer, on_delayed_closed);
}

static void on_delayed(uv_timer_t *timer)
{
        struct delayed *d = timer->data;

        uv_close((uv_handle_t *)&d->timer, on_delayed_closed);
        http_on_gone(d->http, NULL, NULL);
        http_hold(d->http);
        handle_now(d->standin, d->http);
        http_release(d->http);
}

static void delay(struct standin *s, struct http *h, unsigned ms)
{
        struct delayed *d = xcalloc(1, sizeof(*d));

        d->standin = s;
        d->http = h;
        uv_timer_init(&s->loop, &d->timer);
        d->timer.data = d;
        http_on_gone(h, on_delayed_gone, d);
        uv_timer_start(&d->timer, on_delayed, ms, 0);
}

static void answer_fault(struct http *h, const struct fault *f)
{
        static const struct {
                int code;
                const char *reason;
        } reasons[] = {
                {400, "BadRequest"},      {401, "Unauthorized"},  {403, "Forbidden"},
                {404, "NotFound"},        {409, "Conflict"},      {410, "Expired"},
                {429, "TooManyRequests"}, {500, "InternalError"}, {503, "ServiceUnavailable"},
                {504, "Timeout"},
        };
        _cleanup_(freep) char *retry = xasprintf("Retry-After: %u\r\n", f->seconds);
        _cleanup_(freep) char *text = NULL;
        json_auto_t *status = NULL;
        const char *reason = "";
        bool later = f->status == 429 || f->status == 503;

        for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
                if (reasons[i].code == f->status)
                        reason = reasons[i].reason;
        status = status_new(f->status, reason, "injected by the stand-in");
        text = jx_dump(status);
        http_respond(h, &(struct http_answer){.status = f->status,
                                              .content_type = "application/json",
                                              .extra = later ? retry : NULL,
                                              .body = view_of(text, strlen(text))});
}

/* True when the request needs no further handling now. */
static bool strike(struct standin *s, struct http *h)
{
        const struct http_request *r = http_request(h);
        const char *target = str_text(&r->target), *method = r->method;
        struct fault f;

        if (faults_strike(&s->faults, FAULT_CLOSE, method, target, &f)) {
                conn_reset(http_conn(h));
                return true;
        }
        if (faults_strike(&s->faults, FAULT_CUT_FROM_CLIENT, method, target, &f))
                conn_cut_from_client(http_conn(h), f.after_bytes);
        if (faults_strike(&s->faults, FAULT_CUT_TO_CLIENT, method, target, &f))
                conn_cut_to_client(http_conn(h), f.after_bytes);
        if (faults_strike(&s->faults, FAULT_STALL, method, target, &f))
                conn_stall_after(http_conn(h), f.after_bytes);
        if (faults_strike(&s->faults, FAULT_STATUS, method, target, &f)) {
                answer_fault(h, &f);
                return true;
        }
        if (faults_strike(&s->faults, FAULT_DELAY, method, target, &f)) {
                delay(s, h, f.ms);
                return true;
        }
        return false;
}

void api_handle(void *standin, struct http *h)
{
        struct standin *s = standin;
        const char *target = str_text(&http_request(h)->target);

        if (starts_with(target, "/standin/") || !strike(s, h))
                handle_now(s, h);
}

void api_answered(void *standin, struct http *h, int status)
{
        struct standin *s = standin;
        const struct http_request *r = http_request(h);
        const char *target = str_text(&r->target);

        if (starts_with(target, "/standin/"))
                return;
        faults_count_request(&s->faults, r->method, target);
        if (s->request_log) {
                fprintf(s->request_log, "%s %s %d\n", r->method, target, status);
                fflush(s->request_log);
        }
}
