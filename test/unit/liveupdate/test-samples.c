/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "liveupdate/resolve.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

static void assert_valid(const char *name, size_t n_objects)
{
        _cleanup_(freep) char *path = xasprintf("%s/samples/%s", MANIFESTS, name);
        struct lu_objects objects = {};
        struct lu_faults faults = {};
        struct lu_rules **rules;
        struct str text = {};

        assert_int_equal(file_read(path, 1 << 20, &text, NULL), 0);
        lu_manifest_read(path, view_of(str_text(&text), text.len), &objects, &faults);
        lu_resolve_all(&objects, &faults, &rules);
        for (size_t i = 0; i < faults.n_items; i++)
                print_error("%s:%u: %s\n", path, faults.items[i].line, faults.items[i].message);
        assert_int_equal(faults.n_items, 0);
        assert_int_equal(objects.n_items, n_objects);
        for (size_t i = 0; i < objects.n_items; i++) {
                assert_true(objects.items[i].is_step || rules[i]);
                lu_rules_free(rules[i]);
        }
        free(rules);
        str_done(&text);
        lu_objects_done(&objects);
        lu_faults_done(&faults);
}

static void every_sample_is_valid(void **state)
{
        assert_valid("files-only.yaml", 1);
        assert_valid("node.yaml", 1);
        assert_valid("shared-step.yaml", 3);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_sample_is_valid),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
