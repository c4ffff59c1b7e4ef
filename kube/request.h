/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One request, one answer, over the client's libcurl multi.
 *
 * The callback is called exactly once, never from within kube_request_start(), unless the request
 * is cancelled first. What it is given is valid only during the call. Requests are found by id, so
 * cancelling one that has ended is harmless.
 *
 * Nothing is retried here but one thing: a 401 refreshes the credentials once. Retry-After is
 * reported to the caller.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "kube/client.h"

typedef uint64_t kube_request_id; /* 0: none */

struct kube_request_params {
        const char *method;       /* "GET", "POST", "PATCH", ... */
        const char *path;         /* absolute, encoded, with query: "/api/v1/pods?limit=1" */
        const char *content_type; /* with body; NULL: application/json */
        const char *body;         /* copied; NULL: none */
        unsigned timeout_ms;      /* for all of it; 0: 30000 */
        bool gzip;                /* accept a compressed answer; of use for large lists */
};

struct kube_response {
        int r;                  /* 0: an HTTP answer came; else negative errno of the transport */
        int status;             /* HTTP status when r == 0 */
        unsigned retry_after_s; /* 0: none given */
        const struct str *body; /* of a refusal at most LIMIT_ERROR_BODY bytes */
        /* For people, complete: "GET https://…/pods: 403 Forbidden: pods is forbidden: …"; NULL
         * when 2xx. Holds no credential. */
        const char *problem;
        /* `reason` of the answer's Status object ("NotFound", "Expired", …) or "". */
        const char *reason;
};

typedef void (*kube_request_cb)(void *userdata, const struct kube_response *response);

/* 0: the client was stopped, and the callback will not be called. */
kube_request_id kube_request_start(struct kube_client *c, const struct kube_request_params *params,
                                   kube_request_cb cb, void *userdata);
void kube_request_cancel(struct kube_client *c, kube_request_id id);

static inline bool kube_response_ok(const struct kube_response *r)
{
        return r->r == 0 && r->status >= 200 && r->status < 300;
}
