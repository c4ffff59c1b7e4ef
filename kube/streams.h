/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What all exec streams of one client share: the libwebsockets context on the client's loop, the
 * running and the queued execs. The client owns it: it is created by the first exec and taken down
 * with the client.
 */

#include "kube/client.h"

struct kube_streams;

int kube_streams_new(struct kube_client *c, struct kube_streams **ret_streams, struct err *err);
/* Ends every stream without its on_end and begins the teardown. NULL is fine. */
void kube_streams_stop(struct kube_streams *s);
/* After the loop has run empty; the client's SSL_CTX is still there. NULL is fine. */
void kube_streams_free(struct kube_streams *s);

/* For kube/exec.c. */
struct kube_exec_set;
struct kube_ws_hub;
struct kube_exec_set *kube_streams_execs(struct kube_streams *s);
struct kube_ws_hub *kube_streams_hub(struct kube_streams *s);
