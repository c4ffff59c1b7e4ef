/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema of `spec`, as data. A new field is one line here, one member in liveupdate/spec.h and
 * one property in manifests/crd/: the test `crd` fails until all three agree.
 *
 * libcyaml wants a list of strings as a pointer and a count, which is how struct strv begins; its
 * capacity and the NULL behind the last item are filled in after loading (liveupdate/spec.c).
 * A step of a LiveUpdateStep has the same members as any other, so its table is the tail of the
 * table of steps, which begins with the one key that it may not hold.
 */
#include "liveupdate/schema.h"

#include "base/limits.h"
#include "base/macro.h"
#include "base/str.h"
#include "liveupdate/spec.h"

#define TIMEOUT_MAX 86400 /* seconds: a day */

#define REQUIRED(key, type, member, min, max) \
        CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, member, min, max)
#define OPTIONAL(key, type, member, min, max)                                                    \
        CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, min, \
                               max)
#define STRINGS(key, flags, type, member, entry, min)                                     \
        CYAML_FIELD_SEQUENCE_COUNT(key, CYAML_FLAG_POINTER | (flags), type, member.items, \
                                   member.n_items, entry, min, LIMIT_LIST)

static const struct cyaml_schema_value text = {
        CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, LIMIT_STRING),
};

/* A word of an argv may be empty. */
static const struct cyaml_schema_value word = {
        CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, LIMIT_STRING),
};

static const struct cyaml_schema_field empty_fields[] = {
        CYAML_FIELD_END,
};

static const struct cyaml_schema_field build_arg_fields[] = {
        REQUIRED("name", struct lu_build_arg, name, 1, LIMIT_NAME),
        REQUIRED("value", struct lu_build_arg, value, 0, LIMIT_STRING),
        CYAML_FIELD_END,
};

static const struct cyaml_schema_value build_arg = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct lu_build_arg, build_arg_fields),
};

static const struct cyaml_schema_field image_fields[] = {
        REQUIRED("image", struct lu_image, image, 1, LIMIT_STRING),
        OPTIONAL("context", struct lu_image, context, 1, LIMIT_STRING),
        OPTIONAL("dockerfile", struct lu_image, dockerfile, 1, LIMIT_STRING),
        STRINGS("ignore", CYAML_FLAG_OPTIONAL, struct lu_image, ignore, &text, 0),
        CYAML_FIELD_SEQUENCE_COUNT("buildArgs", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                                   struct lu_image, build_args, n_build_args, &build_arg, 0,
                                   LIMIT_LIST),
        OPTIONAL("target", struct lu_image, target, 1, LIMIT_NAME),
        STRINGS("command", CYAML_FLAG_OPTIONAL, struct lu_image, command, &word, 1),
        STRINGS("deps", CYAML_FLAG_OPTIONAL, struct lu_image, deps, &text, 1),
        CYAML_FIELD_END,
};

static const struct cyaml_schema_value image = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct lu_image, image_fields),
};

static const struct cyaml_schema_field workload_fields[] = {
        REQUIRED("kind", struct lu_workload, kind, 1, LIMIT_NAME),
        REQUIRED("name", struct lu_workload, name, 1, LIMIT_NAME),
        CYAML_FIELD_END,
};

static const struct cyaml_schema_field selector_fields[] = {
        CYAML_FIELD_MAPPING_PTR("workload", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                                struct lu_selector_spec, workload, workload_fields),
        OPTIONAL("labels", struct lu_selector_spec, labels, 1, LIMIT_STRING),
        OPTIONAL("container", struct lu_selector_spec, container, 1, LIMIT_NAME),
        CYAML_FIELD_END,
};

static const struct cyaml_strval writes[] = {
        {"Atomic", LU_WRITE_ATOMIC},
        {"InPlace", LU_WRITE_IN_PLACE},
};

static const struct cyaml_schema_field sync_fields[] = {
        REQUIRED("localPath", struct lu_sync, local_path, 1, LIMIT_STRING),
        REQUIRED("containerPath", struct lu_sync, container_path, 1, LIMIT_STRING),
        STRINGS("ignore", CYAML_FLAG_OPTIONAL, struct lu_sync, ignore, &text, 0),
        OPTIONAL("owner", struct lu_sync, owner, 1, LIMIT_NAME),
        OPTIONAL("mode", struct lu_sync, mode, 1, LIMIT_NAME),
        CYAML_FIELD_ENUM("write", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct lu_sync, write,
                         writes, ARRAY_SIZE(writes)),
        CYAML_FIELD_END,
};

static const struct cyaml_schema_field run_fields[] = {
        OPTIONAL("command", struct lu_run, command, 1, LIMIT_STRING),
        STRINGS("args", CYAML_FLAG_OPTIONAL, struct lu_run, args, &word, 1),
        OPTIONAL("workingDir", struct lu_run, working_dir, 1, LIMIT_STRING),
        STRINGS("triggers", CYAML_FLAG_OPTIONAL, struct lu_run, triggers, &text, 0),
        CYAML_FIELD_UINT("timeoutSeconds", CYAML_FLAG_OPTIONAL, struct lu_run, timeout_seconds),
        CYAML_FIELD_BOOL("echo", CYAML_FLAG_OPTIONAL, struct lu_run, echo),
        CYAML_FIELD_END,
};

