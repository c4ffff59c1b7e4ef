/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A host's addresses, without blocking: libwebsockets would look the name up in the middle of the
 * loop (KUBERNETES.md 8.2), so it is given addresses only.
 *
 * STARTED -> ENDED: one call of the callback, or none after kube_resolve_cancel(). The look-up
 * itself runs in libuv's thread pool; a cancelled one stays with the loop until it returns.
 */

#include <uv.h>

#include "base/strv.h"

struct kube_resolve;

/* @r: 0, or a negative errno; then @problem says why. The addresses are numeric, in the resolver's
 * order; the callee may take them. Valid during the call. */
typedef void (*kube_resolve_cb)(void *userdata, int r, struct strv *addresses, const char *problem);

/* True when @host is an IPv4 or IPv6 address already. */
bool kube_resolve_is_address(const char *host);
/* Never calls back from within. The caller forgets the handle when the callback comes. */
int kube_resolve_start(uv_loop_t *loop, const char *host, kube_resolve_cb cb, void *userdata,
                       struct kube_resolve **ret_resolve);
/* NULL is fine. */
void kube_resolve_cancel(struct kube_resolve *r);
