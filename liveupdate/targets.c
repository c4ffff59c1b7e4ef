/* SPDX-License-Identifier: Apache-2.0 */
#include "liveupdate/targets.h"

/*
 * A sieve in two steps, pods and then containers, that counts what it lets go. When nothing is left
 * the counts become the sentence that a person needs: which container was looked for, and what was
 * there instead.
 *
 * The baseline of a pod is the age of what it was made from, not its own: a replica that is added a
 * week later runs the same old image, and so does a rollout that only changes a variable. For a
 * Deployment the creation of the first ReplicaSet with that image tells it; for others the oldest
 * pod of the same revision is the best witness.
 */

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "liveupdate/image.h"

#define NAMES_SHOWN 10

struct search {
        const struct lu_rules *rules;
        const struct lu_cluster *cluster;
        const struct lu_generation *newest; /* of a Deployment; NULL: none, or no Deployment */
        char *repository;                   /* looked for, normalised; NULL: by name, or the only */
        size_t n_older, n_deleting, n_finished; /* pods let go */
        size_t n_pods;                          /* pods kept */
        struct strv containers, images;         /* what is in those */
};

static void search_done(struct search *s)
{
        free(s->repository);
        strv_done(&s->containers);
        strv_done(&s->images);
}

static bool is_deployment(const struct lu_rules *rules)
{
        return streq(rules->workload_kind, "Deployment");
}

static const struct lu_generation *newest_generation(const struct lu_cluster *cluster)
{
        const struct lu_generation *newest = NULL;

        for (size_t i = 0; i < cluster->n_generations; i++) {
                const struct lu_generation *g = &cluster->generations[i];

                if (!streq(g->owner_uid, cluster->workload_uid))
                        continue;
                if (!newest || g->revision > newest->revision)
                        newest = g;
        }
        return newest;
}

static bool is_newest(const struct search *s, const struct lu_pod *pod)
{
        const struct lu_cluster *cluster = s->cluster;

        if (!s->rules->workload_kind)
                return true;
        if (!cluster->workload_found || !pod->owner_uid)
                return false;
        if (is_deployment(s->rules))
                return s->newest && streq(pod->owner_uid, s->newest->uid);
        return streq(pod->owner_uid, cluster->workload_uid) && cluster->update_revision &&
               streq(pod->revision_hash, cluster->update_revision);
}

/* Is anything in this pod a target? Counts it either way. */
static bool keep_pod(struct search *s, const struct lu_pod *pod)
{
        size_t *count = &s->n_pods;

        if (pod->finished)
                count = &s->n_finished;
        else if (pod->deleting)
                count = &s->n_deleting;
        else if (!is_newest(s, pod))
                count = &s->n_older;
        ++*count;
        return count == &s->n_pods;
}

static size_t n_regular(const struct lu_pod *pod)
{
        size_t n = 0;

        for (size_t i = 0; i < pod->n_containers; i++)
                n += pod->containers[i].role == LU_CONTAINER_REGULAR;
        return n;
}

static bool keep_container(const struct search *s, const struct lu_pod *pod,
                           const struct lu_container *container)
{
        _cleanup_(freep) char *repository = NULL;
        bool is_init = container->role == LU_CONTAINER_INIT;

        if (s->rules->container)
                return streq(container->name, s->rules->container) &&
                       !(is_init && container->state == LU_CONTAINER_TERMINATED);
        if (!s->repository)
                return container->role == LU_CONTAINER_REGULAR && n_regular(pod) == 1;
        if (is_init || !container->image)
                return false;
        repository = lu_image_repository(container->image);
        return streq(repository, s->repository);
}

static bool template_has_image(const struct lu_generation *g, const struct lu_container *container)
{
        for (size_t i = 0; i < g->n_containers; i++)
                if (streq(g->containers[i].name, container->name))
                        return streq(g->containers[i].image, container->image);
        return false;
}

