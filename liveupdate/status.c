/* SPDX-License-Identifier: Apache-2.0 */
#include "liveupdate/status.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/timestamp.h"

/* What is said of one container, in the order in which they are listed. */
enum state {
        STATE_FAILED,
        STATE_WAITING,
        STATE_UPDATING,
        STATE_SYNCED,
        STATE_MAX,
};

static const char *const state_names[STATE_MAX] = {"Failed", "Waiting", "Updating", "Synced"};

static enum state state_of(const struct lu_target_plan *t)
{
        switch (t->action) {
        case LU_ACTION_NOTHING:
                return STATE_SYNCED;
        case LU_ACTION_START:
        case LU_ACTION_KEEP:
                return STATE_UPDATING;
        case LU_ACTION_FAIL:
                return STATE_FAILED;
        case LU_ACTION_WAIT:
        case LU_ACTION_BUILD:
                break;
        }
        return STATE_WAITING;
}

const char *lu_target_state(const struct lu_target_plan *target)
{
        return state_names[state_of(target)];
}

/* Text from outside may hold any byte; the API server wants UTF-8 of bounded length. */
static json_t *text(const char *s)
{
        _cleanup_(str_done) struct str shown = {.max = LIMIT_CONDITION_MESSAGE};

        if (s)
                str_append_printable(&shown, s, strnlen(s, LIMIT_CONDITION_MESSAGE / 4));
        return json_string(str_text(&shown));
}

static const json_t *previous_condition(const json_t *previous, const char *type)
{
        const json_t *conditions = json_object_get(previous, "conditions");
        const json_t *condition;
        size_t i;

        json_array_foreach(conditions, i, condition) {
                const char *its = json_string_value(json_object_get(condition, "type"));

                if (its && strcmp(its, type) == 0)
                        return condition;
        }
        return NULL;
}

struct condition {
        const char *type;
        bool status;
        const char *reason; /* never empty: the API wants one */
        const char *message;
};

static json_t *condition_json(const struct lu_status_params *p, const struct condition *c)
{
        const json_t *before = previous_condition(p->previous, c->type);
        const char *status = c->status ? "True" : "False";
        const char *was = json_string_value(json_object_get(before, "status"));
        const char *since = json_string_value(json_object_get(before, "lastTransitionTime"));
        char now[TIMESTAMP_TEXT_SIZE];
        json_t *json = json_object();

        timestamp_format(p->now, now);
        json_object_set_new(json, "type", json_string(c->type));
        json_object_set_new(json, "status", json_string(status));
        json_object_set_new(json, "observedGeneration", json_integer(p->generation));
        json_object_set_new(json, "lastTransitionTime",
                            json_string(was && since && strcmp(was, status) == 0 ? since : now));
        json_object_set_new(json, "reason", json_string(c->reason));
        json_object_set_new(json, "message", text(c->message));
        return json;
}

static const struct lu_memory *memory_of(const struct lu_world *world,
                                         const struct lu_target_plan *t)
{
        for (size_t i = 0; i < world->n_memories; i++)
                if (lu_memory_is(world->memories[i], t->pod_uid, t->container, t->container_id))
                        return world->memories[i];
        return NULL;
}

static void count_states(const struct lu_plan *plan, size_t counts[static STATE_MAX])
{
        for (size_t i = 0; i < plan->n_targets; i++)
                counts[state_of(&plan->targets[i])]++;
}

