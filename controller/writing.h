/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which files are being written, and what of it the settle window must know: the kernel tells of
 * each write and of the close, the window wants each file once per batch.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "liveupdate/settle.h"

struct writing_file;

/* Zeroed memory, with the window set, is a valid empty set. */
struct writing {
        struct lu_settle *settle; /* borrowed */
        struct writing_file *files;
};

/* All times are those of the window: milliseconds of a monotonic clock. */

/* A change of @path was seen, and the file is open for writing. */
void writing_opened(struct writing *w, const char *path, uint64_t now);
/* @path was closed, renamed or removed; @changed: with a change that was not seen before. */
void writing_closed(struct writing *w, const char *path, bool changed, uint64_t now);
/* A change of @path that tells nothing about writing: permissions. */
void writing_touched(struct writing *w, const char *path, uint64_t now);
/* Forgets all of them: their closes may have been lost. Also the destructor. */
void writing_forget(struct writing *w, uint64_t now);
