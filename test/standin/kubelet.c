/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/kubelet.h"

/*
 * One pass looks at every pod of the store: the first time it is bound to the node and gets an
 * address; then the containers that are due are started in the order of the pod's rules, and the
 * status is published. A pod that is being deleted gets TERM, then KILL; its object goes away when
 * nothing of it runs. A pod whose object has gone is killed at once.
 */

#include <errno.h>
#include <signal.h>

#include "base/mem.h"
#include "base/timestamp.h"
#include "test/standin/container.h"
#include "test/standin/jx.h"
#include "test/standin/podstatus.h"
#include "test/standin/tree.h"

static void wake(struct kubelet *k)
{
        k->wake(k->wake_user);
}

static void on_timer(uv_timer_t *timer)
{
        wake(timer->data);
}

int kubelet_start(struct kubelet *k, struct err *err)
{
        _cleanup_(freep) char *containers = xasprintf("%s/containers", k->state_dir);
        _cleanup_(freep) char *pods = xasprintf("%s/pods", k->state_dir);
        int r = tree_make_dirs(containers, err);

        if (r == 0)
                r = tree_make_dirs(pods, err);
        if (r == 0)
                r = processes_init(&k->processes, k->loop, err);
        if (r < 0)
                return r;
        uv_timer_init(k->loop, &k->timer);
        k->timer.data = k;
        k->next_ip = 1;
        return 0;
}

static void add_container(struct pod *pod, const char *name, enum container_kind kind)
{
        pod->containers =
                xreallocarray(pod->containers, pod->n_containers + 1, sizeof(*pod->containers));
        pod->containers[pod->n_containers++] = container_new(pod, name, kind);
}

static struct container *find_container(const struct pod *pod, const char *name)
{
        for (size_t i = 0; i < pod->n_containers; i++)
                if (streq(pod->containers[i]->name, name))
                        return pod->containers[i];
        return NULL;
}

/* Containers of the spec that are not known yet: all at first, ephemeral ones later. */
static void add_containers(struct pod *pod, const json_t *object)
{
        static const struct {
                const char *list;
                enum container_kind kind;
        } lists[] = {
                {"spec.initContainers", CONTAINER_INIT},
                {"spec.containers", CONTAINER_MAIN},
                {"spec.ephemeralContainers", CONTAINER_EPHEMERAL},
        };
        size_t i;
        json_t *c;

        for (size_t l = 0; l < ARRAY_SIZE(lists); l++)
                json_array_foreach(jx_get(object, lists[l].list), i, c) {
                        bool sidecar = lists[l].kind == CONTAINER_INIT &&
                                       streq(jx_text(c, "restartPolicy"), "Always");

                        if (!find_container(pod, jx_text(c, "name")))
                                add_container(pod, jx_text(c, "name"),
                                              sidecar ? CONTAINER_SIDECAR : lists[l].kind);
                }
}

static struct pod *pod_new(struct kubelet *k, const json_t *object)
{
        struct pod *pod = xcalloc(1, sizeof(*pod));
        unsigned n = k->next_ip++;

        pod->kubelet = k;
        pod->uid = xstrdup(jx_text(object, "metadata.uid"));
        pod->ns = xstrdup(jx_text(object, "metadata.namespace"));
        pod->name = xstrdup(jx_text(object, "metadata.name"));
        pod->ip = xasprintf("127.1.%u.%u", n / 250 % 250, n % 250 + 1);
        pod->dir = xasprintf("%s/pods/%s", k->state_dir, pod->uid);
        pod->started = timestamp_now();
        pod->next = k->pods;
        k->pods = pod;
        return pod;
}

static void pod_free(struct pod *pod)
{
        for (size_t i = 0; i < pod->n_containers; i++)
                container_free(pod->containers[i]);
        tree_remove(pod->dir);
        free(pod->containers);
        free(pod->uid);
        free(pod->ns);
        free(pod->name);
        free(pod->ip);
        free(pod->dir);
        free(pod);
}

static bool is_over(const struct pod *pod)
{
        for (size_t i = 0; i < pod->n_containers; i++)
                if (!container_is_over(pod->containers[i]))
                        return false;
        return true;
}

static void stop_all(struct pod *pod, bool kill)
{
        for (size_t i = 0; i < pod->n_containers; i++)
                container_stop(pod->containers[i], kill);
}

/* Asks for the next pass at @due, loop time in ms. */
static void note_due(struct kubelet *k, uint64_t due)
{
        uint64_t now = uv_now(k->loop);
        uint64_t in = due > now ? due - now : 0;

        if (!uv_is_active((uv_handle_t *)&k->timer) || uv_timer_get_due_in(&k->timer) > in)
                uv_timer_start(&k->timer, on_timer, in, 0);
}

/* True when the container is up to the pod's order: the next one may start. */
static bool lets_next_start(const struct container *c)
{
        if (c->kind == CONTAINER_INIT)
                return c->state == CONTAINER_TERMINATED && c->exit_code == 0;
        return c->kind != CONTAINER_SIDECAR || c->state == CONTAINER_RUNNING;
}

