/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "base/mem.h"
#include "base/str.h"
#include "liveupdate/changes.h"

/*
 * A workspace is played as a script of words:
 *
 *   i PATH K     observed by the first scan; K: f file, d directory, l symlink
 *   o PATH K N   observed later, with N as size and mtime
 *   a PATH       observed absent          t PATH   touched
 *   begin, end ROOT, keep PATH            a rescan
 *   forget PREFIX                         the filters want nothing below PREFIX any more
 *
 * and the result is written as the changes since a revision, newest first: "path:kind@revision",
 * with '!' when flipped and kind '-' for a tombstone.
 */
struct row {
        const char *name;
        const char *script[16];
        uint64_t since;
        const char *expected;
};

static const struct row rows[] = {
        {"the first scan changes nothing", {"i a f", "i d d", "i d/b f"}, 0, ""},
        {"a new file", {"i a f", "o b f 1"}, 0, "b:f@1"},
        {"the same stat is no change", {"o b f 1", "o b f 1"}, 0, "b:f@1"},
        {"a changed file", {"i a f", "o a f 2"}, 0, "a:f@1"},
        {"newest first, each path once", {"o a f 1", "o b f 1", "o a f 2"}, 0, "a:f@3 b:f@2"},
        {"since a revision", {"o a f 1", "o b f 1", "o c f 1"}, 2, "c:f@3"},
        {"since the newest", {"o a f 1"}, 1, ""},
        {"a middle entry moves to the front",
         {"o a f 1", "o b f 1", "o c f 1", "o b f 2"},
         0,
         "b:f@4 c:f@3 a:f@1"},
        {"the oldest entry moves to the front",
         {"o a f 1", "o b f 1", "o a f 2", "o b f 2"},
         0,
         "b:f@4 a:f@3"},
        {"a directory's times are no change", {"o d d 1", "o d d 2"}, 0, "d:d@1"},
        {"a symlink with another target", {"i s l", "o s l 2"}, 0, "s:l@1"},
        {"a file that went", {"i a f", "a a"}, 0, "a:-@1"},
        {"gone twice is one change", {"i a f", "a a", "a a"}, 0, "a:-@1"},
        {"what nobody knew cannot go", {"a a", "a d/x"}, 0, ""},
        {"a directory goes with all below it, itself newest",
         {"i d d", "i d/e d", "i d/e/f f", "i dx f", "a d"},
         0,
         "d:-@3 d/e:-@2 d/e/f:-@1"},
        {"a directory that is no entry itself", {"i r/d/f f", "i s f", "a r"}, 0, "r/d/f:-@1"},
        {"a tombstone below is not buried again",
         {"i d d", "i d/f f", "a d/f", "a d"},
         0,
         "d:-@2 d/f:-@1"},
        {"a file that came back", {"i a f", "a a", "o a f 1"}, 0, "a:f@2"},
        {"a file that came back though the scan is a first one",
         {"i a f", "a a", "i a f"},
         0,
         "a:f@2"},
        {"a file became a directory", {"i a f", "o a d 1", "o a/b f 1"}, 0, "a/b:f@2 a:d!@1"},
        {"a directory became a file", {"i a d", "i a/b f", "o a f 1"}, 0, "a:f!@2 a/b:-@1"},
        {"a file became a symlink, with a gap", {"i a f", "a a", "o a l 1"}, 0, "a:l!@2"},
        {"flipped stays", {"i a f", "o a l 1", "o a f 3"}, 0, "a:f!@2"},
        {"touched is newer", {"i a f", "i b f", "t a"}, 0, "a:f@1"},
        {"a tombstone can be touched", {"i a f", "a a", "t a"}, 0, "a:-@2"},
        {"what is unknown cannot be touched", {"i d/a f", "t b", "t d"}, 0, ""},
        {"a rescan that finds all",
         {"i d d", "i d/a f", "begin", "i d d", "i d/a f", "end ."},
         0,
         ""},
        {"a rescan misses one", {"i d d", "i d/a f", "begin", "i d d", "end ."}, 0, "d/a:-@1"},
        {"a rescan of one root", {"i d/a f", "i e/a f", "begin", "end d"}, 0, "d/a:-@1"},
        {"a rescan finds a new one",
         {"i d/a f", "begin", "o d/a f 0", "o d/b f 1", "end ."},
         0,
         "d/b:f@1"},
        {"a rescan that could not look",
         {"i d/a f", "i d/e/a f", "i b f", "begin", "keep d", "end ."},
         0,
         "b:-@1"},
        {"kept once is not kept for ever",
         {"i d/a f", "begin", "keep d", "end .", "begin", "end ."},
         0,
         "d/a:-@1"},
        {"forgotten is not gone", {"i d d", "i d/a f", "o d/b f 1", "forget d"}, 0, ""},
        {"forgotten leaves the others",
         {"o a f 1", "o d/b f 1", "o c f 1", "forget d"},
         0,
         "c:f@3 a:f@1"},
        {"forgotten comes back as if new", {"o d/b f 1", "forget d", "o d/b f 1"}, 0, "d/b:f@2"},
        {"forgotten and then in view again is no change",
         {"o d/b f 1", "forget d", "i d/b f"},
         0,
         ""},
        {"a forgotten tombstone has no kind to flip",
         {"i d/b f", "a d/b", "forget d", "o d/b l 1"},
         0,
         "d/b:l@2"},
        {"names are bytes", {"i a\n\xff f", "a a\n\xff"}, 0, "a\n\xff:-@1"},
};

