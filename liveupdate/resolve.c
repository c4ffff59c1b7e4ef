/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules are built in one pass, faulty or not, and thrown away when a fault was found: so every
 * path is cleaned at one place, and a check that needs them all (is it watched? can it fire?) finds
 * them all. The order is forced by what depends on what: without images the watched roots are the
 * syncs' paths, and only with the roots known can a path be judged.
 *
 * A value that lu_validate_spec() and lu_validate_steps() report on is not reported again here.
 */
#include "liveupdate/resolve.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "liveupdate/check.h"
#include "liveupdate/validate.h"

#define ROOTS_SHOWN 5 /* watched directories in a message */

struct resolver {
        const struct lu_spec *spec;
        struct lu_placed_step *steps; /* as many as spec->steps */
        struct lu_faults *faults;
        struct lu_rules *rules;
        char *base; /* clean basePath; NULL when it is faulty */
};

/* A local path of a step, as written. */
struct written {
        const struct lu_placed_step *step;
        const char *member; /* "run.triggers[0]" */
        const char *text;
};

static void insert_steps(struct resolver *r, const char *namespace_, lu_find_step find,
                         void *userdata)
{
        r->steps = xcalloc(r->spec->n_steps ? r->spec->n_steps : 1, sizeof(*r->steps));
        for (size_t i = 0; i < r->spec->n_steps; i++) {
                struct lu_placed_step *p = &r->steps[i];
                const struct lu_shared_step *shared;

                p->step = &r->spec->steps[i];
                p->kind = lu_step_kind(p->step);
                snprintf(p->path, sizeof(p->path), "spec.steps[%zu]", i);
                if (p->kind != LU_STEP_USE)
                        continue;
                shared = find(userdata, namespace_, p->step->use->name);
                if (!shared) {
                        lu_step_fault(r->faults, p, "use.name",
                                      "there is no LiveUpdateStep '%s'%s%s", p->step->use->name,
                                      namespace_ ? " in namespace " : "",
                                      namespace_ ? namespace_ : "");
                        continue;
                }
                p->shared = p->step->use->name;
                p->step = &shared->step;
                p->kind = lu_step_kind(p->step);
                if (p->kind == LU_STEP_USE) {
                        lu_step_fault(r->faults, p, "use", "a LiveUpdateStep may not hold use");
                        p->kind = LU_STEP_KIND_MAX;
                }
        }
}

static void resolve_base(struct resolver *r)
{
        const char *text = r->spec->base_path ? r->spec->base_path : ".";
        int e;

        if (lu_text_is_glob(text)) {
                lu_check_fault(r->faults, NULL, "spec.basePath",
                               "'%s' must not hold '*', '?' or '['", text);
                return;
        }
        e = path_join_clean("", text, &r->base);
        if (e == -EINVAL)
                lu_check_fault(r->faults, NULL, "spec.basePath",
                               "'%s' is absolute: write it relative to the workspace", text);
        else if (e < 0)
                lu_check_fault(r->faults, NULL, "spec.basePath", "'%s' leads out of the workspace",
                               text);
}

/* Paths of steps */

/* Cleans a local path. NULL after a fault (an absolute one was reported before). */
static char *clean_local(struct resolver *r, const struct written *w)
{
        char *clean;
        int e;

        if (!r->base)
                return NULL;
        e = path_join_clean(r->base, w->text, &clean);
        if (e == 0)
                return clean;
        if (e == -ERANGE)
                lu_step_fault(r->faults, w->step, w->member, "'%s' leads out of the workspace",
                              w->text);
        return NULL;
}

/* Cleans and compiles a path of a list, and adds it to @set. A bad glob was reported before. */
static void add_pattern(struct resolver *r, const struct written *w, struct lu_pattern_set *set)
{
        _cleanup_(freep) char *clean = clean_local(r, w);

        if (clean)
                (void)lu_pattern_set_add(set, clean);
}

