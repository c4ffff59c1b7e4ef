/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The working tree as a directory that nothing read through it can leave (openat2 with
 * RESOLVE_BENEATH): contexts' ignore files, and what the commands ask about paths.
 */

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "liveupdate/changes.h"
#include "liveupdate/rules.h"

struct workspace {
        char *path; /* absolute, resolved */
        int fd;     /* O_PATH */
};

/* @path NULL: the current directory. -ENOENT, -ENOTDIR, … with a sentence. */
int workspace_open(const char *path, struct workspace *ret_workspace, struct err *err);
void workspace_done(struct workspace *w);

/* Reads a small file below the workspace. -ENOENT: it is not there. */
int workspace_read(const struct workspace *w, const char *path, size_t max,
                   struct str *ret_content);
/* What is at @path, without following a last symlink. */
enum lu_kind workspace_kind(const struct workspace *w, const char *path);
/*
 * @path as a person wrote it, as a clean workspace path: relative ones are relative to the
 * workspace, absolute ones must lie in it. -ERANGE: outside. The caller frees it.
 */
int workspace_relative(const struct workspace *w, const char *path, char **ret_path);
/*
 * (Re-)reads all ignore files of @rules. Lines that cannot be understood are reported in @err
 * (-EINVAL) while the others count; a file that is there but cannot be read is an error likewise.
 */
int workspace_load_ignores(const struct workspace *w, struct lu_rules *rules, struct err *err);
