/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>

#include "base/mem.h"
#include "base/str.h"

static void a_string_grows_to_its_limit_and_no_further(void **state)
{
        _cleanup_(str_done) struct str s = {.max = 5};

        str_append(&s, "abc");
        str_append(&s, "def");
        assert_true(s.overflow);
        assert_string_equal(str_text(&s), "abc");
        str_clear(&s);
        assert_false(s.overflow);
        str_appendf(&s, "%d", 12345);
        assert_false(s.overflow);
        assert_string_equal(str_text(&s), "12345");
        str_consume(&s, 2);
        assert_string_equal(str_text(&s), "345");
        str_consume(&s, 9);
        assert_string_equal(str_text(&s), "");
}

static void an_empty_string_needs_no_storage(void **state)
{
        struct str s = {};
        char *taken;

        assert_string_equal(str_text(&s), "");
        str_done(&s);
        taken = str_take(&s);
        assert_string_equal(taken, "");
        free(taken);
}

static void names_are_shown_on_one_line(void **state)
{
        static const struct {
                const char *bytes, *shown;
        } rows[] = {
                {"plain name", "plain name"},
                {"new\nline\ttab", "new\\nline\\ttab"},
                {"\xff\xfe", "\\xff\\xfe"},
                {"h\xc3\xa9", "h\xc3\xa9"},
                {"cut\xc3", "cut\\xc3"},
                {"\xed\xa0\x80", "\\xed\\xa0\\x80"}, /* a surrogate is no UTF-8 */
                {"\x1b[31m", "\\x1b[31m"},
                {"\x7f", "\\x7f"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(freep) char *shown = printable(rows[i].bytes);

                assert_string_equal(shown, rows[i].shown);
        }
        assert_true(utf8_valid("h\xc3\xa9", 3));
        assert_false(utf8_valid("h\xc3", 2));
}

static void numbers_are_read_strictly(void **state)
{
        uint64_t value = 7;

        assert_int_equal(parse_u64("0042", 100, &value), 0);
        assert_int_equal(value, 42);
        assert_int_equal(parse_u64("5s", 100, &value), -EINVAL);
        assert_int_equal(parse_u64("", 100, &value), -EINVAL);
        assert_int_equal(parse_u64("-1", 100, &value), -EINVAL);
        assert_int_equal(parse_u64("101", 100, &value), -ERANGE);
        assert_int_equal(parse_u64("99999999999999999999", UINT64_MAX, &value), -ERANGE);
        assert_int_equal(value, 42);
}

static void ends_are_compared(void **state)
{
        assert_true(starts_with("abc", "ab"));
        assert_false(starts_with("a", "ab"));
        assert_true(ends_with("abc", "bc"));
        assert_false(ends_with("c", "bc"));
        assert_true(streq(NULL, NULL));
        assert_false(streq("", NULL));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_string_grows_to_its_limit_and_no_further),
                cmocka_unit_test(an_empty_string_needs_no_storage),
                cmocka_unit_test(names_are_shown_on_one_line),
                cmocka_unit_test(numbers_are_read_strictly),
                cmocka_unit_test(ends_are_compared),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
