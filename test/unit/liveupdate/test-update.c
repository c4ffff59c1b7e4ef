/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "base/mem.h"
#include "base/str.h"
#include "liveupdate/update.h"

/* Adds "<kind> <destination>" words: -x removes x, +x is a file, /x a directory, !x a flipped file.
 */
static void add_written(struct lu_update *u, char kind, const char *destination)
{
        static const enum lu_kind kinds[] = {
                ['-'] = LU_KIND_ABSENT,
                ['+'] = LU_KIND_FILE,
                ['/'] = LU_KIND_DIRECTORY,
                ['!'] = LU_KIND_FILE,
        };
        struct lu_update_item *item =
                lu_update_add(u, destination, xstrdup(destination), kinds[(unsigned char)kind]);

        item->flipped = kind == '!';
}

static void append_shown(struct str *out, const struct lu_update *u)
{
        static const char kinds[] = {
                [LU_KIND_ABSENT] = '-',
                [LU_KIND_FILE] = '+',
                [LU_KIND_DIRECTORY] = '/',
                [LU_KIND_SYMLINK] = '@',
        };

        for (size_t i = 0; i < u->n_items; i++)
                str_appendf(out, "%s%c%s", i ? " " : "",
                            u->items[i].flipped ? '!' : kinds[u->items[i].kind],
                            u->items[i].destination);
}

static void sealing_orders_and_drops(void **state)
{
        static const struct {
                const char *added[12], *sealed;
                size_t n_removals;
        } rows[] = {
                {{NULL}, "", 0},
                {{"+/b", "+/a", NULL}, "+/a +/b", 0},
                {{"+/a/b", "-/z", "//a", "-/c", NULL}, "-/c -/z //a +/a/b", 2},
                /* a directory comes before what is in it, whatever sorts between */
                {{"+/a/x", "+/a-b", "//a", "+/a.c", NULL}, "//a +/a-b +/a.c +/a/x", 0},
                /* gone with the parent, though others sort between */
                {{"-/a/x", "-/a-b", "-/a", "-/a/x/y", NULL}, "-/a -/a-b", 2},
                {{"-/a/b/c/d", "-/a/b", "-/a/bc", NULL}, "-/a/b -/a/bc", 2},
                {{"-/a/x", "!/a", NULL}, "!/a", 0},
                /* what is not removed stays, even below something that is */
                {{"-/app", "+/app/lib/x", "-/app/lib/y", NULL}, "-/app +/app/lib/x", 1},
                {{"-/a/x", "//a", NULL}, "-/a/x //a", 1},
                /* the last added wins */
                {{"-/a", "+/a", NULL}, "+/a", 0},
                {{"+/a", "-/a", NULL}, "-/a", 1},
                {{"+/a", "-/a", "!/a", "+/b", "+/a", NULL}, "+/a +/b", 0},
                {{"-/a", "-/a/x",
                  "/"
                  "/a",
                  NULL},
                 "-/a/x //a",
                 1},
                {{"+/\xff", "+/z", "+/\x01", NULL}, "+/\x01 +/z +/\xff", 0},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(lu_update_unrefp) struct lu_update *u = lu_update_new();
                _cleanup_(str_done) struct str shown = {};

                for (size_t k = 0; rows[i].added[k]; k++)
                        add_written(u, rows[i].added[k][0], rows[i].added[k] + 1);
                lu_update_seal(u);
                append_shown(&shown, u);
                assert_string_equal(str_text(&shown), rows[i].sealed);
                assert_int_equal(u->n_removals, rows[i].n_removals);
        }
}

static void the_last_added_item_is_whole(void **state)
{
        _cleanup_(lu_update_unrefp) struct lu_update *u = lu_update_new();
        struct lu_update_item *item;

        lu_update_add(u, "one", xstrdup("/d"), LU_KIND_FILE);
        item = lu_update_add(u, "two", xstrdup("/d"), LU_KIND_SYMLINK);
        item->has_owner = true;
        item->uid = 1000;
        lu_update_seal(u);
        assert_int_equal(u->n_items, 1);
        assert_string_equal(u->items[0].path, "two");
        assert_int_equal(u->items[0].kind, LU_KIND_SYMLINK);
        assert_true(u->items[0].has_owner);
        assert_int_equal(u->items[0].uid, 1000);
}

/* Many items: every order of adding gives the same, and what a slow look at all pairs says. */
static void sealing_many_agrees_with_all_pairs(void **state)
{
        _cleanup_(lu_update_unrefp) struct lu_update *u = lu_update_new();
        size_t n_top = 0, n_removals = 0;

        for (unsigned i = 0; i < 3000; i++) {
                unsigned k = i * 7919 % 3000; /* scattered */
                char *destination =
                        k % 10 == 0 ? xasprintf("/d%u", k / 10) : xasprintf("/d%u/f%u", k / 10, k);

                lu_update_add(u, "p", destination, k % 2 == 0 ? LU_KIND_ABSENT : LU_KIND_FILE);
        }
        lu_update_seal(u);
        for (size_t i = 0; i < u->n_items; i++) {
                const struct lu_update_item *item = &u->items[i];

                n_removals += item->kind == LU_KIND_ABSENT;
                n_top += !strchr(item->destination + 1, '/');
                if (i > 0 && i != u->n_removals)
                        assert_true(strcmp(u->items[i - 1].destination, item->destination) < 0);
        }
        assert_int_equal(n_top, 300);
        assert_int_equal(n_removals, 300); /* those of files went with their directories */
        assert_int_equal(u->n_removals, 300);
        assert_int_equal(u->n_items, 300 + 1500);
}

static void references_are_counted(void **state)
{
        struct lu_update *u = lu_update_new();

        assert_ptr_equal(lu_update_ref(u), u);
        lu_update_unref(u);
        assert_int_equal(u->n_refs, 1);
        u->runs = xcalloc(1, sizeof(*u->runs));
        u->n_runs = 1;
        u->runs[0].text = xstrdup("ls -l");
        strv_push(&u->runs[0].args, "ls");
        strv_push(&u->runs[0].args, "-l");
        lu_update_unref(u);
        lu_update_unref(NULL);
}

static void a_run_set_holds_all_indices(void **state)
{
        struct lu_run_set set = {};

        assert_true(lu_run_set_empty(&set));
        lu_run_set_add(&set, 0);
        lu_run_set_add(&set, 64);
        lu_run_set_add(&set, LU_RUNS_MAX - 1);
        for (size_t i = 0; i < LU_RUNS_MAX; i++)
                assert_int_equal(lu_run_set_has(&set, i),
                                 i == 0 || i == 64 || i == LU_RUNS_MAX - 1);
        assert_false(lu_run_set_empty(&set));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(sealing_orders_and_drops),
                cmocka_unit_test(the_last_added_item_is_whole),
                cmocka_unit_test(sealing_many_agrees_with_all_pairs),
                cmocka_unit_test(references_are_counted),
                cmocka_unit_test(a_run_set_holds_all_indices),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
