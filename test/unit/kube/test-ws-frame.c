/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "kube/ws_frame.h"

#define ROW(text) .bytes = (text), .len = sizeof(text) - 1

static void heads_are_read_strictly(void **state)
{
        static const struct {
                const char *bytes;
                size_t len;
                int r;
                bool last;
                unsigned opcode;
                size_t size, n_payload;
        } rows[] = {
                {ROW("\x82\x03\x01hi"), 0, true, WS_FRAME_BINARY, 5, 3},
                {ROW("\x82\x03\x01hi\x88"), 0, true, WS_FRAME_BINARY, 5, 3},
                {ROW("\x02\x01\x01"), 0, false, WS_FRAME_BINARY, 3, 1},
                {ROW("\x80\x00"), 0, true, WS_FRAME_CONTINUATION, 2, 0},
                {ROW("\x88\x02\x03\xe8"), 0, true, WS_FRAME_CLOSE, 4, 2},
                {ROW(""), -EAGAIN},
                {ROW("\x82"), -EAGAIN},
                {ROW("\x82\x03\x01h"), -EAGAIN},
                {ROW("\x82\x7e\x01"), -EAGAIN},
                {ROW("\x82\x7f\x00\x00\x00\x00\x00\x01"), -EAGAIN},
                /* More than any memory holds: never there as a whole. */
                {ROW("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff"), -EAGAIN},
                {ROW("\x82\x83\x01hi"), -EPROTO}, /* masked */
                {ROW("\xc2\x03\x01hi"), -EPROTO}, /* a reserved bit */
                {ROW("\x83\x00"), -EPROTO},       /* opcodes that are not defined */
                {ROW("\x8b\x00"), -EPROTO},
                {ROW("\x08\x00"), -EPROTO},         /* a control frame in pieces */
                {ROW("\x88\x7e\x00\x7e"), -EPROTO}, /* or too long */
                {ROW("\x82\x7e\x00\x7d"), -EPROTO}, /* lengths that are not minimal */
                {ROW("\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff"), -EPROTO},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct ws_frame f = {};

                assert_int_equal(ws_frame_parse(view_of(rows[i].bytes, rows[i].len), &f),
                                 rows[i].r);
                if (rows[i].r < 0)
                        continue;
                assert_int_equal(f.last, rows[i].last);
                assert_int_equal(f.opcode, rows[i].opcode);
                assert_int_equal(f.size, rows[i].size);
                assert_int_equal(f.payload.len, rows[i].n_payload);
                assert_ptr_equal(f.payload.data, rows[i].bytes + f.size - f.payload.len);
        }
}

static void long_payloads_are_measured(void **state)
{
        _cleanup_(freep) char *bytes = xcalloc(1, 70000);
        struct ws_frame f;

        memcpy(bytes, "\x82\x7e\x80\x01", 4);
        assert_int_equal(ws_frame_parse(view_of(bytes, 4 + 32769), &f), 0);
        assert_int_equal(f.payload.len, 32769);
        assert_int_equal(ws_frame_parse(view_of(bytes, 4 + 32768), &f), -EAGAIN);
        memcpy(bytes, "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10);
        assert_int_equal(ws_frame_parse(view_of(bytes, 70000), &f), 0);
        assert_int_equal(f.payload.len, 65536);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(heads_are_read_strictly),
                cmocka_unit_test(long_payloads_are_measured),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
