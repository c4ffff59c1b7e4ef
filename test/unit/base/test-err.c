/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>

#include "base/err.h"

static void a_message_is_set_wrapped_and_replaced(void **state)
{
        _cleanup_(err_done) struct err err = {};

        assert_string_equal(err_text(&err), "unknown error");
        assert_int_equal(err_set(&err, -EINVAL, "parsing '%s'", "x"), -EINVAL);
        assert_int_equal(err_wrap(&err, -EINVAL, "reading %d", 7), -EINVAL);
        assert_string_equal(err_text(&err), "reading 7: parsing 'x'");
        err_errno(&err, -ENOENT, "opening '%s'", "f");
        assert_string_equal(err_text(&err), "opening 'f': No such file or directory");
}

static void nobody_has_to_listen(void **state)
{
        assert_int_equal(err_set(NULL, -EIO, "x"), -EIO);
        assert_int_equal(err_wrap(NULL, -EIO, "x"), -EIO);
        assert_int_equal(err_errno(NULL, -EIO, "x"), -EIO);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_message_is_set_wrapped_and_replaced),
                cmocka_unit_test(nobody_has_to_listen),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
