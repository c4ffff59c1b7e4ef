/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A vector of owned strings. `items` always ends with a NULL pointer once something was added, so
 * it can be passed as an argv. Zeroed memory is a valid empty vector.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

struct strv {
        char **items; /* owned, and each string with it; NULL while empty */
        size_t n_items;
        size_t capacity;
};

void strv_done(struct strv *v);
void strv_push(struct strv *v, const char *s); /* copies */
void strv_push_take(struct strv *v, char *s);  /* takes */
void strv_pushf(struct strv *v, const char *format, ...) _printf_(2, 3);
void strv_copy(struct strv *to, const struct strv *from); /* @to must be empty */
bool strv_contains(const struct strv *v, const char *s);
bool strv_equal(const struct strv *a, const struct strv *b);
/* Joined by @separator; the caller frees it. */
char *strv_join(const struct strv *v, const char *separator);
