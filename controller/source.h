/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What stands in the workspace now, opened so that nothing outside of it can be reached: openat2(2)
 * with RESOLVE_BENEATH, and never through a symlink at the end of the path.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/str.h"

/*
 * Opens a regular file for reading. -ENOENT: it is gone, or something else than a file stands there
 * (a directory, a symlink, a FIFO, a device), or its path leads out; otherwise an errno (-EACCES).
 */
int source_open(int workspace_fd, const char *path, int *ret_fd, struct stat *ret_st);
/* The text of a symlink; the caller frees it. Errors as above. */
int source_readlink(int workspace_fd, const char *path, char **ret_target);

/*
 * Appends the st->st_size bytes of @fd to @out. -EAGAIN: it changed since @st was taken; *st is
 * then as it is now, and @out as it was. On success the content is that of one moment.
 */
int source_read(int fd, struct stat *st, struct str *out);
/* True when size and time of @fd are still those of @st. */
bool source_unchanged(int fd, const struct stat *st);
