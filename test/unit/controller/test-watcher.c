/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "controller/watcher.h"

/*
 * A real directory, a real loop. Nothing sleeps: wait_for() runs the loop until a condition holds,
 * or a deadline fails the test. That something did *not* happen is shown with a cookie: a file that
 * is made afterwards; when it is seen, all events before it were.
 */

#define DEADLINE_MS 20000

struct fixture {
        uv_loop_t loop;
        uv_timer_t deadline;
        bool expired;
        char top[32];       /* temporary directory */
        char workspace[64]; /* top/ws */
        struct lu_changes *changes;
        struct watcher *watcher;
        const char *root;   /* what is wanted: all at and below this, "" is everything */
        const char *unseen; /* a name that is ignored, with all below */
        bool asked_unseen;  /* a filter was asked about something below an ignored directory */
        unsigned n_told[WATCHER_FAILED + 1];
        unsigned n_cookies;
        unsigned n_rescans; /* expected; nothing else may need one */
};

/* Filters: below the root, and no component with the ignored name. */

static bool has_component(const char *path, const char *name)
{
        size_t n = strlen(name);

        for (const char *p = path; *p; p += strcspn(p, "/"), p += *p == '/') {
                if (strcspn(p, "/") == n && memcmp(p, name, n) == 0)
                        return true;
        }
        return false;
}

static bool wants_file(void *userdata, const char *path)
{
        struct fixture *f = userdata;
        _cleanup_(freep) char *below = xasprintf("%s/", f->unseen);

        f->asked_unseen |= strstr(path, below) != NULL;
        return path_is_below(path, f->root) && strcmp(path, f->root) != 0 &&
               !has_component(path, f->unseen);
}

static bool wants_directory(void *userdata, const char *path)
{
        struct fixture *f = userdata;

        return path_is_below(f->root, path) ||
               (path_is_below(path, f->root) && !has_component(path, f->unseen));
}

static void on_change(void *userdata, enum watcher_event event)
{
        struct fixture *f = userdata;

        f->n_told[event]++;
}

static void on_deadline(uv_timer_t *timer)
{
        ((struct fixture *)timer->data)->expired = true;
}

/* Files */

static char *in_workspace(const struct fixture *f, const char *path)
{
        return xasprintf("%s/%s", f->workspace, path);
}

static void put(const struct fixture *f, const char *path, const char *content)
{
        _cleanup_(freep) char *full = in_workspace(f, path);
        int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, content, strlen(content)), strlen(content));
        close(fd);
}

static void make_dir(const struct fixture *f, const char *path)
{
        _cleanup_(freep) char *full = in_workspace(f, path);

        assert_int_equal(mkdir(full, 0755), 0);
}

