/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/write.h"

/*
 * A write copies the stored object, changes the copy and stores it. Which part of the body counts
 * depends on the subresource: without one everything but status, with "status" nothing else.
 */

#include <errno.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/timestamp.h"
#include "test/standin/crd.h"
#include "test/standin/jx.h"
#include "test/standin/managed.h"
#include "test/standin/rules.h"
#include "test/standin/schema.h"
#include "test/standin/shape.h"
#include "test/standin/standin.h"

#define MAY_RACE                                                                         \
        "the object has been modified; please apply your changes to the latest version " \
        "and try again"

static int check_type(struct call *c, const json_t *o)
{
        _cleanup_(freep) char *wanted = resource_api_version(c->asked);
        const char *api_version = jx_text(o, "apiVersion"), *kind = jx_text(o, "kind");

        /* Built-in kinds may leave both out; what is there must fit. */
        if ((!streq(api_version, wanted) && (api_version || c->asked->custom)) ||
            (!streq(kind, c->asked->kind) && (kind || c->asked->custom)))
                return call_fail(c, 400, "BadRequest",
                                 "the API version or kind in the data (%s %s) does not match the "
                                 "expected one (%s %s)",
                                 api_version ? api_version : "", kind ? kind : "", wanted,
                                 c->asked->kind);
        return 0;
}

static int check_namespace(struct call *c, json_t *o)
{
        const char *ns = jx_text(o, "metadata.namespace");

        if (!c->resource->namespaced) {
                jx_drop(o, "metadata.namespace");
                return 0;
        }
        if (ns && *ns && !streq(ns, c->ns))
                return call_fail(
                        c, 400, "BadRequest",
                        "the namespace of the provided object does not match the namespace "
                        "sent on the request");
        jx_put_text(o, "metadata.namespace", c->ns);
        return 0;
}

static int check_valid(struct call *c, const json_t *live, json_t *next)
{
        _cleanup_(err_done) struct err err = {};
        int r;

        if (c->resource->schema) {
                schema_prune(c->resource->schema, next);
                schema_default(c->resource->schema, next);
        }
        rules_default(c->resource, next);
        if (live && streq(c->sub, "ephemeralcontainers"))
                r = rules_validate_ephemeral(live, next, &err);
        else
                r = live ? rules_validate_update(c->resource, live, next, &err)
                         : rules_validate(c->resource, next, &err);
        if (r == 0 && c->resource->schema)
                r = schema_validate(c->resource->schema, next, &err);
        if (r == 0 && streq(c->resource->kind, "CustomResourceDefinition"))
                r = crd_validate(next, &err);
        if (r == 0)
                return 0;
        return call_fail(c, 422, "Invalid", "%s%s%s \"%s\" is invalid: %s", c->asked->kind,
                         *c->asked->group ? "." : "", c->asked->group,
                         jx_text(next, "metadata.name"), err_text(&err));
}

/* What a typed server could not even decode. */
static int check_shape(struct call *c, json_t *o)
{
        _cleanup_(err_done) struct err err = {};

        shape_drop_nulls(c->resource, o);
        if (shape_check(c->resource, o, &err) == 0)
                return 0;
        return call_fail(c, 400, "BadRequest", "%s in version \"%s\" cannot be handled as a %s: %s",
                         c->asked->kind, c->asked->version, c->asked->kind, err_text(&err));
}

static void generate_name(json_t *o)
{
        const char *prefix = jx_text(o, "metadata.generateName");

        if (prefix && jx_empty(o, "metadata.name")) {
                _cleanup_(freep) char *tail = random_hex(3);
                _cleanup_(freep) char *name = xasprintf("%s%.5s", prefix, tail);

                jx_put_text(o, "metadata.name", name);
        }
}

static int check_create(struct call *c, json_t *o)
{
        const struct store *s = &c->standin->store;
        const json_t *ns;
        int r;

        jx_object_at(o, "metadata");
        r = check_type(c, o);
        if (r == 0)
                r = check_namespace(c, o);
        if (r < 0)
                return r;
        if (!jx_empty(o, "metadata.resourceVersion"))
                return call_fail(c, 400, "BadRequest",
                                 "resourceVersion should not be set on objects to be created");
        generate_name(o);
        if (!c->resource->namespaced)
                return 0;
        ns = store_get(store_kind(s, "Namespace"), NULL, c->ns);
        if (!ns)
                return call_fail(c, 404, "NotFound", "namespaces \"%s\" not found", c->ns);
        if (jx_text(ns, "metadata.deletionTimestamp"))
                return call_fail(c, 403, "Forbidden",
                                 "unable to create new content in namespace %s because it is being "
                                 "terminated",
                                 c->ns);
        return 0;
}

