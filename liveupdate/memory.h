/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is remembered of one container between two decisions: the revision it has, what it owes,
 * what is under way, and what went wrong last. A container is an instance: another containerID is
 * another memory, since its file system began again from the image.
 */

#include <stdbool.h>
#include <stdint.h>

#include "liveupdate/reason.h"
#include "liveupdate/update.h"

struct lu_memory {
        /* Which instance; owned. */
        char *pod_uid, *container, *container_id;

        bool has_revision; /* it was updated, or lacked nothing, at `revision` */
        uint64_t revision;
        /* Runs of an update that was applied that failed, or came after one that failed. They run
         * with the next update, until they succeed. */
        struct lu_run_set owed;

        bool updating;
        uint64_t updating_revision; /* what it will have when that succeeds */

        /* Failures of ours since the last success. */
        unsigned n_failures;
        bool retry_helps;
        uint64_t retry_at; /* ms, loop time */
        uint64_t failed_revision;
        enum lu_reason failure; /* with n_failures > 0 */
        char *failure_message;

        /* The user's: a run that exited other than 0. */
        bool run_failed;
        char *run_message; /* command, exit code and the tail of its output */

        /* The last update that was applied, for the status. */
        uint64_t updated_at; /* wall clock, ns; 0: never */
        uint64_t milliseconds, files, deleted, bytes;
        const char *protocol; /* "v5", "v4" or ""; static */
};

struct lu_memory *lu_memory_new(const char *pod_uid, const char *container,
                                const char *container_id);
void lu_memory_free(struct lu_memory *m);
bool lu_memory_is(const struct lu_memory *m, const char *pod_uid, const char *container,
                  const char *container_id);

/* How an update to a container ended. Borrowed. */
struct lu_outcome {
        bool applied; /* the files are in place, whatever the runs did */
        bool run_failed;
        const char *run_message;      /* with run_failed */
        struct lu_run_set unfinished; /* runs of this update that did not succeed */
        enum lu_reason reason;        /* when not applied */
        const char *message;
        bool retry_helps;
        uint64_t files, deleted, bytes, milliseconds;
        const char *protocol;
};

/* Notes that an update to @revision began. */
void lu_memory_begin(struct lu_memory *m, uint64_t revision);

/* When something happened. */
struct lu_moment {
        uint64_t ms;     /* loop time */
        uint64_t wall;   /* ns since 1970 */
        unsigned jitter; /* 0..1023: spreads a retry by up to a quarter */
};

/* Notes how it ended. A retry backs off by 200 ms doubling to 30 s. */
void lu_memory_end(struct lu_memory *m, const struct lu_outcome *outcome,
                   const struct lu_moment *now);
/* Forgets an update that was cancelled. */
void lu_memory_cancel(struct lu_memory *m);