static void move(const struct fixture *f, const char *from, const char *to)
{
        _cleanup_(freep) char *a = in_workspace(f, from), *b = in_workspace(f, to);

        assert_int_equal(rename(a, b), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        return remove(path);
}

static void remove_all(const char *path)
{
        nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void drop(const struct fixture *f, const char *path)
{
        _cleanup_(freep) char *full = in_workspace(f, path);

        remove_all(full);
}

/* Files get their times from a clock that ticks slowly: waits for a tick to separate two events. */
static void next_tick(void)
{
        struct timespec first, now;

        clock_gettime(CLOCK_REALTIME_COARSE, &first);
        do {
                clock_gettime(CLOCK_REALTIME_COARSE, &now);
        } while (now.tv_nsec == first.tv_nsec);
}

/* The fixture */

static void set_up_files(struct fixture *f)
{
        *f = (struct fixture){.root = "", .unseen = "ignored", .top = "/tmp/test-watcher-XXXXXX"};
        assert_non_null(mkdtemp(f->top));
        snprintf(f->workspace, sizeof(f->workspace), "%s/ws", f->top);
        assert_int_equal(mkdir(f->workspace, 0755), 0);
        f->changes = lu_changes_new();
        assert_int_equal(uv_loop_init(&f->loop), 0);
        uv_timer_init(&f->loop, &f->deadline);
        f->deadline.data = f;
        uv_unref((uv_handle_t *)&f->deadline);
}

static int try_start(struct fixture *f, struct err *err)
{
        const struct watcher_params params = {.loop = &f->loop,
                                              .workspace = f->workspace,
                                              .changes = f->changes,
                                              .wants_directory = wants_directory,
                                              .wants_file = wants_file,
                                              .on_change = on_change,
                                              .userdata = f};
        int r = watcher_new(&params, &f->watcher, err);

        return r < 0 ? r : watcher_start(f->watcher, err);
}

static void start(struct fixture *f)
{
        _cleanup_(err_done) struct err err = {};

        next_tick();
        if (try_start(f, &err) < 0)
                fail_msg("%s", err_text(&err));
}

static void tear_down(struct fixture *f)
{
        assert_int_equal(f->n_told[WATCHER_DESYNC], f->n_rescans);
        watcher_free(f->watcher);
        uv_close((uv_handle_t *)&f->deadline, NULL);
        assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
        assert_int_equal(uv_loop_close(&f->loop), 0);
        lu_changes_free(f->changes);
        remove_all(f->top);
}

typedef bool (*condition)(struct fixture *f, const char *path);

static void wait_for_name(struct fixture *f, condition holds, const char *path, const char *name)
{
        f->expired = false;
        uv_timer_start(&f->deadline, on_deadline, DEADLINE_MS, 0);
        while (!holds(f, path)) {
                uv_run(&f->loop, UV_RUN_ONCE);
                if (f->expired)
                        fail_msg("%s: %s did not come true", path, name);
        }
        uv_timer_stop(&f->deadline);
}
#define wait_for(f, condition, path) wait_for_name(f, condition, path, #condition)

static enum lu_kind kind_of(struct fixture *f, const char *path)
{
        const struct lu_change *change = lu_changes_find(f->changes, path);

        return change ? change->facts.kind : LU_KIND_ABSENT;
}

static uint64_t revision_of(struct fixture *f, const char *path)
{
        const struct lu_change *change = lu_changes_find(f->changes, path);

        return change ? change->revision : 0;
}

static bool is_file(struct fixture *f, const char *path)
{
        return kind_of(f, path) == LU_KIND_FILE;
}

static bool is_directory(struct fixture *f, const char *path)
{
        return kind_of(f, path) == LU_KIND_DIRECTORY;
}

static bool is_symlink(struct fixture *f, const char *path)
{
        return kind_of(f, path) == LU_KIND_SYMLINK;
}

static bool is_gone(struct fixture *f, const char *path)
{
        return kind_of(f, path) == LU_KIND_ABSENT && lu_changes_find(f->changes, path);
}

static bool is_changed(struct fixture *f, const char *path)
{
        return revision_of(f, path) > 0;
}

static bool has_ten_bytes(struct fixture *f, const char *path)
{
        const struct lu_change *change = lu_changes_find(f->changes, path);

        return change && change->facts.size == 10;
}

static bool settles_open(struct fixture *f, const char *path)
{
        return watcher_settle(f->watcher)->n_open > 0;
}

static bool settles_closed(struct fixture *f, const char *path)
{
        return watcher_settle(f->watcher)->n_events > 0 && watcher_settle(f->watcher)->n_open == 0;
}

static bool git_holds(struct fixture *f, const char *path)
{
        return watcher_settle(f->watcher)->git_since != 0;
}

static bool git_lets_go(struct fixture *f, const char *path)
{
        return watcher_settle(f->watcher)->git_since == 0;
}

static bool workspace_gone(struct fixture *f, const char *path)
{
        return !watcher_is_present(f->watcher);
}

static bool workspace_back(struct fixture *f, const char *path)
{
        return watcher_is_present(f->watcher);
}

/* Sees to it that all events up to now were looked at. */
static void catch_up(struct fixture *f)
{
        _cleanup_(freep) char *cookie =
                xasprintf("%s%scookie-%u", f->root, *f->root ? "/" : "", f->n_cookies++);

        put(f, cookie, "");
        wait_for(f, is_file, cookie);
}

/* Tests */

static void the_first_scan_finds_what_is_wanted(void **state)
{
        struct fixture f;

        set_up_files(&f);
        make_dir(&f, "a");
        put(&f, "a/file", "x");
        make_dir(&f, "ignored");
        put(&f, "ignored/file", "x");
        make_dir(&f, ".git");
        put(&f, ".git/config", "x");
        start(&f);
        assert_int_equal(lu_changes_revision(f.changes), 0);
        assert_true(is_file(&f, "a/file"));
        assert_true(is_directory(&f, "a"));
        assert_int_equal(watcher_n_files(f.watcher), 2);
        /* The workspace, a, .git and what is above. */
        assert_int_equal(watcher_n_watches(f.watcher), 4);
        assert_false(f.asked_unseen);
        assert_int_equal(f.n_told[WATCHER_CHANGED], 0);
        tear_down(&f);
}

static void files_are_made_written_renamed_and_removed(void **state)
{
        struct fixture f;
        uint64_t revision;

        set_up_files(&f);
        put(&f, "old", "1");
        start(&f);
        put(&f, "new", "1");
        wait_for(&f, is_file, "new");
        put(&f, "old", "0123456789");
        wait_for(&f, has_ten_bytes, "old");
        assert_true(f.n_told[WATCHER_CHANGED] > 0);
        move(&f, "old", "other");
        wait_for(&f, is_file, "other");
        assert_true(is_gone(&f, "old"));
        drop(&f, "other");
        wait_for(&f, is_gone, "other");
        put(&f, "temporary", "0123456789");
        move(&f, "temporary", "new");
        wait_for(&f, has_ten_bytes, "new");
        assert_false(lu_changes_find(f.changes, "new")->flipped);
        catch_up(&f);
        revision = lu_changes_revision(f.changes);
        catch_up(&f);
        assert_int_equal(lu_changes_revision(f.changes), revision + 1);
        tear_down(&f);
}

static void permissions_count_and_an_unchanged_stat_does_not(void **state)
{
        struct fixture f;
        _cleanup_(freep) char *path = NULL;
        uint64_t revision;

        set_up_files(&f);
        put(&f, "file", "x");
        start(&f);
        path = in_workspace(&f, "file");
        assert_int_equal(chmod(path, 0755), 0);
        wait_for(&f, is_changed, "file");
        assert_int_equal(lu_changes_find(f.changes, "file")->facts.mode, 0755);
        revision = revision_of(&f, "file");
        assert_int_equal(chmod(path, 0755), 0);
        assert_int_equal(chown(path, getuid(), getgid()), 0);
        close(open(path, O_WRONLY | O_CLOEXEC));
        catch_up(&f);
        assert_int_equal(revision_of(&f, "file"), revision);
        tear_down(&f);
}

static void a_rewrite_within_a_clock_tick_counts(void **state)
{
        struct fixture f;

        set_up_files(&f);
        start(&f);
        for (int i = 0; i < 200; i++) {
                uint64_t revision;

                put(&f, "file", "abc");
                catch_up(&f);
                revision = revision_of(&f, "file");
                put(&f, "file", "xyz");
                catch_up(&f);
                assert_true(revision_of(&f, "file") > revision);
        }
        tear_down(&f);
}

static void nothing_falls_between_new_directories(void **state)
{
        struct fixture f;
        char path[64];

        set_up_files(&f);
        start(&f);
        for (int i = 0; i < 200; i++) {
                snprintf(path, sizeof(path), "a%d", i);
                make_dir(&f, path);
                snprintf(path, sizeof(path), "a%d/b", i);
                make_dir(&f, path);
                if (i % 3 == 0)
                        uv_run(&f.loop, UV_RUN_NOWAIT);
                snprintf(path, sizeof(path), "a%d/b/c", i);
                make_dir(&f, path);
                if (i % 5 == 0)
                        uv_run(&f.loop, UV_RUN_NOWAIT);
                snprintf(path, sizeof(path), "a%d/b/c/file", i);
                put(&f, path, "x");
        }
        catch_up(&f);
        for (int i = 0; i < 200; i++) {
                snprintf(path, sizeof(path), "a%d/b/c/file", i);
                wait_for(&f, is_file, path);
                /* And each of them is watched. */
                put(&f, path, "0123456789");
        }
        for (int i = 0; i < 200; i++) {
                snprintf(path, sizeof(path), "a%d/b/c/file", i);
                wait_for(&f, has_ten_bytes, path);
        }
        tear_down(&f);
}

static void a_directory_moves_in_and_out(void **state)
{
        struct fixture f;
        size_t n_watches;

        set_up_files(&f);
        start(&f);
        n_watches = watcher_n_watches(f.watcher);
        make_dir(&f, "../out");
        make_dir(&f, "../out/sub");
        make_dir(&f, "../out/ignored");
        put(&f, "../out/sub/file", "x");
        put(&f, "../out/ignored/file", "x");
        next_tick();
        move(&f, "../out", "in");
        wait_for(&f, is_file, "in/sub/file");
        assert_false(f.asked_unseen);
        assert_null(lu_changes_find(f.changes, "in/ignored/file"));
        assert_int_equal(watcher_n_watches(f.watcher), n_watches + 2);
        /* The file is older than its arrival here, and what counts is the arrival. */
        assert_true(lu_changes_find(f.changes, "in/sub/file")->time >
                    lu_changes_find(f.changes, "in/sub/file")->facts.mtime);

        move(&f, "in", "../out");
        wait_for(&f, is_gone, "in/sub/file");
        assert_true(is_gone(&f, "in"));
        assert_int_equal(watcher_n_watches(f.watcher), n_watches);
        put(&f, "../out/sub/late", "x");
        catch_up(&f);
        assert_null(lu_changes_find(f.changes, "in/sub/late"));
        tear_down(&f);
}

static void a_directory_is_renamed_within(void **state)
{
        struct fixture f;

        set_up_files(&f);
        make_dir(&f, "a");
        make_dir(&f, "a/sub");
        put(&f, "a/sub/file", "x");
        start(&f);
        move(&f, "a", "b");
        wait_for(&f, is_file, "b/sub/file");
        assert_true(is_gone(&f, "a/sub/file"));
        put(&f, "b/sub/file", "0123456789");
        wait_for(&f, has_ten_bytes, "b/sub/file");
        assert_true(is_gone(&f, "a/sub/file"));

        /* There, back, and replaced, all before anybody looks. */
        move(&f, "b", "c");
        move(&f, "c", "b");
        move(&f, "b", "d");
        make_dir(&f, "b");
        put(&f, "b/other", "x");
        catch_up(&f);
        wait_for(&f, is_file, "b/other");
        assert_true(is_gone(&f, "b/sub/file"));
        assert_true(is_file(&f, "d/sub/file"));
        put(&f, "d/sub/file", "");
        put(&f, "b/other", "0123456789");
        wait_for(&f, has_ten_bytes, "b/other");
        catch_up(&f);
        assert_int_equal(lu_changes_find(f.changes, "d/sub/file")->facts.size, 0);
        tear_down(&f);
}

/* The new place is looked at before the old one: its name was in the queue first. */
static void a_directory_takes_the_place_of_a_file(void **state)
{
        struct fixture f;

        set_up_files(&f);
        make_dir(&f, "dir");
        put(&f, "dir/file", "x");
        start(&f);
        put(&f, "place", "x");
        drop(&f, "place");
        move(&f, "dir", "place");
        wait_for(&f, is_file, "place/file");
        catch_up(&f);
        assert_true(is_gone(&f, "dir/file"));
        put(&f, "place/file", "0123456789");
        wait_for(&f, has_ten_bytes, "place/file");
        tear_down(&f);
}

static void kinds_change(void **state)
{
        struct fixture f;

        set_up_files(&f);
        make_dir(&f, "x");
        put(&f, "x/file", "1");
        put(&f, "y", "1");
        start(&f);
        drop(&f, "x");
        put(&f, "x", "1");
        drop(&f, "y");
        make_dir(&f, "y");
        put(&f, "y/file", "1");
        wait_for(&f, is_file, "y/file");
        wait_for(&f, is_file, "x");
        assert_true(lu_changes_find(f.changes, "x")->flipped);
        assert_true(lu_changes_find(f.changes, "y")->flipped);
        assert_true(is_gone(&f, "x/file"));
        tear_down(&f);
}

static void symlinks_are_seen_and_not_followed(void **state)
{
        struct fixture f;
        _cleanup_(freep) char *link = NULL;
        uint64_t inode;

        set_up_files(&f);
        make_dir(&f, "../outside");
        put(&f, "../outside/secret", "x");
        start(&f);
        link = in_workspace(&f, "link");
        assert_int_equal(symlink("../outside", link), 0);
        wait_for(&f, is_symlink, "link");
        inode = lu_changes_find(f.changes, "link")->facts.inode;
        assert_int_equal(unlink(link), 0);
        put(&f, "takes-the-inode", "");
        assert_int_equal(symlink("../elsewhere", link), 0);
        catch_up(&f);
        assert_true(is_symlink(&f, "link"));
        assert_true(inode != lu_changes_find(f.changes, "link")->facts.inode);
        put(&f, "../outside/secret", "xx");
        catch_up(&f);
        assert_null(lu_changes_find(f.changes, "link/secret"));
        tear_down(&f);
}

static void only_files_directories_and_symlinks_are_observed(void **state)
{
        struct fixture f;
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        _cleanup_(freep) char *fifo = NULL;
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        set_up_files(&f);
        fifo = in_workspace(&f, "early-fifo");
        assert_int_equal(mkfifo(fifo, 0600), 0);
        start(&f);
        snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", f.workspace);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        free(fifo);
        fifo = in_workspace(&f, "fifo");
        assert_int_equal(mkfifo(fifo, 0600), 0);
        catch_up(&f);
        assert_null(lu_changes_find(f.changes, "socket"));
        assert_null(lu_changes_find(f.changes, "fifo"));
        assert_null(lu_changes_find(f.changes, "early-fifo"));
        assert_int_equal(watcher_n_files(f.watcher), 1);
        close(fd);
        tear_down(&f);
}

static void names_are_bytes(void **state)
{
        static const char *const names[] = {"new\nline", "\xff\xfe", "-rf", "a b", "'\"", "\\n"};
        struct fixture f;

        set_up_files(&f);
        put(&f, "there\n\xff", "x");
        make_dir(&f, "dir\n\xfe");
        start(&f);
        assert_true(is_file(&f, "there\n\xff"));
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                _cleanup_(freep) char *path = path_join("dir\n\xfe", names[i]);

                put(&f, path, "x");
                wait_for(&f, is_file, path);
        }
        tear_down(&f);
}

static void a_file_being_written_holds_the_window(void **state)
{
        struct fixture f;
        _cleanup_(freep) char *path = NULL;
        int fd;

        set_up_files(&f);
        start(&f);
        path = in_workspace(&f, "file");
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

        /* A hard link, a symlink, a directory and a removal are complete by themselves. */
        assert_int_equal(linkat(AT_FDCWD, path, AT_FDCWD, f.top, 0), -1);
        free(path);
        path = in_workspace(&f, "second");
        {
                _cleanup_(freep) char *first = in_workspace(&f, "file");

                assert_int_equal(link(first, path), 0);
        }
        wait_for(&f, is_file, "second");
        assert_int_equal(watcher_settle(f.watcher)->n_open, 0);
        drop(&f, "second");
        wait_for(&f, is_gone, "second");
        assert_int_equal(watcher_settle(f.watcher)->n_open, 0);
        assert_int_equal(watcher_settle(f.watcher)->n_events, 2);
        tear_down(&f);
}

static void what_nobody_wants_does_not_move_the_window(void **state)
{
        struct fixture f;

        set_up_files(&f);
        f.root = "src";
        make_dir(&f, "src");
        start(&f);
        put(&f, "outside", "x");
        put(&f, "src/ignored", "x");
        make_dir(&f, "other");
        put(&f, "other/file", "x");
        catch_up(&f);
        /* The cookie, and its directory's nothing. */
        assert_int_equal(lu_changes_revision(f.changes), 1);
        assert_int_equal(watcher_settle(f.watcher)->n_events, 1);
        tear_down(&f);
}

static void git_lock_is_followed(void **state)
{
        struct fixture f;

        set_up_files(&f);
        start(&f);
        make_dir(&f, ".git");
        put(&f, ".git/index.lock", "");
        wait_for(&f, git_holds, ".git/index.lock");
        move(&f, ".git/index.lock", ".git/index");
        wait_for(&f, git_lets_go, ".git/index.lock");
        put(&f, ".git/index.lock", "");
        wait_for(&f, git_holds, ".git/index.lock");
        drop(&f, ".git");
        wait_for(&f, git_lets_go, ".git/index.lock");
        make_dir(&f, ".git");
        put(&f, ".git/index.lock", "");
        wait_for(&f, git_holds, ".git/index.lock");
        assert_null(lu_changes_find(f.changes, ".git"));
        assert_true(f.n_told[WATCHER_CHANGED] >= 4);
        tear_down(&f);
}

/* More events than the kernel queues, while nobody reads. */
static void an_overflow_is_answered_with_a_rescan(void **state)
{
        struct fixture f;
        char path[32];

        set_up_files(&f);
        make_dir(&f, "d");
        put(&f, "d/goes", "x");
        make_dir(&f, "gone");
        put(&f, "gone/file", "x");
        start(&f);
        for (int i = 0; i < 17000; i++) {
                snprintf(path, sizeof(path), "d/%d", i);
                make_dir(&f, path);
                drop(&f, path);
        }
        put(&f, "d/late", "x");
        drop(&f, "d/goes");
        drop(&f, "gone");
        make_dir(&f, "fresh");
        put(&f, "fresh/file", "x");
        wait_for(&f, is_file, "d/late");
        wait_for(&f, is_file, "fresh/file");
        assert_true(is_gone(&f, "d/goes"));
        assert_true(is_gone(&f, "gone/file"));
        assert_int_equal(f.n_told[WATCHER_DESYNC], 1);
        assert_int_equal(f.n_told[WATCHER_SYNCED], 1);
        put(&f, "fresh/file", "0123456789");
        wait_for(&f, has_ten_bytes, "fresh/file");
        f.n_rescans = 1;
        tear_down(&f);
}

static void a_root_vanishes_and_comes_back(void **state)
{
        struct fixture f;

        set_up_files(&f);
        f.root = "services/web";
        start(&f);
        assert_false(watcher_root_vanished(f.watcher, "services/web"));
        /* It did not exist, nor did its parent. */
        make_dir(&f, "services");
        make_dir(&f, "services/web");
        put(&f, "services/web/file", "x");
        wait_for(&f, is_file, "services/web/file");
        assert_false(watcher_root_vanished(f.watcher, "services/web"));
        move(&f, "services", "moved");
        wait_for(&f, is_gone, "services/web/file");
        assert_true(watcher_root_vanished(f.watcher, "services/web"));
        move(&f, "moved", "services");
        wait_for(&f, is_file, "services/web/file");
        assert_false(watcher_root_vanished(f.watcher, "services/web"));
        drop(&f, "services/web/file");
        wait_for(&f, is_gone, "services/web/file");
        assert_true(watcher_root_vanished(f.watcher, "services/web"));
        put(&f, "services/web/file", "x");
        wait_for(&f, is_file, "services/web/file");
        assert_false(watcher_root_vanished(f.watcher, "services/web"));
        tear_down(&f);
}

static void the_workspace_vanishes_and_comes_back(void **state)
{
        struct fixture f;

        set_up_files(&f);
        make_dir(&f, "d");
        put(&f, "d/stays", "x");
        put(&f, "d/goes", "x");
        start(&f);
        move(&f, "../ws", "../aside");
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
        put(&f, "d/stays", "0123456789");
        wait_for(&f, has_ten_bytes, "d/stays");

        /* Deleted with all above it, and made anew. */
        remove_all(f.top);
        wait_for(&f, workspace_gone, "");
        assert_int_equal(mkdir(f.top, 0700), 0);
        uv_run(&f.loop, UV_RUN_NOWAIT);
        assert_int_equal(mkdir(f.workspace, 0755), 0);
        make_dir(&f, "d");
        put(&f, "d/stays", "x");
        wait_for(&f, workspace_back, "");
        wait_for(&f, is_file, "d/stays");
        tear_down(&f);
}

static void a_replaced_workspace_is_compared(void **state)
{
        struct fixture f;

        set_up_files(&f);
        put(&f, "old", "x");
        make_dir(&f, "../other");
        put(&f, "../other/new", "x");
        start(&f);
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
        catch_up(&f);
        tear_down(&f);
}

/* In a mount namespace of a child, so that nothing is left behind. */
static int unmounted_and_mounted_again(void)
{
        struct fixture f;

        if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return 77;
        set_up_files(&f);
        if (mount("none", f.workspace, "tmpfs", 0, NULL) < 0)
                return 77;
        put(&f, "file", "x");
        start(&f);
        catch_up(&f);
        assert_int_equal(umount2(f.workspace, MNT_DETACH), 0);
        wait_for(&f, workspace_gone, "");
        assert_true(is_file(&f, "file"));
        assert_int_equal(mount("none", f.workspace, "tmpfs", 0, NULL), 0);
        put(&f, "other", "x");
        wait_for(&f, is_file, "other");
        assert_true(is_gone(&f, "file"));
        watcher_free(f.watcher);
        f.watcher = NULL;
        uv_run(&f.loop, UV_RUN_NOWAIT);
        assert_int_equal(umount2(f.workspace, MNT_DETACH), 0);
        tear_down(&f);
        return 0;
}

/* In a user namespace of a child, which has limits of its own. */
static int too_few_watches(void)
{
        struct fixture f;
        _cleanup_(err_done) struct err err = {};
        int fd;

        set_up_files(&f);
        for (int i = 0; i < 40; i++) {
                char path[16];

                snprintf(path, sizeof(path), "d%d", i);
                make_dir(&f, path);
        }
        if (unshare(CLONE_NEWUSER) < 0)
                return 77;
        fd = open("/proc/sys/user/max_inotify_watches", O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, "10", 2) != 2)
                return 77;
        close(fd);
        assert_int_equal(try_start(&f, &err), -ENOSPC);
        assert_non_null(strstr(err_text(&err), "needs 42 inotify watches"));
        assert_non_null(strstr(err_text(&err), "user.max_inotify_watches is 10,"));
        assert_non_null(strstr(err_text(&err), "sysctl user.max_inotify_watches=524288"));
        /* It knows all there is, all the same. */
        assert_int_equal(watcher_n_files(f.watcher), 40);
        tear_down(&f);
        return 0;
}

