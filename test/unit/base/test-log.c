/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <fcntl.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

/* What one call of @log writes to standard error. */
static char *captured(void (*log)(void))
{
        int saved = dup(STDERR_FILENO), ends[2];
        char buffer[1024];
        ssize_t n;

        assert_int_equal(pipe(ends), 0);
        dup2(ends[1], STDERR_FILENO);
        close(ends[1]);
        log();
        dup2(saved, STDERR_FILENO);
        close(saved);
        n = read(ends[0], buffer, sizeof(buffer));
        close(ends[0]);
        assert_true(n >= 0);
        return xstrndup(buffer, (size_t)n);
}

static void one_record(void)
{
        log_info("copied \"a\"\n", LOG_S("path", "x\ny\xff"), LOG_U("n", 3));
}

static void one_debug_record(void)
{
        log_debug("hidden");
        log_error("shown");
}

static void a_record_stays_on_its_line(void **state)
{
        log_setup(LOG_INFO, LOG_TEXT);
        _cleanup_(freep) char *text = captured(one_record);
        assert_non_null(strstr(text, "copied \"a\"\\n  path=x\\ny\\xff  n=3\n"));

        log_setup(LOG_INFO, LOG_JSON);
        _cleanup_(freep) char *json = captured(one_record);
        assert_non_null(strstr(json, "\"level\":\"info\",\"msg\":\"copied \\\"a\\\"\\\\n\","
                                     "\"path\":\"x\\\\ny\\\\xff\",\"n\":3}\n"));
}

static void the_level_is_kept(void **state)
{
        log_setup(LOG_INFO, LOG_TEXT);
        _cleanup_(freep) char *text = captured(one_debug_record);
        assert_null(strstr(text, "hidden"));
        assert_non_null(strstr(text, "shown"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_record_stays_on_its_line),
                cmocka_unit_test(the_level_is_kept),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
