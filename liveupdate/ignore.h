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
        char *glob;    /* cleaned; liveupdate/glob.h */
        char *literal; /* what a path that it matches must hold: lu_glob_literal() */
        bool negated;
};

/* Zeroed memory is a valid set that ignores nothing. */
struct lu_ignore {
        struct lu_ignore_pattern *items; /* owned, in order */
        size_t n_items;
        bool has_negation;
};

void lu_ignore_done(struct lu_ignore *ignore);
/*
 * Adds one pattern as in a spec's list: '#' has no meaning there. -EINVAL when it is empty, leads
 * out of the context or cannot be understood.
 */
int lu_ignore_add(struct lu_ignore *ignore, const char *pattern);
/*
 * Adds all lines of a file's content; a byte order mark and CRLF are tolerated. Lines that cannot
 * be understood are skipped, the others still count: -EINVAL with the numbers of those skipped.
 */
int lu_ignore_add_file(struct lu_ignore *ignore, const char *content, struct err *err);
/* @path is relative to where the patterns are rooted. The root itself ("") is never ignored. */
bool lu_ignore_match(const struct lu_ignore *ignore, const char *path);
/* True when directory @path and all that can be below it are ignored: no need to look inside. */
bool lu_ignore_prunes(const struct lu_ignore *ignore, const char *path);

/* ".git" as a component, or below one. */
bool lu_is_git_path(const char *path);
/*
 * A temporary file of an editor or a tool (JetBrains, Emacs, Vim, Kate, GNOME, go). Any component
 * counts, except that Vim's probe "4913" counts only as the last: directories are named so.
 */
bool lu_is_ephemeral(const char *path);
/* The same for all that is below directory @path. */
bool lu_is_ephemeral_directory(const char *path);
