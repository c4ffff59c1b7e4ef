/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * `sluice explain`: which rule of 3.3 holds for a path, and what would be sent, run and restarted.
 */

#include <jansson.h>

#include "base/str.h"
#include "liveupdate/rules.h"

/*
 * One element of the array that `explain -o json` prints: {"path", "class", "reason", "liveUpdate",
 * "destination", "runs", "restart"}. destination is null unless the class is Update; runs is [] and
 * restart false likewise. @shown is the path as the person wrote it. The caller owns the reference.
 */
json_t *lu_explain_json(const struct lu_rules *rules, const char *name, const char *path,
                        const char *shown);
/* The same as a few lines of text for a person, appended to @out. */
void lu_explain_text(const struct lu_rules *rules, const char *name, const char *path,
                     const char *shown, struct str *out);
