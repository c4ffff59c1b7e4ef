/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "kube/status.h"

static void statuses_are_read(void **state)
{
        static const struct {
                const char *text;
                struct {
                        bool success;
                        const char *reason, *message;
                        int code, exit_code;
                        bool rv_too_large;
                        unsigned retry_after_s;
                } s;
        } rows[] = {
                {"{\"metadata\":{},\"status\":\"Success\"}",
                 {.success = true, .reason = "", .message = "", .exit_code = -1}},
                {"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\","
                 "\"message\":\"no such pod\",\"reason\":\"NotFound\",\"code\":404}",
                 {.reason = "NotFound", .message = "no such pod", .code = 404, .exit_code = -1}},
                {"{\"status\":\"Failure\",\"reason\":\"NonZeroExitCode\",\"message\":\"m\","
                 "\"details\":{\"causes\":[{\"reason\":\"Other\",\"message\":\"9\"},"
                 "{\"reason\":\"ExitCode\",\"message\":\"127\"}]}}",
                 {.reason = "NonZeroExitCode", .message = "m", .exit_code = 127}},
                {"{\"status\":\"Failure\",\"code\":429,\"details\":{\"retryAfterSeconds\":7}}",
                 {.reason = "", .message = "", .code = 429, .exit_code = -1, .retry_after_s = 7}},
                {"{\"status\":\"Failure\",\"code\":504,\"reason\":\"Timeout\",\"details\":"
                 "{\"causes\":[{\"reason\":\"ResourceVersionTooLarge\",\"message\":\"x\"}]}}",
                 {.reason = "Timeout",
                  .message = "",
                  .code = 504,
                  .exit_code = -1,
                  .rv_too_large = true}},
                /* Fields of the wrong type or out of range count as absent. */
                {"{\"status\":\"Failure\",\"reason\":5,\"message\":null,\"code\":\"404\","
                 "\"details\":{\"retryAfterSeconds\":-3,\"causes\":[1,{\"reason\":\"ExitCode\","
                 "\"message\":\"-1\"},{\"reason\":\"ExitCode\",\"message\":\"99999999999\"}]}}",
                 {.reason = "", .message = "", .exit_code = -1}},
                {"{\"status\":\"Failure\",\"code\":99999999999}",
                 {.reason = "", .message = "", .exit_code = -1}},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(kube_status_done) struct kube_status s = {};

                assert_int_equal(kube_status_parse(rows[i].text, strlen(rows[i].text), &s), 0);
                assert_true(s.valid);
                assert_int_equal(s.success, rows[i].s.success);
                assert_string_equal(s.reason, rows[i].s.reason);
                assert_string_equal(s.message, rows[i].s.message);
                assert_int_equal(s.code, rows[i].s.code);
                assert_int_equal(s.exit_code, rows[i].s.exit_code);
                assert_int_equal(s.rv_too_large, rows[i].s.rv_too_large);
                assert_int_equal(s.retry_after_s, rows[i].s.retry_after_s);
        }
}

static void what_is_no_status_is_refused(void **state)
{
        static const char *const rows[] = {
                "",
                "{",
                "[]",
                "\"Success\"",
                "{}",
                "{\"status\":{\"phase\":\"Running\"}}",
                "{\"kind\":\"Pod\",\"status\":\"Failure\"}",
                "{\"status\":\"success\"}",
                "{\"status\":\"Failure\"} x",
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct kube_status s = {};

                assert_int_equal(kube_status_parse(rows[i], strlen(rows[i]), &s), -EINVAL);
                assert_false(s.valid);
        }
}

static void refusals_are_described_in_one_line(void **state)
{
        static const struct {
                int status;
                const char *body, *text;
        } rows[] = {
                {403, "{\"status\":\"Failure\",\"message\":\"pods is forbidden\"}",
                 "403 Forbidden: pods is forbidden"},
                {404, "404 page not found\n", "404 Not Found: 404 page not found"},
                {502, "<html>\n\033[31m", "502 Bad Gateway: <html>\\n\\x1b[31m"},
                {418, "", "418"},
                {500, "{\"status\":\"Failure\",\"message\":\"a\nb\"}",
                 "500 Internal Server Error: {\"status\":\"Failure\",\"message\":\"a\\nb\"}"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(freep) char *text =
                        kube_status_describe(rows[i].status, rows[i].body, strlen(rows[i].body));

                assert_string_equal(text, rows[i].text);
        }
}

static void a_long_body_is_cut(void **state)
{
        char body[1000];
        _cleanup_(freep) char *text = NULL;

        memset(body, 'x', sizeof(body));
        text = kube_status_describe(503, body, sizeof(body));
        assert_int_equal(strlen(text), strlen("503 Service Unavailable: ") + 300 + 3);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(statuses_are_read),
                cmocka_unit_test(what_is_no_status_is_refused),
                cmocka_unit_test(refusals_are_described_in_one_line),
                cmocka_unit_test(a_long_body_is_cut),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
