/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A spec's memory comes from libcyaml (liveupdate/load.c), which uses our allocator, and goes back
 * through libcyaml, so that no list of members is written down twice. What is built by hand with
 * malloc() and the functions of strv can be freed in the same way.
 */
#include "liveupdate/spec.h"

#include "base/mem.h"
#include "liveupdate/load.h"
#include "liveupdate/schema.h"

const char *const lu_step_keys[LU_STEP_KIND_MAX] = {
        [LU_STEP_INITIAL_SYNC] = "initialSync",
        [LU_STEP_FALL_BACK_ON] = "fallBackOn",
        [LU_STEP_SYNC] = "sync",
        [LU_STEP_RUN] = "run",
        [LU_STEP_RESTART_CONTAINER] = "restartContainer",
        [LU_STEP_USE] = "use",
};

enum lu_step_kind lu_step_kind(const struct lu_step *step)
{
        const void *const members[LU_STEP_KIND_MAX] = {
                [LU_STEP_INITIAL_SYNC] = step->initial_sync,
                [LU_STEP_FALL_BACK_ON] = step->fall_back_on,
                [LU_STEP_SYNC] = step->sync,
                [LU_STEP_RUN] = step->run,
                [LU_STEP_RESTART_CONTAINER] = step->restart_container,
                [LU_STEP_USE] = step->use,
        };
        enum lu_step_kind kind = LU_STEP_KIND_MAX;

        for (size_t i = 0; i < LU_STEP_KIND_MAX; i++) {
                if (!members[i])
                        continue;
                if (kind != LU_STEP_KIND_MAX)
                        return LU_STEP_KIND_MAX;
                kind = i;
        }
        return kind;
}

void lu_spec_free(struct lu_spec *spec)
{
        lu_unload(spec, &lu_spec_schema_full);
}

void lu_spec_done(struct lu_spec *spec)
{
        lu_spec_free(xmemdup(spec, sizeof(*spec)));
        *spec = (struct lu_spec){};
}

void lu_shared_step_free(struct lu_shared_step *step)
{
        lu_unload(step, &lu_shared_step_schema_full);
}
