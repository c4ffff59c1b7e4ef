/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The objects of one watched collection by "namespace/name", and what a change of it means to those
 * who look on. Pure; zeroed memory is a valid empty store.
 *
 * An object of the same name but another uid is another object: its predecessor was deleted, even
 * when nobody saw it, and that deletion comes out first. An object whose uid and resourceVersion
 * are those we have is no change. `metadata.managedFields` is cut off: nobody here needs it, and it
 * is often the larger part of an object.
 */

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct kube_store_entry;

struct kube_store {
        struct kube_store_entry *entries;
};

struct kube_change {
        bool deleted;
        json_t *object; /* owned reference */
};

struct kube_changes {
        struct kube_change *items;
        size_t n_items, capacity;
};

/* These append to @changes. -EPROTO: the object has no metadata.name; nothing is changed then. */
int kube_store_apply(struct kube_store *s, json_t *object, struct kube_changes *changes);
int kube_store_delete(struct kube_store *s, json_t *object, struct kube_changes *changes);
/* The store becomes equal to the array @items (NULL or null: empty). -EPROTO as above. */
int kube_store_replace(struct kube_store *s, json_t *items, struct kube_changes *changes);

/* Borrowed, or NULL. */
json_t *kube_store_get(const struct kube_store *s, const char *namespace_, const char *name);
size_t kube_store_count(const struct kube_store *s);
void kube_store_each(const struct kube_store *s, bool (*each)(void *userdata, json_t *object),
                     void *userdata);
void kube_store_done(struct kube_store *s);

void kube_changes_done(struct kube_changes *c);
