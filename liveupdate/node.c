/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree is built from libyaml's events, not by its own document loader, for three reasons: that
 * one follows aliases, so a tree may be endless; it forgets where an anchor or a tag stood; and it
 * has no bound. The open collections are a stack of fixed depth: a node is attached to its parent
 * as soon as it begins, so after an error the half-built document is freed from its root.
 */
#include "liveupdate/node.h"

#include <errno.h>
#include <string.h>

#include <yaml.h>

#include "base/mem.h"
#include "base/str.h"

#define SHOWN_MAX 64 /* bytes of a scalar in a message */

struct builder {
        struct lu_nodes *nodes;
        struct lu_node *root; /* of the document that is being read */
        struct lu_node *open[LU_NODE_DEPTH_MAX];
        size_t depth;
        size_t n_nodes;
};

void lu_node_free(struct lu_node *node)
{
        if (!node)
                return;
        for (size_t i = 0; i < node->n_items; i++)
                lu_node_free(node->items[i]);
        free(node->items);
        free(node->text);
        free(node);
}

void lu_nodes_done(struct lu_nodes *nodes)
{
        for (size_t i = 0; i < nodes->n_items; i++)
                lu_node_free(nodes->items[i]);
        free(nodes->items);
        *nodes = (struct lu_nodes){};
}

static void push_child(struct lu_node *parent, struct lu_node *child)
{
        if (parent->n_items == parent->capacity) {
                parent->capacity = parent->capacity ? parent->capacity * 2 : 4;
                parent->items =
                        xreallocarray(parent->items, parent->capacity, sizeof(*parent->items));
        }
        parent->items[parent->n_items++] = child;
}

static struct lu_node *node_of_event(const yaml_event_t *event)
{
        struct lu_node *n = xcalloc(1, sizeof(*n));

        n->line = event->start_mark.line + 1;
        n->column = event->start_mark.column + 1;
        switch (event->type) {
        case YAML_SCALAR_EVENT:
                n->kind = LU_NODE_SCALAR;
                n->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
                n->anchored = event->data.scalar.anchor;
                n->tagged = event->data.scalar.tag;
                n->len = event->data.scalar.length;
                n->text = xmalloc(n->len + 1);
                memcpy(n->text, event->data.scalar.value, n->len);
                n->text[n->len] = '\0';
                break;
        case YAML_SEQUENCE_START_EVENT:
                n->kind = LU_NODE_SEQUENCE;
                n->anchored = event->data.sequence_start.anchor;
                n->tagged = event->data.sequence_start.tag;
                break;
        case YAML_MAPPING_START_EVENT:
                n->kind = LU_NODE_MAPPING;
                n->anchored = event->data.mapping_start.anchor;
                n->tagged = event->data.mapping_start.tag;
                break;
        default:
                n->kind = LU_NODE_ALIAS;
        }
        return n;
}

static int begin_node(struct builder *b, const yaml_event_t *event, struct err *err)
{
        struct lu_node *n;

        if (b->n_nodes == LU_NODES_MAX)
                return err_set(err, -EINVAL, "more than %zu values in one file", LU_NODES_MAX);
        b->n_nodes++;
        n = node_of_event(event);
        if (b->depth > 0)
                push_child(b->open[b->depth - 1], n);
        else
                b->root = n;
        if (n->kind != LU_NODE_SEQUENCE && n->kind != LU_NODE_MAPPING)
                return 0;
        if (b->depth == LU_NODE_DEPTH_MAX)
                return err_set(err, -EINVAL, "nested deeper than %d levels", LU_NODE_DEPTH_MAX);
        b->open[b->depth++] = n;
        return 0;
}

static void end_document(struct builder *b)
{
        struct lu_nodes *nodes = b->nodes;
        struct lu_node *root = take_ptr(b->root);

        if (root->kind == LU_NODE_SCALAR && root->plain && root->len == 0) {
                lu_node_free(root); /* nothing between two "---" */
                return;
        }
        nodes->items = xreallocarray(nodes->items, nodes->n_items + 1, sizeof(*nodes->items));
        nodes->items[nodes->n_items++] = root;
}

