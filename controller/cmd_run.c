/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "controller/app.h"
#include "controller/commands.h"
#include "controller/facts.h"
#include "controller/fetch.h"

/* Nothing was chosen: say what there is, and how to choose. */
static int list_choices(const struct options *options)
{
        const struct kube_config_params config = options_kube(options);
        _cleanup_(err_done) struct err err = {};
        _cleanup_(fetch_done) struct fetch fetch = {};
        _cleanup_(freep) char *path = NULL;
        _cleanup_(str_done) struct str names = {};
        json_t *answer, *item;
        size_t i;

        if (fetch_open(&config, &fetch, &err) < 0)
                return command_failed(EXIT_FAILED, err_text(&err));
        path = xasprintf(OBJECTS_GROUP "/namespaces/%s/liveupdates", fetch_namespace(&fetch));
        if (fetch_json(&fetch, path, &answer, &err) < 0)
                return command_failed(EXIT_FAILED, err_text(&err));
        json_array_foreach(json_object_get(answer, "items"), i, item)
                str_appendf(&names, "  sluice run %s\n",
                            facts_string(item, "metadata", "name", NULL));
        if (names.len > 0)
                fprintf(stderr,
                        "sluice: which LiveUpdate of namespace %s? One of\n%s  sluice run --all\n",
                        fetch_namespace(&fetch), str_text(&names));
        else
                fprintf(stderr,
                        "sluice: there is no LiveUpdate in namespace %s; apply one, or use "
                        "sluice run -f FILE\n",
                        fetch_namespace(&fetch));
        json_decref(answer);
        return EXIT_USAGE;
}

int cmd_run(const struct options *options)
{
        if (options->files.n_items > 0 && (options->names.n_items > 0 || options->all))
                return command_failed(EXIT_USAGE,
                                      "run takes either files with -f, or names, or --all");
        if (options->names.n_items > 0 && options->all)
                return command_failed(EXIT_USAGE, "run takes either names or --all");
        if (options->files.n_items == 0 && options->names.n_items == 0 && !options->all)
                return list_choices(options);
        return app_run(options);
}
