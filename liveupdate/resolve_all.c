/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of objects is more than its parts: names must be unique, and a shared step that nobody uses
 * is a mistake, most often a misspelt name at the place that meant it.
 */
#include "liveupdate/resolve.h"

#include "base/mem.h"
#include "base/str.h"
#include "liveupdate/validate.h"

struct set {
        const struct lu_objects *objects;
        bool *used; /* for each object */
};

/* A step whose object could not be loaded: it exists, but has no key. */
static const struct lu_shared_step broken_step;

static const struct lu_shared_step *find_step(void *userdata, const char *namespace_,
                                              const char *name)
{
        struct set *set = userdata;

        for (size_t i = 0; i < set->objects->n_items; i++) {
                const struct lu_object *o = &set->objects->items[i];

                if (!o->is_step || !streq(o->name, name) || !streq(o->namespace_, namespace_))
                        continue;
                set->used[i] = true;
                return o->step ? o->step : &broken_step;
        }
        return NULL;
}

static const char *kind_of(const struct lu_object *o)
{
        return o->is_step ? "LiveUpdateStep" : "LiveUpdate";
}

/* One name must be given once; the second object is the faulty one. */
static void check_unique(const struct lu_objects *objects, size_t i, struct lu_faults *faults)
{
        const struct lu_object *o = &objects->items[i];

        for (size_t k = 0; k < i; k++) {
                const struct lu_object *other = &objects->items[k];

                if (o->name[0] == '\0' || o->is_step != other->is_step ||
                    !streq(o->name, other->name) || !streq(o->namespace_, other->namespace_))
                        continue;
                lu_faults_add(faults, LU_SEVERITY_ERROR, "metadata.name",
                              "metadata.name: there is another %s '%s'", kind_of(o), o->name);
                return;
        }
}

static void locate(const struct lu_object *o, struct lu_faults *faults, size_t from)
{
        for (size_t i = from; o->manifest && i < faults->n_items; i++)
                lu_manifest_locate(o->manifest, &faults->items[i]);
}

static void check_step(const struct lu_object *o, struct lu_faults *faults)
{
        struct lu_placed_step step = {.path = "spec"};

        if (!o->step)
                return;
        step.step = &o->step->step;
        step.kind = lu_step_kind(step.step);
        lu_validate_step(&step, faults);
}

void lu_resolve_all(const struct lu_objects *objects, struct lu_faults *faults,
                    struct lu_rules ***ret_rules)
{
        struct lu_rules **rules = xcalloc(objects->n_items + 1, sizeof(*rules));
        struct set set = {
                .objects = objects,
                .used = xcalloc(objects->n_items + 1, sizeof(bool)),
        };
        bool all_loaded = true;

        for (size_t i = 0; i < objects->n_items; i++) {
                const struct lu_object *o = &objects->items[i];
                size_t from = faults->n_items;

                check_unique(objects, i, faults);
                if (o->is_step)
                        check_step(o, faults);
                else if (o->spec)
                        (void)lu_resolve(o->spec, o->namespace_, find_step, &set, faults,
                                         &rules[i]);
                else
                        all_loaded = false; /* who knows what it uses */
                locate(o, faults, from);
        }
        for (size_t i = 0; all_loaded && i < objects->n_items; i++) {
                const struct lu_object *o = &objects->items[i];
                size_t from = faults->n_items;

                if (!o->is_step || set.used[i])
                        continue;
                lu_faults_add(faults, LU_SEVERITY_ERROR, "",
                              "LiveUpdateStep '%s' is used by no LiveUpdate", o->name);
                locate(o, faults, from);
        }
        free(set.used);
        *ret_rules = rules;
}
