/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>

#include "base/mem.h"
#include "base/path.h"

static void relative_paths_are_joined_and_cleaned(void **state)
{
        static const struct {
                const char *base, *path;
                int r;
                const char *joined;
        } rows[] = {
                {"", ".", 0, ""},
                {"", "./a//b/", 0, "a/b"},
                {"services/web", "../base", 0, "services/base"},
                {"services/web", "../..", 0, ""},
                {"services", "../..", -ERANGE, NULL},
                {"", "..", -ERANGE, NULL},
                {"", "a/../../b", -ERANGE, NULL},
                {"x", "/etc", -EINVAL, NULL},
                {"x", "..a/.b", 0, "x/..a/.b"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(freep) char *joined = NULL;

                assert_int_equal(path_join_clean(rows[i].base, rows[i].path, &joined), rows[i].r);
                if (rows[i].r == 0)
                        assert_string_equal(joined, rows[i].joined);
                else
                        assert_null(joined);
        }
}

static void absolute_paths_are_cleaned(void **state)
{
        char *clean;

        assert_int_equal(path_clean_absolute("/app//x/./", &clean), 0);
        assert_string_equal(clean, "/app/x");
        free(clean);
        assert_int_equal(path_clean_absolute("/", &clean), 0);
        assert_string_equal(clean, "/");
        free(clean);
        assert_int_equal(path_clean_absolute("app", &clean), -EINVAL);
        assert_int_equal(path_clean_absolute("/app/../x", &clean), -EINVAL);
}

static void containment_is_by_component(void **state)
{
        assert_true(path_is_below("a/b", "a"));
        assert_true(path_is_below("a", "a"));
        assert_true(path_is_below("a", ""));
        assert_false(path_is_below("ab", "a"));
        assert_false(path_is_below("a", "a/b"));
        assert_string_equal(path_below("a/b/c", "a"), "b/c");
        assert_string_equal(path_below("a", "a"), "");
        assert_string_equal(path_below("a/b", ""), "a/b");
        assert_string_equal(path_basename("a/b"), "b");
        assert_string_equal(path_basename("b"), "b");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(relative_paths_are_joined_and_cleaned),
                cmocka_unit_test(absolute_paths_are_cleaned),
                cmocka_unit_test(containment_is_by_component),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
