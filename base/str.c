/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

void str_done(struct str *s)
{
        free(s->data);
        *s = (struct str){.max = s->max};
}

void str_clear(struct str *s)
{
        s->len = 0;
        s->overflow = false;
        if (s->data)
                s->data[0] = '\0';
}

bool str_reserve(struct str *s, size_t more)
{
        size_t max = s->max ? s->max : STR_MAX_DEFAULT;
        size_t need;

        if (__builtin_add_overflow(s->len, more, &need) || need > max) {
                s->overflow = true;
                return false;
        }
        if (s->data && need < s->capacity)
                return true;
        size_t capacity = s->capacity ? s->capacity : 64;
        while (capacity <= need)
                capacity *= 2;
        s->data = xrealloc(s->data, capacity);
        s->capacity = capacity;
        s->data[s->len] = '\0';
        return true;
}

void str_append_bytes(struct str *s, const void *data, size_t len)
{
        if (!str_reserve(s, len))
                return;
        if (len)
                memcpy(s->data + s->len, data, len);
        s->len += len;
        s->data[s->len] = '\0';
}

void str_append(struct str *s, const char *text)
{
        str_append_bytes(s, text, strlen(text));
}

void str_append_char(struct str *s, char c)
{
        str_append_bytes(s, &c, 1);
}

void str_appendf(struct str *s, const char *format, ...)
{
        va_list args;
        char *text;
        int n;

        va_start(args, format);
        n = vasprintf(&text, format, args);
        va_end(args);
        if (n < 0)
                out_of_memory();
        str_append_bytes(s, text, (size_t)n);
        free(text);
}

void str_consume(struct str *s, size_t n)
{
        if (n >= s->len) {
                str_clear(s);
                return;
        }
        memmove(s->data, s->data + n, s->len - n + 1);
        s->len -= n;
}

const char *str_text(const struct str *s)
{
        return s->data ? s->data : "";
}

char *str_take(struct str *s)
{
        char *text = s->data ? s->data : xstrdup("");

        *s = (struct str){.max = s->max};
        return text;
}

/* The length of the well-formed UTF-8 sequence at @p (RFC 3629), or 0. */
static size_t utf8_sequence(const unsigned char *p, size_t len)
{
        static const struct {
                unsigned char first_low, first_high, second_low, second_high, length;
        } forms[] = {
                {0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2},
                {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
                {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
                {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
                {0xf4, 0xf4, 0x80, 0x8f, 4},
        };

        for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
                if (p[0] < forms[i].first_low || p[0] > forms[i].first_high)
                        continue;
                if (forms[i].length > len)
                        return 0;
                if (forms[i].length > 1 &&
                    (p[1] < forms[i].second_low || p[1] > forms[i].second_high))
                        return 0;
                for (size_t k = 2; k < forms[i].length; k++)
                        if ((p[k] & 0xc0) != 0x80)
                                return 0;
                return forms[i].length;
        }
        return 0;
}

bool utf8_valid(const char *bytes, size_t len)
{
        const unsigned char *p = (const unsigned char *)bytes;

        while (len > 0) {
                size_t n = utf8_sequence(p, len);

                if (n == 0)
                        return false;
                p += n;
                len -= n;
        }
        return true;
}

void str_append_printable(struct str *s, const char *bytes, size_t len)
{
        const unsigned char *p = (const unsigned char *)bytes;

        while (len > 0) {
                size_t n = utf8_sequence(p, len);

                if (n > 1 || (n == 1 && *p >= 0x20 && *p != 0x7f))
                        str_append_bytes(s, p, n);
                else if (*p == '\n')
                        str_append(s, "\\n");
                else if (*p == '\t')
                        str_append(s, "\\t");
                else
                        str_appendf(s, "\\x%02x", *p);
                n = n ? n : 1;
                p += n;
                len -= n;
        }
}

char *printable(const char *bytes)
{
        struct str s = {};

        str_append_printable(&s, bytes, strlen(bytes));
        return str_take(&s);
}

bool streq(const char *a, const char *b)
{
        if (!a || !b)
                return a == b;
        return strcmp(a, b) == 0;
}

bool starts_with(const char *s, const char *prefix)
{
        return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool ends_with(const char *s, const char *suffix)
{
        size_t a = strlen(s), b = strlen(suffix);

        return a >= b && memcmp(s + a - b, suffix, b) == 0;
}

int parse_u64(const char *s, uint64_t max, uint64_t *ret_value)
{
        uint64_t value = 0;

        if (!*s)
                return -EINVAL;
        for (; *s; s++) {
                if (*s < '0' || *s > '9')
                        return -EINVAL;
                if (__builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, (uint64_t)(*s - '0'), &value))
                        return -ERANGE;
        }
        if (value > max)
                return -ERANGE;
        *ret_value = value;
        return 0;
}
