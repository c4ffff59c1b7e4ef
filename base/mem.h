/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Memory that is there, or the program is not.
 *
 * Sluice keeps its state in the API server and in the workspace, so running out of memory ends the
 * process with a message and a restart is safe. None of these returns NULL. Sizes that an outsider
 * chooses are bounded before they come here (base/limits.h).
 */

#include <stddef.h>
#include <stdlib.h>

#include "base/macro.h"

void *xmalloc(size_t size);
void *xcalloc(size_t n_items, size_t size);
void *xrealloc(void *p, size_t size);
/* Grows the array of n_items-capable @p to @n_items elements of @size, checking the product. */
void *xreallocarray(void *p, size_t n_items, size_t size);
/* NULL in, NULL out. */
char *xstrdup(const char *s);
/* Copies at most @len bytes and ends them with a NUL. */
char *xstrndup(const char *s, size_t len);
void *xmemdup(const void *p, size_t size);
char *xasprintf(const char *format, ...) _printf_(1, 2);

_noreturn_ void out_of_memory(void);

/* For _cleanup_(freep): frees what the variable points to. */
static inline void freep(void *p)
{
        free(*(void **)p);
}

/* For _cleanup_(closep): closes a descriptor that is 0 or more. */
void closep(int *fd);