static int too_few_instances(void)
{
        struct fixture f;
        _cleanup_(err_done) struct err err = {};
        int fd;

        set_up_files(&f);
        if (unshare(CLONE_NEWUSER) < 0)
                return 77;
        fd = open("/proc/sys/user/max_inotify_instances", O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, "0", 1) != 1)
                return 77;
        close(fd);
        assert_int_equal(try_start(&f, &err), -EMFILE);
        assert_non_null(strstr(err_text(&err), "sysctl fs.inotify.max_user_instances="));
        tear_down(&f);
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
        struct fixture f;

        set_up_files(&f);
        make_dir(&f, "src");
        make_dir(&f, "lib");
        make_dir(&f, "lib/ignored");
        put(&f, "src/a", "x");
        put(&f, "lib/b", "x");
        put(&f, "lib/ignored/c", "x");
        f.root = "src";
        start(&f);
        put(&f, "src/gone", "x");
        wait_for(&f, is_file, "src/gone");
        drop(&f, "src/gone");
        wait_for(&f, is_gone, "src/gone");
        put(&f, "lib/during", "x");
        catch_up(&f);
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
        put(&f, "src/a", "0123456789");
        put(&f, "lib/b", "0123456789");
        wait_for(&f, has_ten_bytes, "lib/b");
        assert_null(lu_changes_find(f.changes, "src/a"));

        /* An ignore pattern goes. */
        f.unseen = "nothing";
        f.n_told[WATCHER_CHANGED] = 0;
        watcher_refresh(f.watcher);
        assert_true(is_file(&f, "lib/ignored/c"));
        assert_int_equal(revision_of(&f, "lib/ignored/c"), 0);
        put(&f, "lib/ignored/c", "0123456789");
        wait_for(&f, has_ten_bytes, "lib/ignored/c");
        tear_down(&f);
}

