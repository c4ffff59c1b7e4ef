/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/patch.h"

/*
 * Which list is merged by which key is a tag in Kubernetes' Go types. The few that the kinds here
 * have are told apart by the field's name; "ports" by what its elements hold.
 */

#include <errno.h>

#include "base/mem.h"
#include "base/str.h"
#include "test/standin/jx.h"

/* Unlike jx_object_at(), @key is one key: that of an annotation may hold dots. */
static json_t *object_in(json_t *target, const char *key)
{
        json_t *v = json_object_get(target, key);

        if (!json_is_object(v)) {
                v = json_object();
                json_object_set_new(target, key, v);
        }
        return v;
}

void patch_merge(json_t *target, const json_t *patch)
{
        const char *key;
        json_t *value;

        json_object_foreach((json_t *)patch, key, value) {
                if (json_is_null(value)) {
                        json_object_del(target, key);
                } else if (!json_is_object(value)) {
                        json_object_set_new(target, key, json_deep_copy(value));
                } else {
                        patch_merge(object_in(target, key), value);
                }
        }
}

/* The next component of a JSON pointer, unescaped; *p moves behind it. The caller frees it. */
static char *pointer_token(const char **p)
{
        struct str s = {};

        for ((*p)++; **p && **p != '/'; (*p)++) {
                if (**p == '~' && ((*p)[1] == '0' || (*p)[1] == '1'))
                        str_append_char(&s, *++*p == '0' ? '~' : '/');
                else
                        str_append_char(&s, **p);
        }
        return str_take(&s);
}

/* -EINVAL unless @token is an index of @array, or "-" or the length when @end_too. */
static int array_index(const json_t *array, const char *token, bool end_too, size_t *ret_index)
{
        size_t size = json_array_size(array);
        uint64_t i;

        if (end_too && streq(token, "-")) {
                *ret_index = size;
                return 0;
        }
        if (parse_u64(token, size, &i) < 0 || (i == size && !end_too))
                return -EINVAL;
        *ret_index = (size_t)i;
        return 0;
}

static json_t *step_into(json_t *at, const char *token)
{
        size_t i;

        if (json_is_object(at))
                return json_object_get(at, token);
        if (!json_is_array(at) || array_index(at, token, false, &i) < 0)
                return NULL;
        return json_array_get(at, i);
}

static json_t *pointer_get(json_t *root, const char *path)
{
        while (root && *path) {
                _cleanup_(freep) char *token = pointer_token(&path);

                root = step_into(root, token);
        }
        return root;
}

/* Finds the parent of what @path names, and the last token. NULL: there is no parent. */
static json_t *pointer_parent(json_t *root, const char *path, char **ret_token)
{
        for (;;) {
                _cleanup_(freep) char *token = pointer_token(&path);

                if (!*path) {
                        *ret_token = take_ptr(token);
                        return root;
                }
                root = step_into(root, token);
                if (!root)
                        return NULL;
        }
}

enum change {
        CHANGE_ADD,
        CHANGE_REPLACE,
        CHANGE_REMOVE,
};

static int change_in(json_t *parent, const char *token, enum change change, json_t *value)
{
        size_t i;

        if (json_is_object(parent)) {
                if (change != CHANGE_ADD && !json_object_get(parent, token))
                        return -EINVAL;
                return change == CHANGE_REMOVE ? json_object_del(parent, token)
                                               : json_object_set(parent, token, value);
        }
        if (!json_is_array(parent) || array_index(parent, token, change == CHANGE_ADD, &i) < 0)
                return -EINVAL;
        if (change == CHANGE_REMOVE)
                return json_array_remove(parent, i);
        return change == CHANGE_ADD ? json_array_insert(parent, i, value)
                                    : json_array_set(parent, i, value);
}

static int pointer_change(json_t **root, const char *path, enum change change, json_t *value)
{
        _cleanup_(freep) char *token = NULL;
        json_t *parent;

        if (!*path) {
                if (change == CHANGE_REMOVE)
                        return -EINVAL;
                json_incref(value);
                json_decref(*root);
                *root = value;
                return 0;
        }
        if (*path != '/')
                return -EINVAL;
        parent = pointer_parent(*root, path, &token);
        return parent ? change_in(parent, token, change, value) : -EINVAL;
}

static int one_operation(json_t **target, const json_t *o)
{
        const char *op = jx_text(o, "op"), *path = jx_text(o, "path"), *from = jx_text(o, "from");
        json_auto_t *value = json_incref(json_object_get(o, "value"));
        bool move = streq(op, "move");

        if (!op || !path)
                return -EINVAL;
        if (streq(op, "remove"))
                return pointer_change(target, path, CHANGE_REMOVE, NULL);
        if (move || streq(op, "copy")) {
                json_decref(value);
                value = from ? json_deep_copy(pointer_get(*target, from)) : NULL;
                if (value && move && pointer_change(target, from, CHANGE_REMOVE, NULL) < 0)
                        return -EINVAL;
                op = "add";
        }
        if (!value)
                return -EINVAL;
        if (streq(op, "test")) {
                json_t *now = pointer_get(*target, path);

                return now && json_equal(now, value) ? 0 : -EINVAL;
        }
        if (!streq(op, "add") && !streq(op, "replace"))
                return -EINVAL;
        json_auto_t *copy = json_deep_copy(value);
        return pointer_change(target, path, streq(op, "add") ? CHANGE_ADD : CHANGE_REPLACE, copy);
}

