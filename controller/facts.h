/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Facts copied out of the API server's objects, so that no decision holds a pointer into a store.
 * Pure; tolerant of anything that is missing, since the API server is an outsider too.
 */

#include <jansson.h>

#include "liveupdate/targets.h"

/* Fills *ret_pod, whose strings are then owned by it. False: it has no name, uid or namespace. */
bool facts_pod(const json_t *object, struct lu_pod *ret_pod);
/* A ReplicaSet. False as above. */
bool facts_generation(const json_t *object, struct lu_generation *ret_generation);
/*
 * `spec.selector` of a workload (matchLabels and matchExpressions) as a label selector in kubectl's
 * syntax; the caller frees it. NULL when it selects nothing or cannot be understood.
 */
char *facts_label_selector(const json_t *selector);

/* A string at a path of keys ("metadata", "name", NULL), or NULL. Borrowed. */
const char *facts_string(const json_t *object, ...) __attribute__((sentinel));
