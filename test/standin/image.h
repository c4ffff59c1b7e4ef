/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Images are directories. Two are built in, made from this machine's programs on first use and kept
 * below the state directory:
 *
 *   localhost/busybox:1     static BusyBox with its applets, /app, users root and app (1000)
 *   localhost/debian-tar:1  GNU tar, dash and coreutils with their libraries
 *
 * Others are directories below --images, named like the reference with "/" as "%2F". A file
 * NAME.json beside such a directory may give {"command": [...], "env": {...}, "workingDir",
 * "user"}.
 */

#include <jansson.h>

#include "base/err.h"

struct image {
        char *dir;      /* owned */
        json_t *config; /* owned; never NULL */
        char *id;       /* "name@sha256:..."; owned */
};

struct images {
        const char *state_dir;
        const char *images_dir; /* or NULL */
};

/* -ENOENT: no such image. */
int image_find(const struct images *images, const char *reference, struct image *ret_image,
               struct err *err);
void image_done(struct image *image);
/* Makes a fresh root directory at @root, with /dev, /proc and /tmp. */
int image_unpack(const struct image *image, const char *root, struct err *err);
