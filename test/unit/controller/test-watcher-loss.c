/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "test/unit/controller/watched.h"

/* What is lost, gone, too little, or different from before: the index is true again afterwards. */

/* More events than the kernel queues, while nobody reads. */
static void an_overflow_is_answered_with_a_rescan(void **state)
{
        struct watched f;
        _cleanup_(freep) char *one = NULL, *two = NULL;

        watched_init(&f);
        watched_mkdir(&f, "d");
        watched_put(&f, "d/goes", "x");
        watched_put(&f, "d/one", "x");
        watched_put(&f, "d/two", "x");
        one = watched_path(&f, "d/one");
        two = watched_path(&f, "d/two");
        watched_mkdir(&f, "gone");
        watched_put(&f, "gone/file", "x");
        watched_start(&f);
        /* The kernel merges like events that follow each other: two files take turns. */
        for (mode_t i = 0; i < 17000; i++) {
                assert_int_equal(chmod(one, 0600 + i / 2 % 2), 0);
                assert_int_equal(chmod(two, 0600 + i / 2 % 2), 0);
        }
        watched_put(&f, "d/late", "x");
        watched_drop(&f, "d/goes");
        watched_drop(&f, "gone");
        watched_mkdir(&f, "fresh");
        watched_put(&f, "fresh/file", "x");
        wait_for(&f, is_file, "d/late");
        wait_for(&f, is_file, "fresh/file");
        assert_true(is_gone(&f, "d/goes"));
        assert_true(is_gone(&f, "gone/file"));
        assert_int_equal(f.n_told[WATCHER_DESYNC], 1);
        assert_int_equal(f.n_told[WATCHER_SYNCED], 1);
        watched_put(&f, "fresh/file", "0123456789");
        wait_for(&f, has_ten_bytes, "fresh/file");
        f.n_rescans = 1;
        watched_done(&f);
}

static void a_root_vanishes_and_comes_back(void **state)
{
        struct watched f;

        watched_init(&f);
        f.root = "services/web";
        watched_start(&f);
        assert_false(watcher_root_vanished(f.watcher, "services/web"));
        /* It did not exist, nor did its parent. */
        watched_mkdir(&f, "services");
        watched_mkdir(&f, "services/web");
        watched_put(&f, "services/web/file", "x");
        wait_for(&f, is_file, "services/web/file");
        assert_false(watcher_root_vanished(f.watcher, "services/web"));
        watched_move(&f, "services", "moved");
        wait_for(&f, is_gone, "services/web/file");
        assert_true(watcher_root_vanished(f.watcher, "services/web"));
        watched_move(&f, "moved", "services");
        wait_for(&f, is_file, "services/web/file");
        assert_false(watcher_root_vanished(f.watcher, "services/web"));
        watched_drop(&f, "services/web/file");
        wait_for(&f, is_gone, "services/web/file");
        assert_true(watcher_root_vanished(f.watcher, "services/web"));
        watched_put(&f, "services/web/file", "x");
        wait_for(&f, is_file, "services/web/file");
        assert_false(watcher_root_vanished(f.watcher, "services/web"));
        watched_done(&f);
}

static void the_workspace_vanishes_and_comes_back(void **state)
{
        struct watched f;

        watched_init(&f);
        watched_mkdir(&f, "d");
        watched_put(&f, "d/stays", "x");
        watched_put(&f, "d/goes", "x");
        watched_start(&f);
        watched_move(&f, "../ws", "../aside");
        wait_for(&f, workspace_gone, "");
        assert_int_equal(f.n_told[WATCHER_VANISHED], 1);
        assert_true(watcher_root_vanished(f.watcher, "d"));
        assert_true(is_file(&f, "d/goes"));
        assert_int_equal(lu_changes_revision(f.changes), 0);
        {
                _cleanup_(freep) char *aside = xasprintf("%s/aside/d/goes", f.top);
                _cleanup_(freep) char *from = xasprintf("%s/aside", f.top);

                assert_int_equal(unlink(aside), 0);
                assert_int_equal(rename(from, f.workspace), 0);
        }
        wait_for(&f, workspace_back, "");
        assert_int_equal(f.n_told[WATCHER_RETURNED], 1);
        assert_true(is_gone(&f, "d/goes"));
        assert_true(is_file(&f, "d/stays"));
        watched_put(&f, "d/stays", "0123456789");
        wait_for(&f, has_ten_bytes, "d/stays");

        /* Deleted with all above it, and made anew. */
        watched_remove(f.top);
        wait_for(&f, workspace_gone, "");
        assert_int_equal(mkdir(f.top, 0700), 0);
        uv_run(&f.loop, UV_RUN_NOWAIT);
        assert_int_equal(mkdir(f.workspace, 0755), 0);
        watched_mkdir(&f, "d");
        watched_put(&f, "d/stays", "x");
        wait_for(&f, workspace_back, "");
        wait_for(&f, is_file, "d/stays");
        watched_done(&f);
}

