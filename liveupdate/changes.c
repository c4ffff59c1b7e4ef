/* SPDX-License-Identifier: Apache-2.0 */
#include "liveupdate/changes.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include <xxhash.h>

#include "base/mem.h"

/*
 * One allocation per path holds the public change, its path and three kinds of links:
 *
 *   - the slot of an open-addressing hash table, to find it by its path;
 *   - parent to children to siblings, so that a directory that goes takes along what is below it
 *     without a look at anything else;
 *   - newer and older, a list in the order of revisions, so that "what is newer than R" costs what
 *     it finds. Only entries that changed (revision > 0) are on it.
 *
 * A directory nobody observed (the ancestor of a root, an ignored directory with a wanted file in
 * it) still needs its place in the tree: such an entry has round 0 and is never shown. `round` is
 * otherwise the rescan during which the path was seen last, so a rescan begins by counting up.
 *
 * Entries are removed from the table only by lu_changes_forget(), which builds it anew; hence the
 * table needs no deletion marks.
 */

#define SLOTS_MIN 64

struct entry {
        struct lu_change change; /* path: the bytes at the end */
        struct entry *newer, *older;
        struct entry *children, *sibling;
        uint32_t hash;
        uint32_t round;    /* 0: never observed */
        uint8_t last_kind; /* the kind when it was last present; LU_KIND_ABSENT: never */
        char path[];
};

struct lu_changes {
        struct entry **slots;
        size_t n_slots; /* a power of two */
        size_t n_entries;
        size_t n_present;
        struct entry *newest;
        uint64_t revision;
        uint32_t round;
};

struct lu_changes *lu_changes_new(void)
{
        struct lu_changes *c = xcalloc(1, sizeof(*c));

        c->n_slots = SLOTS_MIN;
        c->slots = xcalloc(c->n_slots, sizeof(c->slots[0]));
        c->round = 1;
        return c;
}

void lu_changes_free(struct lu_changes *c)
{
        if (!c)
                return;
        for (size_t i = 0; i < c->n_slots; i++)
                free(c->slots[i]);
        free(c->slots);
        free(c);
}

/* The table. */

static uint32_t hash_of(const char *path, size_t len)
{
        return (uint32_t)XXH3_64bits(path, len);
}

/* The slot that holds @path, or the empty one where it belongs. */
static struct entry **find_slot(const struct lu_changes *c, const char *path, size_t len,
                                uint32_t hash)
{
        size_t i = hash & (c->n_slots - 1);

        while (c->slots[i]) {
                const struct entry *e = c->slots[i];

                if (e->hash == hash && strncmp(e->path, path, len) == 0 && e->path[len] == '\0')
                        break;
                i = (i + 1) & (c->n_slots - 1);
        }
        return &c->slots[i];
}

static void insert(struct entry **slots, size_t n_slots, struct entry *e)
{
        size_t i = e->hash & (n_slots - 1);

        while (slots[i])
                i = (i + 1) & (n_slots - 1);
        slots[i] = e;
}

static void grow(struct lu_changes *c)
{
        size_t n_slots = c->n_slots * 2;
        struct entry **slots = xcalloc(n_slots, sizeof(slots[0]));

        for (size_t i = 0; i < c->n_slots; i++) {
                if (c->slots[i])
                        insert(slots, n_slots, c->slots[i]);
        }
        free(c->slots);
        c->slots = slots;
        c->n_slots = n_slots;
}

static struct entry *find(const struct lu_changes *c, const char *path)
{
        size_t len = strlen(path);

        return *find_slot(c, path, len, hash_of(path, len));
}

static size_t parent_len(const char *path, size_t len)
{
        while (len > 0 && path[len - 1] != '/')
                len--;
        return len > 0 ? len - 1 : 0;
}

/*
 * Finds or makes the entry of @path, and its ancestors up to "". Recursion is as deep as the path
 * has components; the watcher keeps paths below PATH_MAX.
 */
static struct entry *obtain(struct lu_changes *c, const char *path, size_t len)
{
        uint32_t hash = hash_of(path, len);
        struct entry *e = *find_slot(c, path, len, hash);
        struct entry *parent;

