/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/jx.h"

/*
 * Kubernetes objects are deep, and the stand-in reads a few fields of each. A path in a string
 * keeps such a read on one line; the components are looked up in place, without a copy.
 */

#include <assert.h>

#include "base/mem.h"
#include "base/str.h"

static json_t *child(const json_t *o, const char *key, size_t len)
{
        return json_object_getn(o, key, len);
}

json_t *jx_get(const json_t *o, const char *path)
{
        json_t *at = (json_t *)o;

        while (at && *path) {
                size_t len = strcspn(path, ".");

                at = child(at, path, len);
                path += len + (path[len] == '.');
        }
        return at;
}

const char *jx_text(const json_t *o, const char *path)
{
        return json_string_value(jx_get(o, path));
}

int64_t jx_int(const json_t *o, const char *path, int64_t otherwise)
{
        const json_t *v = jx_get(o, path);

        return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

bool jx_true(const json_t *o, const char *path)
{
        return json_is_true(jx_get(o, path));
}

bool jx_empty(const json_t *o, const char *path)
{
        const json_t *v = jx_get(o, path);

        if (!v || json_is_null(v))
                return true;
        if (json_is_string(v))
                return json_string_length(v) == 0;
        if (json_is_object(v))
                return json_object_size(v) == 0;
        return json_is_array(v) && json_array_size(v) == 0;
}

/* Walks to the parent of the last component, making objects; the last component is returned. */
static json_t *parent_of(json_t *o, const char **path)
{
        for (;;) {
                size_t len = strcspn(*path, ".");
                json_t *next;

                if (!(*path)[len])
                        return o;
                next = child(o, *path, len);
                if (!json_is_object(next)) {
                        next = json_object();
                        json_object_setn_new(o, *path, len, next);
                }
                o = next;
                *path += len + 1;
        }
}

void jx_put_take(json_t *o, const char *path, json_t *value)
{
        json_t *parent = parent_of(o, &path);

        /* NULL: a text that is not UTF-8 was not refused at the door. */
        assert(value);
        if (json_object_set_new(parent, path, value) < 0)
                out_of_memory();
}

void jx_put(json_t *o, const char *path, const json_t *value)
{
        if (value)
                jx_put_take(o, path, json_deep_copy(value));
        else
                jx_drop(o, path);
}

void jx_put_text(json_t *o, const char *path, const char *text)
{
        jx_put_take(o, path, json_string(text));
}

void jx_put_int(json_t *o, const char *path, int64_t number)
{
        jx_put_take(o, path, json_integer(number));
}

void jx_drop(json_t *o, const char *path)
{
        const char *last = strrchr(path, '.');
        json_t *parent = o;

        if (last) {
                _cleanup_(freep) char *head = xstrndup(path, (size_t)(last - path));

                parent = jx_get(o, head);
        }
        json_object_del(parent, last ? last + 1 : path);
}

json_t *jx_object_at(json_t *o, const char *path)
{
        json_t *v = jx_get(o, path);

        if (!json_is_object(v)) {
                v = json_object();
                jx_put_take(o, path, v);
        }
        return v;
}

json_t *jx_array_at(json_t *o, const char *path)
{
        json_t *v = jx_get(o, path);

        if (!json_is_array(v)) {
                v = json_array();
                jx_put_take(o, path, v);
        }
        return v;
}

json_t *jx_find(const json_t *array, const char *field, const char *value)
{
        size_t i;
        json_t *item;

        json_array_foreach(array, i, item)
                if (streq(json_string_value(json_object_get(item, field)), value))
                        return item;
        return NULL;
}

char *jx_dump(const json_t *o)
{
        char *text;

        assert(o);
        text = json_dumps(o, JSON_COMPACT | JSON_ENCODE_ANY);
        if (!text)
                out_of_memory();
        return text;
}
