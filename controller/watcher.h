/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The working tree on a libuv loop: fills a change set, owns the settle window, and tells when
 * either of them moved.
 *
 * One inotify instance, one watch per directory that the filters want. The index is complete when
 * watcher_start() returns and stays so: whatever is lost or doubtful (an overflow of the kernel's
 * queue, a mount that went) is answered with a rescan that compares everything with the index.
 * There is no timer: an idle workspace costs nothing.
 *
 *      start ──► WATCHING ──DESYNC──► (rescan) ──SYNCED──► WATCHING
 *                    └──VANISHED──► GONE ──RETURNED──► (rescan) ──► WATCHING
 *
 * While the workspace is gone nothing is observed absent: the index is as it was, and is compared
 * when a directory appears at the same path again.
 *
 * A rescan, and a directory that is moved in, are looked at in one go: about 3 µs per file.
 */

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "base/err.h"
#include "liveupdate/changes.h"
#include "liveupdate/settle.h"

enum watcher_event {
        WATCHER_CHANGED,  /* the change set or the settle window moved: ask anew */
        WATCHER_DESYNC,   /* events were lost; a rescan begins */
        WATCHER_SYNCED,   /* and has ended: the index is true again */
        WATCHER_VANISHED, /* the workspace directory is gone: hold */
        WATCHER_RETURNED, /* and is back. Descriptors of the old one are of no use */
        WATCHER_FAILED,   /* part of it cannot be watched: see watcher_problem() */
};

struct watcher_params {
        uv_loop_t *loop;
        const char *workspace;
        struct lu_changes *changes; /* borrowed; outlives the watcher */
        /* @changes holds the index of an earlier session: what differs from it is a change. */
        bool resumed;
        /*
         * The filters. A directory is watched and entered if wants_directory(); a path of any kind
         * is observed if wants_file(). wants_directory() must hold for the ancestors of whatever
         * is wanted, also of roots that do not exist (yet). Never asked about "" and ".git".
         */
        bool (*wants_directory)(void *userdata, const char *path);
        bool (*wants_file)(void *userdata, const char *path);
        /* From the loop, after the facts are in place. May call anything of this header. */
        void (*on_change)(void *userdata, enum watcher_event event);
        void *userdata;
};

struct watcher;

/*
 * Opens the workspace and an inotify instance. Nothing is looked at yet. -ENOENT, -ENOTDIR,
 * -EACCES: the workspace; -EMFILE: too many inotify instances.
 */
int watcher_new(const struct watcher_params *params, struct watcher **ret_watcher, struct err *err);
/*
 * Watches and scans the workspace; the callback is not called. -ENOSPC: the limit of inotify
 * watches is too low, with the numbers and the sysctl that mends it in @err.
 */
int watcher_start(struct watcher *w, struct err *err);
/* Ends at once: no callback comes after this. The memory goes when the loop has closed its handle.
 */
void watcher_free(struct watcher *w);

/*
 * The filters answer differently from now on: what is wanted no more is forgotten without a
 * change; what comes into view enters at revision 0, with its ctime as its time, unless it became
 * what it is since watcher_start(): somebody may still hold what was there before, so that is a
 * change. The callback comes if there was one, before this returns.
 */
void watcher_refresh(struct watcher *w);
/* Compares everything with the index, as after an overflow. DESYNC and SYNCED come before it
 * returns. */
void watcher_rescan(struct watcher *w);

/* When changes may go out: see lu_settle_until(). On the loop's clock. */
uint64_t watcher_settle_until(const struct watcher *w, bool immediate);
/* They went out. */
void watcher_flush(struct watcher *w);
/* The window, for those who use other parameters than the defaults. */
struct lu_settle *watcher_settle(struct watcher *w);

/* False while the workspace directory is gone. */
bool watcher_is_present(const struct watcher *w);
/* @root had content and now is absent or empty, or the workspace is gone: hold (DESIGN.md 3.5). */
bool watcher_root_vanished(const struct watcher *w, const char *root);
/* Why part of the workspace is not watched, for people; NULL when all of it is. */
const char *watcher_problem(const struct watcher *w);
/* Present files, symlinks and directories in the index; directories watched. */
size_t watcher_n_files(const struct watcher *w);
size_t watcher_n_watches(const struct watcher *w);
