/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>

#include "base/mem.h"
#include "base/timestamp.h"

static void rfc3339_is_read_and_written(void **state)
{
        static const struct {
                const char *text;
                int r;
                uint64_t nsec;
        } rows[] = {
                {"1970-01-01T00:00:00Z", 0, 0},
                {"2026-01-02T03:04:05Z", 0, UINT64_C(1767323045) * NSEC_PER_SEC},
                {"2026-01-02T03:04:05.25Z", 0, UINT64_C(1767323045) * NSEC_PER_SEC + 250000000},
                {"2026-01-02T05:04:05+02:00", 0, UINT64_C(1767323045) * NSEC_PER_SEC},
                {"2026-01-02", -EINVAL, 0},
                {"2026-01-02T03:04:05", -EINVAL, 0},
                {"2026-01-02T03:04:05.Z", -EINVAL, 0},
                {"2026-01-02T03:04:05Zx", -EINVAL, 0},
                {"", -EINVAL, 0},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                uint64_t nsec = 0;

                assert_int_equal(timestamp_parse(rows[i].text, &nsec), rows[i].r);
                assert_true(nsec == rows[i].nsec);
        }
        char text[TIMESTAMP_TEXT_SIZE];
        timestamp_format(UINT64_C(1767323045) * NSEC_PER_SEC + 999, text);
        assert_string_equal(text, "2026-01-02T03:04:05Z");
        _cleanup_(freep) char *micro =
                timestamp_format_micro(UINT64_C(1767323045) * NSEC_PER_SEC + 42000);
        assert_string_equal(micro, "2026-01-02T03:04:05.000042Z");
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(rfc3339_is_read_and_written)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
