/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * LiveUpdates as text: the YAML documents of a file, or the JSON of one object from the API server.
 *
 * A manifest set gathers the objects of one or several sources (with `-f a -f b`), remembers where
 * each node stood, and turns a fault's path ("spec.steps[3].sync.localPath") back into
 * file:line:column. Objects of other kinds are skipped, so a file may hold a Deployment as well.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "base/strv.h"
#include "liveupdate/spec.h"

enum lu_severity {
        LU_SEVERITY_ERROR,
        LU_SEVERITY_WARNING,
};

/* One fault of an object. `path` is "" for the object itself. */
struct lu_fault {
        enum lu_severity severity;
        char *file;            /* NULL when it did not come from a file */
        unsigned line, column; /* 1-based; 0 when unknown */
        char *path;            /* "spec.steps[3]" */
        char *message;         /* names the step: "steps[3]: sync must come before run" */
};

struct lu_faults {
        struct lu_fault *items; /* owned */
        size_t n_items;
        size_t n_errors; /* of them */
};

void lu_faults_done(struct lu_faults *faults);
/* Adds a fault without a place; lu_manifest_locate() or the caller fills file, line, column. */
void lu_faults_add(struct lu_faults *faults, enum lu_severity severity, const char *path,
                   const char *format, ...) _printf_(4, 5);

struct lu_manifest; /* one object and the document it was read from */

struct lu_object {
        char *namespace_; /* NULL when not given */
        char *name;
        bool is_step;                 /* LiveUpdateStep, else LiveUpdate */
        struct lu_spec *spec;         /* NULL for a step, or when it could not be loaded */
        struct lu_shared_step *step;  /* NULL for a LiveUpdate, or when it could not be loaded */
        struct lu_manifest *manifest; /* positions; NULL for objects from the API server */
};

struct lu_objects {
        struct lu_object *items; /* owned */
        size_t n_items;
};

void lu_objects_done(struct lu_objects *objects);

/*
 * Reads all documents of @text (from @file, used in faults) and appends the LiveUpdates and
 * LiveUpdateSteps it holds. Syntax errors, unknown or duplicate keys, wrong types, missing required
 * fields and unknown enum values become faults with line and column, all of them, not only the
 * first; an object with such a fault has spec == NULL.
 */
void lu_manifest_read(const char *file, struct view text, struct lu_objects *objects,
                      struct lu_faults *faults);

/*
 * Loads the `spec` of an object from the API server, given as JSON text, with the same strictness.
 * -EINVAL and the first fault in @err when it does not fit.
 */
int lu_spec_load_json(const char *json, size_t len, struct lu_spec **ret_spec, struct err *err);
int lu_shared_step_load_json(const char *json, size_t len, struct lu_shared_step **ret_step,
                             struct err *err);

/* Fills file, line and column of @fault from its path. Nearest enclosing node when absent. */
void lu_manifest_locate(const struct lu_manifest *manifest, struct lu_fault *fault);
