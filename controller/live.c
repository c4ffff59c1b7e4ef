/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/live.h"

#include "base/mem.h"
#include "base/str.h"
#include "controller/app.h"

struct live *live_new(struct app *app, const char *namespace_, const char *name)
{
        struct live *live = xcalloc(1, sizeof(*live));

        live->app = app;
        live->namespace_ = xstrdup(namespace_);
        live->name = xstrdup(name);
        uv_timer_init(app->loop, &live->timer);
        uv_timer_init(app->loop, &live->publish_timer);
        live->timer.data = live->publish_timer.data = live;
        live->n_open_timers = 2;
        return live;
}

static void live_free(struct live *live)
{
        for (size_t i = 0; i < live->n_memories; i++)
                lu_memory_free(live->memories[i]);
        free(live->memories);
        for (size_t i = 0; i < live->n_generations; i++)
                free(live->generations[i].owner);
        free(live->generations);
        lu_rules_free(live->rules);
        json_decref(live->status);
        json_decref(live->next_status);
        free(live->shown.message);
        free(live->namespace_);
        free(live->name);
        free(live->uid);
        free(live->invalid);
        free(live->other_owner);
        free(live);
}

static void on_timer_closed(uv_handle_t *handle)
{
        struct live *live = handle->data;

        if (--live->n_open_timers == 0)
                live_free(live);
}

void live_close(struct live *live)
{
        while (live->operations)
                operation_cancel(live->operations);
        discovery_free(live->discovery);
        live->discovery = NULL;
        kube_request_cancel(live->app->client, live->publishing);
        uv_close((uv_handle_t *)&live->timer, on_timer_closed);
        uv_close((uv_handle_t *)&live->publish_timer, on_timer_closed);
}

static void on_discovery(void *userdata)
{
        app_mark_dirty(userdata);
}

static bool keep_none(void *userdata, const struct lu_memory *memory)
{
        return false;
}

void live_set_rules(struct live *live, struct lu_rules *rules, const char *invalid)
{
        while (live->operations)
                operation_cancel(live->operations);
        live_forget(live, keep_none, NULL);
        discovery_free(live->discovery);
        live->discovery = NULL;
        lu_rules_free(live->rules);
        live->rules = rules;
        free(live->invalid);
        live->invalid = xstrdup(invalid);
        if (rules) {
                const struct discovery_params params = {
                        .client = live->app->client,
                        .namespace_ = live->namespace_,
                        .rules = rules,
                        .on_change = on_discovery,
                        .userdata = live,
                };

                live->discovery = discovery_new(&params);
        }
        app_mark_dirty(live);
}

struct lu_memory *live_memory(struct live *live, const char *pod_uid, const char *container,
                              const char *container_id)
{
        for (size_t i = 0; i < live->n_memories; i++)
                if (lu_memory_is(live->memories[i], pod_uid, container, container_id))
                        return live->memories[i];
        return NULL;
}

struct lu_memory *live_remember(struct live *live, const char *pod_uid, const char *container,
                                const char *container_id)
{
        struct lu_memory *memory = live_memory(live, pod_uid, container, container_id);

        if (memory)
                return memory;
        live->memories =
                xreallocarray(live->memories, live->n_memories + 1, sizeof(*live->memories));
        memory = lu_memory_new(pod_uid, container, container_id);
        live->memories[live->n_memories++] = memory;
        return memory;
}

void live_forget(struct live *live, bool (*keep)(void *userdata, const struct lu_memory *memory),
                 void *userdata)
{
        size_t n = 0;

        for (size_t i = 0; i < live->n_memories; i++) {
                struct lu_memory *memory = live->memories[i];

                if (memory->updating || keep(userdata, memory))
                        live->memories[n++] = memory;
                else
                        lu_memory_free(memory);
        }
        live->n_memories = n;
}

static bool is_there(const struct lu_cluster *cluster, const char *generation)
{
        for (size_t i = 0; i < cluster->n_generations; i++)
                if (streq(cluster->generations[i].uid, generation))
                        return true;
        for (size_t i = 0; i < cluster->n_pods; i++)
                if (streq(lu_pod_generation(&cluster->pods[i]), generation))
                        return true;
        return false;
}

static bool is_seen(const struct live *live, const char *generation)
{
        for (size_t i = 0; i < live->n_generations; i++)
                if (streq(live->generations[i].owner, generation))
                        return true;
        return false;
}

void live_note_seen(struct live *live, const struct lu_cluster *cluster)
{
        size_t n = 0;

        for (size_t i = 0; i < live->n_generations; i++) {
                if (is_there(cluster, live->generations[i].owner))
                        live->generations[n++] = live->generations[i];
                else
                        free(live->generations[i].owner);
        }
        live->n_generations = n;
        for (size_t i = 0; i < cluster->n_pods; i++) {
                const char *generation = lu_pod_generation(&cluster->pods[i]);

                if (is_seen(live, generation))
                        continue;
                live->generations = xreallocarray(live->generations, live->n_generations + 1,
                                                  sizeof(*live->generations));
                live->generations[live->n_generations++] = (struct lu_seen){
                        .owner = xstrdup(generation),
                        .revision = lu_changes_revision(live->app->changes),
                };
        }
}

void operation_free(struct operation *operation)
{
        for (struct operation **p = &operation->live->operations; *p; p = &(*p)->next)
                if (*p == operation) {
                        *p = operation->next;
                        break;
                }
        update_op_free(operation->op);
        free(operation->namespace_);
        free(operation->pod);
        free(operation->pod_uid);
        free(operation->container);
        free(operation->container_id);
        free(operation);
}

void operation_cancel(struct operation *operation)
{
        struct lu_memory *memory = live_memory(operation->live, operation->pod_uid,
                                               operation->container, operation->container_id);

        if (memory)
                lu_memory_cancel(memory);
        operation_free(operation);
}
