/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The types of the fields that this program reads. A real server decodes into Go structs and
 * refuses what does not fit with 400; behind this check the rest of the code may trust them.
 */

#include "base/err.h"
#include "test/standin/store.h"

/* As Go's decoder: a null is no value. Custom resources keep theirs outside metadata. */
void shape_drop_nulls(const struct resource *r, json_t *object);
/* -EINVAL with "spec.replicas: Invalid value: ...". */
int shape_check(const struct resource *r, const json_t *object, struct err *err);
