/* SPDX-License-Identifier: Apache-2.0 */
#include "liveupdate/plan.h"

/*
 * The law of a change (DESIGN.md 3.3-3.7) as one pure function: (world, now) -> plan.
 *
 * It asks from the outside in. Is there a LiveUpdate that can be understood, a workspace, a
 * cluster? Which containers are meant? What does each lack? Then every target stands for itself:
 * one that fails, waits or needs another image never holds up the others. What is said about the
 * whole is summed up at the end from what was decided for each.
 *
 * Targets that lack the same share one update: with a hundred replicas the archive's contents are
 * worked out once.
 */

#include <string.h>

#include "base/mem.h"
#include "liveupdate/pending.h"

void lu_plan_done(struct lu_plan *plan)
{
        for (size_t i = 0; i < plan->n_targets; i++) {
                struct lu_target_plan *t = &plan->targets[i];

                free(t->namespace_);
                free(t->pod);
                free(t->pod_uid);
                free(t->container);
                free(t->container_id);
                free(t->message);
                lu_update_unref(t->update);
        }
        free(plan->targets);
        free(plan->rebuild_path);
        free(plan->unmatched_path);
        free(plan->message);
        *plan = (struct lu_plan){};
}

static void conclude(struct lu_plan *plan, bool ready, enum lu_reason reason, char *message_take)
{
        free(plan->message);
        plan->ready = ready;
        plan->reason = reason;
        plan->message = message_take;
}

static void wait_until(struct lu_plan *plan, struct lu_target_plan *t, uint64_t until,
                       enum lu_reason reason)
{
        t->action = LU_ACTION_WAIT;
        t->until = until;
        t->reason = reason;
        if (until && (!plan->until || until < plan->until))
                plan->until = until;
}

/* The newest path that asks for a rebuild of what this target runs, or NULL. */
static const struct lu_candidate *rebuild_candidate(const struct lu_world *world,
                                                    const struct lu_candidates *candidates,
                                                    const struct lu_target *target,
                                                    const struct lu_memory *memory)
{
        for (size_t i = 0; i < candidates->n_items; i++)
                if (candidates->items[i].verdict.class_ == LU_CLASS_REBUILD &&
                    lu_candidate_pending(world, &candidates->items[i], target, memory))
                        return &candidates->items[i];
        return NULL;
}

static void note_rebuild(struct lu_plan *plan, struct lu_target_plan *t,
                         const struct lu_candidate *candidate)
{
        bool listed = strcmp(candidate->verdict.reason, "FallBackOn") == 0;

        t->action = LU_ACTION_BUILD;
        t->reason = LU_REASON_REBUILD_REQUIRED;
        if (plan->rebuild_required)
                return;
        plan->rebuild_required = true;
        plan->rebuild_reason = listed ? LU_REASON_FALL_BACK_ON : LU_REASON_NO_MATCHING_SYNC;
        plan->rebuild_path = xstrdup(candidate->change->path);
}

/* An update that an earlier target of this plan starts and that fits this one as well. */
static struct lu_update *shared_update(const struct lu_world *world,
                                       const struct lu_targets *targets, struct lu_plan *plan,
                                       const struct lu_memory *memory)
{
        static const struct lu_run_set nothing;
        const struct lu_run_set *owed = memory ? &memory->owed : &nothing;
        const struct lu_target *mine = &targets->items[plan->n_targets - 1];

        for (size_t i = 0; i + 1 < plan->n_targets; i++) {
                const struct lu_target *other = &targets->items[i];
                const struct lu_memory *its = lu_world_memory(world, other);
                const struct lu_run_set *its_owed = its ? &its->owed : &nothing;
                bool by_revision = memory && memory->has_revision;

                if (!plan->targets[i].update || memcmp(owed, its_owed, sizeof(*owed)) != 0 ||
                    by_revision != (its && its->has_revision))
                        continue;
                if (by_revision ? memory->revision == its->revision
                                : mine->baseline_time == other->baseline_time &&
                                          lu_world_seen(world, mine) == lu_world_seen(world, other))
                        return lu_update_ref(plan->targets[i].update);
        }
        return NULL;
}

