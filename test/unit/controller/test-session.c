/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/controller/session.h"

#include "test/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* Every test runs once per flavour. */
static struct fixture fixture;
static const struct flavour *flavour;

static int setup(void **state)
{
        fixture_init(&fixture);
        return 0;
}

static int teardown(void **state)
{
        fixture_done(&fixture);
        return 0;
}

static struct lu_update_item *item(struct lu_update *u, const char *path, enum lu_kind kind)
{
        return add_item(&fixture, u, path, kind);
}

static void expect(const char *path, const char *what)
{
        _cleanup_(freep) char *found = look(fixture.root, path);

        if (!streq(found, what))
                fail_msg("%s: %s is \"%s\", not \"%s\"; stderr: %s", flavour->name, path, found,
                         what, session_stderr());
}

static void run_with(struct lu_update *u, struct session_options o, const char *events)
{
        _cleanup_(freep) char *found = NULL;

        o.flavour = flavour;
        found = session_run(&fixture, u, &o);
        if (!streq(found, events))
                fail_msg("%s: \"%s\", not \"%s\"; stderr: %s", flavour->name, found, events,
                         session_stderr());
        lu_update_unref(u);
}

static void run(struct lu_update *u, const char *events)
{
        lu_update_seal(u);
        run_with(u, (struct session_options){}, events);
}

static bool finds_tools_by_path(void)
{
        return !flavour->tools || !streq(flavour->tools, "busybox");
}

static void files_links_directories_and_removals_arrive_in_one_session(void **state)
{
        struct lu_update *u = lu_update_new();

        make_file(fixture.workspace, "/app/one", "first");
        make_file(fixture.workspace, "/app/deep/er/two", "second");
        make_file(fixture.workspace, "/app/empty", "");
        make_file(fixture.workspace, "/app/tool", "#!");
        assert_int_equal(fchmodat(fixture.workspace_fd, "app/tool", 04755, 0), 0);
        make_symlink(fixture.workspace, "/app/link", "deep/er/two");
        make_directory(fixture.workspace, "/app/new");
        make_file(fixture.root, "/app/one", "old content that is longer");
        make_file(fixture.root, "/app/gone/with/all", "x");
        make_file(fixture.root, "/app/gone-file", "x");

        item(u, "/app/one", LU_KIND_FILE);
        item(u, "/app/deep/er/two", LU_KIND_FILE);
        item(u, "/app/empty", LU_KIND_FILE);
        item(u, "/app/tool", LU_KIND_FILE);
        item(u, "/app/link", LU_KIND_SYMLINK);
        item(u, "/app/new", LU_KIND_DIRECTORY);
        item(u, "/app/gone", LU_KIND_ABSENT);
        item(u, "/app/gone-file", LU_KIND_ABSENT);
        item(u, "/app/never/was", LU_KIND_ABSENT);
        run(u, "applied done");

        expect("/app/one", "file 644 first");
        expect("/app/deep/er/two", "file 644 second");
        expect("/app/empty", "file 644 ");
        expect("/app/tool", "file 755 #!");
        expect("/app/link", "link deep/er/two");
        expect("/app/new", "directory");
        expect("/app/gone", "absent");
        expect("/app/gone-file", "absent");
}

static void a_mode_and_an_owner_of_the_rules_count(void **state)
{
        struct lu_update *u = lu_update_new();
        struct lu_update_item *i;
        struct stat st;
        _cleanup_(freep) char *owned = in_root(&fixture, "/owned");
        _cleanup_(freep) char *directory = in_root(&fixture, "/directory");

        make_file(fixture.workspace, "/owned", "x");
        make_file(fixture.workspace, "/other", "y");
        make_directory(fixture.workspace, "/directory");
        i = item(u, "/owned", LU_KIND_FILE);
        i->has_mode = true;
        i->mode = 0620;
        i->has_owner = geteuid() == 0;
        i->uid = 1234;
        i->gid = 3000000;
        i = item(u, "/directory", LU_KIND_DIRECTORY);
        i->has_owner = geteuid() == 0;
        i->uid = i->gid = 1234;
        item(u, "/other", LU_KIND_FILE);
        run(u, "applied done");

        expect("/owned", "file 620 x");
        expect("/other", "file 644 y");
        if (geteuid() == 0) {
                assert_int_equal(stat(owned, &st), 0);
                assert_int_equal(st.st_uid, 1234);
                assert_int_equal(st.st_gid, 3000000);
                assert_int_equal(stat(directory, &st), 0);
                assert_int_equal(st.st_uid, 1234);
        }
}

