/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From a checked tree to a struct, by libcyaml and a schema.
 *
 * The tree must have passed lu_check() (liveupdate/check.h) with the same schema. Keys that are
 * absent get the default of the schema. A list of strings becomes a struct strv.
 */

#include "liveupdate/node.h"
#include "liveupdate/schema.h"

/* The caller owns *ret_data and frees it with lu_unload(). -EINVAL: libcyaml refuses the tree. */
int lu_load(const struct lu_node *node, const struct lu_schema *schema, void **ret_data,
            struct err *err);
/* NULL is fine. */
void lu_unload(void *data, const struct lu_schema *schema);
