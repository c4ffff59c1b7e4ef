/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One walk over tree and schema at once. The path of the place is one string that grows on the way
 * down and is cut on the way back. A collection of the wrong type is reported and not looked into;
 * everything else goes on, so that one run shows all faults.
 *
 * Keys that are given twice are found by marking the schema's fields, of which there are few, so a
 * mapping with a hundred thousand keys costs no more than its length.
 */
#include "liveupdate/check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define WORDS_MAX 64 /* keys of one mapping, words of one enum */

struct check {
        const struct lu_schema *schema;
        struct lu_faults *faults;
        struct str path;
};

/* What the schema wants at one place. */
struct want {
        const struct cyaml_schema_value *value;
        const struct lu_schema_detail *detail; /* or NULL */
};

void lu_check_fault(struct lu_faults *faults, const struct lu_node *node, const char *path,
                    const char *format, ...)
{
        const char *shown = starts_with(path, "spec.") ? path + strlen("spec.") : path;
        _cleanup_(freep) char *message = NULL;
        size_t n_before = faults->n_items;
        va_list args;

        va_start(args, format);
        if (vasprintf(&message, format, args) < 0)
                out_of_memory();
        va_end(args);
        lu_faults_add(faults, LU_SEVERITY_ERROR, path, "%s%s%s", shown, *shown ? ": " : "",
                      message);
        if (node && faults->n_items > n_before) {
                faults->items[n_before].line = node->line;
                faults->items[n_before].column = node->column;
        }
}

#define fault(c, node, ...) lu_check_fault((c)->faults, node, str_text(&(c)->path), __VA_ARGS__)

static void path_cut(struct check *c, size_t len)
{
        c->path.len = len;
        c->path.data[len] = '\0';
}

/* Words */

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
        unsigned m = a < b ? a : b;

        return m < c ? m : c;
}

/* Levenshtein's distance without regard to case; both shorter than WORDS_MAX. */
static unsigned distance(const char *a, const char *b)
{
        unsigned row[WORDS_MAX];
        size_t n = strlen(b);

        for (size_t j = 0; j <= n; j++)
                row[j] = j;
        for (size_t i = 0; a[i]; i++) {
                unsigned diagonal = row[0];

                row[0] = i + 1;
                for (size_t j = 0; j < n; j++) {
                        unsigned substitute = diagonal + ((a[i] | 0x20) != (b[j] | 0x20));

                        diagonal = row[j + 1];
                        row[j + 1] = min3(substitute, row[j] + 1, diagonal + 1);
                }
        }
        return row[n];
}

const char *lu_nearest_word(const char *text, const char *const *words)
{
        const char *nearest = NULL;
        unsigned best = 0;

        if (strlen(text) >= WORDS_MAX)
                return NULL;
        for (; *words; words++) {
                size_t n = strlen(*words);
                unsigned d = n < WORDS_MAX ? distance(text, *words) : WORDS_MAX;

                if (d <= (n + 2) / 4 + 1 && (!nearest || d < best)) {
                        nearest = *words;
                        best = d;
                }
        }
        return nearest;
}

static char *join_words(const char *const *words)
{
        struct str s = {};

        for (size_t i = 0; words[i]; i++)
                str_appendf(&s, "%s%s", i > 0 ? ", " : "", words[i]);
        return str_take(&s);
}

static void check_word(struct check *c, const struct lu_node *node, const char *const *words)
{
        _cleanup_(freep) char *shown = NULL;
        _cleanup_(freep) char *all = NULL;

        for (size_t i = 0; words[i]; i++)
                if (lu_node_is(node, words[i]))
                        return;
        shown = lu_node_shown(node);
        all = join_words(words);
        fault(c, node, "'%s' is not one of %s", shown, all);
}

/* Scalars */