static const struct cyaml_schema_field fall_back_on_fields[] = {
        STRINGS("files", 0, struct lu_fall_back_on, files, &text, 1),
        CYAML_FIELD_END,
};

static const struct cyaml_schema_field use_fields[] = {
        REQUIRED("name", struct lu_use, name, 1, LIMIT_NAME),
        CYAML_FIELD_END,
};

#define STEP(key, member, fields)                                                              \
        CYAML_FIELD_MAPPING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct lu_step, \
                                member, fields)

static const struct cyaml_schema_field step_fields[] = {
        STEP("use", use, use_fields),
        STEP("initialSync", initial_sync, empty_fields),
        STEP("fallBackOn", fall_back_on, fall_back_on_fields),
        STEP("sync", sync, sync_fields),
        STEP("run", run, run_fields),
        STEP("restartContainer", restart_container, empty_fields),
        CYAML_FIELD_END,
};

static const struct cyaml_schema_value step = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct lu_step, step_fields),
};

static const struct cyaml_strval on_unmatched[] = {
        {"Rebuild", LU_ON_UNMATCHED_REBUILD},
        {"Ignore", LU_ON_UNMATCHED_IGNORE},
        {"Warn", LU_ON_UNMATCHED_WARN},
};

static const struct cyaml_strval builders[] = {
        {"auto", LU_BUILDER_AUTO},       {"docker", LU_BUILDER_DOCKER},
        {"podman", LU_BUILDER_PODMAN},   {"buildah", LU_BUILDER_BUILDAH},
        {"nerdctl", LU_BUILDER_NERDCTL},
};

static const struct cyaml_schema_field deploy_fields[] = {
        STRINGS("command", 0, struct lu_deploy, command, &word, 1),
        CYAML_FIELD_END,
};

static const struct cyaml_schema_field spec_fields[] = {
        OPTIONAL("basePath", struct lu_spec, base_path, 1, LIMIT_STRING),
        CYAML_FIELD_SEQUENCE_COUNT("images", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                                   struct lu_spec, images, n_images, &image, 0, LIMIT_IMAGES),
        CYAML_FIELD_MAPPING("selector", CYAML_FLAG_DEFAULT, struct lu_spec, selector,
                            selector_fields),
        CYAML_FIELD_SEQUENCE_COUNT("steps", CYAML_FLAG_POINTER, struct lu_spec, steps, n_steps,
                                   &step, 1, LIMIT_STEPS),
        CYAML_FIELD_ENUM("onUnmatched", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct lu_spec,
                         on_unmatched, on_unmatched, ARRAY_SIZE(on_unmatched)),
        CYAML_FIELD_ENUM("builder", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct lu_spec,
                         builder, builders, ARRAY_SIZE(builders)),
        CYAML_FIELD_MAPPING_PTR("deploy", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct lu_spec,
                                deploy, deploy_fields),
        OPTIONAL("inject", struct lu_spec, inject, 1, LIMIT_NAME),
        OPTIONAL("serviceAccountName", struct lu_spec, service_account_name, 1, LIMIT_NAME),
        CYAML_FIELD_BOOL("paused", CYAML_FLAG_OPTIONAL, struct lu_spec, paused),
        CYAML_FIELD_END,
};

static const struct cyaml_schema_value spec_value = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct lu_spec, spec_fields),
};

/* struct lu_shared_step begins with its only member, so the offsets of struct lu_step hold. */
_Static_assert(offsetof(struct lu_shared_step, step) == 0, "a shared step is a step");
static const struct cyaml_schema_value shared_step_value = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct lu_shared_step, step_fields + 1),
};

static const char *const workload_kinds[] = {"Deployment", "StatefulSet", "DaemonSet", NULL};
static const char *const injections[] = {"Supervisor", NULL};

static const struct lu_schema_detail details[] = {
        {workload_fields, "kind", .allowed = workload_kinds},
        {sync_fields, "write", .default_ = "Atomic"},
        {run_fields, "workingDir", .default_ = "/"},
        {run_fields, "timeoutSeconds", .default_ = "300", .min = 1, .max = TIMEOUT_MAX},
        {run_fields, "echo", .default_ = "true"},
        {spec_fields, "basePath", .default_ = "."},
        {spec_fields, "onUnmatched", .default_ = "Rebuild"},
        {spec_fields, "builder", .default_ = "auto"},
        {spec_fields, "inject", .allowed = injections},
        {spec_fields, "paused", .default_ = "false"},
};

const struct lu_schema lu_spec_schema_full = {&spec_value, details, ARRAY_SIZE(details)};
const struct lu_schema lu_shared_step_schema_full = {&shared_step_value, details,
                                                     ARRAY_SIZE(details)};

const struct cyaml_schema_value *lu_spec_schema(void)
{
        return &spec_value;
}

const struct cyaml_schema_value *lu_shared_step_schema(void)
{
        return &shared_step_value;
}

const struct lu_schema_detail *lu_schema_detail(const struct lu_schema *schema,
                                                const struct cyaml_schema_field *fields,
                                                const char *key)
{
        for (size_t i = 0; i < schema->n_details; i++) {
                const struct lu_schema_detail *d = &schema->details[i];

                if (d->fields == fields && streq(d->key, key))
                        return d;
        }
        return NULL;
}
