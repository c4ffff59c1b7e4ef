/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/workloads.h"

/*
 * ReplicaSets, StatefulSets and DaemonSets, and what they share with Deployments. A pod that is
 * being deleted counts for nobody; one that has ended for good is replaced.
 */

#include <openssl/sha.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/timestamp.h"
#include "test/standin/jx.h"
#include "test/standin/pki.h"
#include "test/standin/write.h"

json_t *owned_by(const struct resource *r, const json_t *owner)
{
        const char *uid = jx_text(owner, "metadata.uid");
        json_t *list = json_array();
        struct object *o, *next;

        HASH_ITER(hh, ((struct resource *)r)->objects, o, next) {
                const json_t *ref =
                        jx_find(jx_get(o->json, "metadata.ownerReferences"), "uid", uid);

                if (jx_true(ref, "controller"))
                        json_array_append(list, o->json);
        }
        return list;
}

char *template_hash(const json_t *value)
{
        static const char letters[] = "bcdfghjklmnpqrstvwxz2456789";
        _cleanup_(freep) char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
        unsigned char digest[SHA256_DIGEST_LENGTH];
        char *hash = xcalloc(1, 11);

        SHA256((const unsigned char *)text, strlen(text), digest);
        for (size_t i = 0; i < 10; i++)
                hash[i] = letters[digest[i] % (sizeof(letters) - 1)];
        return hash;
}

json_t *pod_of_template(const struct resource *r, const json_t *owner, const char *name)
{
        _cleanup_(freep) char *api_version = resource_api_version(r);
        _cleanup_(freep) char *tail = random_hex(3);
        const char *owner_name = jx_text(owner, "metadata.name");
        _cleanup_(freep) char *own_name =
                name ? xstrdup(name) : xasprintf("%s-%.5s", owner_name, tail);
        json_t *pod = json_deep_copy(jx_get(owner, "spec.template"));

        jx_put_text(pod, "metadata.name", own_name);
        jx_put_text(pod, "metadata.namespace", jx_text(owner, "metadata.namespace"));
        if (!name) {
                _cleanup_(freep) char *prefix = xasprintf("%s-", owner_name);

                jx_put_text(pod, "metadata.generateName", prefix);
        }
        jx_put_take(pod, "metadata.ownerReferences",
                    json_pack("[{s:s, s:s, s:s, s:s, s:b, s:b}]", "apiVersion", api_version, "kind",
                              r->kind, "name", owner_name, "uid", jx_text(owner, "metadata.uid"),
                              "controller", 1, "blockOwnerDeletion", 1));
        return pod;
}

bool pod_is_ready(const json_t *pod)
{
        const json_t *ready = jx_find(jx_get(pod, "status.conditions"), "type", "Ready");

        return streq(jx_text(ready, "status"), "True") &&
               !jx_text(pod, "metadata.deletionTimestamp");
}

static bool pod_counts(const json_t *pod)
{
        const char *phase = jx_text(pod, "status.phase");

        return !jx_text(pod, "metadata.deletionTimestamp") && !streq(phase, "Failed") &&
               !streq(phase, "Succeeded");
}

void publish_status(struct store *s, struct resource *r, json_t *object, json_t *status_take)
{
        if (json_equal(jx_get(object, "status"), status_take)) {
                json_decref(status_take);
                return;
        }
        json_t *next = json_deep_copy(object);
        jx_put_take(next, "status", status_take);
        store_put_take(s, r, next);
}

json_t *condition_new(const json_t *object, const char *type, bool holds, const char *reason)
{
        const json_t *old = jx_find(jx_get(object, "status.conditions"), "type", type);
        const char *value = holds ? "True" : "False", *since, *updated;
        char now[TIMESTAMP_TEXT_SIZE];

        timestamp_format(timestamp_now(), now);
        since = streq(jx_text(old, "status"), value) ? jx_text(old, "lastTransitionTime") : now;
        since = since ? since : now;
        updated = streq(jx_text(old, "reason"), reason) ? jx_text(old, "lastUpdateTime") : now;
        return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "type", type, "status", value,
                         "lastUpdateTime", updated ? updated : now, "lastTransitionTime", since,
                         "reason", reason, "message", reason);
}

