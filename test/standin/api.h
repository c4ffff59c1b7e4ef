/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The front door: who asks, what for, and whether a fault strikes first.
 */

struct http;
struct standin;

void api_handle(void *standin, struct http *h);
/* Counts and logs; to be called with every answer's status. */
void api_answered(void *standin, struct http *h, int status);