static const struct lu_generation *generation_of(const struct lu_cluster *cluster,
                                                 const struct lu_pod *pod)
{
        for (size_t i = 0; i < cluster->n_generations; i++)
                if (streq(cluster->generations[i].uid, pod->owner_uid))
                        return &cluster->generations[i];
        return NULL;
}

const char *lu_pod_generation(const struct lu_pod *pod)
{
        if (pod->revision_hash)
                return pod->revision_hash;
        return pod->owner_uid ? pod->owner_uid : pod->uid;
}

static uint64_t baseline(const struct lu_cluster *cluster, const struct lu_pod *pod,
                         const struct lu_container *container)
{
        const struct lu_generation *own = pod->owner_uid ? generation_of(cluster, pod) : NULL;
        uint64_t earliest = own ? own->created : pod->created;

        for (size_t i = 0; own && i < cluster->n_generations; i++) {
                const struct lu_generation *g = &cluster->generations[i];

                if (g->created < earliest && streq(g->owner_uid, own->owner_uid) &&
                    template_has_image(g, container))
                        earliest = g->created;
        }
        for (size_t i = 0; !own && pod->owner_uid && i < cluster->n_pods; i++) {
                const struct lu_pod *other = &cluster->pods[i];

                if (other->created < earliest && streq(other->owner_uid, pod->owner_uid) &&
                    streq(other->revision_hash, pod->revision_hash))
                        earliest = other->created;
        }
        return earliest;
}

static void note(struct strv *seen, const char *name)
{
        if (name && !strv_contains(seen, name))
                strv_push(seen, name);
}

static void add_pod(struct search *s, const struct lu_pod *pod, struct lu_targets *targets)
{
        for (size_t i = 0; i < pod->n_containers; i++) {
                const struct lu_container *container = &pod->containers[i];

                note(&s->containers, container->name);
                if (container->role != LU_CONTAINER_INIT)
                        note(&s->images, container->image);
                if (!keep_container(s, pod, container))
                        continue;
                targets->items = xreallocarray(targets->items, targets->n_items + 1,
                                               sizeof(*targets->items));
                targets->items[targets->n_items++] = (struct lu_target){
                        .pod = pod,
                        .container = container,
                        .baseline_time = baseline(s->cluster, pod, container),
                };
        }
}

static int compare_targets(const void *a, const void *b)
{
        const struct lu_target *x = a, *y = b;
        int r = strcmp(x->pod->name, y->pod->name);

        return r ? r : strcmp(x->container->name, y->container->name);
}

static int compare_names(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* " api, proxy", in alphabetical order, at most NAMES_SHOWN of them. */
static void append_names(struct str *out, struct strv *names)
{
        if (names->n_items > 0)
                qsort(names->items, names->n_items, sizeof(char *), compare_names);
        for (size_t i = 0; i < names->n_items && i < NAMES_SHOWN; i++)
                str_appendf(out, "%s%s", i ? ", " : " ", names->items[i]);
        if (names->n_items > NAMES_SHOWN)
                str_appendf(out, " and %zu more", names->n_items - NAMES_SHOWN);
}

/* "2 pods match app=web", or "Deployment web has 2 pods" where the labels are not known. */
static void append_pods(struct str *out, const struct search *s, size_t n)
{
        const char *labels = s->cluster->label_text ? s->cluster->label_text : s->rules->labels;

        if (!labels)
                str_appendf(out, "%s %s has %zu pod%s", s->rules->workload_kind,
                            s->rules->workload_name, n, n == 1 ? "" : "s");
        else if (n == 0)
                str_appendf(out, "no pods match %s", labels);
        else
                str_appendf(out, "%zu %s %s", n, n == 1 ? "pod matches" : "pods match", labels);
}

/* ": 1 of an older generation, 2 being deleted" */
static void append_let_go(struct str *out, const struct search *s)
{
        const struct {
                size_t n;
                const char *text;
        } rows[] = {
                {s->n_older, "not of the newest generation"},
                {s->n_deleting, "being deleted"},
                {s->n_finished, "finished"},
        };
        const char *separator = ": ";

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                if (rows[i].n == 0)
                        continue;
                str_appendf(out, "%s%zu %s", separator, rows[i].n, rows[i].text);
                separator = ", ";
        }
}

