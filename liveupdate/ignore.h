/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * .dockerignore semantics: one pattern a line, '#' comments, patterns rooted at the context,
 * "**", '!' takes back, the last match wins, and a match on a directory covers all below it.
 * Also the built-in list of files that nobody wants to sync: .git/ and editors' temporary files.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strv.h"

struct lu_ignore_pattern {
        char *glob; /* cleaned */
        bool negated;
};

/* Zeroed memory is a valid set that ignores nothing. */
struct lu_ignore {
        struct lu_ignore_pattern *items; /* owned, in order */
        size_t n_items;
        bool has_negation;
};

void lu_ignore_done(struct lu_ignore *ignore);
/* Adds one pattern as in a spec's list. -EINVAL when it cannot be understood. */
int lu_ignore_add(struct lu_ignore *ignore, const char *pattern);
/* Adds all lines of a file's content. -EINVAL with the line numbers of those skipped. */
int lu_ignore_add_file(struct lu_ignore *ignore, const char *content, struct err *err);
/* @path is relative to where the patterns are rooted. */
bool lu_ignore_match(const struct lu_ignore *ignore, const char *path);
/* True when directory @path and all that can be below it are ignored: no need to look inside. */
bool lu_ignore_prunes(const struct lu_ignore *ignore, const char *path);

/* ".git" as a component, or below one. */
bool lu_is_git_path(const char *path);
/* An editor's temporary file: TILT.md section 7 and .goutputstream-*. Any component counts. */
bool lu_is_ephemeral(const char *path);
