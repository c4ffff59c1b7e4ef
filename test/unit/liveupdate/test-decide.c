/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

/*
 * The decision table: every branch of the law as a row of (spec, workspace, pods, memories, now)
 * and the plan in text. A small notation keeps a world on a few lines:
 *
 *   workspace  "=path:T" as the first scan found it, changed at time T ("#path:T" a directory);
 *              then, each a revision:
 *              "+path:T" written, "-path:T" removed, "/path:T" a directory, "@path:T" a symlink
 *   pods       "name:STATE:T[:ID]" with STATE r(unning) w(aiting) t(erminated) d(eleting), created
 *              at T; the container is "app"; ID tells one instance from the next
 *   memories   "name:rev=N", ":updating=N", ":owed=RUN", ":failed=N:permanent" or
 *              ":failed=N:retry=MS"
 */

#include "base/mem.h"
#include "base/str.h"
#include "liveupdate/manifest.h"
#include "liveupdate/plan.h"
#include "liveupdate/resolve.h"

#define SELECTOR "\"selector\":{\"labels\":\"app=web\"}"
#define SYNC     "{\"sync\":{\"localPath\":\"src\",\"containerPath\":\"/app\"}}"
#define PLAIN    "{" SELECTOR ",\"steps\":[" SYNC "]}"
#define LAYERS                                                                                    \
        "{" SELECTOR ",\"steps\":[{\"sync\":{\"localPath\":\"one\",\"containerPath\":\"/app\"}}," \
        "{\"sync\":{\"localPath\":\"two\",\"containerPath\":\"/app\"}}]}"
#define RUNS                                                                  \
        "{" SELECTOR ",\"steps\":[" SYNC ",{\"run\":{\"command\":\"make\"}}," \
        "{\"run\":{\"command\":\"npm\",\"triggers\":[\"src/lock\"]}}]}"
#define IMAGE                                                 \
        "\"images\":[{\"image\":\"web\",\"context\":\".\"}]," \
        "\"selector\":{\"labels\":\"app=web\",\"container\":\"app\"}"
#define BUILT "{" IMAGE ",\"steps\":[{\"fallBackOn\":{\"files\":[\"src/go.mod\"]}}," SYNC "]}"
#define WARN  "{" IMAGE ",\"onUnmatched\":\"Warn\",\"steps\":[" SYNC "]}"

struct row {
        const char *name, *spec, *workspace, *pods, *memories, *plan;
        uint64_t settle_until;
        const char *vanished, *unwatched;
        uint64_t seen; /* the revision at which the pods' generation was first seen, plus one */
        bool unsynced, rescanning;
};

#define NOW_MS 1000

