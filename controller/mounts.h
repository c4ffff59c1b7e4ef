/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tells when the mount table changes: a workspace that is unmounted while it is in use, or mounted
 * (again), goes and comes without a word from inotify. The kernel flags /proc/self/mountinfo as
 * urgent data when that happens (proc(5)).
 */

#include <uv.h>

struct mounts;
typedef void (*mounts_callback)(struct mounts *mounts);

struct mounts {
        uv_poll_t poll;
        int fd; /* -1: there is no such table to follow */
        mounts_callback on_change;
        mounts_callback on_closed;
};

void mounts_init(struct mounts *m, uv_loop_t *loop, mounts_callback on_change);
/* Begins to call on_change. Negative errno. */
int mounts_start(struct mounts *m);
/* Calls @on_closed, now or from the loop, when the memory may go. */
void mounts_close(struct mounts *m, mounts_callback on_closed);
