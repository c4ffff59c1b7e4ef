/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <string.h>

#include "kube/exec_result.h"

#define STATUS(text) \
        .end = KUBE_EXEC_END_STATUS, .status = {.data = (text), .len = sizeof(text) - 1}
#define UPGRADE_REQUIRED "400 Bad Request: Upgrade request required"

struct row {
        const char *name;
        struct kube_exec_facts facts;
        enum kube_exec_outcome outcome;
        bool retryable;
        int exit_code;
        const char *reason;
        const char *says; /* stands in the message; NULL: the message is empty */
};

static const struct row rows[] = {
        {"success",
         {STATUS("{\"metadata\":{},\"status\":\"Success\"}")},
         KUBE_EXEC_EXITED,
         false,
         0,
         "",
         NULL},
        {"success without metadata",
         {STATUS("{\"status\":\"Success\"}")},
         KUBE_EXEC_EXITED,
         false,
         0,
         "",
         NULL},
        {"an exit code",
         {STATUS("{\"status\":\"Failure\",\"reason\":\"NonZeroExitCode\",\"message\":\"m\","
                 "\"details\":{\"causes\":[{\"reason\":\"ExitCode\",\"message\":\"127\"}]}}")},
         KUBE_EXEC_EXITED,
         false,
         127,
         "NonZeroExitCode",
         "exited with code 127"},
        {"an exit code that is missing",
         {STATUS("{\"status\":\"Failure\",\"reason\":\"NonZeroExitCode\",\"message\":\"m\"}")},
         KUBE_EXEC_UNKNOWN,
         false,
         0,
         "NonZeroExitCode",
         "names no exit code"},
        {"an executable that is missing",
         {STATUS("{\"status\":\"Failure\",\"reason\":\"InternalError\",\"code\":500,"
                 "\"message\":\"exec failed: executable file not found\"}")},
         KUBE_EXEC_REFUSED,
         false,
         0,
         "InternalError",
         "executable file not found"},
        {"a failure that passes",
         {STATUS("{\"status\":\"Failure\",\"reason\":\"ServiceUnavailable\",\"code\":503,"
                 "\"message\":\"kubelet away\"}")},
         KUBE_EXEC_REFUSED,
         true,
         0,
         "ServiceUnavailable",
         "kubelet away"},
        {"a failure without a word",
         {STATUS("{\"status\":\"Failure\"}")},
         KUBE_EXEC_REFUSED,
         false,
         0,
         "",
         "without a reason"},
        {"a Status cut short",
         {STATUS("{\"status\":\"Suc")},
         KUBE_EXEC_UNKNOWN,
         false,
         0,
         "",
         "cannot be understood"},
        {"a channel 3 without JSON",
         {STATUS("command terminated")},
         KUBE_EXEC_UNKNOWN,
         false,
         0,
         "",
         "cannot be understood"},

        {"RBAC",
         {.end = KUBE_EXEC_END_UPGRADE,
          .http_status = 403,
          .diagnosis_status = 403,
          .diagnosis_reason = "Forbidden",
          .diagnosis_problem = "403 Forbidden: no pods/exec for you"},
         KUBE_EXEC_REFUSED,
         false,
         0,
         "Forbidden",
         "no pods/exec for you"},
        {"an empty 403",
         {.end = KUBE_EXEC_END_UPGRADE,
          .http_status = 403,
          .diagnosis_status = 400,
          .diagnosis_reason = "BadRequest",
          .diagnosis_problem = UPGRADE_REQUIRED},
         KUBE_EXEC_REFUSED,
         false,
         0,
         "",
         "v5.channel.k8s.io"},
        {"a pod that is gone",
         {.end = KUBE_EXEC_END_UPGRADE,
          .http_status = 404,
          .diagnosis_status = 404,
          .diagnosis_reason = "NotFound",
          .diagnosis_problem = "404 Not Found: pods \"a\" not found"},
         KUBE_EXEC_REFUSED,
         false,
         0,
         "NotFound",
         "pods \"a\" not found"},
        {"a container that is unknown",
         {.end = KUBE_EXEC_END_UPGRADE,
          .http_status = 400,
          .diagnosis_status = 400,
          .diagnosis_reason = "BadRequest",
          .diagnosis_problem = "400 Bad Request: container c is "
                               "not valid for pod p"},
         KUBE_EXEC_REFUSED,
         false,
         0,
         "BadRequest",
         "container c is not valid"},
        {"a 400 that is over",
         {.end = KUBE_EXEC_END_UPGRADE,
          .http_status = 400,
          .diagnosis_status = 400,
          .diagnosis_reason = "BadRequest",
          .diagnosis_problem = UPGRADE_REQUIRED},
         KUBE_EXEC_REFUSED,
         true,
         0,
         "",
         "HTTP 400"},
        {"a token that was refreshed",
         {.end = KUBE_EXEC_END_UPGRADE,
          .http_status = 401,
          .diagnosis_status = 400,
          .diagnosis_reason = "BadRequest",
          .diagnosis_problem = UPGRADE_REQUIRED},
         KUBE_EXEC_REFUSED,
         true,
         0,
         "",
         "HTTP 401"},
        {"a token that is wrong",
         {.end = KUBE_EXEC_END_UPGRADE,
          .http_status = 401,
          .diagnosis_status = 401,
          .diagnosis_reason = "Unauthorized",
          .diagnosis_problem = "401 Unauthorized: who are you"},
         KUBE_EXEC_REFUSED,
         false,
         0,
         "Unauthorized",
         "who are you"},
        {"a container that is starting",
         {.end = KUBE_EXEC_END_UPGRADE,
          .http_status = 500,
          .diagnosis_status = 400,
          .diagnosis_reason = "BadRequest",
          .diagnosis_problem = UPGRADE_REQUIRED},
         KUBE_EXEC_REFUSED,
         true,
         0,
         "",
         "may be starting or stopping"},
        {"too many requests",
         {.end = KUBE_EXEC_END_UPGRADE, .http_status = 429},
         KUBE_EXEC_REFUSED,
         true,
         0,
         "",
         "HTTP 429"},
        {"a proxy's page",
         {.end = KUBE_EXEC_END_UPGRADE,
          .http_status = 502,
          .diagnosis_status = 502,
          .diagnosis_reason = "",
          .diagnosis_problem = "502 Bad Gateway: <html>"},
         KUBE_EXEC_REFUSED,
         true,
         0,
         "",
         "502 Bad Gateway"},
        {"a redirect",
         {.end = KUBE_EXEC_END_UPGRADE, .http_status = 302},
         KUBE_EXEC_REFUSED,
         false,
         0,
         "",
         "redirect"},
        {"a refusal nobody can explain",
         {.end = KUBE_EXEC_END_UPGRADE, .http_status = 404},
         KUBE_EXEC_REFUSED,
         false,
         0,
         "",
         "HTTP 404"},

        {"another protocol",
         {.end = KUBE_EXEC_END_PROTOCOL},
         KUBE_EXEC_REFUSED,
         false,
         0,
         "",
         "chose neither"},
        {"no connection",
         {.end = KUBE_EXEC_END_UNREACHABLE, .detail = "Connection refused"},
         KUBE_EXEC_REFUSED,
         true,
         0,
         "",
         "Connection refused"},
        {"a certificate of somebody else",
         {.end = KUBE_EXEC_END_UNTRUSTED, .detail = "self-signed certificate"},
         KUBE_EXEC_REFUSED,
         false,
         0,
         "",
         "self-signed certificate"},
        {"not open in time",
         {.end = KUBE_EXEC_END_CONNECT_TIMEOUT, .timeout_ms = 30000},
         KUBE_EXEC_UNKNOWN,
         true,
         0,
         "",
         "no connection for 30.000 s"},
        {"silence",
         {.end = KUBE_EXEC_END_IDLE, .timeout_ms = 1500},
         KUBE_EXEC_UNKNOWN,
         true,
         0,
         "",
         "no byte moved for 1.500 s"},
        {"a cut",
         {.end = KUBE_EXEC_END_CUT, .detail = "Connection reset by peer"},
         KUBE_EXEC_UNKNOWN,
         true,
         0,
         "",
         "without a Status"},
        {"our own side",
         {.end = KUBE_EXEC_END_GAVE_UP, .detail = "standard input failed: EIO"},
         KUBE_EXEC_UNKNOWN,
         false,
         0,
         "",
         "standard input failed"},
        {"nonsense without detail",
         {.end = KUBE_EXEC_END_NONSENSE},
         KUBE_EXEC_UNKNOWN,
         false,
         0,
         "",
         "no further detail"},
};

