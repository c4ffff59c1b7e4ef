/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/crd.h"

/*
 * One version of a definition is served: the storage version. Conversion between versions is no
 * business of a stand-in, so a definition that serves two is refused and nothing is pretended.
 */

#include <errno.h>

#include "base/str.h"
#include "base/timestamp.h"
#include "test/standin/jx.h"

static const json_t *storage_version(const json_t *crd)
{
        size_t i;
        json_t *v;

        json_array_foreach(jx_get(crd, "spec.versions"), i, v)
                if (jx_true(v, "storage"))
                        return v;
        return NULL;
}

int crd_validate(const json_t *crd, struct err *err)
{
        const char *group = jx_text(crd, "spec.group"), *plural = jx_text(crd, "spec.names.plural");
        const char *name = jx_text(crd, "metadata.name"), *scope = jx_text(crd, "spec.scope");
        const json_t *version = storage_version(crd);
        size_t i, n_served = 0;
        json_t *v;

        if (!group || !plural || jx_empty(crd, "spec.names.kind"))
                return err_set(err, -EINVAL, "spec.group, spec.names: Required value");
        if (strlen(name) != strlen(group) + strlen(plural) + 1 || !starts_with(name, plural) ||
            !ends_with(name, group))
                return err_set(err, -EINVAL,
                               "metadata.name: Invalid value: must be spec.names.plural+\".\"+"
                               "spec.group");
        if (!streq(scope, "Namespaced") && !streq(scope, "Cluster"))
                return err_set(err, -EINVAL, "spec.scope: Required value");
        json_array_foreach(jx_get(crd, "spec.versions"), i, v)
                n_served += jx_true(v, "served");
        if (!version || n_served != 1 || !jx_true(version, "served"))
                return err_set(err, -EINVAL,
                               "spec.versions: the stand-in serves exactly one "
                               "version, which must be the stored one");
        if (!streq(jx_text(version, "schema.openAPIV3Schema.type"), "object"))
                return err_set(err, -EINVAL,
                               "spec.versions[0].schema.openAPIV3Schema: Required value: schemas "
                               "are required");
        return 0;
}

static struct resource *find(const struct store *s, const json_t *crd)
{
        return store_resource(s, jx_text(crd, "spec.group"), jx_text(storage_version(crd), "name"),
                              jx_text(crd, "spec.names.plural"));
}

static void serve(struct store *s, const json_t *crd)
{
        const json_t *version = storage_version(crd);
        struct resource *known = find(s, crd);
        struct resource like = {
                .group = jx_text(crd, "spec.group"),
                .version = jx_text(version, "name"),
                .plural = jx_text(crd, "spec.names.plural"),
                .singular = jx_text(crd, "spec.names.singular"),
                .kind = jx_text(crd, "spec.names.kind"),
                .short_name =
                        json_string_value(json_array_get(jx_get(crd, "spec.names.shortNames"), 0)),
                .namespaced = streq(jx_text(crd, "spec.scope"), "Namespaced"),
                .has_status = jx_get(version, "subresources.status"),
                .custom = true,
                .schema = jx_get(version, "schema.openAPIV3Schema"),
        };

        if (!like.singular)
                like.singular = "";
        if (!known) {
                store_register(s, &like);
                return;
        }
        json_decref(known->schema);
        known->schema = json_incref(like.schema);
        known->has_status = like.has_status;
}

static json_t *condition(const char *type, const char *reason)
{
        char now[TIMESTAMP_TEXT_SIZE];

        timestamp_format(timestamp_now(), now);
        return json_pack("{s:s, s:s, s:s, s:s, s:s}", "type", type, "status", "True", "reason",
                         reason, "message", "", "lastTransitionTime", now);
}

void crd_stored(struct store *s, struct resource *r, const json_t *crd)
{
        const json_t *version;
        json_t *o;

        if (!streq(r->kind, "CustomResourceDefinition"))
                return;
        version = storage_version(crd);
        serve(s, crd);
        if (jx_get(crd, "status.acceptedNames"))
                return;
        o = json_deep_copy(crd);
        jx_put(o, "status.acceptedNames", jx_get(crd, "spec.names"));
        jx_put_take(o, "status.conditions",
                    json_pack("[o, o]", condition("NamesAccepted", "NoConflicts"),
                              condition("Established", "InitialNamesAccepted")));
        jx_put_take(o, "status.storedVersions", json_pack("[s]", jx_text(version, "name")));
        store_put_take(s, r, o);
}

void crd_remove(struct store *s, const json_t *crd)
{
        struct resource *r = find(s, crd);
        struct object *o, *next;

        if (r) {
                HASH_ITER(hh, r->objects, o, next)
                        store_delete(s, r, jx_text(o->json, "metadata.namespace"),
                                     jx_text(o->json, "metadata.name"));
                r->gone = true;
        }
        store_delete(s, store_kind(s, "CustomResourceDefinition"), NULL,
                     jx_text(crd, "metadata.name"));
}
