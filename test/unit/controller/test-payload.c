/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/controller/session.h"

#include "test/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "controller/source.h"

#define TOKEN "0123456789abcdef0123456789abcdef"

static struct fixture fixture;

static int setup(void **state)
{
        fixture_init(&fixture);
        return 0;
}

static int teardown(void **state)
{
        fixture_done(&fixture);
        return 0;
}

static struct payload *begin(struct lu_update *u)
{
        struct payload *p;

        lu_update_seal(u);
        p = payload_new(&(struct payload_params){
                .update = u,
                .workspace_fd = fixture.workspace_fd,
                .token = TOKEN,
        });
        lu_update_unref(u);
        return p;
}

static void pull_all(struct payload *p, size_t size, struct str *out)
{
        _cleanup_(freep) uint8_t *buffer = xmalloc(size);
        ssize_t n;

        while ((n = payload_pull(p, buffer, size)) > 0) {
                assert_true((size_t)n <= size);
                str_append_bytes(out, buffer, (size_t)n);
        }
        assert_int_equal(n, -ENODATA);
        assert_int_equal(payload_pull(p, buffer, size), -ENODATA);
}

static void the_bytes_do_not_depend_on_how_they_are_pulled(void **state)
{
        static const size_t sizes[] = {1, 7, 4096, 32768, 1 << 20};
        _cleanup_(str_done) struct str first = {};

        make_bytes(fixture.workspace, "/large", 700001, 3);
        make_file(fixture.workspace, "/small", "x");
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                struct lu_update *u = lu_update_new();
                _cleanup_(str_done) struct str found = {};
                struct payload *p;

                add_item(&fixture, u, "/large", LU_KIND_FILE);
                add_item(&fixture, u, "/small", LU_KIND_FILE);
                add_item(&fixture, u, "/gone", LU_KIND_ABSENT);
                add_run(u, "true", 10);
                p = begin(u);
                pull_all(p, sizes[i], i == 0 ? &first : &found);
                assert_int_equal(payload_stats(p)->files, 2);
                assert_int_equal(payload_stats(p)->deleted, 1);
                assert_int_equal(payload_stats(p)->bytes, 700002);
                assert_false(payload_stats(p)->torn);
                payload_free(p);
                if (i > 0) {
                        assert_int_equal(found.len, first.len);
                        assert_memory_equal(found.data, first.data, first.len);
                }
        }
}

static void without_files_there_is_no_tar(void **state)
{
        struct lu_update *u = lu_update_new();
        _cleanup_(str_done) struct str out = {};
        struct payload *p;

        add_item(&fixture, u, "/gone", LU_KIND_ABSENT);
        add_run(u, "true", 10);
        p = begin(u);
        pull_all(p, 4096, &out);
        payload_free(p);
        assert_null(strstr(str_text(&out), TOKEN " slu_X -"));
        assert_non_null(strstr(str_text(&out), TOKEN " slu_Z\n"));
}

static void the_root_of_a_container_is_never_removed(void **state)
{
        struct lu_update *u = lu_update_new();
        _cleanup_(str_done) struct str out = {};
        struct payload *p;

        lu_update_add(u, "src", xstrdup("/"), LU_KIND_ABSENT);
        p = begin(u);
        pull_all(p, 4096, &out);
        payload_free(p);
        assert_null(strstr(str_text(&out), TOKEN " slu_D '"));
}

static void a_file_that_cannot_be_read_is_named_and_left_out(void **state)
{
        struct lu_update *u = lu_update_new();
        _cleanup_(str_done) struct str out = {};
        _cleanup_(freep) char *name = xcalloc(1, 300);
        struct payload *p;

        memset(name, 'n', 260); /* ENAMETOOLONG: an error that root meets as well */
        name[0] = '/';
        add_item(&fixture, u, name, LU_KIND_FILE);
        add_item(&fixture, u, "/vanished", LU_KIND_FILE);
        p = begin(u);
        pull_all(p, 4096, &out);
        assert_int_equal(payload_stats(p)->left_out, 2);
        assert_int_equal(payload_stats(p)->files, 0);
        assert_non_null(strstr(payload_stats(p)->unreadable, "cannot be read: File name too long"));
        payload_free(p);
}