/* Ready pods count twice: whoever has fewer points is removed first. */
static size_t worst_of(const json_t *pods)
{
        size_t i, worst = 0;
        json_t *pod;

        json_array_foreach(pods, i, pod)
                if (!pod_is_ready(pod) && pod_is_ready(json_array_get(pods, worst)))
                        worst = i;
        return worst;
}

static json_t *counting(const json_t *pods)
{
        json_t *list = json_array(), *pod;
        size_t i;

        json_array_foreach(pods, i, pod)
                if (pod_counts(pod))
                        json_array_append(list, pod);
        return list;
}

static size_t n_ready(const json_t *pods)
{
        size_t i, n = 0;
        json_t *pod;

        json_array_foreach(pods, i, pod)
                n += pod_is_ready(pod);
        return n;
}

void replicaset_step(struct store *s, json_t *rs)
{
        struct resource *r = store_kind(s, "ReplicaSet"), *pod_r = store_kind(s, "Pod");
        json_auto_t *owned = owned_by(pod_r, rs), *pods = counting(owned);
        size_t wanted = (size_t)jx_int(rs, "spec.replicas", 1), have = json_array_size(pods);
        json_int_t ready = (json_int_t)n_ready(pods);

        if (jx_text(rs, "metadata.deletionTimestamp"))
                return;
        for (; have < wanted; have++)
                write_new_take(s, pod_r, pod_of_template(r, rs, NULL));
        for (; have > wanted; have--) {
                size_t i = worst_of(pods);

                write_remove(s, pod_r, json_array_get(pods, i), -1);
                json_array_remove(pods, i);
        }
        publish_status(s, r, rs,
                       json_pack("{s:I, s:I, s:I, s:I, s:I}", "replicas", (json_int_t)have,
                                 "fullyLabeledReplicas", (json_int_t)have, "readyReplicas", ready,
                                 "availableReplicas", ready, "observedGeneration",
                                 (json_int_t)jx_int(rs, "metadata.generation", 1)));
}

/* A pod with the label of the template's revision. */
static void new_revision_pod(struct store *s, const struct resource *r, const json_t *owner,
                             const char *name)
{
        _cleanup_(freep) char *hash = template_hash(jx_get(owner, "spec.template"));
        _cleanup_(freep) char *revision = xasprintf("%s-%s", jx_text(owner, "metadata.name"), hash);
        json_t *pod = pod_of_template(r, owner, name);
        json_t *labels = jx_object_at(pod, "metadata.labels");

        if (streq(r->kind, "StatefulSet")) {
                json_object_set_new(labels, "controller-revision-hash", json_string(revision));
                json_object_set_new(labels, "statefulset.kubernetes.io/pod-name",
                                    json_string(name));
                jx_put_text(pod, "spec.hostname", name);
        } else {
                json_object_set_new(labels, "controller-revision-hash", json_string(hash));
        }
        write_new_take(s, store_kind(s, "Pod"), pod);
}

static const char *revision_of(const json_t *pod)
{
        return json_string_value(
                json_object_get(jx_get(pod, "metadata.labels"), "controller-revision-hash"));
}

/* Makes or replaces the pod of one ordinal. True when it is of the newest revision and ready. */
static bool ordinal_step(struct store *s, const json_t *set, size_t ordinal, const char *revision)
{
        struct resource *pod_r = store_kind(s, "Pod");
        const char *ns = jx_text(set, "metadata.namespace");
        _cleanup_(freep) char *name = xasprintf("%s-%zu", jx_text(set, "metadata.name"), ordinal);
        json_t *pod = store_get(pod_r, ns, name);

        if (!pod) {
                new_revision_pod(s, store_kind(s, "StatefulSet"), set, name);
                return false;
        }
        if (jx_text(pod, "metadata.deletionTimestamp"))
                return false;
        if (!pod_counts(pod) || !streq(revision_of(pod), revision)) {
                write_remove(s, pod_r, pod, -1);
                return false;
        }
        return pod_is_ready(pod);
}

