/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A YAML document as a tree to look things up in, for files whose maps have keys that nobody can
 * list beforehand (a kubeconfig). The first document of a stream counts. JSON is YAML. Pure.
 */

#include <stddef.h>

#include "base/err.h"

struct yaml_tree;
struct yaml_node; /* borrowed from its tree */

/* -EINVAL with @err ("line 3, column 7: ..."): not YAML. An empty text is a tree without a root. */
int yaml_tree_parse(const char *text, size_t len, struct yaml_tree **ret_tree, struct err *err);
void yaml_tree_free(struct yaml_tree *t);
static inline void yaml_tree_freep(struct yaml_tree **t)
{
        yaml_tree_free(*t);
}

/* All of these take NULL and nodes of another kind, and then find nothing. */

/* NULL when the document is empty. */
struct yaml_node *yaml_tree_root(struct yaml_tree *t);
/* The value of @key in a map; of its last one when there are several. NULL: not there, or null. */
struct yaml_node *yaml_tree_get(struct yaml_tree *t, struct yaml_node *map, const char *key);
/* Item @i of a sequence, or NULL behind its end. */
struct yaml_node *yaml_tree_item(struct yaml_tree *t, struct yaml_node *sequence, size_t i);
/* The text of a scalar, or NULL: another kind of node. Borrowed. */
const char *yaml_tree_text(struct yaml_node *scalar);
/* The text of @key in a map: NULL when it is not there, null or not a scalar. Borrowed. */
const char *yaml_tree_get_text(struct yaml_tree *t, struct yaml_node *map, const char *key);
/* 1-based line of the node, for messages. 0 for NULL. */
size_t yaml_tree_line(struct yaml_node *node);