static bool not_below(void *userdata, const char *path)
{
        return !starts_with(path, userdata);
}

static enum lu_kind kind_of(const char *word)
{
        return word[0] == 'f' ? LU_KIND_FILE : word[0] == 'd' ? LU_KIND_DIRECTORY : LU_KIND_SYMLINK;
}

static void play(struct lu_changes *c, const char *line)
{
        _cleanup_(freep) char *copy = xstrdup(line);
        const char *words[4] = {"", "", "", "0"};
        char *rest = copy;
        const char *path;

        for (size_t i = 0; i < 4 && rest; i++)
                words[i] = strsep(&rest, " ");
        path = strcmp(words[1], ".") == 0 ? "" : words[1];
        if (strcmp(words[0], "i") == 0 || strcmp(words[0], "o") == 0) {
                uint64_t n = (uint64_t)(words[3][0] - '0');
                struct lu_facts facts = {.kind = kind_of(words[2]),
                                         .mode = 0644,
                                         .size = n,
                                         .mtime = n,
                                         .changed = 7};

                lu_changes_observe(c, path, &facts, words[0][0] == 'i', 9);
        } else if (strcmp(words[0], "a") == 0) {
                lu_changes_observe_absent(c, path, 9);
        } else if (strcmp(words[0], "t") == 0) {
                lu_changes_touch(c, path);
        } else if (strcmp(words[0], "begin") == 0) {
                lu_changes_rescan_begin(c);
        } else if (strcmp(words[0], "end") == 0) {
                lu_changes_rescan_end(c, path, 9);
        } else if (strcmp(words[0], "keep") == 0) {
                lu_changes_rescan_keep(c, path);
        } else if (strcmp(words[0], "forget") == 0) {
                lu_changes_forget(c, not_below, (void *)words[1]);
        } else {
                fail_msg("no such word: %s", line);
        }
}

static bool write_down(void *userdata, const struct lu_change *change)
{
        struct str *out = userdata;

        if (out->len > 0)
                str_append_char(out, ' ');
        str_appendf(out, "%s:%c%s@%llu", change->path, "-fdl"[change->facts.kind],
                    change -> flipped ? "!" : "", (unsigned long long)change->revision);
        return true;
}

static void what_changed_since(void **state)
{
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(str_done) struct str out = {};
                struct lu_changes *c = lu_changes_new();

                for (size_t j = 0; rows[i].script[j]; j++)
                        play(c, rows[i].script[j]);
                lu_changes_since(c, rows[i].since, write_down, &out);
                if (strcmp(str_text(&out), rows[i].expected) != 0)
                        fail_msg("%s: '%s' instead of '%s'", rows[i].name, str_text(&out),
                                 rows[i].expected);
                lu_changes_free(c);
        }
}

struct vanish_row {
        const char *name;
        const char *script[8];
        const char *root;
        bool expected;
};

