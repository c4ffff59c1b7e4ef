/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <time.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "liveupdate/glob.h"
#include "liveupdate/pattern.h"

static void a_glob_matches_whole_paths(void **state)
{
        static const struct {
                const char *glob, *path;
                bool match;
        } rows[] = {
                {"abc", "abc", true},
                {"abc", "abcd", false},
                {"abc", "ab", false},
                {"a.c", "abc", false},
                {"a+(b)|{c}$^", "a+(b)|{c}$^", true},
                {"*", "abc", true},
                {"*", "a/b", false},
                {"*", ".hidden", true},
                {"*.md", "README.md", true},
                {"*.md", "docs/README.md", false},
                {"a*c", "ac", true},
                {"a*c", "a/c", false},
                {"*a*b*", "xxaxxbxx", true},
                {"?", "a", true},
                {"?", "/", false},
                {"?", "\xc3\xa4", false},
                {"??", "\xc3\xa4", true},
                {"*.\xff", "x.\xff", true},
                {"a?c", "a/c", false},
                {"[a-c]x", "bx", true},
                {"[a-c]x", "dx", false},
                {"[!a-c]x", "dx", true},
                {"[^a-c]x", "dx", true},
                {"[^a-c]x", "ax", false},
                {"x[!a]y", "x/y", false},
                {"[]a]", "]", true},
                {"[!]a]", "]", false},
                {"[!]a]", "b", true},
                {"[a-]", "-", true},
                {"[-a]", "-", true},
                {"[z-a]", "m", false},
                {"[\\]]", "]", true},
                {"[a\\-c]", "b", false},
                {"[a\\-c]", "-", true},
                {"[\x80-\xff]", "\xe9", true},
                {"\\*", "*", true},
                {"\\*", "a", false},
                {"\\a", "a", true},
                {"a\\\\", "a\\", true},
                /* any number of components */
                {"**", "a", true},
                {"**", "a/b/c", true},
                {"**/a", "a", true},
                {"**/a", "x/y/a", true},
                {"**/a", "xa", false},
                {"**/a", "a/b", false},
                {"a/**", "a", false},
                {"a/**", "a/b", true},
                {"a/**", "a/b/c", true},
                {"a/**", "ab/c", false},
                {"a/**/b", "a/b", true},
                {"a/**/b", "a/x/b", true},
                {"a/**/b", "a/x/y/b", true},
                {"a/**/b", "a/xb", false},
                {"a/**/b", "ab", false},
                {"**/a/**", "x/a/y", true},
                {"**/a/**", "a/y", true},
                {"**/a/**", "x/a", false},
                {"**/**/a", "a", true},
                {"**/*.txt", "a.txt", true},
                {"**/*.txt", "x/y/a.txt", true},
                {"**/*.txt", "x/y/a.txt2", false},
                {"**/a/*/b", "x/a/y/b", true},
                {"**/a/*/b", "a/a/b/b", true},
                {"**/a/*/b", "x/a/y/z/b", false},
                {"**/a/b", "a/a/b", true},
                /* glued to text, as in Docker */
                {"**.pyc", "x/a.pyc", true},
                {"**.pyc", "a.pyc", true},
                {"**file", "x/myfile", true},
                {"**.p?c", "x/a.pyc", false},
                {"**.p?c", "x/.pyc", true},
                {"a**", "ab", true},
                {"a**", "a/b/c", true},
                {"a**/*.txt", "a/x/f.txt", true},
                {"a**/*.txt", "ax/f.txt", true},
                {"a**b", "ab", true},
                {"a**b", "ax/b", true},
                {"a**b", "axb", false},
                {"***", "a/b", true},
                /* cannot be understood */
                {"[a", "[a", false},
                {"[a", "a", false},
                {"a\\", "a\\", false},
                {"[a/b]", "a", false},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (lu_glob_match(rows[i].glob, rows[i].path) != rows[i].match)
                        fail_msg("%s against %s: expected %d", rows[i].glob, rows[i].path,
                                 rows[i].match);
}

static void a_glob_relates_to_directories(void **state)
{
        static const struct {
                const char *glob, *path;
                unsigned relation;
        } rows[] = {
                {"a", "a", LU_GLOB_SELF},
                {"a", "a/b", LU_GLOB_ABOVE},
                {"a", "b", 0},
                {"a/b", "a", LU_GLOB_BELOW},
                {"a/b", "", LU_GLOB_BELOW},
                {"a/*.c", "a", LU_GLOB_BELOW},
                {"a/*.c", "b", 0},
                {"a/*.c", "a/x", 0},
                {"a/*.c", "a/x.c", LU_GLOB_SELF},
                {"a/*.c", "a/x.c/y", LU_GLOB_ABOVE},
                {"**/x", "a", LU_GLOB_BELOW},
                {"**/x", "x", LU_GLOB_SELF | LU_GLOB_BELOW},
                {"**/x", "a/x/b", LU_GLOB_ABOVE},
                {"a/**", "a", LU_GLOB_BELOW},
                {"a/**", "a/b", LU_GLOB_SELF | LU_GLOB_BELOW},
                {"a/**", "a/b/c", LU_GLOB_ABOVE},
                {"*", "a/b", LU_GLOB_ABOVE},
                {"a?", "a", 0},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (lu_glob_relate(rows[i].glob, rows[i].path) != rows[i].relation)
                        fail_msg("%s and %s: %u, not %u", rows[i].glob, rows[i].path,
                                 lu_glob_relate(rows[i].glob, rows[i].path), rows[i].relation);
}

static void some_globs_cannot_be_understood(void **state)
{
        static const struct {
                const char *glob;
                bool valid;
        } rows[] = {
                {"*.c", true},    {"[a-z]", true},        {"[]]", true},  {"[!]]", true},
                {"a]", true},     {"[", false},           {"[]", false},  {"[a", false},
                {"[!]", false},   {"x/[a/b]", false},     {"a\\", false}, {"[a\\", false},
                {"[a\\]", false}, {"[[:digit:]]", false}, {"a\\[", true}, {"[[]", true},
        };
        _cleanup_(str_done) struct str longest = {};

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (lu_glob_valid(rows[i].glob) != rows[i].valid)
                        fail_msg("%s: expected %d", rows[i].glob, rows[i].valid);
        while (longest.len < LIMIT_STRING)
                str_append_char(&longest, '*');
        assert_true(lu_glob_valid(str_text(&longest)));
        assert_true(lu_glob_match(str_text(&longest), "a/b"));
        str_append_char(&longest, '*');
        assert_false(lu_glob_valid(str_text(&longest)));
        assert_false(lu_glob_match(str_text(&longest), "a/b"));
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

/* A text of at most @max pieces out of @pieces. */
static void random_text(uint32_t *seed, const struct words *pieces, size_t max, struct str *out)
{
        size_t n = next_random(seed) % (max + 1);

        str_clear(out);
        while (n-- > 0)
                str_append(out, pieces->items[next_random(seed) % pieces->n_items]);
}

/* Without "**" and named classes a glob means what it means to libc. */
static void globs_agree_with_fnmatch(void **state)
{
        static const char *const glob_pieces[] = {
                "a",    "b",     "c",    "*",   "*",   "?",     "/",     "[ab]", "[!a]",  "[^bc]",
                "[]a]", "[a-c]", "[c-]", "\\*", "\\a", "[\\]]", "[b-a]", ".",    "[!]a]", "-",
        };
        static const char *const path_pieces[] = {"a", "b", "c", "a", "b", "/", ".", "*", "]", "-"};
        _cleanup_(str_done) struct str glob = {}, path = {};
        uint32_t seed = 1;
        size_t n_matches = 0, n_compared = 0;

        while (n_compared < 300000) {
                bool expected;

                random_text(&seed, WORDS(glob_pieces), 7, &glob);
                random_text(&seed, WORDS(path_pieces), 7, &path);
                if (strstr(str_text(&glob), "**"))
                        continue;
                expected = fnmatch(str_text(&glob), str_text(&path), FNM_PATHNAME) == 0;
                if (lu_glob_match(str_text(&glob), str_text(&path)) != expected)
                        fail_msg("%s against %s: fnmatch says %d", str_text(&glob), str_text(&path),
                                 expected);
                n_matches += expected;
                n_compared++;
        }
        assert_true(n_matches > 3000);
}

static void repeat(struct str *out, const char *piece, size_t n)
{
        while (n-- > 0)
                str_append(out, piece);
}

/* Backtracking would take longer than the universe; this takes some milliseconds. */
static void hostile_globs_take_bounded_time(void **state)
{
        static const struct {
                const char *piece, *end, *path_piece;
        } rows[] = {
                {"a*", "b", "a"},    {"*a", "b", "a"},     {"?*", "/", "a"},
                {"**/", "b", "a/"},  {"**/a/", "b", "a/"}, {"**/*a*/", "b", "aa/"},
                {"a**", "/b", "a/"}, {"**", "*b", "/"},    {"[!b]*", "b", "a"},
        };
        struct timespec start, end;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(str_done) struct str glob = {}, path = {};

                repeat(&glob, rows[i].piece, 4000 / strlen(rows[i].piece));
                str_append(&glob, rows[i].end);
                repeat(&path, rows[i].path_piece, 4000 / strlen(rows[i].path_piece));
                str_append(&path, "x");
                assert_true(lu_glob_valid(str_text(&glob)));
                assert_false(lu_glob_match(str_text(&glob), str_text(&path)));
        }
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
        assert_true(end.tv_sec - start.tv_sec < 20);
}

static void a_glob_has_a_longest_literal(void **state)
{
        static const struct {
                const char *glob, *literal;
        } rows[] = {
                {"abc", "abc"},     {"**/node_modules", "node_modules"},
                {"*.c", ".c"},      {"a/**/bc/*", "bc/"},
                {"a\\*b*", "a*b"},  {"**", ""},
                {"[abc]?*", ""},    {"a**/bcd", "bcd"},
                {"dir/**", "dir/"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(freep) char *literal = lu_glob_literal(rows[i].glob);

                assert_string_equal(literal, rows[i].literal);
        }
}

static void a_pattern_is_a_path_or_a_glob(void **state)
{
        static const struct {
                const char *text, *path;
                bool match, may_match_below;
        } rows[] = {
                {"package.json", "package.json", true, true},
                {"package.json", "package.jsonx", false, false},
                {"package.json", "web/package.json", false, false},
                {"config", "config/a/b.toml", true, true},
                {"config", "configs", false, false},
                {"a/b", "a", false, true},
                {"a/b", "", false, true},
                {"", "anything/at/all", true, true},
                {"a\\b", "a\\b", true, true}, /* not a glob: a backslash is a backslash */
                {"a\\b", "ab", false, false},
                {"config/**/*.toml", "config/x.toml", true, true},
                {"config/**/*.toml", "config/a/b/x.toml", true, true},
                {"config/**/*.toml", "config/a/x.tom", false, true},
                {"config/**/*.toml", "config", false, true},
                {"config/**/*.toml", "conf", false, false},
                {"config/**/*.toml", "", false, true},
                {"src/*", "src/dir/below/it", true, true}, /* a match covers all below */
                {"**/generated", "a/generated/x/y.c", true, true},
                {"[ab]/x", "a", false, true},
                {"[ab]/x", "c", false, false},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct lu_pattern *p;

                assert_int_equal(lu_pattern_new(rows[i].text, &p), 0);
                assert_string_equal(lu_pattern_text(p), rows[i].text);
                if (lu_pattern_match(p, rows[i].path) != rows[i].match)
                        fail_msg("%s against %s", rows[i].text, rows[i].path);
                if (lu_pattern_may_match_below(p, rows[i].path) != rows[i].may_match_below)
                        fail_msg("%s below %s", rows[i].text, rows[i].path);
                lu_pattern_free(p);
        }
        lu_pattern_free(NULL);
}

static void a_pattern_has_a_literal_prefix(void **state)
{
        static const struct {
                const char *text, *prefix;
        } rows[] = {
                {"src/a.c", "src/a.c"}, {"", ""},    {"src/**", "src"}, {"src/a*.c", "src"},
                {"a/b/c?/d", "a/b"},    {"*.c", ""}, {"**/x", ""},      {"src[ab]/x", ""},
                {"a/b\\*/c*", "a"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct lu_pattern *p;

                assert_int_equal(lu_pattern_new(rows[i].text, &p), 0);
                assert_string_equal(lu_pattern_literal_prefix(p), rows[i].prefix);
                lu_pattern_free(p);
        }
}

static void a_set_matches_when_one_of_it_does(void **state)
{
        struct lu_pattern_set set = {};

        assert_false(lu_pattern_set_match(&set, "a"));
        assert_int_equal(lu_pattern_set_add(&set, "package.json"), 0);
        assert_int_equal(lu_pattern_set_add(&set, "config/**/*.toml"), 0);
        assert_int_equal(lu_pattern_set_add(&set, "[x"), -EINVAL);
        assert_int_equal(lu_pattern_set_add(&set, "x*\\"), -EINVAL);
        assert_int_equal(set.n_items, 2);
        assert_true(lu_pattern_set_match(&set, "config/a.toml"));
        assert_true(lu_pattern_set_match(&set, "package.json"));
        assert_false(lu_pattern_set_match(&set, "config/a.yaml"));
        lu_pattern_set_done(&set);
        assert_int_equal(set.n_items, 0);
}

/* Any bytes: nothing is read or written where it should not be (run under the sanitizers). */
static void random_bytes_do_no_harm(void **state)
{
        static const char *const pieces[] = {"*",  "**", "?", "[", "]", "!",    "^", "-",
                                             "\\", "/",  "a", "b", ":", "\xff", ".", "[a-"};
        _cleanup_(str_done) struct str glob = {}, path = {};
        uint32_t seed = 7;
        size_t n_valid = 0;

        for (size_t i = 0; i < 200000; i++) {
                _cleanup_(freep) char *exact_glob = NULL, *exact_path = NULL;
                unsigned relation;

                random_text(&seed, WORDS(pieces), 12, &glob);
                random_text(&seed, WORDS(pieces), 12, &path);
                exact_glob = xstrdup(str_text(&glob));
                exact_path = xstrdup(str_text(&path));
                relation = lu_glob_relate(exact_glob, exact_path);
                if (lu_glob_valid(exact_glob)) {
                        _cleanup_(freep) char *literal = lu_glob_literal(exact_glob);

                        n_valid++;
                        if (relation & (LU_GLOB_SELF | LU_GLOB_ABOVE))
                                assert_non_null(strstr(exact_path, literal));
                }
                if (relation & LU_GLOB_ABOVE)
                        assert_int_equal(relation, LU_GLOB_ABOVE);
        }
        assert_in_range(n_valid, 1000, 199000);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_glob_matches_whole_paths),
                cmocka_unit_test(a_glob_relates_to_directories),
                cmocka_unit_test(some_globs_cannot_be_understood),
                cmocka_unit_test(globs_agree_with_fnmatch),
                cmocka_unit_test(hostile_globs_take_bounded_time),
                cmocka_unit_test(a_glob_has_a_longest_literal),
                cmocka_unit_test(a_pattern_is_a_path_or_a_glob),
                cmocka_unit_test(a_pattern_has_a_literal_prefix),
                cmocka_unit_test(a_set_matches_when_one_of_it_does),
                cmocka_unit_test(random_bytes_do_no_harm),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