static void what_became_something_else_is_replaced(void **state)
{
        struct lu_update *u = lu_update_new();

        make_file(fixture.root, "/a/inner", "x");
        make_file(fixture.root, "/b", "x");
        make_file(fixture.root, "/c/inner", "x");
        make_symlink(fixture.root, "/d", "a");
        make_file(fixture.root, "/kept/inner", "x");
        make_file(fixture.workspace, "/a", "now a file");
        make_file(fixture.workspace, "/b/inner", "now below");
        make_symlink(fixture.workspace, "/c", "b");
        make_file(fixture.workspace, "/d/inner", "was behind a link");
        make_directory(fixture.workspace, "/kept");

        item(u, "/a", LU_KIND_FILE)->flipped = true;
        item(u, "/a/inner", LU_KIND_ABSENT);
        item(u, "/b", LU_KIND_DIRECTORY)->flipped = true;
        item(u, "/b/inner", LU_KIND_FILE);
        item(u, "/c", LU_KIND_SYMLINK)->flipped = true;
        item(u, "/d", LU_KIND_DIRECTORY)->flipped = true;
        item(u, "/d/inner", LU_KIND_FILE);
        item(u, "/kept", LU_KIND_DIRECTORY)->flipped = true;
        run(u, "applied done");

        expect("/a", "file 644 now a file");
        expect("/b/inner", "file 644 now below");
        expect("/c", "link b");
        expect("/d", "directory");
        expect("/d/inner", "file 644 was behind a link");
        expect("/kept/inner", "file 644 x");
}

static void a_removal_below_what_is_a_file_already_is_no_failure(void **state)
{
        struct lu_update *u = lu_update_new();

        make_file(fixture.root, "/a", "x");
        make_symlink(fixture.root, "/dangling", "nowhere");
        item(u, "/a/inner", LU_KIND_ABSENT);
        item(u, "/dangling/inner", LU_KIND_ABSENT);
        item(u, "/dangling", LU_KIND_ABSENT);
        run(u, "applied done");
        expect("/a", "file 644 x");
        expect("/dangling", "absent");
}

static void the_careful_way_removes_what_stands_in_the_way(void **state)
{
        struct lu_update *u = lu_update_new();

        make_file(fixture.root, "/x/file/inner", "in the way");
        make_file(fixture.root, "/x/directory", "in the way");
        make_file(fixture.root, "/x/empty", "in the way");
        make_directory(fixture.root, "/elsewhere");
        make_symlink(fixture.root, "/through", "elsewhere");
        make_file(fixture.workspace, "/x/file", "1");
        make_file(fixture.workspace, "/x/directory/inner", "2");
        make_directory(fixture.workspace, "/x/empty");
        make_file(fixture.workspace, "/through/link", "3");

        item(u, "/x/file", LU_KIND_FILE);
        item(u, "/x/directory/inner", LU_KIND_FILE);
        item(u, "/x/empty", LU_KIND_DIRECTORY);
        item(u, "/through/link", LU_KIND_FILE);
        lu_update_seal(u);
        run_with(u, (struct session_options){.careful = true}, "applied done");

        expect("/x/file", "file 644 1");
        expect("/x/directory/inner", "file 644 2");
        expect("/x/empty", "directory");
        expect("/through", "link elsewhere");
        expect("/elsewhere/link", "file 644 3");
}

