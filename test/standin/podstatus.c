/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/podstatus.h"

/*
 * The status is computed anew and compared with the stored one, so that publishing without a change
 * costs nothing and writes nothing. Conditions keep their transition time while their value stays.
 */

#include "base/mem.h"
#include "base/timestamp.h"
#include "test/standin/container.h"
#include "test/standin/jx.h"

bool pod_restarts(const struct container *c, const json_t *object)
{
        const char *policy = jx_text(object, "spec.restartPolicy");

        if (c->kind == CONTAINER_SIDECAR)
                return true;
        if (c->kind == CONTAINER_EPHEMERAL)
                return false;
        if (c->kind == CONTAINER_INIT)
                return c->exit_code != 0 && !streq(policy, "Never");
        return streq(policy, "Always") || (streq(policy, "OnFailure") && c->exit_code != 0);
}

static bool will_run(const struct container *c, const json_t *object)
{
        return c->state != CONTAINER_TERMINATED || pod_restarts(c, object);
}

const char *pod_phase(const struct pod *pod, const json_t *object)
{
        bool all_over = true, failed = false, begun = false;

        for (size_t i = 0; i < pod->n_containers; i++) {
                const struct container *c = pod->containers[i];

                if (c->kind == CONTAINER_INIT && c->state == CONTAINER_TERMINATED &&
                    c->exit_code != 0 && !pod_restarts(c, object))
                        return "Failed";
                if (c->kind != CONTAINER_MAIN)
                        continue;
                begun = begun || c->id;
                all_over = all_over && !will_run(c, object);
                failed = failed || (c->state == CONTAINER_TERMINATED && c->exit_code != 0);
        }
        if (all_over)
                return failed ? "Failed" : "Succeeded";
        return begun ? "Running" : "Pending";
}

static void set_condition(json_t *status, const json_t *before, const char *type, bool holds)
{
        const char *value = holds ? "True" : "False";
        const json_t *old = jx_find(jx_get(before, "conditions"), "type", type);
        char now[TIMESTAMP_TEXT_SIZE];
        const char *since = now;

        timestamp_format(timestamp_now(), now);
        if (streq(jx_text(old, "status"), value))
                since = jx_text(old, "lastTransitionTime") ? jx_text(old, "lastTransitionTime")
                                                           : now;
        json_array_append_new(jx_array_at(status, "conditions"),
                              json_pack("{s:s, s:s, s:n, s:s}", "type", type, "status", value,
                                        "lastProbeTime", "lastTransitionTime", since));
}

static void add_container(json_t *status, const struct container *c, const json_t *object)
{
        static const char *const lists[] = {
                [CONTAINER_INIT] = "initContainerStatuses",
                [CONTAINER_SIDECAR] = "initContainerStatuses",
                [CONTAINER_MAIN] = "containerStatuses",
                [CONTAINER_EPHEMERAL] = "ephemeralContainerStatuses",
        };

        json_array_append_new(jx_array_at(status, lists[c->kind]), container_status(c, object));
}

static bool is_ready(const struct container *c)
{
        switch (c->kind) {
        case CONTAINER_MAIN:
        case CONTAINER_SIDECAR:
                return c->state == CONTAINER_RUNNING;
        default:
                return true;
        }
}

static json_t *make_status(const struct pod *pod, const json_t *object)
{
        const json_t *before = jx_get(object, "status");
        char started[TIMESTAMP_TEXT_SIZE];
        bool initialized = true, ready = true;
        json_t *s =
                json_pack("{s:s, s:s}", "phase", pod_phase(pod, object), "qosClass", "BestEffort");

        for (size_t i = 0; i < pod->n_containers; i++) {
                const struct container *c = pod->containers[i];

                add_container(s, c, object);
                ready = ready && is_ready(c);
                if (c->kind == CONTAINER_INIT)
                        initialized = initialized && c->state == CONTAINER_TERMINATED &&
                                      c->exit_code == 0;
                if (c->kind == CONTAINER_SIDECAR)
                        initialized = initialized && c->state == CONTAINER_RUNNING;
        }
        set_condition(s, before, "Initialized", initialized);
        set_condition(s, before, "Ready", ready && initialized);
        set_condition(s, before, "ContainersReady", ready && initialized);
        set_condition(s, before, "PodScheduled", true);
        timestamp_format(pod->started, started);
        jx_put_text(s, "startTime", started);
        jx_put_text(s, "hostIP", "127.0.0.1");
        jx_put_text(s, "podIP", pod->ip);
        jx_put_take(s, "podIPs", json_pack("[{s:s}]", "ip", pod->ip));
        return s;
}

/* A convenience for tests: where each container's main process and root are. */
static void annotate(const struct pod *pod, json_t *object)
{
        json_t *annotations = jx_object_at(object, "metadata.annotations");

        for (size_t i = 0; i < pod->n_containers; i++) {
                const struct container *c = pod->containers[i];
                _cleanup_(freep) char *key = xasprintf("standin.test/pid-%s", c->name);
                _cleanup_(freep) char *root_key = xasprintf("standin.test/root-%s", c->name);
                _cleanup_(freep) char *pid =
                        c->process ? xasprintf("%d", (int)process_pid(c->process)) : NULL;

                if (c->process && c->state == CONTAINER_RUNNING) {
                        json_object_set_new(annotations, key, json_string(pid));
                        json_object_set_new(annotations, root_key, json_string(c->root));
                } else {
                        json_object_del(annotations, key);
                        json_object_del(annotations, root_key);
                }
        }
}

void pod_publish(const struct pod *pod, json_t *object)
{
        struct store *s = pod->kubelet->store;
        json_auto_t *next = json_deep_copy(object);

        annotate(pod, next);
        jx_put_take(next, "status", make_status(pod, object));
        if (!json_equal(next, object))
                store_put_take(s, store_kind(s, "Pod"), json_incref(next));
}
