/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/backoff.h"

/*
 * Health is measured from the end of the last wait, not from its beginning: a wait of a minute
 * followed by a minute of success is not two healthy minutes.
 */

#define FIRST_MS   UINT64_C(800)
#define MAX_MS     UINT64_C(30000)
#define HEALTHY_MS UINT64_C(120000)

uint64_t kube_backoff_next(struct kube_backoff *b, uint64_t now_ms, uint64_t random)
{
        bool healthy = now_ms >= b->last_until && now_ms - b->last_until >= HEALTHY_MS;
        uint64_t wait;

        if (b->base_ms == 0 || healthy)
                b->base_ms = FIRST_MS;
        else
                b->base_ms = b->base_ms * 2 < MAX_MS ? b->base_ms * 2 : MAX_MS;
        wait = b->base_ms + random % (b->base_ms + 1);
        b->last_until = now_ms + wait;
        return wait;
}