static void add_sync(struct resolver *r, size_t i)
{
        const struct lu_placed_step *step = &r->steps[i];
        const struct lu_sync *sync = step->step->sync;
        const struct written w = {step, "sync.localPath", sync->local_path};
        _cleanup_(freep) char *clean = clean_local(r, &w);
        struct lu_sync_rule *rule = &r->rules->syncs[r->rules->n_syncs];
        uint32_t mode = 0;

        if (!clean)
                return;
        r->rules->n_syncs++;
        rule->step = i;
        rule->write = sync->write;
        if (lu_text_is_glob(clean) && lu_pattern_new(clean, &rule->pattern) == 0)
                rule->local = xstrdup(lu_pattern_literal_prefix(rule->pattern));
        else
                rule->local = take_ptr(clean);
        if (path_clean_absolute(sync->container_path, &rule->container_path) < 0)
                rule->container_path = NULL; /* reported before */
        rule->into_directory = ends_with(sync->container_path, "/");
        rule->has_owner = sync->owner && lu_owner_parse(sync->owner, &rule->uid, &rule->gid) == 0;
        rule->has_mode = sync->mode && lu_mode_parse(sync->mode, &mode) == 0;
        rule->mode = mode;
        for (size_t k = 0; k < sync->ignore.n_items; k++)
                (void)lu_ignore_add(&rule->ignore, sync->ignore.items[k]); /* reported before */
}

static void add_run(struct resolver *r, size_t i)
{
        const struct lu_placed_step *step = &r->steps[i];
        const struct lu_run *run = step->step->run;
        struct lu_run_rule *rule = &r->rules->runs[r->rules->n_runs++];

        rule->step = i;
        rule->command = xstrdup(run->command);
        strv_copy(&rule->args, &run->args);
        rule->text = run->command ? xstrdup(run->command) : strv_join(&run->args, " ");
        rule->timeout_seconds = run->timeout_seconds;
        rule->echo = run->echo;
        if (!run->working_dir || path_clean_absolute(run->working_dir, &rule->working_dir) < 0)
                rule->working_dir = xstrdup("/");
        for (size_t k = 0; k < run->triggers.n_items; k++) {
                _cleanup_(freep) char *member = xasprintf("run.triggers[%zu]", k);
                const struct written w = {step, member, run->triggers.items[k]};

                add_pattern(r, &w, &rule->triggers);
        }
}

static void add_steps(struct resolver *r)
{
        struct lu_rules *rules = r->rules;

        rules->syncs = xcalloc(r->spec->n_steps + 1, sizeof(*rules->syncs));
        rules->runs = xcalloc(r->spec->n_steps + 1, sizeof(*rules->runs));
        for (size_t i = 0; i < r->spec->n_steps; i++) {
                if (r->steps[i].kind == LU_STEP_SYNC)
                        add_sync(r, i);
                else if (r->steps[i].kind == LU_STEP_RUN)
                        add_run(r, i);
                else if (r->steps[i].kind == LU_STEP_INITIAL_SYNC)
                        rules->initial_sync = true;
                else if (r->steps[i].kind == LU_STEP_RESTART_CONTAINER)
                        rules->restart = true;
        }
}

/* Watched roots */

static void add_root(struct resolver *r, const char *path, const struct lu_image *image)
{
        struct lu_rules *rules = r->rules;
        bool has_ignore_file = image && image->context;
        struct lu_root *root;

        for (size_t i = 0; i < rules->n_roots; i++) {
                root = &rules->roots[i];
                if (streq(root->path, path) && root->has_ignore_file == has_ignore_file &&
                    root->ignore.n_items == 0 && (!image || image->ignore.n_items == 0))
                        return;
        }
        rules->roots = xreallocarray(rules->roots, rules->n_roots + 1, sizeof(*rules->roots));
        root = &rules->roots[rules->n_roots++];
        *root = (struct lu_root){.path = xstrdup(path), .has_ignore_file = has_ignore_file};
        for (size_t i = 0; image && i < image->ignore.n_items; i++)
                (void)lu_ignore_add(&root->ignore, image->ignore.items[i]); /* reported before */
}

