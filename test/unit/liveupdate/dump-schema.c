/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints the schemas of both kinds in the words of OpenAPI, as JSON, for compare-crd.py:
 * {"LiveUpdate": {…}, "LiveUpdateStep": {…}}.
 */
#include "liveupdate/schema.h"

#include <jansson.h>

#include "base/str.h"

static json_t *dump_value(const struct lu_schema *schema, const struct cyaml_schema_value *value,
                          const struct lu_schema_detail *detail);

static json_t *dump_mapping(const struct lu_schema *schema, const struct cyaml_schema_field *fields)
{
        json_t *out = json_pack("{ss}", "type", "object");
        json_t *properties = json_object();
        json_t *required = json_array();

        for (; fields->key; fields++) {
                const struct cyaml_schema_field *table = fields;
                const struct lu_schema_detail *detail = NULL;

                /* A detail belongs to a table; a shared step's begins one later. */
                for (size_t i = 0; i < schema->n_details && !detail; i++) {
                        table = schema->details[i].fields;
                        while (table->key && table != fields)
                                table++;
                        if (table->key)
                                detail = lu_schema_detail(schema, schema->details[i].fields,
                                                          fields->key);
                }
                json_object_set_new(properties, fields->key,
                                    dump_value(schema, &fields->value, detail));
                if (!(fields->value.flags & CYAML_FLAG_OPTIONAL))
                        json_array_append_new(required, json_string(fields->key));
        }
        if (json_object_size(properties) > 0)
                json_object_set(out, "properties", properties);
        if (json_array_size(required) > 0)
                json_object_set(out, "required", required);
        json_decref(properties);
        json_decref(required);
        return out;
}

static json_t *dump_sequence(const struct lu_schema *schema, const struct cyaml_schema_value *value)
{
        json_t *out = json_pack("{ss sI so}", "type", "array", "maxItems",
                                (json_int_t)value->sequence.max, "items",
                                dump_value(schema, value->sequence.entry, NULL));

        if (value->sequence.min > 0)
                json_object_set_new(out, "minItems", json_integer(value->sequence.min));
        return out;
}

static json_t *dump_string(const struct cyaml_schema_value *value,
                           const struct lu_schema_detail *detail)
{
        json_t *out = json_pack("{ss}", "type", "string");

        if (detail && detail->allowed) {
                json_t *words = json_array();

                for (size_t i = 0; detail->allowed[i]; i++)
                        json_array_append_new(words, json_string(detail->allowed[i]));
                json_object_set_new(out, "enum", words);
                return out;
        }
        if (value->string.min > 0)
                json_object_set_new(out, "minLength", json_integer(value->string.min));
        json_object_set_new(out, "maxLength", json_integer(value->string.max));
        return out;
}

static json_t *dump_enum(const struct cyaml_schema_value *value)
{
        json_t *words = json_array();

        for (uint32_t i = 0; i < value->enumeration.count; i++)
                json_array_append_new(words, json_string(value->enumeration.strings[i].str));
        return json_pack("{ss so}", "type", "string", "enum", words);
}

static json_t *dump_number(const struct lu_schema_detail *detail)
{
        return json_pack("{ss sI sI}", "type", "integer", "minimum",
                         (json_int_t)(detail ? detail->min : 0), "maximum",
                         (json_int_t)(detail ? detail->max : UINT32_MAX));
}

static json_t *dump_default(const struct cyaml_schema_value *value, const char *text)
{
        if (value->type == CYAML_BOOL || value->type == CYAML_UINT)
                return json_loads(text, JSON_DECODE_ANY, NULL);
        return json_string(text);
}

static json_t *dump_value(const struct lu_schema *schema, const struct cyaml_schema_value *value,
                          const struct lu_schema_detail *detail)
{
        json_t *out;

        if (value->type == CYAML_MAPPING)
                out = dump_mapping(schema, value->mapping.fields);
        else if (value->type == CYAML_SEQUENCE)
                out = dump_sequence(schema, value);
        else if (value->type == CYAML_STRING)
                out = dump_string(value, detail);
        else if (value->type == CYAML_ENUM)
                out = dump_enum(value);
        else if (value->type == CYAML_BOOL)
                out = json_pack("{ss}", "type", "boolean");
        else
                out = dump_number(detail);
        if (detail && detail->default_)
                json_object_set_new(out, "default", dump_default(value, detail->default_));
        return out;
}

int main(void)
{
        json_t *out = json_pack(
                "{so so}", "LiveUpdate",
                dump_value(&lu_spec_schema_full, lu_spec_schema_full.value, NULL), "LiveUpdateStep",
                dump_value(&lu_shared_step_schema_full, lu_shared_step_schema_full.value, NULL));
        int r = json_dumpf(out, stdout, JSON_INDENT(1));

        json_decref(out);
        return r < 0;
}
