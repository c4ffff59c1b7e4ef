/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/managed.h"

/*
 * A set of fields is a tree in the form of FieldsV1: {"f:spec": {"f:list": {"k:{\"name\":\"a\"}":
 * {".": {}, "f:image": {}}}}}; an empty object is a leaf. Lists are walked by their keys when the
 * schema (or the table of the built-in kinds) says so, and are one value otherwise.
 *
 * Applying is: merge the applied fields into the live object, then remove what this manager owned
 * before and did not name again, unless somebody else owns it too.
 */

#include "base/mem.h"
#include "base/str.h"
#include "base/timestamp.h"
#include "test/standin/jx.h"
#include "test/standin/patch.h"
#include "test/standin/standin.h"

/* Where a walk is: the schema of the value (NULL: a built-in kind or unknown) and its field. */
struct place {
        const json_t *schema;
        const char *field;
        bool builtin;
};

static struct place below(const struct place *p, const char *key)
{
        const json_t *properties = json_object_get(p->schema, "properties");
        const json_t *schema = json_object_get(properties, key);

        if (!schema)
                schema = json_object_get(p->schema, "additionalProperties");
        return (struct place){.schema = schema, .field = key, .builtin = p->builtin};
}

static struct place item_of(const struct place *p)
{
        return (struct place){.schema = json_object_get(p->schema, "items"),
                              .field = p->field,
                              .builtin = p->builtin};
}

/* The "k:{...}" of an element, or NULL when the list is atomic. The caller frees it. */
static char *item_key(const struct place *p, const json_t *item)
{
        const json_t *keys = json_object_get(p->schema, "x-kubernetes-list-map-keys"), *key;
        json_auto_t *id = json_object();
        _cleanup_(freep) char *text = NULL;
        size_t i;

        if (!json_is_object(item))
                return NULL;
        if (p->builtin) {
                const char *name = patch_merge_key(p->field, item);

                if (!name)
                        return NULL;
                json_object_set(id, name, json_object_get(item, name));
        } else if (!streq(jx_text(p->schema, "x-kubernetes-list-type"), "map")) {
                return NULL;
        }
        json_array_foreach(keys, i, key)
                json_object_set(id, json_string_value(key),
                                json_object_get(item, json_string_value(key)));
        text = jx_dump(id);
        return xasprintf("k:%s", text);
}

static json_t *find_item(const struct place *p, const json_t *list, const char *key,
                         size_t *ret_index)
{
        size_t i;
        json_t *item;

        json_array_foreach(list, i, item) {
                _cleanup_(freep) char *other = item_key(p, item);

                if (streq(other, key)) {
                        *ret_index = i;
                        return item;
                }
        }
        return NULL;
}

/* The fields of @value that @base does not have or has otherwise; @base NULL: all. */
static json_t *set_of(const json_t *value, const json_t *base, const struct place *p)
{
        json_t *set = json_object();
        const char *name;
        json_t *child;
        size_t i, at;

        if (json_is_object(value))
                json_object_foreach((json_t *)value, name, child) {
                        const json_t *other = json_object_get(base, name);
                        struct place next = below(p, name);
                        _cleanup_(freep) char *key = xasprintf("f:%s", name);

                        if (!other || !json_equal(other, child))
                                json_object_set_new(set, key, set_of(child, other, &next));
                }
        else if (json_is_array(value))
                json_array_foreach(value, i, child) {
                        _cleanup_(freep) char *key = item_key(p, child);
                        const json_t *other = key ? find_item(p, base, key, &at) : NULL;
                        struct place next = item_of(p);
                        json_t *fields;

                        if (!key || (other && json_equal(other, child)))
                                continue;
                        fields = set_of(child, other, &next);
                        if (!other)
                                json_object_set_new(fields, ".", json_object());
                        json_object_set_new(set, key, fields);
                }
        return set;
}

static void merge_into(json_t *target, const json_t *applied, const struct place *p);

static void merge_lists(json_t *target, const json_t *applied, const struct place *p)
{
        struct place next = item_of(p);
        size_t i, at;
        json_t *item;

        json_array_foreach(applied, i, item) {
                _cleanup_(freep) char *key = item_key(p, item);
                json_t *now = find_item(p, target, key, &at);

                if (now)
                        merge_into(now, item, &next);
                else
                        json_array_append_new(target, json_deep_copy(item));
        }
}

static void merge_into(json_t *target, const json_t *applied, const struct place *p)
{
        const char *name;
        json_t *child;

        json_object_foreach((json_t *)applied, name, child) {
                json_t *now = json_object_get(target, name);
                struct place next = below(p, name);
                _cleanup_(freep) char *key =
                        json_is_array(child) ? item_key(&next, json_array_get(child, 0)) : NULL;

                if (json_is_object(child) && json_is_object(now))
                        merge_into(now, child, &next);
                else if (key && json_is_array(now))
                        merge_lists(now, child, &next);
                else
                        json_object_set_new(target, name, json_deep_copy(child));
        }
}

