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

static struct lu_update *one_of_each(void)
{
        struct lu_update *u = lu_update_new();

        make_file(fixture.workspace, "/a", "content");
        make_file(fixture.root, "/gone", "x");
        item(u, "/a", LU_KIND_FILE);
        item(u, "/gone", LU_KIND_ABSENT);
        lu_update_seal(u);
        return u;
}

static void a_missing_tool_is_named(void **state)
{
        static const struct {
                const char *tool, *events;
        } rows[] = {
                {"tar", "fail archive 127"},
                {"dd", "fail read 127"},
                {"rm", "fail remove 127"},
        };

        for (size_t i = 0; finds_tools_by_path() && i < ARRAY_SIZE(rows); i++) {
                _cleanup_(freep) char *path = tools_without(&fixture, rows[i].tool);

                run_with(one_of_each(), (struct session_options){.path = path}, rows[i].events);
        }
}

static void runs_without_files_need_neither_tar_nor_dd(void **state)
{
        static const char *const tools[] = {"tar", "dd", "rm", "setsid", "sleep"};

        for (size_t i = 0; finds_tools_by_path() && i < ARRAY_SIZE(tools); i++) {
                _cleanup_(freep) char *path = tools_without(&fixture, tools[i]);
                struct lu_update *u = lu_update_new();

                add_run(u, "echo fine", 10);
                run_with(u, (struct session_options){.path = path},
                         "applied run0 [fine\n] exit0=0 done");
        }
}

static void an_archive_that_cannot_be_unpacked_is_a_failure(void **state)
{
        struct lu_update *u = lu_update_new();
        _cleanup_(freep) char *events = NULL;

        make_file(fixture.workspace, "/file/inner", "x");
        make_bytes(fixture.workspace, "/large", 3000000, 1);
        make_file(fixture.root, "/file", "in the way");
        item(u, "/file/inner", LU_KIND_FILE);
        item(u, "/large", LU_KIND_FILE);
        add_run(u, "echo never", 10);
        lu_update_seal(u);
        events = session_run(&fixture, u, &(struct session_options){.flavour = flavour});
        assert_true(starts_with(events, "fail archive "));
        assert_true(strlen(session_stderr()) > 0);
        assert_int_equal(count_names(fixture.root, ".sluice-"), 0);
        lu_update_unref(u);
}

static void a_tar_that_gives_up_early_does_not_lose_its_place(void **state)
{
        _cleanup_(freep) char *path = tools_without(&fixture, "tar");
        struct lu_update *u = lu_update_new();

        if (finds_tools_by_path()) {
                make_file(path, "/tar", "#!/usr/bin/sh\nexit 2\n");
                make_executable(path, "/tar");
                make_bytes(fixture.workspace, "/large", 3000000, 1);
                item(u, "/large", LU_KIND_FILE);
                add_run(u, "echo never", 10);
                run_with(lu_update_ref(u), (struct session_options){.path = path},
                         "fail archive 2");
        }
        lu_update_unref(u);
}

static void a_removal_that_fails_is_a_failure(void **state)
{
        _cleanup_(freep) char *path = tools_without(&fixture, "rm");

        if (!finds_tools_by_path())
                return;
        make_file(path, "/rm", "#!/usr/bin/sh\nexit 1\n");
        make_executable(path, "/rm");
        run_with(one_of_each(), (struct session_options){.path = path}, "fail remove 1");
        expect("/a", "absent");
}

/* What stands in the stream is never executed, wherever it ends. */
static void a_stream_that_ends_early_is_never_reported_as_applied(void **state)
{
        struct lu_update *u = one_of_each();
        _cleanup_(freep) char *removed = xcalloc(1, 3000);
        size_t total, step;

        memset(removed, 'r', 200);
        make_bytes(fixture.workspace, "/large", 300000, 1);
        item(u, "/large", LU_KIND_FILE);
        for (unsigned i = 0; i < 40; i++) {
                snprintf(removed, 3000, "/removed-%0*d\nx", 100, i);
                item(u, removed, LU_KIND_ABSENT);
        }
        lu_update_seal(u);
        run_with(lu_update_ref(u), (struct session_options){}, "applied done");
        total = session_sent();

        for (size_t cut = 1; cut < total; cut += step) {
                struct session_options o = {.flavour = flavour, .cut = cut};
                _cleanup_(freep) char *events = session_run(&fixture, u, &o);

                if (strstr(events, "done") || (strstr(events, "applied") && cut + 100 < total))
                        fail_msg("%s: cut at %zu of %zu: %s", flavour->name, cut, total, events);
                /* Closely around the ends of the stream, coarsely in the content. */
                step = cut < 9000 || cut + 1200 > total ? 149 : 9973;
        }
        lu_update_unref(u);
}

