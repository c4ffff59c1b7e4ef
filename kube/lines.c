/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/lines.h"

/*
 * Each byte is looked at twice at most: once when it is pushed, to measure the line it belongs to,
 * and once when the line is taken. What was taken is dropped from the buffer only when the next
 * bytes come, so a line stays valid until then and a burst of lines costs one move.
 */

#include <errno.h>
#include <string.h>

static int measure(struct lines *l, const char *data, size_t len)
{
        while (len > 0) {
                const char *end = memchr(data, '\n', len);
                size_t n = end ? (size_t)(end - data) : len;

                if (l->partial + n > l->max)
                        return -EMSGSIZE;
                l->partial = end ? 0 : l->partial + n;
                n += end ? 1 : 0;
                data += n;
                len -= n;
        }
        return 0;
}

int lines_push(struct lines *l, const char *data, size_t len)
{
        if (l->start > 0) {
                str_consume(&l->buffer, l->start);
                l->scanned -= l->start;
                l->start = 0;
        }
        if (measure(l, data, len) < 0)
                return -EMSGSIZE;
        str_append_bytes(&l->buffer, data, len);
        return l->buffer.overflow ? -EMSGSIZE : 0;
}

bool lines_next(struct lines *l, struct view *ret_line)
{
        const char *data = str_text(&l->buffer);
        const char *end = NULL;

        if (l->scanned < l->buffer.len)
                end = memchr(data + l->scanned, '\n', l->buffer.len - l->scanned);
        if (!end) {
                l->scanned = l->buffer.len;
                return false;
        }
        *ret_line = view_of(data + l->start, (size_t)(end - data) - l->start);
        l->start = l->scanned = (size_t)(end - data) + 1;
        return true;
}

void lines_reset(struct lines *l)
{
        str_done(&l->buffer);
        *l = (struct lines){.max = l->max};
}

void lines_done(struct lines *l)
{
        str_done(&l->buffer);
        *l = (struct lines){};
}
