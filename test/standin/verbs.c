/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/verbs.h"

/*
 * Each verb reads the live object, makes the object that the client wants, and hands both to
 * write.h. The Scale of a workload is a view of it: made on reading, and turned back on writing.
 */

#include <inttypes.h>

#include "base/mem.h"
#include "test/standin/jx.h"
#include "test/standin/managed.h"
#include "test/standin/patch.h"
#include "test/standin/rules.h"
#include "test/standin/standin.h"
#include "test/standin/watch.h"
#include "test/standin/write.h"

/* The object that the path names, or NULL when it was answered with 404. Borrowed. */
static json_t *live_object(struct call *c)
{
        json_t *o = store_get(c->resource, c->ns, c->name);

        if (!o)
                call_not_found(c);
        return o;
}

static json_t *scale_of(const json_t *o)
{
        _cleanup_(selector_done) struct selector selector = {};
        _cleanup_(freep) char *text = NULL;

        if (selector_from_json(jx_get(o, "spec.selector"), &selector) == 0)
                text = selector_format(&selector);
        return json_pack("{s:s, s:s, s:{s:s, s:s, s:s, s:s, s:s}, s:{s:I}, s:{s:I, s:s}}", "kind",
                         "Scale", "apiVersion", "autoscaling/v1", "metadata", "name",
                         jx_text(o, "metadata.name"), "namespace", jx_text(o, "metadata.namespace"),
                         "uid", jx_text(o, "metadata.uid"), "resourceVersion",
                         jx_text(o, "metadata.resourceVersion"), "creationTimestamp",
                         jx_text(o, "metadata.creationTimestamp"), "spec", "replicas",
                         (json_int_t)jx_int(o, "spec.replicas", 1), "status", "replicas",
                         (json_int_t)jx_int(o, "status.replicas", 0), "selector", text ? text : "");
}

static json_t *view_of_object(struct call *c, json_t *stored)
{
        return streq(c->sub, "scale") ? scale_of(stored) : rules_to_view(c->asked, stored);
}

/* From what the client wants to see to what is stored. The caller owns it. */
static json_t *object_of_view(struct call *c, const json_t *live, json_t *view)
{
        json_t *o;

        if (!streq(c->sub, "scale"))
                return rules_from_view(c->asked, view);
        o = json_deep_copy(live);
        jx_put_int(o, "spec.replicas", jx_int(view, "spec.replicas", 0));
        jx_put(o, "metadata.resourceVersion", jx_get(view, "metadata.resourceVersion"));
        return o;
}

static void answer_object(struct call *c, int code, json_t *stored)
{
        json_auto_t *view = view_of_object(c, stored);

        call_answer(c, code, view);
}

void verb_get(struct call *c)
{
        json_t *o = live_object(c);

        if (o)
                answer_object(c, 200, o);
}

/* Items of built-in lists lack kind and apiVersion, as Go's typed lists have it. */
static json_t *list_item(struct call *c, json_t *view)
{
        json_t *copy;

        if (c->asked->custom)
                return json_incref(view);
        copy = json_copy(view);
        json_object_del(copy, "kind");
        json_object_del(copy, "apiVersion");
        return copy;
}

struct page {
        uint64_t limit;    /* 0: all */
        const char *after; /* key of the last item of the page before, or NULL */
        char *last;        /* key of this page's last item; owned */
        bool more;
};

static json_t *collect(struct call *c, const struct selector *labels, const struct selector *fields,
                       struct page *page)
{
        json_t *items = json_array();
        struct object *o, *next;

        store_sort(c->resource);
        HASH_ITER(hh, c->resource->objects, o, next) {
                json_auto_t *view = rules_to_view(c->asked, o->json);

                if (page->after && strcmp(o->key, page->after) <= 0)
                        continue;
                if (!watch_selects(labels, fields, c->ns, view))
                        continue;
                page->more = page->limit > 0 && json_array_size(items) == page->limit;
                if (page->more)
                        break;
                json_array_append_new(items, list_item(c, view));
                free(page->last);
                page->last = xstrdup(o->key);
        }
        return items;
}

