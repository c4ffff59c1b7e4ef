/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A document goes through four gates: is it an object at all, is it one of ours, does its frame
 * (apiVersion, kind, metadata) fit, does its spec fit. Only what passed all is loaded. The frame is
 * checked with a schema like the spec, except that libcyaml never loads it: CYAML_IGNORE marks what
 * may hold anything.
 *
 * The tree of an object is kept as its manifest, so that faults found later, by lu_resolve(), still
 * get a line and a column. The objects of a List are taken out of the list's tree for that.
 */
#include "liveupdate/manifest.h"

#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "liveupdate/check.h"
#include "liveupdate/load.h"
#include "liveupdate/names.h"
#include "liveupdate/node.h"

#define GROUP       "sluice.dev"
#define API_VERSION GROUP "/v1alpha1"

struct lu_manifest {
        char *file;
        struct lu_node *root; /* of the object */
};

struct reader {
        const char *file;
        struct lu_objects *objects;
        struct lu_faults *faults;
};

#define TEXT(name)                                                                  \
        {                                                                           \
                .key = name, .value = {CYAML_VALUE_STRING(0, char, 1, LIMIT_NAME)}, \
        }
#define ANYTHING(name)                                                                      \
        {                                                                                   \
                .key = name, .value = {.type = CYAML_IGNORE, .flags = CYAML_FLAG_OPTIONAL}, \
        }

static const struct cyaml_schema_field metadata_fields[] = {
        TEXT("name"),
        {
                .key = "namespace",
                .value = {CYAML_VALUE_STRING(CYAML_FLAG_OPTIONAL, char, 1, LIMIT_NAME)},
        },
        ANYTHING("annotations"),
        ANYTHING("labels"),
        ANYTHING("creationTimestamp"),
        ANYTHING("deletionGracePeriodSeconds"),
        ANYTHING("deletionTimestamp"),
        ANYTHING("finalizers"),
        ANYTHING("generateName"),
        ANYTHING("generation"),
        ANYTHING("managedFields"),
        ANYTHING("ownerReferences"),
        ANYTHING("resourceVersion"),
        ANYTHING("selfLink"),
        ANYTHING("uid"),
        CYAML_FIELD_END,
};

static const struct cyaml_schema_field object_fields[] = {
        TEXT("apiVersion"),
        TEXT("kind"),
        {
                .key = "metadata",
                .value = {CYAML_VALUE_MAPPING(0, char, metadata_fields)},
        },
        {
                .key = "spec",
                .value = {.type = CYAML_IGNORE},
        },
        ANYTHING("status"),
        CYAML_FIELD_END,
};

static const struct cyaml_schema_value object_value = {
        CYAML_VALUE_MAPPING(0, char, object_fields),
};

static const struct lu_schema object_schema = {.value = &object_value};

static void manifest_free(struct lu_manifest *m)
{
        if (!m)
                return;
        free(m->file);
        lu_node_free(m->root);
        free(m);
}

void lu_objects_done(struct lu_objects *objects)
{
        for (size_t i = 0; i < objects->n_items; i++) {
                struct lu_object *o = &objects->items[i];

                free(o->namespace_);
                free(o->name);
                lu_spec_free(o->spec);
                lu_shared_step_free(o->step);
                manifest_free(o->manifest);
        }
        free(objects->items);
        *objects = (struct lu_objects){};
}

/* Checks `spec` and loads it. NULL after a fault. */
static void *load_spec(const struct lu_node *spec, bool is_step, struct lu_faults *faults)
{
        const struct lu_schema *schema =
                is_step ? &lu_shared_step_schema_full : &lu_spec_schema_full;
        _cleanup_(err_done) struct err err = {};
        void *data;

        if (is_step && lu_node_get(spec, "use")) {
                lu_check_fault(faults, lu_node_get(spec, "use"), "spec.use",
                               "a LiveUpdateStep may not hold use");
                return NULL;
        }
        if (!lu_check(spec, schema, "spec", faults))
                return NULL;
        if (lu_load(spec, schema, &data, &err) < 0) {
                lu_check_fault(faults, spec, "spec", "%s", err_text(&err));
                return NULL;
        }
        return data;
}

