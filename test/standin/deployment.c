/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/workloads.h"

/*
 * A Deployment has a ReplicaSet per template. The newest is scaled up in one go; when its pods are
 * available the others go to 0. Strategy Recreate does it the other way round. Going back to an
 * earlier template uses its ReplicaSet again, with a new revision number.
 */

#include <inttypes.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/timestamp.h"
#include "test/standin/jx.h"
#include "test/standin/write.h"

#define REVISION "deployment.kubernetes.io/revision"

static uint64_t revision_of(const json_t *object)
{
        const char *text = json_string_value(
                json_object_get(jx_get(object, "metadata.annotations"), REVISION));
        uint64_t n = 0;

        if (text)
                parse_u64(text, UINT64_MAX, &n);
        return n;
}

static void set_revision(json_t *object, uint64_t n)
{
        _cleanup_(freep) char *text = xasprintf("%" PRIu64, n);

        json_object_set_new(jx_object_at(object, "metadata.annotations"), REVISION,
                            json_string(text));
}

static void store_replicas(struct store *s, json_t *rs, int64_t replicas)
{
        json_t *next;

        if (jx_int(rs, "spec.replicas", -1) == replicas)
                return;
        next = json_deep_copy(rs);
        jx_put_int(next, "spec.replicas", replicas);
        jx_put_int(next, "metadata.generation", jx_int(rs, "metadata.generation", 0) + 1);
        store_put_take(s, store_kind(s, "ReplicaSet"), next);
}

static json_t *new_replicaset(struct store *s, const json_t *d, const char *hash)
{
        _cleanup_(freep) char *name = xasprintf("%s-%s", jx_text(d, "metadata.name"), hash);
        json_t *rs = json_object();

        jx_put_text(rs, "metadata.name", name);
        jx_put(rs, "metadata.namespace", jx_get(d, "metadata.namespace"));
        jx_put(rs, "metadata.labels", jx_get(d, "spec.template.metadata.labels"));
        json_object_set_new(jx_object_at(rs, "metadata.labels"), "pod-template-hash",
                            json_string(hash));
        jx_put_take(rs, "metadata.ownerReferences",
                    json_pack("[{s:s, s:s, s:s, s:s, s:b, s:b}]", "apiVersion", "apps/v1", "kind",
                              "Deployment", "name", jx_text(d, "metadata.name"), "uid",
                              jx_text(d, "metadata.uid"), "controller", 1, "blockOwnerDeletion",
                              1));
        jx_put_int(rs, "spec.replicas", 0);
        jx_put(rs, "spec.selector", jx_get(d, "spec.selector"));
        json_object_set_new(jx_object_at(rs, "spec.selector.matchLabels"), "pod-template-hash",
                            json_string(hash));
        jx_put(rs, "spec.template", jx_get(d, "spec.template"));
        json_object_set_new(jx_object_at(rs, "spec.template.metadata.labels"), "pod-template-hash",
                            json_string(hash));
        return write_new_take(s, store_kind(s, "ReplicaSet"), rs);
}

/* The ReplicaSet of the present template, with the highest revision; made when missing. */
static json_t *newest(struct store *s, json_t *d, const json_t *sets)
{
        struct resource *r = store_kind(s, "ReplicaSet");
        _cleanup_(freep) char *hash = template_hash(jx_get(d, "spec.template"));
        _cleanup_(freep) char *name = xasprintf("%s-%s", jx_text(d, "metadata.name"), hash);
        json_t *rs = store_get(r, jx_text(d, "metadata.namespace"), name), *other, *next;
        uint64_t highest = 0;
        size_t i;

        if (!rs)
                rs = new_replicaset(s, d, hash);
        json_array_foreach(sets, i, other)
                if (!streq(jx_text(other, "metadata.name"), name) && revision_of(other) > highest)
                        highest = revision_of(other);
        if (revision_of(rs) > highest)
                return rs;
        next = json_deep_copy(rs);
        set_revision(next, highest + 1);
        return store_put_take(s, r, next);
}

struct totals {
        json_int_t all, ready, updated, updated_ready;
};

static struct totals count(const json_t *sets, const json_t *newest_set)
{
        struct totals t = {};
        size_t i;
        json_t *rs;