/* The nodes of @sets at @key; those without it are left out. The caller owns the array. */
static json_t *sets_below(const json_t *sets, const char *key)
{
        json_t *out = json_array(), *set;
        size_t i;

        json_array_foreach(sets, i, set)
                if (json_object_get(set, key))
                        json_array_append(out, json_object_get(set, key));
        return out;
}

/* What remove_unnamed() compares: all at the same place of the tree. */
struct trees {
        const json_t *old;    /* what the manager owned */
        const json_t *new;    /* what it names now, or NULL */
        const json_t *others; /* array: what the others own */
};

static void remove_unnamed(json_t *target, const struct trees *t, const struct place *p);

/* @child is what @key names in @target. True when it is to be removed. */
static bool remove_below(json_t *child, const char *key, const struct trees *t,
                         const struct place *p)
{
        const json_t *old = json_object_get(t->old, key), *new = json_object_get(t->new, key);
        json_auto_t *others = sets_below(t->others, key);
        bool leaf = json_object_size(old) == 0, owned = json_array_size(others) > 0;

        if (!new && !owned && (leaf || key[0] == 'k'))
                return true;
        if (leaf)
                return false;
        remove_unnamed(child, &(struct trees){old, new, others}, p);
        return !new && !owned &&
               (json_is_object(child) ? json_object_size(child) : json_array_size(child)) == 0;
}

static void remove_unnamed(json_t *target, const struct trees *t, const struct place *p)
{
        const char *key;
        json_t *unused;

        json_object_foreach((json_t *)t->old, key, unused) {
                struct place next;
                size_t at = 0;
                json_t *child;

                if (key[0] == '.')
                        continue;
                next = key[0] == 'k' ? item_of(p) : below(p, key + 2);
                child = key[0] == 'k' ? find_item(p, target, key, &at)
                                      : json_object_get(target, key + 2);
                if (!child || !remove_below(child, key, t, &next))
                        continue;
                if (key[0] == 'k')
                        json_array_remove(target, at);
                else
                        json_object_del(target, key + 2);
        }
}

static bool is_leaf(const json_t *set)
{
        return json_object_size(set) == 0;
}

/* Appends ".spec.replicas" for each leaf that both sets have. */
static void common_leaves(const json_t *a, const json_t *b, const char *path, struct str *out)
{
        const char *key;
        json_t *child;

        json_object_foreach((json_t *)a, key, child) {
                const json_t *other = json_object_get(b, key);
                _cleanup_(freep) char *at = NULL;

                if (!other || key[0] == '.')
                        continue;
                at = key[0] == 'k' ? xasprintf("%s[%s]", path, key + 2)
                                   : xasprintf("%s.%s", path, key + 2);
                if (is_leaf(child) || is_leaf(other))
                        str_appendf(out, "%s%s", out->len > 0 ? ", " : "", at);
                else
                        common_leaves(child, other, at, out);
        }
}

/* Takes the leaves of @taken out of @set. */
static void subtract(json_t *set, const json_t *taken)
{
        const char *key;
        json_t *child;

        json_object_foreach((json_t *)taken, key, child) {
                json_t *own = json_object_get(set, key);

                if (!own || key[0] == '.')
                        continue;
                if (!is_leaf(child) && !is_leaf(own))
                        subtract(own, child);
                if (is_leaf(child) || is_leaf(own))
                        json_object_del(set, key);
        }
}

static void unite(json_t *set, const json_t *more)
{
        const char *key;
        json_t *child;

        json_object_foreach((json_t *)more, key, child) {
                if (!json_object_get(set, key))
                        json_object_set_new(set, key, json_object());
                unite(json_object_get(set, key), child);
        }
}

/* The part of an object that can be owned. */
static json_t *ownable(const json_t *o)
{
        static const char *const kept[] = {"labels", "annotations", "finalizers",
                                           "ownerReferences"};
        json_t *copy = json_copy((json_t *)o), *meta = json_object();

        for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
                if (jx_get(jx_get(o, "metadata"), kept[i]))
                        json_object_set(meta, kept[i], jx_get(jx_get(o, "metadata"), kept[i]));
        json_object_set_new(copy, "metadata", meta);
        if (json_object_size(meta) == 0)
                json_object_del(copy, "metadata");
        json_object_del(copy, "kind");
        json_object_del(copy, "apiVersion");
        return copy;
}

static struct place root_of(const struct call *c)
{
        return (struct place){
                .schema = c->resource->schema, .field = "", .builtin = !c->resource->custom};
}

static json_t *entry_of(json_t *list, const char *manager, const char *operation, const char *sub)
{
        size_t i;
        json_t *e;

        json_array_foreach(list, i, e)
                if (streq(jx_text(e, "manager"), manager) &&
                    streq(jx_text(e, "operation"), operation) &&
                    streq(jx_text(e, "subresource"), sub))
                        return e;
        return NULL;
}