static bool check_name(const struct lu_node *name, const char *path, struct lu_faults *faults)
{
        _cleanup_(freep) char *shown = NULL;

        if (!name || name->kind != LU_NODE_SCALAR || name->len == 0 || lu_is_dns_name(name->text))
                return true; /* what is no string was reported already */
        shown = lu_node_shown(name);
        lu_check_fault(faults, name, path,
                       "'%s' is not a name: lower-case letters, digits, '-' and '.' are", shown);
        return false;
}

static char *text_of(const struct lu_node *node)
{
        return node && node->kind == LU_NODE_SCALAR ? xstrdup(node->text) : NULL;
}

/* Takes the tree out of *slot. */
static void read_object(struct reader *r, struct lu_node **slot, bool is_step)
{
        struct lu_node *root = take_ptr(*slot);
        const struct lu_node *metadata = lu_node_get(root, "metadata");
        const struct lu_node *spec = lu_node_get(root, "spec");
        struct lu_object object = {.is_step = is_step};
        bool ok = lu_check(root, &object_schema, "", r->faults);
        void *data = NULL;

        ok = check_name(lu_node_get(metadata, "name"), "metadata.name", r->faults) && ok;
        ok = check_name(lu_node_get(metadata, "namespace"), "metadata.namespace", r->faults) && ok;
        if (spec)
                data = load_spec(spec, is_step, r->faults);
        if (is_step)
                object.step = data;
        else
                object.spec = data;
        if (!ok) {
                lu_spec_free(take_ptr(object.spec));
                lu_shared_step_free(take_ptr(object.step));
        }
        object.name = text_of(lu_node_get(metadata, "name"));
        if (!object.name)
                object.name = xstrdup("");
        object.namespace_ = text_of(lu_node_get(metadata, "namespace"));
        object.manifest = xcalloc(1, sizeof(*object.manifest));
        object.manifest->file = xstrdup(r->file);
        object.manifest->root = root;
        r->objects->items =
                xreallocarray(r->objects->items, r->objects->n_items + 1, sizeof(object));
        r->objects->items[r->objects->n_items++] = object;
}

static void read_document(struct reader *r, struct lu_node **slot);

static void read_list(struct reader *r, struct lu_node *list)
{
        struct lu_node *items = lu_node_get(list, "items");

        if (!items || items->kind != LU_NODE_SEQUENCE) {
                lu_check_fault(r->faults, list, "items", "a List wants a list of objects here");
                return;
        }
        for (size_t i = 0; i < items->n_items; i++)
                read_document(r, &items->items[i]);
}

/* True when the object is of our group; a wrong version of it is a fault. */
static bool is_ours(struct reader *r, const struct lu_node *version, bool *ret_known)
{
        _cleanup_(freep) char *shown = NULL;

        if (!starts_with(version->text, GROUP "/"))
                return false;
        *ret_known = lu_node_is(version, API_VERSION);
        if (*ret_known)
                return true;
        shown = lu_node_shown(version);
        lu_check_fault(r->faults, version, "apiVersion", "'%s' is not known: write %s", shown,
                       API_VERSION);
        return true;
}

static void unknown_kind(struct reader *r, const struct lu_node *kind)
{
        static const char *const kinds[] = {"LiveUpdate", "LiveUpdateStep", NULL};
        _cleanup_(freep) char *shown = lu_node_shown(kind);
        const char *nearest = lu_nearest_word(kind->text, kinds);

        if (nearest)
                lu_check_fault(r->faults, kind, "kind", "'%s' is not known, did you mean '%s'?",
                               shown, nearest);
        else
                lu_check_fault(r->faults, kind, "kind",
                               "'%s' is not known: " GROUP " has LiveUpdate and LiveUpdateStep",
                               shown);
}

static void read_document(struct reader *r, struct lu_node **slot)
{
        struct lu_node *node = *slot;
        const struct lu_node *kind = lu_node_get(node, "kind");
        const struct lu_node *version = lu_node_get(node, "apiVersion");
        bool known;

        if (node->kind != LU_NODE_MAPPING) {
                lu_check_fault(r->faults, node, "",
                               "an object wants a mapping with apiVersion, kind and metadata");
                return;
        }
        if (!kind || kind->kind != LU_NODE_SCALAR || !version || version->kind != LU_NODE_SCALAR) {
                lu_check_fault(r->faults, node, "", "an object wants %s",
                               !version || version->kind != LU_NODE_SCALAR ? "an apiVersion"
                                                                           : "a kind");
                return;
        }
        if (lu_node_is(kind, "List") || lu_node_is(kind, "LiveUpdateList") ||
            lu_node_is(kind, "LiveUpdateStepList")) {
                read_list(r, node);
                return;
        }
        if (!is_ours(r, version, &known) || !known)
                return;
        if (lu_node_is(kind, "LiveUpdate") || lu_node_is(kind, "LiveUpdateStep"))
                read_object(r, slot, lu_node_is(kind, "LiveUpdateStep"));
        else
                unknown_kind(r, kind);
}