static void names_are_bytes(void **state)
{
        static const char *const names[] = {
                "/with space",
                "/trailing ",
                "/-rf",
                "/--",
                "/quo'te",
                "/dou\"ble",
                "/back\\slash",
                "/new\nline",
                "/\n",
                "/$HOME",
                "/`id`",
                "/$(id)",
                "/*",
                "/?",
                "/[a]",
                "/#",
                "/~",
                "/a;b",
                "/a&b",
                "/a|b",
                "/tab\there",
                "/cr\r",
                "/\xff\xfe",
                "/\x81\x82\x83\x84",
                "/\x85\x86\x87\x88",
                "/gr\xc3\xbc\xc3\x9f",
                "/\x01\x02\x7f",
                "/=",
                "/%s",
                "/!",
        };
        _cleanup_(freep) char *bytes = xcalloc(1, 256);
        struct lu_update *u = lu_update_new();
        struct lu_update *gone = lu_update_new();

        bytes[0] = '/';
        for (unsigned c = 1, n = 1; c < 256; c++)
                if (c != '/')
                        bytes[n++] = (char)c;
        for (size_t i = 0; i <= ARRAY_SIZE(names); i++) {
                const char *name = i < ARRAY_SIZE(names) ? names[i] : bytes;
                _cleanup_(freep) char *below = xasprintf("/in%s/directory%s", name, name);

                make_file(fixture.workspace, name, "1");
                item(u, name, LU_KIND_FILE);
                make_directory(fixture.workspace, below);
                item(u, below, LU_KIND_DIRECTORY);
                item(gone, name, LU_KIND_ABSENT);
                item(gone, below, LU_KIND_ABSENT);
        }
        run(u, "applied done");
        for (size_t i = 0; i <= ARRAY_SIZE(names); i++) {
                const char *name = i < ARRAY_SIZE(names) ? names[i] : bytes;
                _cleanup_(freep) char *below = xasprintf("/in%s/directory%s", name, name);

                expect(name, "file 644 1");
                expect(below, "directory");
        }
        run(gone, "applied done");
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                expect(names[i], "absent");
        expect(bytes, "absent");
}

static void long_names_and_targets_arrive_whole(void **state)
{
        _cleanup_(freep) char *component = xcalloc(1, 256);
        _cleanup_(freep) char *deep = NULL, *target = NULL, *expected = NULL;
        struct lu_update *u = lu_update_new();

        memset(component, 'n', 255);
        deep = xasprintf("/%s/%s/%s/f", component, component, component);
        target = xasprintf("%s/%s/target", component, component);
        make_file(fixture.workspace, deep, "deep");
        item(u, deep, LU_KIND_FILE);
        for (size_t len = 98; len <= 102; len++) {
                _cleanup_(freep) char *name = xasprintf("/%.*s", (int)len, component);

                make_file(fixture.workspace, name, "edge");
                item(u, name, LU_KIND_FILE);
        }
        make_symlink(fixture.workspace, "/link", target);
        item(u, "/link", LU_KIND_SYMLINK);
        run(u, "applied done");
        expect(deep, "file 644 deep");
        for (size_t len = 98; len <= 102; len++) {
                _cleanup_(freep) char *name = xasprintf("/%.*s", (int)len, component);

                expect(name, "file 644 edge");
        }
        expected = xasprintf("link %s", target);
        expect("/link", expected);
}

static void three_thousand_files_and_five_thousand_removals(void **state)
{
        struct lu_update *u = lu_update_new();

        for (unsigned i = 0; i < 8000; i++) {
                _cleanup_(freep) char *name = xasprintf("/many/%u/file-%u", i % 50, i);

                make_file(i < 3000 ? fixture.workspace : fixture.root, name, name);
                item(u, name, i < 3000 ? LU_KIND_FILE : LU_KIND_ABSENT);
        }
        run(u, "applied done");
        assert_int_equal(count_names(fixture.root, "file-"), 3000);
        assert_true(same_bytes(&fixture, "/many/49/file-2999", "/many/49/file-2999"));
}

