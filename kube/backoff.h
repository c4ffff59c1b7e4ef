/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How long to wait before the next try: 800 ms, doubling to 30 s, plus 0-100 % of it at random so
 * that many clients do not come back at once; from the beginning again after two minutes without a
 * failure. The figures are those of client-go's reflector. Pure; zeroed memory is a fresh one.
 */

#include <stdbool.h>
#include <stdint.h>

struct kube_backoff {
        uint64_t base_ms;    /* of the last wait, without its random part; 0: none yet */
        uint64_t last_until; /* loop time at which that wait was over */
};

/* The wait after a failure at @now_ms (loop time). @random: any number, evenly distributed. */
uint64_t kube_backoff_next(struct kube_backoff *b, uint64_t now_ms, uint64_t random);