int patch_json(json_t **target, const json_t *patch, struct err *err)
{
        size_t i;
        json_t *o;

        if (!json_is_array(patch))
                return err_set(err, -EINVAL, "a JSON patch is a list of operations");
        json_array_foreach(patch, i, o) {
                _cleanup_(freep) char *text = jx_dump(o);

                if (one_operation(target, o) < 0)
                        return err_set(err, -EINVAL,
                                       "the server rejected our request due to an error in our "
                                       "request: operation %zu does not apply: %s",
                                       i, text);
        }
        return 0;
}

const char *patch_merge_key(const char *field, const json_t *item)
{
        static const char *const keys[][2] = {
                {"containers", "name"},
                {"initContainers", "name"},
                {"ephemeralContainers", "name"},
                {"env", "name"},
                {"volumes", "name"},
                {"imagePullSecrets", "name"},
                {"conditions", "type"},
                {"ownerReferences", "uid"},
                {"volumeMounts", "mountPath"},
                {"hostAliases", "ip"},
                {"addresses", "type"},
                {"volumeDevices", "devicePath"},
                {"topologySpreadConstraints", "topologyKey"},
        };

        if (!json_is_object(item))
                return NULL;
        if (streq(field, "ports"))
                return json_object_get(item, "containerPort") ? "containerPort" : "port";
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                if (streq(keys[i][0], field))
                        return keys[i][1];
        return NULL;
}

static int find_by(const json_t *list, const char *key, const json_t *value)
{
        size_t i;
        json_t *item;

        json_array_foreach(list, i, item)
                if (json_equal(json_object_get(item, key), value))
                        return (int)i;
        return -1;
}

static int merge_list_item(json_t *list, const char *key, const json_t *item, struct err *err)
{
        const json_t *value = json_object_get(item, key);
        int at = find_by(list, key, value);
        json_auto_t *fresh = NULL;

        if (!value)
                return err_set(err, -EINVAL,
                               "an element of the patch does not contain declared merge key: %s",
                               key);
        if (streq(jx_text(item, "$patch"), "delete")) {
                if (at >= 0)
                        json_array_remove(list, (size_t)at);
                return 0;
        }
        if (at >= 0)
                return patch_strategic(json_array_get(list, (size_t)at), item, err);
        fresh = json_object();
        json_array_append(list, fresh);
        return patch_strategic(fresh, item, err);
}

static int merge_list(json_t *target, const char *field, const json_t *patch, struct err *err)
{
        const char *key = patch_merge_key(field, json_array_get(patch, 0));
        json_t *now = json_object_get(target, field), *item;
        bool replace = json_array_size(patch) > 0 &&
                       streq(jx_text(json_array_get(patch, 0), "$patch"), "replace");
        size_t i;

        if (!json_is_array(now) || (!key && !streq(field, "finalizers")) || replace) {
                json_auto_t *fresh = json_array();

                json_array_foreach(patch, i, item)
                        if (!jx_text(item, "$patch"))
                                json_array_append_new(fresh, json_deep_copy(item));
                json_object_set(target, field, fresh);
                return 0;
        }
        json_array_foreach(patch, i, item) {
                int r = 0;

                if (key)
                        r = merge_list_item(now, key, item, err);
                else if (!json_is_string(item))
                        r = err_set(err, -EINVAL, "%s holds strings", field);
                else
                        json_array_append_new(now, json_deep_copy(item));
                if (r < 0)
                        return r;
        }
        return 0;
}

static void remove_equal(json_t *list, const json_t *value)
{
        for (size_t i = json_array_size(list); i-- > 0;)
                if (json_equal(json_array_get(list, i), value))
                        json_array_remove(list, i);
}

/* "$deleteFromPrimitiveList/finalizers": ["x"] and "$retainKeys": ["a"]. */
static void merge_directive(json_t *target, const char *key, const json_t *value)
{
        static const char from_list[] = "$deleteFromPrimitiveList/";
        const char *name;
        json_t *member, *item;
        void *next;
        size_t i;

        if (starts_with(key, from_list)) {
                json_t *list = json_object_get(target, key + sizeof(from_list) - 1);

                json_array_foreach(value, i, item)
                        remove_equal(list, item);
                return;
        }
        if (!streq(key, "$retainKeys"))
                return;
        json_object_foreach_safe(target, next, name, member) {
                bool keep = false;

                json_array_foreach(value, i, item)
                        keep = keep || streq(json_string_value(item), name);
                if (!keep)
                        json_object_del(target, name);
        }
}

int patch_strategic(json_t *target, const json_t *patch, struct err *err)
{
        const char *key;
        json_t *value;
        int r = 0;

        if (streq(jx_text(patch, "$patch"), "replace"))
                json_object_clear(target);
        json_object_foreach((json_t *)patch, key, value)
                if (key[0] == '$')
                        merge_directive(target, key, value);
        json_object_foreach((json_t *)patch, key, value) {
                if (key[0] == '$')
                        continue;
                if (json_is_null(value) || streq(jx_text(value, "$patch"), "delete"))
                        json_object_del(target, key);
                else if (json_is_array(value))
                        r = merge_list(target, key, value, err);
                else if (!json_is_object(value))
                        json_object_set_new(target, key, json_deep_copy(value));
                else
                        r = patch_strategic(object_in(target, key), value, err);
                if (r < 0)
                        return r;
        }
        return 0;
}