int write_create(struct call *c, json_t *object, json_t **ret_stored)
{
        json_auto_t *o = rules_from_view(c->asked, object);
        struct store *s = &c->standin->store;
        const char *name;
        int r;

        /* The type is checked on what the client sent, the rest on what is stored. */
        r = check_type(c, object);
        if (r == 0)
                r = check_shape(c, o);
        if (r == 0) {
                struct call inner = *c;

                inner.asked = c->resource;
                r = check_create(&inner, o);
        }
        if (r < 0)
                return r;
        name = jx_text(o, "metadata.name");
        if (name && store_get(c->resource, c->ns, name)) {
                c->name = name;
                return call_fail(c, 409, "AlreadyExists", "%s%s%s \"%s\" already exists",
                                 c->asked->plural, *c->asked->group ? "." : "", c->asked->group,
                                 name);
        }
        rules_new_meta(c->resource, o);
        r = check_valid(c, NULL, o);
        if (r < 0)
                return r;
        managed_note_write(c, NULL, o);
        *ret_stored = json_incref(store_put_take(s, c->resource, json_incref(o)));
        crd_stored(&c->standin->store, c->resource, *ret_stored);
        return 0;
}

static int check_versions(struct call *c, const json_t *live, const json_t *next)
{
        const char *rv = jx_text(next, "metadata.resourceVersion");
        const char *uid = jx_text(next, "metadata.uid");
        bool must = c->resource->custom || streq(c->resource->kind, "Lease");
        bool put = streq(http_request(c->http)->method, "PUT");

        if (must && put && (!rv || !*rv))
                return call_fail(c, 422, "Invalid",
                                 "%s \"%s\" is invalid: metadata.resourceVersion: Invalid value: "
                                 "0x0: must be specified for an update",
                                 c->asked->plural, c->name);
        if (rv && *rv && !streq(rv, jx_text(live, "metadata.resourceVersion")))
                return call_fail(c, 409, "Conflict",
                                 "Operation cannot be fulfilled on %s%s%s \"%s\": " MAY_RACE,
                                 c->asked->plural, *c->asked->group ? "." : "", c->asked->group,
                                 c->name);
        if (uid && *uid && !streq(uid, jx_text(live, "metadata.uid")))
                return call_fail(
                        c, 409, "Conflict",
                        "Precondition failed: UID in precondition: %s, UID in object meta: "
                        "%s",
                        uid, jx_text(live, "metadata.uid"));
        return 0;
}

/* What no client may change. */
static void keep_meta(const json_t *live, json_t *next)
{
        static const char *const fixed[] = {
                "metadata.uid",
                "metadata.creationTimestamp",
                "metadata.generation",
                "metadata.deletionTimestamp",
                "metadata.name",
                "metadata.deletionGracePeriodSeconds",
                "metadata.namespace",
                "metadata.resourceVersion",
                "kind",
                "apiVersion",
        };

        for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
                jx_put(next, fixed[i], jx_get(live, fixed[i]));
        if (!jx_get(next, "metadata.managedFields"))
                jx_put(next, "metadata.managedFields", jx_get(live, "metadata.managedFields"));
}

/* True when anything but metadata and status differs. */
static bool spec_differs(const json_t *live, const json_t *next)
{
        json_auto_t *a = json_copy((json_t *)live), *b = json_copy((json_t *)next);

        jx_drop(a, "metadata");
        jx_drop(b, "metadata");
        jx_drop(a, "status");
        jx_drop(b, "status");
        return !json_equal(a, b);
}

static json_t *combine(struct call *c, const json_t *live, const json_t *next)
{
        json_t *o;

        if (streq(c->sub, "status")) {
                o = json_deep_copy(live);
                jx_put(o, "status", jx_get(next, "status"));
                jx_put(o, "metadata.managedFields", jx_get(next, "metadata.managedFields"));
        } else if (streq(c->sub, "ephemeralcontainers")) {
                o = json_deep_copy(live);
                jx_put(o, "spec.ephemeralContainers", jx_get(next, "spec.ephemeralContainers"));
        } else {
                o = json_deep_copy(next);
                if (c->resource->has_status)
                        jx_put(o, "status", jx_get(live, "status"));
        }
        keep_meta(live, o);
        return o;
}

int write_update(struct call *c, json_t *live_borrowed, json_t *next, json_t **ret_stored)
{
        json_auto_t *live = json_incref(live_borrowed);
        json_auto_t *o = NULL;
        struct store *s = &c->standin->store;
        bool counts = c->resource->has_generation || c->resource->custom;
        int r = check_shape(c, next);

        if (r == 0)
                r = check_versions(c, live, next);
        if (r < 0)
                return r;
        o = combine(c, live, next);
        r = check_valid(c, live, o);
        if (r < 0)
                return r;
        if (json_equal(o, live)) {
                *ret_stored = json_incref(live);
                return 0;
        }
        if (counts &&
            (spec_differs(live, o) || (!c->resource->has_status &&
                                       !json_equal(jx_get(live, "status"), jx_get(o, "status")))))
                jx_put_int(o, "metadata.generation", jx_int(live, "metadata.generation", 0) + 1);
        managed_note_write(c, live, o);
        store_put_take(s, c->resource, json_incref(o));
        crd_stored(&c->standin->store, c->resource, o);
        if (jx_text(o, "metadata.deletionTimestamp") && jx_empty(o, "metadata.finalizers") &&
            (!streq(c->resource->kind, "Pod") || c->resource->custom))
                write_remove(s, c->resource, o, 0);
        *ret_stored = json_incref(o);
        return 0;
}

