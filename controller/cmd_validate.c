/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "controller/commands.h"
#include "controller/files.h"
#include "controller/workspace.h"
#include "liveupdate/resolve.h"

/* A directory that a spec names must be there, when a workspace was given. */
struct checker {
        const struct workspace *workspace;
        struct lu_faults *faults;
};

static void check_directory(const struct checker *c, const struct lu_object *object,
                            const char *path, const char *written)
{
        _cleanup_(freep) char *clean = NULL;
        const char *base = object->spec->base_path ? object->spec->base_path : ".";
        _cleanup_(freep) char *base_clean = NULL;

        if (path_join_clean("", base, &base_clean) < 0 ||
            path_join_clean(base_clean, written, &clean) < 0)
                return; /* resolve has said so */
        if (workspace_kind(c->workspace, clean) == LU_KIND_DIRECTORY)
                return;
        lu_faults_add(c->faults, LU_SEVERITY_ERROR, path,
                      "%s: '%s' is not a directory of the workspace %s", path, written,
                      c->workspace->path);
        lu_manifest_locate(object->manifest, &c->faults->items[c->faults->n_items - 1]);
}

static void check_workspace(const struct checker *c, const struct lu_objects *objects)
{
        for (size_t i = 0; i < objects->n_items; i++) {
                const struct lu_object *object = &objects->items[i];

                if (!object->spec)
                        continue;
                if (object->spec->base_path)
                        check_directory(c, object, "spec.basePath", ".");
                for (size_t k = 0; k < object->spec->n_images; k++) {
                        _cleanup_(freep) char *path = xasprintf("spec.images[%zu].context", k);

                        if (object->spec->images[k].context)
                                check_directory(c, object, path, object->spec->images[k].context);
                }
        }
}

int cmd_validate(const struct options *options)
{
        _cleanup_(lu_objects_done) struct lu_objects objects = {};
        _cleanup_(lu_faults_done) struct lu_faults faults = {};
        _cleanup_(err_done) struct err err = {};
        _cleanup_(workspace_done) struct workspace workspace = {.fd = -1};
        const struct checker checker = {.workspace = &workspace, .faults = &faults};
        struct lu_rules **rules = NULL;

        if (options->files.n_items == 0 || options->names.n_items > 0)
                return command_failed(EXIT_USAGE,
                                      "validate takes files with -f: sluice validate -f FILE…");
        if (options->workspace && workspace_open(options->workspace, &workspace, &err) < 0)
                return command_failed(EXIT_USAGE, err_text(&err));
        if (files_load(&options->files, &objects, &faults, &err) < 0)
                return command_failed(EXIT_USAGE, err_text(&err));
        lu_resolve_all(&objects, &faults, &rules);
        if (options->workspace)
                check_workspace(&checker, &objects);
        for (size_t i = 0; i < objects.n_items; i++)
                lu_rules_free(rules[i]);
        free(rules);
        files_print_faults(&faults, options->verbosity > 0);
        if (objects.n_items == 0 && faults.n_errors == 0)
                return command_failed(EXIT_USAGE, "no LiveUpdate in the files given with -f");
        return faults.n_errors > 0 ? EXIT_USAGE : EXIT_DONE;
}
