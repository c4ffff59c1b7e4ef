/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * `sluice explain`: which rule of 3.3 holds for a path, and what would be sent, run and restarted.
 */

#include <jansson.h>

#include "base/str.h"
#include "liveupdate/rules.h"

/* Borrowed. */
struct lu_question {
        const char *live_update; /* its name */
        const char *path;        /* clean; NULL: outside the workspace */
        const char *shown;       /* the path as the person wrote it */
        bool is_directory;
};

/*
 * One element of the array that `explain -o json` prints: {"path", "class", "reason", "liveUpdate",
 * "destination", "runs", "restart"}. destination is null unless the class is Update; runs is [] and
 * restart false likewise. The caller owns the reference.
 */
json_t *lu_explain_json(const struct lu_rules *rules, const struct lu_question *question);
/* The same as a few lines of text for a person, appended to @out. */
void lu_explain_text(const struct lu_rules *rules, const struct lu_question *question,
                     struct str *out);
