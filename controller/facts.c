/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/facts.h"

#include <stdarg.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/timestamp.h"

const char *facts_string(const json_t *object, ...)
{
        va_list keys;
        const char *key;

        va_start(keys, object);
        while ((key = va_arg(keys, const char *)) != NULL)
                object = json_object_get(object, key);
        va_end(keys);
        return json_string_value(object);
}

static uint64_t created_at(const json_t *object)
{
        const char *text = facts_string(object, "metadata", "creationTimestamp", NULL);
        uint64_t nsec = 0;

        if (text)
                (void)timestamp_parse(text, &nsec); /* 0, the oldest, when it cannot be read */
        return nsec;
}

static const char *controlling_owner(const json_t *object)
{
        const json_t *owners =
                json_object_get(json_object_get(object, "metadata"), "ownerReferences");
        const json_t *owner;
        size_t i;

        json_array_foreach(owners, i, owner)
                if (json_is_true(json_object_get(owner, "controller")))
                        return json_string_value(json_object_get(owner, "uid"));
        return NULL;
}

/* The element of array @list whose "name" is @name. */
static const json_t *by_name(const json_t *list, const char *name)
{
        const json_t *item;
        size_t i;

        json_array_foreach(list, i, item) {
                const char *its = json_string_value(json_object_get(item, "name"));

                if (its && strcmp(its, name) == 0)
                        return item;
        }
        return NULL;
}

static void fill_state(const json_t *status, struct lu_container *c)
{
        const json_t *state = json_object_get(status, "state");
        const char *id = facts_string(status, "containerID", NULL);

        c->state = LU_CONTAINER_WAITING;
        if (id && *id)
                c->id = xstrdup(id);
        if (json_is_object(json_object_get(state, "running")))
                c->state = LU_CONTAINER_RUNNING;
        else if (json_is_object(json_object_get(state, "terminated")))
                c->state = LU_CONTAINER_TERMINATED;
        c->waiting_reason = xstrdup(facts_string(state, "waiting", "reason", NULL));
}

static enum lu_container_role role_of(const char *list, const json_t *spec)
{
        if (!streq(list, "initContainers"))
                return LU_CONTAINER_REGULAR;
        return streq(facts_string(spec, "restartPolicy", NULL), "Always") ? LU_CONTAINER_SIDECAR
                                                                          : LU_CONTAINER_INIT;
}

struct containers {
        struct lu_container *items;
        size_t n_items;
};

/* Adds the containers of one list of a pod's spec, each with its status (NULL: a template). */
static void add_containers(const json_t *pod_spec, const char *list, const json_t *all,
                           struct containers *out)
{
        const json_t *specs = json_object_get(pod_spec, list);
        const json_t *spec;
        size_t i;

        json_array_foreach(specs, i, spec) {
                const char *name = facts_string(spec, "name", NULL);
                struct lu_container *c;

                if (!name)
                        continue;
                out->items = xreallocarray(out->items, out->n_items + 1, sizeof(*out->items));
                c = &out->items[out->n_items++];
                *c = (struct lu_container){
                        .name = xstrdup(name),
                        .image = xstrdup(facts_string(spec, "image", NULL)),
                        .role = role_of(list, spec),
                };
                fill_state(by_name(all, name), c);
        }
}

bool facts_pod(const json_t *object, struct lu_pod *ret_pod)
{
        const char *name = facts_string(object, "metadata", "name", NULL);
        const char *namespace_ = facts_string(object, "metadata", "namespace", NULL);
        const char *uid = facts_string(object, "metadata", "uid", NULL);
        const char *phase = facts_string(object, "status", "phase", NULL);
        const json_t *spec = json_object_get(object, "spec");
        const json_t *status = json_object_get(object, "status");
        struct containers containers = {};

        if (!name || !namespace_ || !uid)
                return false;
        *ret_pod = (struct lu_pod){
                .namespace_ = xstrdup(namespace_),
                .name = xstrdup(name),
                .uid = xstrdup(uid),
                .owner_uid = xstrdup(controlling_owner(object)),
                .revision_hash = xstrdup(facts_string(object, "metadata", "labels",
                                                      "controller-revision-hash", NULL)),
                .created = created_at(object),
                .deleting = facts_string(object, "metadata", "deletionTimestamp", NULL) != NULL,
                .finished = streq(phase, "Succeeded") || streq(phase, "Failed"),
        };
        add_containers(spec, "containers", json_object_get(status, "containerStatuses"),
                       &containers);
        add_containers(spec, "initContainers", json_object_get(status, "initContainerStatuses"),
                       &containers);
        ret_pod->containers = containers.items;
        ret_pod->n_containers = containers.n_items;
        return true;
}

bool facts_generation(const json_t *object, struct lu_generation *ret_generation)
{
        const char *uid = facts_string(object, "metadata", "uid", NULL);
        const char *revision = facts_string(object, "metadata", "annotations",
                                            "deployment.kubernetes.io/revision", NULL);
        const json_t *template_spec = json_object_get(
                json_object_get(json_object_get(object, "spec"), "template"), "spec");
        struct containers containers = {};
        uint64_t number = 0;

        if (!uid)
                return false;
        if (revision)
                (void)parse_u64(revision, UINT64_MAX, &number); /* 0, the oldest, when odd */
        *ret_generation = (struct lu_generation){
                .uid = xstrdup(uid),
                .owner_uid = xstrdup(controlling_owner(object)),
                .revision = number,
                .created = created_at(object),
        };
        add_containers(template_spec, "containers", NULL, &containers);
        add_containers(template_spec, "initContainers", NULL, &containers);
        ret_generation->containers = containers.items;
        ret_generation->n_containers = containers.n_items;
        return true;
}

static void append_term(struct str *out)
{
        if (out->len > 0)
                str_append_char(out, ',');
}

/* False when the operator is none that Kubernetes defines. */
static bool append_expression(struct str *out, const json_t *expression)
{
        const char *key = facts_string(expression, "key", NULL);
        const char *operator_ = facts_string(expression, "operator", NULL);
        const json_t *values = json_object_get(expression, "values"), *value;
        size_t i;

        if (!key || !operator_)
                return false;
        append_term(out);
        if (streq(operator_, "Exists")) {
                str_append(out, key);
                return true;
        }
        if (streq(operator_, "DoesNotExist")) {
                str_appendf(out, "!%s", key);
                return true;
        }
        if (!streq(operator_, "In") && !streq(operator_, "NotIn"))
                return false;
        str_appendf(out, "%s %s (", key, streq(operator_, "In") ? "in" : "notin");
        json_array_foreach(values, i, value)
                str_appendf(out, "%s%s", i ? "," : "",
                            json_string_value(value) ? json_string_value(value) : "");
        str_append_char(out, ')');
        return true;
}

char *facts_label_selector(const json_t *selector)
{
        _cleanup_(str_done) struct str out = {};
        const json_t *expressions = json_object_get(selector, "matchExpressions"), *item;
        const char *key;
        json_t *value;
        size_t i;

        json_object_foreach(json_object_get(selector, "matchLabels"), key, value) {
                if (!json_is_string(value))
                        return NULL;
                append_term(&out);
                str_appendf(&out, "%s=%s", key, json_string_value(value));
        }
        json_array_foreach(expressions, i, item)
                if (!append_expression(&out, item))
                        return NULL;
        return out.len > 0 ? str_take(&out) : NULL;
}
