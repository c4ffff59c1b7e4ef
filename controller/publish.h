/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The status of a LiveUpdate, written to the API server: by server-side apply, only when it
 * differs, never more than once a second per object except for a change of Ready, and never on the
 * path of an update. LiveUpdates from files keep theirs in memory, for --listen's /status.
 */

#include "controller/live.h"
#include "liveupdate/plan.h"

void publish(struct live *live, const struct lu_world *world, const struct lu_plan *plan);
/*
 * @status (copied; NULL: none) is what stands in the object. What was to be written is not written
 * any more: the object is another one, or not ours.
 */
void publish_reset(struct live *live, const json_t *status);
/* Writes what waits for its second to pass, now. */
void publish_flush(struct live *live);
/* {"kind","metadata","status"}: as it stands. The caller owns the reference. */
json_t *publish_object(const struct live *live);
