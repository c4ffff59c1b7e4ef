/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What cmocka.h needs before it, and cmocka.h: the first include of every unit test. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