static void add_image_path(struct resolver *r, const struct lu_image *image, const char *text,
                           const char *place)
{
        _cleanup_(freep) char *clean = NULL;
        int e;

        if (!r->base)
                return;
        e = lu_text_is_glob(text) ? -ENOTSUP : path_join_clean(r->base, text, &clean);
        if (e == 0)
                add_root(r, clean, image);
        else if (e == -EINVAL)
                lu_check_fault(r->faults, NULL, place,
                               "'%s' is absolute: write it relative to the workspace", text);
        else if (e == -ERANGE)
                lu_check_fault(r->faults, NULL, place, "'%s' leads out of the workspace", text);
        else
                lu_check_fault(r->faults, NULL, place, "'%s' must not hold '*', '?' or '['", text);
}

/* The Dockerfile is not watched for itself, but it may not lie outside either. */
static void check_dockerfile(struct resolver *r, const struct lu_image *image, size_t i)
{
        _cleanup_(freep) char *place = xasprintf("spec.images[%zu].dockerfile", i);
        _cleanup_(freep) char *context = NULL;
        _cleanup_(freep) char *clean = NULL;
        int e;

        if (!r->base || !image->context || !image->dockerfile ||
            path_join_clean(r->base, image->context, &context) < 0)
                return;
        e = path_join_clean(context, image->dockerfile, &clean);
        if (e == -EINVAL)
                lu_check_fault(r->faults, NULL, place,
                               "'%s' is absolute: write it relative to the context",
                               image->dockerfile);
        else if (e < 0)
                lu_check_fault(r->faults, NULL, place, "'%s' leads out of the workspace",
                               image->dockerfile);
}

static void add_roots(struct resolver *r)
{
        for (size_t i = 0; i < r->spec->n_images; i++) {
                const struct lu_image *image = &r->spec->images[i];

                if (image->context) {
                        _cleanup_(freep) char *place = xasprintf("spec.images[%zu].context", i);

                        add_image_path(r, image, image->context, place);
                }
                for (size_t k = 0; k < image->deps.n_items; k++) {
                        _cleanup_(freep) char *place =
                                xasprintf("spec.images[%zu].deps[%zu]", i, k);

                        add_image_path(r, image, image->deps.items[k], place);
                }
                check_dockerfile(r, image, i);
        }
        for (size_t i = 0; r->spec->n_images == 0 && i < r->rules->n_syncs; i++)
                add_root(r, r->rules->syncs[i].local, NULL);
}

static bool overlaps(const char *a, const char *b)
{
        return path_is_below(a, b) || path_is_below(b, a);
}

/*
 * A path must lie below a root. A glob need not begin there ("**" begins at basePath), as long as
 * it can match something there.
 */
static bool is_watched(const struct lu_rules *rules, const char *path, bool is_glob)
{
        for (size_t i = 0; i < rules->n_roots; i++)
                if (is_glob ? overlaps(path, rules->roots[i].path)
                            : path_is_below(path, rules->roots[i].path))
                        return true;
        return false;
}

/* @local is the clean form of @w, without what is a glob in it. */
static void check_watched(struct resolver *r, const struct written *w, const char *local)
{
        const struct lu_rules *rules = r->rules;
        _cleanup_(str_done) struct str roots = {};

        if (rules->n_roots == 0 || is_watched(rules, local, lu_text_is_glob(w->text)))
                return;
        for (size_t i = 0; i < rules->n_roots && i < ROOTS_SHOWN; i++)
                str_appendf(&roots, "%s%s", i > 0 ? ", " : "",
                            rules->roots[i].path[0] ? rules->roots[i].path : ".");
        if (rules->n_roots > ROOTS_SHOWN)
                str_append(&roots, ", …");
        lu_step_fault(r->faults, w->step, w->member,
                      "'%s' is not below any watched directory (%s): there is no way for this file "
                      "to get into the image",
                      w->text, str_text(&roots));
}

static void add_fall_back(struct resolver *r, const struct lu_placed_step *step)
{
        const struct strv *files = &step->step->fall_back_on->files;
        struct lu_pattern_set *set = &r->rules->fall_back_on;

        for (size_t i = 0; i < files->n_items; i++) {
                _cleanup_(freep) char *member = xasprintf("fallBackOn.files[%zu]", i);
                const struct written w = {step, member, files->items[i]};
                size_t n_before = set->n_items;

                add_pattern(r, &w, set);
                if (set->n_items > n_before)
                        check_watched(r, &w, lu_pattern_literal_prefix(set->items[n_before]));
        }
}