static void list(struct call *c, const struct selector *labels, const struct selector *fields)
{
        const char *limit = http_query(c->http, "limit");
        struct page page = {.after = http_query(c->http, "continue")};
        _cleanup_(freep) char *api_version = resource_api_version(c->asked);
        _cleanup_(freep) char *kind = xasprintf("%sList", c->asked->kind);
        _cleanup_(freep) char *rv = xasprintf("%" PRIu64, c->standin->store.rv);
        json_auto_t *body = NULL;
        json_t *items;

        if (page.after && !*page.after)
                page.after = NULL;
        if (limit)
                parse_u64(limit, UINT64_MAX, &page.limit);
        items = collect(c, labels, fields, &page);
        body = json_pack("{s:s, s:s, s:{s:s}, s:o}", "kind", kind, "apiVersion", api_version,
                         "metadata", "resourceVersion", rv, "items", items);
        if (page.more)
                jx_put_text(body, "metadata.continue", page.last);
        free(page.last);
        call_answer(c, 200, body);
}

/* False: answered. */
static bool get_selectors(struct call *c, struct selector *labels, struct selector *fields)
{
        const char *label_text = http_query(c->http, "labelSelector");
        const char *field_text = http_query(c->http, "fieldSelector");

        if (selector_parse(label_text, labels) < 0) {
                call_fail(c, 400, "BadRequest", "unable to parse requirement: %s", label_text);
                return false;
        }
        if (selector_parse_fields(field_text, fields) < 0) {
                call_fail(c, 400, "BadRequest",
                          "Unable to find \"%s\" that match label selector, field selector \"%s\": "
                          "field label not supported",
                          c->asked->plural, field_text);
                return false;
        }
        return true;
}

