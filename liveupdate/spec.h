/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The `spec` of a LiveUpdate and of a LiveUpdateStep as data (DESIGN.md section 2), and the one
 * schema that reads them: from a file's YAML and from the JSON of an object, which is YAML too.
 *
 * The schema (lu_spec_schema()) is libcyaml's, as data; the same tables drive the strict check of a
 * document before it is loaded (liveupdate/check.h) and the test that holds the CRD against them.
 * Strings are as written: paths are cleaned and resolved by lu_resolve() (liveupdate/resolve.h).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strv.h"

struct lu_build_arg {
        char *name, *value;
};

struct lu_image {
        char *image;      /* repository, no tag */
        char *context;    /* NULL with command */
        char *dockerfile; /* NULL: <context>/Dockerfile */
        struct strv ignore;
        struct lu_build_arg *build_args;
        size_t n_build_args;
        char *target;
        struct strv command; /* a build by any command instead of a context */
        struct strv deps;    /* watched with command */
};

struct lu_workload {
        char *kind; /* Deployment, StatefulSet, DaemonSet */
        char *name;
};

struct lu_selector_spec {
        struct lu_workload *workload; /* exactly one of these two */
        char *labels;                 /* kubectl selector syntax */
        /* NULL: those whose image is the last of images; without images, the container of a pod
         * that has exactly one. */
        char *container;
};

enum lu_write {
        LU_WRITE_ATOMIC,
        LU_WRITE_IN_PLACE,
};

struct lu_sync {
        char *local_path;
        char *container_path;
        struct strv ignore;
        char *owner; /* "uid:gid", or NULL */
        char *mode;  /* octal digits, or NULL */
        enum lu_write write;
};

struct lu_run {
        char *command; /* for `sh -c`; exactly one of command and args */
        struct strv args;
        char *working_dir; /* NULL: "/" */
        struct strv triggers;
        uint32_t timeout_seconds; /* 300 by default; filled in by the loader */
        bool echo;                /* true by default; filled in by the loader */
};

struct lu_fall_back_on {
        struct strv files;
};

struct lu_use {
        char *name; /* of a LiveUpdateStep in the same namespace */
};

struct lu_empty {
        char unused; /* libcyaml wants a struct with a size */
};

enum lu_step_kind {
        LU_STEP_INITIAL_SYNC,
        LU_STEP_FALL_BACK_ON,
        LU_STEP_SYNC,
        LU_STEP_RUN,
        LU_STEP_RESTART_CONTAINER,
        LU_STEP_USE,
        LU_STEP_KIND_MAX,
};

/* "initialSync", "fallBackOn", "sync", "run", "restartContainer", "use" */
extern const char *const lu_step_keys[LU_STEP_KIND_MAX];

/* Exactly one pointer is set in a valid step. */
struct lu_step {
        struct lu_empty *initial_sync;
        struct lu_fall_back_on *fall_back_on;
        struct lu_sync *sync;
        struct lu_run *run;
        struct lu_empty *restart_container;
        struct lu_use *use;
};

/* The kind of a step that has exactly one key; LU_STEP_KIND_MAX otherwise. */
enum lu_step_kind lu_step_kind(const struct lu_step *step);

enum lu_on_unmatched {
        LU_ON_UNMATCHED_REBUILD,
        LU_ON_UNMATCHED_IGNORE,
        LU_ON_UNMATCHED_WARN,
};

enum lu_builder {
        LU_BUILDER_AUTO,
        LU_BUILDER_DOCKER,
        LU_BUILDER_PODMAN,
        LU_BUILDER_BUILDAH,
        LU_BUILDER_NERDCTL,
};

struct lu_deploy {
        struct strv command;
};

struct lu_spec {
        char *base_path; /* NULL: "." */
        struct lu_image *images;
        size_t n_images;
        struct lu_selector_spec selector;
        struct lu_step *steps;
        size_t n_steps;
        enum lu_on_unmatched on_unmatched;
        enum lu_builder builder;
        struct lu_deploy *deploy;
        char *inject; /* "Supervisor" or NULL */
        char *service_account_name;
        bool paused;
};

/* The `spec` of a LiveUpdateStep: one step, of any kind but `use`. */
struct lu_shared_step {
        struct lu_step step;
};

void lu_spec_done(struct lu_spec *spec);
void lu_spec_free(struct lu_spec *spec);
static inline void lu_spec_freep(struct lu_spec **spec)
{
        lu_spec_free(*spec);
}
void lu_shared_step_free(struct lu_shared_step *step);

struct cyaml_schema_value;
/* The libcyaml schema of struct lu_spec and of struct lu_shared_step. */
const struct cyaml_schema_value *lu_spec_schema(void);
const struct cyaml_schema_value *lu_shared_step_schema(void);
