/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/steps.h"

/*
 * The present condition stands in the object itself, which is watched: so nothing is remembered
 * here, a write is only sent when it differs, and its echo through the watch ends the matter.
 */

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timestamp.h"
#include "controller/facts.h"
#include "kube/apply.h"

struct search {
        const char *namespace_, *name;
        bool found;
};

static bool uses(void *userdata, json_t *object)
{
        struct search *s = userdata;
        const json_t *steps = json_object_get(json_object_get(object, "spec"), "steps"), *step;
        size_t i;

        if (!streq(facts_string(object, "metadata", "namespace", NULL), s->namespace_))
                return true;
        json_array_foreach(steps, i, step)
                if (streq(facts_string(step, "use", "name", NULL), s->name))
                        s->found = true;
        return !s->found;
}

/* True when the condition Used of @step has @status for its present generation. */
static bool stands(const json_t *step, const char *status, json_int_t generation)
{
        const json_t *conditions = json_object_get(json_object_get(step, "status"), "conditions");
        const json_t *c;
        size_t i;

        json_array_foreach(conditions, i, c)
                if (streq(facts_string(c, "type", NULL), "Used"))
                        return streq(facts_string(c, "status", NULL), status) &&
                               json_integer_value(json_object_get(c, "observedGeneration")) ==
                                       generation;
        return false;
}

static void on_written(void *userdata, const struct kube_response *response)
{
        if (!kube_response_ok(response) && response->status != 404)
                log_warning("writing the status of a LiveUpdateStep failed",
                            LOG_S("problem", response->problem));
}

static json_t *status_json(const struct search *s, json_int_t generation)
{
        char now[TIMESTAMP_TEXT_SIZE];

        timestamp_format(timestamp_now(), now);
        return json_pack(
                "{ss ss s{ss ss} s{s[{ss ss sI ss ss ss}]}}", "apiVersion", "sluice.dev/v1alpha1",
                "kind", "LiveUpdateStep", "metadata", "name", s->name, "namespace", s->namespace_,
                "status", "conditions", "type", "Used", "status", s->found ? "True" : "False",
                "observedGeneration", generation, "lastTransitionTime", now, "reason",
                s->found ? "Used" : "NotUsed", "message",
                s->found ? "a LiveUpdate of this namespace uses it"
                         : "no LiveUpdate of this namespace uses it; delete it, or add it to the "
                           "steps of one: use: {name: …}");
}

static bool publish_one(void *userdata, json_t *step)
{
        struct app *app = userdata;
        struct search search = {
                .namespace_ = facts_string(step, "metadata", "namespace", NULL),
                .name = facts_string(step, "metadata", "name", NULL),
        };
        json_int_t generation = json_integer_value(
                json_object_get(json_object_get(step, "metadata"), "generation"));
        _cleanup_(freep) char *path = NULL, *status_path = NULL, *text = NULL;
        json_t *status;

        if (!search.namespace_ || !search.name)
                return true;
        objects_each(app->objects, uses, &search);
        if (stands(step, search.found ? "True" : "False", generation))
                return true;
        status = status_json(&search, generation);
        text = json_dumps(status, JSON_COMPACT);
        json_decref(status);
        path = objects_path(search.namespace_, "liveupdatesteps", search.name);
        status_path = xasprintf("%s/status", path);
        kube_apply_start(app->client, status_path, text, on_written, app);
        return true;
}

void steps_publish(struct app *app)
{
        if (objects_synced(app->objects))
                objects_each_step(app->objects, publish_one, app);
}
