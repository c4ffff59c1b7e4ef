/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The way into the store for clients: what create, update and delete have in common, with the rules
 * of metadata (resourceVersion conflicts, generation, status kept apart, finalizers, grace).
 */

#include "test/standin/call.h"

/* These return 0, or -ECANCELED when they have answered with a refusal. The caller owns
 * *ret_stored. */
int write_create(struct call *c, json_t *object, json_t **ret_stored);
/* @next is @live as the client wants it; for a subresource only that part counts. */
int write_update(struct call *c, json_t *live, json_t *next, json_t **ret_stored);
/* @options: DeleteOptions or NULL. Answers in all cases when @answer. */
int write_delete(struct call *c, json_t *live, const json_t *options, bool answer);

/* For the controllers and the kubelet: a new object with metadata and defaults, borrowed. */
json_t *write_new_take(struct store *s, struct resource *r, json_t *object_take);
/* Marks for deletion, or deletes what needs no grace. @grace_seconds < 0: the pod's own. */
void write_remove(struct store *s, struct resource *r, json_t *live, int64_t grace_seconds);
