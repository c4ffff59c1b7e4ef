/* SPDX-License-Identifier: Apache-2.0 */
#include "liveupdate/plan.h"

#include <inttypes.h>

static const char *const action_names[] = {
        [LU_ACTION_NOTHING] = "NOTHING", [LU_ACTION_START] = "START", [LU_ACTION_KEEP] = "KEEP",
        [LU_ACTION_WAIT] = "WAIT",       [LU_ACTION_FAIL] = "FAIL",   [LU_ACTION_BUILD] = "BUILD",
};

static void format_update(const struct lu_update *update, struct str *out)
{
        str_appendf(out, " r%" PRIu64, update->revision);
        for (size_t i = 0; i < update->n_items; i++) {
                const struct lu_update_item *item = &update->items[i];
                char sign = item->kind == LU_KIND_ABSENT ? '-' : item->flipped ? '!' : '+';

                str_appendf(out, " %c%s", sign, item->destination);
                if (item->kind == LU_KIND_DIRECTORY)
                        str_append_char(out, '/');
                if (item->kind == LU_KIND_SYMLINK)
                        str_append_char(out, '@');
        }
        for (size_t i = 0; i < update->n_runs; i++)
                str_appendf(out, " run%zu", update->runs[i].index);
        if (update->restart)
                str_append(out, " restart");
}

void lu_plan_format(const struct lu_plan *plan, struct str *out)
{
        for (size_t i = 0; i < plan->n_targets; i++) {
                const struct lu_target_plan *t = &plan->targets[i];

                str_appendf(out, "%s/%s %s", t->pod, t->container, action_names[t->action]);
                if (t->action == LU_ACTION_START)
                        format_update(t->update, out);
                else
                        str_appendf(out, " %s", lu_reason_name(t->reason));
                if (t->until)
                        str_appendf(out, " until %" PRIu64, t->until);
                str_append_char(out, '\n');
        }
        str_appendf(out, "%s %s", plan->ready ? "ready" : "not-ready",
                    lu_reason_name(plan->reason));
        if (plan->rebuild_required)
                str_appendf(out, " rebuild %s %s", lu_reason_name(plan->rebuild_reason),
                            plan->rebuild_path);
        if (plan->unmatched_path)
                str_appendf(out, " unmatched %s", plan->unmatched_path);
        str_append_char(out, '\n');
}
