/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/schema.h"

/*
 * Three walks over a value beside its schema. The top level is special only in that the type's own
 * fields (kind, apiVersion, metadata) are the server's.
 */

#include <errno.h>
#include <regex.h>

#include "base/mem.h"
#include "base/str.h"
#include "test/standin/jx.h"

static bool is_own_field(const char *key)
{
        return streq(key, "kind") || streq(key, "apiVersion") || streq(key, "metadata");
}

static void prune(const json_t *schema, json_t *value, bool top)
{
        const json_t *properties = json_object_get(schema, "properties");
        const json_t *more = json_object_get(schema, "additionalProperties");
        bool keep = jx_true(schema, "x-kubernetes-preserve-unknown-fields");
        const char *key;
        json_t *child;
        void *next;
        size_t i;

        json_array_foreach(value, i, child)
                prune(json_object_get(schema, "items"), child, false);
        json_object_foreach_safe(value, next, key, child) {
                const json_t *known = json_object_get(properties, key);

                if (top && is_own_field(key))
                        continue;
                if (!known && json_is_object(more))
                        known = more;
                if (known)
                        prune(known, child, false);
                else if (!keep && !json_is_true(more))
                        json_object_del(value, key);
        }
}

void schema_prune(const json_t *schema, json_t *object)
{
        prune(schema, object, true);
}

void schema_default(const json_t *schema, json_t *value)
{
        const json_t *more = json_object_get(schema, "additionalProperties");
        const char *key;
        json_t *child, *known;
        size_t i;

        if (!json_is_object(value)) {
                json_array_foreach(value, i, child)
                        schema_default(json_object_get(schema, "items"), child);
                return;
        }
        json_object_foreach(json_object_get(schema, "properties"), key, known) {
                const json_t *otherwise = json_object_get(known, "default");

                child = json_object_get(value, key);
                if (otherwise && (!child || json_is_null(child)))
                        json_object_set_new(value, key, json_deep_copy(otherwise));
                child = json_object_get(value, key);
                if (child)
                        schema_default(known, child);
        }
        if (json_is_object(more))
                json_object_foreach(value, key, child)
                        schema_default(more, child);
}

static bool type_fits(const json_t *schema, const json_t *value)
{
        const char *type = jx_text(schema, "type");

        if (jx_true(schema, "x-kubernetes-int-or-string"))
                return json_is_integer(value) || json_is_string(value);
        if (!type)
                return true;
        if (streq(type, "object"))
                return json_is_object(value);
        if (streq(type, "array"))
                return json_is_array(value);
        if (streq(type, "string"))
                return json_is_string(value);
        if (streq(type, "boolean"))
                return json_is_boolean(value);
        return streq(type, "integer") ? json_is_integer(value) : json_is_number(value);
}

static bool pattern_fits(const char *pattern, const char *text)
{
        regex_t re;
        bool fits;

        if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
                return true; /* not expressible in POSIX: left to the real server */
        fits = regexec(&re, text, 0, NULL, 0) == 0;
        regfree(&re);
        return fits;
}

/* Compares a size with the bounds named @min and @max. */
static bool in_bounds(const json_t *schema, const char *min, const char *max, double size)
{
        const json_t *low = json_object_get(schema, min), *high = json_object_get(schema, max);

        return (!low || size >= json_number_value(low)) &&
               (!high || size <= json_number_value(high));
}

static size_t n_characters(const char *s)
{
        size_t n = 0;

        for (; *s; s++)
                n += (*s & 0xc0) != 0x80;
        return n;
}

static const char *broken_bound(const json_t *schema, const json_t *value)
{
        const json_t *choices = json_object_get(schema, "enum"), *choice;
        const char *text = json_string_value(value), *pattern = jx_text(schema, "pattern");
        bool found = false;
        size_t i;

        json_array_foreach(choices, i, choice)
                found = found || json_equal(choice, value);
        if (choices && !found)
                return "Unsupported value";
        if (text && !in_bounds(schema, "minLength", "maxLength", (double)n_characters(text)))
                return "length out of bounds";
        if (text && pattern && !pattern_fits(pattern, text))
                return "should match the pattern";
        if (json_is_array(value) &&
            !in_bounds(schema, "minItems", "maxItems", (double)json_array_size(value)))
                return "number of items out of bounds";
        if (json_is_object(value) &&
            !in_bounds(schema, "minProperties", "maxProperties", (double)json_object_size(value)))
                return "number of properties out of bounds";
        if (json_is_number(value) &&
            !in_bounds(schema, "minimum", "maximum", json_number_value(value)))
                return "number out of bounds";
        return NULL;
}

static int validate(const json_t *schema, const json_t *value, const char *path, struct err *err);

static int validate_object(const json_t *schema, const json_t *value, const char *path,
                           struct err *err)
{
        const json_t *more = json_object_get(schema, "additionalProperties");
        const char *key;
        json_t *child;
        size_t i;
        int r = 0;

        json_array_foreach(json_object_get(schema, "required"), i, child) {
                const char *name = json_string_value(child);

                if (!json_object_get(value, name))
                        return err_set(err, -EINVAL, "%s%s%s: Required value", path,
                                       *path ? "." : "", name);
        }
        json_object_foreach((json_t *)value, key, child) {
                const json_t *known = json_object_get(json_object_get(schema, "properties"), key);
                _cleanup_(freep) char *at = xasprintf("%s%s%s", path, *path ? "." : "", key);

                if (!known && json_is_object(more))
                        known = more;
                if (known && !(*path == '\0' && is_own_field(key)))
                        r = validate(known, child, at, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int check_list_keys(const json_t *schema, const json_t *list, const char *path,
                           struct err *err)
{
        const json_t *keys = json_object_get(schema, "x-kubernetes-list-map-keys"), *item, *key;
        json_auto_t *seen = json_object();
        size_t i, k;

        if (!streq(jx_text(schema, "x-kubernetes-list-type"), "map"))
                return 0;
        json_array_foreach(list, i, item) {
                json_auto_t *id = json_array();
                _cleanup_(freep) char *text = NULL;

                json_array_foreach(keys, k, key)
                        json_array_append(id, json_object_get(item, json_string_value(key)));
                text = jx_dump(id);
                if (json_object_get(seen, text))
                        return err_set(err, -EINVAL, "%s[%zu]: Duplicate value: %s", path, i, text);
                json_object_set_new(seen, text, json_true());
        }
        return 0;
}

static int validate(const json_t *schema, const json_t *value, const char *path, struct err *err)
{
        const json_t *items = json_object_get(schema, "items");
        const char *broken;
        json_t *child;
        size_t i;

        if (json_is_null(value) && jx_true(schema, "nullable"))
                return 0;
        if (!type_fits(schema, value))
                return err_set(err, -EINVAL, "%s: Invalid value: must be of type %s", path,
                               jx_text(schema, "type") ? jx_text(schema, "type") : "int-or-string");
        broken = broken_bound(schema, value);
        if (broken) {
                _cleanup_(freep) char *text = jx_dump(value);

                return err_set(err, -EINVAL, "%s: Invalid value: %.200s: %s", path, text, broken);
        }
        if (json_is_object(value))
                return validate_object(schema, value, path, err);
        json_array_foreach(value, i, child) {
                _cleanup_(freep) char *at = xasprintf("%s[%zu]", path, i);
                int r = items ? validate(items, child, at, err) : 0;

                if (r < 0)
                        return r;
        }
        return json_is_array(value) ? check_list_keys(schema, value, path, err) : 0;
}

int schema_validate(const json_t *schema, const json_t *object, struct err *err)
{
        return validate(schema, object, "", err);
}
