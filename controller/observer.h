/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What one inotify event means for the change set and the settle window: the event says where to
 * look, the file system says what is there.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "controller/notify.h"
#include "controller/notify_batch.h"
#include "controller/presence.h"
#include "controller/scan.h"
#include "controller/writing.h"
#include "liveupdate/changes.h"
#include "liveupdate/settle.h"

struct observer {
        /* Borrowed. */
        const struct scan_filter *filter;
        struct presence *presence;
        struct notify *notify;
        struct lu_changes *changes;
        struct lu_settle *settle;
        struct writing *writing;

        struct notify_dir *root; /* owned; NULL while the workspace is gone */
        struct notify_dir *git;  /* owned; NULL: there is no .git directory */
        uint32_t round;
        uint64_t now; /* wall clock, ns */
        uint64_t ms;  /* the loop's clock */

        /* Results; the caller clears them. */
        bool doubt;     /* events were lost: look at everything */
        bool displaced; /* the workspace itself may be gone */
        size_t n_refused;
        int error;

        /* Private: the directory that was looked into last, and paths. */
        int dir_wd, dir_fd;
        struct str path;
};

/* Clears the results and sets the times; then come events, then observer_end(). */
void observer_begin(struct observer *o, uint64_t ms);
void observer_event(struct observer *o, const struct notify_event *event);
void observer_end(struct observer *o);

/*
 * Looks at the whole workspace, and what is known of it and not found is gone. @initial_before: see
 * controller/scan.h. Negative errno when the workspace cannot be read; nothing is gone then.
 */
int observer_look_at_all(struct observer *o, uint64_t initial_before, size_t *ret_n_directories);
/* The workspace is gone: nothing is watched in it any more, and nothing about it is changed. */
void observer_drop_all(struct observer *o);
