/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

/*
 * Reads a whole regular file of at most @max bytes into @ret_content (which must be empty).
 * -EFBIG: larger; else the errno of open or read, with @err naming the path.
 */
int file_read(const char *path, size_t max, struct str *ret_content, struct err *err);
