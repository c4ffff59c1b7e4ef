/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/controllers.h"

/*
 * Level-triggered without any queue: a pass looks at all objects, which is cheap for the hundreds
 * that a test has. Objects are visited over a snapshot, since a step stores new ones.
 */

#include "base/str.h"
#include "test/standin/crd.h"
#include "test/standin/jx.h"
#include "test/standin/workloads.h"
#include "test/standin/write.h"

static void on_pass(uv_timer_t *timer);

void controllers_wake(void *user)
{
        struct controllers *c = user;

        if (!uv_is_closing((uv_handle_t *)&c->pass) && !uv_is_active((uv_handle_t *)&c->pass))
                uv_timer_start(&c->pass, on_pass, 0, 0);
}

static void on_write(void *user, const struct event *e)
{
        controllers_wake(user);
}

static json_t *snapshot(struct resource *r)
{
        json_t *list = json_array();
        struct object *o, *next;

        store_sort(r);
        HASH_ITER(hh, r->objects, o, next)
                json_array_append(list, o->json);
        return list;
}

static void for_each(struct store *s, const char *kind, void (*step)(struct store *s, json_t *o))
{
        json_auto_t *list = snapshot(store_kind(s, kind));
        size_t i;
        json_t *o;

        json_array_foreach(list, i, o)
                step(s, o);
}

static json_t *all_uids(const struct store *s)
{
        json_t *uids = json_object();
        struct object *o, *next;

        for (struct resource *r = s->resources; r; r = r->next)
                HASH_ITER(hh, r->objects, o, next)
                        json_object_set_new(uids, jx_text(o->json, "metadata.uid"), json_true());
        return uids;
}

/* True when all owners of @o are gone. */
static bool is_orphaned(const json_t *o, const json_t *uids)
{
        const json_t *refs = jx_get(o, "metadata.ownerReferences"), *ref;
        size_t i;

        json_array_foreach(refs, i, ref)
                if (json_object_get(uids, jx_text(ref, "uid")))
                        return false;
        return json_array_size(refs) > 0;
}

static void collect_garbage(struct store *s)
{
        json_auto_t *uids = all_uids(s);
        size_t i;
        json_t *o;

        for (struct resource *r = s->resources; r; r = r->next) {
                json_auto_t *list = snapshot(r);

                json_array_foreach(list, i, o)
                        if (is_orphaned(o, uids) && !jx_text(o, "metadata.deletionTimestamp"))
                                write_remove(s, r, o, -1);
        }
}

/* Removes what is in a namespace that is being deleted, and it when it is empty. */
static void namespace_step(struct store *s, json_t *ns)
{
        const char *name = jx_text(ns, "metadata.name");
        bool empty = true;
        size_t i;
        json_t *o;

        if (!jx_text(ns, "metadata.deletionTimestamp")) {
                if (!store_get(store_kind(s, "ServiceAccount"), name, "default"))
                        write_new_take(s, store_kind(s, "ServiceAccount"),
                                       json_pack("{s:{s:s, s:s}}", "metadata", "name", "default",
                                                 "namespace", name));
                return;
        }
        for (struct resource *r = s->resources; r; r = r->next) {
                json_auto_t *list = snapshot(r);

                json_array_foreach(list, i, o) {
                        if (!streq(jx_text(o, "metadata.namespace"), name))
                                continue;
                        write_remove(s, r, o, -1);
                        empty = empty && !store_get(r, name, jx_text(o, "metadata.name"));
                }
        }
        if (empty)
                store_delete(s, store_kind(s, "Namespace"), NULL, name);
}

static void definition_step(struct store *s, json_t *crd)
{
        if (jx_text(crd, "metadata.deletionTimestamp"))
                crd_remove(s, crd);
}

static void on_pass(uv_timer_t *timer)
{
        struct controllers *c = timer->data;

        if (!c->stopped) {
                for_each(c->store, "CustomResourceDefinition", definition_step);
                for_each(c->store, "Namespace", namespace_step);
                collect_garbage(c->store);
                for_each(c->store, "Deployment", deployment_step);
                for_each(c->store, "ReplicaSet", replicaset_step);
                for_each(c->store, "StatefulSet", statefulset_step);
                for_each(c->store, "DaemonSet", daemonset_step);
                kubelet_sync(c->kubelet);
        }
}

void controllers_start(struct controllers *c, uv_loop_t *loop)
{
        uv_timer_init(loop, &c->pass);
        c->pass.data = c;
        c->listener = (struct store_listener){.notify = on_write, .user = c};
        store_listen(c->store, &c->listener);
        uv_timer_start(&c->pass, on_pass, 0, 0);
}

void controllers_stop(struct controllers *c)
{
        c->stopped = true;
}

void controllers_done(struct controllers *c)
{
        store_unlisten(&c->listener);
        uv_close((uv_handle_t *)&c->pass, NULL);
}
