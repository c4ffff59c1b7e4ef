/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Holds a tree against a schema, strictly, and reports everything that does not fit.
 *
 * Strictly means: unknown keys (with the nearest known one), keys given twice, missing keys, values
 * of another type, `true` and `false` as the only booleans, whole decimal numbers within their
 * range, words out of a list, the bounds of lists and strings, no anchors, aliases, tags or NULs,
 * and no unquoted scalar that YAML takes for a number, a boolean or nothing where a string is
 * wanted.
 */

#include "liveupdate/manifest.h"
#include "liveupdate/node.h"
#include "liveupdate/schema.h"

/*
 * Adds a fault to @faults for everything in @node that does not fit @schema, with the line and
 * column of the node. @path is that of @node ("spec") and begins the paths of the faults. True
 * when there was none, so that @node can be loaded.
 */
bool lu_check(const struct lu_node *node, const struct lu_schema *schema, const char *path,
              struct lu_faults *faults);

/*
 * Adds an error at @node (NULL: no place) of which the message begins with @path as people see it:
 * "spec.steps[1].sync" reads "steps[1].sync: …".
 */
void lu_check_fault(struct lu_faults *faults, const struct lu_node *node, const char *path,
                    const char *format, ...) _printf_(4, 5);

/* The word of @words (NULL at the end) that @text was most likely meant to be, or NULL. */
const char *lu_nearest_word(const char *text, const char *const *words);
