/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/controller/session-case.h"

#include "test/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static void runs_come_in_order_with_their_output(void **state)
{
        struct lu_update *u = lu_update_new();

        make_file(fixture.workspace, "/a", "content");
        item(u, "/a", LU_KIND_FILE);
        add_run(u, "echo one; echo two >&2", 10);
        add_run(u, "printf 'no newline'", 10);
        add_run(u, "true", 10);
        add_run(u, "cat; pwd; echo \"$0 $#\"", 10);
        run(u, "applied run0 [one\ntwo\n] exit0=0 run1 [no newline] exit1=0 run2 exit2=0 "
               "run3 [/\nsh 0\n] exit3=0 done");
}

static void a_run_that_fails_stops_the_rest_and_the_files_stay(void **state)
{
        struct lu_update *u = lu_update_new();

        make_file(fixture.workspace, "/a", "content");
        item(u, "/a", LU_KIND_FILE);
        add_run(u, "echo broken; exit 3", 10);
        add_run(u, "echo never", 10);
        run(u, "applied run0 [broken\n] exit0=3");
        expect("/a", "file 644 content");
}

static void an_argv_is_executed_as_it_is(void **state)
{
        struct lu_update *u = lu_update_new();

        add_run(u, "", 10);
        free(take_ptr(u->runs[0].command));
        strv_push(&u->runs[0].args, "printf");
        strv_push(&u->runs[0].args, "<%s>");
        strv_push(&u->runs[0].args, "it's $HOME");
        strv_push(&u->runs[0].args, "");
        strv_push(&u->runs[0].args, "two\nlines");
        run(u, "applied run0 [<it's $HOME><><two\nlines>] exit0=0 done");
}

static void a_long_command_is_executed_as_it_is(void **state)
{
        _cleanup_(str_done) struct str command = {};
        struct lu_update *u = lu_update_new();

        str_append(&command, ": '");
        for (unsigned i = 0; i < 10000; i++)
                str_append(&command, "long\n");
        str_append(&command, "'; echo it\\'s over");
        add_run(u, str_text(&command), 10);
        run(u, "applied run0 [it's over\n] exit0=0 done");
}

static void a_program_or_directory_that_is_missing_fails_the_run(void **state)
{
        struct lu_update *u = lu_update_new();
        _cleanup_(freep) char *events = NULL;

        add_run(u, "no-such-program-anywhere", 10);
        events = session_run(&fixture, u, &(struct session_options){.flavour = flavour});
        assert_true(starts_with(events, "applied run0 ["));
        assert_true(ends_with(events, "] exit0=127"));
        assert_non_null(strstr(events, "no-such-program-anywhere"));
        lu_update_unref(u);

        free(take_ptr(events));
        u = lu_update_new();
        add_run(u, "echo never", 10);
        free(u->runs[0].working_dir);
        u->runs[0].working_dir = xstrdup("/no/such/directory");
        events = session_run(&fixture, u, &(struct session_options){.flavour = flavour});
        assert_true(starts_with(events, "applied run0 ["));
        assert_null(strstr(events, "never"));
        assert_null(strstr(events, "exit0=0"));
        lu_update_unref(u);
}

/* The session's output ends when nobody holds it any more: the children are gone as well. */
static void a_run_that_takes_too_long_is_ended_with_its_children(void **state)
{
        struct lu_update *u = lu_update_new();

        add_run(u, "sleep 777 & echo started; sleep 777", 1);
        add_run(u, "echo never", 1);
        run(u, "applied run0 [started\n] exit0=137 timed out");
}

/* Five seconds each: once per kind of shell. */
static void a_run_that_ignores_term_is_killed(void **state)
{
        struct lu_update *u;

        if (flavour != &flavours[0] && finds_tools_by_path())
                return;
        u = lu_update_new();
        add_run(u, "trap '' TERM; while :; do sleep 1; done", 1);
        run(u, "applied run0 exit0=137 timed out");
}

static void without_setsid_timeout_ends_a_run(void **state)
{
        _cleanup_(freep) char *path = tools_without(&fixture, "setsid");
        struct lu_update *u = lu_update_new();

        if (finds_tools_by_path()) {
                add_run(u, "exec sleep 777", 1);
                run_with(lu_update_ref(u), (struct session_options){.path = path},
                         "applied run0 exit0=124 timed out");
        }
        lu_update_unref(u);
}

static void a_run_may_leave_a_process_behind(void **state)
{
        struct lu_update *u = lu_update_new();
        _cleanup_(freep) char *script =
                xasprintf("sleep 777 >/dev/null 2>&1 & echo $! >%s/pid", fixture.root);
        _cleanup_(freep) char *found = NULL;
        int pid;

        add_run(u, script, 100);
        run(u, "applied run0 exit0=0 done");
        found = look(fixture.root, "/pid");
        assert_int_equal(sscanf(found, "file %*o %d", &pid), 1);
        assert_int_equal(kill(pid, SIGKILL), 0);
}

static void a_run_can_be_interrupted(void **state)
{
        struct lu_update *u = lu_update_new();

        add_run(u, "trap 'echo interrupted; exit 9' INT; kill -INT $$; echo ignored", 10);
        run(u, "applied run0 [interrupted\n] exit0=9");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SESSION_TEST(runs_come_in_order_with_their_output),
                SESSION_TEST(a_run_that_fails_stops_the_rest_and_the_files_stay),
                SESSION_TEST(an_argv_is_executed_as_it_is),
                SESSION_TEST(a_long_command_is_executed_as_it_is),
                SESSION_TEST(a_program_or_directory_that_is_missing_fails_the_run),
                SESSION_TEST(a_run_that_takes_too_long_is_ended_with_its_children),
                SESSION_TEST(a_run_that_ignores_term_is_killed),
                SESSION_TEST(without_setsid_timeout_ends_a_run),
                SESSION_TEST(a_run_may_leave_a_process_behind),
                SESSION_TEST(a_run_can_be_interrupted),
        };
        int failed = 0;

        for (size_t i = 0; session_use_flavour(i); i++)
                if (flavour_exists(flavour))
                        failed += cmocka_run_group_tests_name(flavour->name, tests, NULL, NULL);
        return failed;
}
