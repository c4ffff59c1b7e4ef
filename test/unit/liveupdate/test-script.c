/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <string.h>

#include "base/mem.h"
#include "liveupdate/script.h"

/* What shells make of it is shown in test/unit/controller/test-session.c. */

#define TOKEN "0123456789abcdef0123456789abcdef"

static void every_word_is_quoted(void **state)
{
        static const struct {
                const char *bytes, *quoted;
        } rows[] = {
                {"", "''"},
                {"plain", "'plain'"},
                {"it's", "'it'\\''s'"},
                {"''", "''\\'''\\'''"},
                {"$(x) `y` \\ \"\n", "'$(x) `y` \\ \"\n'"},
                {"\xff\x81", "'\xff\x81'"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(str_done) struct str out = {};

                lu_script_quote(&out, rows[i].bytes);
                assert_string_equal(str_text(&out), rows[i].quoted);
        }
}

static void the_bootstrap_fits_into_a_url(void **state)
{
        size_t encoded = 0;

        for (const char *p = LU_SCRIPT_BOOTSTRAP; *p; p++)
                encoded +=
                        strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~",
                               *p)
                                ? 1
                                : 3;
        assert_in_range(encoded, 1, 500);
}

static void a_short_command_is_a_line(void **state)
{
        _cleanup_(str_done) struct str out = {}, command = {};

        lu_script_begin(&command, LU_SCRIPT_REMOVE);
        lu_script_word(&command, "/a b");
        lu_script_word(&command, "-c");
        lu_script_command(&out, TOKEN, &command);
        assert_string_equal(str_text(&out), TOKEN " slu_D '/a b' '-c'\n");
        assert_int_equal(command.len, 0);
}

static void a_newline_makes_it_a_block_that_ends_with_the_token(void **state)
{
        _cleanup_(str_done) struct str out = {}, command = {};

        lu_script_begin(&command, LU_SCRIPT_MAKE_DIRECTORIES);
        lu_script_word(&command, "/a\nb");
        lu_script_command(&out, TOKEN, &command);
        assert_string_equal(str_text(&out), TOKEN " slu_E 46\nslu_K '/a\nb'\n#" TOKEN);
}

static void so_does_length(void **state)
{
        _cleanup_(str_done) struct str out = {}, command = {};
        _cleanup_(freep) char *word = xcalloc(1, 3001);

        memset(word, 'x', 3000);
        lu_script_begin(&command, LU_SCRIPT_REMOVE);
        lu_script_word(&command, word);
        lu_script_command(&out, TOKEN, &command);
        assert_true(starts_with(str_text(&out), TOKEN " slu_E 3042\nslu_D 'xxx"));
        assert_true(ends_with(str_text(&out), "xxx'\n#" TOKEN));
}

static void a_chunk_line_has_its_size_whatever_the_numbers(void **state)
{
        static const size_t rows[][2] = {{1, 1}, {65536, 128}, {999999999, 1}, {512, 100000}};

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char line[LU_SCRIPT_CHUNK_LINE + 1] = {};
                _cleanup_(freep) char *numbers = xasprintf(" %zu %zu\n", rows[i][0], rows[i][1]);

                lu_script_chunk(line, rows[i][0], rows[i][1]);
                assert_int_equal(strlen(line), LU_SCRIPT_CHUNK_LINE);
                assert_true(ends_with(line, numbers));
                assert_int_equal(strspn(line, " "), LU_SCRIPT_CHUNK_LINE - strlen(numbers) + 1);
        }
}

static void every_line_of_a_session_begins_with_the_token(void **state)
{
        struct lu_update_run run = {.command = (char *)"make", .timeout_seconds = 9};
        _cleanup_(str_done) struct str out = {};
        const char *line;

        lu_script_setup(&out, TOKEN, LU_SCRIPT_COMMANDS | LU_SCRIPT_ARCHIVE | LU_SCRIPT_RUNS);
        lu_script_sent(&out, TOKEN);
        lu_script_run(&out, TOKEN, 4, &run);
        lu_script_done(&out, TOKEN);
        for (line = str_text(&out); *line; line = strchr(line, '\n') + 1)
                assert_true(starts_with(line, TOKEN));
        assert_non_null(strstr(str_text(&out), "\n" TOKEN " slu_R 4 9 '/' sh -c 'make'\n"));
}

static void owners_count_only_when_there_are_some(void **state)
{
        _cleanup_(str_done) struct str with = {}, without = {};

        lu_script_extract(&without, TOKEN, &(struct lu_script_tar){});
        lu_script_extract(&with, TOKEN, &(struct lu_script_tar){.owners = true});
        assert_string_equal(str_text(&without), TOKEN " slu_X -x -m -p -o\n");
        assert_string_equal(str_text(&with), TOKEN " slu_X -x -m -p\n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_word_is_quoted),
                cmocka_unit_test(the_bootstrap_fits_into_a_url),
                cmocka_unit_test(a_short_command_is_a_line),
                cmocka_unit_test(a_newline_makes_it_a_block_that_ends_with_the_token),
                cmocka_unit_test(so_does_length),
                cmocka_unit_test(a_chunk_line_has_its_size_whatever_the_numbers),
                cmocka_unit_test(every_line_of_a_session_begins_with_the_token),
                cmocka_unit_test(owners_count_only_when_there_are_some),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
