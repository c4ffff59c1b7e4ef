/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What one update consists of: the paths, where they go, the runs. Immutable once decided, shared
 * by all targets that lack the same, hence counted references.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strv.h"
#include "liveupdate/changes.h"
#include "liveupdate/rules.h"

#define LU_RUNS_MAX 128

/* A set of run indices. */
struct lu_run_set {
        uint64_t bits[LU_RUNS_MAX / 64];
};

static inline void lu_run_set_add(struct lu_run_set *set, size_t i)
{
        set->bits[i / 64] |= UINT64_C(1) << (i % 64);
}
static inline bool lu_run_set_has(const struct lu_run_set *set, size_t i)
{
        return set->bits[i / 64] >> (i % 64) & 1;
}
static inline bool lu_run_set_empty(const struct lu_run_set *set)
{
        return set->bits[0] == 0 && set->bits[1] == 0;
}

struct lu_update_item {
        char *path;        /* in the workspace */
        char *destination; /* in the container; absolute, clean */
        enum lu_kind kind; /* LU_KIND_ABSENT: remove it */
        bool flipped;      /* remove what is there before it is written */
        bool has_owner;
        uint32_t uid, gid;
        bool has_mode; /* else the local mode */
        uint32_t mode;
};

struct lu_update_run {
        size_t index;  /* in rules.runs */
        char *command; /* or NULL: args */
        struct strv args;
        char *working_dir;
        char *text;
        uint32_t timeout_seconds;
        bool echo;
};

struct lu_update {
        unsigned n_refs;
        uint64_t revision;            /* what a target has once this succeeded */
        uint64_t newest;              /* of the changes that are in it */
        struct lu_update_item *items; /* removals first, then by destination */
        size_t n_items;
        size_t n_removals;
        struct lu_update_run *runs; /* in order */
        size_t n_runs;
        bool restart;
};

struct lu_update *lu_update_new(void); /* one reference */
struct lu_update *lu_update_ref(struct lu_update *u);
void lu_update_unref(struct lu_update *u); /* NULL is fine */
static inline void lu_update_unrefp(struct lu_update **u)
{
        lu_update_unref(*u);
}
/* Appends an item; @path is copied, @destination taken. Borrowed until the next call. */
struct lu_update_item *lu_update_add(struct lu_update *u, const char *path, char *destination,
                                     enum lu_kind kind);
/*
 * Orders the items as documented above and counts n_removals. Of several items for one destination
 * the last added stays; a removal below a directory that is removed or flipped is dropped. Nothing
 * is added afterwards.
 */
void lu_update_seal(struct lu_update *u);