/* The workload itself has nothing yet that could have pods. True when it said so. */
static bool workload_misses(struct str *out, const struct search *s)
{
        const struct lu_rules *rules = s->rules;
        const char *missing;

        if (!rules->workload_kind)
                return false;
        if (!s->cluster->workload_found)
                missing = "does not exist";
        else if (is_deployment(rules) && !s->newest)
                missing = "has no ReplicaSet yet";
        else if (!is_deployment(rules) && !s->cluster->update_revision)
                missing = "has no update revision yet";
        else
                return false;
        str_appendf(out, "%s %s %s", rules->workload_kind, rules->workload_name, missing);
        return true;
}

static void container_misses(struct str *out, struct search *s)
{
        const char *name = s->rules->container;
        bool by_image = !name && s->repository;

        if (name && strv_contains(&s->containers, name))
                str_appendf(out, "init container %s has ended: ", name);
        else if (name)
                str_appendf(out, "no container is named %s: ", name);
        else if (by_image)
                str_appendf(out, "no container has image %s: ", s->rules->last_image);
        append_pods(out, s, s->n_pods);
        str_appendf(out, "; %s %s are", s->n_pods == 1 ? "its" : "their",
                    by_image ? "images" : "containers");
        append_names(out, by_image ? &s->images : &s->containers);
        if (!name && !by_image)
                str_append(out, ": name one in spec.selector.container");
}

static char *near_miss(struct search *s)
{
        struct str out = {};

        if (workload_misses(&out, s))
                return str_take(&out);
        if (s->n_pods > 0) {
                container_misses(&out, s);
                return str_take(&out);
        }
        append_pods(&out, s, s->cluster->n_pods);
        append_let_go(&out, s);
        return str_take(&out);
}

void lu_targets_find(const struct lu_rules *rules, const struct lu_cluster *cluster,
                     struct lu_targets *ret_targets)
{
        _cleanup_(search_done) struct search s = {.rules = rules, .cluster = cluster};
        struct lu_targets targets = {};

        if (is_deployment(rules))
                s.newest = newest_generation(cluster);
        if (!rules->container && rules->last_image)
                s.repository = lu_image_repository(rules->last_image);
        for (size_t i = 0; i < cluster->n_pods; i++)
                if (keep_pod(&s, &cluster->pods[i]))
                        add_pod(&s, &cluster->pods[i], &targets);
        if (targets.n_items > 0)
                qsort(targets.items, targets.n_items, sizeof(*targets.items), compare_targets);
        else
                targets.near_miss = near_miss(&s);
        *ret_targets = targets;
}

void lu_targets_done(struct lu_targets *targets)
{
        free(targets->items);
        free(targets->near_miss);
        *targets = (struct lu_targets){};
}

static void containers_free(struct lu_container *containers, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                free(containers[i].name);
                free(containers[i].image);
                free(containers[i].id);
                free(containers[i].waiting_reason);
        }
        free(containers);
}

static void pod_done(struct lu_pod *pod)
{
        free(pod->namespace_);
        free(pod->name);
        free(pod->uid);
        free(pod->owner_uid);
        free(pod->revision_hash);
        containers_free(pod->containers, pod->n_containers);
}

void lu_cluster_done(struct lu_cluster *cluster)
{
        for (size_t i = 0; i < cluster->n_pods; i++)
                pod_done(&cluster->pods[i]);
        free(cluster->pods);
        for (size_t i = 0; i < cluster->n_generations; i++) {
                free(cluster->generations[i].uid);
                free(cluster->generations[i].owner_uid);
                containers_free(cluster->generations[i].containers,
                                cluster->generations[i].n_containers);
        }
        free(cluster->generations);
        free(cluster->problem);
        free(cluster->workload_uid);
        free(cluster->update_revision);
        free(cluster->label_text);
        *cluster = (struct lu_cluster){};
}
