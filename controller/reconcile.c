/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/reconcile.h"

/*
 * Facts are gathered, lu_decide() says what should be under way, and here that is made so: updates
 * that the plan starts are started, those it does not keep are cancelled, and what is remembered of
 * containers follows. The plan is a wish, not a command, so reconciling twice changes nothing.
 */

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timestamp.h"
#include "controller/announce.h"
#include "controller/app.h"
#include "controller/publish.h"
#include "kube/client.h"
#include "liveupdate/plan.h"

static const char *vanished_root(const struct live *live)
{
        for (size_t i = 0; live->rules && i < live->rules->n_roots; i++)
                if (watcher_root_vanished(live->app->watcher, live->rules->roots[i].path))
                        return live->rules->roots[i].path;
        return NULL;
}

static void observe(struct live *live, struct lu_cluster *cluster, struct lu_world *world)
{
        struct app *app = live->app;
        bool immediate = live->rules && live->rules->n_runs == 0 && !live->rules->restart;

        if (live->discovery)
                discovery_facts(live->discovery, cluster);
        if (cluster->synced)
                live_note_seen(live, cluster);
        *world = (struct lu_world){
                .rules = live->rules,
                .invalid = live->invalid,
                .changes = app->changes,
                .vanished = vanished_root(live),
                .unwatched = watcher_problem(app->watcher),
                .rescanning = app->rescanning,
                .settle_until = watcher_settle_until(app->watcher, immediate),
                .cluster = cluster,
                .memories = (const struct lu_memory *const *)live->memories,
                .n_memories = live->n_memories,
                .seen = live->generations,
                .n_seen = live->n_generations,
        };
}

static struct operation *find_operation(struct live *live, const struct lu_target_plan *t)
{
        for (struct operation *o = live->operations; o; o = o->next)
                if (streq(o->pod_uid, t->pod_uid) && streq(o->container, t->container) &&
                    streq(o->container_id, t->container_id))
                        return o;
        return NULL;
}

static void on_line(void *userdata, size_t run, const char *line, size_t len)
{
        struct operation *o = userdata;
        _cleanup_(freep) char *text = xstrndup(line, len);

        announce_output(o->live, o->pod, o->container, text);
}

static void count(struct metrics *m, const struct lu_outcome *outcome)
{
        metrics_observe(&m->update_time, (double)outcome->milliseconds / 1000);
        m->sent_bytes += outcome->bytes;
        if (!outcome->applied)
                m->updates_failed++;
        else if (outcome->run_failed)
                m->updates_unfinished_runs++;
        else
                m->updates_applied++;
}

static void end_update(struct operation *o, const struct lu_outcome *outcome)
{
        struct live *live = o->live;
        struct lu_memory *memory = live_memory(live, o->pod_uid, o->container, o->container_id);

        const struct lu_moment now = {
                .ms = app_now(live->app),
                .wall = timestamp_now(),
                .jitter = app_jitter(live->app),
        };

        count(&live->app->metrics, outcome);
        if (memory)
                lu_memory_end(memory, outcome, &now);
        announce_update(live, o, outcome);
        operation_free(o);
        if (!live->operations)
                announce_batch_end(live);
        app_mark_dirty(live);
}

static void on_update_end(void *userdata, const struct update_result *result)
{
        struct operation *o = userdata;
        struct lu_outcome outcome = result->outcome;
        _cleanup_(freep) char *message = NULL;

        if (outcome.applied && result->unreadable) {
                /* The rest is in place, but the container does not equal the workspace. */
                message = xasprintf("%s; let the user who runs sluice read it, or have it ignored",
                                    result->unreadable);
                outcome.applied = false;
                outcome.reason = LU_REASON_UNREADABLE_FILE;
                outcome.message = message;
                outcome.retry_helps = false;
        }
        end_update(o, &outcome);
}

static const struct update_callbacks update_callbacks = {
        .on_line = on_line,
        .on_end = on_update_end,
};

