/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What shall go wrong, and what was seen: faults that tests ask for, counters of requests, and the
 * breaches of protocol that clients committed.
 *
 * A fault strikes requests whose path and query hold `match`, `count` times (0: always), and only
 * with `method` when that is given. Kinds and the numbers they use:
 *
 *   status            the answer is `status` (429 and 503 with Retry-After: `seconds`)
 *   delay             the request is handled `ms` later
 *   cut-from-client   the connection is reset when more than `after_bytes` bytes came (after it)
 *   cut-to-client     the connection ends after `after_bytes` further bytes to the client
 *   stall             nothing more is read after `after_bytes` further bytes
 *   close             the connection is reset at once, without an answer
 *   watch-silent      a watch stays open and says nothing, not even bookmarks
 *   watch-expired     a watch begins with an ERROR event, 410 Expired
 *   no-status         an exec's Status and the close frame never come
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum fault_kind {
        FAULT_STATUS,
        FAULT_DELAY,
        FAULT_CUT_FROM_CLIENT,
        FAULT_CUT_TO_CLIENT,
        FAULT_STALL,
        FAULT_CLOSE,
        FAULT_WATCH_SILENT,
        FAULT_WATCH_EXPIRED,
        FAULT_NO_STATUS,
        FAULT_KINDS,
};

struct fault {
        enum fault_kind kind;
        char *match;
        char *method;   /* or NULL */
        uint64_t count; /* strikes left; 0: without end */
        uint64_t after_bytes;
        int status;
        unsigned ms;
        unsigned seconds;
        struct fault *next;
};

struct faults {
        struct fault *first;
        json_t *requests;   /* {"GET /api/v1/pods": n}; owned */
        json_t *violations; /* {"continuation-frame": n}; owned */
};

void faults_init(struct faults *f);
void faults_done(struct faults *f);
int faults_add(struct faults *f, const json_t *o, struct err *err);
void faults_clear(struct faults *f);
json_t *faults_list(const struct faults *f);
/* True when a fault of that kind strikes; it is counted down, and its numbers are in *ret_fault. */
bool faults_strike(struct faults *f, enum fault_kind kind, const char *method, const char *target,
                   struct fault *ret_fault);
/* Counts under the method and the path without names and query. */
void faults_count_request(struct faults *f, const char *method, const char *path);
void faults_count_violation(struct faults *f, const char *name);
