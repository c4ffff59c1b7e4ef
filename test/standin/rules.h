/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the real server knows of each kind: the list of built-in resources, defaults, what is
 * refused, and the two faces of Events. Pure.
 */

#include "base/err.h"
#include "test/standin/store.h"

/* Registers all built-in resources. */
void rules_register(struct store *s);

/* Fills the fields that the server fills. */
void rules_default(const struct resource *r, json_t *o);
/* -EINVAL with "spec.x: Required value": what 422 says. */
int rules_validate(const struct resource *r, const json_t *o, struct err *err);
int rules_validate_update(const struct resource *r, const json_t *live, const json_t *next,
                          struct err *err);
/* Ephemeral containers may be added, never changed or removed. */
int rules_validate_ephemeral(const json_t *live, const json_t *next, struct err *err);
/* Gives a new object uid, creationTimestamp and generation. Replaces what the client sent. */
void rules_new_meta(const struct resource *r, json_t *o);

/*
 * Events are stored as core/v1 and served as events.k8s.io/v1 too, with other names for fields.
 * Both copy; for every other resource they return the object itself. The caller owns the result.
 */
json_t *rules_to_view(const struct resource *asked, json_t *stored);
json_t *rules_from_view(const struct resource *asked, json_t *view);
/* Where the objects of @asked are stored: itself, or core events. */
struct resource *rules_storage(const struct store *s, struct resource *asked);
