/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdbool.h>

#include "base/mem.h"
#include "base/str.h"
#include "liveupdate/ignore.h"

/* What a .dockerignore of these lines says about a path; as Docker documents it. */
static void a_dockerignore_says_what_docker_says(void **state)
{
        static const struct {
                const char *content, *path;
                bool ignored;
        } rows[] = {
                {"", "a", false},
                {"a", "a", true},
                {"a", "a/b/c", true},
                {"a", "x/a", false},
                {"a", "ab", false},
                {"*.md", "README.md", true},
                {"*.md", "docs/README.md", false},
                {"**/*.md", "docs/a/README.md", true},
                {"**/*.md", "README.md", true},
                {"*/temp*", "x/temporary", true},
                {"*/temp*", "x/temp/deep/file", true},
                {"*/temp*", "temporary", false},
                {"*/*/temp*", "x/y/temp.txt", true},
                {"temp?", "tempa", true},
                {"temp?", "temp", false},
                {"node_modules", "web/node_modules/x", false},
                {"**/node_modules", "web/node_modules/x", true},
                {"dir/**", "dir/a/b", true},
                {"dir/**", "dir", false},
                {"**", "a/b", true},
                {"*", "a/b", true},
                /* cleaning */
                {"/a", "a", true},
                {"///a", "a", true},
                {"./a", "a", true},
                {"a/", "a", true},
                {"a/", "a/b", true},
                {"a//b/./c", "a/b/c", true},
                {"a/../b", "b", true},
                {"  a \t", "a", true},
                {"a b", "a b", true},
                {".", "a", false},
                {"/", "a", false},
                /* comments, blank lines, line ends, byte order mark */
                {"# a\n\n\nb", "b", true},
                {"#a", "#a", false},
                {"\\#a", "#a", true},
                {" #a", "#a", true},
                {"a\r\nb\r\n", "a", true},
                {"a\r\nb\r\n", "b", true},
                {"\xef\xbb\xbf"
                 "a\nb",
                 "a", true},
                {"\xef\xbb\xbf# x\nb", "b", true},
                /* '!' takes back, and the last match wins */
                {"*.md\n!README.md", "README.md", false},
                {"*.md\n!README.md", "other.md", true},
                {"!README.md\n*.md", "README.md", true},
                {"*.md\n!README*.md\nREADME-secret.md", "README-secret.md", true},
                {"*.md\n!README*.md\nREADME-secret.md", "README-open.md", false},
                {"docs\n!docs/api", "docs/api", false},
                {"docs\n!docs/api", "docs/api/x/y", false},
                {"docs\n!docs/api", "docs/other", true},
                {"docs\n!docs/api", "docs", true},
                {"docs\n!docs/api\ndocs/api/private", "docs/api/private/x", true},
                {"*\n!src\n!package.json", "src/a.js", false},
                {"*\n!src\n!package.json", "package.json", false},
                {"*\n!src\n!package.json", "Makefile", true},
                {"*\n!src/**", "src/a/b", false},
                {"**\n!**/*.go", "a/b/x.go", false},
                {"**\n!**/*.go", "a/b/x.c", true},
                {"*\n! src", "src/a", false},
                {"*\n!/src", "src/a", false},
                {"a\n!a", "a/b", false},
                {"!a", "a", false},
                {"a[b-d]e", "ace", true},
                {"a[^b-d]e", "aze", true},
                {"a[!b-d]e", "ace", false},
                {"\xff*", "\xff\xfe", true},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(lu_ignore_done) struct lu_ignore ignore = {};

                assert_int_equal(lu_ignore_add_file(&ignore, rows[i].content, NULL), 0);
                if (lu_ignore_match(&ignore, rows[i].path) != rows[i].ignored)
                        fail_msg("'%s' about %s: expected %d", rows[i].content, rows[i].path,
                                 rows[i].ignored);
        }
}

