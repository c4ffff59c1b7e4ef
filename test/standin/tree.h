/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Directory trees on this machine: copied, removed. Symlinks are copied as symlinks and never
 * followed; owners and modes are kept as far as we may.
 */

#include <sys/types.h>

#include "base/err.h"

int tree_copy(const char *from, const char *to, struct err *err);
/* Removes all of it. What is not there is no failure. */
void tree_remove(const char *path);
/* mkdir -p; existing directories are left as they are. */
int tree_make_dirs(const char *path, struct err *err);
/* Copies one regular file's content and mode. */
int tree_copy_file(const char *from, const char *to, struct err *err);
int tree_write_file(const char *path, const char *text, mode_t mode, struct err *err);
