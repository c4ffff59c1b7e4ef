/* SPDX-License-Identifier: Apache-2.0 */
#include "liveupdate/rules.h"

/*
 * The rules as an object: what they own, and the one part of them that changes during their life,
 * the patterns that come from ignore files. What they say about a path stands in classify.c.
 */

#include <assert.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"

#define IGNORE_FILE ".dockerignore"

static void roots_free(struct lu_root *roots, size_t n_roots)
{
        for (size_t i = 0; i < n_roots; i++) {
                free(roots[i].path);
                lu_ignore_done(&roots[i].ignore_file);
                lu_ignore_done(&roots[i].ignore);
        }
        free(roots);
}

static void syncs_free(struct lu_sync_rule *syncs, size_t n_syncs)
{
        for (size_t i = 0; i < n_syncs; i++) {
                free(syncs[i].local);
                lu_pattern_free(syncs[i].pattern);
                free(syncs[i].container_path);
                lu_ignore_done(&syncs[i].ignore);
        }
        free(syncs);
}

static void runs_free(struct lu_run_rule *runs, size_t n_runs)
{
        for (size_t i = 0; i < n_runs; i++) {
                free(runs[i].command);
                strv_done(&runs[i].args);
                free(runs[i].working_dir);
                lu_pattern_set_done(&runs[i].triggers);
                free(runs[i].text);
        }
        free(runs);
}

void lu_rules_free(struct lu_rules *rules)
{
        if (!rules)
                return;
        roots_free(rules->roots, rules->n_roots);
        lu_pattern_set_done(&rules->fall_back_on);
        syncs_free(rules->syncs, rules->n_syncs);
        runs_free(rules->runs, rules->n_runs);
        free(rules->workload_kind);
        free(rules->workload_name);
        free(rules->labels);
        free(rules->container);
        free(rules->last_image);
        free(rules->unsupported);
        free(rules);
}

/* The root that has the @i-th ignore file. */
static struct lu_root *root_of_ignore_file(const struct lu_rules *rules, size_t i)
{
        for (size_t k = 0; k < rules->n_roots; k++)
                if (rules->roots[k].has_ignore_file && i-- == 0)
                        return &rules->roots[k];
        return NULL;
}

size_t lu_rules_n_ignore_files(const struct lu_rules *rules)
{
        size_t n = 0;

        for (size_t i = 0; i < rules->n_roots; i++)
                n += rules->roots[i].has_ignore_file;
        return n;
}

char *lu_rules_ignore_file(const struct lu_rules *rules, size_t i)
{
        const struct lu_root *root = root_of_ignore_file(rules, i);

        assert(root);
        return path_join(root->path, IGNORE_FILE);
}

int lu_rules_set_ignore_file(struct lu_rules *rules, size_t i, const char *content, struct err *err)
{
        struct lu_root *root = root_of_ignore_file(rules, i);
        _cleanup_(freep) char *path = NULL, *shown = NULL;
        int r;

        assert(root);
        lu_ignore_done(&root->ignore_file);
        if (!content)
                return 0;
        r = lu_ignore_add_file(&root->ignore_file, content, err);
        if (r < 0) {
                path = path_join(root->path, IGNORE_FILE);
                shown = printable(path);
                return err_wrap(err, r, "%s", shown);
        }
        return 0;
}
