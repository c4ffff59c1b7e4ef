/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A tar archive as GNU tar, BusyBox tar and bsdtar all read it: ustar headers, GNU "L" and "K"
 * records for names and link targets of more than 100 bytes, numeric owners without names, sizes of
 * 8 GiB and more and large ids in base 256, the end padded to a record of 10,240 bytes.
 *
 * Only regular files and symlinks: an entry for a directory that exists would replace a symlink to
 * one or fail, depending on the tar (KUBERNETES.md 2.2). Pure: appends bytes to a string.
 */

#include <stdint.h>

#include "base/str.h"

#define LU_ARCHIVE_BLOCK  512
#define LU_ARCHIVE_RECORD 10240

struct lu_archive_entry {
        const char *name;   /* relative to where the archive is unpacked; any bytes but NUL */
        const char *target; /* of a symlink; NULL: a regular file */
        uint32_t mode;      /* 07777 */
        uint32_t uid, gid;
        uint64_t size;  /* of the content that follows; 0 for a symlink */
        uint64_t mtime; /* seconds since 1970 */
};

/* Appends all that precedes the content. */
void lu_archive_entry(struct str *out, const struct lu_archive_entry *entry);
/* How many zero bytes follow @size bytes of content. */
unsigned lu_archive_padding(uint64_t size);
/* Appends @n zero bytes. */
void lu_archive_zeros(struct str *out, unsigned n);
/* Appends the end of an archive of which @written bytes (headers, content, padding) exist. */
void lu_archive_end(struct str *out, uint64_t written);