static void container_step(struct container *c, const json_t *object)
{
        struct kubelet *k = c->pod->kubelet;

        if (c->state == CONTAINER_TERMINATED && pod_restarts(c, object))
                container_restart_later(c);
        if (c->state != CONTAINER_WAITING)
                return;
        if (uv_now(k->loop) >= c->not_before)
                container_start(c, object);
        if (c->state == CONTAINER_WAITING)
                note_due(k, c->not_before);
}

static void run_pod(struct pod *pod, json_t *object)
{
        bool earlier_done = true;

        add_containers(pod, object);
        if (!streq(pod_phase(pod, object), "Failed") && !streq(pod_phase(pod, object), "Succeeded"))
                for (size_t i = 0; i < pod->n_containers && earlier_done; i++) {
                        container_step(pod->containers[i], object);
                        earlier_done = lets_next_start(pod->containers[i]);
                }
        else
                /* Sidecars end with the pod. */
                stop_all(pod, false);
        pod_publish(pod, object);
}

static void end_pod(struct pod *pod, json_t *object)
{
        struct kubelet *k = pod->kubelet;
        uint64_t now = uv_now(k->loop);
        uint64_t grace = (uint64_t)jx_int(object, "metadata.deletionGracePeriodSeconds", 0) * 1000;

        if (is_over(pod)) {
                if (jx_empty(object, "metadata.finalizers"))
                        store_delete(k->store, store_kind(k->store, "Pod"), pod->ns, pod->name);
                else
                        pod_publish(pod, object);
                return;
        }
        if (k->max_grace_ms < grace)
                grace = k->max_grace_ms;
        if (pod->kill_at == 0 || now + grace < pod->kill_at)
                pod->kill_at = now + grace + 1;
        stop_all(pod, now >= pod->kill_at);
        if (now < pod->kill_at)
                note_due(k, pod->kill_at);
        pod_publish(pod, object);
}

static struct pod *find_pod(const struct kubelet *k, const char *uid)
{
        for (struct pod *p = k->pods; p; p = p->next)
                if (streq(p->uid, uid))
                        return p;
        return NULL;
}

static void bind_to_node(struct kubelet *k, json_t *object)
{
        json_t *next = json_deep_copy(object);

        jx_put_text(next, "spec.nodeName", "standin");
        store_put_take(k->store, store_kind(k->store, "Pod"), next);
}

static void sync_object(struct kubelet *k, json_t *object)
{
        struct pod *pod = find_pod(k, jx_text(object, "metadata.uid"));
        bool leaving = jx_text(object, "metadata.deletionTimestamp");

        if (jx_empty(object, "spec.nodeName")) {
                bind_to_node(k, object);
                wake(k);
                return;
        }
        if (!pod)
                pod = pod_new(k, object);
        if (leaving)
                end_pod(pod, object);
        else
                run_pod(pod, object);
}

/* Pods whose objects are no more. */
static void sweep(struct kubelet *k)
{
        struct resource *r = store_kind(k->store, "Pod");

        for (struct pod **at = &k->pods; *at;) {
                struct pod *pod = *at;
                const json_t *object = store_get(r, pod->ns, pod->name);

                if (streq(jx_text(object, "metadata.uid"), pod->uid)) {
                        at = &pod->next;
                        continue;
                }
                stop_all(pod, true);
                if (!is_over(pod)) {
                        at = &pod->next;
                        continue;
                }
                *at = pod->next;
                pod_free(pod);
        }
}

void kubelet_sync(struct kubelet *k)
{
        struct resource *r = store_kind(k->store, "Pod");
        struct object *o, *next;

        /* A pass may delete the object at hand, never another one. */
        HASH_ITER(hh, r->objects, o, next) {
                json_auto_t *object = json_incref(o->json);

                sync_object(k, object);
        }
        sweep(k);
}

void kubelet_terminate(struct kubelet *k)
{
        for (struct pod *p = k->pods; p; p = p->next)
                stop_all(p, false);
}

bool kubelet_is_idle(const struct kubelet *k)
{
        for (const struct pod *p = k->pods; p; p = p->next)
                if (!is_over(p))
                        return false;
        return true;
}

void kubelet_done(struct kubelet *k)
{
        _cleanup_(freep) char *containers = xasprintf("%s/containers", k->state_dir);
        _cleanup_(freep) char *pods = xasprintf("%s/pods", k->state_dir);

        for (struct pod *pod = k->pods; pod; pod = pod->next)
                for (size_t i = 0; i < pod->n_containers; i++)
                        if (pod->containers[i]->process)
                                process_release(take_ptr(pod->containers[i]->process));
        processes_done(&k->processes);
        while (k->pods) {
                struct pod *pod = k->pods;

                k->pods = pod->next;
                pod_free(pod);
        }
        uv_close((uv_handle_t *)&k->timer, NULL);
        tree_remove(containers);
        tree_remove(pods);
}

struct container *kubelet_container(const struct kubelet *k, const char *pod_uid, const char *name)
{
        const struct pod *pod = find_pod(k, pod_uid);

        return pod ? find_container(pod, name) : NULL;
}