static const struct row rows[] = {
        {"a file that changed after the pod was made is sent", PLAIN, "=src/a:5 +src/a:20",
         "p:r:10", "", "p/app START r1 +/app/a\nready Updating\n"},
        {"a file that changed before the pod was made is in its image", PLAIN, "=src/a:5", "p:r:10",
         "", "p/app NOTHING Synced\nready Synced\n"},
        {"a container that has the newest revision lacks nothing", PLAIN, "=src/a:5 +src/a:20",
         "p:r:10", "p:rev=1", "p/app NOTHING Synced\nready Synced\n"},
        {"only what is newer than its revision is sent", PLAIN, "+src/a:20 +src/b:21 +src/c:22",
         "p:r:10", "p:rev=2", "p/app START r3 +/app/c\nready Updating\n"},
        {"three writes of one file are one item", PLAIN, "+src/a:20 +src/a:21 +src/a:22", "p:r:10",
         "", "p/app START r3 +/app/a\nready Updating\n"},
        {"a deletion is sent as a removal", PLAIN, "=src/a:5 -src/a:20", "p:r:10", "p:rev=0",
         "p/app START r1 -/app/a\nready Updating\n"},
        {"a directory goes with all below it", PLAIN, "#src/d:5 =src/d/a:5 =src/d/b:5 -src/d:20",
         "p:r:10", "p:rev=0", "p/app START r3 -/app/d\nready Updating\n"},
        {"a file that becomes a directory is removed first", PLAIN,
         "=src/x:5 -src/x:20 /src/x:21 +src/x/a:22", "p:r:10", "p:rev=0",
         "p/app START r3 !/app/x/ +/app/x/a\nready Updating\n"},
        {"a new empty directory is made", PLAIN, "/src/d:20", "p:r:10", "",
         "p/app START r1 +/app/d/\nready Updating\n"},
        {"a symlink is sent as such", PLAIN, "@src/l:20", "p:r:10", "",
         "p/app START r1 +/app/l@\nready Updating\n"},
        {"three replicas are updated at once", PLAIN, "+src/a:20", "p:r:10 q:r:10 r:r:10", "",
         "p/app START r1 +/app/a\nq/app START r1 +/app/a\nr/app START r1 +/app/a\nready "
         "Updating\n"},
        {"each replica gets what it lacks", PLAIN, "+src/a:20 +src/b:21", "p:r:10 q:r:10",
         "p:rev=1 q:rev=2", "p/app START r2 +/app/b\nq/app NOTHING Synced\nready Updating\n"},
        {"a fourth replica gets all since the first was made", PLAIN, "+src/a:20 +src/b:21",
         "p:r:10 q:r:30", "p:rev=2",
         "p/app NOTHING Synced\nq/app START r2 +/app/a +/app/b\nready Updating\n"},
        {"a restarted container gets all since its baseline", PLAIN, "+src/a:20", "p:r:10:2",
         "p:rev=1", "p/app START r1 +/app/a\nready Updating\n"},
        {"though the cluster's clock is ahead of ours", PLAIN, "+src/a:2 +src/b:3", "p:r:10:2",
         "p:rev=2", "p/app START r2 +/app/b\nready Updating\n", .seen = 2},
        {"a pod that is being deleted is left alone", PLAIN, "+src/a:20", "p:d:10 q:r:10", "",
         "q/app START r1 +/app/a\nready Updating\n"},
        {"a container that does not run yet waits", PLAIN, "+src/a:20", "p:w:10", "",
         "p/app WAIT ContainerWaiting\nnot-ready ContainerWaiting\n"},
        {"a waiting replica does not hold up the others", PLAIN, "+src/a:20", "p:w:10 q:r:10", "",
         "p/app WAIT ContainerWaiting\nq/app START r1 +/app/a\nready Updating\n"},
        {"new edits leave an update under way alone", PLAIN, "+src/a:20 +src/b:21", "p:r:10",
         "p:rev=0:updating=1", "p/app KEEP Updating\nready Updating\n"},
        {"edits gather before they go", PLAIN, "+src/a:20", "p:r:10", "",
         "p/app WAIT Settling until 1005\nready Settling\n", .settle_until = 1005},
        {"a window that has passed is no window", PLAIN, "+src/a:20", "p:r:10", "",
         "p/app START r1 +/app/a\nready Updating\n", .settle_until = 1000},
        {"a run without triggers always runs", RUNS, "+src/a:20", "p:r:10", "",
         "p/app START r1 +/app/a run0\nready Updating\n"},
        {"a trigger fires its run", RUNS, "+src/lock:20", "p:r:10", "",
         "p/app START r1 +/app/lock run0 run1\nready Updating\n"},
        {"a deletion fires a trigger too", RUNS, "=src/lock:5 -src/lock:20", "p:r:10", "p:rev=0",
         "p/app START r1 -/app/lock run0 run1\nready Updating\n"},
        {"a failed run is owed and comes with the next update", RUNS, "+src/a:20 +src/b:21",
         "p:r:10", "p:rev=1:owed=1", "p/app START r2 +/app/b run0 run1\nready Updating\n"},
        {"a failed run alone starts nothing", RUNS, "+src/a:20", "p:r:10", "p:rev=1:owed=1",
         "p/app NOTHING Synced\nready Synced\n"},
        {"a fall-back file asks for a rebuild", BUILT, "+src/go.mod:20", "p:r:10", "",
         "p/app BUILD RebuildRequired\nnot-ready RebuildRequired rebuild FallBackOn src/go.mod\n"},
        {"a file that no sync covers asks for a rebuild", BUILT, "+README:20", "p:r:10", "",
         "p/app BUILD RebuildRequired\nnot-ready RebuildRequired rebuild NoMatchingSync README\n"},
        {"one file that asks for a rebuild holds the whole batch", BUILT, "+src/a:20 +README:21",
         "p:r:10", "",
         "p/app BUILD RebuildRequired\nnot-ready RebuildRequired rebuild NoMatchingSync README\n"},
        {"nothing more is applied until new containers appear", BUILT,
         "+src/a:20 +README:21 +src/b:22", "p:r:10", "p:rev=1",
         "p/app BUILD RebuildRequired\nnot-ready RebuildRequired rebuild NoMatchingSync README\n"},
        {"new containers go on in place", BUILT, "+README:21 +src/b:42", "p:r:30", "",
         "p/app START r2 +/app/b\nready Updating\n"},
        {"an empty directory that no sync covers asks for nothing", BUILT, "/docs:20", "p:r:10", "",
         "p/app NOTHING Synced\nready Synced\n"},
        {"a file that no sync covers only warns", WARN, "+src/a:20 +README:21", "p:r:10", "",
         "p/app START r2 +/app/a\nready Updating unmatched README\n"},
        {"git's own files are nobody's business", BUILT, "+.git/HEAD:20", "p:r:10", "",
         "p/app NOTHING Synced\nready Synced\n"},
        {"a failure that a retry can mend waits its time", PLAIN, "+src/a:20", "p:r:10",
         "p:rev=0:failed=1:retry=1200",
         "p/app WAIT ConnectionLost until 1200\nnot-ready ConnectionLost\n"},
        {"then it is tried again", PLAIN, "+src/a:20", "p:r:10", "p:rev=0:failed=1:retry=1000",
         "p/app START r1 +/app/a\nready Updating\n"},
        {"a failure that no retry mends is not repeated", PLAIN, "+src/a:20", "p:r:10",
         "p:rev=0:failed=1:permanent", "p/app FAIL ConnectionLost\nnot-ready ConnectionLost\n"},
        {"until something newer comes", PLAIN, "+src/a:20 +src/b:21", "p:r:10",
         "p:rev=0:failed=1:permanent", "p/app START r2 +/app/a +/app/b\nready Updating\n"},
        {"a change that does not concern it is nothing newer", PLAIN, "+src/a:20 +other:21",
         "p:r:10", "p:rev=0:failed=1:permanent",
         "p/app FAIL ConnectionLost\nnot-ready ConnectionLost\n"},
        {"one failing target does not hold up another", PLAIN, "+src/a:20", "p:r:10 q:r:10",
         "p:rev=0:failed=1:permanent",
         "p/app FAIL ConnectionLost\nq/app START r1 +/app/a\nnot-ready ConnectionLost\n"},
        {"a vanished workspace empties nothing", PLAIN, "=src/a:5 -src/a:20", "p:r:10", "p:rev=0",
         "p/app WAIT WorkspaceVanished\nnot-ready WorkspaceVanished\n", .vanished = "src"},
        {"what is not watched is never said to be equal", PLAIN, "", "p:r:10", "p:rev=0",
         "p/app NOTHING Synced\nnot-ready Failed\n", .unwatched = "too few watches"},
        {"while events were lost nothing is decided", PLAIN, "+src/a:20", "p:r:10", "",
         "p/app WAIT Rescanning\nnot-ready Rescanning\n", .rescanning = true},
        {"before the cluster is known nothing is decided", PLAIN, "+src/a:20", "p:r:10", "",
         "not-ready Connecting\n", .unsynced = true},
        {"nothing matched says so", PLAIN, "+src/a:20", "", "", "not-ready NoTargets\n"},
        {"a paused LiveUpdate watches and applies nothing",
         "{" SELECTOR ",\"paused\":true,\"steps\":[" SYNC "]}", "+src/a:20", "p:r:10", "",
         "p/app WAIT Paused\nnot-ready Paused\n"},
        {"a capability that is not built yet is said, not ignored",
         "{" SELECTOR ",\"steps\":[" SYNC ",{\"restartContainer\":{}}]}", "+src/a:20", "p:r:10", "",
         "not-ready NotSupported\n"},
        {"initialSync sends everything once",
         "{" SELECTOR ",\"steps\":[{\"initialSync\":{}}," SYNC "]}", "=src/a:5 =src/d/b:5",
         "p:r:10 q:r:10", "p:rev=0",
         "p/app NOTHING Synced\nq/app START r0 +/app/a +/app/d/b\nready Updating\n"},
        {"a removal never takes another sync's files along",
         "{" SELECTOR ",\"steps\":[" SYNC
         ",{\"sync\":{\"localPath\":\"lib\",\"containerPath\":\"/app/lib\"}}]}",
         "#src/lib:5 =src/lib/x:5 -src/lib:20", "p:r:10", "p:rev=0",
         "p/app START r2 -/app/lib/x\nready Updating\n"},
        {"a directory that two syncs fill goes only as far as it came from one", LAYERS,
         "#one/lib:5 =one/lib/a:5 =one/lib/both:5 #two/lib:5 =two/lib/b:5 =two/lib/both:5 "
         "-one/lib:20",
         "p:r:10", "p:rev=0",
         "p/app START r3 -/app/lib/a +/app/lib/ +/app/lib/both\nready Updating\n"},
        {"the last of them takes it along", LAYERS,
         "#one/lib:5 =one/lib/a:5 #two/lib:5 =two/lib/b:5 -one/lib:20 -two/lib:21", "p:r:10",
         "p:rev=0", "p/app START r4 -/app/lib\nready Updating\n"},
};

