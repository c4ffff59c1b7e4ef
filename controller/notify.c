/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/notify.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <utlist.h>

#include "base/file.h"
#include "base/mem.h"

/*
 * inotify_add_watch() takes a path, and a path can be changed under us by the very program we
 * watch. So a directory is opened first, without following links, and watched through its entry in
 * /proc/self/fd: the watch is on the directory that is then read, whatever its path means by then.
 *
 * The same inode gets the same watch descriptor from the kernel. When a directory was moved and its
 * new place is looked at before the events of its old place were read, the descriptor still belongs
 * to the old place: that one is dropped and the new place gets a descriptor of its own.
 */

#define TREE_EVENTS                                                                       \
        (IN_CREATE | IN_DELETE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_FROM | \
         IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_EXCL_UNLINK | IN_ONLYDIR)
#define GIT_EVENTS   (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR)
#define ABOVE_EVENTS (GIT_EVENTS | IN_DELETE_SELF | IN_MOVE_SELF)

#define WATCHES_ADVICE   524288 /* what most tools and distributions recommend */
#define INSTANCES_ADVICE 1024

static uint64_t read_number(const char *path)
{
        _cleanup_(str_done) struct str text = {};
        uint64_t value;

        if (file_read(path, 64, &text, NULL) < 0)
                return 0;
        while (text.len > 0 && text.data[text.len - 1] == '\n')
                text.data[--text.len] = '\0';
        return parse_u64(str_text(&text), UINT64_MAX, &value) < 0 ? 0 : value;
}

int notify_init(struct notify *n, struct err *err)
{
        int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

        if (fd < 0 && errno == EMFILE)
                return err_set(
                        err, -EMFILE,
                        "starting to watch files: too many open files or inotify instances "
                        "(fs.inotify.max_user_instances is %llu, shared by all programs of "
                        "this user): sysctl fs.inotify.max_user_instances=%d",
                        (unsigned long long)read_number("/proc/sys/fs/inotify/max_user_instances"),
                        INSTANCES_ADVICE);
        if (fd < 0)
                return err_errno(err, -errno, "starting to watch files");
        *n = (struct notify){.fd = fd};
        return 0;
}

static void forget_watch(struct notify *n, struct notify_dir *dir)
{
        if (dir->wd < 0)
                return;
        HASH_DEL(n->by_wd, dir);
        dir->wd = -1;
        n->n_watches--;
}

static void free_dead(struct notify *n)
{
        struct notify_dir *dir, *next;

        HASH_ITER(hh, n->by_wd, dir, next) {
                if (dir->dead) {
                        HASH_DEL(n->by_wd, dir);
                        free(dir);
                }
        }
}

void notify_done(struct notify *n)
{
        free_dead(n);
        assert(!n->by_wd);
        if (n->fd >= 0)
                close(n->fd);
        n->fd = -1;
}

struct notify_dir *notify_dir_new(struct notify_dir *parent, enum notify_role role,
                                  const char *name)
{
        size_t size = strlen(name) + 1;
        struct notify_dir *dir = xcalloc(1, sizeof(*dir) + size);

        memcpy(dir->name, name, size);
        dir->wd = -1;
        dir->role = role;
        dir->parent = parent;
        if (parent)
                DL_APPEND(parent->children, dir);
        return dir;
}

static int add_watch(struct notify *n, enum notify_role role, int fd)
{
        static const uint32_t events[] = {
                [NOTIFY_TREE] = TREE_EVENTS,
                [NOTIFY_GIT] = GIT_EVENTS,
                [NOTIFY_ABOVE] = ABOVE_EVENTS,
        };
        char path[32];
        int wd;

        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        wd = inotify_add_watch(n->fd, path, events[role]);
        return wd < 0 ? -errno : wd;
}

