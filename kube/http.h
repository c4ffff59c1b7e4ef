/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One HTTP exchange with the API server: a curl handle that knows the cluster, its TLS, our
 * credentials and the rules for both. kube/request.c and kube/watch.c are made of it; they set the
 * write function and the transfer's callbacks themselves.
 */

#include "base/str.h"
#include "kube/client.h"
#include "kube/curl_loop.h"

struct kube_http_params {
        const char *method;
        const char *path; /* absolute, encoded, with query */
        const char *content_type, *body;
        bool gzip;           /* accept a compressed answer */
        unsigned timeout_ms; /* for all of it; 0: none but for connecting */
};

struct kube_http {
        struct curl_transfer transfer;
        struct kube_client *client;
        char *label;         /* "GET https://host:6443/api/v1/pods": no query, no credential */
        char *content_type;  /* NULL: no body */
        char *authorization; /* as it was sent */
        struct curl_slist *headers, *connect_to;
        bool retried;
        char curl_problem[CURL_ERROR_SIZE];
};

/* Zeroed before, but for the transfer's callbacks. */
void kube_http_init(struct kube_http *h, struct kube_client *c,
                    const struct kube_http_params *params);
/* Ends it when it runs. Zeroed memory is fine. */
void kube_http_done(struct kube_http *h);
/* -ECANCELED: the client was stopped. */
int kube_http_start(struct kube_http *h);
/* After a 401: starts it again when the credentials have changed meanwhile, once. */
bool kube_http_restart_unauthorized(struct kube_http *h);

/* HTTP status of the final answer so far; 0: none yet. */
int kube_http_status(const struct kube_http *h);
/* Of the Retry-After header; 0: none. At most an hour. */
unsigned kube_http_retry_after(const struct kube_http *h);
/* Negative errno of a transport that failed, 0 for CURLE_OK. */
int kube_http_errno(CURLcode result);
/* The failure in words, credentials left out. The caller frees it. */
char *kube_http_transport_problem(const struct kube_http *h, CURLcode result);
char *kube_http_status_problem(const struct kube_http *h, const struct str *body);
