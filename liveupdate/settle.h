/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * When a batch of changes may go out (DESIGN.md 6): adaptive, pure, told what happened and when.
 *
 * A lone file closed after writing, or renamed into place, after 100 ms of quiet goes at once when
 * its LiveUpdate has no run and no restart; otherwise after 5 ms of quiet. A storm extends the
 * window (quiet 10 ms, at most 100 ms). A file still open for writing waits for its close, at most
 * 200 ms from the first such file of the batch. While .git/index.lock exists everything is held, at
 * most 5 s; a lock that outlives that is stale and holds nothing any more.
 *
 * All times are milliseconds of a monotonic clock.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lu_settle_params {
        unsigned lone_quiet_ms;  /* 100: quiet before a lone file for it to go at once */
        unsigned quiet_ms;       /* 5 */
        unsigned storm_events;   /* 10: a batch of so many events is a storm */
        unsigned storm_quiet_ms; /* 10 */
        unsigned storm_max_ms;   /* 100 */
        unsigned open_max_ms;    /* 200 */
        unsigned git_max_ms;     /* 5000 */
};

extern const struct lu_settle_params lu_settle_defaults;

enum lu_settle_event {
        LU_SETTLE_COMPLETE, /* a file closed after writing or renamed into place, a delete, … */
        LU_SETTLE_OPEN,     /* a file modified and still open for writing */
        LU_SETTLE_CLOSED,   /* a file noted as OPEN in this batch was closed */
};

/* Zeroed memory is a quiet window. */
struct lu_settle {
        uint64_t quiet_since; /* last event before this batch; 0: never */
        uint64_t first, last; /* of this batch */
        size_t n_events;      /* of this batch; 0: no batch */
        size_t n_open;        /* files of this batch that are still open for writing */
        uint64_t open_since;  /* the first of this batch was opened */
        uint64_t git_since;   /* index.lock seen since; 0: absent */
};

void lu_settle_note(struct lu_settle *s, enum lu_settle_event event, uint64_t now);
void lu_settle_git_lock(struct lu_settle *s, bool present, uint64_t now);
/*
 * When the batch may go: 0 when there is none or it may go now, else the time at which to ask
 * again. @immediate: the LiveUpdate has neither run nor restart.
 */
uint64_t lu_settle_until(const struct lu_settle *s, const struct lu_settle_params *params,
                         bool immediate, uint64_t now);
/* The batch went out (all interested LiveUpdates started): the next event begins another. */
void lu_settle_flush(struct lu_settle *s);
