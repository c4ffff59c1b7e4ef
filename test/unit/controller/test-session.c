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

int main(void)
{
        const struct CMUnitTest tests[] = {
                SESSION_TEST(files_links_directories_and_removals_arrive_in_one_session),
                SESSION_TEST(a_mode_and_an_owner_of_the_rules_count),
                SESSION_TEST(what_became_something_else_is_replaced),
                SESSION_TEST(a_removal_below_what_is_a_file_already_is_no_failure),
                SESSION_TEST(the_careful_way_removes_what_stands_in_the_way),
                SESSION_TEST(names_are_bytes),
                SESSION_TEST(long_names_and_targets_arrive_whole),
                SESSION_TEST(three_thousand_files_and_five_thousand_removals),
                SESSION_TEST(sizes_around_every_limit_arrive_whole_in_pieces_of_any_size),
                SESSION_TEST(a_file_of_fifty_megabytes_arrives_whole),
        };
        int failed = 0;

        for (size_t i = 0; session_use_flavour(i); i++)
                if (flavour_exists(flavour))
                        failed += cmocka_run_group_tests_name(flavour->name, tests, NULL, NULL);
        return failed;
}
