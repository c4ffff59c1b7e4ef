/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "controller/commands.h"
#include "controller/files.h"
#include "controller/objects.h"
#include "controller/workspace.h"
#include "liveupdate/explain.h"
#include "liveupdate/resolve.h"

struct explainer {
        const struct options *options;
        struct workspace workspace;
        struct lu_objects objects;
        struct lu_rules **rules; /* one for each object */
        const char *const *paths;
        size_t n_paths;
        json_t *json;    /* with -o json */
        struct str text; /* without */
};

static void explain_path(struct explainer *e, size_t object, const char *shown)
{
        const char *name = e->objects.items[object].name;
        _cleanup_(freep) char *path = NULL;
        /* A path outside the workspace lies in no watched root, wherever exactly it is. */
        bool outside = workspace_relative(&e->workspace, shown, &path) < 0;
        const struct lu_question question = {
                .live_update = name,
                .path = outside ? NULL : path,
                .shown = shown,
                .is_directory =
                        !outside && workspace_kind(&e->workspace, path) == LU_KIND_DIRECTORY,
        };

        if (e->json)
                json_array_append_new(e->json, lu_explain_json(e->rules[object], &question));
        else
                lu_explain_text(e->rules[object], &question, &e->text);
}

static int load(struct explainer *e, struct err *err)
{
        _cleanup_(lu_faults_done) struct lu_faults faults = {};
        int r;

        r = workspace_open(e->options->workspace, &e->workspace, err);
        if (r < 0)
                return r;
        if (e->options->files.n_items > 0)
                r = files_load(&e->options->files, &e->objects, &faults, err);
        else
                r = objects_fetch(e->options, e->options->names.items[0], &e->objects, err);
        if (r < 0)
                return r;
        lu_resolve_all(&e->objects, &faults, &e->rules);
        if (faults.n_errors > 0) {
                files_print_faults(&faults, false);
                return err_set(err, -EINVAL, "%zu fault%s in the LiveUpdates", faults.n_errors,
                               faults.n_errors == 1 ? "" : "s");
        }
        return 0;
}

static void explain_all(struct explainer *e)
{
        for (size_t i = 0; i < e->objects.n_items; i++) {
                _cleanup_(err_done) struct err err = {};

                if (!e->rules[i])
                        continue;
                if (workspace_load_ignores(&e->workspace, e->rules[i], &err) < 0)
                        log_warning(err_text(&err));
                for (size_t k = 0; k < e->n_paths; k++)
                        explain_path(e, i, e->paths[k]);
        }
}

static void print_and_free(struct explainer *e)
{
        if (e->json) {
                json_dumpf(e->json, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
                putchar('\n');
                json_decref(e->json);
        } else {
                fputs(str_text(&e->text), stdout);
        }
        str_done(&e->text);
}

int cmd_explain(const struct options *options)
{
        size_t skip = options->files.n_items > 0 ? 0 : 1; /* the LiveUpdate's name */
        _cleanup_(err_done) struct err err = {};
        struct explainer e = {
                .options = options,
                .workspace.fd = -1,
                .paths = (const char *const *)options->names.items + skip,
                .n_paths = options->names.n_items - skip,
        };
        int r;

        if (options->names.n_items <= skip)
                return command_failed(EXIT_USAGE,
                                      "explain needs -f FILE or a NAME, and paths: sluice explain "
                                      "-f FILE PATH…");
        r = load(&e, &err);
        if (r == 0) {
                e.json = options->output ? json_array() : NULL;
                explain_all(&e);
                print_and_free(&e);
        }
        for (size_t i = 0; e.rules && i < e.objects.n_items; i++)
                lu_rules_free(e.rules[i]);
        free(e.rules);
        lu_objects_done(&e.objects);
        workspace_done(&e.workspace);
        return r < 0 ? command_failed(EXIT_USAGE, err_text(&err)) : EXIT_DONE;
}
