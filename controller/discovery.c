/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/discovery.h"

/*
 * With labels there is one watch: the pods they match. With a workload there is first a watch of
 * that one object; its spec.selector says which pods to watch and, for a Deployment, which
 * ReplicaSets, so neither needs a request of its own per change. A selector that changes (the
 * object was made anew) restarts the two.
 */

#include "base/mem.h"
#include "base/str.h"
#include "controller/facts.h"
#include "kube/watch.h"

struct discovery {
        struct kube_client *client;
        char *namespace_;
        char *kind, *name; /* of the workload, or NULL */
        char *labels;      /* of the pods; NULL until known */
        struct kube_watch *workload, *generations, *pods;
        char *start_problem; /* a watch that could not even be started */
        void (*on_change)(void *userdata);
        void *userdata;
};

static void start_pods(struct discovery *d);

/* The workload's object, or NULL while it is not known to exist. */
static json_t *workload_object(const struct discovery *d)
{
        return d->workload ? kube_watch_get(d->workload, d->namespace_, d->name) : NULL;
}

static void follow_selector(struct discovery *d)
{
        json_t *object = workload_object(d);
        _cleanup_(freep) char *labels = NULL;

        if (!object)
                return;
        labels = facts_label_selector(json_object_get(json_object_get(object, "spec"), "selector"));
        if (!labels || streq(labels, d->labels))
                return;
        kube_watch_free(d->pods);
        kube_watch_free(d->generations);
        d->pods = d->generations = NULL;
        free(d->labels);
        d->labels = take_ptr(labels);
        start_pods(d);
}

static void on_event(void *userdata, struct kube_watch *w, enum kube_watch_event event,
                     json_t *object)
{
        struct discovery *d = userdata;

        if (w == d->workload && event == KUBE_WATCH_APPLIED)
                follow_selector(d);
        d->on_change(d->userdata);
}

static struct kube_watch *start_watch(struct discovery *d, const char *path, const char *labels,
                                      const char *fields)
{
        const struct kube_watch_params params = {
                .path = path,
                .label_selector = labels,
                .field_selector = fields,
        };
        struct kube_watch *watch = NULL;
        int r = kube_watch_start(d->client, &params, on_event, d, &watch);

        if (r < 0) {
                free(d->start_problem);
                d->start_problem = xasprintf("cannot watch %s: error %d", path, -r);
        }
        return watch;
}

static void start_pods(struct discovery *d)
{
        _cleanup_(freep) char *pods = xasprintf("/api/v1/namespaces/%s/pods", d->namespace_);
        _cleanup_(freep) char *sets =
                xasprintf("/apis/apps/v1/namespaces/%s/replicasets", d->namespace_);

        d->pods = start_watch(d, pods, d->labels, NULL);
        if (streq(d->kind, "Deployment"))
                d->generations = start_watch(d, sets, d->labels, NULL);
}

static void start_workload(struct discovery *d)
{
        const char *plural = streq(d->kind, "StatefulSet") ? "statefulsets"
                             : streq(d->kind, "DaemonSet") ? "daemonsets"
                                                           : "deployments";
        _cleanup_(freep) char *path =
                xasprintf("/apis/apps/v1/namespaces/%s/%s", d->namespace_, plural);
        _cleanup_(freep) char *fields = xasprintf("metadata.name=%s", d->name);

        d->workload = start_watch(d, path, NULL, fields);
}

struct discovery *discovery_new(const struct discovery_params *params)
{
        struct discovery *d = xcalloc(1, sizeof(*d));

        d->client = params->client;
        d->namespace_ = xstrdup(params->namespace_);
        d->kind = xstrdup(params->rules->workload_kind);
        d->name = xstrdup(params->rules->workload_name);
        d->labels = xstrdup(params->rules->labels);
        d->on_change = params->on_change;
        d->userdata = params->userdata;
        if (d->kind)
                start_workload(d);
        else
                start_pods(d);
        return d;
}

void discovery_free(struct discovery *d)
{
        if (!d)
                return;
        kube_watch_free(d->workload);
        kube_watch_free(d->generations);
        kube_watch_free(d->pods);
        free(d->namespace_);
        free(d->kind);
        free(d->name);
        free(d->labels);
        free(d->start_problem);
        free(d);
}

static bool add_pod(void *userdata, json_t *object)
{
        struct lu_cluster *c = userdata;

        c->pods = xreallocarray(c->pods, c->n_pods + 1, sizeof(*c->pods));
        if (facts_pod(object, &c->pods[c->n_pods]))
                c->n_pods++;
        return true;
}

static bool add_generation(void *userdata, json_t *object)
{
        struct lu_cluster *c = userdata;

        c->generations =
                xreallocarray(c->generations, c->n_generations + 1, sizeof(*c->generations));
        if (facts_generation(object, &c->generations[c->n_generations]))
                c->n_generations++;
        return true;
}

/* A DaemonSet does not say which revision is its newest: the newest pod's is. */
static const char *newest_hash(const struct lu_cluster *c)
{
        const struct lu_pod *newest = NULL;

        for (size_t i = 0; i < c->n_pods; i++)
                if (c->pods[i].revision_hash && !c->pods[i].deleting &&
                    (!newest || c->pods[i].created > newest->created))
                        newest = &c->pods[i];
        return newest ? newest->revision_hash : NULL;
}

static void fill_workload(const struct discovery *d, struct lu_cluster *c)
{
        json_t *object = workload_object(d);

        c->workload_found = object != NULL;
        c->workload_uid = xstrdup(facts_string(object, "metadata", "uid", NULL));
        if (streq(d->kind, "StatefulSet"))
                c->update_revision =
                        xstrdup(facts_string(object, "status", "updateRevision", NULL));
        else if (streq(d->kind, "DaemonSet"))
                c->update_revision = xstrdup(newest_hash(c));
}

static bool synced(const struct discovery *d)
{
        if (d->workload && !kube_watch_synced(d->workload))
                return false;
        if (d->workload && !workload_object(d))
                return true; /* there is no such workload: that is known for sure */
        return d->pods && kube_watch_synced(d->pods) &&
               (!d->generations || kube_watch_synced(d->generations));
}

static const char *problem(const struct discovery *d)
{
        struct kube_watch *const watches[] = {d->workload, d->generations, d->pods};

        for (size_t i = 0; i < ARRAY_SIZE(watches); i++)
                if (watches[i] && kube_watch_problem(watches[i]))
                        return kube_watch_problem(watches[i]);
        return d->start_problem;
}

void discovery_facts(const struct discovery *d, struct lu_cluster *ret_cluster)
{
        struct lu_cluster *c = ret_cluster;

        *c = (struct lu_cluster){
                .synced = synced(d),
                .problem = xstrdup(problem(d)),
                .label_text = xstrdup(d->labels),
        };
        if (d->pods)
                kube_watch_each(d->pods, add_pod, c);
        if (d->generations)
                kube_watch_each(d->generations, add_generation, c);
        if (d->kind)
                fill_workload(d, c);
}
