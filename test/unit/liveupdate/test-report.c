/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "liveupdate/report.h"

#define T "0123456789abcdef0123456789abcdef"

struct reader {
        struct str text;
        bool in_output;
};

static void on_event(void *userdata, const struct lu_report_event *e)
{
        static const char *const names[] = {
                [LU_REPORT_APPLIED] = "applied", [LU_REPORT_VOID] = "void",
                [LU_REPORT_FAIL] = "fail",       [LU_REPORT_RUN] = "run",
                [LU_REPORT_EXIT] = "exit",       [LU_REPORT_DONE] = "done",
        };
        struct reader *r = userdata;

        if (e->kind == LU_REPORT_OUTPUT) {
                assert_true(e->output.len > 0);
                str_append_bytes(&r->text, e->output.data, e->output.len);
                return;
        }
        str_appendf(&r->text, "<%s", names[e->kind]);
        if (e->kind == LU_REPORT_FAIL)
                str_appendf(&r->text, " %s %d", lu_phase_name(e->phase), e->code);
        if (e->kind == LU_REPORT_RUN)
                str_appendf(&r->text, " %zu", e->run);
        if (e->kind == LU_REPORT_EXIT)
                str_appendf(&r->text, " %zu %d%s", e->run, e->code, e->timed_out ? " late" : "");
        str_append_char(&r->text, '>');
}

static int feed(const char *text, size_t piece, struct reader *r)
{
        struct lu_report report;
        size_t len = strlen(text);
        int e = 0;

        lu_report_init(&report, T, on_event, r);
        for (size_t at = 0; at < len && e == 0; at += piece)
                e = lu_report_feed(&report, text + at, len - at < piece ? len - at : piece);
        lu_report_done(&report);
        return e;
}

static void a_session_is_understood_in_pieces_of_any_size(void **state)
{
        static const struct {
                const char *text, *events;
        } rows[] = {
                {T " applied\n" T " done\n", "<applied><done>"},
                {T " void\n", "<void>"},
                {T " fail remove 1\n", "<fail remove 1>"},
                {T " fail archive 127\n", "<fail archive 127>"},
                {T " applied\n" T " run 0\nhello\n" T " exit 0 0 0\n" T " done\n",
                 "<applied><run 0>hello\n<exit 0 0><done>"},
                {T " applied\n" T " run 0\nno newline" T " exit 0 3 0\n",
                 "<applied><run 0>no newline<exit 0 3>"},
                {T " applied\n" T " run 12\n" T " exit 12 137 1\n",
                 "<applied><run 12><exit 12 137 late>"},
                /* Beginnings of a token that are none. */
                {T " run 0\n0123456789abcdef0123456789abcde 012" T " exit 0 0 0\n",
                 "<run 0>0123456789abcdef0123456789abcde 012<exit 0 0>"},
                {T " run 0\n00000001" T " exit 0 0 0\n", "<run 0>00000001<exit 0 0>"},
                /* Outside of a run nothing is output. */
                {"motd\n" T " applied\nlate\n" T " done\nlater", "<applied><done>"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                for (size_t piece = 1; piece <= strlen(rows[i].text); piece++) {
                        _cleanup_(str_done) struct str text = {};
                        struct reader r = {};

                        assert_int_equal(feed(rows[i].text, piece, &r), 0);
                        assert_string_equal(str_text(&r.text), rows[i].events);
                        text = r.text;
                }
        }
}

static void a_record_that_makes_no_sense_is_an_error(void **state)
{
        static const char *const rows[] = {
                T "\n",
                T " \n",
                T " appliedx\n",
                T " exit 0\n",
                T " exit 0 0\n",
                T " exit 0 0 0x\n",
                T " run\n",
                T " run x\n",
                T " fail\n",
                T " fail sing 1\n",
                T " fail remove x\n",
                T "applied\n",
                T " done done\n",
                T " ............................................................................",
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct reader r = {};

                assert_int_equal(feed(rows[i], 1000, &r), -EPROTO);
                assert_string_equal(str_text(&r.text), "");
                str_done(&r.text);
        }
}

static void output_is_passed_on_before_the_record_comes(void **state)
{
        struct lu_report report;
        struct reader r = {};

        lu_report_init(&report, T, on_event, &r);
        assert_int_equal(lu_report_feed(&report, T " run 0\n", sizeof(T " run 0\n") - 1), 0);
        assert_int_equal(lu_report_feed(&report, "working", 7), 0);
        assert_string_equal(str_text(&r.text), "<run 0>working");
        assert_int_equal(lu_report_feed(&report, "0123", 4), 0);
        assert_string_equal(str_text(&r.text), "<run 0>working");
        assert_int_equal(lu_report_feed(&report, "x", 1), 0);
        assert_string_equal(str_text(&r.text), "<run 0>working0123x");
        lu_report_done(&report);
        str_done(&r.text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_session_is_understood_in_pieces_of_any_size),
                cmocka_unit_test(a_record_that_makes_no_sense_is_an_error),
                cmocka_unit_test(output_is_passed_on_before_the_record_comes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
