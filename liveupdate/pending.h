/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a container lacks: the changes that matter to a LiveUpdate, classified once for all its
 * targets, then filtered for each by the revision it has or, for one never updated, by the age of
 * what it was made from (3.7).
 */

#include "liveupdate/rules.h"
#include "liveupdate/targets.h"
#include "liveupdate/world.h"

struct lu_candidate {
        const struct lu_change *change; /* borrowed from the change set */
        struct lu_verdict verdict;      /* UPDATE, REBUILD or UNMATCHED */
};

struct lu_candidates {
        struct lu_candidate *items; /* owned; newest first */
        size_t n_items;
        size_t capacity;
};

/* The memory of a target, or NULL when it is new. */
const struct lu_memory *lu_world_memory(const struct lu_world *world,
                                        const struct lu_target *target);

/* The revision since which the target's generation is known; UINT64_MAX: not known. */
uint64_t lu_world_seen(const struct lu_world *world, const struct lu_target *target);

/* Collects what at least one of @targets may lack. */
void lu_candidates_collect(const struct lu_world *world, const struct lu_targets *targets,
                           struct lu_candidates *ret_candidates);
void lu_candidates_done(struct lu_candidates *c);

/* Does @target lack this candidate? */
bool lu_candidate_pending(const struct lu_world *world, const struct lu_candidate *candidate,
                          const struct lu_target *target, const struct lu_memory *memory);

/*
 * The update that gives @target all it lacks, or NULL when it lacks nothing. The runs are those
 * that the paths fire and those it owes. The caller owns the reference.
 */
struct lu_update *lu_pending_update(const struct lu_world *world,
                                    const struct lu_candidates *candidates,
                                    const struct lu_target *target, const struct lu_memory *memory);