/* What to do about an update that could be started, given how the last one failed. */
static void start_or_wait(struct lu_plan *plan, struct lu_target_plan *t,
                          const struct lu_memory *memory, uint64_t now_ms)
{
        bool newer;

        if (!memory || memory->n_failures == 0) {
                t->action = LU_ACTION_START;
                return;
        }
        newer = t->update->newest > memory->failed_revision;
        t->message = xstrdup(memory->failure_message);
        if (!memory->retry_helps && !newer) {
                t->action = LU_ACTION_FAIL;
                t->reason = memory->failure;
        } else if (memory->retry_helps && now_ms < memory->retry_at) {
                wait_until(plan, t, memory->retry_at, memory->failure);
        } else {
                t->action = LU_ACTION_START;
        }
}

/* What is asked for one target after the other. */
struct question {
        const struct lu_world *world;
        const struct lu_targets *targets;
        const struct lu_candidates *candidates;
        uint64_t now_ms;
};

static void decide_idle(const struct question *q, struct lu_plan *plan)
{
        const struct lu_world *world = q->world;
        const struct lu_target *target = &q->targets->items[plan->n_targets - 1];
        struct lu_target_plan *t = &plan->targets[plan->n_targets - 1];
        const struct lu_memory *memory = lu_world_memory(q->world, target);
        const struct lu_candidate *rebuild =
                rebuild_candidate(world, q->candidates, target, memory);
        _cleanup_(lu_update_unrefp) struct lu_update *update = NULL;

        if (rebuild) {
                note_rebuild(plan, t, rebuild);
                return;
        }
        update = shared_update(world, q->targets, plan, memory);
        if (!update)
                update = lu_pending_update(world, q->candidates, target, memory);
        if (!update) {
                t->action = LU_ACTION_NOTHING;
                t->reason = LU_REASON_SYNCED;
                t->revision = plan->revision;
                return;
        }
        t->n_pending = update->n_items;
        if (target->container->state != LU_CONTAINER_RUNNING) {
                wait_until(plan, t, 0, LU_REASON_CONTAINER_WAITING);
                t->message = xstrdup(target->container->waiting_reason);
        } else if (world->vanished) {
                wait_until(plan, t, 0, LU_REASON_WORKSPACE_VANISHED);
        } else if (world->rescanning) {
                wait_until(plan, t, 0, LU_REASON_RESCANNING);
        } else if (world->rules->paused) {
                wait_until(plan, t, 0, LU_REASON_PAUSED);
        } else if (world->settle_until > q->now_ms) {
                wait_until(plan, t, world->settle_until, LU_REASON_SETTLING);
        } else {
                t->update = lu_update_ref(update);
                start_or_wait(plan, t, memory, q->now_ms);
                if (t->action != LU_ACTION_START) {
                        lu_update_unref(t->update);
                        t->update = NULL;
                }
        }
}

static void decide_target(const struct question *q, struct lu_plan *plan)
{
        const struct lu_target *target = &q->targets->items[plan->n_targets];
        const struct lu_memory *memory = lu_world_memory(q->world, target);
        struct lu_target_plan *t = &plan->targets[plan->n_targets++];

        *t = (struct lu_target_plan){
                .namespace_ = xstrdup(target->pod->namespace_),
                .pod = xstrdup(target->pod->name),
                .pod_uid = xstrdup(target->pod->uid),
                .container = xstrdup(target->container->name),
                .container_id = xstrdup(target->container->id),
                .revision = memory && memory->has_revision ? memory->revision : 0,
        };
        if (memory && memory->updating) {
                t->action = LU_ACTION_KEEP;
                t->reason = LU_REASON_UPDATING;
                return;
        }
        decide_idle(q, plan);
}

static void note_unmatched(const struct lu_world *world, const struct lu_candidates *candidates,
                           struct lu_plan *plan)
{
        if (world->rules->on_unmatched != LU_ON_UNMATCHED_WARN)
                return;
        for (size_t i = 0; i < candidates->n_items; i++) {
                const struct lu_candidate *c = &candidates->items[i];

                if (c->verdict.class_ != LU_CLASS_UNMATCHED || c->change->revision == 0 ||
                    c->change->revision <= plan->unmatched_revision)
                        continue;
                free(plan->unmatched_path);
                plan->unmatched_path = xstrdup(c->change->path);
                plan->unmatched_revision = c->change->revision;
        }
}

/* The first target with @action, or NULL. */
static const struct lu_target_plan *first_with(const struct lu_plan *plan, enum lu_action action)
{
        for (size_t i = 0; i < plan->n_targets; i++)
                if (plan->targets[i].action == action)
                        return &plan->targets[i];
        return NULL;
}

