/* SPDX-License-Identifier: Apache-2.0 */
#include "liveupdate/update.h"

/*
 * An update is filled in the order in which changes were found, and sealed once. Sealing gives the
 * order in which a container can take it: first everything that must go away, so that nothing
 * stands where something else comes; then the rest by destination, which puts each directory before
 * what is in it, since a path is a prefix of those below it.
 *
 * What goes away with a directory is not named again. That is not only shorter: on a retry the
 * directory may already be a file, and a removal below a file is an error for some tools.
 */

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

struct lu_update *lu_update_new(void)
{
        struct lu_update *u = xcalloc(1, sizeof(*u));

        u->n_refs = 1;
        return u;
}

struct lu_update *lu_update_ref(struct lu_update *u)
{
        assert(u->n_refs > 0);
        u->n_refs++;
        return u;
}

static void item_done(struct lu_update_item *item)
{
        free(item->path);
        free(item->destination);
}

void lu_update_unref(struct lu_update *u)
{
        if (!u)
                return;
        assert(u->n_refs > 0);
        if (--u->n_refs > 0)
                return;
        for (size_t i = 0; i < u->n_items; i++)
                item_done(&u->items[i]);
        free(u->items);
        for (size_t i = 0; i < u->n_runs; i++) {
                free(u->runs[i].command);
                strv_done(&u->runs[i].args);
                free(u->runs[i].working_dir);
                free(u->runs[i].text);
        }
        free(u->runs);
        free(u);
}

struct lu_update_item *lu_update_add(struct lu_update *u, const char *path, char *destination,
                                     enum lu_kind kind)
{
        struct lu_update_item *item;

        /* Storage for the next power of two: grown when the count is one. */
        if ((u->n_items & (u->n_items - 1)) == 0)
                u->items =
                        xreallocarray(u->items, u->n_items ? u->n_items * 2 : 1, sizeof(*u->items));
        item = &u->items[u->n_items++];
        *item = (struct lu_update_item){
                .path = xstrdup(path),
                .destination = destination,
                .kind = kind,
        };
        return item;
}

/* An item while it is sorted, with the place at which it was added. */
struct ranked {
        struct lu_update_item item;
        size_t added;
};

static int compare_ranked(const void *a, const void *b)
{
        const struct ranked *x = a, *y = b;
        int r = strcmp(x->item.destination, y->item.destination);

        return r ? r : (x->added > y->added) - (x->added < y->added);
}

/* Sorts by destination; of several items for one the last added stays. */
static void sort_unique(struct lu_update *u)
{
        _cleanup_(freep) struct ranked *ranked = xcalloc(u->n_items, sizeof(*ranked));
        size_t n = u->n_items;

        for (size_t i = 0; i < n; i++)
                ranked[i] = (struct ranked){.item = u->items[i], .added = i};
        qsort(ranked, n, sizeof(*ranked), compare_ranked);
        u->n_items = 0;
        for (size_t i = 0; i < n; i++) {
                if (i + 1 < n && streq(ranked[i].item.destination, ranked[i + 1].item.destination))
                        item_done(&ranked[i].item);
                else
                        u->items[u->n_items++] = ranked[i].item;
        }
}

/* The item for the first @len bytes of @destination, or NULL. The items are sorted. */
static const struct lu_update_item *find_item(const struct lu_update *u, const char *destination,
                                              size_t len)
{
        size_t low = 0, high = u->n_items;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                const char *other = u->items[middle].destination;
                int r = strncmp(other, destination, len);

                if (r == 0 && other[len] == '\0')
                        return &u->items[middle];
                if (r < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}

/* True when a directory above @item is removed, or replaced by something of another kind. */
static bool goes_with_parent(const struct lu_update *u, const struct lu_update_item *item)
{
        const char *slash = strchr(item->destination + 1, '/');

        for (; slash; slash = strchr(slash + 1, '/')) {
                const struct lu_update_item *parent =
                        find_item(u, item->destination, (size_t)(slash - item->destination));

                if (parent && (parent->kind == LU_KIND_ABSENT || parent->flipped))
                        return true;
        }
        return false;
}

void lu_update_seal(struct lu_update *u)
{
        _cleanup_(freep) struct lu_update_item *rest = NULL;
        _cleanup_(freep) bool *redundant = NULL;
        size_t n_rest = 0;

        sort_unique(u);
        redundant = xcalloc(u->n_items, sizeof(*redundant));
        for (size_t i = 0; i < u->n_items; i++)
                redundant[i] =
                        u->items[i].kind == LU_KIND_ABSENT && goes_with_parent(u, &u->items[i]);
        rest = xcalloc(u->n_items, sizeof(*rest));
        u->n_removals = 0;
        for (size_t i = 0; i < u->n_items; i++) {
                if (redundant[i])
                        item_done(&u->items[i]);
                else if (u->items[i].kind == LU_KIND_ABSENT)
                        u->items[u->n_removals++] = u->items[i];
                else
                        rest[n_rest++] = u->items[i];
        }
        u->n_items = u->n_removals + n_rest;
        if (n_rest > 0)
                memcpy(u->items + u->n_removals, rest, n_rest * sizeof(*rest));
}
