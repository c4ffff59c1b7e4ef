/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The documents by which a client finds out what is served.
 */

#include "test/standin/http.h"

struct standin;

/* Answers when the path is /version, a health check, or one of discovery. False: it is not. */
bool discovery_answer(struct standin *s, struct http *h);