static void bad_lines_are_named_and_skipped(void **state)
{
        static const struct {
                const char *content, *message;
                size_t n_items;
        } rows[] = {
                {"a\n[b\nc", "line 2: not a pattern, skipped", 2},
                {"# x\n\n!\n../x\nok\nx\\\r\n", "lines 3, 4, 6: not a pattern, skipped", 1},
                {"[\n[\n[\n[\n[\n[\n[\n[\n[\n[\n",
                 "lines 1, 2, 3, 4, 5, 6, 7, 8 and 2 more: not a pattern, skipped", 0},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(lu_ignore_done) struct lu_ignore ignore = {};
                _cleanup_(err_done) struct err err = {};

                assert_int_equal(lu_ignore_add_file(&ignore, rows[i].content, &err), -EINVAL);
                assert_string_equal(err_text(&err), rows[i].message);
                assert_int_equal(ignore.n_items, rows[i].n_items);
        }
}

static void a_pattern_of_a_list_is_not_a_line(void **state)
{
        _cleanup_(lu_ignore_done) struct lu_ignore ignore = {};

        assert_int_equal(lu_ignore_add(&ignore, "#notes"), 0);
        assert_int_equal(lu_ignore_add(&ignore, ""), -EINVAL);
        assert_int_equal(lu_ignore_add(&ignore, " "), -EINVAL);
        assert_int_equal(lu_ignore_add(&ignore, "!"), -EINVAL);
        assert_int_equal(lu_ignore_add(&ignore, "[a"), -EINVAL);
        assert_int_equal(lu_ignore_add(&ignore, ".."), -EINVAL);
        assert_false(ignore.has_negation);
        assert_int_equal(lu_ignore_add(&ignore, "!#notes/keep"), 0);
        assert_true(ignore.has_negation);
        assert_int_equal(ignore.n_items, 2);
        assert_true(lu_ignore_match(&ignore, "#notes"));
        assert_false(lu_ignore_match(&ignore, "#notes/keep"));
}

static void a_directory_is_pruned_when_nothing_below_can_come_back(void **state)
{
        static const struct {
                const char *content, *path;
                bool pruned;
        } rows[] = {
                {"a", "a", true},
                {"a", "a/b", true},
                {"a", "b", false},
                {"a/b", "a", false},
                {"*", "a", true},
                {"*", "", false},
                {"**", "", false},
                {"a/**", "a", false}, /* its content is ignored, it itself is not */
                {"a/**", "a/b", true},
                {"**/node_modules", "x/node_modules", true},
                {"**/node_modules", "x", false},
                {"a\n!a/b", "a", false},
                {"a\n!a/b", "a/b", false},
                {"a\n!a/b", "a/c", true},
                {"a\n!a/b/c", "a/b", false},
                {"a\n!b", "a", true},
                {"*\n!*.go", "a", true},     /* only at the top */
                {"*\n!**/*.go", "a", false}, /* anywhere */
                {"a\n!**/keep\na/b", "a/b", true},
                {"a\n!**/keep\na/b", "a", false},
                {"!a/b\na", "a", true},
                {"a\n!a/*/c", "a/x", false},
                {"a\n!a/*/c", "a/x/y", true},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(lu_ignore_done) struct lu_ignore ignore = {};

                assert_int_equal(lu_ignore_add_file(&ignore, rows[i].content, NULL), 0);
                if (lu_ignore_prunes(&ignore, rows[i].path) != rows[i].pruned)
                        fail_msg("'%s' about %s: expected %d", rows[i].content, rows[i].path,
                                 rows[i].pruned);
        }
}

static unsigned next_random(uint32_t *seed)
{
        *seed = *seed * 1664525 + 1013904223;
        return *seed >> 16;
}

static void random_path(uint32_t *seed, const char *const *names, size_t n_names, struct str *out)
{
        size_t n = 1 + next_random(seed) % 3;

        while (n-- > 0) {
                if (out->len > 0)
                        str_append_char(out, '/');
                str_append(out, names[next_random(seed) % n_names]);
        }
}

