/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/store.h"

/*
 * The store changes first and completely; the changes it reports hold references of their own. So
 * whoever is told may look into the store, and finds it as it will be when all has been told.
 *
 * A replacement marks what the list holds and then sweeps the rest.
 */

#include <errno.h>
#include <string.h>

#include <uthash.h>

#include "base/mem.h"
#include "base/str.h"

struct kube_store_entry {
        char *key; /* "namespace/name" */
        json_t *object;
        bool marked;
        UT_hash_handle hh;
};

static const char *metadata_text(const json_t *object, const char *key)
{
        const json_t *metadata = json_object_get(object, "metadata");
        const char *text = json_string_value(json_object_get(metadata, key));

        return text ? text : "";
}

static char *key_of(const json_t *object)
{
        const char *name = metadata_text(object, "name");

        if (!*name)
                return NULL;
        return xasprintf("%s/%s", metadata_text(object, "namespace"), name);
}

static bool same(const json_t *a, const json_t *b, const char *key)
{
        return streq(metadata_text(a, key), metadata_text(b, key));
}

static void changes_push(struct kube_changes *c, bool deleted, json_t *object)
{
        if (c->n_items == c->capacity) {
                c->capacity = c->capacity ? c->capacity * 2 : 8;
                c->items = xreallocarray(c->items, c->capacity, sizeof(*c->items));
        }
        c->items[c->n_items++] =
                (struct kube_change){.deleted = deleted, .object = json_incref(object)};
}

static struct kube_store_entry *find(const struct kube_store *s, const char *key)
{
        struct kube_store_entry *e;

        HASH_FIND_STR(s->entries, key, e);
        return e;
}

static void entry_drop(struct kube_store *s, struct kube_store_entry *e)
{
        HASH_DEL(s->entries, e);
        json_decref(e->object);
        free(e->key);
        free(e);
}

static struct kube_store_entry *entry_add(struct kube_store *s, const char *key, json_t *object)
{
        struct kube_store_entry *e = xcalloc(1, sizeof(*e));

        e->key = xstrdup(key);
        e->object = json_incref(object);
        HASH_ADD_KEYPTR(hh, s->entries, e->key, strlen(e->key), e);
        return e;
}

static int apply(struct kube_store *s, json_t *object, struct kube_changes *changes,
                 struct kube_store_entry **ret_entry)
{
        _cleanup_(freep) char *key = key_of(object);
        struct kube_store_entry *e;

        if (!key)
                return -EPROTO;
        json_object_del(json_object_get(object, "metadata"), "managedFields");
        e = find(s, key);
        *ret_entry = e;
        if (!e) {
                *ret_entry = entry_add(s, key, object);
                changes_push(changes, false, object);
                return 0;
        }
        if (same(e->object, object, "uid") && same(e->object, object, "resourceVersion") &&
            *metadata_text(object, "resourceVersion"))
                return 0;
        if (!same(e->object, object, "uid"))
                changes_push(changes, true, e->object);
        json_decref(e->object);
        e->object = json_incref(object);
        changes_push(changes, false, object);
        return 0;
}

int kube_store_apply(struct kube_store *s, json_t *object, struct kube_changes *changes)
{
        struct kube_store_entry *e;

        return apply(s, object, changes, &e);
}

int kube_store_delete(struct kube_store *s, json_t *object, struct kube_changes *changes)
{
        _cleanup_(freep) char *key = key_of(object);
        struct kube_store_entry *e;

        if (!key)
                return -EPROTO;
        e = find(s, key);
        if (!e)
                return 0;
        json_object_del(json_object_get(object, "metadata"), "managedFields");
        changes_push(changes, true, object);
        entry_drop(s, e);
        return 0;
}

int kube_store_replace(struct kube_store *s, json_t *items, struct kube_changes *changes)
{
        struct kube_store_entry *e, *next;
        json_t *object;
        size_t i;

        json_array_foreach(items, i, object) {
                if (!*metadata_text(object, "name"))
                        return -EPROTO;
        }
        json_array_foreach(items, i, object) {
                apply(s, object, changes, &e); /* has a name: cannot fail */
                e->marked = true;
        }
        HASH_ITER(hh, s->entries, e, next) {
                if (!e->marked) {
                        changes_push(changes, true, e->object);
                        entry_drop(s, e);
                } else {
                        e->marked = false;
                }
        }
        return 0;
}

json_t *kube_store_get(const struct kube_store *s, const char *namespace_, const char *name)
{
        _cleanup_(freep) char *key = xasprintf("%s/%s", namespace_ ? namespace_ : "", name);
        struct kube_store_entry *e = find(s, key);

        return e ? e->object : NULL;
}

size_t kube_store_count(const struct kube_store *s)
{
        return HASH_COUNT(s->entries);
}

void kube_store_each(const struct kube_store *s, bool (*each)(void *userdata, json_t *object),
                     void *userdata)
{
        struct kube_store_entry *e, *next;

        HASH_ITER(hh, s->entries, e, next) {
                if (!each(userdata, e->object))
                        return;
        }
}

void kube_store_done(struct kube_store *s)
{
        struct kube_store_entry *e, *next;

        HASH_ITER(hh, s->entries, e, next) {
                entry_drop(s, e);
        }
}

void kube_changes_done(struct kube_changes *c)
{
        for (size_t i = 0; i < c->n_items; i++)
                json_decref(c->items[i].object);
        free(c->items);
        *c = (struct kube_changes){};
}
