/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "base/mem.h"
#include "base/strv.h"

static void a_vector_ends_with_null_and_joins(void **state)
{
        _cleanup_(strv_done) struct strv v = {}, copy = {};
        _cleanup_(freep) char *joined = NULL;

        for (int i = 0; i < 20; i++)
                strv_pushf(&v, "%d", i);
        assert_int_equal(v.n_items, 20);
        assert_null(v.items[20]);
        assert_true(strv_contains(&v, "19"));
        assert_false(strv_contains(&v, "20"));
        strv_copy(&copy, &v);
        assert_true(strv_equal(&copy, &v));
        strv_push(&copy, "x");
        assert_false(strv_equal(&copy, &v));
        strv_done(&v);
        joined = strv_join(&v, ",");
        assert_string_equal(joined, "");
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(a_vector_ends_with_null_and_joins)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