static void thousands_of_deletions(void **state)
{
        struct fixture f;
        char path[32];

        set_up_files(&f);
        make_dir(&f, "d");
        for (int i = 0; i < 5000; i++) {
                snprintf(path, sizeof(path), "d/%d", i);
                put(&f, path, "");
        }
        start(&f);
        assert_int_equal(watcher_n_files(f.watcher), 5001);
        drop(&f, "d");
        wait_for(&f, is_gone, "d");
        assert_int_equal(watcher_n_files(f.watcher), 0);
        assert_int_equal(lu_changes_revision(f.changes), 5001);
        assert_true(watcher_settle(f.watcher)->n_events >= 5000);
        tear_down(&f);
}

static void what_is_new_since_an_earlier_session_is_a_change(void **state)
{
        struct fixture f;
        const struct lu_facts stale = {.kind = LU_KIND_FILE, .size = 77};
        _cleanup_(err_done) struct err err = {};
        struct watcher_params params;

        set_up_files(&f);
        put(&f, "new", "x");
        put(&f, "known", "x");
        lu_changes_observe(f.changes, "known", &stale, true, 0);
        lu_changes_observe(f.changes, "gone", &stale, true, 0);
        params = (struct watcher_params){.loop = &f.loop,
                                         .workspace = f.workspace,
                                         .changes = f.changes,
                                         .resumed = true,
                                         .wants_directory = wants_directory,
                                         .wants_file = wants_file,
                                         .on_change = on_change,
                                         .userdata = &f};
        assert_int_equal(watcher_new(&params, &f.watcher, &err), 0);
        assert_int_equal(watcher_start(f.watcher, &err), 0);
        assert_true(is_changed(&f, "new"));
        assert_true(is_changed(&f, "known"));
        assert_true(is_gone(&f, "gone"));
        tear_down(&f);
}

