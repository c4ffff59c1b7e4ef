/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "kube/backoff.h"

static void waits_double_up_to_half_a_minute(void **state)
{
        static const uint64_t expected[] = {800, 1600, 3200, 6400, 12800, 25600, 30000, 30000};
        struct kube_backoff b = {};
        uint64_t now = 1000;

        for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
                uint64_t wait = kube_backoff_next(&b, now, 0);

                assert_int_equal(wait, expected[i]);
                now += wait;
        }
}

static void chance_adds_up_to_as_much_again(void **state)
{
        uint64_t low = UINT64_MAX, high = 0;

        for (uint64_t random = 0; random <= 800; random++) {
                struct kube_backoff b = {};
                uint64_t wait = kube_backoff_next(&b, 0, random);

                low = wait < low ? wait : low;
                high = wait > high ? wait : high;
        }
        assert_int_equal(low, 800);
        assert_int_equal(high, 1600);
        assert_true(kube_backoff_next(&(struct kube_backoff){}, 0, UINT64_MAX) <= 1600);
}

static void two_healthy_minutes_begin_anew(void **state)
{
        struct kube_backoff b = {};
        uint64_t until;

        kube_backoff_next(&b, 0, 0);
        until = kube_backoff_next(&b, 800, 0) + 800;
        assert_int_equal(kube_backoff_next(&b, until + 119999, 0), 3200);
        until += 119999 + 3200;
        assert_int_equal(kube_backoff_next(&b, until + 120000, 0), 800);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(waits_double_up_to_half_a_minute),
                cmocka_unit_test(chance_adds_up_to_as_much_again),
                cmocka_unit_test(two_healthy_minutes_begin_anew),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
