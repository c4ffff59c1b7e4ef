/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

/*
 * The status of a plan that is written down by hand: what is in it, that it is the same for the
 * same, that transition times move only with their status, and that whatever bytes come from
 * outside, it is JSON of bounded size.
 */

#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "liveupdate/status.h"

#define SECOND UINT64_C(1000000000)

struct scene {
        struct lu_plan plan;
        struct lu_memory *memories[2];
        size_t n_memories;
};

static struct lu_target_plan target(size_t i, enum lu_action action, enum lu_reason reason)
{
        return (struct lu_target_plan){
                .namespace_ = xstrdup("shop"),
                .pod = xasprintf("p%zu", i),
                .pod_uid = xasprintf("uid-%zu", i),
                .container = xstrdup("app"),
                .container_id = xstrdup("id"),
                .action = action,
                .reason = reason,
        };
}

static void plan_begin(struct scene *s, size_t n, enum lu_action action, enum lu_reason reason)
{
        s->plan = (struct lu_plan){
                .targets = xcalloc(n, sizeof(*s->plan.targets)),
                .n_targets = n,
                .revision = 7,
                .ready = action == LU_ACTION_NOTHING,
                .reason = reason,
                .message = xstrdup("as it is"),
        };
        for (size_t i = 0; i < n; i++)
                s->plan.targets[i] = target(i, action, reason);
}

static void scene_end(struct scene *s)
{
        lu_plan_done(&s->plan);
        for (size_t i = 0; i < s->n_memories; i++)
                lu_memory_free(s->memories[i]);
}

static json_t *status_at(struct scene *s, uint64_t now, const json_t *previous)
{
        const struct lu_world world = {
                .memories = (const struct lu_memory *const *)s->memories,
                .n_memories = s->n_memories,
        };
        const struct lu_status_params params = {.world = &world,
                                                .plan = &s->plan,
                                                .generation = 3,
                                                .now = now,
                                                .previous = previous};

        return lu_status_json(&params);
}

static const json_t *condition(const json_t *status, const char *type)
{
        const json_t *c;
        size_t i;

        json_array_foreach(json_object_get(status, "conditions"), i, c)
                if (streq(json_string_value(json_object_get(c, "type")), type))
                        return c;
        fail_msg("no condition %s", type);
        return NULL;
}

static const char *field(const json_t *object, const char *key)
{
        return json_string_value(json_object_get(object, key));
}

static long long count(const json_t *status, const char *key)
{
        return json_integer_value(json_object_get(json_object_get(status, "targets"), key));
}

static void the_same_is_the_same(void **state)
{
        struct scene s = {};
        json_t *first, *second;

        plan_begin(&s, 2, LU_ACTION_NOTHING, LU_REASON_SYNCED);
        first = status_at(&s, 10 * SECOND, NULL);
        second = status_at(&s, 99 * SECOND, first);
        assert_true(json_equal(first, second));
        assert_string_equal(field(condition(first, "Ready"), "status"), "True");
        assert_string_equal(field(condition(first, "Synced"), "status"), "True");
        assert_string_equal(field(condition(first, "RebuildRequired"), "status"), "False");
        assert_string_equal(field(condition(first, "LastRunFailed"), "status"), "False");
        assert_string_equal(field(json_object_get(first, "targets"), "summary"), "2/2");
        assert_null(json_object_get(first, "lastUpdateTime"));
        json_decref(first);
        json_decref(second);
        scene_end(&s);
}

static void a_time_moves_with_its_status_alone(void **state)
{
        struct scene s = {};
        json_t *first, *second;

        plan_begin(&s, 1, LU_ACTION_NOTHING, LU_REASON_SYNCED);
        first = status_at(&s, 10 * SECOND, NULL);
        lu_plan_done(&s.plan);
        plan_begin(&s, 1, LU_ACTION_FAIL, LU_REASON_DISK_FULL);
        s.plan.targets[0].message = xstrdup("full");
        second = status_at(&s, 20 * SECOND, first);
        assert_string_equal(field(condition(second, "Ready"), "lastTransitionTime"),
                            "1970-01-01T00:00:20Z");
        assert_string_equal(field(condition(second, "Ready"), "reason"), "DiskFull");
        assert_string_equal(field(condition(second, "LastRunFailed"), "lastTransitionTime"),
                            "1970-01-01T00:00:10Z");
        assert_int_equal(count(second, "failed"), 1);
        assert_int_equal(count(second, "synced"), 0);
        json_decref(first);
        json_decref(second);
        scene_end(&s);
}

