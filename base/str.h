/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One owned, growable string with a limit, and one borrowed view.
 *
 * `struct str` holds bytes: `data` is NUL-terminated for the convenience of C functions but may
 * hold NULs of its own. Zeroed memory is a valid empty string without storage. `max` bounds it: 0
 * means STR_MAX_DEFAULT. An append that would exceed the bound changes nothing and sets `overflow`,
 * so a writer may append many times and look once at the end.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

#define STR_MAX_DEFAULT ((size_t)256 << 20)

struct str {
        char *data; /* owned; NULL while empty */
        size_t len; /* bytes, without the terminating NUL */
        size_t capacity;
        size_t max;    /* bytes; 0: STR_MAX_DEFAULT */
        bool overflow; /* an append was refused */
};

struct view {
        const char *data; /* borrowed; not NUL-terminated */
        size_t len;
};

void str_done(struct str *s);
/* Empties the string and keeps its storage. */
void str_clear(struct str *s);
/* Ensures room for @more further bytes. False when the bound forbids it. */
bool str_reserve(struct str *s, size_t more);
void str_append(struct str *s, const char *text);
void str_append_bytes(struct str *s, const void *data, size_t len);
void str_append_char(struct str *s, char c);
void str_appendf(struct str *s, const char *format, ...) _printf_(2, 3);
/* Removes the first @n bytes. */
void str_consume(struct str *s, size_t n);
/* The text; "" when empty, never NULL. Valid until the next change. */
const char *str_text(const struct str *s);
/* Hands the storage to the caller, who frees it; "" is allocated when empty. */
char *str_take(struct str *s);

/*
 * Appends @len bytes so that they can be shown to a person on one line and stand in JSON: valid
 * UTF-8 stays, control characters and invalid bytes become \n, \t or \xHH.
 */
void str_append_printable(struct str *s, const char *bytes, size_t len);
/* The same as a new string, for a NUL-terminated path. The caller frees it. */
char *printable(const char *bytes);
/* True when @len bytes are well-formed UTF-8. */
bool utf8_valid(const char *bytes, size_t len);

static inline struct view view_of(const char *data, size_t len)
{
        return (struct view){.data = data, .len = len};
}

bool streq(const char *a, const char *b); /* both NULL: equal */
bool starts_with(const char *s, const char *prefix);
bool ends_with(const char *s, const char *suffix);
/* Parses a whole decimal number without sign, space or tail. -EINVAL, -ERANGE above @max. */
int parse_u64(const char *s, uint64_t max, uint64_t *ret_value);
