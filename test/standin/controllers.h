/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The controllers of a real cluster, in small: deployments, replica sets, stateful and daemon sets,
 * the garbage collector, namespaces, and the kubelet at the end.
 *
 * Any write to the store wakes them; one pass over everything then follows in a later turn of the
 * loop. A pass writes only what differs, so passes end by themselves.
 */

#include <uv.h>

#include "test/standin/kubelet.h"
#include "test/standin/store.h"

struct controllers {
        struct store *store;
        struct kubelet *kubelet;
        uv_timer_t pass;
        struct store_listener listener;
        bool stopped; /* shutting down: nothing is started any more */
};

void controllers_start(struct controllers *c, uv_loop_t *loop);
void controllers_stop(struct controllers *c);
void controllers_done(struct controllers *c);
/* A pass soon. */
void controllers_wake(void *controllers);
