/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A real directory that is watched on a real loop. Nothing sleeps: wait_for() runs the loop until a
 * condition holds, or a deadline fails the test. That something did *not* happen is shown by
 * watched_catch_up(): it makes one more file, and when that is seen, all events before it were.
 */

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"
#include "controller/watcher.h"
#include "liveupdate/changes.h"

struct watched {
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

/* Makes the directories, and nothing in them; then starts to watch. */
void watched_init(struct watched *f);
int watched_try_start(struct watched *f, struct err *err);
void watched_start(struct watched *f);
/* Fails when there were other rescans than the expected ones. */
void watched_done(struct watched *f);

/* The filters and the callback, for tests that make their own watcher; the userdata is @f. */
bool watched_wants_file(void *userdata, const char *path);
bool watched_wants_directory(void *userdata, const char *path);
void watched_on_change(void *userdata, enum watcher_event event);

/* Files of the workspace; "../x" is beside it. The caller frees a path. */
char *watched_path(const struct watched *f, const char *path);
void watched_put(const struct watched *f, const char *path, const char *content);
void watched_mkdir(const struct watched *f, const char *path);
void watched_move(const struct watched *f, const char *from, const char *to);
void watched_drop(const struct watched *f, const char *path);
/* Removes any path with all below it. */
void watched_remove(const char *path);
/* What is done to files before and after this has different times. */
void next_tick(void);

typedef bool (*condition)(struct watched *f, const char *path);
void watched_wait(struct watched *f, condition holds, const char *path, const char *name);
#define wait_for(f, condition, path) watched_wait(f, condition, path, #condition)
void watched_catch_up(struct watched *f);

/* What the index says. */
uint64_t revision_of(struct watched *f, const char *path);
bool is_file(struct watched *f, const char *path);
bool is_directory(struct watched *f, const char *path);
bool is_symlink(struct watched *f, const char *path);
bool is_gone(struct watched *f, const char *path); /* and was there */
bool is_changed(struct watched *f, const char *path);
bool has_ten_bytes(struct watched *f, const char *path);
/* What the settle window and the watcher say; @path is only for the message. */
bool settles_open(struct watched *f, const char *path);
bool settles_closed(struct watched *f, const char *path);
bool git_holds(struct watched *f, const char *path);
bool git_lets_go(struct watched *f, const char *path);
bool workspace_gone(struct watched *f, const char *path);
bool workspace_back(struct watched *f, const char *path);
