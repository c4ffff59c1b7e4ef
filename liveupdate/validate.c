/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every check goes on after a fault, so a person sees all of them in one run; none depends on an
 * earlier one. The order of the steps is checked against what was seen before each step, so that
 * the message can name the neighbour that is in the way and not a rank.
 */
#include "liveupdate/validate.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "liveupdate/check.h"
#include "liveupdate/ignore.h"
#include "liveupdate/names.h"
#include "liveupdate/pattern.h"

struct step_fault {
        enum lu_severity severity;
        const struct lu_placed_step *step;
        const char *member;
};

static void add_fault(struct lu_faults *faults, const struct step_fault *fault, const char *text)
{
        const struct lu_placed_step *step = fault->step;
        const char *member = fault->member;
        _cleanup_(freep) char *path = NULL;
        const char *label;

        if (step->shared) {
                path = xasprintf("%s.use", step->path);
                label = step->path + strlen("spec.");
                lu_faults_add(faults, fault->severity, path, "%s: LiveUpdateStep '%s': %s%s%s",
                              label, step->shared, member, *member ? ": " : "", text);
                return;
        }
        path = xasprintf("%s%s%s", step->path, *member ? "." : "", member);
        label = starts_with(path, "spec.") ? path + strlen("spec.") : path;
        lu_faults_add(faults, fault->severity, path, "%s: %s", label, text);
}

void lu_step_fault(struct lu_faults *faults, const struct lu_placed_step *step, const char *member,
                   const char *format, ...)
{
        _cleanup_(freep) char *text = NULL;
        va_list args;

        va_start(args, format);
        if (vasprintf(&text, format, args) < 0)
                out_of_memory();
        va_end(args);
        add_fault(faults, &(struct step_fault){LU_SEVERITY_ERROR, step, member}, text);
}

void lu_step_warning(struct lu_faults *faults, const struct lu_placed_step *step,
                     const char *member, const char *format, ...)
{
        _cleanup_(freep) char *text = NULL;
        va_list args;

        va_start(args, format);
        if (vasprintf(&text, format, args) < 0)
                out_of_memory();
        va_end(args);
        add_fault(faults, &(struct step_fault){LU_SEVERITY_WARNING, step, member}, text);
}

int lu_owner_parse(const char *text, uint32_t *ret_uid, uint32_t *ret_gid)
{
        const char *colon = strchr(text, ':');
        _cleanup_(freep) char *user = NULL;
        uint64_t uid, gid;

        if (!colon)
                return -EINVAL;
        user = xstrndup(text, (size_t)(colon - text));
        /* The highest number means "leave it alone" to chown(2). */
        if (parse_u64(user, UINT32_MAX - 1, &uid) < 0 ||
            parse_u64(colon + 1, UINT32_MAX - 1, &gid) < 0)
                return -EINVAL;
        *ret_uid = (uint32_t)uid;
        *ret_gid = (uint32_t)gid;
        return 0;
}

int lu_mode_parse(const char *text, uint32_t *ret_mode)
{
        uint32_t mode = 0;

        if (*text == '\0' || strlen(text) > 5 || text[strspn(text, "01234567")] != '\0')
                return -EINVAL;
        for (; *text; text++)
                mode = mode << 3 | (uint32_t)(*text - '0');
        if (mode > 07777)
                return -EINVAL;
        *ret_mode = mode;
        return 0;
}

/* A local path as written: not absolute, and a glob that can be understood. */
static void check_local(const struct lu_placed_step *step, const char *member, const char *text,
                        struct lu_faults *faults)
{
        struct lu_pattern *pattern;

        if (text[0] == '/') {
                lu_step_fault(faults, step, member,
                              "'%s' is absolute: write it relative to the workspace", text);
                return;
        }
        if (lu_pattern_new(text, &pattern) < 0)
                lu_step_fault(faults, step, member, "'%s' is not a valid glob", text);
        else
                lu_pattern_free(pattern);
}

static void check_locals(const struct lu_placed_step *step, const char *member,
                         const struct strv *list, struct lu_faults *faults)
{
        for (size_t i = 0; i < list->n_items; i++) {
                _cleanup_(freep) char *item = xasprintf("%s[%zu]", member, i);

                check_local(step, item, list->items[i], faults);
        }
}

/* An absolute path in the container. */
static void check_container_path(const struct lu_placed_step *step, const char *member,
                                 const char *text, struct lu_faults *faults)
{
        _cleanup_(freep) char *clean = NULL;

        if (path_clean_absolute(text, &clean) == 0)
                return;
        if (text[0] != '/')
                lu_step_fault(faults, step, member, "'%s' is not absolute: it must begin with '/'",
                              text);
        else
                lu_step_fault(faults, step, member, "'%s' holds '..'", text);
}