/* Pruning is a promise about all paths below; tried with random rules and random paths. */
static void what_is_pruned_is_ignored_with_all_below(void **state)
{
        static const char *const glob_names[] = {"a", "b", "*", "**", "a*", "?", "[!a]", "**b"};
        static const char *const names[] = {"a", "b", "ab", "c"};
        uint32_t seed = 3;
        size_t n_pruned = 0, n_kept = 0;

        for (size_t i = 0; i < 100000; i++) {
                _cleanup_(lu_ignore_done) struct lu_ignore ignore = {};
                _cleanup_(str_done) struct str directory = {};

                for (size_t k = next_random(&seed) % 5; k > 0; k--) {
                        _cleanup_(str_done) struct str line = {};
                        _cleanup_(str_done) struct str glob = {};

                        random_path(&seed, glob_names, ARRAY_SIZE(glob_names), &glob);
                        str_append(&line, next_random(&seed) % 3 == 0 ? "!" : "");
                        str_append(&line, str_text(&glob));
                        assert_int_equal(lu_ignore_add(&ignore, str_text(&line)), 0);
                }
                random_path(&seed, names, ARRAY_SIZE(names), &directory);
                if (!lu_ignore_prunes(&ignore, str_text(&directory))) {
                        n_kept++;
                        continue;
                }
                n_pruned++;
                assert_true(lu_ignore_match(&ignore, str_text(&directory)));
                for (size_t k = 0; k < 5; k++) {
                        _cleanup_(str_done) struct str path = {};

                        str_append(&path, str_text(&directory));
                        random_path(&seed, names, ARRAY_SIZE(names), &path);
                        assert_true(lu_ignore_match(&ignore, str_text(&path)));
                }
        }
        assert_true(n_pruned > 10000 && n_kept > 10000);
}

static void git_paths_are_known_by_component(void **state)
{
        assert_true(lu_is_git_path(".git"));
        assert_true(lu_is_git_path(".git/index.lock"));
        assert_true(lu_is_git_path("a/.git/HEAD"));
        assert_false(lu_is_git_path(".gitignore"));
        assert_false(lu_is_git_path("a.git/x"));
        assert_false(lu_is_git_path("git"));
        assert_false(lu_is_git_path(""));
}

static void temporary_files_of_editors_are_known(void **state)
{
        static const char *const temporary[] = {
                "src/a.py~",
                "src/.a.py.swp",
                ".a.swo",
                "x/.a.swn",
                ".a.swx",
                ".swp",
                "src/4913",
                "src/.#a.py",
                "#a.py#",
                "flymake_a.py",
                "a.py___jb_tmp___",
                "a.py___jb_old___",
                ".idea/x.xml",
                "a/.idea",
                ".a.py.kate-swp",
                "main-go-tmp-umask",
                "a/.goutputstream-X1",
                "old~/a.py",
        };
        static const char *const lasting[] = {
                "src/a.py", "anim.swp", "4913/a", "a.swap",           "#a",    "#", "~a",
                "idea/x",   "49130",    "",       "my.goutputstream", ".swpx",
        };

        for (size_t i = 0; i < ARRAY_SIZE(temporary); i++)
                if (!lu_is_ephemeral(temporary[i]))
                        fail_msg("%s is temporary", temporary[i]);
        for (size_t i = 0; i < ARRAY_SIZE(lasting); i++)
                if (lu_is_ephemeral(lasting[i]))
                        fail_msg("%s is not temporary", lasting[i]);
        assert_true(lu_is_ephemeral_directory("a/.idea"));
        assert_false(lu_is_ephemeral_directory("data/4913"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_dockerignore_says_what_docker_says),
                cmocka_unit_test(bad_lines_are_named_and_skipped),
                cmocka_unit_test(a_pattern_of_a_list_is_not_a_line),
                cmocka_unit_test(a_directory_is_pruned_when_nothing_below_can_come_back),
                cmocka_unit_test(what_is_pruned_is_ignored_with_all_below),
                cmocka_unit_test(git_paths_are_known_by_component),
                cmocka_unit_test(temporary_files_of_editors_are_known),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