struct scene {
        struct lu_spec *spec;
        struct lu_rules *rules;
        struct lu_changes *changes;
        struct lu_cluster cluster;
        struct lu_memory *memories[8];
        size_t n_memories;
};

static void write_workspace(struct scene *s, const char *text)
{
        char sign, path[64];
        unsigned long long time;
        int n;

        while (sscanf(text, " %c%63[^:]:%llu%n", &sign, path, &time, &n) == 3) {
                struct lu_facts facts = {
                        .kind = sign == '/' || sign == '#' ? LU_KIND_DIRECTORY
                                : sign == '@'              ? LU_KIND_SYMLINK
                                                           : LU_KIND_FILE,
                        .size = time,
                        .mtime = time,
                        .changed = time,
                        .inode = time,
                };

                if (sign == '-')
                        assert_true(lu_changes_observe_absent(s->changes, path, time));
                else
                        lu_changes_observe(s->changes, path, &facts, sign == '=' || sign == '#',
                                           time);
                text += n;
        }
}

static void write_pods(struct scene *s, const char *text)
{
        char name[16], state;
        unsigned long long created;
        int n;

        s->cluster.pods = xcalloc(8, sizeof(*s->cluster.pods));
        while (sscanf(text, " %15[^:]:%c:%llu%n", name, &state, &created, &n) == 3) {
                struct lu_pod *pod = &s->cluster.pods[s->cluster.n_pods++];
                unsigned instance = 1;
                int more = 0;

                text += n;
                if (sscanf(text, ":%u%n", &instance, &more) == 1)
                        text += more;
                *pod = (struct lu_pod){
                        .namespace_ = xstrdup("shop"),
                        .name = xstrdup(name),
                        .uid = xasprintf("uid-%s", name),
                        .owner_uid = xstrdup("set"),
                        .created = created,
                        .deleting = state == 'd',
                        .containers = xcalloc(1, sizeof(*pod->containers)),
                        .n_containers = 1,
                };
                pod->containers[0] = (struct lu_container){
                        .name = xstrdup("app"),
                        .image = xstrdup("web:1"),
                        .id = xasprintf("%s-%u", name, instance),
                        .state = state == 'w'   ? LU_CONTAINER_WAITING
                                 : state == 't' ? LU_CONTAINER_TERMINATED
                                                : LU_CONTAINER_RUNNING,
                };
        }
}

