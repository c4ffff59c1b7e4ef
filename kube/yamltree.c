/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/yamltree.h"

/*
 * libyaml composes the document itself; here is only the looking-up. An alias is the same node as
 * its anchor and nothing is expanded, so a document of nested aliases stays as small as its text.
 * libyaml limits the depth of nesting.
 *
 * `struct yaml_node` is libyaml's yaml_node_t under a name of our own, so that the header needs no
 * libyaml.
 */

#include <errno.h>
#include <string.h>

#include <yaml.h>

#include "base/mem.h"
#include "base/str.h"

struct yaml_tree {
        yaml_document_t document;
};

static yaml_node_t *node_of(struct yaml_node *node)
{
        return (yaml_node_t *)node;
}

static struct yaml_node *node_at(struct yaml_tree *t, int index)
{
        return (struct yaml_node *)yaml_document_get_node(&t->document, index);
}

int yaml_tree_parse(const char *text, size_t len, struct yaml_tree **ret_tree, struct err *err)
{
        struct yaml_tree *t = xcalloc(1, sizeof(*t));
        yaml_parser_t parser;
        int r = 0;

        if (!yaml_parser_initialize(&parser))
                out_of_memory();
        yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
        if (!yaml_parser_load(&parser, &t->document)) {
                r = err_set(err, -EINVAL, "line %zu, column %zu: %s", parser.problem_mark.line + 1,
                            parser.problem_mark.column + 1,
                            parser.problem ? parser.problem : "not valid YAML");
                free(t);
        } else {
                *ret_tree = t;
        }
        yaml_parser_delete(&parser);
        return r;
}

void yaml_tree_free(struct yaml_tree *t)
{
        if (!t)
                return;
        yaml_document_delete(&t->document);
        free(t);
}

struct yaml_node *yaml_tree_root(struct yaml_tree *t)
{
        return (struct yaml_node *)yaml_document_get_root_node(&t->document);
}

/* Null in YAML 1.1: only an unquoted word can be it. */
static bool is_null(struct yaml_node *node)
{
        yaml_node_t *n = node_of(node);
        const char *text = yaml_tree_text(node);

        if (!text || n->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
                return false;
        return streq(text, "") || streq(text, "~") || streq(text, "null") || streq(text, "Null") ||
               streq(text, "NULL");
}

struct yaml_node *yaml_tree_get(struct yaml_tree *t, struct yaml_node *map, const char *key)
{
        yaml_node_t *n = node_of(map);
        struct yaml_node *value = NULL;

        if (!n || n->type != YAML_MAPPING_NODE)
                return NULL;
        for (yaml_node_pair_t *pair = n->data.mapping.pairs.start; pair < n->data.mapping.pairs.top;
             pair++)
                if (streq(yaml_tree_text(node_at(t, pair->key)), key))
                        value = node_at(t, pair->value);
        return value && !is_null(value) ? value : NULL;
}

struct yaml_node *yaml_tree_item(struct yaml_tree *t, struct yaml_node *sequence, size_t i)
{
        yaml_node_t *n = node_of(sequence);

        if (!n || n->type != YAML_SEQUENCE_NODE)
                return NULL;
        if (i >= (size_t)(n->data.sequence.items.top - n->data.sequence.items.start))
                return NULL;
        return node_at(t, n->data.sequence.items.start[i]);
}

const char *yaml_tree_text(struct yaml_node *scalar)
{
        yaml_node_t *n = node_of(scalar);

        if (!n || n->type != YAML_SCALAR_NODE)
                return NULL;
        return (const char *)n->data.scalar.value;
}

const char *yaml_tree_get_text(struct yaml_tree *t, struct yaml_node *map, const char *key)
{
        return yaml_tree_text(yaml_tree_get(t, map, key));
}

size_t yaml_tree_line(struct yaml_node *node)
{
        return node ? node_of(node)->start_mark.line + 1 : 0;
}
