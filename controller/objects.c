/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/objects.h"

#include <errno.h>
#include <string.h>

#include <xxhash.h>

#include "base/mem.h"
#include "base/str.h"
#include "controller/facts.h"
#include "controller/fetch.h"
#include "kube/watch.h"

/* A shared step as it was last read; `step` is NULL when its spec is invalid. */
struct cached_step {
        char *namespace_, *name;
        struct lu_shared_step *step;
        struct cached_step *next;
};

struct objects {
        struct kube_watch *updates, *steps;
        struct cached_step *cache; /* of the steps in use; dropped when any step changes */
        int start_error;
        void (*on_change)(void *userdata);
        void *userdata;
};

static void drop_cache(struct objects *o)
{
        while (o->cache) {
                struct cached_step *c = o->cache;

                o->cache = c->next;
                lu_shared_step_free(c->step);
                free(c->namespace_);
                free(c->name);
                free(c);
        }
}

static void on_event(void *userdata, struct kube_watch *w, enum kube_watch_event event,
                     json_t *object)
{
        struct objects *o = userdata;

        if (w == o->steps && event != KUBE_WATCH_PROBLEM)
                drop_cache(o);
        o->on_change(o->userdata);
}

static char *collection(const char *namespace_, const char *plural)
{
        if (!namespace_)
                return xasprintf(OBJECTS_GROUP "/%s", plural);
        return xasprintf(OBJECTS_GROUP "/namespaces/%s/%s", namespace_, plural);
}

char *objects_path(const char *namespace_, const char *plural, const char *name)
{
        return xasprintf(OBJECTS_GROUP "/namespaces/%s/%s/%s", namespace_, plural, name);
}

static struct kube_watch *start_watch(struct objects *o, const struct objects_params *params,
                                      const char *plural)
{
        _cleanup_(freep) char *path = collection(params->namespace_, plural);
        const struct kube_watch_params watch_params = {.path = path};
        struct kube_watch *watch = NULL;
        int r = kube_watch_start(params->client, &watch_params, on_event, o, &watch);

        if (r < 0)
                o->start_error = r;
        return watch;
}

struct objects *objects_start(const struct objects_params *params)
{
        struct objects *o = xcalloc(1, sizeof(*o));

        o->on_change = params->on_change;
        o->userdata = params->userdata;
        o->updates = start_watch(o, params, "liveupdates");
        o->steps = start_watch(o, params, "liveupdatesteps");
        return o;
}

void objects_free(struct objects *o)
{
        if (!o)
                return;
        kube_watch_free(o->updates);
        kube_watch_free(o->steps);
        drop_cache(o);
        free(o);
}

bool objects_synced(const struct objects *o)
{
        return o->updates && o->steps && kube_watch_synced(o->updates) &&
               kube_watch_synced(o->steps);
}

const char *objects_problem(const struct objects *o)
{
        if (o->start_error)
                return strerror(-o->start_error);
        if (kube_watch_problem_status(o->updates) == 404)
                return "the cluster does not know LiveUpdates; install the CRDs: sluice crds | "
                       "kubectl apply -f -";
        if (kube_watch_problem(o->updates))
                return kube_watch_problem(o->updates);
        return kube_watch_problem(o->steps);
}

/* A status or a label that changes leaves uid and generation alone. */
uint64_t objects_steps_mark(const struct objects *o, const json_t *update)
{
        const char *namespace_ = facts_string(update, "metadata", "namespace", NULL);
        const json_t *steps = json_object_get(json_object_get(update, "spec"), "steps"), *step;
        _cleanup_(str_done) struct str text = {};
        size_t i;

        json_array_foreach(steps, i, step) {
                const char *name = facts_string(step, "use", "name", NULL);
                const json_t *used = name ? kube_watch_get(o->steps, namespace_, name) : NULL;
                const char *uid = facts_string(used, "metadata", "uid", NULL);
                json_int_t generation = json_integer_value(
                        json_object_get(json_object_get(used, "metadata"), "generation"));

                if (name)
                        str_appendf(&text, "%s %s %lld\n", name, uid ? uid : "",
                                    (long long)generation);
        }
        return XXH3_64bits(str_text(&text), text.len);
}

void objects_each(const struct objects *o, bool (*each)(void *userdata, json_t *object),
                  void *userdata)
{
        kube_watch_each(o->updates, each, userdata);
}

void objects_each_step(const struct objects *o, bool (*each)(void *userdata, json_t *object),
                       void *userdata)
{
        kube_watch_each(o->steps, each, userdata);
}

/* The `spec` of an object as JSON text; the caller frees it. */
static char *spec_text(const json_t *object)
{
        const json_t *spec = json_object_get(object, "spec");
        char *text = spec ? json_dumps(spec, JSON_COMPACT) : NULL;

        return text ? text : xstrdup("{}");
}

const struct lu_shared_step *objects_find_step(void *userdata, const char *namespace_,
                                               const char *name)
{
        struct objects *o = userdata;
        json_t *object = kube_watch_get(o->steps, namespace_, name);
        struct cached_step *c;
        _cleanup_(freep) char *text = NULL;

        for (c = o->cache; c; c = c->next)
                if (streq(c->namespace_, namespace_) && streq(c->name, name))
                        return c->step;
        if (!object)
                return NULL;
        c = xcalloc(1, sizeof(*c));
        c->namespace_ = xstrdup(namespace_);
        c->name = xstrdup(name);
        c->next = o->cache;
        o->cache = c;
        text = spec_text(object);
        if (lu_shared_step_load_json(text, strlen(text), &c->step, NULL) < 0)
                c->step = NULL; /* the user of it says that the step is not usable */
        return c->step;
}

static int add_object(const json_t *object, bool is_step, struct lu_objects *objects,
                      struct err *err)
{
        _cleanup_(freep) char *text = spec_text(object);
        const char *name = facts_string(object, "metadata", "name", NULL);
        struct lu_object *o;
        int r;

        objects->items =
                xreallocarray(objects->items, objects->n_items + 1, sizeof(*objects->items));
        o = &objects->items[objects->n_items++];
        *o = (struct lu_object){
                .namespace_ = xstrdup(facts_string(object, "metadata", "namespace", NULL)),
                .name = xstrdup(name),
                .is_step = is_step,
        };
        if (is_step)
                r = lu_shared_step_load_json(text, strlen(text), &o->step, err);
        else
                r = lu_spec_load_json(text, strlen(text), &o->spec, err);
        return r < 0 ? err_wrap(err, r, "%s %s", is_step ? "LiveUpdateStep" : "LiveUpdate", name)
                     : 0;
}

int objects_fetch(const struct options *options, const char *name, struct lu_objects *objects,
                  struct err *err)
{
        const struct kube_config_params config = options_kube(options);
        _cleanup_(fetch_done) struct fetch fetch = {};
        _cleanup_(freep) char *update_path = NULL, *steps_path = NULL;
        json_t *update = NULL, *steps = NULL, *step;
        size_t i;
        int r;

        r = fetch_open(&config, &fetch, err);
        if (r < 0)
                return r;
        update_path = objects_path(fetch_namespace(&fetch), "liveupdates", name);
        steps_path = collection(fetch_namespace(&fetch), "liveupdatesteps");
        r = fetch_json(&fetch, update_path, &update, err);
        if (r == 0)
                r = fetch_json(&fetch, steps_path, &steps, err);
        if (r == 0)
                r = add_object(update, false, objects, err);
        json_array_foreach(json_object_get(steps, "items"), i, step)
                if (r == 0)
                        r = add_object(step, true, objects, err);
        json_decref(update);
        json_decref(steps);
        return r;
}
