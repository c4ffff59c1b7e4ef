/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A pod's status out of the states of its containers.
 */

#include "test/standin/kubelet.h"

/* "Pending", "Running", "Succeeded" or "Failed". */
const char *pod_phase(const struct pod *pod, const json_t *object);
/* True when the container will be started again after its end. */
bool pod_restarts(const struct container *c, const json_t *object);
/* Stores the object with a new status and the annotations of pids, when something has changed. */
void pod_publish(const struct pod *pod, json_t *object);
