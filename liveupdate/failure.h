/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the failure of an update's session means: the reason, a sentence that says what to do, and
 * whether trying again can help. Pure; the one place that reads the words of tools.
 */

#include <stdbool.h>

#include "liveupdate/reason.h"
#include "liveupdate/report.h"

enum lu_failure_kind {
        LU_FAILURE_COMMAND, /* the session said TOKEN fail: `phase`, `code` */
        LU_FAILURE_VOID,    /* the session said TOKEN void */
        LU_FAILURE_EXITED,  /* the shell ended with `code` and said nothing that ends an update */
        LU_FAILURE_REFUSED, /* the API server or the kubelet did not run it */
        LU_FAILURE_LOST,    /* the stream ended, nobody knows how the session did */
        LU_FAILURE_TIMEOUT, /* a deadline of ours passed */
};

struct lu_failure_facts {
        enum lu_failure_kind kind;
        enum lu_phase phase;
        int code;
        int http_status;         /* REFUSED: of the upgrade; 0: none */
        bool retryable;          /* REFUSED: what the transport thinks */
        const char *refusal;     /* REFUSED: the Status's reason, or "" */
        const char *message;     /* REFUSED, LOST, TIMEOUT: a sentence */
        const char *stderr_tail; /* what the tools said, or "" */
};

struct lu_failure {
        enum lu_reason reason;
        char *message; /* owned */
        bool retry_helps;
};

void lu_failure_judge(const struct lu_failure_facts *facts, struct lu_failure *ret_failure);
void lu_failure_done(struct lu_failure *failure);
