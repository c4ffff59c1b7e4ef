/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/liveupdate/written.h"

#include <errno.h>

struct expectation {
        const char *path;
        enum lu_class class_;
        const char *reason;
        const char *destination; /* with UPDATE, of a file */
};

static void check_all(const struct lu_rules *rules, const struct expectation *rows, size_t n_rows)
{
        for (size_t i = 0; i < n_rows; i++) {
                struct lu_verdict verdict = lu_classify(rules, rows[i].path);
                bool wanted =
                        verdict.class_ != LU_CLASS_UNWATCHED && verdict.class_ != LU_CLASS_IGNORED;

                if (verdict.class_ != rows[i].class_ || !streq(verdict.reason, rows[i].reason))
                        fail_msg("%s is %s/%s, not %s/%s", rows[i].path,
                                 lu_class_name(verdict.class_), verdict.reason,
                                 lu_class_name(rows[i].class_), rows[i].reason);
                assert_int_equal(lu_wants_file(rules, rows[i].path), wanted);
                if (verdict.class_ == LU_CLASS_UPDATE) {
                        _cleanup_(freep) char *destination =
                                lu_destination(rules, verdict.sync, rows[i].path, false);

                        assert_string_equal(destination, rows[i].destination);
                }
        }
}

static void reference_review_of_syncs_examples_1_to_4(void **state)
{
        _cleanup_(lu_rules_freep) struct lu_rules *rules = rules_written();
        static const struct expectation rows[] = {
                /* 1 */ {"server/src/A.txt", LU_CLASS_UPDATE, "Sync", "/app/A.txt"},
                /* 2 */
                {"server/package.json", LU_CLASS_UPDATE, "Sync", "/app/web/package.json"},
                /* 3 */ {"server/some_file.txt", LU_CLASS_REBUILD, "NoMatchingSync", NULL},
                /* 4 */ {"stuff.txt", LU_CLASS_UNWATCHED, "OutsideRoots", NULL},
        };

        root_written(rules, "server", NULL);
        sync_written(rules, "server/src", "/app", NULL);
        sync_written(rules, "server/package.json", "/app/web/package.json", NULL);
        check_all(rules, rows, ARRAY_SIZE(rows));
}

static void reference_run_triggers_examples_1_to_3(void **state)
{
        _cleanup_(lu_rules_freep) struct lu_rules *rules = rules_written();
        static const struct expectation rows[] = {
                /* 1 */ {"src/main.py", LU_CLASS_UPDATE, "Sync", "/app/main.py"},
                /* 2 */ {"src/web/yarn.lock", LU_CLASS_UPDATE, "Sync", "/app/web/yarn.lock"},
                /* 3 */ {"configs/foo.yaml", LU_CLASS_REBUILD, "NoMatchingSync", NULL},
        };
        static const bool fires[3][3] = {
                {true, false, false}, {true, true, false}, {true, false, true}};

        root_written(rules, "", NULL);
        sync_written(rules, "src", "/app", NULL);
        run_written(rules, "/app/setup.sh", NULL);
        run_written(rules, "cd /app/web && yarn install", LIST("src/web/yarn.lock"));
        run_written(rules, "/app/run_configs.sh", LIST("configs/foo.yaml", "configs/bar.yaml"));
        check_all(rules, rows, ARRAY_SIZE(rows));
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                for (size_t run = 0; run < rules->n_runs; run++)
                        assert_int_equal(lu_run_fires(rules, run, rows[i].path), fires[i][run]);
}

/* The pictures of the reference: a sync out of the context, and syncs of two images' contexts. */
static void reference_syncs_of_dependent_images(void **state)
{
        _cleanup_(lu_rules_freep) struct lu_rules *rules = rules_written();
        static const struct expectation rows[] = {
                {"base/lib/x.py", LU_CLASS_UPDATE, "Sync", "/usr/lib/app/x.py"},
                {"web/src/y.py", LU_CLASS_UPDATE, "Sync", "/app/y.py"},
                {"base/Dockerfile", LU_CLASS_REBUILD, "NoMatchingSync", NULL},
                {"web/.dockerignore", LU_CLASS_REBUILD, "NoMatchingSync", NULL},
                {"other/z.py", LU_CLASS_UNWATCHED, "OutsideRoots", NULL},
                {"basement/z.py", LU_CLASS_UNWATCHED, "OutsideRoots", NULL},
        };

        root_written(rules, "base", NULL);
        root_written(rules, "web", NULL);
        sync_written(rules, "base/lib", "/usr/lib/app", NULL);
        sync_written(rules, "web/src", "/app", NULL);
        check_all(rules, rows, ARRAY_SIZE(rows));
}