static json_t *entry_make(struct call *c, json_t *list, const char *manager, const char *operation)
{
        json_t *e = entry_of(list, manager, operation, c->sub);
        _cleanup_(freep) char *api_version = resource_api_version(c->asked);
        char now[TIMESTAMP_TEXT_SIZE];

        if (!e) {
                e = json_pack("{s:s, s:s, s:s, s:s, s:{}}", "manager", manager, "operation",
                              operation, "apiVersion", api_version, "fieldsType", "FieldsV1",
                              "fieldsV1");
                if (c->sub)
                        jx_put_text(e, "subresource", c->sub);
                json_array_append_new(list, e);
        }
        timestamp_format(timestamp_now(), now);
        jx_put_text(e, "time", now);
        return e;
}

/* Takes @taken away from everybody but @mine, and drops who is left with nothing. */
static void take_from_others(json_t *list, const json_t *mine, const json_t *taken)
{
        for (size_t i = json_array_size(list); i-- > 0;) {
                json_t *e = json_array_get(list, i);

                if (e == mine)
                        continue;
                subtract(json_object_get(e, "fieldsV1"), taken);
                if (is_leaf(json_object_get(e, "fieldsV1")))
                        json_array_remove(list, i);
        }
}

static char *writer_of(struct call *c)
{
        const char *manager = http_query(c->http, "fieldManager");
        const char *agent = http_header(c->http, "User-Agent");

        if (manager && *manager)
                return xstrdup(manager);
        if (!agent || !*agent || !utf8_valid(agent, strlen(agent)))
                return xstrdup("unknown");
        return xstrndup(agent, strcspn(agent, "/"));
}

static bool is_apply(struct call *c)
{
        const char *type = http_header(c->http, "Content-Type");

        return streq(http_request(c->http)->method, "PATCH") && type &&
               starts_with(type, "application/apply-patch+yaml");
}

void managed_note_write(struct call *c, const json_t *live, json_t *next)
{
        struct place root = root_of(c);
        json_auto_t *before = live ? ownable(live) : NULL, *after = ownable(next);
        json_auto_t *changed = NULL;
        _cleanup_(freep) char *writer = writer_of(c);
        json_t *list, *mine;

        if (is_apply(c))
                return;
        changed = set_of(after, before, &root);
        if (is_leaf(changed))
                return;
        list = jx_array_at(next, "metadata.managedFields");
        mine = entry_make(c, list, writer, "Update");
        unite(json_object_get(mine, "fieldsV1"), changed);
        take_from_others(list, mine, changed);
}

/* Answers 409 when somebody else owns a field of @changed. */
static int check_conflicts(struct call *c, const json_t *list, const json_t *mine,
                           const json_t *changed)
{
        size_t i;
        json_t *e;

        json_array_foreach(list, i, e) {
                _cleanup_(str_done) struct str fields = {};

                if (e == mine)
                        continue;
                common_leaves(changed, json_object_get(e, "fieldsV1"), "", &fields);
                if (fields.len > 0)
                        return call_fail(c, 409, "Conflict",
                                         "Apply failed with conflicts: conflicts with \"%s\": %s",
                                         jx_text(e, "manager"), fields.data);
        }
        return 0;
}

static json_t *others_of(const json_t *list, const json_t *mine)
{
        json_t *others = json_array(), *e;
        size_t i;

        json_array_foreach(list, i, e)
                if (e != mine)
                        json_array_append(others, json_object_get(e, "fieldsV1"));
        return others;
}

json_t *managed_apply(struct call *c, const json_t *live, const struct managed_apply *a)
{
        struct place root = root_of(c);
        json_auto_t *result = live ? json_deep_copy(live) : json_object();
        json_auto_t *fields = ownable(a->applied), *set = NULL, *changed = NULL, *before = NULL;
        json_auto_t *others = NULL;
        json_t *list = jx_array_at(result, "metadata.managedFields"), *mine;

        if (streq(c->sub, "status"))
                jx_drop(fields, "spec");
        else if (c->resource->has_status)
                jx_drop(fields, "status");
        set = set_of(fields, NULL, &root);
        before = ownable(result);
        /* Only fields with another value can be in conflict. */
        changed = set_of(fields, before, &root);
        mine = entry_of(list, a->manager, "Apply", c->sub);
        if (!a->force && check_conflicts(c, list, mine, changed) < 0)
                return NULL;
        mine = mine ? mine : entry_make(c, list, a->manager, "Apply");
        take_from_others(list, mine, changed);
        merge_into(result, fields, &root);
        others = others_of(list, mine);
        remove_unnamed(result, &(struct trees){json_object_get(mine, "fieldsV1"), set, others},
                       &root);
        if (!json_equal(json_object_get(mine, "fieldsV1"), set))
                mine = entry_make(c, list, a->manager, "Apply");
        json_object_set(mine, "fieldsV1", set);
        if (!live) {
                jx_put_text(result, "apiVersion", jx_text(a->applied, "apiVersion"));
                jx_put_text(result, "kind", jx_text(a->applied, "kind"));
                jx_put_text(result, "metadata.name", c->name);
        }
        return take_ptr(result);
}