static void a_replaced_workspace_is_compared(void **state)
{
        struct watched f;

        watched_init(&f);
        watched_put(&f, "old", "x");
        watched_mkdir(&f, "../other");
        watched_put(&f, "../other/new", "x");
        watched_start(&f);
        {
                _cleanup_(freep) char *other = xasprintf("%s/other", f.top);
                _cleanup_(freep) char *aside = xasprintf("%s/aside", f.top);

                assert_int_equal(rename(f.workspace, aside), 0);
                assert_int_equal(rename(other, f.workspace), 0);
        }
        wait_for(&f, is_file, "new");
        assert_true(is_gone(&f, "old"));
        assert_int_equal(f.n_told[WATCHER_VANISHED], 1);
        assert_int_equal(f.n_told[WATCHER_RETURNED], 1);
        watched_catch_up(&f);
        watched_done(&f);
}

/* In a mount namespace of a child, so that nothing is left behind. */
static int unmounted_and_mounted_again(void)
{
        struct watched f;

        if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return 77;
        watched_init(&f);
        if (mount("none", f.workspace, "tmpfs", 0, NULL) < 0)
                return 77;
        watched_put(&f, "file", "x");
        watched_start(&f);
        watched_catch_up(&f);
        assert_int_equal(umount2(f.workspace, MNT_DETACH), 0);
        wait_for(&f, workspace_gone, "");
        assert_true(is_file(&f, "file"));
        assert_int_equal(mount("none", f.workspace, "tmpfs", 0, NULL), 0);
        watched_put(&f, "other", "x");
        wait_for(&f, is_file, "other");
        assert_true(is_gone(&f, "file"));
        watcher_free(f.watcher);
        f.watcher = NULL;
        uv_run(&f.loop, UV_RUN_NOWAIT);
        assert_int_equal(umount2(f.workspace, MNT_DETACH), 0);
        watched_done(&f);
        return 0;
}

/* On a file system whose times are those of the last tick: ramfs has no finer ones. */
static int rewritten_within_a_tick(void)
{
        struct watched f;

        if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return 77;
        watched_init(&f);
        if (mount("none", f.workspace, "ramfs", 0, NULL) < 0)
                return 77;
        watched_start(&f);
        for (int i = 0; i < 200; i++) {
                uint64_t revision;

                watched_put(&f, "file", "abc");
                watched_catch_up(&f);
                revision = revision_of(&f, "file");
                watched_put(&f, "file", "xyz");
                watched_catch_up(&f);
                assert_true(revision_of(&f, "file") > revision);
        }
        watcher_free(f.watcher);
        f.watcher = NULL;
        uv_run(&f.loop, UV_RUN_NOWAIT);
        assert_int_equal(umount2(f.workspace, MNT_DETACH), 0);
        watched_done(&f);
        return 0;
}

/* In a user namespace of a child, which has limits of its own. */
static int too_few_watches(void)
{
        struct watched f;
        _cleanup_(err_done) struct err err = {};
        int fd;

        watched_init(&f);
        for (int i = 0; i < 40; i++) {
                char path[16];

                snprintf(path, sizeof(path), "d%d", i);
                watched_mkdir(&f, path);
        }
        if (unshare(CLONE_NEWUSER) < 0)
                return 77;
        fd = open("/proc/sys/user/max_inotify_watches", O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, "10", 2) != 2)
                return 77;
        close(fd);
        assert_int_equal(watched_try_start(&f, &err), -ENOSPC);
        assert_non_null(strstr(err_text(&err), "needs 42 inotify watches"));
        assert_non_null(strstr(err_text(&err), "user.max_inotify_watches is 10,"));
        assert_non_null(strstr(err_text(&err), "sysctl user.max_inotify_watches=524288"));
        /* It knows all there is, all the same. */
        assert_int_equal(watcher_n_files(f.watcher), 40);
        watched_done(&f);
        return 0;
}

static int too_few_instances(void)
{
        struct watched f;
        _cleanup_(err_done) struct err err = {};
        int fd;

        watched_init(&f);
        if (unshare(CLONE_NEWUSER) < 0)
                return 77;
        fd = open("/proc/sys/user/max_inotify_instances", O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, "0", 1) != 1)
                return 77;
        close(fd);
        assert_int_equal(watched_try_start(&f, &err), -EMFILE);
        assert_non_null(strstr(err_text(&err), "sysctl fs.inotify.max_user_instances="));
        watched_done(&f);
        return 0;
}

/* A failed assertion in a child would jump back into the parent's tests: a child exits instead. */
static void in_child(int (*body)(void))
{
        pid_t pid = fork();
        int status;

        assert_true(pid >= 0);
        if (pid == 0)
                _exit(body());
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == 77)
                skip();
        assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_mount_goes_and_comes_back(void **state)
{
        in_child(unmounted_and_mounted_again);
}

