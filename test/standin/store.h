/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What etcd and the watch cache are to a real API server: all objects, one resourceVersion that
 * grows with every write, and the last writes as events, so that a watch can start in the past.
 *
 * A stored JSON object is never changed: a writer stores a new one. Readers may keep it with
 * json_incref(). No rule of the API is known here.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

struct object {
        char *key; /* "namespace/name", or "/name" */
        json_t *json;
        UT_hash_handle hh;
};

/* What is served at one plural name of a group version. Owns its strings, lives until store_done().
 */
struct resource {
        const char *group; /* "" for the core group */
        const char *version;
        const char *plural;
        const char *singular;
        const char *kind;
        const char *short_name; /* or NULL */
        bool namespaced;
        bool has_status;
        bool has_scale;
        bool has_generation;
        bool custom;
        bool virtual;   /* nothing is stored: create only, or another resource's objects */
        bool gone;      /* its definition was deleted */
        json_t *schema; /* openAPIV3Schema of a custom one, or NULL. Owned */
        struct object *objects;
        struct resource *next;
};

enum event_type {
        EVENT_ADDED,
        EVENT_MODIFIED,
        EVENT_DELETED,
};

struct event {
        uint64_t rv;
        enum event_type type;
        struct resource *resource;
        json_t *now;    /* the object; of a deletion its last state with the deletion's rv */
        json_t *before; /* NULL when added */
};

struct store_listener {
        void (*notify)(void *user, const struct event *e);
        void *user;
        struct store_listener *next, **previous;
};

struct store {
        struct resource *resources; /* in the order of registration */
        uint64_t rv;
        struct event *history; /* a ring */
        size_t n_history, first_history, max_history;
        uint64_t forgotten_rv; /* events up to this one are gone */
        struct store_listener *listeners;
};

void store_init(struct store *s, size_t max_history);
void store_done(struct store *s);

/* Copies @like's strings and flags. */
struct resource *store_register(struct store *s, const struct resource *like);
struct resource *store_resource(const struct store *s, const char *group, const char *version,
                                const char *plural);
/* A built-in one by its kind, e.g. "Pod". Never NULL. */
struct resource *store_kind(const struct store *s, const char *kind);
const char *event_type_text(enum event_type type);

/* Borrowed; NULL when there is none. @ns is "" or NULL for what has no namespace. */
json_t *store_get(const struct resource *r, const char *ns, const char *name);
/*
 * Adds or replaces the object that metadata.namespace and metadata.name of @json_take name, gives
 * it the next resourceVersion and tells the listeners. Returns it, borrowed.
 */
json_t *store_put_take(struct store *s, struct resource *r, json_t *json_take);
/* False when there was none. */
bool store_delete(struct store *s, struct resource *r, const char *ns, const char *name);
/* Sorts by key, so that a walk over r->objects is in a stable order. */
void store_sort(struct resource *r);

void store_listen(struct store *s, struct store_listener *l);
void store_unlisten(struct store_listener *l);
/* Forgets all history, as a compaction does: watches from older versions get 410. */
void store_compact(struct store *s);

/* "group/version", or "v1" for the core group. The caller frees it. */
char *resource_api_version(const struct resource *r);
