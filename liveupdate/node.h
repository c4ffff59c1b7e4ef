/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A YAML document as it was written: every node with its line and column, and nothing interpreted.
 *
 * An alias is a leaf that is not followed, so a small text cannot become a large tree; depth and
 * the number of nodes are bounded. JSON is YAML, and an object that is already parsed as JSON
 * becomes the same tree, without positions.
 */

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/err.h"
#include "base/str.h"

#define LU_NODE_DEPTH_MAX 64
#define LU_NODES_MAX      ((size_t)500000) /* in one text */

enum lu_node_kind {
        LU_NODE_SCALAR,
        LU_NODE_SEQUENCE,
        LU_NODE_MAPPING,
        LU_NODE_ALIAS,
};

struct lu_node {
        enum lu_node_kind kind;
        bool plain;            /* a scalar without quotes */
        bool anchored;         /* carries an anchor (&name) */
        bool tagged;           /* carries a tag (!name) */
        unsigned line, column; /* 1-based; 0: unknown */
        char *text;            /* of a scalar: UTF-8, NUL-terminated, may hold NULs of its own */
        size_t len;            /* of text */
        /* Owned: the items of a sequence; key, value, key, value, … of a mapping. */
        struct lu_node **items;
        size_t n_items, capacity;
};

void lu_node_free(struct lu_node *node);
static inline void lu_node_freep(struct lu_node **node)
{
        lu_node_free(*node);
}

struct lu_nodes {
        struct lu_node **items; /* owned: one tree for each document that is not empty */
        size_t n_items;
};

void lu_nodes_done(struct lu_nodes *nodes);

/*
 * Reads all documents of a text and appends them to @nodes. -EINVAL: a syntax error, or a bound is
 * exceeded; the documents before that place are in @nodes all the same, @err says what is wrong and
 * @ret_place where: it is set only then, and is a node with nothing but line and column.
 */
int lu_nodes_read(struct view text, struct lu_nodes *nodes, struct lu_node *ret_place,
                  struct err *err);
/* The tree of a JSON value. -EINVAL: nested deeper than LU_NODE_DEPTH_MAX. */
int lu_node_from_json(const json_t *json, struct lu_node **ret_node);

/* The value of @key in a mapping, or NULL: no such key, or @node is no mapping. */
struct lu_node *lu_node_get(const struct lu_node *node, const char *key);
/* True for a scalar with exactly this text. */
bool lu_node_is(const struct lu_node *node, const char *text);
/*
 * What a YAML reader takes a plain scalar for when it is not told that a string is wanted: "a
 * number", "a boolean", "nothing" (null); NULL for a string or a quoted scalar. Follows YAML 1.1
 * as kubectl does, so `yes`, `on` and `0644` count.
 */
const char *lu_node_implicit(const struct lu_node *node);
/* The text of a scalar as a message shows it: one line, cut when long. The caller frees it. */
char *lu_node_shown(const struct lu_node *node);
