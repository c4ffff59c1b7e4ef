/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/controller/watched.h"

#include "test/unit/unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"

#define DEADLINE_MS 20000

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

bool watched_wants_file(void *userdata, const char *path)
{
        struct watched *f = userdata;
        _cleanup_(freep) char *below = xasprintf("%s/", f->unseen);

        f->asked_unseen |= strstr(path, below) != NULL;
        return path_is_below(path, f->root) && strcmp(path, f->root) != 0 &&
               !has_component(path, f->unseen);
}

bool watched_wants_directory(void *userdata, const char *path)
{
        struct watched *f = userdata;

        return path_is_below(f->root, path) ||
               (path_is_below(path, f->root) && !has_component(path, f->unseen));
}

void watched_on_change(void *userdata, enum watcher_event event)
{
        struct watched *f = userdata;

        f->n_told[event]++;
}

static void on_deadline(uv_timer_t *timer)
{
        ((struct watched *)timer->data)->expired = true;
}

/* Files */

char *watched_path(const struct watched *f, const char *path)
{
        return xasprintf("%s/%s", f->workspace, path);
}

void watched_put(const struct watched *f, const char *path, const char *content)
{
        _cleanup_(freep) char *full = watched_path(f, path);
        int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, content, strlen(content)), strlen(content));
        close(fd);
}

void watched_mkdir(const struct watched *f, const char *path)
{
        _cleanup_(freep) char *full = watched_path(f, path);

        assert_int_equal(mkdir(full, 0755), 0);
}

void watched_move(const struct watched *f, const char *from, const char *to)
{
        _cleanup_(freep) char *a = watched_path(f, from), *b = watched_path(f, to);

        assert_int_equal(rename(a, b), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        return remove(path);
}

void watched_remove(const char *path)
{
        nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void watched_drop(const struct watched *f, const char *path)
{
        _cleanup_(freep) char *full = watched_path(f, path);

        watched_remove(full);
}

/*
 * The kernel stamps files with a clock that lags behind by up to a tick, or with the precise one. A
 * tick that is later than now is later than all stamps up to now.
 */
void next_tick(void)
{
        struct timespec first, now;

        clock_gettime(CLOCK_REALTIME, &first);
        do {
                clock_gettime(CLOCK_REALTIME_COARSE, &now);
        } while (now.tv_sec < first.tv_sec ||
                 (now.tv_sec == first.tv_sec && now.tv_nsec <= first.tv_nsec));
}

/* The fixture */

void watched_init(struct watched *f)
{
        *f = (struct watched){.root = "", .unseen = "ignored", .top = "/tmp/test-watcher-XXXXXX"};
        assert_non_null(mkdtemp(f->top));
        snprintf(f->workspace, sizeof(f->workspace), "%s/ws", f->top);
        assert_int_equal(mkdir(f->workspace, 0755), 0);
        f->changes = lu_changes_new();
        assert_int_equal(uv_loop_init(&f->loop), 0);
        uv_timer_init(&f->loop, &f->deadline);
        f->deadline.data = f;
        uv_unref((uv_handle_t *)&f->deadline);
}

int watched_try_start(struct watched *f, struct err *err)
{
        const struct watcher_params params = {.loop = &f->loop,
                                              .workspace = f->workspace,
                                              .changes = f->changes,
                                              .wants_directory = watched_wants_directory,
                                              .wants_file = watched_wants_file,
                                              .on_change = watched_on_change,
                                              .userdata = f};
        int r = watcher_new(&params, &f->watcher, err);

        return r < 0 ? r : watcher_start(f->watcher, err);
}

void watched_start(struct watched *f)
{
        _cleanup_(err_done) struct err err = {};

        next_tick();
        if (watched_try_start(f, &err) < 0)
                fail_msg("%s", err_text(&err));
}

void watched_done(struct watched *f)
{
        assert_int_equal(f->n_told[WATCHER_DESYNC], f->n_rescans);
        watcher_free(f->watcher);
        uv_close((uv_handle_t *)&f->deadline, NULL);
        assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
        assert_int_equal(uv_loop_close(&f->loop), 0);
        lu_changes_free(f->changes);
        watched_remove(f->top);
}

void watched_wait(struct watched *f, condition holds, const char *path, const char *name)
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
static enum lu_kind kind_of(struct watched *f, const char *path)
{
        const struct lu_change *change = lu_changes_find(f->changes, path);

        return change ? change->facts.kind : LU_KIND_ABSENT;
}

uint64_t revision_of(struct watched *f, const char *path)
{
        const struct lu_change *change = lu_changes_find(f->changes, path);

        return change ? change->revision : 0;
}

bool is_file(struct watched *f, const char *path)
{
        return kind_of(f, path) == LU_KIND_FILE;
}

bool is_directory(struct watched *f, const char *path)
{
        return kind_of(f, path) == LU_KIND_DIRECTORY;
}

bool is_symlink(struct watched *f, const char *path)
{
        return kind_of(f, path) == LU_KIND_SYMLINK;
}

bool is_gone(struct watched *f, const char *path)
{
        return kind_of(f, path) == LU_KIND_ABSENT && lu_changes_find(f->changes, path);
}

bool is_changed(struct watched *f, const char *path)
{
        return revision_of(f, path) > 0;
}

bool has_ten_bytes(struct watched *f, const char *path)
{
        const struct lu_change *change = lu_changes_find(f->changes, path);

        return change && change->facts.size == 10;
}

bool settles_open(struct watched *f, const char *path)
{
        return watcher_settle(f->watcher)->n_open > 0;
}

bool settles_closed(struct watched *f, const char *path)
{
        return watcher_settle(f->watcher)->n_events > 0 && watcher_settle(f->watcher)->n_open == 0;
}

bool git_holds(struct watched *f, const char *path)
{
        return watcher_settle(f->watcher)->git_since != 0;
}

bool git_lets_go(struct watched *f, const char *path)
{
        return watcher_settle(f->watcher)->git_since == 0;
}

bool workspace_gone(struct watched *f, const char *path)
{
        return !watcher_is_present(f->watcher);
}

bool workspace_back(struct watched *f, const char *path)
{
        return watcher_is_present(f->watcher);
}

/* Sees to it that all events up to now were looked at. */
void watched_catch_up(struct watched *f)
{
        _cleanup_(freep) char *cookie =
                xasprintf("%s%scookie-%u", f->root, *f->root ? "/" : "", f->n_cookies++);

        watched_put(f, cookie, "");
        wait_for(f, is_file, cookie);
}