/* ------------------------------------------------------------------ files that change */

static void append_once(void *userdata, size_t sent)
{
        bool *appended = userdata;
        _cleanup_(closep) int fd = -1;

        if (*appended || sent < 500000)
                return;
        *appended = true;
        fd = openat(fixture.workspace_fd, "large", O_WRONLY | O_APPEND | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, "more", 4), 4);
}

static void shorten_once(void *userdata, size_t sent)
{
        bool *shortened = userdata;
        _cleanup_(freep) char *path = xasprintf("%s/large", fixture.workspace);

        if (*shortened || sent < 500000)
                return;
        *shortened = true;
        assert_int_equal(truncate(path, 1000), 0);
}

static void a_file_that_changes_while_it_is_sent_makes_the_session_void(void **state)
{
        void (*const change[])(void *, size_t) = {append_once, shorten_once};

        for (size_t i = 0; i < ARRAY_SIZE(change); i++) {
                struct lu_update *u = lu_update_new();
                bool changed = false;

                make_bytes(fixture.workspace, "/large", 12000000, 1);
                make_file(fixture.root, "/large", "old");
                item(u, "/large", LU_KIND_FILE);
                add_run(u, "echo never", 10);
                run_with(u, (struct session_options){.at = change[i], .userdata = &changed},
                         "void");
                assert_true(changed);
                expect("/large", "file 644 old");
                assert_int_equal(count_names(fixture.root, ".sluice-"), 0);
        }
}

static void what_is_no_file_any_more_is_left_out(void **state)
{
        struct lu_update *u = lu_update_new();

        make_file(fixture.base, "/secret", "outside");
        make_symlink(fixture.workspace, "/became-link", "../secret");
        make_symlink(fixture.workspace, "/outside", "..");
        make_directory(fixture.workspace, "/became-directory");
        assert_int_equal(mkfifoat(fixture.workspace_fd, "became-fifo", 0600), 0);
        make_file(fixture.workspace, "/became-file", "x");
        make_file(fixture.workspace, "/fine", "fine");
        item(u, "/became-link", LU_KIND_FILE);
        item(u, "/outside/secret", LU_KIND_FILE);
        item(u, "/became-directory", LU_KIND_FILE);
        item(u, "/became-fifo", LU_KIND_FILE);
        item(u, "/became-file", LU_KIND_SYMLINK);
        item(u, "/vanished", LU_KIND_FILE);
        item(u, "/fine", LU_KIND_FILE);
        run(u, "applied done");
        assert_int_equal(count_names(fixture.root, ""), 1);
        expect("/fine", "file 644 fine");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SESSION_TEST(a_missing_tool_is_named),
                SESSION_TEST(runs_without_files_need_neither_tar_nor_dd),
                SESSION_TEST(an_archive_that_cannot_be_unpacked_is_a_failure),
                SESSION_TEST(a_tar_that_gives_up_early_does_not_lose_its_place),
                SESSION_TEST(a_removal_that_fails_is_a_failure),
                SESSION_TEST(a_stream_that_ends_early_is_never_reported_as_applied),
                SESSION_TEST(a_file_that_changes_while_it_is_sent_makes_the_session_void),
                SESSION_TEST(what_is_no_file_any_more_is_left_out),
        };
        int failed = 0;

        for (size_t i = 0; session_use_flavour(i); i++)
                if (flavour_exists(flavour))
                        failed += cmocka_run_group_tests_name(flavour->name, tests, NULL, NULL);
        return failed;
}
