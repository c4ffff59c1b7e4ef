/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

_noreturn_ void out_of_memory(void)
{
        static const char text[] = "sluice: out of memory; ending (a restart is safe)\n";

        (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
        abort();
}

void *xmalloc(size_t size)
{
        void *p = malloc(size ? size : 1);

        if (!p)
                out_of_memory();
        return p;
}

void *xcalloc(size_t n_items, size_t size)
{
        void *p = calloc(n_items ? n_items : 1, size ? size : 1);

        if (!p)
                out_of_memory();
        return p;
}

void *xrealloc(void *p, size_t size)
{
        p = realloc(p, size ? size : 1);
        if (!p)
                out_of_memory();
        return p;
}

void *xreallocarray(void *p, size_t n_items, size_t size)
{
        size_t total;

        if (__builtin_mul_overflow(n_items, size, &total))
                out_of_memory();
        return xrealloc(p, total);
}

char *xstrdup(const char *s)
{
        return s ? xmemdup(s, strlen(s) + 1) : NULL;
}

char *xstrndup(const char *s, size_t len)
{
        size_t n = strnlen(s, len);
        char *copy = xmalloc(n + 1);

        memcpy(copy, s, n);
        copy[n] = '\0';
        return copy;
}

void *xmemdup(const void *p, size_t size)
{
        void *copy = xmalloc(size);

        if (size)
                memcpy(copy, p, size);
        return copy;
}

char *xasprintf(const char *format, ...)
{
        char *s;
        va_list args;

        va_start(args, format);
        if (vasprintf(&s, format, args) < 0)
                out_of_memory();
        va_end(args);
        return s;
}

void closep(int *fd)
{
        if (*fd >= 0)
                (void)close(*fd);
}
