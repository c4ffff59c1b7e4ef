/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/request.h"

/*
 * A request is an operation of its client (kube_op) around one exchange (kube_http). It ends in
 * on_done, which detaches it first: whatever the callback does to the client, this request is no
 * longer part of it.
 */

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/http.h"
#include "kube/status.h"

#define TIMEOUT_MS 30000

struct request {
        struct kube_op op;
        struct kube_http http;
        struct str body;
        kube_request_cb cb;
        void *userdata;
};

static void request_free(struct request *r)
{
        kube_http_done(&r->http);
        str_done(&r->body);
        free(r);
}

static void on_stop(struct kube_op *op)
{
        struct request *r = container_of(op, struct request, op);

        kube_client_detach(r->http.client, op);
        request_free(r);
}

/* Of a refusal only the head is kept; an answer that is too large fails the transfer. */
static size_t on_body(char *data, size_t size, size_t n, void *userdata)
{
        struct request *r = userdata;
        size_t len = size * n, room;

        if (kube_http_status(&r->http) >= 300) {
                room = LIMIT_ERROR_BODY - r->body.len;
                str_append_bytes(&r->body, data, len < room ? len : room);
                return len;
        }
        str_append_bytes(&r->body, data, len);
        return r->body.overflow ? 0 : len;
}

static void answer(struct request *r, CURLcode result)
{
        _cleanup_(kube_status_done) struct kube_status status = {};
        _cleanup_(freep) char *problem = NULL;
        struct kube_response response = {
                .r = kube_http_errno(result), .body = &r->body, .reason = ""};

        if (response.r == 0)
                response.status = kube_http_status(&r->http);
        if (r->body.overflow)
                problem = xasprintf("%s: the answer is larger than %zu bytes", r->http.label,
                                    r->body.max);
        else if (response.r < 0)
                problem = kube_http_transport_problem(&r->http, result);
        else if (!kube_response_ok(&response))
                problem = kube_http_status_problem(&r->http, &r->body);
        if (problem && kube_status_parse(str_text(&r->body), r->body.len, &status) == 0)
                response.reason = status.reason;
        response.problem = problem;
        response.retry_after_s = kube_http_retry_after(&r->http);
        if (problem)
                kube_client_stats(r->http.client)->requests_failed++;
        log_debug("request ended", LOG_S("request", r->http.label),
                  LOG_U("status", response.status));
        r->cb(r->userdata, &response);
}

static void on_done(struct curl_transfer *t, CURLcode result)
{
        struct request *r = container_of(t, struct request, http.transfer);

        if (result == CURLE_OK && kube_http_status(&r->http) == 401 &&
            kube_http_restart_unauthorized(&r->http)) {
                str_clear(&r->body);
                return;
        }
        kube_client_detach(r->http.client, &r->op);
        answer(r, result);
        request_free(r);
}

kube_request_id kube_request_start(struct kube_client *c, const struct kube_request_params *params,
                                   kube_request_cb cb, void *userdata)
{
        struct kube_http_params http = {
                .method = params->method,
                .path = params->path,
                .content_type = params->content_type,
                .body = params->body,
                .gzip = params->gzip,
                .timeout_ms = params->timeout_ms ? params->timeout_ms : TIMEOUT_MS,
        };
        struct request *r = xcalloc(1, sizeof(*r));

        r->op.stop = on_stop;
        if (!kube_client_attach(c, &r->op)) {
                free(r);
                return 0;
        }
        r->cb = cb;
        r->userdata = userdata;
        r->body.max = LIMIT_RESPONSE;
        r->http.transfer.on_done = on_done;
        kube_http_init(&r->http, c, &http);
        curl_easy_setopt(r->http.transfer.easy, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(r->http.transfer.easy, CURLOPT_WRITEDATA, r);
        kube_http_start(&r->http);
        kube_client_stats(c)->requests++;
        return r->op.id;
}

void kube_request_cancel(struct kube_client *c, kube_request_id id)
{
        struct kube_op *op = kube_client_find(c, id, on_stop);

        if (op)
                on_stop(op);
}
