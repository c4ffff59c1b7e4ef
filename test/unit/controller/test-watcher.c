/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "test/unit/controller/watched.h"

/* What people and programs do to a working tree, and what the watcher makes of it. */

static void the_first_scan_finds_what_is_wanted(void **state)
{
        struct watched f;

        watched_init(&f);
        watched_mkdir(&f, "a");
        watched_put(&f, "a/file", "x");
        watched_mkdir(&f, "ignored");
        watched_put(&f, "ignored/file", "x");
        watched_mkdir(&f, ".git");
        watched_put(&f, ".git/config", "x");
        watched_start(&f);
        assert_int_equal(lu_changes_revision(f.changes), 0);
        assert_true(is_file(&f, "a/file"));
        assert_true(is_directory(&f, "a"));
        assert_int_equal(watcher_n_files(f.watcher), 2);
        /* The workspace, a, .git and what is above. */
        assert_int_equal(watcher_n_watches(f.watcher), 4);
        assert_false(f.asked_unseen);
        assert_int_equal(f.n_told[WATCHER_CHANGED], 0);
        watched_done(&f);
}

static void files_are_made_written_renamed_and_removed(void **state)
{
        struct watched f;
        uint64_t revision;

        watched_init(&f);
        watched_put(&f, "old", "1");
        watched_start(&f);
        watched_put(&f, "new", "1");
        wait_for(&f, is_file, "new");
        watched_put(&f, "old", "0123456789");
        wait_for(&f, has_ten_bytes, "old");
        assert_true(f.n_told[WATCHER_CHANGED] > 0);
        watched_move(&f, "old", "other");
        wait_for(&f, is_file, "other");
        assert_true(is_gone(&f, "old"));
        watched_drop(&f, "other");
        wait_for(&f, is_gone, "other");
        watched_put(&f, "temporary", "0123456789");
        watched_move(&f, "temporary", "new");
        wait_for(&f, has_ten_bytes, "new");
        assert_false(lu_changes_find(f.changes, "new")->flipped);
        watched_catch_up(&f);
        revision = lu_changes_revision(f.changes);
        watched_catch_up(&f);
        assert_int_equal(lu_changes_revision(f.changes), revision + 1);
        watched_done(&f);
}

static void permissions_count_and_an_unchanged_stat_does_not(void **state)
{
        struct watched f;
        _cleanup_(freep) char *path = NULL;
        uint64_t revision;

        watched_init(&f);
        watched_put(&f, "file", "x");
        watched_start(&f);
        path = watched_path(&f, "file");
        assert_int_equal(chmod(path, 0755), 0);
        wait_for(&f, is_changed, "file");
        assert_int_equal(lu_changes_find(f.changes, "file")->facts.mode, 0755);
        revision = revision_of(&f, "file");
        assert_int_equal(chmod(path, 0755), 0);
        assert_int_equal(chown(path, getuid(), getgid()), 0);
        close(open(path, O_WRONLY | O_CLOEXEC));
        watched_catch_up(&f);
        assert_int_equal(revision_of(&f, "file"), revision);
        watched_done(&f);
}

static void nothing_falls_between_new_directories(void **state)
{
        struct watched f;
        char path[64];

        watched_init(&f);
        watched_start(&f);
        for (int i = 0; i < 200; i++) {
                snprintf(path, sizeof(path), "a%d", i);
                watched_mkdir(&f, path);
                snprintf(path, sizeof(path), "a%d/b", i);
                watched_mkdir(&f, path);
                if (i % 3 == 0)
                        uv_run(&f.loop, UV_RUN_NOWAIT);
                snprintf(path, sizeof(path), "a%d/b/c", i);
                watched_mkdir(&f, path);
                if (i % 5 == 0)
                        uv_run(&f.loop, UV_RUN_NOWAIT);
                snprintf(path, sizeof(path), "a%d/b/c/file", i);
                watched_put(&f, path, "x");
        }
        watched_catch_up(&f);
        for (int i = 0; i < 200; i++) {
                snprintf(path, sizeof(path), "a%d/b/c/file", i);
                wait_for(&f, is_file, path);
                /* And each of them is watched. */
                watched_put(&f, path, "0123456789");
        }
        for (int i = 0; i < 200; i++) {
                snprintf(path, sizeof(path), "a%d/b/c/file", i);
                wait_for(&f, has_ten_bytes, path);
        }
        watched_done(&f);
}