        if (e)
                return e;
        e = xcalloc(1, offsetof(struct entry, path) + len + 1);
        memcpy(e->path, path, len);
        e->change.path = e->path;
        e->hash = hash;
        if (len > 0) {
                parent = obtain(c, path, parent_len(path, len));
                e->sibling = parent->children;
                parent->children = e;
        }
        if ((c->n_entries + 1) * 4 > c->n_slots * 3)
                grow(c);
        insert(c->slots, c->n_slots, e);
        c->n_entries++;
        return e;
}

/* The order of revisions. */

static void unlink_revision(struct lu_changes *c, struct entry *e)
{
        if (e->change.revision == 0)
                return;
        if (e->newer)
                e->newer->older = e->older;
        else
                c->newest = e->older;
        if (e->older)
                e->older->newer = e->newer;
        e->newer = e->older = NULL;
        e->change.revision = 0;
}

static void bump(struct lu_changes *c, struct entry *e)
{
        unlink_revision(c, e);
        e->older = c->newest;
        if (c->newest)
                c->newest->newer = e;
        c->newest = e;
        e->change.revision = ++c->revision;
}

uint64_t lu_changes_revision(const struct lu_changes *c)
{
        return c->revision;
}

size_t lu_changes_n_present(const struct lu_changes *c)
{
        return c->n_present;
}

const struct lu_change *lu_changes_find(const struct lu_changes *c, const char *path)
{
        const struct entry *e = find(c, path);

        return e && e->round != 0 ? &e->change : NULL;
}

/* Observing. */

static bool is_present(const struct entry *e)
{
        return e->change.facts.kind != LU_KIND_ABSENT;
}

static void bury(struct lu_changes *c, struct entry *e, uint64_t now)
{
        e->change.facts = (struct lu_facts){.kind = LU_KIND_ABSENT};
        e->change.time = now;
        c->n_present--;
        bump(c, e);
}

/* Parents are buried after their children, and so are newer: whoever reads sees them first. */
static size_t bury_below(struct lu_changes *c, struct entry *dir, uint64_t now)
{
        size_t n = 0;

        for (struct entry *e = dir->children; e; e = e->sibling) {
                n += bury_below(c, e, now);
                if (is_present(e)) {
                        bury(c, e, now);
                        n++;
                }
        }
        return n;
}

static bool differs(const struct lu_facts *a, const struct lu_facts *b)
{
        if (a->kind != b->kind)
                return true;
        if (a->kind == LU_KIND_DIRECTORY)
                return false;
        return a->size != b->size || a->mtime != b->mtime || a->inode != b->inode ||
               a->mode != b->mode;
}

bool lu_changes_observe(struct lu_changes *c, const char *path, const struct lu_facts *facts,
                        bool initial, uint64_t now)
{
        struct entry *e = obtain(c, path, strlen(path));
        bool known = e->round != 0;

        assert(facts->kind != LU_KIND_ABSENT);
        e->round = c->round;
        if (known && !differs(&e->change.facts, facts))
                return false;
        if (facts->kind != LU_KIND_DIRECTORY)
                bury_below(c, e, now);
        if (!is_present(e))
                c->n_present++;
        if (e->last_kind != LU_KIND_ABSENT && e->last_kind != facts->kind)
                e->change.flipped = true;
        e->last_kind = (uint8_t)facts->kind;
        e->change.facts = *facts;
        e->change.time = facts->changed;
        if (!known && initial)
                return false;
        bump(c, e);
        return true;
}

bool lu_changes_observe_absent(struct lu_changes *c, const char *path, uint64_t now)
{
        struct entry *e = find(c, path);
        size_t n;

        if (!e)
                return false;
        n = bury_below(c, e, now);
        if (is_present(e)) {
                bury(c, e, now);
                n++;
        }
        return n > 0;
}

void lu_changes_touch(struct lu_changes *c, const char *path)
{
        struct entry *e = find(c, path);

        if (e && e->round != 0)
                bump(c, e);
}

/* Reading. */