static void a_missing_workspace_is_named(void **state)
{
        struct fixture f;
        _cleanup_(err_done) struct err err = {};

        set_up_files(&f);
        assert_int_equal(rmdir(f.workspace), 0);
        assert_int_equal(try_start(&f, &err), -ENOENT);
        assert_non_null(strstr(err_text(&err), f.workspace));
        tear_down(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_first_scan_finds_what_is_wanted),
                cmocka_unit_test(files_are_made_written_renamed_and_removed),
                cmocka_unit_test(permissions_count_and_an_unchanged_stat_does_not),
                cmocka_unit_test(a_rewrite_within_a_clock_tick_counts),
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
                cmocka_unit_test(an_overflow_is_answered_with_a_rescan),
                cmocka_unit_test(a_root_vanishes_and_comes_back),
                cmocka_unit_test(the_workspace_vanishes_and_comes_back),
                cmocka_unit_test(a_replaced_workspace_is_compared),
                cmocka_unit_test(a_mount_goes_and_comes_back),
                cmocka_unit_test(a_low_limit_of_watches_is_named),
                cmocka_unit_test(a_low_limit_of_instances_is_named),
                cmocka_unit_test(filters_change),
                cmocka_unit_test(thousands_of_deletions),
                cmocka_unit_test(what_is_new_since_an_earlier_session_is_a_change),
                cmocka_unit_test(a_missing_workspace_is_named),
        };

        return cmocka_run_group_tests_name("watcher", tests, NULL, NULL);
}
