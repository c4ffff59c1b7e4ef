/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Paths in fallBackOn, triggers and localPath (3.3): a file, or a directory with all below it, or,
 * when the text holds '*', '?' or '[', a glob over whole paths in which "**" stands for any number
 * of components, '*' and '?' never match '/', and a match on a directory covers all below it.
 */

#include <stdbool.h>
#include <stddef.h>

struct lu_pattern;

/* True when @text is a glob by the rule above. */
bool lu_text_is_glob(const char *text);

/*
 * Compiles @text (clean, relative to the workspace). -EINVAL: a glob that cannot be understood
 * ("[" without an end, trailing backslash).
 */
int lu_pattern_new(const char *text, struct lu_pattern **ret_pattern);
void lu_pattern_free(struct lu_pattern *p);
/* Does it match @path or a directory above it? */
bool lu_pattern_match(const struct lu_pattern *p, const char *path);
/* Could it match something below directory @path ("" is the workspace)? May say yes too often. */
bool lu_pattern_may_match_below(const struct lu_pattern *p, const char *path);
/*
 * Of a glob the leading components without a wildcard or backslash ("src" of "src/a*.c", "" if
 * none), else the text itself. Borrowed.
 */
const char *lu_pattern_literal_prefix(const struct lu_pattern *p);
const char *lu_pattern_text(const struct lu_pattern *p);

struct lu_pattern_set {
        struct lu_pattern **items; /* owned */
        size_t n_items;
};

int lu_pattern_set_add(struct lu_pattern_set *set, const char *text);
bool lu_pattern_set_match(const struct lu_pattern_set *set, const char *path);
void lu_pattern_set_done(struct lu_pattern_set *set);
