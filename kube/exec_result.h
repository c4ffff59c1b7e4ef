/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the end of an exec means. Pure: facts in, one struct kube_exec_result out (STYLE.md 15).
 *
 * | what happened                                    | outcome  | retryable          |
 * |--------------------------------------------------|----------|--------------------|
 * | Status: Success, or NonZeroExitCode with a code  | EXITED   | no                 |
 * | Status: another failure                          | REFUSED  | 429, 502, 503, 504 |
 * | Status that cannot be understood                 | UNKNOWN  | no                 |
 * | upgrade refused with 429 or 5xx                  | REFUSED  | yes                |
 * | upgrade refused, and the plain request was only  | REFUSED  | yes, but not for   |
 * |   told "Upgrade request required"                |          | 403 and 3xx        |
 * | upgrade refused otherwise, no protocol in common | REFUSED  | no                 |
 * | no connection                                    | REFUSED  | yes, but not for a |
 * |                                                  |          | wrong certificate  |
 * | closed without a Status, a deadline              | UNKNOWN  | yes                |
 * | our own side gave up, or the peer talks nonsense | UNKNOWN  | no                 |
 *
 * A failure that only a change of the pod can end ("container not found") is not retryable here:
 * who watches the pod knows when to try again.
 */

#include "kube/exec.h"

enum kube_exec_end {
        KUBE_EXEC_END_STATUS,          /* `status` is the text of channel 3 */
        KUBE_EXEC_END_UPGRADE,         /* refused; `http_status`, and what was found out of it */
        KUBE_EXEC_END_PROTOCOL,        /* upgraded, but neither v5 nor v4 was chosen */
        KUBE_EXEC_END_UNREACHABLE,     /* no connection; `detail` says why */
        KUBE_EXEC_END_UNTRUSTED,       /* TLS failed; `detail` says why */
        KUBE_EXEC_END_CONNECT_TIMEOUT, /* not open in time */
        KUBE_EXEC_END_CUT,             /* closed while open, without a Status */
        KUBE_EXEC_END_IDLE,            /* nothing moved for too long */
        KUBE_EXEC_END_GAVE_UP,         /* standard input failed on our side; `detail` */
        KUBE_EXEC_END_NONSENSE,        /* the peer broke the protocol; `detail` */
};

/* What is known at the end. All pointers are borrowed and may be NULL where they do not apply. */
struct kube_exec_facts {
        enum kube_exec_end end;
        const char *target; /* "namespace/pod/container", begins the message */
        bool opened;
        const char *protocol; /* "v5", "v4" or "" */
        struct view status;
        const char *detail;
        int http_status; /* of the refused upgrade; 0: none came */
        /* The same request without the upgrade; KUBERNETES.md 8.4 */
        int diagnosis_status; /* 0: no answer */
        const char *diagnosis_reason;
        const char *diagnosis_problem; /* a sentence */
        unsigned timeout_ms;           /* the deadline that passed */
};

/* A result with the strings that it points to. */
struct kube_exec_verdict {
        struct kube_exec_result result;
        char *reason, *message; /* owned */
};

void kube_exec_classify(const struct kube_exec_facts *f, struct kube_exec_verdict *ret_verdict);
void kube_exec_verdict_done(struct kube_exec_verdict *v);

/* True when @text is a Status as it ends an exec: complete JSON with a known outcome. */
bool kube_exec_status_complete(struct view text);
