/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * LiveUpdates from -f: files, directories of *.yaml, *.yml and *.json (not below), and "-".
 */

#include "base/err.h"
#include "base/strv.h"
#include "liveupdate/manifest.h"

/* -ENOENT and such with @err when a file cannot be read; faults of their content go to @faults. */
int files_load(const struct strv *files, struct lu_objects *objects, struct lu_faults *faults,
               struct err *err);
/* Prints "file:line:column: message" for every error (with @warnings: and warning). */
void files_print_faults(const struct lu_faults *faults, bool warnings);