static void check_sync(const struct lu_placed_step *step, struct lu_faults *faults)
{
        const struct lu_sync *sync = step->step->sync;
        struct lu_ignore ignore = {};
        uint32_t a, b;

        check_local(step, "sync.localPath", sync->local_path, faults);
        check_container_path(step, "sync.containerPath", sync->container_path, faults);
        if (sync->owner && lu_owner_parse(sync->owner, &a, &b) < 0)
                lu_step_fault(faults, step, "sync.owner", "'%s' is not \"uid:gid\" in numbers",
                              sync->owner);
        if (sync->mode && lu_mode_parse(sync->mode, &a) < 0)
                lu_step_fault(faults, step, "sync.mode",
                              "'%s' is not an octal mode such as \"0644\"", sync->mode);
        for (size_t i = 0; i < sync->ignore.n_items; i++) {
                _cleanup_(freep) char *member = xasprintf("sync.ignore[%zu]", i);

                if (lu_ignore_add(&ignore, sync->ignore.items[i]) < 0)
                        lu_step_fault(faults, step, member, "'%s' is not a valid pattern",
                                      sync->ignore.items[i]);
        }
        lu_ignore_done(&ignore);
}

static void check_run(const struct lu_placed_step *step, struct lu_faults *faults)
{
        const struct lu_run *run = step->step->run;

        if (run->command && run->args.n_items > 0)
                lu_step_fault(faults, step, "run",
                              "holds command and args: exactly one of them is allowed");
        if (!run->command && run->args.n_items == 0)
                lu_step_fault(faults, step, "run",
                              "command (for sh -c) or args (a list of words) is missing");
        if (run->args.n_items > 0 && run->args.items[0][0] == '\0')
                lu_step_fault(faults, step, "run.args[0]", "the program's name is empty");
        if (run->working_dir)
                check_container_path(step, "run.workingDir", run->working_dir, faults);
        check_locals(step, "run.triggers", &run->triggers, faults);
}

/* None, or several keys. */
static void check_keys(const struct lu_placed_step *step, struct lu_faults *faults)
{
        const struct lu_step *s = step->step;
        const bool given[LU_STEP_KIND_MAX] = {
                [LU_STEP_INITIAL_SYNC] = s->initial_sync,
                [LU_STEP_FALL_BACK_ON] = s->fall_back_on,
                [LU_STEP_SYNC] = s->sync,
                [LU_STEP_RUN] = s->run,
                [LU_STEP_RESTART_CONTAINER] = s->restart_container,
                [LU_STEP_USE] = s->use,
        };
        _cleanup_(str_done) struct str keys = {};

        for (size_t i = 0; i < LU_STEP_KIND_MAX; i++)
                if (given[i])
                        str_appendf(&keys, "%s%s", keys.len > 0 ? ", " : "", lu_step_keys[i]);
        if (step->shared)
                lu_step_fault(faults, step, "", "it is not valid itself");
        else if (keys.len > 0)
                lu_step_fault(faults, step, "", "exactly one key is allowed, not %s",
                              str_text(&keys));
        else
                lu_step_fault(faults, step, "",
                              "it is empty: one of initialSync, fallBackOn, sync, run, "
                              "restartContainer%s is missing",
                              streq(step->path, "spec") ? "" : ", use");
}

void lu_validate_step(const struct lu_placed_step *step, struct lu_faults *faults)
{
        switch (step->kind) {
        case LU_STEP_KIND_MAX:
                check_keys(step, faults);
                break;
        case LU_STEP_FALL_BACK_ON:
                check_locals(step, "fallBackOn.files", &step->step->fall_back_on->files, faults);
                break;
        case LU_STEP_SYNC:
                check_sync(step, faults);
                break;
        case LU_STEP_RUN:
                check_run(step, faults);
                break;
        default:
                break;
        }
}

/* What is wrong with a step of @kind behind those in @seen, or NULL. */
static const char *misplaced(enum lu_step_kind kind, const bool *seen, size_t i)
{
        if (kind == LU_STEP_INITIAL_SYNC && seen[LU_STEP_INITIAL_SYNC])
                return "there is a second initialSync";
        if (kind == LU_STEP_RESTART_CONTAINER && seen[LU_STEP_RESTART_CONTAINER])
                return "there is a second restartContainer";
        if (seen[LU_STEP_RESTART_CONTAINER])
                return "nothing may follow restartContainer";
        if (kind == LU_STEP_INITIAL_SYNC && i > 0)
                return "initialSync must be the first step";
        if (kind == LU_STEP_FALL_BACK_ON && seen[LU_STEP_SYNC])
                return "fallBackOn must come before sync";
        if (kind == LU_STEP_FALL_BACK_ON && seen[LU_STEP_RUN])
                return "fallBackOn must come before run";
        if (kind == LU_STEP_SYNC && seen[LU_STEP_RUN])
                return "sync must come before run";
        return NULL;
}