static const struct vanish_row vanish_rows[] = {
        {"never there", {"i a f"}, "r", false},
        {"there", {"i r d", "i r/a f"}, "r", false},
        {"empty from the start", {"i r d"}, "r", false},
        {"one of two files went", {"i r/a f", "i r/b f", "a r/a"}, "r", false},
        {"suddenly empty", {"i r d", "i r/a f", "a r/a"}, "r", true},
        {"gone", {"i r d", "i r/a f", "a r"}, "r", true},
        {"gone, and no entry itself", {"i r/a f", "a r"}, "r", true},
        {"gone while empty", {"i r d", "a r"}, "r", true},
        {"back", {"i r/a f", "a r", "o r/b f 1"}, "r", false},
        {"a file as root", {"i r f"}, "r", false},
        {"a file as root that went", {"i r f", "a r"}, "r", true},
        {"the workspace", {"i a f", "i b/c f", "a a", "a b"}, "", true},
        {"a neighbour does not count", {"i r/a f", "i rx f", "a r"}, "r", true},
};

static void which_roots_vanished(void **state)
{
        for (size_t i = 0; i < ARRAY_SIZE(vanish_rows); i++) {
                const struct vanish_row *row = &vanish_rows[i];
                struct lu_changes *c = lu_changes_new();

                for (size_t j = 0; row->script[j]; j++)
                        play(c, row->script[j]);
                if (lu_changes_vanished(c, row->root) != row->expected)
                        fail_msg("%s: expected %d", row->name, row->expected);
                lu_changes_free(c);
        }
}

static void facts_and_times_are_kept(void **state)
{
        struct lu_changes *c = lu_changes_new();
        const struct lu_facts facts = {
                .kind = LU_KIND_FILE, .mode = 0755, .size = 3, .changed = 42};
        struct lu_facts other = facts;
        const struct lu_change *change;

        assert_false(lu_changes_observe(c, "a/b", &facts, true, 50));
        assert_null(lu_changes_find(c, "a"));
        change = lu_changes_find(c, "a/b");
        assert_non_null(change);
        assert_int_equal(change->time, 42);
        assert_int_equal(change->facts.mode, 0755);
        assert_int_equal(lu_changes_n_present(c), 1);

        other.mode = 0644;
        assert_true(lu_changes_observe(c, "a/b", &other, false, 60));
        other.inode = 9;
        assert_true(lu_changes_observe(c, "a/b", &other, false, 60));
        other.changed = 99;
        assert_false(lu_changes_observe(c, "a/b", &other, false, 60));
        assert_true(lu_changes_observe_absent(c, "a/b", 70));
        assert_int_equal(lu_changes_find(c, "a/b")->time, 70);
        assert_int_equal(lu_changes_n_present(c), 0);
        lu_changes_free(c);
}

static bool count_each(void *userdata, const struct lu_change *change)
{
        (*(size_t *)userdata)++;
        return true;
}

/* Enough paths for many growths of the table; every one is found, buried and forgotten. */
static void many_paths(void **state)
{
        struct lu_changes *c = lu_changes_new();
        const struct lu_facts facts = {.kind = LU_KIND_FILE};
        char path[64];
        size_t n = 0;

        for (int i = 0; i < 50000; i++) {
                snprintf(path, sizeof(path), "dir-%d/sub/file-%d", i / 100, i);
                lu_changes_observe(c, path, &facts, true, 1);
        }
        for (int i = 0; i < 50000; i++) {
                snprintf(path, sizeof(path), "dir-%d/sub/file-%d", i / 100, i);
                assert_non_null(lu_changes_find(c, path));
        }
        lu_changes_each(c, count_each, &n);
        assert_int_equal(n, 50000);
        for (int i = 0; i < 5000; i++) {
                snprintf(path, sizeof(path), "dir-%d/sub/file-%d", i / 100, i);
                assert_true(lu_changes_observe_absent(c, path, 2));
        }
        assert_int_equal(lu_changes_revision(c), 5000);
        assert_int_equal(lu_changes_n_present(c), 45000);
        assert_int_equal(lu_changes_forget(c, not_below, (void *)"dir-1"), 11100);
        assert_int_equal(lu_changes_n_present(c), 45000 - 10000);
        n = 0;
        lu_changes_since(c, 0, count_each, &n);
        assert_int_equal(n, 3900);
        assert_true(lu_changes_observe_absent(c, "", 3));
        assert_int_equal(lu_changes_n_present(c), 0);
        lu_changes_free(c);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_changed_since),
                cmocka_unit_test(which_roots_vanished),
                cmocka_unit_test(facts_and_times_are_kept),
                cmocka_unit_test(many_paths),
        };

        return cmocka_run_group_tests_name("changes", tests, NULL, NULL);
}
