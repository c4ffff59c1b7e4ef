/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From written objects to rules that can be applied: `use` steps are replaced by the shared steps
 * they name, paths are cleaned against basePath, and the law of 3.1 and 3.2 is checked.
 */

#include "liveupdate/manifest.h"
#include "liveupdate/rules.h"

/* How resolve finds a LiveUpdateStep: NULL when there is none of that name in @namespace_. */
typedef const struct lu_shared_step *(*lu_find_step)(void *userdata, const char *namespace_,
                                                     const char *name);

/*
 * Builds the rules of @spec. Every fault of 3.1 and 3.2 is added to @faults with its path in the
 * object ("spec.steps[3]…"); with an error among them -EINVAL is returned and *ret_rules is
 * untouched. Warnings alone do not fail.
 */
int lu_resolve(const struct lu_spec *spec, const char *namespace_, lu_find_step find,
               void *userdata, struct lu_faults *faults, struct lu_rules **ret_rules);

/*
 * Resolves a whole set, as `validate` and `run -f` do: adds a fault for every LiveUpdateStep that
 * no LiveUpdate uses, and for two objects of one name. ret_rules has one entry for each item of
 * @objects (NULL for steps and for invalid ones); the caller frees the entries and the array.
 */
void lu_resolve_all(const struct lu_objects *objects, struct lu_faults *faults,
                    struct lu_rules ***ret_rules);
