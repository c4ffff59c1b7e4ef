/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "kube/yamltree.h"

static struct yaml_tree *parse(const char *text)
{
        struct yaml_tree *t = NULL;

        assert_int_equal(yaml_tree_parse(text, strlen(text), &t, NULL), 0);
        return t;
}

static void maps_and_sequences_are_looked_up(void **state)
{
        _cleanup_(yaml_tree_freep) struct yaml_tree *t =
                parse("a: 1\nb: [x, {c: 'y z'}]\na: 2\n? [1]\n: odd\n");
        struct yaml_node *root = yaml_tree_root(t), *b = yaml_tree_get(t, root, "b");

        assert_string_equal(yaml_tree_get_text(t, root, "a"), "2");
        assert_string_equal(yaml_tree_text(yaml_tree_item(t, b, 0)), "x");
        assert_string_equal(yaml_tree_get_text(t, yaml_tree_item(t, b, 1), "c"), "y z");
        assert_null(yaml_tree_item(t, b, 2));
        assert_int_equal(yaml_tree_line(b), 2);
        assert_null(yaml_tree_get(t, root, "d"));
        assert_null(yaml_tree_get(t, b, "a"));
        assert_null(yaml_tree_text(b));
        assert_null(yaml_tree_item(t, root, 0));
        assert_null(yaml_tree_get(t, NULL, "a"));
}

static void null_is_absent_unless_quoted(void **state)
{
        _cleanup_(yaml_tree_freep) struct yaml_tree *t =
                parse("{a: null, b: ~, c: , d: 'null', e: \"\"}");
        struct yaml_node *root = yaml_tree_root(t);

        assert_null(yaml_tree_get(t, root, "a"));
        assert_null(yaml_tree_get(t, root, "b"));
        assert_null(yaml_tree_get(t, root, "c"));
        assert_string_equal(yaml_tree_get_text(t, root, "d"), "null");
        assert_string_equal(yaml_tree_get_text(t, root, "e"), "");
}

static void json_is_yaml(void **state)
{
        _cleanup_(yaml_tree_freep) struct yaml_tree *t = parse("{\"a\": {\"b\": [\"c\\n\"]}}");
        struct yaml_node *b = yaml_tree_get(t, yaml_tree_get(t, yaml_tree_root(t), "a"), "b");

        assert_string_equal(yaml_tree_text(yaml_tree_item(t, b, 0)), "c\n");
}

static void an_alias_is_its_anchor(void **state)
{
        _cleanup_(yaml_tree_freep) struct yaml_tree *t = parse("a: &x {k: v}\nb: *x\n");
        struct yaml_node *root = yaml_tree_root(t);

        assert_ptr_equal(yaml_tree_get(t, root, "a"), yaml_tree_get(t, root, "b"));
}

static void an_empty_text_has_no_root(void **state)
{
        _cleanup_(yaml_tree_freep) struct yaml_tree *t = parse("# nothing\n");

        assert_null(yaml_tree_root(t));
}

static void a_mistake_is_named_with_its_place(void **state)
{
        static const char text[] = "a: 1\nb: [1, 2\nc: 3\n";
        _cleanup_(err_done) struct err err = {};
        struct yaml_tree *t = NULL;

        assert_int_equal(yaml_tree_parse(text, strlen(text), &t, &err), -EINVAL);
        assert_non_null(strstr(err_text(&err), "line 3"));
        assert_null(t);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(maps_and_sequences_are_looked_up),
                cmocka_unit_test(null_is_absent_unless_quoted),
                cmocka_unit_test(json_is_yaml),
                cmocka_unit_test(an_alias_is_its_anchor),
                cmocka_unit_test(an_empty_text_has_no_root),
                cmocka_unit_test(a_mistake_is_named_with_its_place),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