static void a_directory_moves_in_and_out(void **state)
{
        struct watched f;
        size_t n_watches;

        watched_init(&f);
        watched_start(&f);
        n_watches = watcher_n_watches(f.watcher);
        watched_mkdir(&f, "../out");
        watched_mkdir(&f, "../out/sub");
        watched_mkdir(&f, "../out/ignored");
        watched_put(&f, "../out/sub/file", "x");
        watched_put(&f, "../out/ignored/file", "x");
        next_tick();
        watched_move(&f, "../out", "in");
        wait_for(&f, is_file, "in/sub/file");
        assert_false(f.asked_unseen);
        assert_null(lu_changes_find(f.changes, "in/ignored/file"));
        assert_int_equal(watcher_n_watches(f.watcher), n_watches + 2);
        /* The file is older than its arrival here, and what counts is the arrival. */
        assert_true(lu_changes_find(f.changes, "in/sub/file")->time >
                    lu_changes_find(f.changes, "in/sub/file")->facts.mtime);

        watched_move(&f, "in", "../out");
        wait_for(&f, is_gone, "in/sub/file");
        assert_true(is_gone(&f, "in"));
        assert_int_equal(watcher_n_watches(f.watcher), n_watches);
        watched_put(&f, "../out/sub/late", "x");
        watched_catch_up(&f);
        assert_null(lu_changes_find(f.changes, "in/sub/late"));
        watched_done(&f);
}

static void a_directory_is_renamed_within(void **state)
{
        struct watched f;

        watched_init(&f);
        watched_mkdir(&f, "a");
        watched_mkdir(&f, "a/sub");
        watched_put(&f, "a/sub/file", "x");
        watched_start(&f);
        watched_move(&f, "a", "b");
        wait_for(&f, is_file, "b/sub/file");
        assert_true(is_gone(&f, "a/sub/file"));
        watched_put(&f, "b/sub/file", "0123456789");
        wait_for(&f, has_ten_bytes, "b/sub/file");
        assert_true(is_gone(&f, "a/sub/file"));

        /* There, back, and replaced, all before anybody looks. */
        watched_move(&f, "b", "c");
        watched_move(&f, "c", "b");
        watched_move(&f, "b", "d");
        watched_mkdir(&f, "b");
        watched_put(&f, "b/other", "x");
        watched_catch_up(&f);
        wait_for(&f, is_file, "b/other");
        assert_true(is_gone(&f, "b/sub/file"));
        assert_true(is_file(&f, "d/sub/file"));
        watched_put(&f, "d/sub/file", "");
        watched_put(&f, "b/other", "0123456789");
        wait_for(&f, has_ten_bytes, "b/other");
        watched_catch_up(&f);
        assert_int_equal(lu_changes_find(f.changes, "d/sub/file")->facts.size, 0);
        watched_done(&f);
}

/* The new place is looked at before the old one: its name was in the queue first. */
static void a_directory_takes_the_place_of_a_file(void **state)
{
        struct watched f;

        watched_init(&f);
        watched_mkdir(&f, "dir");
        watched_put(&f, "dir/file", "x");
        watched_start(&f);
        watched_put(&f, "place", "x");
        watched_drop(&f, "place");
        watched_move(&f, "dir", "place");
        wait_for(&f, is_file, "place/file");
        watched_catch_up(&f);
        assert_true(is_gone(&f, "dir/file"));
        watched_put(&f, "place/file", "0123456789");
        wait_for(&f, has_ten_bytes, "place/file");
        watched_done(&f);
}

