/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Rules written down by hand, for tests of what rules do. Paths are given clean; a containerPath
 * may end in '/', and a localPath may be a glob, as in a spec.
 */

#include "test/unit/unit.h"

#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "liveupdate/rules.h"

static inline struct lu_rules *rules_written(void)
{
        return xcalloc(1, sizeof(struct lu_rules));
}

/* A list of patterns ends with NULL, and may be NULL. */
static inline void patterns_written(struct lu_ignore *ignore, const char *const *patterns)
{
        for (; patterns && *patterns; patterns++)
                assert_int_equal(lu_ignore_add(ignore, *patterns), 0);
}

static inline struct lu_root *root_written(struct lu_rules *rules, const char *path,
                                           const char *const *ignore)
{
        struct lu_root *root;

        rules->roots = xreallocarray(rules->roots, rules->n_roots + 1, sizeof(*rules->roots));
        root = &rules->roots[rules->n_roots++];
        *root = (struct lu_root){.path = xstrdup(path), .has_ignore_file = true};
        patterns_written(&root->ignore, ignore);
        return root;
}

static inline struct lu_sync_rule *sync_written(struct lu_rules *rules, const char *local,
                                                const char *container_path,
                                                const char *const *ignore)
{
        struct lu_sync_rule *sync;

        rules->syncs = xreallocarray(rules->syncs, rules->n_syncs + 1, sizeof(*rules->syncs));
        sync = &rules->syncs[rules->n_syncs];
        *sync = (struct lu_sync_rule){.step = rules->n_syncs++};
        if (lu_text_is_glob(local))
                assert_int_equal(lu_pattern_new(local, &sync->pattern), 0);
        sync->local = xstrdup(sync->pattern ? lu_pattern_literal_prefix(sync->pattern) : local);
        assert_int_equal(path_clean_absolute(container_path, &sync->container_path), 0);
        sync->into_directory = ends_with(container_path, "/");
        patterns_written(&sync->ignore, ignore);
        return sync;
}

/* @command is given to `sh -c`; runs of several words are made by hand. */
static inline struct lu_run_rule *run_written(struct lu_rules *rules, const char *command,
                                              const char *const *triggers)
{
        struct lu_run_rule *run;

        rules->runs = xreallocarray(rules->runs, rules->n_runs + 1, sizeof(*rules->runs));
        run = &rules->runs[rules->n_runs];
        *run = (struct lu_run_rule){
                .command = xstrdup(command),
                .working_dir = xstrdup("/"),
                .text = xstrdup(command),
                .step = rules->n_runs++,
        };
        for (; triggers && *triggers; triggers++)
                assert_int_equal(lu_pattern_set_add(&run->triggers, *triggers), 0);
        return run;
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
