/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/discovery.h"

/*
 * All documents are made from the list of resources at each request, so that a new definition is
 * there at once.
 */

#include "base/mem.h"
#include "test/standin/call.h"
#include "test/standin/jx.h"
#include "test/standin/standin.h"

static json_t *group_version(const struct resource *r)
{
        _cleanup_(freep) char *text = resource_api_version(r);

        return json_pack("{s:s, s:s}", "groupVersion", text, "version", r->version);
}

static json_t *group_of(const struct resource *r)
{
        json_t *version = group_version(r);

        return json_pack("{s:s, s:[O], s:o}", "name", r->group, "versions", version,
                         "preferredVersion", version);
}

static json_t *groups(const struct store *s)
{
        json_t *list = json_array();

        for (const struct resource *r = s->resources; r; r = r->next)
                if (*r->group && !r->gone && !jx_find(list, "name", r->group))
                        json_array_append_new(list, group_of(r));
        return json_pack("{s:s, s:s, s:o}", "kind", "APIGroupList", "apiVersion", "v1", "groups",
                         list);
}

static void add_resource(json_t *list, const struct resource *r, const char *sub)
{
        static const char *const all[] = {"create", "delete", "deletecollection", "get",
                                          "list",   "patch",  "update",           "watch"};
        _cleanup_(freep) char *name = sub ? xasprintf("%s/%s", r->plural, sub) : xstrdup(r->plural);
        bool create_only = r->virtual && !streq(r->plural, "events");
        json_t *o = json_pack("{s:s, s:s, s:b, s:s}", "name", name, "singularName",
                              sub ? "" : r->singular, "namespaced", r->namespaced, "kind",
                              streq(sub, "scale") ? "Scale" : r->kind);
        json_t *verbs = jx_array_at(o, "verbs");

        if (sub) {
                json_array_append_new(verbs, json_string("get"));
                json_array_append_new(verbs, json_string("patch"));
                json_array_append_new(verbs, json_string("update"));
        }
        for (size_t i = 0; i < ARRAY_SIZE(all) && !sub; i++)
                if (!create_only || streq(all[i], "create"))
                        json_array_append_new(verbs, json_string(all[i]));
        if (streq(sub, "scale")) {
                jx_put_text(o, "group", "autoscaling");
                jx_put_text(o, "version", "v1");
        }
        if (r->short_name && !sub)
                jx_put_take(o, "shortNames", json_pack("[s]", r->short_name));
        json_array_append_new(list, o);
}

static void add_stream(json_t *list, const char *name, const char *kind)
{
        json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:s, s:[s, s]}", "name", name,
                                              "singularName", "", "namespaced", 1, "kind", kind,
                                              "verbs", "create", "get"));
}

/* NULL: nothing is served under that group version. */
static json_t *resources(const struct store *s, const char *group, const char *version)
{
        _cleanup_(freep) char *text =
                *group ? xasprintf("%s/%s", group, version) : xstrdup(version);
        json_t *list = json_array();

        for (const struct resource *r = s->resources; r; r = r->next) {
                if (r->gone || !streq(r->group, group) || !streq(r->version, version))
                        continue;
                add_resource(list, r, NULL);
                if (r->has_status)
                        add_resource(list, r, "status");
                if (!*group && streq(r->kind, "Pod"))
                        add_resource(list, r, "ephemeralcontainers");
                if (r->has_scale)
                        add_resource(list, r, "scale");
        }
        if (json_array_size(list) == 0) {
                json_decref(list);
                return NULL;
        }
        if (!*group) {
                add_stream(list, "pods/exec", "PodExecOptions");
                add_stream(list, "pods/attach", "PodAttachOptions");
        }
        return json_pack("{s:s, s:s, s:s, s:o}", "kind", "APIResourceList", "apiVersion", "v1",
                         "groupVersion", text, "resources", list);
}

static json_t *version_info(const struct standin *s)
{
        const char *v = s->options.version, *dot = strchr(v, '.');
        _cleanup_(freep) char *major = xstrndup(v, strcspn(v, "."));
        _cleanup_(freep) char *minor =
                dot ? xstrndup(dot + 1, strcspn(dot + 1, ".")) : xstrdup("0");
        _cleanup_(freep) char *git = xasprintf("v%s", v);

        return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "major", major, "minor",
                         minor, "gitVersion", git, "gitCommit", "", "gitTreeState", "clean",
                         "buildDate", "1970-01-01T00:00:00Z", "goVersion", "", "compiler", "gcc",
                         "platform", "linux/amd64");
}

static json_t *core_versions(void)
{
        return json_pack("{s:s, s:[s], s:[{s:s, s:s}]}", "kind", "APIVersions", "versions", "v1",
                         "serverAddressByClientCIDRs", "clientCIDR", "0.0.0.0/0", "serverAddress",
                         "127.0.0.1");
}

static json_t *one_group(const struct store *s, const char *name)
{
        for (const struct resource *r = s->resources; r; r = r->next)
                if (!r->gone && *r->group && streq(r->group, name)) {
                        json_t *o = group_of(r);

                        jx_put_text(o, "kind", "APIGroup");
                        jx_put_text(o, "apiVersion", "v1");
                        return o;
                }
        return NULL;
}

static json_t *document(struct standin *s, const struct strv *path)
{
        const char *first = path->n_items > 0 ? path->items[0] : "";
        bool core = streq(first, "api"), named = streq(first, "apis");

        if (streq(first, "version") && path->n_items == 1)
                return version_info(s);
        if (core && path->n_items == 1)
                return core_versions();
        if (core && path->n_items == 2)
                return resources(&s->store, "", path->items[1]);
        if (named && path->n_items == 1)
                return groups(&s->store);
        if (named && path->n_items == 2)
                return one_group(&s->store, path->items[1]);
        if (named && path->n_items == 3)
                return resources(&s->store, path->items[1], path->items[2]);
        return NULL;
}

bool discovery_answer(struct standin *s, struct http *h)
{
        const struct strv *path = &http_request(h)->segments;
        const char *first = path->n_items > 0 ? path->items[0] : "";
        json_auto_t *body = NULL;

        if (streq(first, "healthz") || streq(first, "livez") || streq(first, "readyz")) {
                http_respond(h, &(struct http_answer){.status = 200,
                                                      .content_type = "text/plain",
                                                      .body = view_of("ok", 2)});
                return true;
        }
        body = document(s, path);
        if (!body)
                return false;
        http_answer_json(h, 200, body);
        return true;
}