static void reference_fall_back_on_goes_before_syncs(void **state)
{
        _cleanup_(lu_rules_freep) struct lu_rules *rules = rules_written();
        static const struct expectation rows[] = {
                {"src/package.json", LU_CLASS_REBUILD, "FallBackOn", NULL},
                {"src/config/a/b.toml", LU_CLASS_REBUILD, "FallBackOn", NULL},
                {"src/config/a/b.yaml", LU_CLASS_UPDATE, "Sync", "/app/config/a/b.yaml"},
                {"src/proto/x/y", LU_CLASS_REBUILD, "FallBackOn", NULL},
                {"src/generated/fall.back", LU_CLASS_IGNORED, "IgnoredByRule", NULL},
                {"src/log/package.json", LU_CLASS_REBUILD, "FallBackOn", NULL},
                {"src/log/x", LU_CLASS_IGNORED, "IgnoredBySync", NULL},
        };

        root_written(rules, "", LIST("src/generated"));
        sync_written(rules, "src", "/app", LIST("log"));
        assert_int_equal(lu_pattern_set_add(&rules->fall_back_on, "src/package.json"), 0);
        assert_int_equal(lu_pattern_set_add(&rules->fall_back_on, "src/log/package.json"), 0);
        assert_int_equal(lu_pattern_set_add(&rules->fall_back_on, "src/config/**/*.toml"), 0);
        assert_int_equal(lu_pattern_set_add(&rules->fall_back_on, "src/proto"), 0);
        assert_int_equal(lu_pattern_set_add(&rules->fall_back_on, "src/generated"), 0);
        check_all(rules, rows, ARRAY_SIZE(rows));
}

static void what_is_left_out_has_a_reason(void **state)
{
        _cleanup_(lu_rules_freep) struct lu_rules *rules = rules_written();
        static const struct expectation rows[] = {
                {"web/src/a.py", LU_CLASS_UPDATE, "Sync", "/app/a.py"},
                {"web/src/a.pyc", LU_CLASS_IGNORED, "IgnoredByFile", NULL},
                {"web/src/a.md", LU_CLASS_IGNORED, "IgnoredByRule", NULL},
                {"web/src/a.log", LU_CLASS_IGNORED, "IgnoredBySync", NULL},
                {"web/a.log", LU_CLASS_REBUILD, "NoMatchingSync", NULL},
                {"web/src/a.py~", LU_CLASS_IGNORED, "EphemeralFile", NULL},
                {"web/.git/index", LU_CLASS_IGNORED, "GitDirectory", NULL},
                {"web/.git", LU_CLASS_IGNORED, "GitDirectory", NULL},
                {"web/.gitignore", LU_CLASS_REBUILD, "NoMatchingSync", NULL},
                {".git/index", LU_CLASS_UNWATCHED, "OutsideRoots", NULL},
                {"x~", LU_CLASS_UNWATCHED, "OutsideRoots", NULL},
                {"web", LU_CLASS_REBUILD, "NoMatchingSync", NULL},
        };

        assert_int_equal(lu_ignore_add(&root_written(rules, "web", LIST("**/*.md"))->ignore_file,
                                       "**/*.pyc"),
                         0);
        sync_written(rules, "web/src", "/app", LIST("*.log"));
        check_all(rules, rows, ARRAY_SIZE(rows));
}

