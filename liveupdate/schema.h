/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A schema: libcyaml's tables, which say where a value goes in memory, and beside them what those
 * tables cannot say: the range of an integer, the words a string may be, the default of a key.
 *
 * One schema drives the strict check of a document (liveupdate/check.h), its loading
 * (liveupdate/load.h), and the test that holds the CRD against it.
 */

#include <stddef.h>
#include <stdint.h>

#include <cyaml/cyaml.h>

/* What libcyaml cannot say about the key @key of the mapping with the table @fields. */
struct lu_schema_detail {
        const struct cyaml_schema_field *fields;
        const char *key;
        const char *default_;       /* as text; NULL: none */
        const char *const *allowed; /* the words a string may be, NULL at the end; NULL: any */
        uint32_t min, max;          /* of an integer */
};

struct lu_schema {
        const struct cyaml_schema_value *value;
        const struct lu_schema_detail *details;
        size_t n_details;
};

/* The detail of a key, or NULL. */
const struct lu_schema_detail *lu_schema_detail(const struct lu_schema *schema,
                                                const struct cyaml_schema_field *fields,
                                                const char *key);

/* The `spec` of a LiveUpdate and of a LiveUpdateStep (liveupdate/spec.h). */
extern const struct lu_schema lu_spec_schema_full;
extern const struct lu_schema lu_shared_step_schema_full;
