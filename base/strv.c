/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strv.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/str.h"

void strv_done(struct strv *v)
{
        for (size_t i = 0; i < v->n_items; i++)
                free(v->items[i]);
        free(v->items);
        *v = (struct strv){};
}

void strv_push_take(struct strv *v, char *s)
{
        if (v->n_items + 1 >= v->capacity) {
                v->capacity = v->capacity ? v->capacity * 2 : 8;
                v->items = xreallocarray(v->items, v->capacity, sizeof(*v->items));
        }
        v->items[v->n_items++] = s;
        v->items[v->n_items] = NULL;
}

void strv_push(struct strv *v, const char *s)
{
        strv_push_take(v, xstrdup(s));
}

void strv_pushf(struct strv *v, const char *format, ...)
{
        va_list args;
        char *s;

        va_start(args, format);
        if (vasprintf(&s, format, args) < 0)
                out_of_memory();
        va_end(args);
        strv_push_take(v, s);
}

void strv_copy(struct strv *to, const struct strv *from)
{
        for (size_t i = 0; i < from->n_items; i++)
                strv_push(to, from->items[i]);
}

bool strv_contains(const struct strv *v, const char *s)
{
        for (size_t i = 0; i < v->n_items; i++)
                if (streq(v->items[i], s))
                        return true;
        return false;
}

bool strv_equal(const struct strv *a, const struct strv *b)
{
        if (a->n_items != b->n_items)
                return false;
        for (size_t i = 0; i < a->n_items; i++)
                if (!streq(a->items[i], b->items[i]))
                        return false;
        return true;
}

char *strv_join(const struct strv *v, const char *separator)
{
        struct str s = {};

        for (size_t i = 0; i < v->n_items; i++) {
                if (i > 0)
                        str_append(&s, separator);
                str_append(&s, v->items[i]);
        }
        return str_take(&s);
}