static void a_path_of_two_contexts_is_watched_when_one_wants_it(void **state)
{
        _cleanup_(lu_rules_freep) struct lu_rules *rules = rules_written();
        static const struct expectation rows[] = {
                {"shared/x", LU_CLASS_UPDATE, "Sync", "/shared/x"},
                {"shared/x.tmp", LU_CLASS_IGNORED, "IgnoredByRule", NULL},
                {"web/x.tmp", LU_CLASS_REBUILD, "NoMatchingSync", NULL},
        };

        root_written(rules, "", LIST("shared"));
        root_written(rules, "shared", LIST("*.tmp"));
        sync_written(rules, "shared", "/shared", NULL);
        check_all(rules, rows, ARRAY_SIZE(rows));
        assert_true(lu_wants_directory(rules, "shared"));
        assert_true(lu_wants_directory(rules, "shared/a"));
        assert_false(lu_wants_directory(rules, "shared/a.tmp"));
}

static void the_first_sync_that_covers_wins(void **state)
{
        _cleanup_(lu_rules_freep) struct lu_rules *rules = rules_written();
        static const struct expectation rows[] = {
                {"src/web/a.js", LU_CLASS_UPDATE, "Sync", "/www/a.js"},
                {"src/a.js", LU_CLASS_UPDATE, "Sync", "/app/a.js"},
                {"src/late/a.js", LU_CLASS_UPDATE, "Sync", "/app/late/a.js"},
                /* ignored by the first that covers it: not handed to the next */
                {"src/web/a.map", LU_CLASS_IGNORED, "IgnoredBySync", NULL},
                {"src/a.map", LU_CLASS_UPDATE, "Sync", "/app/a.map"},
        };

        root_written(rules, "", NULL);
        sync_written(rules, "src/web", "/www", LIST("*.map"));
        sync_written(rules, "src", "/app", NULL);
        sync_written(rules, "src/late", "/never", NULL);
        check_all(rules, rows, ARRAY_SIZE(rows));
}

static void the_unmatched_go_where_the_spec_says(void **state)
{
        _cleanup_(lu_rules_freep) struct lu_rules *rules = rules_written();

        root_written(rules, "", NULL);
        assert_int_equal(lu_classify(rules, "a").class_, LU_CLASS_REBUILD);
        rules->on_unmatched = LU_ON_UNMATCHED_IGNORE;
        assert_int_equal(lu_classify(rules, "a").class_, LU_CLASS_UNMATCHED);
        assert_string_equal(lu_classify(rules, "a").reason, "NoMatchingSync");
        rules->on_unmatched = LU_ON_UNMATCHED_WARN;
        assert_int_equal(lu_classify(rules, "a").class_, LU_CLASS_UNMATCHED);
        assert_true(lu_wants_file(rules, "a"));
}

