/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * List and watch: one resource's objects, kept equal to the server's in a store.
 *
 * States: LISTING (a list is under way) -> WATCHING (a stream is open, or being opened) ->
 * WAITING (backing off before the next try; the store stays readable) -> back to LISTING or
 * WATCHING.
 *
 *         LISTING ──► WATCHING ◄──► WAITING ──► LISTING
 *             └───────────────────────▲
 *
 * Semantics are those of KUBERNETES.md 4.1: resourceVersion=0 first, bookmarks, 410 means list
 * again, a random timeoutSeconds of 300-600, a watchdog of our own above it, exponential back-off
 * with jitter (800 ms doubling to 30 s, reset after two healthy minutes), Retry-After honoured. A
 * relist replaces the store atomically, so deletions missed meanwhile appear as deletions, and an
 * object that was replaced by another of the same name appears as deleted and then applied.
 *
 * Objects come as the server sent them, but without metadata.managedFields, and those of a list get
 * the kind and apiVersion that the list leaves out.
 */

#include <stdbool.h>

#include <jansson.h>

#include "kube/client.h"

struct kube_watch;

enum kube_watch_event {
        KUBE_WATCH_APPLIED, /* @object was added or changed; it is in the store already */
        KUBE_WATCH_DELETED, /* @object is the last known state; it has left the store already */
        KUBE_WATCH_SYNCED,  /* the first list, or a relist, is completely in the store; no object */
        /* Connection or permission trouble began or changed, or ended (kube_watch_problem() is NULL
         * then); no object. A stream that is simply opened again is no trouble. */
        KUBE_WATCH_PROBLEM,
};

/* Called while the store is already up to date. It may cancel or free the watch it belongs to. */
typedef void (*kube_watch_cb)(void *userdata, struct kube_watch *w, enum kube_watch_event event,
                              json_t *object);

struct kube_watch_params {
        const char *path;           /* the collection: "/api/v1/namespaces/shop/pods" */
        const char *label_selector; /* unencoded, or NULL */
        const char *field_selector; /* unencoded, or NULL */
        unsigned timeout_s;         /* of one stream; 0: random in 300-600 */
};

/* -ECANCELED: the client was stopped. Calls back only later, out of the loop. */
int kube_watch_start(struct kube_client *c, const struct kube_watch_params *params,
                     kube_watch_cb cb, void *userdata, struct kube_watch **ret_watch);
/* Ends it without a further callback. NULL is fine, and so is a client that was stopped or freed
 * before. */
void kube_watch_free(struct kube_watch *w);

/* True once the first list is complete (and stays true). */
bool kube_watch_synced(const struct kube_watch *w);
/* The present trouble, for people, or NULL. Borrowed. */
const char *kube_watch_problem(const struct kube_watch *w);
/* HTTP status of the present trouble (403, 404, …), or 0. */
int kube_watch_problem_status(const struct kube_watch *w);

/* The store: objects by "namespace/name" (cluster-scoped: "/name"). Borrowed references. */
json_t *kube_watch_get(const struct kube_watch *w, const char *namespace_, const char *name);
size_t kube_watch_count(const struct kube_watch *w);
/* Calls @each for every object until it returns false. */
void kube_watch_each(const struct kube_watch *w, bool (*each)(void *userdata, json_t *object),
                     void *userdata);