static int take_event(struct builder *b, const yaml_event_t *event, struct err *err)
{
        switch (event->type) {
        case YAML_SCALAR_EVENT:
        case YAML_ALIAS_EVENT:
        case YAML_SEQUENCE_START_EVENT:
        case YAML_MAPPING_START_EVENT:
                return begin_node(b, event, err);
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT:
                b->depth--;
                return 0;
        case YAML_DOCUMENT_END_EVENT:
                end_document(b);
                return 0;
        default:
                return 0;
        }
}

/* libyaml counts the place of a reader error in bytes only; its scanner's mark is near enough. */
static int syntax_error(const yaml_parser_t *parser, yaml_mark_t *ret_mark, struct err *err)
{
        const char *problem = parser->problem ? parser->problem : "it cannot be read";

        *ret_mark = parser->error == YAML_READER_ERROR ? parser->mark : parser->problem_mark;
        if (parser->context)
                return err_set(err, -EINVAL, "not valid YAML: %s, %s", parser->context, problem);
        return err_set(err, -EINVAL, "not valid YAML: %s", problem);
}

static int read_events(yaml_parser_t *parser, struct builder *b, yaml_mark_t *ret_mark,
                       struct err *err)
{
        bool end = false;

        while (!end) {
                yaml_event_t event;
                int r;

                if (!yaml_parser_parse(parser, &event))
                        return syntax_error(parser, ret_mark, err);
                end = event.type == YAML_STREAM_END_EVENT;
                *ret_mark = event.start_mark;
                r = take_event(b, &event, err);
                yaml_event_delete(&event);
                if (r < 0)
                        return r;
        }
        return 0;
}

int lu_nodes_read(struct view text, struct lu_nodes *nodes, struct lu_node *ret_place,
                  struct err *err)
{
        struct builder b = {.nodes = nodes};
        yaml_mark_t mark = {};
        yaml_parser_t parser;
        int r;

        if (!yaml_parser_initialize(&parser))
                out_of_memory();
        yaml_parser_set_input_string(&parser, (const unsigned char *)text.data, text.len);
        r = read_events(&parser, &b, &mark, err);
        yaml_parser_delete(&parser);
        lu_node_free(b.root);
        if (r < 0)
                *ret_place = (struct lu_node){.line = mark.line + 1, .column = mark.column + 1};
        return r;
}

static struct lu_node *scalar_of_json(const json_t *json)
{
        struct lu_node *n = xcalloc(1, sizeof(*n));

        n->kind = LU_NODE_SCALAR;
        n->plain = !json_is_string(json);
        if (json_is_string(json))
                n->text = xstrndup(json_string_value(json), json_string_length(json));
        else if (json_is_integer(json))
                n->text = xasprintf("%" JSON_INTEGER_FORMAT, json_integer_value(json));
        else if (json_is_real(json))
                n->text = xasprintf("%.17g", json_real_value(json));
        else if (json_is_boolean(json))
                n->text = xstrdup(json_is_true(json) ? "true" : "false");
        else
                n->text = xstrdup("null");
        n->len = strlen(n->text);
        return n;
}

static int node_of_json(const json_t *json, unsigned depth, struct lu_node **ret_node);

static int add_json(struct lu_node *parent, const json_t *json, unsigned depth)
{
        struct lu_node *child;
        int r = node_of_json(json, depth + 1, &child);

        if (r == 0)
                push_child(parent, child);
        return r;
}

static int add_json_member(struct lu_node *parent, const char *key, const json_t *json,
                           unsigned depth)
{
        struct lu_node *k = xcalloc(1, sizeof(*k));

        k->kind = LU_NODE_SCALAR;
        k->text = xstrdup(key);
        k->len = strlen(key);
        push_child(parent, k);
        return add_json(parent, json, depth);
}