int notify_dir_watch(struct notify *n, struct notify_dir *dir, int fd)
{
        int wd = add_watch(n, dir->role, fd);
        struct notify_dir *holder;

        if (wd < 0)
                return wd;
        holder = notify_find(n, wd);
        if (holder == dir)
                return 0;
        if (holder) {
                /* Moved here. Its old place is dropped; the one looked at may lie in it. */
                for (struct notify_dir *up = dir; up; up = up->parent) {
                        if (up == holder)
                                return -ELOOP;
                }
                notify_dir_drop(n, holder);
                wd = add_watch(n, dir->role, fd);
                if (wd < 0)
                        return wd;
        }
        if (dir->wd >= 0) {
                /* Another directory had this path: what it still says is of no interest. */
                inotify_rm_watch(n->fd, dir->wd);
                forget_watch(n, dir);
        }
        dir->wd = wd;
        HASH_ADD_INT(n->by_wd, wd, dir);
        n->n_watches++;
        return 0;
}

static void detach(struct notify_dir *dir)
{
        if (dir->parent)
                DL_DELETE(dir->parent->children, dir);
        dir->parent = NULL;
}

void notify_dir_drop(struct notify *n, struct notify_dir *dir)
{
        if (!dir)
                return;
        while (dir->children)
                notify_dir_drop(n, dir->children);
        detach(dir);
        if (dir->wd < 0) {
                free(dir);
                return;
        }
        /* Fails when the kernel took it away first; its IN_IGNORED comes all the same. */
        inotify_rm_watch(n->fd, dir->wd);
        dir->dead = true;
        n->n_watches--;
}

void notify_dir_prune(struct notify *n, struct notify_dir *dir, uint32_t round)
{
        struct notify_dir *child, *next;

        DL_FOREACH_SAFE(dir->children, child, next)
        {
                if (child->round == round)
                        notify_dir_prune(n, child, round);
                else
                        notify_dir_drop(n, child);
        }
}

struct notify_dir *notify_dir_child(struct notify_dir *dir, const char *name)
{
        struct notify_dir *child;

        DL_FOREACH(dir->children, child)
        {
                if (strcmp(child->name, name) == 0)
                        break;
        }
        if (!child)
                return NULL;
        /* To the end of the list: the next one asked for in a scan is then at its head. */
        DL_DELETE(dir->children, child);
        DL_APPEND(dir->children, child);
        return child;
}

static void append_path(const struct notify_dir *dir, struct str *path)
{
        if (dir->parent)
                append_path(dir->parent, path);
        if (path->len > 0)
                str_append_char(path, '/');
        str_append(path, dir->name);
}

void notify_dir_path(const struct notify_dir *dir, struct str *path)
{
        str_clear(path);
        append_path(dir, path);
}

struct notify_dir *notify_find(const struct notify *n, int wd)
{
        struct notify_dir *dir;

        HASH_FIND_INT(n->by_wd, &wd, dir);
        return dir;
}

void notify_ignored(struct notify *n, struct notify_dir *dir)
{
        if (dir->dead) {
                HASH_DEL(n->by_wd, dir);
                free(dir);
        } else {
                forget_watch(n, dir);
        }
}

void notify_discard(struct notify *n)
{
        char buffer[16384];

        /* Bounded by the queue's own limit, unless somebody fills it as fast as it is emptied. */
        for (int i = 0; i < 4096; i++) {
                if (read(n->fd, buffer, sizeof(buffer)) <= 0)
                        break;
        }
        free_dead(n);
}

int notify_limit_error(const char *workspace, size_t n_needed, struct err *err)
{
        uint64_t limit = read_number("/proc/sys/fs/inotify/max_user_watches");
        uint64_t own = read_number("/proc/sys/user/max_inotify_watches");
        const char *name = "fs.inotify.max_user_watches";
        uint64_t advice = WATCHES_ADVICE;

        /* In a user namespace of its own the limit has another name. */
        if (own != 0 && own < limit) {
                limit = own;
                name = "user.max_inotify_watches";
        }
        while (advice < limit + n_needed)
                advice *= 2;
        return err_set(err, -ENOSPC,
                       "watching '%s' needs %zu inotify watches, but %s is %llu, shared by all "
                       "programs of this user: sysctl %s=%llu",
                       workspace, n_needed, name, (unsigned long long)limit, name,
                       (unsigned long long)advice);
}
