/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Structural schemas of custom resources (openAPIV3Schema): pruning of unknown fields, defaults,
 * and validation. CEL rules are ignored, as servers before 1.25 do. Pure.
 */

#include <jansson.h>

#include "base/err.h"

/* The whole object is given; kind, apiVersion and metadata are never touched. */
void schema_prune(const json_t *schema, json_t *object);
void schema_default(const json_t *schema, json_t *object);
/* -EINVAL with "spec.x: Invalid value: ..." for the first breach. */
int schema_validate(const json_t *schema, const json_t *object, struct err *err);
