/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One container: made from its image, started, observed, restarted by the pod's policy.
 */

#include "test/standin/kubelet.h"

struct container *container_new(struct pod *pod, const char *name, enum container_kind kind);
/* The process must have ended. Removes the root. */
void container_free(struct container *c);

/* The container's part of the pod's spec, or NULL. */
const json_t *container_spec(const struct container *c, const json_t *pod_object);
/*
 * Starts an instance: WAITING to RUNNING; or it stays WAITING with a reason (the image) and a time
 * to try again, or goes to TERMINATED with StartError (the command).
 */
void container_start(struct container *c, const json_t *pod_object);
/* TERMINATED to WAITING, with the back-off of the pod's restarts. */
void container_restart_later(struct container *c);
/* TERM once, or KILL. */
void container_stop(struct container *c, bool kill);
/* Nothing of it is left to run or to be read. */
bool container_is_over(const struct container *c);

void container_view(struct container *c, struct container_viewer *v);
void container_unview(struct container *c, struct container_viewer *v);

/* status.containerStatuses[i]; the caller owns it. */
json_t *container_status(const struct container *c, const json_t *pod_object);
