/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One step of a workload towards its spec. Each makes, removes and reports what differs, and writes
 * nothing when all is as it should be.
 */

#include "test/standin/store.h"

void deployment_step(struct store *s, json_t *deployment);
void replicaset_step(struct store *s, json_t *replicaset);
void statefulset_step(struct store *s, json_t *statefulset);
void daemonset_step(struct store *s, json_t *daemonset);

/* Shared by them: */
/* The objects of @r that @owner controls; the caller owns the array. */
json_t *owned_by(const struct resource *r, const json_t *owner);
/* A pod out of @owner's template, not stored yet; @name or, when NULL, a generated one. */
json_t *pod_of_template(const struct resource *r, const json_t *owner, const char *name);
bool pod_is_ready(const json_t *pod);
/* A short hash of a JSON value, in the letters Kubernetes uses. The caller frees it. */
char *template_hash(const json_t *value);
/* Stores @object with @status_take when that differs. */
void publish_status(struct store *s, struct resource *r, json_t *object, json_t *status_take);
json_t *condition_new(const json_t *object, const char *type, bool holds, const char *reason);