static void destinations_follow_the_sync(void **state)
{
        static const struct {
                const char *local, *container_path, *path;
                bool is_directory;
                const char *destination;
        } rows[] = {
                {"src", "/app", "src/a/b", false, "/app/a/b"},
                {"src", "/app/", "src/a", false, "/app/a"},
                {"src", "/app", "src", true, "/app"},
                {"src", "/app/", "src", true, "/app"},
                {"src", "/", "src/a", false, "/a"},
                {"src", "/", "src", true, "/"},
                {"", "/app", "a/b", false, "/app/a/b"},
                {"", "/", "a", false, "/a"},
                {"", "/app", "", true, "/app"},
                {"x/a.json", "/etc/b.json", "x/a.json", false, "/etc/b.json"},
                {"x/a.json", "/etc/", "x/a.json", false, "/etc/a.json"},
                {"a.json", "/", "a.json", false, "/a.json"},
                {"src/**/*.py", "/app", "src/a/b.py", false, "/app/a/b.py"},
                {"src/**/*.py", "/app/", "src/b.py", false, "/app/b.py"},
                {"*.html", "/www", "index.html", false, "/www/index.html"},
                {"a/b*/c", "/www", "a/b1/c/d", false, "/www/b1/c/d"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(lu_rules_freep) struct lu_rules *rules = rules_written();
                _cleanup_(freep) char *destination = NULL;

                root_written(rules, "", NULL);
                sync_written(rules, rows[i].local, rows[i].container_path, NULL);
                assert_int_equal(lu_classify(rules, rows[i].path).class_, LU_CLASS_UPDATE);
                destination = lu_destination(rules, 0, rows[i].path, rows[i].is_directory);
                assert_string_equal(destination, rows[i].destination);
        }
}

static void directories_are_wanted_unless_ignored_as_a_whole(void **state)
{
        _cleanup_(lu_rules_freep) struct lu_rules *rules = rules_written();
        static const struct {
                const char *path;
                bool wanted;
        } rows[] = {
                {"", true},
                {"services", true},
                {"other", false},
                {"services/web", true},
                {"services/api", false},
                {"services/web/src", true},
                {"services/web/.git", false},
                {"services/web/.git/refs", false},
                {"services/web/.idea", false},
                {"services/web/4913", true},
                {"services/web/node_modules", true}, /* "!" below it */
                {"services/web/node_modules/mine", true},
                {"services/web/node_modules/theirs", false},
                {"services/web/docs", false},
                {"services/web/src/cache", false}, /* by its sync */
                {"services/web/src/keep", true},   /* a fallBackOn lies below */
                {"services/web/src/first", true},  /* an earlier sync lies below */
        };

        root_written(rules, "services/web", LIST("docs", "node_modules", "!node_modules/mine"));
        sync_written(rules, "services/web/src/first/one", "/one", NULL);
        sync_written(rules, "services/web/src", "/app", LIST("cache", "keep", "first"));
        assert_int_equal(lu_pattern_set_add(&rules->fall_back_on, "services/web/src/keep/it.toml"),
                         0);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (lu_wants_directory(rules, rows[i].path) != rows[i].wanted)
                        fail_msg("%s: expected %d", rows[i].path, rows[i].wanted);
}

static unsigned next_random(uint32_t *seed)
{
        *seed = *seed * 1664525 + 1013904223;
        return *seed >> 16;
}

struct words {
        const char *const *items;
        size_t n_items;
};

#define WORDS(array) (&(const struct words){(array), ARRAY_SIZE(array)})

static void random_path(uint32_t *seed, const struct words *names, size_t n, struct str *out)
{
        while (n-- > 0) {
                if (out->len > 0)
                        str_append_char(out, '/');
                str_append(out, names->items[next_random(seed) % names->n_items]);
        }
}

static struct lu_rules *random_rules(uint32_t *seed)
{
        static const char *const names[] = {"a", "b", "ab", "4913"};
        static const char *const globs[] = {"a", "b", "*", "**", "a*", "[!a]", "4*"};
        static const char *const ignores[] = {"a",  "b",      "*",    "**/b",
                                              "!a", "!**/ab", "!a/b", "a/**"};
        struct lu_rules *rules = rules_written();

        for (size_t i = next_random(seed) % 4; i < 4; i++) {
                _cleanup_(str_done) struct str root = {}, local = {}, back = {};
                const char *first = ignores[next_random(seed) % ARRAY_SIZE(ignores)];
                const char *second = ignores[next_random(seed) % ARRAY_SIZE(ignores)];

                random_path(seed, WORDS(names), next_random(seed) % 3, &root);
                random_path(seed, WORDS(globs), 1 + next_random(seed) % 3, &local);
                random_path(seed, WORDS(globs), 1 + next_random(seed) % 3, &back);
                root_written(rules, str_text(&root), i % 2 ? LIST(first, second) : NULL);
                sync_written(rules, str_text(&local), "/app", LIST(second, first));
                if (next_random(seed) % 3 == 0)
                        lu_pattern_set_add(&rules->fall_back_on, str_text(&back));
        }
        return rules;
}

/* A directory that is not wanted holds no file that is: tried with random rules. */
static void no_wanted_file_lies_in_an_unwanted_directory(void **state)
{
        static const char *const names[] = {"a", "b", "ab", "4913", "c"};
        uint32_t seed = 11;
        size_t n_unwanted = 0;

        for (size_t i = 0; i < 30000; i++) {
                _cleanup_(lu_rules_freep) struct lu_rules *rules = random_rules(&seed);
                _cleanup_(str_done) struct str directory = {};

                random_path(&seed, WORDS(names), 1 + next_random(&seed) % 3, &directory);
                if (lu_wants_directory(rules, str_text(&directory)))
                        continue;
                n_unwanted++;
                for (size_t k = 0; k < 8; k++) {
                        _cleanup_(str_done) struct str path = {};

                        str_append(&path, str_text(&directory));
                        random_path(&seed, WORDS(names), 1 + k % 3, &path);
                        if (lu_wants_file(rules, str_text(&path)))
                                fail_msg("%s is wanted in %s (round %zu)", str_text(&path),
                                         str_text(&directory), i);
                }
        }
        assert_in_range(n_unwanted, 3000, 27000);
}

static void ignore_files_are_loaded_later(void **state)
{
        _cleanup_(lu_rules_freep) struct lu_rules *rules = rules_written();
        _cleanup_(err_done) struct err err = {};
        _cleanup_(freep) char *first = NULL, *second = NULL;

        root_written(rules, "", NULL);
        root_written(rules, "deps", NULL)->has_ignore_file = false;
        root_written(rules, "web", LIST("*.md"));
        assert_int_equal(lu_rules_n_ignore_files(rules), 2);
        first = lu_rules_ignore_file(rules, 0);
        second = lu_rules_ignore_file(rules, 1);
        assert_string_equal(first, ".dockerignore");
        assert_string_equal(second, "web/.dockerignore");

        assert_int_equal(lu_rules_set_ignore_file(rules, 0, "web\n", &err), 0);
        assert_int_equal(lu_rules_set_ignore_file(rules, 1, "[\na", &err), -EINVAL);
        assert_string_equal(err_text(&err), "web/.dockerignore: line 1: not a pattern, skipped");
        assert_string_equal(lu_classify(rules, "web/a").reason, "IgnoredByFile");
        assert_int_equal(lu_classify(rules, "web/b").class_, LU_CLASS_REBUILD);
        assert_int_equal(lu_rules_set_ignore_file(rules, 1, "b", NULL), 0);
        assert_int_equal(lu_classify(rules, "web/a").class_, LU_CLASS_REBUILD);
        assert_int_equal(lu_classify(rules, "web/b").class_, LU_CLASS_IGNORED);
        assert_int_equal(lu_rules_set_ignore_file(rules, 1, NULL, NULL), 0);
        assert_int_equal(lu_classify(rules, "web/b").class_, LU_CLASS_REBUILD);
        assert_int_equal(lu_classify(rules, "web/b.md").class_, LU_CLASS_IGNORED);
        assert_int_equal(lu_rules_set_ignore_file(rules, 0, NULL, NULL), 0);
        assert_int_equal(lu_classify(rules, "web/b.md").class_, LU_CLASS_REBUILD);
}

static void classes_have_names(void **state)
{
        assert_string_equal(lu_class_name(LU_CLASS_UNWATCHED), "Unwatched");
        assert_string_equal(lu_class_name(LU_CLASS_IGNORED), "Ignored");
        assert_string_equal(lu_class_name(LU_CLASS_UPDATE), "Update");
        assert_string_equal(lu_class_name(LU_CLASS_REBUILD), "Rebuild");
        assert_string_equal(lu_class_name(LU_CLASS_UNMATCHED), "Unmatched");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reference_review_of_syncs_examples_1_to_4),
                cmocka_unit_test(reference_run_triggers_examples_1_to_3),
                cmocka_unit_test(reference_syncs_of_dependent_images),
                cmocka_unit_test(reference_fall_back_on_goes_before_syncs),
                cmocka_unit_test(what_is_left_out_has_a_reason),
                cmocka_unit_test(a_path_of_two_contexts_is_watched_when_one_wants_it),
                cmocka_unit_test(the_first_sync_that_covers_wins),
                cmocka_unit_test(the_unmatched_go_where_the_spec_says),
                cmocka_unit_test(destinations_follow_the_sync),
                cmocka_unit_test(directories_are_wanted_unless_ignored_as_a_whole),
                cmocka_unit_test(no_wanted_file_lies_in_an_unwanted_directory),
                cmocka_unit_test(ignore_files_are_loaded_later),
                cmocka_unit_test(classes_have_names),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
