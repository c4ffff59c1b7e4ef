/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "base/mem.h"
#include "base/str.h"
#include "liveupdate/image.h"
#include "liveupdate/targets.h"

/* A cluster written as text tables; zero rows end a list. */
struct pod_row {
        const char *name, *owner_uid, *revision_hash;
        uint64_t created;
        const char *containers; /* "api=nginx:1 proxy=envoy/envoy": see container_written() */
        bool deleting, finished;
};

struct generation_row {
        const char *uid, *owner_uid;
        uint64_t revision, created;
};

/* name=image, with '*' behind it for an init container, '+' a sidecar, '.' not running, '!' ended.
 */
static struct lu_container container_written(const char *word, size_t len)
{
        static const char marks[] = "*+.!";
        struct lu_container c = {.state = LU_CONTAINER_RUNNING};
        size_t equals = strcspn(word, "=");

        for (; len > 0 && strchr(marks, word[len - 1]); len--) {
                if (word[len - 1] == '*')
                        c.role = LU_CONTAINER_INIT;
                else if (word[len - 1] == '+')
                        c.role = LU_CONTAINER_SIDECAR;
                else
                        c.state = word[len - 1] == '.' ? LU_CONTAINER_WAITING
                                                       : LU_CONTAINER_TERMINATED;
        }
        c.name = xstrndup(word, equals);
        c.image = xstrndup(word + equals + 1, len - equals - 1);
        return c;
}

static void pod_written(struct lu_cluster *cluster, const struct pod_row *row)
{
        struct lu_pod *pod;

        cluster->pods = xreallocarray(cluster->pods, cluster->n_pods + 1, sizeof(*cluster->pods));
        pod = &cluster->pods[cluster->n_pods++];
        *pod = (struct lu_pod){
                .name = xstrdup(row->name),
                .uid = xasprintf("uid-%s", row->name),
                .owner_uid = xstrdup(row->owner_uid),
                .revision_hash = xstrdup(row->revision_hash),
                .created = row->created,
                .deleting = row->deleting,
                .finished = row->finished,
        };
        for (const char *word = row->containers; word && *word;) {
                size_t len = strcspn(word, " ");

                pod->containers = xreallocarray(pod->containers, pod->n_containers + 1,
                                                sizeof(*pod->containers));
                pod->containers[pod->n_containers++] = container_written(word, len);
                word += len;
                word += *word == ' ';
        }
}

static void cluster_written(const struct pod_row *pods, const struct generation_row *generations,
                            struct lu_cluster *cluster)
{
        cluster->synced = true;
        for (; pods && pods->name; pods++)
                pod_written(cluster, pods);
        for (; generations && generations->uid; generations++) {
                cluster->generations =
                        xreallocarray(cluster->generations, cluster->n_generations + 1,
                                      sizeof(*cluster->generations));
                cluster->generations[cluster->n_generations++] = (struct lu_generation){
                        .uid = xstrdup(generations->uid),
                        .owner_uid = xstrdup(generations->owner_uid),
                        .revision = generations->revision,
                        .created = generations->created,
                };
        }
}

struct targets_row {
        const char *name;
        struct lu_rules rules;     /* borrowed strings */
        struct lu_cluster cluster; /* borrowed strings; pods and generations as below */
        struct pod_row pods[8];
        struct generation_row generations[4];
        const char *expected; /* "pod/container@baseline …", or the near miss */
};

static void check_row(const struct targets_row *row)
{
        struct lu_cluster cluster = {
                .workload_found = row->cluster.workload_found,
                .workload_uid = xstrdup(row->cluster.workload_uid),
                .update_revision = xstrdup(row->cluster.update_revision),
                .label_text = xstrdup(row->cluster.label_text),
        };
        struct lu_targets targets = {};
        _cleanup_(str_done) struct str shown = {};

        cluster_written(row->pods, row->generations, &cluster);
        lu_targets_find(&row->rules, &cluster, &targets);
        for (size_t i = 0; i < targets.n_items; i++)
                str_appendf(&shown, "%s%s/%s@%d", i ? " " : "", targets.items[i].pod->name,
                            targets.items[i].container->name, (int)targets.items[i].baseline_time);
        if (targets.near_miss)
                str_append(&shown, targets.near_miss);
        if (!streq(str_text(&shown), row->expected))
                fail_msg("%s:\n     got %s\nexpected %s", row->name, str_text(&shown),
                         row->expected);
        assert_int_equal(targets.near_miss == NULL, targets.n_items > 0);
        lu_targets_done(&targets);
        lu_cluster_done(&cluster);
}

