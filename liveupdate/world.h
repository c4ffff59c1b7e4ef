/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * All that the decision may know about one LiveUpdate, as facts. The controller writes them down
 * (controller/observe.c), a test does so in a few lines; the decision reads nothing else.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "liveupdate/changes.h"
#include "liveupdate/memory.h"
#include "liveupdate/rules.h"
#include "liveupdate/targets.h"

/*
 * Since when a generation is known to exist: the revision at which a pod of it was first seen. What
 * changed later is in none of its images, whatever the clocks of this machine and the cluster say.
 */
struct lu_seen {
        char *owner; /* lu_pod_generation() */
        uint64_t revision;
};

/* Everything is borrowed for the duration of one lu_decide(). */
struct lu_world {
        const struct lu_rules *rules;     /* NULL: the spec is invalid, or not there yet */
        const char *invalid;              /* why, for people; with rules == NULL */
        const struct lu_changes *changes; /* the workspace */
        const char *vanished;             /* the watched root that is gone or suddenly empty */
        const char *unwatched;            /* why part of the workspace is not watched; or NULL */
        bool rescanning;                  /* events were lost: the index is being compared */
        uint64_t settle_until; /* ms: changes gather until then; 0: nothing is gathering */
        const struct lu_cluster *cluster;
        const struct lu_memory *const *memories; /* of containers that were targets before */
        size_t n_memories;
        const struct lu_seen *seen;
        size_t n_seen;
};
