/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "kube/channel.h"

/* One piece as a test writes it down: bytes, where it lies in its message, what it must give. */
struct piece {
        const char *bytes;
        size_t len;
        bool first, last;
        int result;
        int channel; /* of the output */
        const char *output;
};

#define PIECE(text, first_, last_, ...)                                                       \
        {                                                                                     \
                .bytes = (text), .len = sizeof(text) - 1, .first = (first_), .last = (last_), \
                __VA_ARGS__                                                                   \
        }
#define OUTPUT(channel_, text) \
        .result = KUBE_CHANNEL_E_OUTPUT, .channel = (channel_), .output = (text)

static void check(struct kube_channel_reader *r, const struct piece *p)
{
        struct kube_channel_output output = {};
        struct view piece = view_of(p->bytes, p->len);

        assert_int_equal(kube_channel_read(r, &piece, p->first, p->last, &output), p->result);
        if (p->result != KUBE_CHANNEL_E_OUTPUT)
                return;
        assert_int_equal(output.channel, p->channel);
        assert_int_equal(output.len, strlen(p->output));
        assert_memory_equal(output.data, p->output, output.len);
}

static void whole_messages_are_told_apart_by_their_channel(void **state)
{
        static const struct piece pieces[] = {
                PIECE("\001out", true, true, OUTPUT(1, "out")),
                PIECE("\002err", true, true, OUTPUT(2, "err")),
                PIECE("\001\001", true, true, OUTPUT(1, "\001")),
        };
        _cleanup_(kube_channel_reader_done) struct kube_channel_reader r = {};

        for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
                check(&r, &pieces[i]);
}

static void the_channel_holds_for_all_pieces_of_a_message(void **state)
{
        static const struct piece pieces[] = {
                PIECE("\002", true, false),
                PIECE("one", false, false, OUTPUT(2, "one")),
                PIECE("", false, false),
                PIECE("\001two", false, true, OUTPUT(2, "\001two")),
                PIECE("\001three", true, false, OUTPUT(1, "three")),
                PIECE("", false, true),
        };
        _cleanup_(kube_channel_reader_done) struct kube_channel_reader r = {};

        for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
                check(&r, &pieces[i]);
}

static void empty_payloads_mean_nothing_on_every_channel(void **state)
{
        static const struct piece pieces[] = {
                PIECE("", true, true),     PIECE("\000", true, true), PIECE("\001", true, true),
                PIECE("\002", true, true), PIECE("\003", true, true), PIECE("\377", true, true),
        };
        _cleanup_(kube_channel_reader_done) struct kube_channel_reader r = {};

        for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
                check(&r, &pieces[i]);
        assert_int_equal(r.status.len, 0);
}

static void channels_that_nobody_knows_are_skipped(void **state)
{
        static const struct piece pieces[] = {
                PIECE("\000echo?", true, true),
                PIECE("\004{}", true, true),
                PIECE("\011new", true, false),
                PIECE("more", false, true),
                PIECE("\377\001", true, true),
                PIECE("\001still here", true, true, OUTPUT(1, "still here")),
        };
        _cleanup_(kube_channel_reader_done) struct kube_channel_reader r = {};

        for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
                check(&r, &pieces[i]);
}

static void a_status_is_gathered_over_pieces_and_messages(void **state)
{
        static const struct piece pieces[] = {
                PIECE("\003", true, true),
                PIECE("\003{\"sta", true, false),
                PIECE("tus\"", false, true, .result = KUBE_CHANNEL_E_STATUS),
                PIECE("\001between", true, true, OUTPUT(1, "between")),
                PIECE("\003:1}", true, true, .result = KUBE_CHANNEL_E_STATUS),
        };
        _cleanup_(kube_channel_reader_done) struct kube_channel_reader r = {};

        for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
                check(&r, &pieces[i]);
        assert_string_equal(str_text(&r.status), "{\"status\":1}");
}

static void a_status_has_a_bound(void **state)
{
        _cleanup_(kube_channel_reader_done) struct kube_channel_reader r = {};
        _cleanup_(freep) char *bytes = xcalloc(1, LIMIT_EXEC_STATUS + 1);
        struct kube_channel_output output;
        struct view fits = view_of(bytes, LIMIT_EXEC_STATUS + 1);
        struct view more = view_of("\003x", 2);

        bytes[0] = KUBE_CHANNEL_STATUS;
        assert_int_equal(kube_channel_read(&r, &fits, true, true, &output), KUBE_CHANNEL_E_STATUS);
        assert_int_equal(kube_channel_read(&r, &more, true, true, &output), -EMSGSIZE);
}

static void a_piece_outside_a_message_is_refused(void **state)
{
        static const struct piece pieces[] = {
                PIECE("lost", false, true, .result = -EPROTO),
                PIECE("\001a", true, true, OUTPUT(1, "a")),
                PIECE("b", false, true, .result = -EPROTO),
                PIECE("", true, false, .result = -EPROTO),
        };
        _cleanup_(kube_channel_reader_done) struct kube_channel_reader r = {};

        for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
                check(&r, &pieces[i]);
}

static void the_half_close_is_two_bytes(void **state)
{
        uint8_t buffer[8] = {};

        assert_int_equal(kube_channel_write_half_close(buffer, sizeof(buffer)), 2);
        assert_int_equal(buffer[0], 255);
        assert_int_equal(buffer[1], 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(whole_messages_are_told_apart_by_their_channel),
                cmocka_unit_test(the_channel_holds_for_all_pieces_of_a_message),
                cmocka_unit_test(empty_payloads_mean_nothing_on_every_channel),
                cmocka_unit_test(channels_that_nobody_knows_are_skipped),
                cmocka_unit_test(a_status_is_gathered_over_pieces_and_messages),
                cmocka_unit_test(a_status_has_a_bound),
                cmocka_unit_test(a_piece_outside_a_message_is_refused),
                cmocka_unit_test(the_half_close_is_two_bytes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