void verb_list_or_watch(struct call *c)
{
        _cleanup_(selector_done) struct selector labels = {}, fields = {};
        bool watch = http_query_true(c->http, "watch");

        if (!get_selectors(c, &labels, &fields))
                return;
        if (watch && http_query_true(c->http, "sendInitialEvents") &&
            !streq(http_query(c->http, "resourceVersionMatch"), "NotOlderThan"))
                call_fail(
                        c, 422, "Invalid",
                        "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: "
                        "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
        else if (watch)
                watch_start(c, &labels, &fields);
        else
                list(c, &labels, &fields);
}

static void access_review(struct call *c, json_t *body)
{
        _cleanup_(freep) char *api_version = resource_api_version(c->asked);

        if (jx_empty(body, "spec.resourceAttributes") &&
            jx_empty(body, "spec.nonResourceAttributes")) {
                call_fail(c, 422, "Invalid",
                          "SelfSubjectAccessReview.authorization.k8s.io \"\" is invalid: "
                          "spec.resourceAttributes: Invalid value: exactly one of "
                          "nonResourceAttributes or resourceAttributes must be specified");
                return;
        }
        jx_put_text(body, "kind", c->asked->kind);
        jx_put_text(body, "apiVersion", api_version);
        jx_put_take(body, "status", json_pack("{s:b}", "allowed", 1));
        call_answer(c, 201, body);
}

void verb_create(struct call *c)
{
        json_auto_t *body = call_body(c), *stored = NULL;

        if (!body)
                return;
        if (c->asked->virtual && c->asked == c->resource)
                access_review(c, body);
        else if (write_create(c, body, &stored) == 0)
                answer_object(c, 201, stored);
}

void verb_update(struct call *c)
{
        json_auto_t *body = call_body(c), *wanted = NULL, *stored = NULL;
        json_t *live;
        const char *name;

        if (!body)
                return;
        live = live_object(c);
        if (!live)
                return;
        name = jx_text(body, "metadata.name");
        if (!streq(name, c->name)) {
                call_fail(c, 400, "BadRequest",
                          "the name of the object (%s) does not match the name on the URL (%s)",
                          name ? name : "", c->name);
                return;
        }
        wanted = object_of_view(c, live, body);
        if (write_update(c, live, wanted, &stored) == 0)
                answer_object(c, 200, stored);
}

static int apply_patch(struct call *c, const char *type, json_t **view, json_t *patch)
{
        _cleanup_(err_done) struct err err = {};
        int r = 0;

        if (starts_with(type, "application/json-patch+json"))
                r = patch_json(view, patch, &err);
        else if (!json_is_object(patch))
                return call_fail(c, 400, "BadRequest", "the patch is not an object");
        else if (starts_with(type, "application/merge-patch+json"))
                patch_merge(*view, patch);
        else if (starts_with(type, "application/strategic-merge-patch+json") && !c->asked->custom)
                r = patch_strategic(*view, patch, &err);
        else
                return call_fail(
                        c, 415, "UnsupportedMediaType",
                        "the body of the request was in an unknown format - accepted media "
                        "types include: application/json-patch+json, "
                        "application/merge-patch+json, application/apply-patch+yaml");
        if (r < 0)
                return call_fail(c, 422, "Invalid", "%s", err_text(&err));
        if (!json_is_object(*view))
                return call_fail(c, 422, "Invalid", "the patch leaves no object");
        return 0;
}

static int check_apply(struct call *c, const json_t *body)
{
        _cleanup_(freep) char *api_version = resource_api_version(c->asked);
        const char *manager = http_query(c->http, "fieldManager");
        const char *name = jx_text(body, "metadata.name");

        if (!json_is_object(body))
                return call_fail(c, 400, "BadRequest", "an apply patch is an object");
        if (!manager || !*manager)
                return call_fail(c, 422, "Invalid",
                                 "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required "
                                 "value: is required for apply patch");
        if (!streq(jx_text(body, "apiVersion"), api_version) ||
            !streq(jx_text(body, "kind"), c->asked->kind))
                return call_fail(c, 400, "BadRequest",
                                 "apiVersion and kind of an apply patch must be %s %s", api_version,
                                 c->asked->kind);
        if (name && !streq(name, c->name))
                return call_fail(
                        c, 400, "BadRequest",
                        "the name of the object (%s) does not match the name on the URL (%s)", name,
                        c->name);
        if (jx_get(body, "metadata.managedFields"))
                return call_fail(c, 400, "BadRequest", "metadata.managedFields must be nil");
        return 0;
}

static void server_side_apply(struct call *c, json_t *body)
{
        json_t *live = store_get(c->resource, c->ns, c->name);
        json_auto_t *wanted = NULL, *stored = NULL;
        struct managed_apply apply = {.manager = http_query(c->http, "fieldManager"),
                                      .force = http_query_true(c->http, "force"),
                                      .applied = body};
        int r;

        if (check_apply(c, body) < 0)
                return;
        if (!live && c->sub) {
                call_not_found(c);
                return;
        }
        wanted = managed_apply(c, live, &apply);
        if (!wanted)
                return;
        /* An applied resourceVersion is a precondition; without one there is none. */
        jx_put(wanted, "metadata.resourceVersion", jx_get(body, "metadata.resourceVersion"));
        r = live ? write_update(c, live, wanted, &stored) : write_create(c, wanted, &stored);
        if (r == 0)
                answer_object(c, live ? 200 : 201, stored);
}

void verb_patch(struct call *c)
{
        const char *type = http_header(c->http, "Content-Type");
        json_auto_t *body = call_body(c), *view = NULL, *wanted = NULL, *stored = NULL;
        json_t *live;

        if (!body)
                return;
        type = type ? type : "";
        if (starts_with(type, "application/apply-patch+yaml")) {
                server_side_apply(c, body);
                return;
        }
        live = live_object(c);
        if (!live)
                return;
        json_auto_t *seen = view_of_object(c, live);
        view = json_deep_copy(seen);
        if (apply_patch(c, type, &view, body) < 0)
                return;
        wanted = object_of_view(c, live, view);
        if (write_update(c, live, wanted, &stored) == 0)
                answer_object(c, 200, stored);
}

void verb_delete(struct call *c)
{
        json_auto_t *options = NULL;
        json_t *live;

        if (http_request(c->http)->body.len > 0) {
                options = call_body(c);
                if (!options)
                        return;
        }
        live = live_object(c);
        if (live)
                write_delete(c, live, options, true);
}

void verb_delete_collection(struct call *c)
{
        _cleanup_(selector_done) struct selector labels = {}, fields = {};
        json_auto_t *reply = status_new(200, "", "");
        struct page all = {};
        json_auto_t *items = NULL;
        json_t *item;
        size_t i;

        if (!get_selectors(c, &labels, &fields))
                return;
        items = collect(c, &labels, &fields, &all);
        free(all.last);
        json_array_foreach(items, i, item) {
                json_t *live = store_get(c->resource, jx_text(item, "metadata.namespace"),
                                         jx_text(item, "metadata.name"));

                write_delete(c, live, NULL, false);
        }
        jx_put_text(reply, "status", "Success");
        call_answer(c, 200, reply);
}