static void start_update(struct live *live, const struct lu_target_plan *t)
{
        _cleanup_(err_done) struct err err = {};
        struct lu_memory *memory = live_remember(live, t->pod_uid, t->container, t->container_id);
        struct operation *o = xcalloc(1, sizeof(*o));
        const struct update_op_params params = {
                .client = live->app->client,
                .workspace_fd = live->app->workspace.fd,
                .namespace_ = t->namespace_,
                .pod = t->pod,
                .container = t->container,
                .update = t->update,
                .careful = memory->n_failures > 0,
        };

        *o = (struct operation){
                .live = live,
                .next = live->operations,
                .namespace_ = xstrdup(t->namespace_),
                .pod = xstrdup(t->pod),
                .pod_uid = xstrdup(t->pod_uid),
                .container = xstrdup(t->container),
                .container_id = xstrdup(t->container_id),
                .revision = t->update->revision,
                .wanted = true,
        };
        live->operations = o;
        lu_memory_begin(memory, t->update->revision);
        announce_start(live);
        if (update_op_start(&params, &update_callbacks, o, &o->op, &err) < 0) {
                const struct lu_outcome refused = {
                        .reason = LU_REASON_REFUSED,
                        .message = err_text(&err),
                };

                end_update(o, &refused);
        }
}

/* What a container is known to have when there is nothing for it to get. */
static void adopt(struct live *live, const struct lu_target_plan *t)
{
        struct lu_memory *memory;

        if (!t->container_id)
                return; /* not an instance yet */
        memory = live_remember(live, t->pod_uid, t->container, t->container_id);
        memory->has_revision = true;
        memory->revision = t->revision;
}

static bool is_target(void *userdata, const struct lu_memory *memory)
{
        const struct lu_plan *plan = userdata;

        for (size_t i = 0; i < plan->n_targets; i++)
                if (lu_memory_is(memory, plan->targets[i].pod_uid, plan->targets[i].container,
                                 plan->targets[i].container_id))
                        return true;
        return false;
}

static void cancel_unwanted(struct live *live)
{
        struct operation *next;

        for (struct operation *o = live->operations; o; o = next) {
                next = o->next;
                if (!o->wanted)
                        operation_cancel(o);
        }
}

static void run_match(struct live *live, const struct lu_plan *plan)
{
        if (!plan->known)
                return; /* nothing is known about targets: what is under way goes on */
        for (struct operation *o = live->operations; o; o = o->next)
                o->wanted = false;
        for (size_t i = 0; i < plan->n_targets; i++) {
                struct operation *o = find_operation(live, &plan->targets[i]);

                if (o)
                        o->wanted = true;
        }
        cancel_unwanted(live);
        for (size_t i = 0; i < plan->n_targets; i++) {
                const struct lu_target_plan *t = &plan->targets[i];

                if (t->action == LU_ACTION_START && !live->app->stopping)
                        start_update(live, t);
                else if (t->action == LU_ACTION_NOTHING)
                        adopt(live, t);
        }
        live_forget(live, is_target, (void *)plan);
}

static void on_time(uv_timer_t *timer)
{
        app_mark_dirty(timer->data);
}

static void ask_again(struct live *live, const struct lu_plan *plan)
{
        uint64_t now = app_now(live->app);

        if (!plan->until)
                uv_timer_stop(&live->timer);
        else
                uv_timer_start(&live->timer, on_time, plan->until > now ? plan->until - now : 1, 0);
}

void reconcile_one(struct live *live)
{
        _cleanup_(lu_cluster_done) struct lu_cluster cluster = {};
        _cleanup_(lu_plan_done) struct lu_plan plan = {};
        struct lu_world world;
        uint64_t began = uv_hrtime();

        observe(live, &cluster, &world);              /* facts, no decisions */
        lu_decide(&world, app_now(live->app), &plan); /* decisions, no I/O */
        run_match(live, &plan);                       /* I/O, no decisions */
        ask_again(live, &plan);
        world.memories = (const struct lu_memory *const *)live->memories;
        world.n_memories = live->n_memories;
        announce_plan(live, &plan);
        publish(live, &world, &plan);
        live->app->metrics.reconciles++;
        metrics_observe(&live->app->metrics.reconcile_time, (double)(uv_hrtime() - began) / 1e9);
}