static void sizes_around_every_limit_arrive_whole_in_pieces_of_any_size(void **state)
{
        static const size_t sizes[] = {511,    512,    513,    65535,  65536,   65537,
                                       262143, 262144, 262145, 327680, 8519680, 9000001};
        static const size_t pieces[] = {0, 4097, 509};

        for (size_t k = 0; k < ARRAY_SIZE(pieces); k++) {
                struct lu_update *u = lu_update_new();

                for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                        _cleanup_(freep) char *name = xasprintf("/size-%zu", sizes[i]);

                        make_bytes(fixture.workspace, name, sizes[i], (unsigned)(i + k));
                        item(u, name, LU_KIND_FILE);
                }
                lu_update_seal(u);
                run_with(u, (struct session_options){.piece = pieces[k]}, "applied done");
                for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                        _cleanup_(freep) char *name = xasprintf("/size-%zu", sizes[i]);

                        assert_true(same_bytes(&fixture, name, name));
                }
        }
        assert_int_equal(count_names(fixture.root, ".sluice-"), 0);
}

static void a_file_of_fifty_megabytes_arrives_whole(void **state)
{
        struct lu_update *u = lu_update_new();

        make_bytes(fixture.workspace, "/big", 50000000, 7);
        make_directory(fixture.root, "/elsewhere");
        make_symlink(fixture.root, "/big", "elsewhere");
        item(u, "/big", LU_KIND_FILE);
        run(u, "applied done");
        assert_true(same_bytes(&fixture, "/big", "/big"));
        expect("/elsewhere/big", "absent");
}

/* ------------------------------------------------------------------ runs */

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

/* ------------------------------------------------------------------ failures */

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

#define TEST(function)                                                         \
        {                                                                      \
                .name = #function, .test_func = function, .setup_func = setup, \
                .teardown_func = teardown                                      \
        }

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(files_links_directories_and_removals_arrive_in_one_session),
                TEST(a_mode_and_an_owner_of_the_rules_count),
                TEST(what_became_something_else_is_replaced),
                TEST(a_removal_below_what_is_a_file_already_is_no_failure),
                TEST(the_careful_way_removes_what_stands_in_the_way),
                TEST(names_are_bytes),
                TEST(long_names_and_targets_arrive_whole),
                TEST(three_thousand_files_and_five_thousand_removals),
                TEST(sizes_around_every_limit_arrive_whole_in_pieces_of_any_size),
                TEST(a_file_of_fifty_megabytes_arrives_whole),
                TEST(runs_come_in_order_with_their_output),
                TEST(a_run_that_fails_stops_the_rest_and_the_files_stay),
                TEST(an_argv_is_executed_as_it_is),
                TEST(a_long_command_is_executed_as_it_is),
                TEST(a_program_or_directory_that_is_missing_fails_the_run),
                TEST(a_run_that_takes_too_long_is_ended_with_its_children),
                TEST(a_run_that_ignores_term_is_killed),
                TEST(without_setsid_timeout_ends_a_run),
                TEST(a_run_may_leave_a_process_behind),
                TEST(a_run_can_be_interrupted),
                TEST(a_missing_tool_is_named),
                TEST(runs_without_files_need_neither_tar_nor_dd),
                TEST(an_archive_that_cannot_be_unpacked_is_a_failure),
                TEST(a_tar_that_gives_up_early_does_not_lose_its_place),
                TEST(a_removal_that_fails_is_a_failure),
                TEST(a_stream_that_ends_early_is_never_reported_as_applied),
                TEST(a_file_that_changes_while_it_is_sent_makes_the_session_void),
                TEST(what_is_no_file_any_more_is_left_out),
        };
        int failed = 0;

        for (size_t i = 0; i < n_flavours; i++) {
                flavour = &flavours[i];
                if (flavour_exists(flavour))
                        failed += cmocka_run_group_tests_name(flavour->name, tests, NULL, NULL);
        }
        return failed;
}