#define DEPLOYMENT   .workload_kind = (char *)"Deployment", .workload_name = (char *)"web"
#define STATEFUL_SET .workload_kind = (char *)"StatefulSet", .workload_name = (char *)"db"
#define BY_LABELS    .labels = (char *)"app=web"
#define FOUND        .workload_found = true, .workload_uid = (char *)"W"
#define MATCHING     .label_text = (char *)"app=web"

static void pods_are_those_of_the_newest_generation(void **state)
{
        static const struct targets_row rows[] = {
                {
                        "the ReplicaSet with the highest revision, others' aside",
                        .rules = {DEPLOYMENT},
                        .cluster = {FOUND, MATCHING},
                        .pods = {{"p3", "R2", NULL, 30, "web=w"},
                                 {"p1", "R1", NULL, 10, "web=w"},
                                 {"p2", "R2", NULL, 25, "web=w"},
                                 {"p4", "R9", NULL, 40, "web=w"},
                                 {"p5", NULL, NULL, 40, "web=w"}},
                        .generations = {{"R1", "W", 1, 5}, {"R2", "W", 2, 20}, {"R9", "X", 9, 35}},
                        .expected = "p2/web@20 p3/web@20",
                },
                {
                        "a rollback makes an old ReplicaSet the newest",
                        .rules = {DEPLOYMENT},
                        .cluster = {FOUND, MATCHING},
                        .pods = {{"p1", "R1", NULL, 50, "web=w"}, {"p2", "R2", NULL, 25, "web=w"}},
                        .generations = {{"R1", "W", 3, 5}, {"R2", "W", 2, 20}},
                        .expected = "p1/web@5",
                },
                {
                        "the update revision of a StatefulSet, as old as its oldest pod",
                        .rules = {STATEFUL_SET},
                        .cluster = {FOUND, MATCHING, .update_revision = (char *)"db-2"},
                        .pods = {{"db-2", "W", "db-2", 30, "db=d"},
                                 {"db-1", "W", "db-2", 20, "db=d"},
                                 {"db-0", "W", "db-1", 10, "db=d"},
                                 {"other", "Y", "db-2", 5, "db=d"}},
                        .expected = "db-1/db@20 db-2/db@20",
                },
                {
                        "an oldest pod that is going still tells the age",
                        .rules = {STATEFUL_SET},
                        .cluster = {FOUND, MATCHING, .update_revision = (char *)"db-2"},
                        .pods = {{"db-1", "W", "db-2", 30, "db=d"},
                                 {"db-0", "W", "db-2", 20, "db=d", .deleting = true}},
                        .expected = "db-1/db@20",
                },
                {
                        "by labels all of them, of any age",
                        .rules = {BY_LABELS},
                        .cluster = {MATCHING},
                        .pods = {{"b", "R1", NULL, 40, "web=w"},
                                 {"a", "R2", NULL, 30, "web=w"},
                                 {"c", "R1", NULL, 20, "web=w"},
                                 {"d", NULL, NULL, 50, "web=w"},
                                 {"e", NULL, NULL, 60, "web=w"}},
                        .expected = "a/web@30 b/web@20 c/web@20 d/web@50 e/web@60",
                },
                {
                        "by labels, with the ReplicaSet known",
                        .rules = {BY_LABELS},
                        .cluster = {MATCHING},
                        .pods = {{"a", "R1", NULL, 40, "web=w"}},
                        .generations = {{"R1", "W", 1, 7}},
                        .expected = "a/web@7",
                },
                {
                        "not those being deleted or finished",
                        .rules = {BY_LABELS},
                        .cluster = {MATCHING},
                        .pods = {{"a", NULL, NULL, 1, "web=w", .deleting = true},
                                 {"b", NULL, NULL, 2, "web=w", .finished = true},
                                 {"c", NULL, NULL, 3, "web=w"}},
                        .expected = "c/web@3",
                },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                check_row(&rows[i]);
}

static void containers_are_chosen_by_name_or_image(void **state)
{
        static const struct targets_row rows[] = {
                {
                        "by name",
                        .rules = {BY_LABELS, .container = (char *)"api",
                                  .last_image = (char *)"proxy"},
                        .cluster = {MATCHING},
                        .pods = {{"p", NULL, NULL, 1, "api=x proxy=proxy"}},
                        .expected = "p/api@1",
                },
                {
                        "by name a sidecar and a running init container too",
                        .rules = {BY_LABELS, .container = (char *)"s"},
                        .cluster = {MATCHING},
                        .pods = {{"p", NULL, NULL, 1, "s=x+ a=a"},
                                 {"q", NULL, NULL, 2, "s=x* a=a"},
                                 {"r", NULL, NULL, 3, "s=x*! a=a"}},
                        .expected = "p/s@1 q/s@2",
                },
                {
                        "by image, whatever its tag, in several containers",
                        .rules = {BY_LABELS, .last_image = (char *)"nginx"},
                        .cluster = {MATCHING},
                        .pods = {{"p", NULL, NULL, 1,
                                  "z=docker.io/library/nginx@sha256:ab m=nginx* a=nginx:1.27 "
                                  "x=my/nginx s=nginx:2+"}},
                        .expected = "p/a@1 p/s@1 p/z@1",
                },
                {
                        "the only one, beside sidecars and init containers",
                        .rules = {BY_LABELS},
                        .cluster = {MATCHING},
                        .pods = {{"p", NULL, NULL, 1, "i=i* s=s+ a=a"}},
                        .expected = "p/a@1",
                },
                {
                        "one that waits or has ended is a target too",
                        .rules = {BY_LABELS},
                        .cluster = {MATCHING},
                        .pods = {{"p", NULL, NULL, 1, "a=a."}, {"q", NULL, NULL, 2, "a=a!"}},
                        .expected = "p/a@1 q/a@2",
                },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                check_row(&rows[i]);
}

static void a_near_miss_names_what_was_there(void **state)
{
        static const struct targets_row rows[] = {
                {
                        "no workload",
                        .rules = {DEPLOYMENT},
                        .cluster = {MATCHING},
                        .pods = {{"p", "R1", NULL, 1, "a=a"}},
                        .generations = {{"R1", NULL, 1, 1}},
                        .expected = "Deployment web does not exist",
                },
                {
                        "no generation",
                        .rules = {DEPLOYMENT},
                        .cluster = {FOUND, MATCHING},
                        .expected = "Deployment web has no ReplicaSet yet",
                },
                {
                        "no update revision",
                        .rules = {STATEFUL_SET},
                        .cluster = {FOUND},
                        .pods = {{"p", "W", NULL, 1, "a=a"}},
                        .expected = "StatefulSet db has no update revision yet",
                },
                {
                        "no pods by labels",
                        .rules = {BY_LABELS},
                        .expected = "no pods match app=web",
                },
                {
                        "no pods of a workload",
                        .rules = {DEPLOYMENT},
                        .cluster = {FOUND},
                        .generations = {{"R1", "W", 1, 1}},
                        .expected = "Deployment web has 0 pods",
                },
                {
                        "older pods only",
                        .rules = {DEPLOYMENT},
                        .cluster = {FOUND, MATCHING},
                        .pods = {{"p", "R1", NULL, 1, "a=a"}, {"q", "R1", NULL, 1, "a=a"}},
                        .generations = {{"R1", "W", 1, 1}, {"R2", "W", 2, 1}},
                        .expected = "2 pods match app=web: 2 not of the newest generation",
                },
                {
                        "all on their way out",
                        .rules = {BY_LABELS},
                        .pods = {{"p", NULL, NULL, 1, "a=a", .deleting = true},
                                 {"q", NULL, NULL, 1, "a=a", .finished = true, .deleting = true},
                                 {"r", NULL, NULL, 1, "a=a", .deleting = true}},
                        .expected = "3 pods match app=web: 2 being deleted, 1 finished",
                },
                {
                        "other containers",
                        .rules = {BY_LABELS, .container = (char *)"web"},
                        .pods = {{"p", NULL, NULL, 1, "proxy=x api=y"},
                                 {"q", NULL, NULL, 1, "api=y"}},
                        .expected = "no container is named web: 2 pods match app=web; their "
                                    "containers are api, proxy",
                },
                {
                        "an init container that is over",
                        .rules = {BY_LABELS, .container = (char *)"setup"},
                        .pods = {{"p", NULL, NULL, 1, "setup=x*! api=y"}},
                        .expected = "init container setup has ended: 1 pod matches app=web; its "
                                    "containers are api, setup",
                },
                {
                        "other images",
                        .rules = {DEPLOYMENT, .last_image = (char *)"registry.local/web"},
                        .cluster = {FOUND},
                        .pods = {{"p", "R", NULL, 1, "a=registry.local/web-old:1 b=nginx"}},
                        .generations = {{"R", "W", 1, 1}},
                        .expected = "no container has image registry.local/web: Deployment web has "
                                    "1 pod; its images are nginx, registry.local/web-old:1",
                },
                {
                        "a choice to be made",
                        .rules = {BY_LABELS},
                        .pods = {{"p", NULL, NULL, 1, "b=x a=y i=z*"}},
                        .expected =
                                "1 pod matches app=web; its containers are a, b, i: name one in "
                                "spec.selector.container",
                },
                {
                        "a long list is cut",
                        .rules = {BY_LABELS, .container = (char *)"web"},
                        .pods = {{"p", NULL, NULL, 1, "a= b= c= d= e= f= g= h= i= j= k= l="}},
                        .expected = "no container is named web: 1 pod matches app=web; its "
                                    "containers are a, b, c, d, e, f, g, h, i, j and 2 more",
                },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                check_row(&rows[i]);
}

static void image_references_are_normalised(void **state)
{
        static const struct {
                const char *reference, *repository;
        } rows[] = {
                {"nginx", "docker.io/library/nginx"},
                {"nginx:1.27", "docker.io/library/nginx"},
                {"nginx:1.27@sha256:0123", "docker.io/library/nginx"},
                {"nginx@sha256:0123", "docker.io/library/nginx"},
                {"me/app", "docker.io/me/app"},
                {"me/app:1", "docker.io/me/app"},
                {"library/nginx", "docker.io/library/nginx"},
                {"docker.io/nginx", "docker.io/library/nginx"},
                {"index.docker.io/nginx:2", "docker.io/library/nginx"},
                {"docker.io/me/app:2", "docker.io/me/app"},
                {"localhost/app", "localhost/app"},
                {"localhost:5000/app", "localhost:5000/app"},
                {"localhost:5000/app:dev", "localhost:5000/app"},
                {"localhost:5000", "docker.io/library/localhost"},
                {"registry.local/a/b/c:v1", "registry.local/a/b/c"},
                {"registry.local:443/a@sha256:01", "registry.local:443/a"},
                {"gcr.io/p/app:1@sha256:01", "gcr.io/p/app"},
                {"[::1]:5000/app:x", "[::1]:5000/app"},
                {"", "docker.io/library/"},
                {"@", "docker.io/library/"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(freep) char *repository = lu_image_repository(rows[i].reference);

                assert_string_equal(repository, rows[i].repository);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(pods_are_those_of_the_newest_generation),
                cmocka_unit_test(containers_are_chosen_by_name_or_image),
                cmocka_unit_test(a_near_miss_names_what_was_there),
                cmocka_unit_test(image_references_are_normalised),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
