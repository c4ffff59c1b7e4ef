/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * GET with watch=true: events as lines of JSON until the client leaves or timeoutSeconds are over.
 */

#include "test/standin/call.h"
#include "test/standin/selector.h"

/*
 * Answers the request. Takes both selectors. A resourceVersion older than the history gives an
 * ERROR event with 410 Expired; "" and "0" begin with an ADDED event per object.
 */
void watch_start(struct call *c, struct selector *labels_take, struct selector *fields_take);

/* The object as clients see it in @asked, when it is in @ns (NULL: any) and both selectors match.
 */
bool watch_selects(const struct selector *labels, const struct selector *fields, const char *ns,
                   const json_t *object);