void lu_validate_steps(const struct lu_placed_step *steps, size_t n_steps, struct lu_faults *faults)
{
        bool seen[LU_STEP_KIND_MAX + 1] = {};

        for (size_t i = 0; i < n_steps; i++) {
                const char *problem = misplaced(steps[i].kind, seen, i);

                if (problem)
                        lu_step_fault(faults, &steps[i], "", "%s", problem);
                seen[steps[i].kind] = true;
                lu_validate_step(&steps[i], faults);
        }
        /* A step that is not known may be the one that is missing. */
        if (!seen[LU_STEP_SYNC] && !seen[LU_STEP_RUN] && !seen[LU_STEP_USE] &&
            !seen[LU_STEP_KIND_MAX])
                lu_faults_add(faults, LU_SEVERITY_ERROR, "spec.steps",
                              "steps: at least one sync or run is needed");
}

/* Images and selector */

static void check_build_args(const struct lu_image *image, const char *path,
                             struct lu_faults *faults)
{
        for (size_t i = 0; i < image->n_build_args; i++) {
                _cleanup_(freep) char *place = xasprintf("%s.buildArgs[%zu].name", path, i);
                const char *name = image->build_args[i].name;

                if (strpbrk(name, "= \t\n"))
                        lu_check_fault(faults, NULL, place, "'%s' is not a name", name);
        }
}

static void check_builds_by(const struct lu_image *image, const char *path,
                            struct lu_faults *faults)
{
        bool by_command = image->command.n_items > 0;

        if (image->context && by_command)
                lu_check_fault(faults, NULL, path,
                               "holds context and command: exactly one of them is allowed");
        if (!image->context && !by_command)
                lu_check_fault(faults, NULL, path, "context or command is missing");
        if (by_command && image->deps.n_items == 0)
                lu_check_fault(faults, NULL, path,
                               "command needs deps: without them nothing is watched");
        if (!by_command && image->deps.n_items > 0)
                lu_check_fault(faults, NULL, path, "deps needs command: a context is watched");
        if (by_command && (image->dockerfile || image->target || image->n_build_args > 0))
                lu_check_fault(faults, NULL, path,
                               "dockerfile, target and buildArgs need a context");
}

static void check_image_ignore(const struct lu_image *image, const char *path,
                               struct lu_faults *faults)
{
        struct lu_ignore ignore = {};

        for (size_t i = 0; i < image->ignore.n_items; i++) {
                _cleanup_(freep) char *place = xasprintf("%s.ignore[%zu]", path, i);

                if (lu_ignore_add(&ignore, image->ignore.items[i]) < 0)
                        lu_check_fault(faults, NULL, place, "'%s' is not a valid pattern",
                                       image->ignore.items[i]);
        }
        lu_ignore_done(&ignore);
}

static void check_image(const struct lu_spec *spec, size_t i, struct lu_faults *faults)
{
        const struct lu_image *image = &spec->images[i];
        _cleanup_(freep) char *path = xasprintf("spec.images[%zu]", i);
        _cleanup_(freep) char *place = xasprintf("%s.image", path);
        const char *problem = lu_repository_problem(image->image);

        if (problem)
                lu_check_fault(faults, NULL, place, "'%s' %s", image->image, problem);
        for (size_t k = 0; k < i; k++)
                if (streq(spec->images[k].image, image->image))
                        lu_check_fault(faults, NULL, place, "'%s' is images[%zu] already",
                                       image->image, k);
        check_builds_by(image, path, faults);
        check_build_args(image, path, faults);
        check_image_ignore(image, path, faults);
}

static void check_name(const char *name, const char *path, struct lu_faults *faults)
{
        if (name && !lu_is_dns_name(name))
                lu_check_fault(faults, NULL, path,
                               "'%s' is not a name: lower-case letters, digits, '-' and '.' are",
                               name);
}

static void check_selector(const struct lu_selector_spec *selector, struct lu_faults *faults)
{
        _cleanup_(err_done) struct err err = {};

        if (selector->workload && selector->labels)
                lu_check_fault(faults, NULL, "spec.selector",
                               "holds workload and labels: exactly one of them is allowed");
        if (!selector->workload && !selector->labels)
                lu_check_fault(faults, NULL, "spec.selector", "workload or labels is missing");
        if (selector->workload)
                check_name(selector->workload->name, "spec.selector.workload.name", faults);
        if (selector->labels && lu_label_selector_check(selector->labels, &err) < 0)
                lu_check_fault(faults, NULL, "spec.selector.labels",
                               "'%s' is not a label selector: %s", selector->labels,
                               err_text(&err));
        check_name(selector->container, "spec.selector.container", faults);
}

void lu_validate_spec(const struct lu_spec *spec, struct lu_faults *faults)
{
        for (size_t i = 0; i < spec->n_images; i++)
                check_image(spec, i, faults);
        check_selector(&spec->selector, faults);
        check_name(spec->service_account_name, "spec.serviceAccountName", faults);
        if (spec->deploy && spec->deploy->command.items[0][0] == '\0')
                lu_check_fault(faults, NULL, "spec.deploy.command[0]",
                               "the program's name is empty");
        if (spec->deploy && spec->n_images == 0)
                lu_check_fault(faults, NULL, "spec.deploy",
                               "there is nothing to deploy without images");
}