json_t *write_new_take(struct store *s, struct resource *r, json_t *object_take)
{
        rules_new_meta(r, object_take);
        rules_default(r, object_take);
        return store_put_take(s, r, object_take);
}

static int64_t grace_of(const json_t *pod, int64_t wanted)
{
        int64_t already = jx_int(pod, "metadata.deletionGracePeriodSeconds", INT64_MAX);
        int64_t grace =
                wanted >= 0 ? wanted : jx_int(pod, "spec.terminationGracePeriodSeconds", 30);

        return grace < already ? grace : already;
}

void write_remove(struct store *s, struct resource *r, json_t *live, int64_t grace_seconds)
{
        bool pod = streq(r->kind, "Pod") && !r->custom;
        bool held = !jx_empty(live, "metadata.finalizers") || streq(r->kind, "Namespace") ||
                    streq(r->kind, "CustomResourceDefinition");
        int64_t grace = pod ? grace_of(live, grace_seconds) : 0;
        char when[TIMESTAMP_TEXT_SIZE];
        json_t *o;

        if (!held && (!pod || grace == 0 || jx_empty(live, "spec.nodeName"))) {
                _cleanup_(freep) char *ns = xstrdup(jx_text(live, "metadata.namespace"));
                _cleanup_(freep) char *name = xstrdup(jx_text(live, "metadata.name"));

                store_delete(s, r, ns, name);
                return;
        }
        if (jx_text(live, "metadata.deletionTimestamp") &&
            grace == jx_int(live, "metadata.deletionGracePeriodSeconds", 0))
                return;
        o = json_deep_copy(live);
        timestamp_format(timestamp_now() + (uint64_t)grace * NSEC_PER_SEC, when);
        jx_put_text(o, "metadata.deletionTimestamp", when);
        jx_put_int(o, "metadata.deletionGracePeriodSeconds", grace);
        if (streq(r->kind, "Namespace"))
                jx_put_text(o, "status.phase", "Terminating");
        store_put_take(s, r, o);
}

/* Takes the owner reference out of what @live owns, so that the collector leaves it alone. */
static void orphan_dependents(struct store *s, const json_t *live)
{
        const char *uid = jx_text(live, "metadata.uid");
        struct object *o, *next;
        size_t i;

        for (struct resource *r = s->resources; r; r = r->next) {
                HASH_ITER(hh, r->objects, o, next) {
                        json_auto_t *copy = json_deep_copy(o->json);
                        json_t *refs = jx_get(copy, "metadata.ownerReferences");
                        json_t *ref = jx_find(refs, "uid", uid);

                        if (!ref)
                                continue;
                        for (i = 0; json_array_get(refs, i) != ref; i++)
                                ;
                        json_array_remove(refs, i);
                        store_put_take(s, r, json_incref(copy));
                }
        }
}

static int64_t wanted_grace(struct call *c, const json_t *options)
{
        const char *query = http_query(c->http, "gracePeriodSeconds");
        uint64_t seconds;

        if (query && parse_u64(query, 86400, &seconds) == 0)
                return (int64_t)seconds;
        return jx_int(options, "gracePeriodSeconds", -1);
}

int write_delete(struct call *c, json_t *live_borrowed, const json_t *options, bool answer)
{
        json_auto_t *live = json_incref(live_borrowed);
        struct store *s = &c->standin->store;
        const char *policy = http_query(c->http, "propagationPolicy");
        const char *uid = jx_text(options, "preconditions.uid");
        json_auto_t *reply = NULL;
        json_t *left;

        if (uid && !streq(uid, jx_text(live, "metadata.uid")))
                return call_fail(
                        c, 409, "Conflict",
                        "Precondition failed: UID in precondition: %s, UID in object meta: "
                        "%s",
                        uid, jx_text(live, "metadata.uid"));
        if (!policy)
                policy = jx_text(options, "propagationPolicy");
        if (streq(policy, "Orphan"))
                orphan_dependents(s, live);
        write_remove(s, c->resource, live, wanted_grace(c, options));
        left = store_get(c->resource, c->ns, jx_text(live, "metadata.name"));
        if (!answer)
                return 0;
        if (left)
                reply = rules_to_view(c->asked, left);
        else
                reply = json_pack("{s:s, s:s, s:{}, s:s, s:{s:s, s:s, s:s, s:s}}", "kind", "Status",
                                  "apiVersion", "v1", "metadata", "status", "Success", "details",
                                  "name", jx_text(live, "metadata.name"), "group", c->asked->group,
                                  "kind", c->asked->plural, "uid", jx_text(live, "metadata.uid"));
        call_answer(c, 200, reply);
        return 0;
}