static void read_text(struct reader *r, const char *text, size_t len)
{
        _cleanup_(lu_nodes_done) struct lu_nodes nodes = {};
        _cleanup_(err_done) struct err err = {};
        struct lu_node place = {};
        size_t n_documents;
        int error;

        if (len > LIMIT_MANIFEST) {
                lu_check_fault(r->faults, NULL, "", "larger than %zu bytes", LIMIT_MANIFEST);
                return;
        }
        error = lu_nodes_read(view_of(text, len), &nodes, &place, &err);
        n_documents = nodes.n_items;
        for (size_t i = 0; i < n_documents; i++)
                read_document(r, &nodes.items[i]);
        if (error < 0)
                lu_check_fault(r->faults, &place, "", "%s", err_text(&err));
}

void lu_manifest_read(const char *file, struct view text, struct lu_objects *objects,
                      struct lu_faults *faults)
{
        struct reader r = {.file = file, .objects = objects, .faults = faults};
        size_t n_before = faults->n_items;

        read_text(&r, text.data, text.len);
        for (size_t i = n_before; i < faults->n_items; i++)
                faults->items[i].file = xstrdup(file);
}

/* The spec out of JSON, with the first fault in @err. */
static int load_json(const char *json, size_t len, bool is_step, void **ret_data, struct err *err)
{
        _cleanup_(lu_node_freep) struct lu_node *node = NULL;
        struct lu_faults faults = {};
        json_error_t error;
        json_t *value = json_loadb(json, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
        void *data;
        int r;

        if (!value)
                return err_set(err, -EINVAL, "spec: not valid JSON: %s", error.text);
        r = lu_node_from_json(value, &node);
        json_decref(value);
        if (r < 0)
                return err_set(err, r, "spec: nested deeper than %d levels", LU_NODE_DEPTH_MAX);
        data = load_spec(node, is_step, &faults);
        if (!data)
                r = err_set(err, -EINVAL, "%s", faults.items[0].message);
        else
                *ret_data = data;
        lu_faults_done(&faults);
        return r;
}

int lu_spec_load_json(const char *json, size_t len, struct lu_spec **ret_spec, struct err *err)
{
        void *data;
        int r = load_json(json, len, false, &data, err);

        if (r == 0)
                *ret_spec = data;
        return r;
}

int lu_shared_step_load_json(const char *json, size_t len, struct lu_shared_step **ret_step,
                             struct err *err)
{
        void *data;
        int r = load_json(json, len, true, &data, err);

        if (r == 0)
                *ret_step = data;
        return r;
}

/* One step along a fault's path: ".key" or "[index]". NULL when the tree has no such node. */
static const struct lu_node *descend(const struct lu_node *node, const char **path)
{
        _cleanup_(freep) char *key = NULL;
        size_t i = 0, n;

        if (**path == '[') {
                for ((*path)++; **path >= '0' && **path <= '9'; (*path)++)
                        i = i < LU_NODES_MAX ? i * 10 + (size_t)(**path - '0') : i;
                *path += **path == ']';
                return node->kind == LU_NODE_SEQUENCE && i < node->n_items ? node->items[i] : NULL;
        }
        *path += **path == '.';
        n = strcspn(*path, ".[");
        key = xstrndup(*path, n);
        *path += n;
        return lu_node_get(node, key);
}

void lu_manifest_locate(const struct lu_manifest *manifest, struct lu_fault *fault)
{
        const struct lu_node *node = manifest->root, *nearest = node;
        const char *path = fault->path;

        while (node && *path) {
                node = descend(node, &path);
                nearest = node ? node : nearest;
        }
        fault->line = nearest->line;
        fault->column = nearest->column;
        free(fault->file);
        fault->file = xstrdup(manifest->file);
}