static void a_failed_run_is_told_with_its_container(void **state)
{
        struct scene s = {};
        struct lu_outcome outcome = {
                .applied = true, .run_failed = true, .run_message = "make: 2", .protocol = "v5"};
        json_t *status;

        plan_begin(&s, 2, LU_ACTION_NOTHING, LU_REASON_SYNCED);
        s.memories[s.n_memories++] = lu_memory_new("uid-1", "app", "id");
        lu_memory_begin(s.memories[0], 7);
        lu_memory_end(s.memories[0], &outcome,
                      &(struct lu_moment){.ms = 0, .wall = 5 * SECOND, .jitter = 0});
        status = status_at(&s, 10 * SECOND, NULL);
        assert_string_equal(field(condition(status, "LastRunFailed"), "status"), "True");
        assert_string_equal(field(condition(status, "LastRunFailed"), "message"),
                            "p1/app: make: 2");
        assert_string_equal(field(status, "lastUpdateTime"), "1970-01-01T00:00:05Z");
        json_decref(status);
        scene_end(&s);
}

static void of_many_the_troubled_come_first(void **state)
{
        struct scene s = {};
        json_t *status, *containers;

        plan_begin(&s, 150, LU_ACTION_NOTHING, LU_REASON_SYNCED);
        s.plan.targets[140].action = LU_ACTION_WAIT;
        s.plan.targets[149].action = LU_ACTION_FAIL;
        status = status_at(&s, 10 * SECOND, NULL);
        containers = json_object_get(status, "containers");
        assert_int_equal(json_array_size(containers), LIMIT_STATUS_CONTAINERS);
        assert_string_equal(field(json_array_get(containers, 0), "pod"), "p149");
        assert_string_equal(field(json_array_get(containers, 1), "pod"), "p140");
        assert_int_equal(count(status, "matched"), 150);
        assert_int_equal(count(status, "synced"), 148);
        assert_string_equal(field(condition(status, "Synced"), "status"), "False");
        json_decref(status);
        scene_end(&s);
}

static void any_bytes_make_json(void **state)
{
        /* A character of two bytes lies across the bound, wherever that is. */
        for (size_t shift = 0; shift < 2; shift++) {
                struct scene s = {};
                struct str long_text = {};
                json_t *status;
                char *text;

                for (size_t i = 0; i < shift; i++)
                        str_append(&long_text, "x");
                while (long_text.len < 2 * LIMIT_CONDITION_MESSAGE)
                        str_append(&long_text, "\xc3\xa4");
                plan_begin(&s, 1, LU_ACTION_BUILD, LU_REASON_REBUILD_REQUIRED);
                s.plan.rebuild_required = true;
                s.plan.rebuild_reason = LU_REASON_FALL_BACK_ON;
                s.plan.rebuild_path = xstrdup("\xff\xfe\n\"");
                s.plan.targets[0].message = str_take(&long_text);
                status = status_at(&s, 10 * SECOND, NULL);
                text = json_dumps(status, JSON_COMPACT);
                assert_non_null(text);
                assert_string_equal(field(condition(status, "RebuildRequired"), "message"),
                                    "FallBackOn: \\xff\\xfe\\n\"");
                assert_in_range(
                        strlen(field(json_array_get(json_object_get(status, "containers"), 0),
                                     "message")),
                        100, LIMIT_CONDITION_MESSAGE);
                free(text);
                json_decref(status);
                scene_end(&s);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_same_is_the_same),
                cmocka_unit_test(a_time_moves_with_its_status_alone),
                cmocka_unit_test(a_failed_run_is_told_with_its_container),
                cmocka_unit_test(of_many_the_troubled_come_first),
                cmocka_unit_test(any_bytes_make_json),
        };

        return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