/* One pod is missing, or not ready: the order is kept by stopping there. */
static bool has_gap(struct store *s, const json_t *set, size_t wanted, size_t *ret_gap)
{
        for (size_t i = 0; i < wanted; i++) {
                _cleanup_(freep) char *name = xasprintf("%s-%zu", jx_text(set, "metadata.name"), i);
                const json_t *pod =
                        store_get(store_kind(s, "Pod"), jx_text(set, "metadata.namespace"), name);

                if (!pod || !pod_is_ready(pod)) {
                        *ret_gap = i;
                        return true;
                }
        }
        return false;
}

static void statefulset_publish(struct store *s, json_t *set, const char *revision)
{
        struct resource *r = store_kind(s, "StatefulSet");
        json_auto_t *pods = owned_by(store_kind(s, "Pod"), set);
        const char *current = jx_text(set, "status.currentRevision");
        json_int_t updated = 0, n = (json_int_t)json_array_size(pods);
        json_int_t ready = (json_int_t)n_ready(pods);
        size_t i;
        json_t *pod;

        json_array_foreach(pods, i, pod)
                updated += streq(revision_of(pod), revision);
        if (!current || updated == n)
                current = revision;
        publish_status(
                s, r, set,
                json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:i}", "observedGeneration",
                          (json_int_t)jx_int(set, "metadata.generation", 1), "replicas", n,
                          "readyReplicas", ready, "availableReplicas", ready, "updatedReplicas",
                          updated, "currentReplicas", updated, "currentRevision", current,
                          "updateRevision", revision, "collisionCount", 0));
}

void statefulset_step(struct store *s, json_t *set)
{
        size_t wanted = (size_t)jx_int(set, "spec.replicas", 1), gap;
        _cleanup_(freep) char *hash = template_hash(jx_get(set, "spec.template"));
        _cleanup_(freep) char *revision = xasprintf("%s-%s", jx_text(set, "metadata.name"), hash);
        json_auto_t *pods = owned_by(store_kind(s, "Pod"), set);
        size_t i;
        json_t *pod;

        if (jx_text(set, "metadata.deletionTimestamp"))
                return;
        json_array_foreach(pods, i, pod) {
                const char *dash = strrchr(jx_text(pod, "metadata.name"), '-');
                uint64_t ordinal;

                if (dash && parse_u64(dash + 1, UINT32_MAX, &ordinal) == 0 && ordinal >= wanted &&
                    !jx_text(pod, "metadata.deletionTimestamp"))
                        write_remove(s, store_kind(s, "Pod"), pod, -1);
        }
        /* Filled from the lowest ordinal up, updated from the highest down. */
        if (has_gap(s, set, wanted, &gap))
                ordinal_step(s, set, gap, revision);
        else
                for (i = wanted; i-- > 0 && ordinal_step(s, set, i, revision);)
                        ;
        statefulset_publish(s, set, revision);
}

void daemonset_step(struct store *s, json_t *set)
{
        struct resource *r = store_kind(s, "DaemonSet"), *pod_r = store_kind(s, "Pod");
        _cleanup_(freep) char *hash = template_hash(jx_get(set, "spec.template"));
        json_auto_t *owned = owned_by(pod_r, set), *pods = counting(owned);
        json_t *pod = json_array_get(pods, 0);
        bool current = streq(revision_of(pod), hash);
        json_int_t ready = pod && pod_is_ready(pod);

        if (jx_text(set, "metadata.deletionTimestamp"))
                return;
        if (pod && !current)
                write_remove(s, pod_r, pod, -1);
        else if (!pod && json_array_size(owned) == 0) {
                _cleanup_(freep) char *tail = random_hex(3);
                _cleanup_(freep) char *name =
                        xasprintf("%s-%.5s", jx_text(set, "metadata.name"), tail);

                new_revision_pod(s, r, set, name);
        }
        publish_status(s, r, set,
                       json_pack("{s:I, s:i, s:I, s:I, s:I, s:I, s:i}", "observedGeneration",
                                 (json_int_t)jx_int(set, "metadata.generation", 1),
                                 "desiredNumberScheduled", 1, "currentNumberScheduled",
                                 (json_int_t)(pod != NULL), "numberReady", ready, "numberAvailable",
                                 ready, "updatedNumberScheduled", (json_int_t)(pod && current),
                                 "numberMisscheduled", 0));
}
