/* SPDX-License-Identifier: Apache-2.0 */
#include "liveupdate/pending.h"

/*
 * The workspace may hold a hundred thousand files and a LiveUpdate a hundred targets, so the change
 * set is walked once: only entries newer than the oldest revision any target has, or, while a
 * target has none, newer than the oldest baseline. What remains is classified once. Each target
 * then filters that short list.
 *
 * Two clocks decide what is missing. A target that was updated has a revision, and lacks what is
 * newer. A target that was not has only an age: for a synced path the creation of its generation,
 * since the image is at least as old; for a path that asks for a rebuild the creation of its pod,
 * since whoever rebuilds by hand makes new pods, and these must not be held up by what they already
 * contain. Clocks may disagree, so what was seen to change after the generation was first seen is
 * missing in any case.
 */

#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "base/timestamp.h"

const struct lu_memory *lu_world_memory(const struct lu_world *world,
                                        const struct lu_target *target)
{
        for (size_t i = 0; i < world->n_memories; i++)
                if (lu_memory_is(world->memories[i], target->pod->uid, target->container->name,
                                 target->container->id))
                        return world->memories[i];
        return NULL;
}

uint64_t lu_world_seen(const struct lu_world *world, const struct lu_target *target)
{
        for (size_t i = 0; i < world->n_seen; i++)
                if (streq(world->seen[i].owner, lu_pod_generation(target->pod)))
                        return world->seen[i].revision;
        return UINT64_MAX;
}

struct collector {
        const struct lu_world *world;
        uint64_t since_revision; /* lacked by a target that has a revision */
        bool any_by_age;
        uint64_t since_time; /* lacked by a target that has none */
        uint64_t since_seen; /* and that, whatever its time */
        struct lu_candidates *out;
};

static bool collect_one(void *userdata, const struct lu_change *change)
{
        struct collector *c = userdata;
        struct lu_candidates *out = c->out;
        struct lu_verdict verdict;
        bool by_age = c->any_by_age &&
                      (change->time > c->since_time || change->revision > c->since_seen ||
                       (c->world->rules->initial_sync && change->facts.kind != LU_KIND_ABSENT));

        if (!by_age && change->revision <= c->since_revision)
                return true;
        verdict = lu_classify(c->world->rules, change->path);
        if (verdict.class_ == LU_CLASS_UNWATCHED || verdict.class_ == LU_CLASS_IGNORED)
                return true;
        /* A directory alone is content only where a sync wants it. */
        if (change->facts.kind == LU_KIND_DIRECTORY && verdict.class_ != LU_CLASS_UPDATE)
                return true;
        if (out->n_items == out->capacity) {
                out->capacity = out->capacity ? out->capacity * 2 : 16;
                out->items = xreallocarray(out->items, out->capacity, sizeof(*out->items));
        }
        out->items[out->n_items++] = (struct lu_candidate){.change = change, .verdict = verdict};
        return true;
}

void lu_candidates_collect(const struct lu_world *world, const struct lu_targets *targets,
                           struct lu_candidates *ret_candidates)
{
        struct collector c = {
                .world = world,
                .since_revision = UINT64_MAX,
                .since_time = UINT64_MAX,
                .since_seen = UINT64_MAX,
                .out = ret_candidates,
        };

        for (size_t i = 0; i < targets->n_items; i++) {
                const struct lu_target *target = &targets->items[i];
                const struct lu_memory *memory = lu_world_memory(world, target);

                if (memory && memory->has_revision) {
                        if (memory->revision < c.since_revision)
                                c.since_revision = memory->revision;
                        continue;
                }
                c.any_by_age = true;
                if (target->baseline_time < c.since_time)
                        c.since_time = target->baseline_time;
                if (lu_world_seen(world, target) < c.since_seen)
                        c.since_seen = lu_world_seen(world, target);
        }
        if (c.any_by_age)
                lu_changes_each(world->changes, collect_one, &c);
        else
                lu_changes_since(world->changes, c.since_revision, collect_one, &c);
}

void lu_candidates_done(struct lu_candidates *c)
{
        free(c->items);
        *c = (struct lu_candidates){};
}

/*
 * The API server tells whole seconds. A file that was found with a time of that same second may be
 * older or newer than the pod; asking for a rebuild in doubt would do so for every workspace that
 * is checked out and deployed by one script. What was seen to change is in no doubt.
 */
static uint64_t doubt(const struct lu_change *change)
{
        return change->revision > 0 ? 0 : NSEC_PER_SEC;
}

bool lu_candidate_pending(const struct lu_world *world, const struct lu_candidate *candidate,
                          const struct lu_target *target, const struct lu_memory *memory)
{
        const struct lu_change *change = candidate->change;

        if (memory && memory->has_revision)
                return change->revision > memory->revision;
        if (candidate->verdict.class_ != LU_CLASS_UPDATE)
                return change->time > target->pod->created + doubt(change);
        if (world->rules->initial_sync && change->facts.kind != LU_KIND_ABSENT)
                return true;
        return change->time > target->baseline_time ||
               change->revision > lu_world_seen(world, target);
}

/*
 * Removing this destination would take away what another sync put there: its own removals do the
 * work file by file.
 */
static bool holds_another_sync(const struct lu_rules *rules, size_t sync, const char *destination)
{
        if (streq(destination, "/"))
                return true;
        for (size_t i = 0; i < rules->n_syncs; i++)
                if (i != sync && path_is_below(rules->syncs[i].container_path, destination))
                        return true;
        return false;
}

