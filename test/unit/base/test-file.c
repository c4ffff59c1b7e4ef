/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>

#include "base/file.h"
#include "base/mem.h"

static void a_file_is_read_whole_or_not_at_all(void **state)
{
        char name[] = "/tmp/sluice-test-file-XXXXXX";
        _cleanup_(closep) int fd = mkstemp(name);
        _cleanup_(str_done) struct str content = {};
        _cleanup_(err_done) struct err err = {};

        assert_true(fd >= 0);
        assert_int_equal(write(fd, "a\0b", 3), 3);
        assert_int_equal(file_read(name, 2, &content, &err), -EFBIG);
        assert_int_equal(content.len, 0);
        assert_int_equal(file_read(name, 3, &content, &err), 0);
        assert_int_equal(content.len, 3);
        assert_memory_equal(content.data, "a\0b", 3);
        unlink(name);
        assert_int_equal(file_read(name, 3, &content, &err), -ENOENT);
        assert_non_null(strstr(err_text(&err), name));
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(a_file_is_read_whole_or_not_at_all)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
