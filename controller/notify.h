/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One inotify instance and the tree of directories it watches (inotify(7)).
 *
 * The tree mirrors the directories of the workspace that somebody wants; a directory whose watch
 * was refused or is gone is in it with wd -1. Two more kinds of directory stand beside the tree:
 * the workspace's .git, and a directory above the workspace.
 *
 * Watch descriptors are never used twice by the kernel, but events of a watch can still be queued
 * when it is taken away. So a dropped directory lives on, dead and out of the tree, until the
 * kernel's IN_IGNORED for it was read.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/inotify.h>
#include <uthash.h>

#include "base/err.h"
#include "base/str.h"

enum notify_role {
        NOTIFY_TREE,  /* a directory of the workspace, or the workspace */
        NOTIFY_GIT,   /* its .git: only index.lock is of interest */
        NOTIFY_ABOVE, /* a directory above the workspace: it tells that the workspace goes or comes
                       */
};

struct notify_dir {
        struct notify_dir *parent, *children;
        struct notify_dir *prev, *next; /* siblings */
        int wd;                         /* -1: not watched */
        uint32_t round;                 /* of the last scan that came by */
        enum notify_role role;
        bool dead;
        UT_hash_handle hh; /* by wd */
        char name[];       /* "" for the workspace */
};

struct notify {
        int fd; /* non-blocking */
        struct notify_dir *by_wd;
        size_t n_watches;
};

/* -EMFILE: too many instances; @err says which limit and what mends it. */
int notify_init(struct notify *n, struct err *err);
/* Every directory must have been dropped; the dead ones go here. */
void notify_done(struct notify *n);

/* A directory without a watch; attached below @parent, which is NULL for the top of a tree. */
struct notify_dir *notify_dir_new(struct notify_dir *parent, enum notify_role role,
                                  const char *name);
/*
 * Watches the directory open as @fd. A watch that is there already is kept; one that the same
 * directory has at another place of the tree (it was moved) is taken from there, with all below.
 * -ENOSPC: the limit of watches is reached, see notify_limit_error(). Other errors: of the kernel.
 */
int notify_dir_watch(struct notify *n, struct notify_dir *dir, int fd);
/* Removes @dir and everything below it, with the watches. NULL is fine. */
void notify_dir_drop(struct notify *n, struct notify_dir *dir);
/* Drops everything below @dir whose round is another. */
void notify_dir_prune(struct notify *n, struct notify_dir *dir, uint32_t round);
/* NULL when there is none. Cheapest when asked in the order in which the children were made. */
struct notify_dir *notify_dir_child(struct notify_dir *dir, const char *name);
/* Sets @path to the path of @dir below the workspace. */
void notify_dir_path(const struct notify_dir *dir, struct str *path);

struct notify_dir *notify_find(const struct notify *n, int wd);
/* The kernel said IN_IGNORED: the watch is gone. A dead directory is freed. */
void notify_ignored(struct notify *n, struct notify_dir *dir);
/* Throws away what is queued, and the dead: before everything is looked at anew. */
void notify_discard(struct notify *n);

/* Sets @err to a sentence with the numbers and the sysctl that mends it, and returns -ENOSPC. */
int notify_limit_error(const char *workspace, size_t n_needed, struct err *err);
