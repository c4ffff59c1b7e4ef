/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The `status` of a LiveUpdate (DESIGN.md section 4) from a world and the plan made of it.
 */

#include <jansson.h>

#include "liveupdate/plan.h"
#include "liveupdate/world.h"

struct lu_status_params {
        const struct lu_world *world;
        const struct lu_plan *plan;
        int64_t generation;     /* metadata.generation; 0 in file mode */
        uint64_t now;           /* wall clock, ns */
        const json_t *previous; /* the status before this one, or NULL: keeps transition times */
};

/* The caller owns the reference. Bounded: at most 100 containers, the troubled ones first. */
json_t *lu_status_json(const struct lu_status_params *params);

/* "Synced", "Updating", "Waiting" or "Failed": the state of a container in the status. */
const char *lu_target_state(const struct lu_target_plan *target);
