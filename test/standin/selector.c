/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/selector.h"

/*
 * Both forms become a list of requirements that must all hold. As in Kubernetes, "!=" and "notin"
 * also select what lacks the key; for fields a missing field is the empty string.
 */

#include <ctype.h>
#include <errno.h>

#include "base/mem.h"
#include "base/str.h"
#include "test/standin/jx.h"

static const char *const known_fields[] = {
        "metadata.name",
        "metadata.namespace",
        "status.phase",
        "spec.nodeName",
        "status.podIP",
        "spec.serviceAccountName",
        "spec.restartPolicy",
        "involvedObject.name",
        "involvedObject.namespace",
        "involvedObject.kind",
        "involvedObject.uid",
        "regarding.name",
        "regarding.namespace",
        "regarding.kind",
        "regarding.uid",
        "reason",
        "type",
};

void selector_done(struct selector *s)
{
        for (size_t i = 0; i < s->n_items; i++) {
                free(s->items[i].key);
                strv_done(&s->items[i].values);
        }
        free(s->items);
        *s = (struct selector){};
}

static struct requirement *add(struct selector *s, char *key_take, enum selector_op op)
{
        s->items = xreallocarray(s->items, s->n_items + 1, sizeof(*s->items));
        s->items[s->n_items] = (struct requirement){.key = key_take, .op = op};
        return &s->items[s->n_items++];
}

static const char *skip_space(const char *p)
{
        while (isspace((unsigned char)*p))
                p++;
        return p;
}

/* A key or value at *p; may be empty. */
static char *word(const char **p)
{
        const char *start = skip_space(*p);
        size_t len = strcspn(start, ",=!() \t");

        *p = skip_space(start + len);
        return xstrndup(start, len);
}

/* "(a, b)" at *p. */
static int value_list(const char **p, struct strv *values)
{
        if (**p != '(')
                return -EINVAL;
        do {
                (*p)++;
                strv_push_take(values, word(p));
        } while (**p == ',');
        if (**p != ')')
                return -EINVAL;
        *p = skip_space(*p + 1);
        return 0;
}

static int set_based(const char **p, struct requirement *r)
{
        _cleanup_(freep) char *op_text = word(p);

        if (streq(op_text, "in"))
                r->op = SELECT_IN;
        else if (streq(op_text, "notin"))
                r->op = SELECT_NOT_IN;
        else
                return -EINVAL;
        return value_list(p, &r->values);
}

static int one_requirement(const char **p, struct selector *s)
{
        struct requirement *r;
        bool negated = **p == '!';

        if (negated)
                (*p)++;
        r = add(s, word(p), negated ? SELECT_NOT_EXISTS : SELECT_EXISTS);
        if (!*r->key)
                return -EINVAL;
        if (**p == ',' || !**p || negated)
                return 0;
        if (**p == '=' || starts_with(*p, "!=")) {
                r->op = **p == '=' ? SELECT_IN : SELECT_NOT_IN;
                *p += **p == '!' || starts_with(*p, "==") ? 2 : 1;
                strv_push_take(&r->values, word(p));
                return 0;
        }
        return set_based(p, r);
}

int selector_parse(const char *text, struct selector *ret_selector)
{
        _cleanup_(selector_done) struct selector s = {};
        const char *p = skip_space(text ? text : "");

        while (*p) {
                int r = one_requirement(&p, &s);

                if (r < 0)
                        return r;
                if (*p && *p != ',')
                        return -EINVAL;
                if (*p == ',' && !*skip_space(p + 1))
                        return -EINVAL;
                p = *p ? skip_space(p + 1) : p;
        }
        *ret_selector = s;
        s = (struct selector){};
        return 0;
}

int selector_parse_fields(const char *text, struct selector *ret_selector)
{
        _cleanup_(selector_done) struct selector s = {};
        int r = selector_parse(text, &s);

        if (r < 0)
                return r;
        for (size_t i = 0; i < s.n_items; i++) {
                bool known = false;

                for (size_t k = 0; k < ARRAY_SIZE(known_fields); k++)
                        known = known || streq(known_fields[k], s.items[i].key);
                if (!known || s.items[i].values.n_items != 1)
                        return -EINVAL;
        }
        *ret_selector = s;
        s = (struct selector){};
        return 0;
}

static int add_expression(struct selector *s, const json_t *e)
{
        static const char *const operators[] = {"In", "NotIn", "Exists", "DoesNotExist"};
        const char *op_text = jx_text(e, "operator");
        const char *key = jx_text(e, "key");
        struct requirement *r;
        size_t op = 0, i;
        json_t *value;

        while (op < ARRAY_SIZE(operators) && !streq(operators[op], op_text))
                op++;
        if (op == ARRAY_SIZE(operators) || !key)
                return -EINVAL;
        r = add(s, xstrdup(key), (enum selector_op)op);
        json_array_foreach(jx_get(e, "values"), i, value)
                if (json_is_string(value))
                        strv_push(&r->values, json_string_value(value));
        return 0;
}

int selector_from_json(const json_t *o, struct selector *ret_selector)
{
        _cleanup_(selector_done) struct selector s = {};
        const char *key;
        json_t *value;
        size_t i;

        json_object_foreach(jx_get(o, "matchLabels"), key, value) {
                if (!json_is_string(value))
                        return -EINVAL;
                strv_push(&add(&s, xstrdup(key), SELECT_IN)->values, json_string_value(value));
        }
        json_array_foreach(jx_get(o, "matchExpressions"), i, value)
                if (add_expression(&s, value) < 0)
                        return -EINVAL;
        *ret_selector = s;
        s = (struct selector){};
        return 0;
}

static bool holds(const struct requirement *r, const char *value)
{
        switch (r->op) {
        case SELECT_IN:
                return value && strv_contains(&r->values, value);
        case SELECT_NOT_IN:
                return !value || !strv_contains(&r->values, value);
        case SELECT_EXISTS:
                return value;
        case SELECT_NOT_EXISTS:
                return !value;
        }
        return false;
}

bool selector_matches_labels(const struct selector *s, const json_t *object)
{
        const json_t *labels = jx_get(object, "metadata.labels");

        for (size_t i = 0; i < s->n_items; i++)
                if (!holds(&s->items[i],
                           json_string_value(json_object_get(labels, s->items[i].key))))
                        return false;
        return true;
}

bool selector_matches_fields(const struct selector *s, const json_t *object)
{
        for (size_t i = 0; i < s->n_items; i++) {
                const char *value = jx_text(object, s->items[i].key);

                if (!holds(&s->items[i], value ? value : ""))
                        return false;
        }
        return true;
}

char *selector_format(const struct selector *s)
{
        struct str out = {};

        for (size_t i = 0; i < s->n_items; i++) {
                const struct requirement *r = &s->items[i];
                _cleanup_(freep) char *values = strv_join(&r->values, ",");

                str_append(&out, i > 0 ? "," : "");
                if (r->op == SELECT_EXISTS || r->op == SELECT_NOT_EXISTS)
                        str_appendf(&out, "%s%s", r->op == SELECT_EXISTS ? "" : "!", r->key);
                else if (r->op == SELECT_IN && r->values.n_items == 1)
                        str_appendf(&out, "%s=%s", r->key, values);
                else
                        str_appendf(&out, "%s %s (%s)", r->key, r->op == SELECT_IN ? "in" : "notin",
                                    values);
        }
        return str_take(&out);
}
