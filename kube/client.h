/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One API server as one user: the connection pool that requests, watches and exec streams share.
 *
 * A client owns one libcurl multi handle, one libwebsockets context and one SSL_CTX, all on the
 * caller's libuv loop. Teardown has an order (KUBERNETES.md 10): kube_client_stop() cancels what
 * runs and begins it, then the loop runs until it is empty, then kube_client_free().
 */

#include <uv.h>

#include "base/err.h"
#include "kube/config.h"

struct kube_client;

/* Takes @config. -EINVAL with @err when certificates or the server's URL cannot be used. */
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