static void write_memory(struct lu_memory *m, const char *words)
{
        const char *word;
        unsigned long long value;

        if ((word = strstr(words, "rev=")) && sscanf(word, "rev=%llu", &value) == 1) {
                m->has_revision = true;
                m->revision = value;
        }
        if ((word = strstr(words, "updating=")) && sscanf(word, "updating=%llu", &value) == 1)
                lu_memory_begin(m, value);
        if ((word = strstr(words, "owed=")) && sscanf(word, "owed=%llu", &value) == 1)
                lu_run_set_add(&m->owed, value);
        if ((word = strstr(words, "failed=")) && sscanf(word, "failed=%llu", &value) == 1) {
                m->n_failures = 1;
                m->failed_revision = value;
                m->failure = LU_REASON_CONNECTION_LOST;
                m->failure_message = xstrdup("the connection was lost");
                word = strstr(words, "retry=");
                m->retry_helps = word && sscanf(word, "retry=%llu", &value) == 1;
                m->retry_at = m->retry_helps ? value : 0;
        }
}

static void write_memories(struct scene *s, const char *text)
{
        char name[16], words[64];
        int n;

        while (sscanf(text, " %15[^:]:%63[^ ]%n", name, words, &n) == 2) {
                _cleanup_(freep) char *uid = xasprintf("uid-%s", name);
                _cleanup_(freep) char *id = xasprintf("%s-1", name);
                struct lu_memory *m = lu_memory_new(uid, "app", id);

                write_memory(m, words);
                s->memories[s->n_memories++] = m;
                text += n;
        }
}

static void scene_begin(struct scene *s, const struct row *row)
{
        _cleanup_(lu_faults_done) struct lu_faults faults = {};
        _cleanup_(err_done) struct err err = {};

        if (lu_spec_load_json(row->spec, strlen(row->spec), &s->spec, &err) < 0)
                fail_msg("%s: %s", row->name, err_text(&err));
        if (lu_resolve(s->spec, "shop", NULL, NULL, &faults, &s->rules) < 0)
                fail_msg("%s: %s", row->name, faults.items[0].message);
        s->changes = lu_changes_new();
        s->cluster =
                (struct lu_cluster){.synced = !row->unsynced, .label_text = xstrdup("app=web")};
        write_workspace(s, row->workspace);
        write_pods(s, row->pods);
        write_memories(s, row->memories);
}

