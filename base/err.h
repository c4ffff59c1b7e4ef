/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A failure that a person will read.
 *
 * A function that can fail in a way worth explaining takes `struct err *err` as its last parameter
 * and returns a negative errno. The message is set once, where the fact is known, as a sentence
 * without a full stop: what was attempted, on what, why it failed. A caller that knows more puts it
 * in front with err_wrap(): "updating shop/web-7d9f: tar exited 127: sh: tar: not found".
 *
 * A zeroed struct err is empty. NULL is allowed everywhere: the message is then dropped. On success
 * nothing is touched. Messages never hold a token, a key, a header or a file's content.
 */

#include "base/macro.h"

struct err {
        char *message; /* owned; NULL when nothing failed */
};

/* Sets the message (replacing an earlier one) and returns @r, which must be negative. */
int err_set(struct err *err, int r, const char *format, ...) _printf_(3, 4);
/* As err_set(), and appends ": " and the text of errno value -@r. */
int err_errno(struct err *err, int r, const char *format, ...) _printf_(3, 4);
/* Puts "<format>: " in front of the message and returns @r. */
int err_wrap(struct err *err, int r, const char *format, ...) _printf_(3, 4);
/* The message, or "unknown error": never NULL. */
const char *err_text(const struct err *err);
void err_done(struct err *err);
