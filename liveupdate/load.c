/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcyaml reads text, one document, and has no defaults, no strict numbers and no strict booleans
 * (KUBERNETES.md 7.3). So it is never shown what a person wrote: the checked tree is written out
 * again in the one form that every YAML reader takes in the same way (flow style, every string in
 * double quotes and in ASCII), with the defaults filled in, and that is what libcyaml loads.
 */
#include "liveupdate/load.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/strv.h"

static void *allocate(void *userdata, void *p, size_t size)
{
        if (size == 0) {
                free(p);
                return NULL;
        }
        return xrealloc(p, size);
}

static const struct cyaml_config config = {
        .mem_fn = allocate,
        .flags = CYAML_CFG_NO_ALIAS,
};

/* One character of valid UTF-8; moves *s behind it. */
static unsigned next_character(const char **s)
{
        const unsigned char *p = (const unsigned char *)*s;
        unsigned n = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
        unsigned c = n == 1 ? *p : *p & (0x7fu >> n);

        for (unsigned i = 1; i < n; i++)
                c = c << 6 | (p[i] & 0x3fu);
        *s += n;
        return c;
}

static void write_string(struct str *out, const char *text)
{
        str_append_char(out, '"');
        while (*text) {
                unsigned c = next_character(&text);

                if (c == '"' || c == '\\')
                        str_appendf(out, "\\%c", c);
                else if (c >= 0x20 && c < 0x7f)
                        str_append_char(out, (char)c);
                else
                        str_appendf(out, "\\U%08x", c);
        }
        str_append_char(out, '"');
}

static void write_scalar(struct str *out, const char *text, const struct cyaml_schema_value *value)
{
        if (value->type == CYAML_STRING || value->type == CYAML_ENUM)
                write_string(out, text);
        else
                str_append(out, text);
}

struct writer {
        const struct lu_schema *schema;
        struct str out;
};

static void write_value(struct writer *w, const struct lu_node *node,
                        const struct cyaml_schema_value *value);

/* The key @field of the table @fields. @node is its value, or NULL. */
static void write_field(struct writer *w, const struct lu_node *node,
                        const struct cyaml_schema_field *fields,
                        const struct cyaml_schema_field *field)
{
        const struct lu_schema_detail *detail = lu_schema_detail(w->schema, fields, field->key);

        if (!node && (!detail || !detail->default_))
                return;
        write_string(&w->out, field->key);
        str_append(&w->out, ": ");
        if (node)
                write_value(w, node, &field->value);
        else
                write_scalar(&w->out, detail->default_, &field->value);
        str_append(&w->out, ", ");
}

static void write_value(struct writer *w, const struct lu_node *node,
                        const struct cyaml_schema_value *value)
{
        if (value->type == CYAML_MAPPING) {
                const struct cyaml_schema_field *fields = value->mapping.fields;

                str_append_char(&w->out, '{');
                for (const struct cyaml_schema_field *f = fields; f->key; f++)
                        write_field(w, lu_node_get(node, f->key), fields, f);
                str_append_char(&w->out, '}');
        } else if (value->type == CYAML_SEQUENCE) {
                str_append_char(&w->out, '[');
                for (size_t i = 0; i < node->n_items; i++) {
                        write_value(w, node->items[i], value->sequence.entry);
                        str_append(&w->out, ", ");
                }
                str_append_char(&w->out, ']');
        } else {
                write_scalar(&w->out, node->text, value);
        }
}

/* A loaded list of strings has pointer and count; struct strv also has an end and a capacity. */
static void finish_strv(struct strv *v)
{
        if (v->n_items == 0)
                return;
        v->capacity = v->n_items + 1;
        v->items = xreallocarray(v->items, v->capacity, sizeof(*v->items));
        v->items[v->n_items] = NULL;
}

static void finish_mapping(char *data, const struct cyaml_schema_value *value);

static void finish_sequence(char *data, const struct cyaml_schema_field *field)
{
        const struct cyaml_schema_value *entry = field->value.sequence.entry;
        char *items = *(char **)(data + field->data_offset);
        size_t n_items = *(size_t *)(data + field->count_offset);

        if (entry->type == CYAML_STRING) {
                finish_strv((struct strv *)(data + field->data_offset));
                return;
        }
        for (size_t i = 0; i < n_items; i++)
                finish_mapping(items + i * entry->data_size, entry);
}

static void finish_mapping(char *data, const struct cyaml_schema_value *value)
{
        for (const struct cyaml_schema_field *f = value->mapping.fields; f->key; f++) {
                if (f->value.type == CYAML_SEQUENCE) {
                        finish_sequence(data, f);
                } else if (f->value.type == CYAML_MAPPING) {
                        char *member = data + f->data_offset;

                        if (f->value.flags & CYAML_FLAG_POINTER)
                                member = *(char **)member;
                        if (member)
                                finish_mapping(member, &f->value);
                }
        }
}

int lu_load(const struct lu_node *node, const struct lu_schema *schema, void **ret_data,
            struct err *err)
{
        struct writer w = {.schema = schema};
        void *data = NULL;
        cyaml_err_t e;

        write_value(&w, node, schema->value);
        e = cyaml_load_data((const uint8_t *)str_text(&w.out), w.out.len, &config, schema->value,
                            &data, NULL);
        str_done(&w.out);
        if (e != CYAML_OK)
                return err_set(err, -EINVAL, "loading it: %s", cyaml_strerror(e));
        if (!data) /* nothing but optional keys, and none of them given */
                data = xcalloc(1, schema->value->data_size);
        finish_mapping(data, schema->value);
        *ret_data = data;
        return 0;
}

void lu_unload(void *data, const struct lu_schema *schema)
{
        cyaml_free(&config, schema->value, data, 0);
}
