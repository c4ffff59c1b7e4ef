/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One command in a container, over the exec subresource's WebSocket.
 *
 * States: QUEUED (eight execs of that container run already) -> RESOLVING (the server's name) ->
 * CONNECTING (TCP, TLS, upgrade) -> OPEN (frames flow) -> DIAGNOSING (the upgrade was refused; the
 * reason is fetched by a plain request, KUBERNETES.md 8.4) -> ENDED.
 *
 *         QUEUED ─► RESOLVING ─► CONNECTING ─► OPEN ─► ENDED
 *                                    └─► DIAGNOSING ─────▲
 *
 * "v5.channel.k8s.io, v4.channel.k8s.io" is offered in one line. Standard input is pulled: `pull`
 * is called when the socket can take a frame, so a slow container slows our reads and nothing
 * grows. Output is pushed to `on_output`; while it is handled nothing else is read from that
 * stream. Closing the stream does not kill the command (KUBERNETES.md 0.7).
 *
 * The end comes exactly once through on_end, after the dispatch round, never from within a call of
 * this module; kube_exec_cancel() ends it without on_end. Execs are named by id.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "kube/client.h"

typedef uint64_t kube_exec_id; /* 0: none */

enum kube_exec_outcome {
        KUBE_EXEC_EXITED,  /* a Status came: exit_code is right */
        KUBE_EXEC_REFUSED, /* the command cannot be run: see http_status, reason, message */
        KUBE_EXEC_UNKNOWN, /* the stream ended without a Status, or a deadline passed: it may or
                            * may not have run */
};

struct kube_exec_result {
        enum kube_exec_outcome outcome;
        int exit_code;      /* with EXITED */
        int http_status;    /* of a refused upgrade, else 0 */
        const char *reason; /* Status reason: "NotFound", "Forbidden", "InternalError", … or "" */
        const char *message;  /* for people, complete; "" after EXITED with 0 */
        bool retryable;       /* classified by kube_exec_classify() (kube/exec_result.h) */
        bool opened;          /* the stream was open at some time */
        const char *protocol; /* "v5", "v4" or "" */
};

struct kube_exec_callbacks {
        /*
         * The stream is open and the command is being started; protocol is "v5" or "v4". May be
         * NULL.
         */
        void (*on_open)(void *userdata, const char *protocol);
        /*
         * Fill at most @size bytes of standard input. Return the count; 0: nothing now, call
         * kube_exec_resume() when there is more; -ENODATA: the end (v5: half-close is sent; v4
         * cannot say it, KUBERNETES.md 2.1); another negative errno: give up, the stream is torn
         * down and the result is UNKNOWN. NULL: the exec has no standard input.
         */
        ssize_t (*pull)(void *userdata, uint8_t *buffer, size_t size);
        /* Bytes of stdout (1) or stderr (2). Never empty. */
        void (*on_output)(void *userdata, int channel, const uint8_t *data, size_t len);
        void (*on_end)(void *userdata, const struct kube_exec_result *result);
};

struct kube_exec_params {
        const char *namespace_, *pod, *container;
        const char *const *argv;     /* NULL-terminated; copied */
        unsigned connect_timeout_ms; /* until OPEN; 0: 30000 */
        /* No byte moved in either direction for so long: UNKNOWN. 0: never. */
        unsigned idle_timeout_ms;
};

/* -E2BIG: the URL would exceed LIMIT_EXEC_URL. Callbacks and userdata must outlive the exec. */
int kube_exec_start(struct kube_client *c, const struct kube_exec_params *params,
                    const struct kube_exec_callbacks *callbacks, void *userdata,
                    kube_exec_id *ret_id, struct err *err);
void kube_exec_resume(struct kube_client *c, kube_exec_id id);
/* Changes the idle timeout from now on (a long command after a short transfer). */
void kube_exec_set_idle_timeout(struct kube_client *c, kube_exec_id id, unsigned timeout_ms);
void kube_exec_cancel(struct kube_client *c, kube_exec_id id);
