/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/store.h"

/*
 * One hash per resource, one ring of events for all. Listeners (watches, the controllers' wake-up)
 * are called within the write and must not write themselves; they note the fact for later.
 */

#include <inttypes.h>

#include "base/mem.h"
#include "base/str.h"
#include "test/standin/jx.h"

void store_init(struct store *s, size_t max_history)
{
        *s = (struct store){.max_history = max_history, .rv = 1000, .forgotten_rv = 1000};
        s->history = xcalloc(max_history, sizeof(*s->history));
}

static void event_done(struct event *e)
{
        json_decref(e->now);
        json_decref(e->before);
        *e = (struct event){};
}

static void object_free(struct resource *r, struct object *o)
{
        HASH_DEL(r->objects, o);
        json_decref(o->json);
        free(o->key);
        free(o);
}

static void resource_free(struct resource *r)
{
        struct object *o, *next;

        HASH_ITER(hh, r->objects, o, next)
                object_free(r, o);
        free((char *)r->group);
        free((char *)r->version);
        free((char *)r->plural);
        free((char *)r->singular);
        free((char *)r->kind);
        free((char *)r->short_name);
        json_decref(r->schema);
        free(r);
}

void store_done(struct store *s)
{
        store_compact(s);
        free(s->history);
        while (s->resources) {
                struct resource *r = s->resources;

                s->resources = r->next;
                resource_free(r);
        }
        *s = (struct store){};
}

struct resource *store_register(struct store *s, const struct resource *like)
{
        struct resource *r = xcalloc(1, sizeof(*r));
        struct resource **end = &s->resources;

        *r = *like;
        r->group = xstrdup(like->group);
        r->version = xstrdup(like->version);
        r->plural = xstrdup(like->plural);
        r->singular = xstrdup(like->singular);
        r->kind = xstrdup(like->kind);
        r->short_name = xstrdup(like->short_name);
        r->schema = json_incref(like->schema);
        r->objects = NULL;
        r->next = NULL;
        while (*end)
                end = &(*end)->next;
        *end = r;
        return r;
}

struct resource *store_resource(const struct store *s, const char *group, const char *version,
                                const char *plural)
{
        for (struct resource *r = s->resources; r; r = r->next)
                if (!r->gone && streq(r->plural, plural) && streq(r->group, group) &&
                    streq(r->version, version))
                        return r;
        return NULL;
}

struct resource *store_kind(const struct store *s, const char *kind)
{
        for (struct resource *r = s->resources; r; r = r->next)
                if (!r->custom && !r->virtual && streq(r->kind, kind))
                        return r;
        fprintf(stderr, "standin: no such kind: %s\n", kind);
        abort();
}

const char *event_type_text(enum event_type type)
{
        static const char *const texts[] = {
                [EVENT_ADDED] = "ADDED",
                [EVENT_MODIFIED] = "MODIFIED",
                [EVENT_DELETED] = "DELETED",
        };

        return texts[type];
}

static struct object *find(const struct resource *r, const char *ns, const char *name)
{
        _cleanup_(freep) char *key = xasprintf("%s/%s", ns ? ns : "", name);
        struct object *o;

        HASH_FIND_STR(r->objects, key, o);
        return o;
}

json_t *store_get(const struct resource *r, const char *ns, const char *name)
{
        struct object *o = find(r, ns, name);

        return o ? o->json : NULL;
}

static void stamp(struct store *s, json_t *json)
{
        _cleanup_(freep) char *rv = xasprintf("%" PRIu64, ++s->rv);

        jx_put_text(json, "metadata.resourceVersion", rv);
}

/* Takes a reference to both objects. */
static void publish(struct store *s, const struct event *e)
{
        size_t at = (s->first_history + s->n_history) % s->max_history;
        struct store_listener *next;

        if (s->n_history == s->max_history) {
                s->forgotten_rv = s->history[at].rv;
                event_done(&s->history[at]);
                s->first_history = (s->first_history + 1) % s->max_history;
        } else {
                s->n_history++;
        }
        s->history[at] = *e;
        json_incref(e->now);
        json_incref(e->before);
        for (struct store_listener *l = s->listeners; l; l = next) {
                next = l->next;
                l->notify(l->user, e);
        }
}

json_t *store_put_take(struct store *s, struct resource *r, json_t *json_take)
{
        const char *ns = jx_text(json_take, "metadata.namespace");
        const char *name = jx_text(json_take, "metadata.name");
        struct object *o = find(r, ns, name);
        struct event e = {.type = o ? EVENT_MODIFIED : EVENT_ADDED, .resource = r};

        stamp(s, json_take);
        if (!o) {
                o = xcalloc(1, sizeof(*o));
                o->key = xasprintf("%s/%s", ns ? ns : "", name);
                HASH_ADD_KEYPTR(hh, r->objects, o->key, strlen(o->key), o);
        }
        e.before = o->json;
        e.now = o->json = json_take;
        e.rv = s->rv;
        publish(s, &e);
        json_decref(e.before);
        return json_take;
}

bool store_delete(struct store *s, struct resource *r, const char *ns, const char *name)
{
        struct object *o = find(r, ns, name);
        struct event e = {.type = EVENT_DELETED, .resource = r};

        if (!o)
                return false;
        e.before = json_incref(o->json);
        e.now = json_deep_copy(o->json);
        stamp(s, e.now);
        e.rv = s->rv;
        object_free(r, o);
        publish(s, &e);
        json_decref(e.now);
        json_decref(e.before);
        return true;
}

static int by_key(struct object *a, struct object *b)
{
        return strcmp(a->key, b->key);
}

void store_sort(struct resource *r)
{
        HASH_SORT(r->objects, by_key);
}

void store_listen(struct store *s, struct store_listener *l)
{
        l->next = s->listeners;
        if (l->next)
                l->next->previous = &l->next;
        l->previous = &s->listeners;
        s->listeners = l;
}

void store_unlisten(struct store_listener *l)
{
        if (!l->previous)
                return;
        *l->previous = l->next;
        if (l->next)
                l->next->previous = l->previous;
        l->previous = NULL;
}

void store_compact(struct store *s)
{
        for (size_t i = 0; i < s->n_history; i++)
                event_done(&s->history[(s->first_history + i) % s->max_history]);
        s->n_history = 0;
        s->first_history = 0;
        s->forgotten_rv = s->rv;
}

char *resource_api_version(const struct resource *r)
{
        return *r->group ? xasprintf("%s/%s", r->group, r->version) : xstrdup(r->version);
}
