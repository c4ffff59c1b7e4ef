/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One update to one container, in one exec session (DESIGN 7.1).
 *
 *         CONNECTING ─► SENDING ─► RUNNING ─► ENDED
 *              │           └─► FAILING ──────▲ ▲
 *              └───────────────────────────────┘
 *
 * CONNECTING  the exec is on its way
 * SENDING     removals, directories and files go out and are put in place
 * RUNNING     all files are in place; the runs are executed
 * FAILING     the session said that it failed; its last words on stderr are awaited, two seconds
 * ENDED       the result is known and delivered in the next round of the loop
 *
 * Every state has a deadline. The end comes once, through on_end, never from within a call of this
 * module. A lost session is a failure that a retry helps, for updates are idempotent.
 */

#include "base/err.h"
#include "kube/client.h"
#include "liveupdate/memory.h"
#include "liveupdate/update.h"

struct update_op;

struct update_op_params {
        struct kube_client *client;
        const char *namespace_, *pod, *container; /* copied */
        struct lu_update *update;                 /* a reference is taken */
        int workspace_fd;                         /* must outlive the operation */
        bool careful;                             /* a retry: payload.h */
};

/* Strings are borrowed and valid during on_end. */
struct update_result {
        struct lu_outcome outcome;
        /* With outcome.run_failed: which of update->runs, and how it ended. */
        size_t failed_run;
        int exit_code;
        bool timed_out;
        const char *output_tail; /* of it; at most LIMIT_RUN_OUTPUT_TAIL bytes, printable */
        /* A sentence about a local file that could not be read and was left out, or NULL. */
        const char *unreadable;
};

struct update_callbacks {
        /* A line that update->runs[@run] wrote, without its newline; not with echo: false. May be
         * NULL. Any bytes, at most 4096. */
        void (*on_line)(void *userdata, size_t run, const char *line, size_t len);
        void (*on_end)(void *userdata, const struct update_result *result);
};

/* The callbacks and userdata must outlive the operation. Errors of kube_exec_start(). */
int update_op_start(const struct update_op_params *params, const struct update_callbacks *callbacks,
                    void *userdata, struct update_op **ret_op, struct err *err);
/* Cancels it when it has not ended; on_end is not called then. Allowed in on_end. NULL is fine. */
void update_op_free(struct update_op *op);
