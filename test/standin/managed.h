/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Who owns which field: metadata.managedFields, and the server-side apply that lives by it.
 */

#include "test/standin/call.h"

/*
 * Notes in @next what a create, update or patch changed against @live (NULL: created): those fields
 * become the writer's and leave every other manager.
 */
void managed_note_write(struct call *c, const json_t *live, json_t *next);

struct managed_apply {
        const char *manager;
        bool force;
        const json_t *applied; /* the body */
};
/*
 * The object that results from applying onto @live (NULL: nothing is there yet), with its
 * managedFields. NULL: answered with 409, another manager owns a field and force is not set. The
 * caller owns it.
 */
json_t *managed_apply(struct call *c, const json_t *live, const struct managed_apply *a);
