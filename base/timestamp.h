/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Wall-clock times as nanoseconds since 1970 (UTC) and as RFC 3339 text, the form the Kubernetes
 * API uses. Elapsed time is measured elsewhere, on the loop's monotonic clock.
 */

#include <stdint.h>

#define NSEC_PER_SEC  UINT64_C(1000000000)
#define NSEC_PER_MSEC UINT64_C(1000000)

/* "2026-01-02T03:04:05Z": 20 bytes and a NUL. */
#define TIMESTAMP_TEXT_SIZE 21

/* Now, in nanoseconds since 1970. The one place that reads the wall clock. */
uint64_t timestamp_now(void);
/* Parses RFC 3339 with optional fraction and any offset. -EINVAL. */
int timestamp_parse(const char *text, uint64_t *ret_nsec);
/* Whole seconds, UTC. */
void timestamp_format(uint64_t nsec, char text[static TIMESTAMP_TEXT_SIZE]);
/* With six digits of fraction, as MicroTime wants it; the caller frees it. */
char *timestamp_format_micro(uint64_t nsec);
