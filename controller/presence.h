/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whether the workspace directory is where it was: it can be deleted, renamed, replaced or
 * unmounted under us, and come back at the same path.
 *
 * While it is there its parent is watched, because a directory that anybody has open (we do) does
 * not announce its own end; nor does a mount that is taken away while it is in use, see
 * controller/mounts.h. While it is gone the nearest directory above that exists is watched.
 */

#include <stdbool.h>

#include "base/err.h"
#include "controller/notify.h"

struct presence {
        char *path;               /* absolute and resolved */
        int fd;                   /* O_PATH; -1 while it is gone */
        bool mounted;             /* it was a mount point, and counts again when it is one */
        struct notify_dir *above; /* or NULL: nothing above can be watched */
};

/* Opens the workspace. -ENOENT, -ENOTDIR, … with a sentence. */
int presence_init(struct presence *p, const char *path, struct err *err);
void presence_done(struct presence *p, struct notify *notify);

/* Watches what tells that the workspace goes or comes. */
void presence_guard(struct presence *p, struct notify *notify);
/* Can an event for @name in the directory above concern the workspace? */
bool presence_concerns(const struct presence *p, const char *name);
/* True while the path still is the directory that is open. */
bool presence_holds(const struct presence *p);
/* It is gone: closes it. */
void presence_lose(struct presence *p);
/* Looks for it anew, and guards it. True when it is there. */
bool presence_regain(struct presence *p, struct notify *notify);