static int node_of_json(const json_t *json, unsigned depth, struct lu_node **ret_node)
{
        _cleanup_(lu_node_freep) struct lu_node *n = NULL;
        const char *key;
        json_t *value;
        size_t i;
        int r = 0;

        if (depth > LU_NODE_DEPTH_MAX)
                return -EINVAL;
        if (!json_is_object(json) && !json_is_array(json)) {
                *ret_node = scalar_of_json(json);
                return 0;
        }
        n = xcalloc(1, sizeof(*n));
        n->kind = json_is_object(json) ? LU_NODE_MAPPING : LU_NODE_SEQUENCE;
        json_object_foreach((json_t *)json, key, value) {
                r = r < 0 ? r : add_json_member(n, key, value, depth);
        }
        json_array_foreach(json, i, value) {
                r = r < 0 ? r : add_json(n, value, depth);
        }
        if (r < 0)
                return r;
        *ret_node = take_ptr(n);
        return 0;
}

int lu_node_from_json(const json_t *json, struct lu_node **ret_node)
{
        return node_of_json(json, 0, ret_node);
}

struct lu_node *lu_node_get(const struct lu_node *node, const char *key)
{
        if (!node || node->kind != LU_NODE_MAPPING)
                return NULL;
        for (size_t i = 0; i + 1 < node->n_items; i += 2)
                if (lu_node_is(node->items[i], key))
                        return node->items[i + 1];
        return NULL;
}

bool lu_node_is(const struct lu_node *node, const char *text)
{
        return node && node->kind == LU_NODE_SCALAR && node->len == strlen(text) &&
               memcmp(node->text, text, node->len) == 0;
}

static bool is_one_of(const char *text, const char *const *words)
{
        for (; *words; words++)
                if (streq(text, *words))
                        return true;
        return false;
}

static bool is_whole(const char *text, const char *accept)
{
        return *text && text[strspn(text, accept)] == '\0';
}

/* 12:30:45, which YAML 1.1 reads in base 60. */
static bool is_sexagesimal(const char *s)
{
        if (*s < '1' || *s > '9')
                return false;
        s += strspn(s, "0123456789_");
        if (*s != ':')
                return false;
        while (*s == ':') {
                size_t n = strspn(++s, "0123456789");

                if (n == 0 || n > 2 || (n == 2 && *s > '5'))
                        return false;
                s += n;
        }
        return *s == '\0';
}

static bool is_number(const char *s)
{
        static const char *const special[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN", NULL};
        const char *digits = "0123456789_";
        size_t n_before, n_after = 0;

        s += *s == '+' || *s == '-';
        if (is_one_of(s, special) || is_sexagesimal(s))
                return true;
        if (starts_with(s, "0x"))
                return is_whole(s + 2, "0123456789abcdefABCDEF_");
        if (starts_with(s, "0b") || starts_with(s, "0o"))
                return is_whole(s + 2, "01234567_");
        n_before = *s == '_' ? 0 : strspn(s, digits);
        s += n_before;
        if (*s == '.') {
                n_after = strspn(++s, digits);
                s += n_after;
        }
        if (n_before + n_after == 0)
                return false;
        if (*s != 'e' && *s != 'E')
                return *s == '\0';
        s++;
        s += *s == '+' || *s == '-';
        return is_whole(s, "0123456789");
}

const char *lu_node_implicit(const struct lu_node *node)
{
        static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
        static const char *const booleans[] = {"true", "True", "TRUE", "false", "False", "FALSE",
                                               "yes",  "Yes",  "YES",  "y",     "Y",     "no",
                                               "No",   "NO",   "n",    "N",     "on",    "On",
                                               "ON",   "off",  "Off",  "OFF",   NULL};

        if (node->kind != LU_NODE_SCALAR || !node->plain)
                return NULL;
        if (is_one_of(node->text, nulls))
                return "nothing";
        if (is_one_of(node->text, booleans))
                return "a boolean";
        return is_number(node->text) ? "a number" : NULL;
}

char *lu_node_shown(const struct lu_node *node)
{
        struct str s = {};
        size_t n = node->len;

        if (n > SHOWN_MAX) {
                n = SHOWN_MAX;
                while (n > 0 && ((unsigned char)node->text[n] & 0xc0) == 0x80)
                        n--; /* not inside a character */
        }
        str_append_printable(&s, node->text, n);
        if (n < node->len)
                str_append(&s, "…");
        return str_take(&s);
}
