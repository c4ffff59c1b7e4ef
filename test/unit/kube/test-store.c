/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "kube/store.h"

/* "ns/name:uid:version", with a namespace or without. */
static json_t *object(const char *namespace_, const char *name, const char *uid,
                      const char *version)
{
        return json_pack("{s:{s:s*,s:s*,s:s*,s:s*,s:[i]}}", "metadata", "namespace", namespace_,
                         "name", name, "uid", uid, "resourceVersion", version, "managedFields", 1);
}

static const char *field(const json_t *o, const char *key)
{
        return json_string_value(json_object_get(json_object_get(o, "metadata"), key));
}

/* "+name:uid:version -name:uid:version" */
static char *shown(const struct kube_changes *c)
{
        struct str s = {};

        for (size_t i = 0; i < c->n_items; i++)
                str_appendf(&s, "%s%c%s:%s:%s", i ? " " : "", c->items[i].deleted ? '-' : '+',
                            field(c->items[i].object, "name"), field(c->items[i].object, "uid"),
                            field(c->items[i].object, "resourceVersion"));
        return str_take(&s);
}

static void apply(struct kube_store *s, json_t *o, const char *expected)
{
        _cleanup_(kube_changes_done) struct kube_changes changes = {};
        _cleanup_(freep) char *text = NULL;

        assert_int_equal(kube_store_apply(s, o, &changes), 0);
        json_decref(o);
        text = shown(&changes);
        assert_string_equal(text, expected);
}

static void applying_tells_what_changed(void **state)
{
        _cleanup_(kube_store_done) struct kube_store s = {};

        apply(&s, object("n", "a", "u1", "1"), "+a:u1:1");
        apply(&s, object("n", "a", "u1", "2"), "+a:u1:2");
        apply(&s, object("n", "a", "u1", "2"), "");
        apply(&s, object("n", "a", "u2", "3"), "-a:u1:2 +a:u2:3");
        apply(&s, object("m", "a", "u3", "4"), "+a:u3:4");
        assert_int_equal(kube_store_count(&s), 2);
        assert_string_equal(field(kube_store_get(&s, "n", "a"), "uid"), "u2");
        assert_null(kube_store_get(&s, "n", "b"));
        assert_null(json_object_get(json_object_get(kube_store_get(&s, "n", "a"), "metadata"),
                                    "managedFields"));
}

static void an_object_without_a_namespace_is_found_without_one(void **state)
{
        _cleanup_(kube_store_done) struct kube_store s = {};

        apply(&s, object(NULL, "node", "u", "1"), "+node:u:1");
        assert_non_null(kube_store_get(&s, NULL, "node"));
        assert_non_null(kube_store_get(&s, "", "node"));
}

static void deleting_gives_the_last_state(void **state)
{
        _cleanup_(kube_store_done) struct kube_store s = {};
        _cleanup_(kube_changes_done) struct kube_changes changes = {};
        _cleanup_(freep) char *text = NULL;
        json_t *last = object("n", "a", "u1", "9"), *other = object("n", "b", "u1", "9");

        apply(&s, object("n", "a", "u1", "1"), "+a:u1:1");
        assert_int_equal(kube_store_delete(&s, last, &changes), 0);
        assert_int_equal(kube_store_delete(&s, last, &changes), 0);
        assert_int_equal(kube_store_delete(&s, other, &changes), 0);
        text = shown(&changes);
        assert_string_equal(text, "-a:u1:9");
        assert_int_equal(kube_store_count(&s), 0);
        json_decref(last);
        json_decref(other);
}

static void a_list_brings_out_what_was_missed(void **state)
{
        _cleanup_(kube_store_done) struct kube_store s = {};
        _cleanup_(kube_changes_done) struct kube_changes changes = {};
        _cleanup_(freep) char *text = NULL;
        json_t *items = json_pack("[o,o,o]", object("n", "same", "u1", "1"),
                                  object("n", "again", "u9", "5"), object("n", "new", "u8", "6"));

        apply(&s, object("n", "same", "u1", "1"), "+same:u1:1");
        apply(&s, object("n", "again", "u2", "2"), "+again:u2:2");
        apply(&s, object("n", "gone", "u3", "3"), "+gone:u3:3");
        assert_int_equal(kube_store_replace(&s, items, &changes), 0);
        text = shown(&changes);
        assert_string_equal(text, "-again:u2:2 +again:u9:5 +new:u8:6 -gone:u3:3");
        assert_int_equal(kube_store_count(&s), 3);
        json_decref(items);
}

static void two_lists_in_a_row_sweep_by_the_second(void **state)
{
        _cleanup_(kube_store_done) struct kube_store s = {};
        _cleanup_(kube_changes_done) struct kube_changes first = {}, second = {};
        json_t *items = json_pack("[o]", object("n", "a", "u", "1"));

        kube_store_replace(&s, items, &first);
        assert_int_equal(kube_store_replace(&s, NULL, &second), 0);
        assert_int_equal(kube_store_count(&s), 0);
        assert_int_equal(second.n_items, 1);
        assert_true(second.items[0].deleted);
        json_decref(items);
}

static void a_nameless_object_changes_nothing(void **state)
{
        _cleanup_(kube_store_done) struct kube_store s = {};
        _cleanup_(kube_changes_done) struct kube_changes changes = {};
        json_t *nameless = json_pack("{s:{}}", "metadata");
        json_t *items = json_pack("[o,O,i]", object("n", "a", "u", "1"), nameless, 5);

        assert_int_equal(kube_store_apply(&s, nameless, &changes), -EPROTO);
        assert_int_equal(kube_store_delete(&s, nameless, &changes), -EPROTO);
        assert_int_equal(kube_store_replace(&s, items, &changes), -EPROTO);
        assert_int_equal(kube_store_count(&s), 0);
        assert_int_equal(changes.n_items, 0);
        json_decref(items);
        json_decref(nameless);
}

static bool first_only(void *userdata, json_t *o)
{
        ++*(int *)userdata;
        return false;
}

static void looking_through_stops_when_told(void **state)
{
        _cleanup_(kube_store_done) struct kube_store s = {};
        int n = 0;

        apply(&s, object("n", "a", "u", "1"), "+a:u:1");
        apply(&s, object("n", "b", "u", "1"), "+b:u:1");
        kube_store_each(&s, first_only, &n);
        assert_int_equal(n, 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(applying_tells_what_changed),
                cmocka_unit_test(an_object_without_a_namespace_is_found_without_one),
                cmocka_unit_test(deleting_gives_the_last_state),
                cmocka_unit_test(a_list_brings_out_what_was_missed),
                cmocka_unit_test(two_lists_in_a_row_sweep_by_the_second),
                cmocka_unit_test(a_nameless_object_changes_nothing),
                cmocka_unit_test(looking_through_stops_when_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