static void check_string(struct check *c, const struct lu_node *node, const struct want *want)
{
        const char *implicit = lu_node_implicit(node);
        _cleanup_(freep) char *shown = lu_node_shown(node);

        if (implicit && node->len == 0)
                fault(c, node, "has no value");
        else if (implicit)
                fault(c, node, "%s would be read as %s: put it in quotes", shown, implicit);
        else if (strlen(node->text) != node->len)
                fault(c, node, "holds a NUL character");
        else if (node->len < want->value->string.min)
                fault(c, node, "must not be empty");
        else if (node->len > want->value->string.max)
                fault(c, node, "is longer than %" PRIu32 " bytes", want->value->string.max);
        else if (want->detail && want->detail->allowed)
                check_word(c, node, want->detail->allowed);
}

static void check_enum(struct check *c, const struct lu_node *node, const struct want *want)
{
        const char *words[WORDS_MAX + 1] = {};

        for (uint32_t i = 0; i < want->value->enumeration.count && i < WORDS_MAX; i++)
                words[i] = want->value->enumeration.strings[i].str;
        check_word(c, node, words);
}

static void check_bool(struct check *c, const struct lu_node *node)
{
        _cleanup_(freep) char *shown = NULL;

        if (node->plain && (lu_node_is(node, "true") || lu_node_is(node, "false")))
                return;
        shown = lu_node_shown(node);
        fault(c, node, "wants true or false, not %s'%s'", node->plain ? "" : "the string ", shown);
}

static void check_number(struct check *c, const struct lu_node *node, const struct want *want)
{
        uint64_t min = want->detail ? want->detail->min : 0;
        uint64_t max = want->detail && want->detail->max ? want->detail->max : UINT32_MAX;
        const char *digits = node->text + (node->text[0] == '-');
        _cleanup_(freep) char *shown = lu_node_shown(node);
        uint64_t value;

        if (!node->plain || *digits == '\0' || digits[strspn(digits, "0123456789")] != '\0' ||
            (digits[0] == '0' && digits[1] != '\0')) {
                fault(c, node, "wants a whole number, not %s'%s'", node->plain ? "" : "the string ",
                      shown);
                return;
        }
        if (parse_u64(node->text, max, &value) < 0 || value < min)
                fault(c, node, "must be between %" PRIu64 " and %" PRIu64 ", not %s", min, max,
                      shown);
}

static void check_scalar(struct check *c, const struct lu_node *node, const struct want *want)
{
        if (want->value->type == CYAML_STRING)
                check_string(c, node, want);
        else if (node->plain && node->len == 0)
                fault(c, node, "has no value");
        else if (want->value->type == CYAML_ENUM)
                check_enum(c, node, want);
        else if (want->value->type == CYAML_BOOL)
                check_bool(c, node);
        else
                check_number(c, node, want);
}

/* Collections */

static void check_value(struct check *c, const struct lu_node *node, const struct want *want);

static void check_sequence(struct check *c, const struct lu_node *node, const struct want *want)
{
        const uint32_t min = want->value->sequence.min, max = want->value->sequence.max;
        const struct want entry = {.value = want->value->sequence.entry};
        size_t len = c->path.len;

        if (node->n_items < min)
                fault(c, node, "wants at least %" PRIu32 " item%s", min, min == 1 ? "" : "s");
        if (node->n_items > max) {
                fault(c, node, "holds %zu items, at most %" PRIu32 " are allowed", node->n_items,
                      max);
                return;
        }
        for (size_t i = 0; i < node->n_items; i++) {
                str_appendf(&c->path, "[%zu]", i);
                check_value(c, node->items[i], &entry);
                path_cut(c, len);
        }
}

static size_t list_keys(const struct cyaml_schema_field *fields, const char **ret_words)
{
        size_t n = 0;

        for (; fields[n].key && n < WORDS_MAX; n++)
                ret_words[n] = fields[n].key;
        ret_words[n] = NULL;
        return n;
}

