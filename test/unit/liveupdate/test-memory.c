/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "liveupdate/memory.h"

static const struct lu_outcome lost = {
        .reason = LU_REASON_CONNECTION_LOST, .message = "lost", .retry_helps = true};

static void a_container_is_an_instance(void **state)
{
        struct lu_memory *m = lu_memory_new("uid", "app", "id-1");

        assert_true(lu_memory_is(m, "uid", "app", "id-1"));
        assert_false(lu_memory_is(m, "uid", "app", "id-2"));
        assert_false(lu_memory_is(m, "uid", "other", "id-1"));
        assert_false(lu_memory_is(m, "uid", "app", NULL));
        lu_memory_free(m);
}

static void what_was_applied_is_what_it_has(void **state)
{
        struct lu_memory *m = lu_memory_new("uid", "app", "id");
        const struct lu_outcome applied = {
                .applied = true, .files = 2, .deleted = 1, .bytes = 30, .protocol = "v5"};

        lu_memory_begin(m, 7);
        assert_true(m->updating);
        assert_false(m->has_revision);
        lu_memory_end(m, &applied, &(struct lu_moment){.ms = 1000, .wall = 99, .jitter = 0});
        assert_false(m->updating);
        assert_true(m->has_revision);
        assert_int_equal(m->revision, 7);
        assert_int_equal(m->updated_at, 99);
        assert_int_equal(m->files, 2);
        assert_string_equal(m->protocol, "v5");
        lu_memory_free(m);
}

static void what_failed_or_was_cancelled_is_not_had(void **state)
{
        struct lu_memory *m = lu_memory_new("uid", "app", "id");

        lu_memory_begin(m, 7);
        lu_memory_end(m, &lost, &(struct lu_moment){.ms = 1000, .wall = 99, .jitter = 0});
        assert_false(m->has_revision);
        assert_int_equal(m->failed_revision, 7);
        assert_int_equal(m->failure, LU_REASON_CONNECTION_LOST);
        assert_string_equal(m->failure_message, "lost");
        lu_memory_begin(m, 8);
        lu_memory_cancel(m);
        assert_false(m->updating);
        assert_false(m->has_revision);
        assert_int_equal(m->n_failures, 1);
        assert_int_equal(m->updated_at, 0);
        lu_memory_free(m);
}

static void the_back_off_doubles_up_to_half_a_minute(void **state)
{
        const uint64_t waits[] = {200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000};
        struct lu_memory *m = lu_memory_new("uid", "app", "id");

        for (size_t i = 0; i < ARRAY_SIZE(waits); i++) {
                lu_memory_begin(m, 1);
                lu_memory_end(m, &lost, &(struct lu_moment){.ms = 1000, .wall = 0, .jitter = 0});
                assert_int_equal(m->retry_at - 1000, waits[i]);
        }
        for (size_t i = 0; i < 100; i++)
                lu_memory_end(m, &lost, &(struct lu_moment){.ms = 1000, .wall = 0, .jitter = 1023});
        assert_in_range(m->retry_at - 1000, 30000, 37500);
        lu_memory_end(m, &(struct lu_outcome){.applied = true},
                      &(struct lu_moment){.ms = 1000, .wall = 0, .jitter = 0});
        lu_memory_end(m, &lost, &(struct lu_moment){.ms = 1000, .wall = 0, .jitter = 0});
        assert_int_equal(m->retry_at - 1000, 200);
        lu_memory_free(m);
}

static void a_failed_run_is_owed_until_it_succeeds(void **state)
{
        struct lu_memory *m = lu_memory_new("uid", "app", "id");
        struct lu_outcome failed = {
                .applied = true, .run_failed = true, .run_message = "make: 2", .protocol = ""};

        lu_run_set_add(&failed.unfinished, 1);
        lu_run_set_add(&failed.unfinished, 64);
        lu_memory_begin(m, 1);
        lu_memory_end(m, &failed, &(struct lu_moment){.ms = 0, .wall = 1, .jitter = 0});
        assert_true(m->run_failed);
        assert_true(lu_run_set_has(&m->owed, 1));
        assert_true(lu_run_set_has(&m->owed, 64));
        /* An update that does not get that far forgives nothing. */
        lu_memory_begin(m, 2);
        lu_memory_end(m, &lost, &(struct lu_moment){.ms = 0, .wall = 1, .jitter = 0});
        assert_true(m->run_failed);
        assert_string_equal(m->run_message, "make: 2");
        assert_true(lu_run_set_has(&m->owed, 1));
        lu_memory_begin(m, 2);
        lu_memory_end(m, &(struct lu_outcome){.applied = true},
                      &(struct lu_moment){.ms = 0, .wall = 1, .jitter = 0});
        assert_false(m->run_failed);
        assert_null(m->run_message);
        assert_true(lu_run_set_empty(&m->owed));
        lu_memory_free(m);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_container_is_an_instance),
                cmocka_unit_test(what_was_applied_is_what_it_has),
                cmocka_unit_test(what_failed_or_was_cancelled_is_not_had),
                cmocka_unit_test(the_back_off_doubles_up_to_half_a_minute),
                cmocka_unit_test(a_failed_run_is_owed_until_it_succeeds),
        };

        return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
