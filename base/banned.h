/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Functions nobody may call here, made a compile error: they overflow, hide state or cannot report
 * a failure. Use struct str, parse_u64() and strcspn() instead. Included by the build (-include).
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#pragma GCC poison strcpy strcat strncpy strncat stpcpy
#pragma GCC poison sprintf vsprintf gets
#pragma GCC poison strtok strtok_r atoi atol atoll
#pragma GCC poison gmtime localtime ctime asctime
#pragma GCC poison tmpnam mktemp sleep usleep