static void check(const struct row *row)
{
        struct kube_exec_facts facts = row->facts;
        struct kube_exec_verdict v;

        facts.target = "shop/web/app";
        kube_exec_classify(&facts, &v);
        assert_int_equal(v.result.outcome, row->outcome);
        assert_int_equal(v.result.retryable, row->retryable);
        assert_int_equal(v.result.exit_code, row->exit_code);
        assert_int_equal(v.result.http_status, facts.http_status);
        assert_string_equal(v.result.reason, row->reason);
        if (row->says) {
                assert_non_null(strstr(v.result.message, row->says));
                assert_non_null(strstr(v.result.message, "shop/web/app"));
        } else {
                assert_string_equal(v.result.message, "");
        }
        kube_exec_verdict_done(&v);
}

static void every_end_has_its_meaning(void **state)
{
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                print_message("  %s\n", rows[i].name);
                check(&rows[i]);
        }
}

static void what_was_open_is_passed_on(void **state)
{
        const struct kube_exec_facts facts = {
                .end = KUBE_EXEC_END_CUT, .target = "t", .opened = true, .protocol = "v4"};
        const struct kube_exec_facts nothing = {.end = KUBE_EXEC_END_UNREACHABLE, .target = "t"};
        struct kube_exec_verdict v;

        kube_exec_classify(&facts, &v);
        assert_true(v.result.opened);
        assert_string_equal(v.result.protocol, "v4");
        kube_exec_verdict_done(&v);
        kube_exec_classify(&nothing, &v);
        assert_false(v.result.opened);
        assert_string_equal(v.result.protocol, "");
        kube_exec_verdict_done(&v);
}

static void a_status_is_complete_when_it_parses(void **state)
{
        assert_true(kube_exec_status_complete(view_of("{\"status\":\"Success\"}", 20)));
        assert_false(kube_exec_status_complete(view_of("{\"status\":\"Success\"", 19)));
        assert_false(kube_exec_status_complete(view_of("{}", 2)));
        assert_false(kube_exec_status_complete(view_of("", 0)));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_end_has_its_meaning),
                cmocka_unit_test(what_was_open_is_passed_on),
                cmocka_unit_test(a_status_is_complete_when_it_parses),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
