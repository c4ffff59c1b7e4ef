/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/timestamp.h"

/*
 * The order inside a directory is what makes it safe: watch, read, then descend. What appears
 * before the watch is found by the read, what appears later makes an event, and what does both is
 * observed twice with the same facts, which is no change.
 *
 * A directory is read to its end before its subdirectories are entered, so all levels share one
 * buffer and a level costs only its descriptor and the names of its subdirectories. The path is one
 * string that grows and shrinks. Recursion and descriptors are bounded by DEPTH_MAX.
 */

#define BUFFER_SIZE ((size_t)32 << 10)
#define DEPTH_MAX   200

/* A directory whose subdirectories are entered. */
struct level {
        struct notify_dir *dir;
        int fd;
        unsigned depth;
        bool fresh; /* it had no known subdirectories: none need to be looked for */
};

static void scan_level(struct scan *s, struct notify_dir *dir, int fd, unsigned depth);

void scan_done(struct scan *s)
{
        free(s->buffer);
        s->buffer = NULL;
        str_done(&s->path);
}

static uint64_t nsec(const struct statx_timestamp *t)
{
        return t->tv_sec < 0 ? 0 : (uint64_t)t->tv_sec * NSEC_PER_SEC + t->tv_nsec;
}

int scan_facts(int fd, const char *name, struct lu_facts *ret_facts, bool *ret_linked)
{
        struct statx st;
        enum lu_kind kind;

        if (statx(fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &st) < 0)
                return -errno;
        if (S_ISREG(st.stx_mode))
                kind = LU_KIND_FILE;
        else if (S_ISDIR(st.stx_mode))
                kind = LU_KIND_DIRECTORY;
        else if (S_ISLNK(st.stx_mode))
                kind = LU_KIND_SYMLINK;
        else
                return -ENOENT;
        *ret_facts = (struct lu_facts){
                .kind = kind,
                .mode = st.stx_mode & 07777,
                .size = st.stx_size,
                .mtime = nsec(&st.stx_mtime),
                .changed = nsec(&st.stx_ctime),
                .inode = st.stx_ino,
        };
        *ret_linked = kind == LU_KIND_FILE && st.stx_nlink > 1;
        return 0;
}

/* It was there a moment ago: an event tells what became of it. */
static bool just_gone(int r)
{
        return r == -ENOENT || r == -ENOTDIR || r == -ELOOP;
}

/* Nothing is known about what is there or below, so nothing changes in what is remembered. */
static void leave_alone(struct scan *s, int r, const char *what)
{
        _cleanup_(freep) char *shown = printable(str_text(&s->path));

        if (just_gone(r))
                return;
        lu_changes_rescan_keep(s->changes, str_text(&s->path));
        log_warning(what, LOG_S("path", shown), LOG_S("error", strerror(-r)));
}

/* Puts @name behind the path and returns where to cut it off again. False: the path is too long. */
static bool push(struct scan *s, const char *name, size_t *ret_mark)
{
        size_t mark = s->path.len;

        if (mark + 1 + strlen(name) >= PATH_MAX)
                return false;
        if (mark > 0)
                str_append_char(&s->path, '/');
        str_append(&s->path, name);
        *ret_mark = mark;
        return true;
}

static void pop(struct scan *s, size_t mark)
{
        s->path.len = mark;
        s->path.data[mark] = '\0';
}

/* Observes what is at the path now, if it is wanted. */
static void observe(struct scan *s, const struct lu_facts *found)
{
        const char *path = str_text(&s->path);
        struct lu_facts facts = *found;
        bool initial = facts.changed < s->initial_before;

        if (!s->filter->wants_file(s->filter->userdata, path))
                return;
        if (facts.changed < s->not_before)
                facts.changed = s->not_before;
        if (lu_changes_observe(s->changes, path, &facts, initial, s->now)) {
                s->n_changed++;
        } else if (s->moved_in && lu_changes_find(s->changes, path)->revision == 0) {
                lu_changes_touch(s->changes, path);
                s->n_changed++;
        }
}

/* The path is a directory. True when it must be entered. */
static bool enter_directory(struct scan *s, const struct lu_facts *facts)
{
        const char *path = str_text(&s->path);

        /* Only index.lock is of interest in there, and it has a watch of its own kind. */
        if (strcmp(path, ".git") == 0)
                return false;
        if (!s->filter->wants_directory(s->filter->userdata, path))
                return false;
        observe(s, facts);
        return true;
}

