/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/observer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/timestamp.h"

/*
 * An event is a hint that is older than the state it is answered with: what is there is asked of
 * the file system, relative to the directory, opened without following any link. Only these are
 * taken from the event itself: that a directory left or came (its watches belong to the inode and
 * would go on telling about the old path), and whether a file is still being written.
 *
 * Two writes within one tick of the file system's clock can leave size and mtime alike. A write
 * that is told about while the mtime is that young counts as a change although the stat is the
 * same.
 */

#define CLOCK_TICK (20 * NSEC_PER_MSEC)

#define LEFT (IN_DELETE | IN_MOVED_FROM)

void observer_begin(struct observer *o, uint64_t ms)
{
        o->now = timestamp_now();
        o->ms = ms;
        o->doubt = o->displaced = false;
        o->n_refused = 0;
        o->error = 0;
        o->dir_wd = o->dir_fd = -1;
}

void observer_end(struct observer *o)
{
        closep(&o->dir_fd);
        o->dir_wd = o->dir_fd = -1;
        str_done(&o->path);
}

/* Opens a directory of the workspace; no part of @path may be a symlink. */
static int open_directory(const struct observer *o, const char *path, int flags)
{
        const struct open_how how = {
                .flags = (uint64_t)(flags | O_DIRECTORY | O_CLOEXEC),
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
        };
        long fd = syscall(SYS_openat2, o->presence->fd, *path ? path : ".", &how, sizeof(how));

        return fd < 0 ? -errno : (int)fd;
}

/* Nothing is there. Any other failure says nothing about what is there. */
static bool is_absence(int r)
{
        return r == -ENOENT || r == -ENOTDIR || r == -ELOOP;
}

/* git */

