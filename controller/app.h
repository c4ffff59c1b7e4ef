/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * `sluice run`: the one loop, and everything that hangs from it.
 *
 * The circle: a callback of a watch, of the file watcher, of an operation or of a timer notes a
 * fact and marks a LiveUpdate dirty; before the loop sleeps, every dirty one is reconciled:
 * observe, decide, carry out, publish.
 */

#include <stdbool.h>
#include <uv.h>

#include "controller/live.h"
#include "controller/metrics.h"
#include "controller/objects.h"
#include "controller/options.h"
#include "controller/serve.h"
#include "controller/watcher.h"
#include "controller/workspace.h"
#include "liveupdate/changes.h"

struct app {
        const struct options *options;
        uv_loop_t *loop;
        struct kube_client *client;
        struct workspace workspace;
        struct lu_changes *changes;
        struct watcher *watcher;
        bool rescanning;
        uint64_t ignores_revision; /* of the newest ignore file that was read */
        struct objects *objects;   /* NULL: LiveUpdates come from files */
        bool objects_dirty;
        char *owner;
        struct live *lives;
        struct serve *serve;
        struct metrics metrics;
        uv_prepare_t prepare;   /* reconciles what is dirty before the loop sleeps */
        uv_timer_t wake_timer;  /* the loop sleeps no longer than this */
        uv_timer_t claim_timer; /* a claim failed: the objects are looked at again */
        uv_signal_t sigterm, sigint;
        uv_timer_t shutdown_timer;
        bool stopping;    /* no update is started any more */
        uint64_t stop_by; /* ms: no longer than this */
        bool stopped;
        unsigned random; /* state of the jitter's generator */
};

/* Runs until SIGTERM or SIGINT; an exit code. */
int app_run(const struct options *options);

/* A fact about @live changed: it is reconciled before the loop sleeps. */
void app_mark_dirty(struct live *live);
void app_mark_all_dirty(struct app *app);
/* Rules appeared, changed or left: the watcher looks at the workspace with other eyes. */
void app_rules_changed(struct app *app);
struct live *app_find(struct app *app, const char *namespace_, const char *name);
/* Milliseconds of the loop's monotonic clock. */
uint64_t app_now(const struct app *app);
/* 0..1023, for spreading retries. */
unsigned app_jitter(struct app *app);
