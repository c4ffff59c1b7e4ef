/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Globs over whole paths, as .dockerignore has them; what patterns and ignores are made of.
 *
 *     ?        one byte that is not '/'
 *     *        any bytes but '/'
 *     [a-z]    one byte of a class; [!a-z] and [^a-z] one byte outside it, never '/'
 *     \x       x itself
 *     **       as a component: any number of components, none too. As the last one: all that lies
 *              below, so not the directory in front of it
 *
 * Bytes, not characters. Paths and globs are relative and clean (base/path.h). A match costs at
 * most length of glob times length of path, whatever the glob.
 */

#include <stdbool.h>

/*
 * True when @glob can be understood: no class without an end, no '/' or named class ("[:alpha:]")
 * in a class, no backslash at the end, at most LIMIT_STRING bytes. One that cannot matches nothing.
 */
bool lu_glob_valid(const char *glob);

enum lu_glob_relation {
        LU_GLOB_SELF = 1 << 0, /* it matches the path */
        LU_GLOB_ABOVE =
                1 << 1, /* it matches a directory above the path; then nothing else is set */
        LU_GLOB_BELOW = 1 << 2, /* it could match something below the path */
};

/* How @glob relates to @path: an or of enum lu_glob_relation. @path "" is the root of both. */
unsigned lu_glob_relate(const char *glob, const char *path);

/* Does it match @path itself, whatever it does to the directories above? */
bool lu_glob_match(const char *glob, const char *path);

/*
 * The longest run of plain bytes in a valid @glob, "" if there is none. A path that the glob
 * matches, or that lies below one it matches, holds it; so a look for it spares most matches. The
 * caller frees it.
 */
char *lu_glob_literal(const char *glob);