static bool git_lock_present(const struct observer *o)
{
        _cleanup_(closep) int fd = open_directory(o, ".git", O_RDONLY);
        struct stat st;

        return fd >= 0 && fstatat(fd, "index.lock", &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void look_at_git(struct observer *o)
{
        _cleanup_(closep) int fd = open_directory(o, ".git", O_RDONLY);

        if (fd < 0) {
                notify_dir_drop(o->notify, o->git);
                o->git = NULL;
        } else {
                if (!o->git)
                        o->git = notify_dir_new(NULL, NOTIFY_GIT, ".git");
                if (notify_dir_watch(o->notify, o->git, fd) == -ENOSPC)
                        o->n_refused++;
        }
        lu_settle_git_lock(o->settle, git_lock_present(o), o->ms);
}

/* Directories */

static void note_complete(struct observer *o, size_t n)
{
        while (n-- > 0)
                lu_settle_note(o->settle, LU_SETTLE_COMPLETE, o->ms);
}

static void take_results(struct observer *o, const struct scan *scan)
{
        o->n_refused += scan->n_refused;
        if (scan->error < 0)
                o->error = scan->error;
        note_complete(o, scan->n_changed);
}

/* What an event led to: o->path, and what is there. */
struct sight {
        struct notify_dir *dir; /* in which it is */
        const struct notify_event *event;
        struct lu_facts facts;
        bool linked; /* see scan_facts() */
};

/* A directory appeared at o->path: watches it and observes all below. */
static void enter_directory(struct observer *o, const struct sight *sight)
{
        _cleanup_(closep) int fd = open_directory(o, str_text(&o->path), O_RDONLY);
        _cleanup_(scan_done) struct scan scan = {
                .notify = o->notify,
                .changes = o->changes,
                .filter = o->filter,
                .now = o->now,
                .round = o->round,
                .moved_in = sight->event->mask & IN_MOVED_TO,
                .not_before = sight->facts.changed,
        };

        if (fd < 0) {
                o->doubt |= !is_absence(fd);
                return;
        }
        scan_directory(&scan, notify_dir_new(sight->dir, NOTIFY_TREE, sight->event->name), fd);
        take_results(o, &scan);
}

/* @known: it is in the tree, hence watched and scanned. */
static void see_directory(struct observer *o, const struct sight *sight, bool known)
{
        const struct scan_filter *filter = o->filter;
        const char *path = str_text(&o->path);

        if (!filter->wants_directory(filter->userdata, path))
                return;
        if (filter->wants_file(filter->userdata, path) &&
            lu_changes_observe(o->changes, path, &sight->facts, false, o->now))
                note_complete(o, 1);
        if (!known)
                enter_directory(o, sight);
}

/* Files */

static bool rewritten(const struct observer *o, const struct sight *sight)
{
        const struct lu_facts *facts = &sight->facts;

        return (sight->event->mask & IN_MODIFY) && facts->kind == LU_KIND_FILE &&
               facts->mtime <= o->now && o->now - facts->mtime < CLOCK_TICK;
}

/* o->path is a file or a symlink now. */
static void see_file(struct observer *o, const struct sight *sight)
{
        const char *path = str_text(&o->path);
        uint32_t mask = sight->event->mask;
        bool closed = mask & (IN_CLOSE_WRITE | IN_MOVED_TO);
        bool changed = lu_changes_observe(o->changes, path, &sight->facts, false, o->now);

        if (!changed && rewritten(o, sight)) {
                lu_changes_touch(o->changes, path);
                changed = true;
        }
        /* A symlink and a further name of a file are complete as they are created. */
        if (sight->facts.kind == LU_KIND_SYMLINK || (sight->linked && (mask & IN_CREATE)))
                closed = true;
        if (closed)
                writing_closed(o->writing, path, changed, o->ms);
        else if (changed && (mask & (IN_MODIFY | IN_CREATE)))
                writing_opened(o->writing, path, o->ms);
        else if (changed)
                writing_touched(o->writing, path, o->ms);
}

static void see_nothing(struct observer *o)
{
        bool changed = lu_changes_observe_absent(o->changes, str_text(&o->path), o->now);

        writing_closed(o->writing, str_text(&o->path), changed, o->ms);
}

/* Events */

/* The directory of the event, open; kept for the next event of the same directory. */
static int directory_of(struct observer *o, const struct notify_dir *dir)
{
        _cleanup_(str_done) struct str path = {};

        if (o->dir_wd == dir->wd)
                return o->dir_fd;
        notify_dir_path(dir, &path);
        closep(&o->dir_fd);
        o->dir_fd = open_directory(o, str_text(&path), O_PATH);
        o->dir_wd = dir->wd;
        return o->dir_fd;
}

/* Removes the watches of a directory that left, and what was in it. True when it is still known. */
static bool settle_directory(struct observer *o, struct notify_dir *parent,
                             const struct notify_event *event)
{
        struct notify_dir *child;

        if (!(event->mask & IN_ISDIR))
                return false;
        child = notify_dir_child(parent, event->name);
        if (!(event->mask & (LEFT | IN_MOVED_TO)))
                return child != NULL;
        notify_dir_drop(o->notify, child);
        if ((event->mask & LEFT) &&
            lu_changes_observe_absent(o->changes, str_text(&o->path), o->now))
                note_complete(o, 1);
        return false;
}

/* Something happened to @event->name in @dir. */
static void look(struct observer *o, struct notify_dir *dir, const struct notify_event *event)
{
        const struct scan_filter *filter = o->filter;
        struct sight sight = {.dir = dir, .event = event};
        bool known;
        int fd, r;

        notify_dir_path(dir, &o->path);
        if (o->path.len > 0)
                str_append_char(&o->path, '/');
        str_append(&o->path, event->name);
        if (o->path.len >= PATH_MAX)
                return;
        known = settle_directory(o, dir, event);
        if (!filter->wants_file(filter->userdata, str_text(&o->path)) &&
            !filter->wants_directory(filter->userdata, str_text(&o->path)))
                return;
        fd = directory_of(o, dir);
        r = fd < 0 ? fd : scan_facts(fd, event->name, &sight.facts, &sight.linked);
        if (r < 0 && !is_absence(r))
                o->doubt = true;
        else if (r < 0)
                see_nothing(o);
        else if (sight.facts.kind == LU_KIND_DIRECTORY)
                see_directory(o, &sight, known);
        else if (filter->wants_file(filter->userdata, str_text(&o->path)))
                see_file(o, &sight);
}

/* An event about a watched directory itself. */
static void self_event(struct observer *o, struct notify_dir *dir, uint32_t mask)
{
        if (dir == o->root && (mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)))
                o->displaced = true;
        else if (dir->role == NOTIFY_ABOVE)
                o->displaced = true;
        else if (mask & IN_UNMOUNT)
                o->doubt = true;
        if (mask & IN_IGNORED)
                notify_ignored(o->notify, dir);
}

void observer_event(struct observer *o, const struct notify_event *event)
{
        struct notify_dir *dir = notify_find(o->notify, event->wd);

        if (!dir) {
                o->doubt |= !(event->mask & IN_IGNORED);
        } else if (dir->dead) {
                if (event->mask & IN_IGNORED)
                        notify_ignored(o->notify, dir);
        } else if (event->name[0] == '\0') {
                self_event(o, dir, event->mask);
        } else if (dir->role == NOTIFY_ABOVE) {
                o->displaced |= presence_concerns(o->presence, event->name);
        } else if (dir->role == NOTIFY_GIT) {
                if (strcmp(event->name, "index.lock") == 0)
                        lu_settle_git_lock(o->settle, git_lock_present(o), o->ms);
        } else if (dir == o->root && strcmp(event->name, ".git") == 0) {
                look_at_git(o);
        } else {
                look(o, dir, event);
        }
}

/* Everything */

int observer_look_at_all(struct observer *o, uint64_t initial_before, size_t *ret_n_directories)
{
        _cleanup_(closep) int fd = open_directory(o, "", O_RDONLY);
        _cleanup_(scan_done) struct scan scan = {
                .notify = o->notify,
                .changes = o->changes,
                .filter = o->filter,
                .now = o->now,
                .round = ++o->round,
                .initial_before = initial_before,
        };

        if (fd < 0)
                return fd;
        if (!o->root)
                o->root = notify_dir_new(NULL, NOTIFY_TREE, "");
        lu_changes_rescan_begin(o->changes);
        scan_directory(&scan, o->root, fd);
        notify_dir_prune(o->notify, o->root, o->round);
        scan.n_changed += lu_changes_rescan_end(o->changes, "", o->now);
        look_at_git(o);
        take_results(o, &scan);
        *ret_n_directories = scan.n_directories;
        return 0;
}

void observer_drop_all(struct observer *o)
{
        notify_dir_drop(o->notify, o->root);
        notify_dir_drop(o->notify, o->git);
        o->root = o->git = NULL;
        lu_settle_git_lock(o->settle, false, o->ms);
}