static void kinds_change(void **state)
{
        struct watched f;

        watched_init(&f);
        watched_mkdir(&f, "x");
        watched_put(&f, "x/file", "1");
        watched_put(&f, "y", "1");
        watched_start(&f);
        watched_drop(&f, "x");
        watched_put(&f, "x", "1");
        watched_drop(&f, "y");
        watched_mkdir(&f, "y");
        watched_put(&f, "y/file", "1");
        wait_for(&f, is_file, "y/file");
        wait_for(&f, is_file, "x");
        assert_true(lu_changes_find(f.changes, "x")->flipped);
        assert_true(lu_changes_find(f.changes, "y")->flipped);
        assert_true(is_gone(&f, "x/file"));
        watched_done(&f);
}

static void symlinks_are_seen_and_not_followed(void **state)
{
        struct watched f;
        _cleanup_(freep) char *link = NULL;
        uint64_t inode;

        watched_init(&f);
        watched_mkdir(&f, "../outside");
        watched_put(&f, "../outside/secret", "x");
        watched_start(&f);
        link = watched_path(&f, "link");
        assert_int_equal(symlink("../outside", link), 0);
        wait_for(&f, is_symlink, "link");
        inode = lu_changes_find(f.changes, "link")->facts.inode;
        assert_int_equal(unlink(link), 0);
        watched_put(&f, "takes-the-inode", "");
        assert_int_equal(symlink("../elsewhere", link), 0);
        watched_catch_up(&f);
        assert_true(is_symlink(&f, "link"));
        assert_true(inode != lu_changes_find(f.changes, "link")->facts.inode);
        watched_put(&f, "../outside/secret", "xx");
        watched_catch_up(&f);
        assert_null(lu_changes_find(f.changes, "link/secret"));
        watched_done(&f);
}

static void only_files_directories_and_symlinks_are_observed(void **state)
{
        struct watched f;
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        _cleanup_(freep) char *fifo = NULL;
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        watched_init(&f);
        fifo = watched_path(&f, "early-fifo");
        assert_int_equal(mkfifo(fifo, 0600), 0);
        watched_start(&f);
        snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", f.workspace);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        free(fifo);
        fifo = watched_path(&f, "fifo");
        assert_int_equal(mkfifo(fifo, 0600), 0);
        watched_catch_up(&f);
        assert_null(lu_changes_find(f.changes, "socket"));
        assert_null(lu_changes_find(f.changes, "fifo"));
        assert_null(lu_changes_find(f.changes, "early-fifo"));
        assert_int_equal(watcher_n_files(f.watcher), 1);
        close(fd);
        watched_done(&f);
}

static void names_are_bytes(void **state)
{
        static const char *const names[] = {"new\nline", "\xff\xfe", "-rf", "a b", "'\"", "\\n"};
        struct watched f;

        watched_init(&f);
        watched_put(&f, "there\n\xff", "x");
        watched_mkdir(&f, "dir\n\xfe");
        watched_start(&f);
        assert_true(is_file(&f, "there\n\xff"));
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                _cleanup_(freep) char *path = path_join("dir\n\xfe", names[i]);

                watched_put(&f, path, "x");
                wait_for(&f, is_file, path);
        }
        watched_done(&f);
}

static void a_file_being_written_holds_the_window(void **state)
{
        struct watched f;
        _cleanup_(freep) char *path = NULL;
        int fd;

        watched_init(&f);
        watched_start(&f);
        path = watched_path(&f, "file");
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        assert_int_equal(write(fd, "x", 1), 1);
        wait_for(&f, settles_open, "file");
        assert_int_equal(write(fd, "123456789", 9), 9);
        wait_for(&f, has_ten_bytes, "file");
        assert_int_equal(watcher_settle(f.watcher)->n_open, 1);
        assert_int_equal(watcher_settle(f.watcher)->n_events, 1);
        close(fd);
        wait_for(&f, settles_closed, "file");
        assert_int_equal(watcher_settle(f.watcher)->n_events, 1);
        assert_int_equal(watcher_settle_until(f.watcher, true), 0);
        watcher_flush(f.watcher);
        assert_int_equal(watcher_settle(f.watcher)->n_events, 0);

        /* Closed and opened again before anybody looked. */
        watched_put(&f, "file", "x");
        fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
        assert_int_equal(write(fd, "123456789", 9), 9);
        wait_for(&f, settles_open, "file");
        close(fd);
        wait_for(&f, settles_closed, "file");
        watcher_flush(f.watcher);

        /* A hard link, a symlink, a directory and a removal are complete by themselves. */
        free(path);
        path = watched_path(&f, "second");
        {
                _cleanup_(freep) char *first = watched_path(&f, "file");

                assert_int_equal(link(first, path), 0);
        }
        wait_for(&f, is_file, "second");
        assert_int_equal(watcher_settle(f.watcher)->n_open, 0);
        watched_drop(&f, "second");
        wait_for(&f, is_gone, "second");
        assert_int_equal(watcher_settle(f.watcher)->n_open, 0);
        assert_int_equal(watcher_settle(f.watcher)->n_events, 2);
        watched_done(&f);
}

