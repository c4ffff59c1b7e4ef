/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The decision: what should be under way for one LiveUpdate now, and what is to be said about it.
 * Desired operations, not commands: deciding twice is harmless.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "liveupdate/reason.h"
#include "liveupdate/world.h"

enum lu_action {
        LU_ACTION_NOTHING, /* it has all there is */
        LU_ACTION_START,   /* begin this update */
        LU_ACTION_KEEP,    /* an update is under way: let it be */
        LU_ACTION_WAIT,    /* not now; `until` says when to ask again, 0: when something happens */
        LU_ACTION_FAIL,    /* given up until something changes */
        LU_ACTION_BUILD,   /* cannot be done in place: it needs another image */
};

/* One container. Strings are owned. An update under way that no entry KEEPs is to be cancelled. */
struct lu_target_plan {
        char *namespace_, *pod, *pod_uid, *container, *container_id;
        enum lu_action action;
        struct lu_update *update; /* START */
        uint64_t until;           /* WAIT: ms, loop time */
        uint64_t revision;        /* what it has; with NOTHING: what it may be said to have */
        size_t n_pending;         /* paths it lacks */
        enum lu_reason reason;
        char *message; /* or NULL */
};

struct lu_plan {
        struct lu_target_plan *targets; /* owned */
        size_t n_targets;
        bool known;        /* the targets are known: what is not among them is gone */
        uint64_t revision; /* of the workspace */
        uint64_t until;    /* the earliest time at which to decide again; 0: none */

        bool rebuild_required;
        enum lu_reason rebuild_reason;
        char *rebuild_path;   /* the file that asks for it */
        char *unmatched_path; /* newest path that no sync covers, with onUnmatched Warn */
        uint64_t unmatched_revision;

        bool ready;
        enum lu_reason reason;
        char *message;
};

void lu_plan_done(struct lu_plan *plan);
/* For tests and debug output: a line per target and one for the whole. */
void lu_plan_format(const struct lu_plan *plan, struct str *out);

/* The decision (3.3-3.7). @now_ms is loop time. */
void lu_decide(const struct lu_world *world, uint64_t now_ms, struct lu_plan *ret_plan);
