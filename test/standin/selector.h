/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Label selectors, as text ("a=b,c!=d,e in (x,y),f notin (z),g,!h") and as the LabelSelector of a
 * workload, and field selectors ("status.phase=Running,metadata.name!=x").
 */

#include <jansson.h>
#include <stdbool.h>

#include "base/strv.h"

enum selector_op {
        SELECT_IN, /* also "=", "==" */
        SELECT_NOT_IN,
        SELECT_EXISTS,
        SELECT_NOT_EXISTS,
};

struct requirement {
        char *key;
        enum selector_op op;
        struct strv values;
};

struct selector {
        struct requirement *items;
        size_t n_items;
};

/* -EINVAL: not a selector. NULL and "" select everything. */
int selector_parse(const char *text, struct selector *ret_selector);
/* Only "=", "==" and "!=", and only fields of the list in selector.c. */
int selector_parse_fields(const char *text, struct selector *ret_selector);
/* matchLabels and matchExpressions. -EINVAL: an unknown operator. */
int selector_from_json(const json_t *o, struct selector *ret_selector);
void selector_done(struct selector *s);
bool selector_matches_labels(const struct selector *s, const json_t *object);
bool selector_matches_fields(const struct selector *s, const json_t *object);
/* As text again: "a=b,c in (x,y)". The caller frees it. */
char *selector_format(const struct selector *s);
