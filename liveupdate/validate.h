/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The law of a spec as far as it can be told without knowing which directories are watched: the
 * order of the steps, exactly-one-of, and the syntax of every value. What needs the watched
 * directories is in liveupdate/resolve.c.
 */

#include "liveupdate/manifest.h"
#include "liveupdate/spec.h"

/* A step in its place in spec.steps, or the one of a LiveUpdateStep. Everything is borrowed. */
struct lu_placed_step {
        const struct lu_step *step;
        enum lu_step_kind kind; /* LU_STEP_USE: the step it names is not known */
        const char *shared;     /* the name of the LiveUpdateStep that was inserted, or NULL */
        char path[40];          /* "spec.steps[3]"; "spec" in a LiveUpdateStep */
};

/*
 * Adds a fault of a step: an error, or a warning. @member ("sync.localPath", or "" for the step
 * itself) extends the path of a step that stands there; a fault within an inserted step is one of
 * the `use`, and names it.
 */
void lu_step_fault(struct lu_faults *faults, const struct lu_placed_step *step, const char *member,
                   const char *format, ...) _printf_(4, 5);
void lu_step_warning(struct lu_faults *faults, const struct lu_placed_step *step,
                     const char *member, const char *format, ...) _printf_(4, 5);

/* Order, number and content of the steps. */
void lu_validate_steps(const struct lu_placed_step *steps, size_t n_steps,
                       struct lu_faults *faults);
/* The content of one step. */
void lu_validate_step(const struct lu_placed_step *step, struct lu_faults *faults);
/* Images, selector and the scalars of the spec. */
void lu_validate_spec(const struct lu_spec *spec, struct lu_faults *faults);

/* "1000:1000" and "0644"; -EINVAL. */
int lu_owner_parse(const char *text, uint32_t *ret_uid, uint32_t *ret_gid);
int lu_mode_parse(const char *text, uint32_t *ret_mode);
