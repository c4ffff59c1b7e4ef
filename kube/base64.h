/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Base64 of RFC 4648 section 4, as kubeconfigs and basic authentication use it. Pure.
 */

#include "base/str.h"

/* Appends the encoded bytes, padded, without line breaks. */
void base64_encode(struct str *s, const void *data, size_t len);
/*
 * Appends the decoded bytes. White space anywhere is skipped, padding is required. -EINVAL: not
 * base64; nothing is appended then.
 */
int base64_decode(const char *text, struct str *s);
