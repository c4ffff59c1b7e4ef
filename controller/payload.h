/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The standard input of an update's session (liveupdate/script.h), made while it is pulled.
 *
 * Files are opened and read when their turn comes, so the memory used does not depend on how many
 * there are or how large. A file of up to PAYLOAD_SMALL bytes is read whole before its header is
 * written. A larger one is streamed, unpacked beside its destination and renamed when all has
 * arrived; when it changed meanwhile the session ends as void, and what was unpacked is removed.
 *
 * What vanished or became something else since the update was decided is left out: its own event
 * comes. Sockets, FIFOs and devices are never sent.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "liveupdate/update.h"

#define PAYLOAD_SMALL ((size_t)256 << 10)

struct payload;

struct payload_params {
        struct lu_update *update; /* a reference is taken */
        int workspace_fd;         /* borrowed; must outlive the payload */
        const char *token;        /* LU_TOKEN_SIZE - 1 hex digits; copied */
        /* Look first for what stands in the way: an earlier try left it, or the image has it. */
        bool careful;
};

struct payload_stats {
        uint64_t files;   /* sent: files and symlinks */
        uint64_t deleted; /* removals sent */
        uint64_t bytes;   /* of the content of files */
        uint64_t left_out;
        char *unreadable; /* a sentence about the first file that could not be read, or NULL */
        bool torn;        /* a file changed while it was sent: the session is void */
};

struct payload *payload_new(const struct payload_params *params);
void payload_free(struct payload *p); /* NULL is fine */
/* Fills up to @size bytes and returns how many, at least one; -ENODATA: that was all. */
ssize_t payload_pull(struct payload *p, uint8_t *buffer, size_t size);
/* Borrowed; right as far as was pulled. */
const struct payload_stats *payload_stats(const struct payload *p);