static void unknown_key(struct check *c, const struct lu_node *key,
                        const struct cyaml_schema_field *fields)
{
        const char *words[WORDS_MAX + 1];
        _cleanup_(freep) char *shown = NULL;
        _cleanup_(freep) char *all = NULL;
        const char *nearest;
        size_t n = list_keys(fields, words);

        if (key->kind != LU_NODE_SCALAR) {
                fault(c, key, "a key must be a string");
                return;
        }
        shown = lu_node_shown(key);
        nearest = lu_nearest_word(key->text, words);
        all = join_words(words);
        if (nearest)
                fault(c, key, "unknown key '%s', did you mean '%s'?", shown, nearest);
        else if (n == 0)
                fault(c, key, "unknown key '%s': nothing can be set here, write {}", shown);
        else
                fault(c, key, "unknown key '%s': known are %s", shown, all);
}

static void check_member(struct check *c, const struct lu_node *node,
                         const struct cyaml_schema_field *fields, size_t field)
{
        const struct want want = {
                .value = &fields[field].value,
                .detail = lu_schema_detail(c->schema, fields, fields[field].key),
        };
        size_t len = c->path.len;

        str_appendf(&c->path, "%s%s", len > 0 ? "." : "", fields[field].key);
        check_value(c, node, &want);
        path_cut(c, len);
}

static void check_mapping(struct check *c, const struct lu_node *node, const struct want *want)
{
        const struct cyaml_schema_field *fields = want->value->mapping.fields;
        bool given[WORDS_MAX] = {};

        for (size_t i = 0; i + 1 < node->n_items; i += 2) {
                const struct lu_node *key = node->items[i];
                size_t f = 0;

                while (fields[f].key && !lu_node_is(key, fields[f].key))
                        f++;
                if (key->anchored || key->tagged)
                        fault(c, key, "anchors, aliases and tags are not supported");
                else if (!fields[f].key)
                        unknown_key(c, key, fields);
                else if (given[f])
                        fault(c, key, "key '%s' is given twice", fields[f].key);
                else
                        check_member(c, node->items[i + 1], fields, f);
                if (fields[f].key)
                        given[f] = true;
        }
        for (size_t f = 0; fields[f].key; f++)
                if (!given[f] && !(fields[f].value.flags & CYAML_FLAG_OPTIONAL))
                        fault(c, node, "key '%s' is missing", fields[f].key);
}

static enum lu_node_kind kind_of_type(enum cyaml_type type)
{
        if (type == CYAML_MAPPING)
                return LU_NODE_MAPPING;
        return type == CYAML_SEQUENCE ? LU_NODE_SEQUENCE : LU_NODE_SCALAR;
}

static void wrong_kind(struct check *c, const struct lu_node *node, enum lu_node_kind wanted)
{
        static const char *const names[] = {
                [LU_NODE_SCALAR] = "a single value",
                [LU_NODE_SEQUENCE] = "a list",
                [LU_NODE_MAPPING] = "a mapping",
                [LU_NODE_ALIAS] = "an alias",
        };
        const char *implicit = lu_node_implicit(node);

        if (implicit && streq(implicit, "nothing"))
                fault(c, node, "has no value: write %s or leave the key out",
                      wanted == LU_NODE_MAPPING ? "{}" : "[]");
        else
                fault(c, node, "wants %s, not %s", names[wanted], names[node->kind]);
}

static void check_value(struct check *c, const struct lu_node *node, const struct want *want)
{
        enum lu_node_kind wanted = kind_of_type(want->value->type);

        if (want->value->type == CYAML_IGNORE)
                return;
        if (node->kind == LU_NODE_ALIAS || node->anchored || node->tagged)
                fault(c, node, "anchors, aliases and tags are not supported");
        else if (node->kind != wanted)
                wrong_kind(c, node, wanted);
        else if (wanted == LU_NODE_MAPPING)
                check_mapping(c, node, want);
        else if (wanted == LU_NODE_SEQUENCE)
                check_sequence(c, node, want);
        else
                check_scalar(c, node, want);
}

bool lu_check(const struct lu_node *node, const struct lu_schema *schema, const char *path,
              struct lu_faults *faults)
{
        const struct want want = {.value = schema->value};
        struct check c = {.schema = schema, .faults = faults};
        size_t n_before = faults->n_errors;

        str_append(&c.path, path);
        check_value(&c, node, &want);
        str_done(&c.path);
        return faults->n_errors == n_before;
}