static void a_file_is_read_as_it_was_at_one_moment(void **state)
{
        _cleanup_(str_done) struct str out = {};
        _cleanup_(closep) int fd = -1, writer = -1;
        struct stat st;

        make_file(fixture.workspace, "/a", "first");
        assert_int_equal(source_open(fixture.workspace_fd, "a", &fd, &st), 0);
        writer = openat(fixture.workspace_fd, "a", O_WRONLY | O_APPEND | O_CLOEXEC);
        assert_int_equal(write(writer, "+", 1), 1);
        str_append(&out, "before ");
        assert_int_equal(source_read(fd, &st, &out), -EAGAIN);
        assert_string_equal(str_text(&out), "before ");
        assert_int_equal(source_read(fd, &st, &out), 0);
        assert_string_equal(str_text(&out), "before first+");
        assert_true(source_unchanged(fd, &st));
        assert_int_equal(ftruncate(writer, 2), 0);
        assert_false(source_unchanged(fd, &st));
        assert_int_equal(source_read(fd, &st, &out), -EAGAIN);
        assert_string_equal(str_text(&out), "before first+");
}

static void nothing_outside_of_the_workspace_is_opened(void **state)
{
        static const char *const paths[] = {
                "../secret", "link/secret",           "absolute", "fifo", "directory",
                "",          "directory/../../secret"};
        _cleanup_(freep) char *secret = xasprintf("%s/secret", fixture.base);
        struct stat st;
        int fd;

        make_file(fixture.base, "/secret", "x");
        make_symlink(fixture.workspace, "/link", "..");
        make_symlink(fixture.workspace, "/absolute", secret);
        make_directory(fixture.workspace, "/directory");
        assert_int_equal(mkfifoat(fixture.workspace_fd, "fifo", 0600), 0);
        for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
                assert_int_equal(source_open(fixture.workspace_fd, paths[i], &fd, &st), -ENOENT);
}

/* A twelfth of the least that goes through; a sanitizer keeps freed memory for a while. */
#define GROWTH_KILOBYTES 8192

static size_t resident_kilobytes(void)
{
        unsigned long pages = 0;
        FILE *f = fopen("/proc/self/statm", "re");

        assert_non_null(f);
        assert_int_equal(fscanf(f, "%*u %lu", &pages), 1);
        fclose(f);
        return pages * 4;
}

static size_t pull_to_nowhere(struct payload *p)
{
        static uint8_t buffer[32768];
        size_t before = resident_kilobytes(), most = before, n_pulls = 0;

        while (payload_pull(p, buffer, sizeof(buffer)) > 0) {
                size_t now = n_pulls++ % 64 == 0 ? resident_kilobytes() : most;

                most = now > most ? now : most;
        }
        return most - before;
}

static void memory_does_not_grow_with_the_size_of_a_file(void **state)
{
        _cleanup_(closep) int fd = -1;
        struct lu_update *u = lu_update_new();
        struct payload *p;

        fd = openat(fixture.workspace_fd, "huge", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        assert_int_equal(ftruncate(fd, 200000000), 0);
        add_item(&fixture, u, "/huge", LU_KIND_FILE);
        p = begin(u);
        assert_in_range(pull_to_nowhere(p), 0, GROWTH_KILOBYTES);
        assert_int_equal(payload_stats(p)->bytes, 200000000);
        payload_free(p);
}

static void memory_does_not_grow_with_the_number_of_files(void **state)
{
        struct lu_update *u = lu_update_new();
        struct payload *p;

        make_bytes(fixture.workspace, "/small", 5000, 1);
        for (unsigned i = 0; i < 20000; i++) {
                _cleanup_(freep) char *to = xasprintf("/file-%05u", i);

                lu_update_add(u, "small", take_ptr(to), LU_KIND_FILE);
        }
        p = begin(u);
        assert_in_range(pull_to_nowhere(p), 0, GROWTH_KILOBYTES);
        assert_int_equal(payload_stats(p)->files, 20000);
        payload_free(p);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(the_bytes_do_not_depend_on_how_they_are_pulled),
                TEST(without_files_there_is_no_tar),
                TEST(the_root_of_a_container_is_never_removed),
                TEST(a_file_that_cannot_be_read_is_named_and_left_out),
                TEST(a_file_is_read_as_it_was_at_one_moment),
                TEST(nothing_outside_of_the_workspace_is_opened),
                TEST(memory_does_not_grow_with_the_size_of_a_file),
                TEST(memory_does_not_grow_with_the_number_of_files),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
