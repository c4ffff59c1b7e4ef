/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One API server as one user: the connection pool that requests, watches and exec streams share.
 *
 * A client owns one libcurl multi handle, one libwebsockets context and one SSL_CTX, all on the
 * caller's libuv loop. Teardown has an order (KUBERNETES.md 10): kube_client_stop() cancels what
 * runs and begins it, then the loop runs until it is empty, then kube_client_free().
 */

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "base/err.h"
#include "kube/config.h"

struct curl_loop;
struct kube_client;
struct kube_streams;
struct kube_url;
struct ssl_ctx_st;

/*
 * Takes @config, even when it fails. Makes the process ignore SIGPIPE, since OpenSSL writes to
 * sockets that may be closed. -EINVAL with @err when certificates or the server's URL cannot be
 * used.
 */
int kube_client_new(uv_loop_t *loop, struct kube_config *config, struct kube_client **ret_client,
                    struct err *err);
/* Cancels all operations (their callbacks are not called any more) and closes our handles. */
void kube_client_stop(struct kube_client *c);
/* After the loop has run empty. NULL is fine. */
void kube_client_free(struct kube_client *c);

const struct kube_config *kube_client_config(const struct kube_client *c);
uv_loop_t *kube_client_loop(struct kube_client *c);
/* Milliseconds on the loop's monotonic clock. */
uint64_t kube_client_now(struct kube_client *c);

/* Counted since kube_client_new(); the modules of this folder add to it. */
struct kube_client_stats {
        uint64_t requests;        /* started */
        uint64_t requests_failed; /* ended without a 2xx answer; cancelled ones do not count */
        uint64_t watches_opened;  /* watch streams that the server accepted */
        uint64_t execs_opened;    /* exec streams that the server accepted */
};

struct kube_client_stats *kube_client_stats(struct kube_client *c);

/*
 * For the modules of this folder.
 *
 * A kube_op is one operation under way: embedded in its owner, attached while it runs. When the
 * client stops it calls `stop` of each, which must detach and end the operation without a callback.
 * Ids are never used twice.
 */
struct kube_op {
        uint64_t id; /* set by kube_client_attach() */
        void (*stop)(struct kube_op *op);
        struct kube_op *prev, *next;
};

/* False after kube_client_stop(): nothing may start any more. */
bool kube_client_attach(struct kube_client *c, struct kube_op *op);
void kube_client_detach(struct kube_client *c, struct kube_op *op);
/* The attached operation of that id whose stop function is @stop, or NULL. */
struct kube_op *kube_client_find(struct kube_client *c, uint64_t id,
                                 void (*stop)(struct kube_op *op));

const struct kube_url *kube_client_url(const struct kube_client *c);
/* Verifies the server (name or address included) and shows our certificate. NULL: plain http. */
struct ssl_ctx_st *kube_client_ssl(struct kube_client *c);
/* "sluice/0.1.0 (linux/amd64)" */
const char *kube_client_user_agent(const struct kube_client *c);
/* The value of the Authorization header now, or NULL: no credential, or plain http. The caller
 * frees it and shows it to nobody. */
char *kube_client_authorization(struct kube_client *c);
/* After a 401: reads the credentials again at the next kube_client_authorization(). */
void kube_client_refresh(struct kube_client *c);
struct curl_loop *kube_client_curl(struct kube_client *c);
/* Created at the first call. NULL with @err, or after kube_client_stop(). */
struct kube_streams *kube_client_streams(struct kube_client *c, struct err *err);