/* @destination relative to where @sync goes ("": just there), or NULL when it lies elsewhere. */
static const char *below_sync(const struct lu_sync_rule *sync, const char *destination)
{
        if (streq(sync->container_path, "/"))
                return destination + 1;
        if (!path_is_below(destination, sync->container_path))
                return NULL;
        return path_below(destination, sync->container_path);
}

/* What sync @i puts to @destination as things stand, or NULL. */
static const struct lu_change *present_source(const struct lu_world *world, size_t i,
                                              const char *destination)
{
        const struct lu_sync_rule *sync = &world->rules->syncs[i];
        const char *below = below_sync(sync, destination);
        _cleanup_(freep) char *inside = below && *below ? path_join(sync->local, below) : NULL;
        const char *const paths[] = {inside, sync->local}; /* a file may go below its path */

        for (size_t k = 0; below && k < ARRAY_SIZE(paths); k++) {
                const struct lu_change *change =
                        paths[k] ? lu_changes_find(world->changes, paths[k]) : NULL;
                _cleanup_(freep) char *its = NULL;
                struct lu_verdict verdict;

                if (!change || change->facts.kind == LU_KIND_ABSENT)
                        continue;
                verdict = lu_classify(world->rules, change->path);
                if (verdict.class_ != LU_CLASS_UPDATE || verdict.sync != i)
                        continue;
                its = lu_destination(world->rules, i, change->path,
                                     change->facts.kind == LU_KIND_DIRECTORY);
                if (streq(its, destination))
                        return change;
        }
        return NULL;
}

/*
 * Several syncs may fill one directory. What is to be at @destination does not depend on which of
 * their files changed last: the first sync in the list that has something for it wins, and only
 * when none has is it removed. Replaces *@change and *@sync by the winner.
 */
static void let_first_sync_win(const struct lu_world *world, const char *destination,
                               const struct lu_change **change, size_t *sync)
{
        const struct lu_rules *rules = world->rules;
        bool removed = (*change)->facts.kind == LU_KIND_ABSENT;

        for (size_t i = 0; i < (removed ? rules->n_syncs : *sync); i++) {
                const struct lu_change *source =
                        i == *sync ? NULL : present_source(world, i, destination);

                if (source) {
                        *change = source;
                        *sync = i;
                        return;
                }
        }
}

static void add_item(const struct lu_world *world, const struct lu_candidate *candidate,
                     struct lu_update *update)
{
        const struct lu_rules *rules = world->rules;
        const struct lu_change *change = candidate->change;
        size_t i = candidate->verdict.sync;
        _cleanup_(freep) char *destination =
                lu_destination(rules, i, change->path, change->facts.kind == LU_KIND_DIRECTORY);
        const struct lu_sync_rule *sync;
        struct lu_update_item *item;
        bool shared;

        let_first_sync_win(world, destination, &change, &i);
        sync = &rules->syncs[i];
        shared = holds_another_sync(rules, i, destination);
        if (change->facts.kind == LU_KIND_ABSENT && shared)
                return;
        item = lu_update_add(update, change->path, take_ptr(destination), change->facts.kind);
        item->flipped = (change->flipped || candidate->change->flipped) && !shared;
        item->has_owner = sync->has_owner;
        item->uid = sync->uid;
        item->gid = sync->gid;
        item->has_mode = sync->has_mode;
        item->mode = sync->mode;
}

static void add_fired(const struct lu_rules *rules, const char *path, struct lu_run_set *fired)
{
        for (size_t i = 0; i < rules->n_runs; i++)
                if (!lu_run_set_has(fired, i) && lu_run_fires(rules, i, path))
                        lu_run_set_add(fired, i);
}

static void add_runs(const struct lu_rules *rules, const struct lu_run_set *fired,
                     struct lu_update *update)
{
        for (size_t i = 0; i < rules->n_runs; i++) {
                const struct lu_run_rule *rule = &rules->runs[i];
                struct lu_update_run *run;

                if (!lu_run_set_has(fired, i))
                        continue;
                update->runs =
                        xreallocarray(update->runs, update->n_runs + 1, sizeof(*update->runs));
                run = &update->runs[update->n_runs++];
                *run = (struct lu_update_run){
                        .index = i,
                        .command = xstrdup(rule->command),
                        .working_dir = xstrdup(rule->working_dir),
                        .text = xstrdup(rule->text),
                        .timeout_seconds = rule->timeout_seconds,
                        .echo = rule->echo,
                };
                strv_copy(&run->args, &rule->args);
        }
}

struct lu_update *lu_pending_update(const struct lu_world *world,
                                    const struct lu_candidates *candidates,
                                    const struct lu_target *target, const struct lu_memory *memory)
{
        _cleanup_(lu_update_unrefp) struct lu_update *update = lu_update_new();
        struct lu_run_set fired = memory ? memory->owed : (struct lu_run_set){};
        size_t n_pending = 0;

        for (size_t i = 0; i < candidates->n_items; i++) {
                const struct lu_candidate *candidate = &candidates->items[i];

                if (candidate->verdict.class_ != LU_CLASS_UPDATE ||
                    !lu_candidate_pending(world, candidate, target, memory))
                        continue;
                n_pending++;
                if (candidate->change->revision > update->newest)
                        update->newest = candidate->change->revision;
                add_item(world, candidate, update);
                add_fired(world->rules, candidate->change->path, &fired);
        }
        if (n_pending == 0)
                return NULL;
        add_runs(world->rules, &fired, update);
        if (update->n_items == 0 && update->n_runs == 0 && !world->rules->restart)
                return NULL; /* removals that other syncs' removals do: nothing to send */
        update->revision = lu_changes_revision(world->changes);
        update->restart = world->rules->restart;
        lu_update_seal(update);
        return take_ptr(update);
}
