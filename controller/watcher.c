/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/watcher.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/timestamp.h"
#include "controller/mounts.h"
#include "controller/notify.h"
#include "controller/notify_batch.h"
#include "controller/observer.h"
#include "controller/presence.h"
#include "controller/scan.h"
#include "controller/writing.h"

/*
 * One turn of the loop is one read of the descriptor, its events given to the observer, and then,
 * with all of them seen, the two things that may need more than a look at one path: the workspace
 * went or came, or everything must be compared. The callback comes last, so whoever is told finds
 * all facts in place and may call back.
 *
 * `started` is read from the clock with which the kernel stamps files, so "changed since the start"
 * needs no tolerance on a local file system.
 */

struct watcher {
        struct watcher_params params;
        uv_poll_t poll;
        struct scan_filter filter;
        struct presence presence;
        struct notify notify;
        struct notify_batch batch;
        struct lu_settle settle;
        struct writing writing;
        struct mounts mounts;
        struct observer observer;
        uint64_t started;   /* wall clock, ns */
        struct err problem; /* why not all is watched */
        bool polling;
        bool closing;
};

static void on_readable(uv_poll_t *poll, int status, int events);
static void on_mounts(struct mounts *mounts);

static uint64_t file_clock(void)
{
        struct timespec t;

        clock_gettime(CLOCK_REALTIME_COARSE, &t);
        return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

int watcher_new(const struct watcher_params *params, struct watcher **ret_watcher, struct err *err)
{
        struct watcher *w = xcalloc(1, sizeof(*w));
        int r;

        w->params = *params;
        w->params.workspace = NULL;
        w->filter = (struct scan_filter){.wants_directory = params->wants_directory,
                                         .wants_file = params->wants_file,
                                         .userdata = params->userdata};
        w->writing.settle = &w->settle;
        w->observer = (struct observer){.filter = &w->filter,
                                        .presence = &w->presence,
                                        .notify = &w->notify,
                                        .changes = params->changes,
                                        .settle = &w->settle,
                                        .writing = &w->writing,
                                        .dir_wd = -1,
                                        .dir_fd = -1};
        w->presence.fd = w->notify.fd = -1;
        r = presence_init(&w->presence, params->workspace, err);
        if (r == 0)
                r = notify_init(&w->notify, err);
        if (r == 0)
                r = uv_poll_init(params->loop, &w->poll, w->notify.fd);
        if (r < 0) {
                presence_done(&w->presence, &w->notify);
                notify_done(&w->notify);
                free(w);
                return r;
        }
        w->poll.data = w;
        mounts_init(&w->mounts, params->loop, on_mounts);
        *ret_watcher = w;
        return 0;
}

static void on_mounts_closed(struct mounts *mounts)
{
        struct watcher *w = container_of(mounts, struct watcher, mounts);

        observer_drop_all(&w->observer);
        presence_done(&w->presence, &w->notify);
        notify_done(&w->notify);
        notify_batch_done(&w->batch);
        writing_forget(&w->writing, 0);
        err_done(&w->problem);
        free(w);
}

static void on_closed(uv_handle_t *handle)
{
        struct watcher *w = handle->data;

        mounts_close(&w->mounts, on_mounts_closed);
}

void watcher_free(struct watcher *w)
{
        if (!w || w->closing)
                return;
        w->closing = true;
        uv_poll_stop(&w->poll);
        uv_close((uv_handle_t *)&w->poll, on_closed);
}

static void tell(struct watcher *w, enum watcher_event event)
{
        if (!w->closing)
                w->params.on_change(w->params.userdata, event);
}

/* What moved since @before was taken is told. */
struct moved {
        uint64_t revision;
        struct lu_settle settle;
};

static struct moved moved_begin(const struct watcher *w)
{
        return (struct moved){.revision = lu_changes_revision(w->params.changes),
                              .settle = w->settle};
}

static void tell_moved(struct watcher *w, const struct moved *before)
{
        const struct lu_settle *a = &before->settle, *b = &w->settle;

        if (before->revision != lu_changes_revision(w->params.changes) ||
            a->n_events != b->n_events || a->n_open != b->n_open || a->git_since != b->git_since)
                tell(w, WATCHER_CHANGED);
}

static void begin(struct watcher *w)
{
        uv_update_time(w->params.loop);
        observer_begin(&w->observer, uv_now(w->params.loop));
}

/* Sets the problem from what the observer met. True when there is one. */
static bool note_problem(struct watcher *w)
{
        const struct observer *o = &w->observer;

        if (o->n_refused > 0) {
                notify_limit_error(w->presence.path, w->notify.n_watches + o->n_refused,
                                   &w->problem);
                return true;
        }
        if (o->error < 0) {
                err_errno(&w->problem, o->error, "watching '%s'", w->presence.path);
                return true;
        }
        return false;
}

/* Looks at everything. The problem is the one met now, or none. */
static int look_at_all(struct watcher *w, uint64_t initial_before)
{
        size_t n_directories;
        int r;

        err_done(&w->problem);
        begin(w);
        r = observer_look_at_all(&w->observer, initial_before, &n_directories);
        observer_end(&w->observer);
        if (r < 0)
                return err_errno(&w->problem, r, "reading the workspace '%s'", w->presence.path);
        if (note_problem(w))
                return w->observer.n_refused > 0 ? -ENOSPC : w->observer.error;
        return 0;
}

int watcher_start(struct watcher *w, struct err *err)
{
        int r;

        assert(!w->polling);
        w->started = file_clock();
        presence_guard(&w->presence, &w->notify);
        r = look_at_all(w, w->params.resumed ? 0 : UINT64_MAX);
        if (r < 0)
                return err_set(err, r, "%s", err_text(&w->problem));
        r = uv_poll_start(&w->poll, UV_READABLE, on_readable);
        if (r == 0)
                r = mounts_start(&w->mounts);
        if (r < 0)
                return err_errno(err, r, "watching '%s'", w->presence.path);
        w->polling = true;
        return 0;
}

static void tell_problem(struct watcher *w)
{
        if (w->problem.message)
                tell(w, WATCHER_FAILED);
}

/* Compares everything with the index; closes of files being written may have been missed. */
static void compare(struct watcher *w)
{
        begin(w);
        writing_forget(&w->writing, w->observer.ms);
        look_at_all(w, 0);
}

/* The workspace may have gone or come. */
static void look_for_workspace(struct watcher *w)
{
        struct moved before = moved_begin(w);

        if (w->presence.fd >= 0) {
                begin(w);
                observer_drop_all(&w->observer);
                presence_lose(&w->presence);
                tell(w, WATCHER_VANISHED);
        }
        if (w->closing)
                return;
        if (!presence_regain(&w->presence, &w->notify))
                return;
        compare(w);
        tell(w, WATCHER_RETURNED);
        tell_problem(w);
        tell_moved(w, &before);
}

static void on_mounts(struct mounts *mounts)
{
        struct watcher *w = container_of(mounts, struct watcher, mounts);

        if (!presence_holds(&w->presence))
                look_for_workspace(w);
}

void watcher_rescan(struct watcher *w)
{
        struct moved before = moved_begin(w);

        /* What told that the workspace went or came may be among the events that were lost. */
        if (!presence_holds(&w->presence)) {
                look_for_workspace(w);
                return;
        }
        tell(w, WATCHER_DESYNC);
        if (w->closing)
                return;
        notify_discard(&w->notify);
        compare(w);
        tell(w, WATCHER_SYNCED);
        tell_problem(w);
        tell_moved(w, &before);
        if (!w->closing && !presence_holds(&w->presence))
                look_for_workspace(w);
}

static bool still_wanted(void *userdata, const char *path)
{
        const struct scan_filter *filter = userdata;

        return filter->wants_file(filter->userdata, path);
}

void watcher_refresh(struct watcher *w)
{
        struct moved before = moved_begin(w);

        lu_changes_forget(w->params.changes, still_wanted, &w->filter);
        if (w->presence.fd < 0 || !w->polling)
                return;
        look_at_all(w, w->started);
        tell_problem(w);
        tell_moved(w, &before);
}

static void take_batch(struct watcher *w)
{
        struct moved before = moved_begin(w);
        bool displaced, doubt;

        begin(w);
        for (size_t i = 0; i < w->batch.n_items; i++)
                observer_event(&w->observer, &w->batch.items[i]);
        observer_end(&w->observer);
        displaced = w->observer.displaced;
        doubt = w->observer.doubt || w->batch.overflow;
        if (note_problem(w))
                tell(w, WATCHER_FAILED);
        tell_moved(w, &before);
        if (!w->closing && displaced && !presence_holds(&w->presence))
                look_for_workspace(w);
        if (!w->closing && doubt)
                watcher_rescan(w);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
        struct watcher *w = poll->data;
        int r = status < 0 ? status : notify_batch_read(&w->batch, w->notify.fd);

        if (r < 0) {
                /* The descriptor is of no use any more; this cannot be mended by trying again. */
                uv_poll_stop(poll);
                err_errno(&w->problem, r, "reading what changed in '%s'", w->presence.path);
                tell(w, WATCHER_FAILED);
                return;
        }
        if (r > 0)
                take_batch(w);
}

/* What is known. */

uint64_t watcher_settle_until(const struct watcher *w, bool immediate)
{
        return lu_settle_until(&w->settle, &lu_settle_defaults, immediate, uv_now(w->params.loop));
}

void watcher_flush(struct watcher *w)
{
        lu_settle_flush(&w->settle);
}

struct lu_settle *watcher_settle(struct watcher *w)
{
        return &w->settle;
}

bool watcher_is_present(const struct watcher *w)
{
        return w->presence.fd >= 0;
}

bool watcher_root_vanished(const struct watcher *w, const char *root)
{
        return w->presence.fd < 0 || lu_changes_vanished(w->params.changes, root);
}

const char *watcher_problem(const struct watcher *w)
{
        return w->problem.message;
}

size_t watcher_n_files(const struct watcher *w)
{
        return lu_changes_n_present(w->params.changes);
}

size_t watcher_n_watches(const struct watcher *w)
{
        return w->notify.n_watches;
}