static void what_nobody_wants_does_not_move_the_window(void **state)
{
        struct watched f;

        watched_init(&f);
        f.root = "src";
        watched_mkdir(&f, "src");
        watched_start(&f);
        watched_put(&f, "outside", "x");
        watched_put(&f, "src/ignored", "x");
        watched_mkdir(&f, "other");
        watched_put(&f, "other/file", "x");
        watched_catch_up(&f);
        /* The cookie, and its directory's nothing. */
        assert_int_equal(lu_changes_revision(f.changes), 1);
        assert_int_equal(watcher_settle(f.watcher)->n_events, 1);
        watched_done(&f);
}

static void git_lock_is_followed(void **state)
{
        struct watched f;

        watched_init(&f);
        watched_start(&f);
        watched_mkdir(&f, ".git");
        watched_put(&f, ".git/index.lock", "");
        wait_for(&f, git_holds, ".git/index.lock");
        watched_move(&f, ".git/index.lock", ".git/index");
        wait_for(&f, git_lets_go, ".git/index.lock");
        watched_put(&f, ".git/index.lock", "");
        wait_for(&f, git_holds, ".git/index.lock");
        watched_drop(&f, ".git");
        wait_for(&f, git_lets_go, ".git/index.lock");
        watched_mkdir(&f, ".git");
        watched_put(&f, ".git/index.lock", "");
        wait_for(&f, git_holds, ".git/index.lock");
        assert_null(lu_changes_find(f.changes, ".git"));
        assert_true(f.n_told[WATCHER_CHANGED] >= 4);
        watched_done(&f);
}

static void thousands_of_deletions(void **state)
{
        struct watched f;
        char path[32];

        watched_init(&f);
        watched_mkdir(&f, "d");
        for (int i = 0; i < 5000; i++) {
                snprintf(path, sizeof(path), "d/%d", i);
                watched_put(&f, path, "");
        }
        watched_start(&f);
        assert_int_equal(watcher_n_files(f.watcher), 5001);
        watched_drop(&f, "d");
        wait_for(&f, is_gone, "d");
        assert_int_equal(watcher_n_files(f.watcher), 0);
        assert_int_equal(lu_changes_revision(f.changes), 5001);
        assert_true(watcher_settle(f.watcher)->n_events >= 5000);
        watched_done(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_first_scan_finds_what_is_wanted),
                cmocka_unit_test(files_are_made_written_renamed_and_removed),
                cmocka_unit_test(permissions_count_and_an_unchanged_stat_does_not),
                cmocka_unit_test(nothing_falls_between_new_directories),
                cmocka_unit_test(a_directory_moves_in_and_out),
                cmocka_unit_test(a_directory_is_renamed_within),
                cmocka_unit_test(a_directory_takes_the_place_of_a_file),
                cmocka_unit_test(kinds_change),
                cmocka_unit_test(symlinks_are_seen_and_not_followed),
                cmocka_unit_test(only_files_directories_and_symlinks_are_observed),
                cmocka_unit_test(names_are_bytes),
                cmocka_unit_test(a_file_being_written_holds_the_window),
                cmocka_unit_test(what_nobody_wants_does_not_move_the_window),
                cmocka_unit_test(git_lock_is_followed),
                cmocka_unit_test(thousands_of_deletions),
        };

        return cmocka_run_group_tests_name("watcher", tests, NULL, NULL);
}