        json_array_foreach(sets, i, rs) {
                json_int_t n = jx_int(rs, "status.replicas", 0);
                json_int_t ready = jx_int(rs, "status.readyReplicas", 0);
                bool new =
                        streq(jx_text(rs, "metadata.name"), jx_text(newest_set, "metadata.name"));

                t.all += n;
                t.ready += ready;
                t.updated += new ? n : 0;
                t.updated_ready += new ? ready : 0;
        }
        return t;
}

static void scale_others_down(struct store *s, const json_t *sets, const json_t *newest_set)
{
        size_t i;
        json_t *rs;

        json_array_foreach(sets, i, rs)
                if (!streq(jx_text(rs, "metadata.name"), jx_text(newest_set, "metadata.name")))
                        store_replicas(s, rs, 0);
}

/* Past the deadline without progress? Progress is a change of the condition's time. */
static bool is_late(const json_t *d)
{
        const json_t *c = jx_find(jx_get(d, "status.conditions"), "type", "Progressing");
        uint64_t since, deadline = (uint64_t)jx_int(d, "spec.progressDeadlineSeconds", 600);

        if (streq(jx_text(c, "reason"), "ProgressDeadlineExceeded"))
                return jx_int(d, "metadata.generation", 0) ==
                       jx_int(d, "status.observedGeneration", 0);
        if (!c || !streq(jx_text(c, "reason"), "ReplicaSetUpdated") ||
            timestamp_parse(jx_text(c, "lastUpdateTime"), &since) < 0)
                return false;
        return timestamp_now() > since + deadline * NSEC_PER_SEC;
}

static void publish(struct store *s, json_t *d, const struct totals *t)
{
        int64_t wanted = jx_int(d, "spec.replicas", 1);
        bool complete = t->updated == wanted && t->all == wanted && t->updated_ready == wanted;
        bool late = !complete && is_late(d), available = t->ready >= wanted - wanted / 4;
        json_t *status = json_pack("{s:I}", "observedGeneration",
                                   (json_int_t)jx_int(d, "metadata.generation", 1));

        if (t->all > 0)
                jx_put_int(status, "replicas", t->all);
        if (t->updated > 0)
                jx_put_int(status, "updatedReplicas", t->updated);
        if (t->ready > 0) {
                jx_put_int(status, "readyReplicas", t->ready);
                jx_put_int(status, "availableReplicas", t->ready);
        }
        if (t->ready < wanted)
                jx_put_int(status, "unavailableReplicas", wanted - t->ready);
        jx_put_take(status, "conditions",
                    json_pack("[o, o]",
                              condition_new(d, "Available", available,
                                            available ? "MinimumReplicasAvailable"
                                                      : "MinimumReplicasUnavailable"),
                              condition_new(d, "Progressing", !late,
                                            complete ? "NewReplicaSetAvailable"
                                            : late   ? "ProgressDeadlineExceeded"
                                                     : "ReplicaSetUpdated")));
        publish_status(s, store_kind(s, "Deployment"), d, status);
}

void deployment_step(struct store *s, json_t *d)
{
        struct resource *r = store_kind(s, "Deployment"), *rs_r = store_kind(s, "ReplicaSet");
        json_auto_t *before = owned_by(rs_r, d), *newest_set = NULL, *sets = NULL, *now = NULL;
        int64_t wanted = jx_int(d, "spec.replicas", 1);
        bool recreate;
        struct totals t;

        if (jx_text(d, "metadata.deletionTimestamp") || jx_true(d, "spec.paused"))
                return;
        newest_set = json_incref(newest(s, d, before));
        sets = owned_by(rs_r, d);
        t = count(sets, newest_set);
        recreate = streq(jx_text(d, "spec.strategy.type"), "Recreate");
        if (!recreate || t.all == t.updated)
                store_replicas(s, newest_set, wanted);
        if (recreate || t.updated_ready >= wanted)
                scale_others_down(s, sets, newest_set);
        now = json_incref(d);
        if (revision_of(d) != revision_of(newest_set)) {
                json_t *next = json_deep_copy(d);

                set_revision(next, revision_of(newest_set));
                json_decref(now);
                now = json_incref(store_put_take(s, r, next));
        }
        publish(s, now, &t);
}
