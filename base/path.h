/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Paths as text: no file system is asked. Workspace paths are relative, use '/', and hold neither
 * "." nor ".." components nor doubled or trailing slashes; the workspace itself is "" (empty).
 */

#include <stdbool.h>

/*
 * Joins @base (a clean workspace path, or "") and @path, and cleans the result. A @path that begins
 * with '/' is refused. -EINVAL: absolute; -ERANGE: it leads out of the workspace ("..").
 * The caller frees *ret_path.
 */
int path_join_clean(const char *base, const char *path, char **ret_path);
/* Cleans an absolute POSIX path ("/app//x/." becomes "/app/x"). -EINVAL: relative or holds "..". */
int path_clean_absolute(const char *path, char **ret_path);
/* True when @path equals @dir or lies below it; "" contains everything. Both clean. */
bool path_is_below(const char *path, const char *dir);
/* The part of @path below @dir ("" when equal). path_is_below() must hold. Borrowed from @path. */
const char *path_below(const char *path, const char *dir);
/* The part behind the last '/'. Borrowed. */
const char *path_basename(const char *path);
/* @dir + "/" + @name, or @name when @dir is "". The caller frees it. */
char *path_join(const char *dir, const char *name);