static void a_rewrite_within_a_clock_tick_counts(void **state)
{
        in_child(rewritten_within_a_tick);
}

static void a_low_limit_of_watches_is_named(void **state)
{
        in_child(too_few_watches);
}

static void a_low_limit_of_instances_is_named(void **state)
{
        in_child(too_few_instances);
}

static void filters_change(void **state)
{
        struct watched f;

        watched_init(&f);
        watched_mkdir(&f, "src");
        watched_mkdir(&f, "lib");
        watched_mkdir(&f, "lib/ignored");
        watched_put(&f, "src/a", "x");
        watched_put(&f, "lib/b", "x");
        watched_put(&f, "lib/ignored/c", "x");
        f.root = "src";
        watched_start(&f);
        watched_put(&f, "src/gone", "x");
        wait_for(&f, is_file, "src/gone");
        watched_drop(&f, "src/gone");
        wait_for(&f, is_gone, "src/gone");
        watched_put(&f, "lib/during", "x");
        watched_catch_up(&f);
        f.n_told[WATCHER_CHANGED] = 0;

        /* All of lib comes into view: no change, but for what changed since the start. */
        f.root = "lib";
        watcher_refresh(f.watcher);
        assert_true(is_file(&f, "lib/b"));
        assert_int_equal(revision_of(&f, "lib/b"), 0);
        assert_true(revision_of(&f, "lib/during") > 0);
        assert_null(lu_changes_find(f.changes, "src/a"));
        assert_null(lu_changes_find(f.changes, "src/gone"));
        assert_null(lu_changes_find(f.changes, "src"));
        assert_int_equal(f.n_told[WATCHER_CHANGED], 1);

        /* What left is not watched any more, what came is. */
        watched_put(&f, "src/a", "0123456789");
        watched_put(&f, "lib/b", "0123456789");
        wait_for(&f, has_ten_bytes, "lib/b");
        assert_null(lu_changes_find(f.changes, "src/a"));

        /* An ignore pattern goes. */
        f.unseen = "nothing";
        f.n_told[WATCHER_CHANGED] = 0;
        watcher_refresh(f.watcher);
        assert_true(is_file(&f, "lib/ignored/c"));
        assert_int_equal(revision_of(&f, "lib/ignored/c"), 0);
        watched_put(&f, "lib/ignored/c", "0123456789");
        wait_for(&f, has_ten_bytes, "lib/ignored/c");
        watched_done(&f);
}

static void what_is_new_since_an_earlier_session_is_a_change(void **state)
{
        struct watched f;
        const struct lu_facts stale = {.kind = LU_KIND_FILE, .size = 77};
        _cleanup_(err_done) struct err err = {};
        struct watcher_params params;

        watched_init(&f);
        watched_put(&f, "new", "x");
        watched_put(&f, "known", "x");
        lu_changes_observe(f.changes, "known", &stale, true, 0);
        lu_changes_observe(f.changes, "gone", &stale, true, 0);
        params = (struct watcher_params){.loop = &f.loop,
                                         .workspace = f.workspace,
                                         .changes = f.changes,
                                         .resumed = true,
                                         .wants_directory = watched_wants_directory,
                                         .wants_file = watched_wants_file,
                                         .on_change = watched_on_change,
                                         .userdata = &f};
        assert_int_equal(watcher_new(&params, &f.watcher, &err), 0);
        assert_int_equal(watcher_start(f.watcher, &err), 0);
        assert_true(is_changed(&f, "new"));
        assert_true(is_changed(&f, "known"));
        assert_true(is_gone(&f, "gone"));
        watched_done(&f);
}

static void a_missing_workspace_is_named(void **state)
{
        struct watched f;
        _cleanup_(err_done) struct err err = {};

        watched_init(&f);
        assert_int_equal(rmdir(f.workspace), 0);
        assert_int_equal(watched_try_start(&f, &err), -ENOENT);
        assert_non_null(strstr(err_text(&err), f.workspace));
        watched_done(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_overflow_is_answered_with_a_rescan),
                cmocka_unit_test(a_root_vanishes_and_comes_back),
                cmocka_unit_test(the_workspace_vanishes_and_comes_back),
                cmocka_unit_test(a_replaced_workspace_is_compared),
                cmocka_unit_test(a_mount_goes_and_comes_back),
                cmocka_unit_test(a_rewrite_within_a_clock_tick_counts),
                cmocka_unit_test(a_low_limit_of_watches_is_named),
                cmocka_unit_test(a_low_limit_of_instances_is_named),
                cmocka_unit_test(filters_change),
                cmocka_unit_test(what_is_new_since_an_earlier_session_is_a_change),
                cmocka_unit_test(a_missing_workspace_is_named),
        };

        return cmocka_run_group_tests_name("watcher-loss", tests, NULL, NULL);
}
