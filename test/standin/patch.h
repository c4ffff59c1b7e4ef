/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The three ways to change an object by parts. Each changes @target in place; after a failure it is
 * half changed and must be thrown away. -EINVAL: the patch is malformed or does not fit (a failed
 * "test" as well).
 */

#include <jansson.h>

#include "base/err.h"

/* RFC 7386. */
void patch_merge(json_t *target, const json_t *patch);
/* RFC 6902. @target may be replaced as a whole ("path": ""). */
int patch_json(json_t **target, const json_t *patch, struct err *err);
/* Kubernetes' strategic merge, for the built-in kinds: lists of maps are merged by their key. */
int patch_strategic(json_t *target, const json_t *patch, struct err *err);

/* The merge key of the built-in list @field whose element is @item, or NULL: an atomic list. */
const char *patch_merge_key(const char *field, const json_t *item);