static void check_syncs(struct resolver *r)
{
        for (size_t i = 0; i < r->rules->n_syncs; i++) {
                const struct lu_sync_rule *rule = &r->rules->syncs[i];
                const struct lu_placed_step *step = &r->steps[rule->step];
                const struct written w = {step, "sync.localPath", step->step->sync->local_path};

                check_watched(r, &w, rule->local);
        }
}

/* A trigger that no sync covers can never fire. */
static void check_triggers(struct resolver *r, const struct lu_run_rule *run)
{
        const struct lu_placed_step *step = &r->steps[run->step];
        const struct strv *texts = &step->step->run->triggers;

        for (size_t k = 0; k < run->triggers.n_items && run->triggers.n_items == texts->n_items;
             k++) {
                const char *prefix = lu_pattern_literal_prefix(run->triggers.items[k]);
                _cleanup_(freep) char *member = xasprintf("run.triggers[%zu]", k);
                bool covered = false;

                for (size_t i = 0; i < r->rules->n_syncs && !covered; i++)
                        covered = overlaps(prefix, r->rules->syncs[i].local);
                if (!covered)
                        lu_step_warning(r->faults, step, member,
                                        "'%s' is covered by no sync: it can never fire",
                                        texts->items[k]);
        }
}

/*
 * What is valid and not built yet, in the order of the document. A capability that comes to be
 * takes its line from here.
 */
static char *find_unsupported(const struct resolver *r)
{
        for (size_t i = 0; i < r->spec->n_steps; i++) {
                const struct lu_placed_step *step = &r->steps[i];

                if (step->kind == LU_STEP_RESTART_CONTAINER)
                        return xasprintf("%s.restartContainer", step->path);
                if (step->kind == LU_STEP_SYNC && step->step->sync->write == LU_WRITE_IN_PLACE)
                        return xasprintf("%s.sync.write", step->path);
        }
        if (r->spec->deploy)
                return xstrdup("spec.deploy");
        if (r->spec->inject)
                return xstrdup("spec.inject");
        if (r->spec->service_account_name)
                return xstrdup("spec.serviceAccountName");
        return NULL;
}

static void copy_scalars(struct resolver *r)
{
        const struct lu_spec *spec = r->spec;
        struct lu_rules *rules = r->rules;

        rules->has_images = spec->n_images > 0;
        rules->on_unmatched = spec->on_unmatched;
        rules->paused = spec->paused;
        if (spec->selector.workload) {
                rules->workload_kind = xstrdup(spec->selector.workload->kind);
                rules->workload_name = xstrdup(spec->selector.workload->name);
        }
        rules->labels = xstrdup(spec->selector.labels);
        rules->container = xstrdup(spec->selector.container);
        if (spec->n_images > 0)
                rules->last_image = xstrdup(spec->images[spec->n_images - 1].image);
        rules->unsupported = find_unsupported(r);
}

int lu_resolve(const struct lu_spec *spec, const char *namespace_, lu_find_step find,
               void *userdata, struct lu_faults *faults, struct lu_rules **ret_rules)
{
        _cleanup_(lu_rules_freep) struct lu_rules *rules = xcalloc(1, sizeof(*rules));
        struct resolver r = {.spec = spec, .faults = faults, .rules = rules};
        size_t n_before = faults->n_errors;

        insert_steps(&r, namespace_, find, userdata);
        lu_validate_spec(spec, faults);
        lu_validate_steps(r.steps, spec->n_steps, faults);
        resolve_base(&r);
        add_steps(&r);
        add_roots(&r);
        for (size_t i = 0; i < spec->n_steps; i++)
                if (r.steps[i].kind == LU_STEP_FALL_BACK_ON)
                        add_fall_back(&r, &r.steps[i]);
        check_syncs(&r);
        for (size_t i = 0; i < rules->n_runs; i++)
                check_triggers(&r, &rules->runs[i]);
        copy_scalars(&r);
        free(r.steps);
        free(r.base);
        if (faults->n_errors > n_before)
                return -EINVAL;
        *ret_rules = take_ptr(rules);
        return 0;
}
