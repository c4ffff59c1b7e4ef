/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "liveupdate/archive.h"

static void expect_number(const char *field, size_t size, uint64_t value)
{
        uint64_t found = 0;

        if ((unsigned char)field[0] & 0x80) {
                found = (unsigned char)field[0] & 0x7f;
                for (size_t i = 1; i < size; i++)
                        found = found << 8 | (unsigned char)field[i];
        } else {
                for (size_t i = 0; i < size - 1; i++) {
                        assert_in_range(field[i], '0', '7');
                        found = found << 3 | (unsigned)(field[i] - '0');
                }
        }
        assert_int_equal(found, value);
}

static void expect_checksum(const char *header)
{
        unsigned sum = 0, found;

        for (size_t i = 0; i < LU_ARCHIVE_BLOCK; i++)
                sum += i >= 148 && i < 156 ? ' ' : (unsigned char)header[i];
        assert_int_equal(sscanf(header + 148, "%6o", &found), 1);
        assert_int_equal(found, sum);
        assert_int_equal(header[154], 0);
        assert_int_equal(header[155], ' ');
}

static void a_file_has_one_header(void **state)
{
        _cleanup_(str_done) struct str out = {};

        lu_archive_entry(&out, &(struct lu_archive_entry){
                                       .name = "app/f",
                                       .mode = 0640,
                                       .uid = 1000,
                                       .gid = 2097151,
                                       .size = 077777777777,
                                       .mtime = 1700000000,
                               });
        assert_int_equal(out.len, LU_ARCHIVE_BLOCK);
        assert_string_equal(out.data, "app/f");
        expect_number(out.data + 100, 8, 0640);
        expect_number(out.data + 108, 8, 1000);
        expect_number(out.data + 116, 8, 2097151);
        expect_number(out.data + 124, 12, 077777777777);
        expect_number(out.data + 136, 12, 1700000000);
        assert_int_equal(out.data[156], '0');
        assert_memory_equal(out.data + 257, "ustar\00000", 8);
        assert_int_equal(out.data[265], 0); /* no user's name */
        assert_int_equal(out.data[297], 0);
        expect_checksum(out.data);
}

static void numbers_that_do_not_fit_are_binary(void **state)
{
        _cleanup_(str_done) struct str out = {};

        lu_archive_entry(&out, &(struct lu_archive_entry){
                                       .name = "f",
                                       .uid = 2097152,
                                       .gid = UINT32_MAX,
                                       .size = 0100000000000,
                               });
        assert_int_equal((unsigned char)out.data[124], 0x80);
        expect_number(out.data + 108, 8, 2097152);
        expect_number(out.data + 116, 8, UINT32_MAX);
        expect_number(out.data + 124, 12, 0100000000000);
        expect_checksum(out.data);
}

static void long_names_and_targets_stand_in_front(void **state)
{
        _cleanup_(str_done) struct str out = {};
        char name[600], target[102];

        memset(name, 'n', sizeof(name) - 1);
        memset(target, 't', sizeof(target) - 1);
        name[sizeof(name) - 1] = target[sizeof(target) - 1] = '\0';
        lu_archive_entry(&out, &(struct lu_archive_entry){.name = name, .target = target});
        assert_int_equal(out.len, (size_t)(1 + 1 + 1 + 2 + 1) * LU_ARCHIVE_BLOCK);
        assert_int_equal(out.data[156], 'K');
        expect_number(out.data + 124, 12, sizeof(target));
        assert_string_equal(out.data + 512, target);
        assert_int_equal(out.data[1024 + 156], 'L');
        expect_number(out.data + 1024 + 124, 12, sizeof(name));
        assert_string_equal(out.data + 1536, name);
        assert_int_equal(out.data[2560 + 156], '2');
        for (size_t at = 0; at < 3072; at += at == 1024 ? 1536 : 1024)
                expect_checksum(out.data + at);
}

static void a_name_of_a_hundred_bytes_fits(void **state)
{
        _cleanup_(str_done) struct str out = {};
        char name[102];

        memset(name, 'n', sizeof(name) - 1);
        name[100] = '\0';
        lu_archive_entry(&out, &(struct lu_archive_entry){.name = name});
        assert_int_equal(out.len, LU_ARCHIVE_BLOCK);
        str_clear(&out);
        name[100] = 'n';
        name[101] = '\0';
        lu_archive_entry(&out, &(struct lu_archive_entry){.name = name});
        assert_int_equal(out.len, (size_t)3 * LU_ARCHIVE_BLOCK);
}

static void content_is_padded_to_blocks_and_the_whole_to_records(void **state)
{
        static const struct {
                uint64_t written;
                size_t end;
        } rows[] = {{512, 9728},
                    {10240 - 1024, 1024},
                    {10240 - 512, 10752},
                    {10240, 10240},
                    {UINT64_C(5000000256) * 512, 0}};

        assert_int_equal(lu_archive_padding(0), 0);
        assert_int_equal(lu_archive_padding(1), 511);
        assert_int_equal(lu_archive_padding(512), 0);
        assert_int_equal(lu_archive_padding(513), 511);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(str_done) struct str out = {};

                lu_archive_end(&out, rows[i].written);
                assert_true(out.len >= 1024);
                assert_int_equal((rows[i].written + out.len) % LU_ARCHIVE_RECORD, 0);
                if (rows[i].end)
                        assert_int_equal(out.len, rows[i].end);
                for (size_t k = 0; k < out.len; k++)
                        assert_int_equal(out.data[k], 0);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_file_has_one_header),
                cmocka_unit_test(numbers_that_do_not_fit_are_binary),
                cmocka_unit_test(long_names_and_targets_stand_in_front),
                cmocka_unit_test(a_name_of_a_hundred_bytes_fits),
                cmocka_unit_test(content_is_padded_to_blocks_and_the_whole_to_records),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