static const struct lu_target_plan *first_troubled(const struct lu_plan *plan)
{
        for (size_t i = 0; i < plan->n_targets; i++)
                if (plan->targets[i].action == LU_ACTION_FAIL ||
                    (plan->targets[i].action == LU_ACTION_WAIT && plan->targets[i].message &&
                     plan->targets[i].reason != LU_REASON_CONTAINER_WAITING))
                        return &plan->targets[i];
        return NULL;
}

/* The whole in one condition, from the most to the least serious. */
static void sum_up(const struct lu_world *world, struct lu_plan *plan)
{
        const struct lu_target_plan *t;
        _cleanup_(freep) char *shown = NULL;

        if (world->vanished) {
                shown = printable(*world->vanished ? world->vanished : ".");
                conclude(plan, false, LU_REASON_WORKSPACE_VANISHED,
                         xasprintf("'%s' is gone or suddenly empty; nothing is deleted in any "
                                   "container until it is back (restart sluice if it is meant)",
                                   shown));
        } else if (world->unwatched) {
                conclude(plan, false, LU_REASON_FAILED, xstrdup(world->unwatched));
        } else if (plan->rebuild_required) {
                shown = printable(plan->rebuild_path);
                conclude(plan, false, LU_REASON_REBUILD_REQUIRED,
                         xasprintf("'%s' changed and cannot be applied in place (%s); build and "
                                   "roll out a new image, then live updates go on by themselves",
                                   shown, lu_reason_name(plan->rebuild_reason)));
        } else if ((t = first_troubled(plan)) != NULL) {
                conclude(plan, false, t->reason,
                         xasprintf("%s/%s: %s", t->pod, t->container, t->message));
        } else if (world->rules->paused) {
                conclude(plan, false, LU_REASON_PAUSED, xstrdup("spec.paused is true"));
        } else if (first_with(plan, LU_ACTION_START) || first_with(plan, LU_ACTION_KEEP)) {
                conclude(plan, true, LU_REASON_UPDATING, xstrdup("an update is under way"));
        } else if ((t = first_with(plan, LU_ACTION_WAIT)) != NULL) {
                conclude(plan, t->reason == LU_REASON_SETTLING, t->reason,
                         t->reason == LU_REASON_CONTAINER_WAITING
                                 ? xasprintf("container %s of pod %s is not running%s%s",
                                             t->container, t->pod, t->message ? ": " : "",
                                             t->message ? t->message : "")
                                 : xstrdup("changes are gathering"));
        } else {
                conclude(plan, true, LU_REASON_SYNCED,
                         xstrdup("every container has the workspace's content"));
        }
}

/* What keeps everything from being decided, said in the plan. False when nothing does. */
static bool held_up(const struct lu_world *world, struct lu_plan *plan)
{
        plan->known = !world->rules || world->rules->unsupported || world->cluster->synced;
        if (!world->rules)
                conclude(plan, false, LU_REASON_INVALID_SPEC, xstrdup(world->invalid));
        else if (world->rules->unsupported)
                conclude(plan, false, LU_REASON_NOT_SUPPORTED,
                         xasprintf("%s is valid, but this version of sluice cannot do it yet; "
                                   "nothing is applied while it is set",
                                   world->rules->unsupported));
        else if (!world->cluster->synced)
                conclude(plan, false,
                         world->cluster->problem ? LU_REASON_CLUSTER_UNREACHABLE
                                                 : LU_REASON_CONNECTING,
                         xstrdup(world->cluster->problem ? world->cluster->problem
                                                         : "reading the cluster's state"));
        else
                return false;
        return true;
}

void lu_decide(const struct lu_world *world, uint64_t now_ms, struct lu_plan *ret_plan)
{
        _cleanup_(lu_targets_done) struct lu_targets targets = {};
        _cleanup_(lu_candidates_done) struct lu_candidates candidates = {};
        const struct question question = {
                .world = world,
                .targets = &targets,
                .candidates = &candidates,
                .now_ms = now_ms,
        };
        struct lu_plan *plan = ret_plan;

        *plan = (struct lu_plan){.revision = lu_changes_revision(world->changes)};
        if (held_up(world, plan))
                return;
        lu_targets_find(world->rules, world->cluster, &targets);
        if (targets.n_items == 0) {
                conclude(plan, false, LU_REASON_NO_TARGETS, take_ptr(targets.near_miss));
                return;
        }
        lu_candidates_collect(world, &targets, &candidates);
        note_unmatched(world, &candidates, plan);
        plan->targets = xcalloc(targets.n_items, sizeof(*plan->targets));
        while (plan->n_targets < targets.n_items)
                decide_target(&question, plan);
        sum_up(world, plan);
}