static json_t *conditions_json(const struct lu_status_params *p)
{
        const struct lu_plan *plan = p->plan;
        size_t counts[STATE_MAX] = {};
        _cleanup_(freep) char *failed_run = NULL, *rebuild = NULL, *summary = NULL;
        json_t *conditions = json_array();

        count_states(plan, counts);
        for (size_t i = 0; i < plan->n_targets && !failed_run; i++) {
                const struct lu_target_plan *t = &plan->targets[i];
                const struct lu_memory *memory = memory_of(p->world, t);

                if (memory && memory->run_failed)
                        failed_run =
                                xasprintf("%s/%s: %s", t->pod, t->container, memory->run_message);
        }
        if (plan->rebuild_required)
                rebuild = xasprintf("%s: %s", lu_reason_name(plan->rebuild_reason),
                                    plan->rebuild_path);
        summary = xasprintf("%zu of %zu containers have revision %llu", counts[STATE_SYNCED],
                            plan->n_targets, (unsigned long long)plan->revision);
        const struct condition all[] = {
                {"Ready", plan->ready, lu_reason_name(plan->reason), plan->message},
                {"Synced", plan->n_targets > 0 && counts[STATE_SYNCED] == plan->n_targets,
                 lu_reason_name(plan->reason), summary},
                {"RebuildRequired", plan->rebuild_required,
                 plan->rebuild_required ? lu_reason_name(plan->rebuild_reason) : "InPlace",
                 rebuild ? rebuild : "every change can be applied in place"},
                {"LastRunFailed", failed_run != NULL, failed_run ? "RunFailed" : "Succeeded",
                 failed_run ? failed_run : "no command failed in the last updates"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(all); i++)
                json_array_append_new(conditions, condition_json(p, &all[i]));
        return conditions;
}

static json_t *targets_json(const struct lu_plan *plan)
{
        size_t counts[STATE_MAX] = {};
        _cleanup_(freep) char *summary = NULL;

        count_states(plan, counts);
        summary = xasprintf("%zu/%zu", counts[STATE_SYNCED], plan->n_targets);
        return json_pack("{sI sI sI sI sI ss}", "matched", (json_int_t)plan->n_targets, "synced",
                         (json_int_t)counts[STATE_SYNCED], "updating",
                         (json_int_t)counts[STATE_UPDATING], "waiting",
                         (json_int_t)counts[STATE_WAITING], "failed",
                         (json_int_t)counts[STATE_FAILED], "summary", summary);
}

static json_t *last_update_json(const struct lu_memory *m)
{
        char time[TIMESTAMP_TEXT_SIZE];

        timestamp_format(m->updated_at, time);
        return json_pack("{ss sI sI sI sI}", "time", time, "milliseconds",
                         (json_int_t)m->milliseconds, "files", (json_int_t)m->files, "deleted",
                         (json_int_t)m->deleted, "bytes", (json_int_t)m->bytes);
}

/* Nothing is written for nothing: old servers take an empty string or list for a null. */
static void set_text(json_t *json, const char *key, const char *value)
{
        if (value && *value)
                json_object_set_new(json, key, text(value));
}

static json_t *container_json(const struct lu_world *world, const struct lu_target_plan *t)
{
        const struct lu_memory *m = memory_of(world, t);
        json_t *json = json_object();

        json_object_set_new(json, "pod", json_string(t->pod));
        json_object_set_new(json, "container", json_string(t->container));
        set_text(json, "containerID", t->container_id);
        json_object_set_new(json, "state", json_string(lu_target_state(t)));
        json_object_set_new(json, "revision", json_integer((json_int_t)t->revision));
        set_text(json, "reason", lu_reason_name(t->reason));
        set_text(json, "message", t->message);
        if (m && m->updated_at) {
                json_object_set_new(json, "transport", json_string("Tar"));
                json_object_set_new(json, "protocol", json_string(m->protocol));
                json_object_set_new(json, "lastUpdate", last_update_json(m));
        }
        return json;
}

static json_t *containers_json(const struct lu_status_params *p)
{
        json_t *containers = json_array();

        for (enum state state = 0; state < STATE_MAX; state++)
                for (size_t i = 0; i < p->plan->n_targets; i++) {
                        const struct lu_target_plan *t = &p->plan->targets[i];

                        if (state_of(t) == state &&
                            json_array_size(containers) < LIMIT_STATUS_CONTAINERS)
                                json_array_append_new(containers, container_json(p->world, t));
                }
        return containers;
}

/* The newest update of any container, for the printer column. */
static void add_last_update(const struct lu_status_params *p, json_t *status)
{
        uint64_t newest = 0;
        char time[TIMESTAMP_TEXT_SIZE];

        for (size_t i = 0; i < p->world->n_memories; i++)
                if (p->world->memories[i]->updated_at > newest)
                        newest = p->world->memories[i]->updated_at;
        if (!newest)
                return;
        timestamp_format(newest, time);
        json_object_set_new(status, "lastUpdateTime", json_string(time));
}

json_t *lu_status_json(const struct lu_status_params *params)
{
        json_t *status = json_object();

        json_object_set_new(status, "observedGeneration", json_integer(params->generation));
        json_object_set_new(status, "revision", json_integer((json_int_t)params->plan->revision));
        json_object_set_new(status, "conditions", conditions_json(params));
        json_object_set_new(status, "targets", targets_json(params->plan));
        if (params->plan->n_targets > 0)
                json_object_set_new(status, "containers", containers_json(params));
        add_last_update(params, status);
        return status;
}
