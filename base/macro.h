/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The few macros of the project.
 *
 * `_cleanup_(f)` calls f(&variable) when the variable leaves its scope; `take_ptr(p)` hands the
 * pointer out and leaves NULL behind, so the two together make the constructor idiom:
 *
 *         _cleanup_(thing_freep) struct thing *t = thing_alloc();
 *         ...every failure returns early...
 *         *ret_thing = take_ptr(t);
 *         return 0;
 */

#include <stddef.h>

#define _cleanup_(f)                    __attribute__((cleanup(f)))
#define _printf_(format_arg, first_arg) __attribute__((format(printf, format_arg, first_arg)))
#define _unused_                        __attribute__((unused))
#define _noreturn_                      __attribute__((noreturn))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

#define take_ptr(p)                            \
        ({                                     \
                __typeof__(p) *_slot = &(p);   \
                __typeof__(p) _taken = *_slot; \
                *_slot = NULL;                 \
                _taken;                        \
        })
