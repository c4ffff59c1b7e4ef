/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "kube/lines.h"

/* Feeds @text in pieces of @size and joins the lines with '|'. */
static char *split(struct lines *l, const char *text, size_t size)
{
        struct str out = {};
        size_t len = strlen(text);
        struct view line;

        for (size_t i = 0; i < len; i += size) {
                assert_int_equal(lines_push(l, text + i, len - i < size ? len - i : size), 0);
                while (lines_next(l, &line)) {
                        str_append_bytes(&out, line.data, line.len);
                        str_append_char(&out, '|');
                }
        }
        return str_take(&out);
}

static void pieces_of_any_size_give_the_same_lines(void **state)
{
        static const char text[] = "one\n\ntwo two\nthe third line is longer\nrest";

        for (size_t size = 1; size <= sizeof(text); size++) {
                _cleanup_(lines_done) struct lines l = {.max = 100};
                _cleanup_(freep) char *out = split(&l, text, size);

                assert_string_equal(out, "one||two two|the third line is longer|");
        }
}

static void lines_taken_late_are_all_there(void **state)
{
        _cleanup_(lines_done) struct lines l = {.max = 10};
        struct view line;

        lines_push(&l, "a\nb\nc", 5);
        assert_true(lines_next(&l, &line));
        lines_push(&l, "d\ne", 3);
        assert_true(lines_next(&l, &line));
        assert_memory_equal(line.data, "b", line.len);
        assert_true(lines_next(&l, &line));
        assert_int_equal(line.len, 2);
        assert_memory_equal(line.data, "cd", 2);
        assert_false(lines_next(&l, &line));
        assert_false(lines_next(&l, &line));
}

static void a_line_may_be_as_long_as_the_bound_and_no_longer(void **state)
{
        static const struct {
                const char *pieces[3];
                int r;
        } rows[] = {
                {{"12345\n"}, 0},
                {{"123456\n"}, -EMSGSIZE},
                {{"123", "45\n", "12345"}, 0},
                {{"1\n2", "2345", "6"}, -EMSGSIZE},
                {{"123456"}, -EMSGSIZE},
                {{"1\n2\n3\n4\n5\n6\n7\n8"}, 0},
                {{"1\n123456\n1"}, -EMSGSIZE},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(lines_done) struct lines l = {.max = 5};
                int r = 0;

                for (size_t k = 0; k < 3 && rows[i].pieces[k] && r == 0; k++)
                        r = lines_push(&l, rows[i].pieces[k], strlen(rows[i].pieces[k]));
                assert_int_equal(r, rows[i].r);
        }
}

static void after_a_reset_nothing_is_left(void **state)
{
        _cleanup_(lines_done) struct lines l = {.max = 5};
        struct view line;

        lines_push(&l, "a\nb", 3);
        lines_reset(&l);
        assert_false(lines_next(&l, &line));
        assert_int_equal(lines_push(&l, "c\n", 2), 0);
        assert_true(lines_next(&l, &line));
        assert_int_equal(line.len, 1);
        assert_int_equal(l.max, 5);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(pieces_of_any_size_give_the_same_lines),
                cmocka_unit_test(lines_taken_late_are_all_there),
                cmocka_unit_test(a_line_may_be_as_long_as_the_bound_and_no_longer),
                cmocka_unit_test(after_a_reset_nothing_is_left),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
