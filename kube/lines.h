/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Bytes in pieces to whole lines, with a bound on the length of one line. Pure.
 *
 * Zeroed memory but for `max` is a valid empty splitter.
 */

#include "base/str.h"

struct lines {
        size_t max; /* bytes of one line, without its "\n" */
        struct str buffer;
        size_t start;   /* where the next line begins in the buffer */
        size_t scanned; /* no "\n" stands between start and here */
        size_t partial; /* bytes behind the last "\n" */
};

/* -EMSGSIZE: a line is longer than max; the splitter is of no use then until lines_reset(). */
int lines_push(struct lines *l, const char *data, size_t len);
/* The next whole line, without its "\n", valid until the next call of any function here. */
bool lines_next(struct lines *l, struct view *ret_line);
void lines_reset(struct lines *l);
void lines_done(struct lines *l);
