/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "kube/base64.h"

static void bytes_come_back_as_they_went(void **state)
{
        unsigned char bytes[300];

        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (unsigned char)(i * 7);
        for (size_t len = 0; len <= sizeof(bytes); len++) {
                _cleanup_(str_done) struct str text = {}, back = {};

                base64_encode(&text, bytes, len);
                assert_int_equal(text.len, (len + 2) / 3 * 4);
                assert_int_equal(base64_decode(str_text(&text), &back), 0);
                assert_int_equal(back.len, len);
                assert_memory_equal(str_text(&back), bytes, len);
        }
}

static void the_examples_of_the_rfc_hold(void **state)
{
        static const char *const rows[][2] = {
                {"", ""},
                {"f", "Zg=="},
                {"mo", "bW8="},
                {"foo", "Zm9v"},
                {"foob", "Zm9vYg=="},
                {"fooba", "Zm9vYmE="},
                {"foobar", "Zm9vYmFy"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(str_done) struct str text = {}, back = {};

                base64_encode(&text, rows[i][0], strlen(rows[i][0]));
                assert_string_equal(str_text(&text), rows[i][1]);
                assert_int_equal(base64_decode(rows[i][1], &back), 0);
                assert_string_equal(str_text(&back), rows[i][0]);
        }
}

static void white_space_is_skipped(void **state)
{
        _cleanup_(str_done) struct str back = {};

        assert_int_equal(base64_decode(" Zm9v\n  Ym\r\n\tFy\n", &back), 0);
        assert_string_equal(str_text(&back), "foobar");
}

static void what_is_no_base64_is_refused_and_leaves_nothing(void **state)
{
        static const char *const rows[] = {
                "Zg",   "Zg=",  "Z===",  "Zg==Zg==", "Zm9v-w==", "=",
                "Zh==", "Zm9=", "Zm9vZ", "Zm9v!",    "Zg==x",    "Zm9vZm9\x80"};

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(str_done) struct str back = {};

                str_append(&back, "before");
                assert_int_equal(base64_decode(rows[i], &back), -EINVAL);
                assert_string_equal(str_text(&back), "before");
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(bytes_come_back_as_they_went),
                cmocka_unit_test(the_examples_of_the_rfc_hold),
                cmocka_unit_test(white_space_is_skipped),
                cmocka_unit_test(what_is_no_base64_is_refused_and_leaves_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