/* One entry of the directory @fd. The names of directories to enter are appended to @below. */
static void look_at(struct scan *s, int fd, const struct dirent64 *entry, struct str *below)
{
        unsigned char type = entry->d_type;
        const char *path = str_text(&s->path);
        const struct scan_filter *filter = s->filter;
        struct lu_facts facts;
        bool linked;
        int r;

        if (type != DT_REG && type != DT_LNK && type != DT_DIR && type != DT_UNKNOWN)
                return;
        if (type == DT_DIR && !filter->wants_directory(filter->userdata, path))
                return;
        if ((type == DT_REG || type == DT_LNK) && !filter->wants_file(filter->userdata, path))
                return;
        r = scan_facts(fd, entry->d_name, &facts, &linked);
        if (r < 0) {
                leave_alone(s, r, "cannot examine");
        } else if (facts.kind != LU_KIND_DIRECTORY) {
                observe(s, &facts);
        } else if (enter_directory(s, &facts)) {
                str_append_bytes(below, entry->d_name, strlen(entry->d_name) + 1);
        }
}

static bool is_dot(const char *name)
{
        return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static void look_at_all(struct scan *s, int fd, ssize_t n, struct str *below)
{
        const struct dirent64 *entry;
        size_t mark;

        for (ssize_t at = 0; at < n; at += entry->d_reclen) {
                entry = (const struct dirent64 *)(const void *)(s->buffer + at);
                if (is_dot(entry->d_name))
                        continue;
                if (!push(s, entry->d_name, &mark)) {
                        leave_alone(s, -ENAMETOOLONG, "path too long below");
                        continue;
                }
                look_at(s, fd, entry, below);
                pop(s, mark);
        }
}

/* Reads the directory to its end. */
static int read_directory(struct scan *s, int fd, struct str *below)
{
        ssize_t n;

        if (!s->buffer)
                s->buffer = xmalloc(BUFFER_SIZE);
        while ((n = getdents64(fd, s->buffer, BUFFER_SIZE)) > 0)
                look_at_all(s, fd, n, below);
        return n < 0 ? -errno : 0;
}

/* False: it is a directory that we are already inside of, mounted once more. */
static bool watch_directory(struct scan *s, struct notify_dir *dir, int fd)
{
        int r = notify_dir_watch(s->notify, dir, fd);

        dir->round = s->round;
        s->n_directories++;
        if (r == -ENOSPC)
                s->n_refused++;
        else if (r < 0 && r != -ELOOP)
                s->error = r;
        return r != -ELOOP;
}

/* Enters the directory at the path, which is @name in @level. */
static void descend(struct scan *s, const struct level *level, const char *name)
{
        _cleanup_(closep) int fd = openat(
                level->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        const struct lu_change *known = lu_changes_find(s->changes, str_text(&s->path));
        struct notify_dir *dir = NULL;
        uint64_t not_before = s->not_before;

        if (fd < 0) {
                leave_alone(s, -errno, "cannot read directory");
                return;
        }
        if (level->depth == DEPTH_MAX) {
                leave_alone(s, -ENAMETOOLONG, "directory too deep");
                return;
        }
        /* A directory that is new may have been moved here with files much older than that. */
        if (known && known->revision > s->revision && known->facts.changed > not_before)
                s->not_before = known->facts.changed;
        if (!level->fresh)
                dir = notify_dir_child(level->dir, name);
        if (!dir)
                dir = notify_dir_new(level->dir, NOTIFY_TREE, name);
        scan_level(s, dir, fd, level->depth + 1);
        s->not_before = not_before;
}

static void scan_level(struct scan *s, struct notify_dir *dir, int fd, unsigned depth)
{
        _cleanup_(str_done) struct str below = {};
        const struct level level = {
                .dir = dir, .fd = fd, .depth = depth, .fresh = dir->children == NULL};
        size_t mark;
        int r;

        if (!watch_directory(s, dir, fd))
                return;
        r = read_directory(s, fd, &below);
        if (r < 0)
                leave_alone(s, r, "cannot read directory");
        for (size_t at = 0; at < below.len; at += strlen(below.data + at) + 1) {
                if (!push(s, below.data + at, &mark))
                        continue;
                descend(s, &level, below.data + at);
                pop(s, mark);
        }
}

void scan_directory(struct scan *s, struct notify_dir *dir, int fd)
{
        s->revision = lu_changes_revision(s->changes);
        notify_dir_path(dir, &s->path);
        scan_level(s, dir, fd, 0);
}
