/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "base/mem.h"
#include "kube/apply.h"

static void the_path_names_us_and_forces(void **state)
{
        _cleanup_(freep) char *path = kube_apply_path("/apis/x/v1/namespaces/a/xs/b/status");

        assert_string_equal(path,
                            "/apis/x/v1/namespaces/a/xs/b/status?fieldManager=sluice&force=true");
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(the_path_names_us_and_forces)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