static void scene_end(struct scene *s)
{
        for (size_t i = 0; i < s->n_memories; i++)
                lu_memory_free(s->memories[i]);
        lu_cluster_done(&s->cluster);
        lu_changes_free(s->changes);
        lu_rules_free(s->rules);
        lu_spec_free(s->spec);
}

static void the_law_of_a_change(void **state)
{
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct scene s = {};
                _cleanup_(lu_plan_done) struct lu_plan plan = {};
                _cleanup_(str_done) struct str text = {};

                struct lu_seen seen = {.owner = (char *)"set", .revision = UINT64_MAX};

                scene_begin(&s, &rows[i]);
                const struct lu_world world = {
                        .rules = s.rules,
                        .changes = s.changes,
                        .vanished = rows[i].vanished,
                        .unwatched = rows[i].unwatched,
                        .seen = &seen,
                        .n_seen = 1,
                        .rescanning = rows[i].rescanning,
                        .settle_until = rows[i].settle_until,
                        .cluster = &s.cluster,
                        .memories = (const struct lu_memory *const *)s.memories,
                        .n_memories = s.n_memories,
                };
                if (rows[i].seen)
                        seen.revision = rows[i].seen - 1;
                lu_decide(&world, NOW_MS, &plan);
                lu_plan_format(&plan, &text);
                if (strcmp(str_text(&text), rows[i].plan) != 0)
                        print_error("row: %s\n", rows[i].name);
                assert_string_equal(str_text(&text), rows[i].plan);
                scene_end(&s);
        }
}

static void replicas_that_lack_the_same_share_one_update(void **state)
{
        const struct row row = {.name = "",
                                .spec = PLAIN,
                                .workspace = "+src/a:20",
                                .pods = "p:r:10 q:r:10",
                                .memories = ""};
        struct scene s = {};
        _cleanup_(lu_plan_done) struct lu_plan plan = {};

        scene_begin(&s, &row);
        const struct lu_world world = {
                .rules = s.rules, .changes = s.changes, .cluster = &s.cluster};
        lu_decide(&world, NOW_MS, &plan);
        assert_int_equal(plan.n_targets, 2);
        assert_ptr_equal(plan.targets[0].update, plan.targets[1].update);
        scene_end(&s);
}

/* The first sync in the list wins, whichever file was saved last. */
static void of_two_files_for_one_place_one_is_sent(void **state)
{
        const char *const orders[] = {"=one/x:5 =two/x:5 +one/x:20 +two/x:21",
                                      "=one/x:5 =two/x:5 +two/x:20 +one/x:21",
                                      "=one/x:5 =two/x:5 +two/x:20"};

        for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
                const struct row row = {.name = "",
                                        .spec = LAYERS,
                                        .workspace = orders[i],
                                        .pods = "p:r:10",
                                        .memories = ""};
                struct scene s = {};
                _cleanup_(lu_plan_done) struct lu_plan plan = {};

                scene_begin(&s, &row);
                const struct lu_world world = {
                        .rules = s.rules, .changes = s.changes, .cluster = &s.cluster};
                lu_decide(&world, NOW_MS, &plan);
                assert_int_equal(plan.targets[0].update->n_items, 1);
                assert_string_equal(plan.targets[0].update->items[0].path, "one/x");
                scene_end(&s);
        }
}

static void an_invalid_spec_says_why(void **state)
{
        struct lu_changes *changes = lu_changes_new();
        const struct lu_cluster cluster = {};
        const struct lu_world world = {
                .invalid = "steps[0]: wrong", .changes = changes, .cluster = &cluster};
        _cleanup_(lu_plan_done) struct lu_plan plan = {};

        lu_decide(&world, NOW_MS, &plan);
        assert_true(plan.known);
        assert_false(plan.ready);
        assert_int_equal(plan.reason, LU_REASON_INVALID_SPEC);
        assert_string_equal(plan.message, "steps[0]: wrong");
        lu_changes_free(changes);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_law_of_a_change),
                cmocka_unit_test(replicas_that_lack_the_same_share_one_update),
                cmocka_unit_test(of_two_files_for_one_place_one_is_sent),
                cmocka_unit_test(an_invalid_spec_says_why),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