void lu_changes_since(const struct lu_changes *c, uint64_t after, lu_changes_visit visit,
                      void *userdata)
{
        for (const struct entry *e = c->newest; e && e->change.revision > after; e = e->older) {
                if (!visit(userdata, &e->change))
                        return;
        }
}

void lu_changes_each(const struct lu_changes *c, lu_changes_visit visit, void *userdata)
{
        for (size_t i = 0; i < c->n_slots; i++) {
                const struct entry *e = c->slots[i];

                if (e && e->round != 0 && !visit(userdata, &e->change))
                        return;
        }
}

/* True when one entry at or below @e is as asked: present, or known and gone. */
static bool any(const struct entry *e, bool present)
{
        if (e->round != 0 && is_present(e) == present)
                return true;
        for (const struct entry *child = e->children; child; child = child->sibling) {
                if (any(child, present))
                        return true;
        }
        return false;
}

static bool any_below(const struct entry *dir, bool present)
{
        for (const struct entry *child = dir->children; child; child = child->sibling) {
                if (any(child, present))
                        return true;
        }
        return false;
}

bool lu_changes_vanished(const struct lu_changes *c, const char *root)
{
        const struct entry *e = find(c, root);

        if (!e || any_below(e, true))
                return false;
        if (is_present(e))
                return e->change.facts.kind == LU_KIND_DIRECTORY && any_below(e, false);
        return any(e, false);
}

/* Rescans and filters. */

void lu_changes_rescan_begin(struct lu_changes *c)
{
        c->round++;
}

static void keep_below(struct lu_changes *c, struct entry *e)
{
        if (e->round != 0)
                e->round = c->round;
        for (struct entry *child = e->children; child; child = child->sibling)
                keep_below(c, child);
}

void lu_changes_rescan_keep(struct lu_changes *c, const char *path)
{
        struct entry *e = find(c, path);

        if (e)
                keep_below(c, e);
}

static size_t bury_unseen(struct lu_changes *c, struct entry *e, uint64_t now)
{
        size_t n = 0;

        for (struct entry *child = e->children; child; child = child->sibling)
                n += bury_unseen(c, child, now);
        if (is_present(e) && e->round != c->round) {
                bury(c, e, now);
                n++;
        }
        return n;
}

size_t lu_changes_rescan_end(struct lu_changes *c, const char *root, uint64_t now)
{
        struct entry *e = find(c, root);

        return e ? bury_unseen(c, e, now) : 0;
}

/* The entry stays only for its place in the tree. */
static void forget_entry(struct lu_changes *c, struct entry *e)
{
        if (is_present(e))
                c->n_present--;
        unlink_revision(c, e);
        e->change.facts = (struct lu_facts){};
        e->change.time = 0;
        e->change.flipped = false;
        e->last_kind = LU_KIND_ABSENT;
        e->round = 0;
}

struct forgetting {
        struct lu_changes *c;
        lu_changes_keep keep;
        void *userdata;
        size_t n_forgotten;
};

/* Forgets what is not wanted at and below @e. True when nothing is left that needs its place. */
static bool forget_below(struct forgetting *f, struct entry *e)
{
        struct entry **link = &e->children;

        while (*link) {
                struct entry *child = *link;

                if (forget_below(f, child))
                        *link = child->sibling;
                else
                        link = &child->sibling;
        }
        if (e->round != 0 && !f->keep(f->userdata, e->path)) {
                forget_entry(f->c, e);
                f->n_forgotten++;
        }
        return e->round == 0 && !e->children;
}

size_t lu_changes_forget(struct lu_changes *c, lu_changes_keep keep, void *userdata)
{
        struct forgetting f = {.c = c, .keep = keep, .userdata = userdata};
        struct entry *top = find(c, "");
        struct entry **old = c->slots;

        if (!top)
                return 0;
        forget_below(&f, top);
        c->slots = xcalloc(c->n_slots, sizeof(c->slots[0]));
        for (size_t i = 0; i < c->n_slots; i++) {
                struct entry *e = old[i];

                if (!e)
                        continue;
                if (e->round == 0 && !e->children) {
                        c->n_entries--;
                        free(e);
                } else {
                        insert(c->slots, c->n_slots, e);
                }
        }
        free(old);
        return f.n_forgotten;
}
