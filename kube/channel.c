/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/channel.h"

/*
 * Output is handed on where it lies, without a copy. Only the Status is gathered, because a reader
 * can judge it only as a whole; whoever calls looks at what is gathered after each of its messages.
 *
 * Invariant: `channel` counts only while `in_message`.
 */

#include <assert.h>
#include <errno.h>

#include "base/limits.h"

void kube_channel_reader_done(struct kube_channel_reader *r)
{
        str_done(&r->status);
}

static int read_status(struct kube_channel_reader *r, const struct view *payload, bool last)
{
        r->status.max = LIMIT_EXEC_STATUS;
        str_append_bytes(&r->status, payload->data, payload->len);
        if (r->status.overflow)
                return -EMSGSIZE;
        return last && r->status.len > 0 ? KUBE_CHANNEL_E_STATUS : 0;
}

int kube_channel_read(struct kube_channel_reader *r, const struct view *piece, bool first,
                      bool last, struct kube_channel_output *ret_output)
{
        struct view payload = *piece;

        if (first) {
                /* A message without even a channel is a keep-alive. */
                if (payload.len == 0) {
                        r->in_message = false;
                        return last ? 0 : -EPROTO;
                }
                r->in_message = true;
                r->channel = (uint8_t)payload.data[0];
                payload = view_of(payload.data + 1, payload.len - 1);
        }
        if (!r->in_message)
                return -EPROTO;
        if (last)
                r->in_message = false;

        if (r->channel == KUBE_CHANNEL_STATUS)
                return read_status(r, &payload, last);
        if (payload.len == 0)
                return 0;
        if (r->channel != KUBE_CHANNEL_STDOUT && r->channel != KUBE_CHANNEL_STDERR)
                return 0;
        *ret_output = (struct kube_channel_output){
                .channel = r->channel,
                .data = (const uint8_t *)payload.data,
                .len = payload.len,
        };
        return KUBE_CHANNEL_E_OUTPUT;
}

size_t kube_channel_write_half_close(uint8_t *buffer, size_t size)
{
        assert(size >= 2);
        buffer[0] = KUBE_CHANNEL_CLOSE;
        buffer[1] = KUBE_CHANNEL_STDIN;
        return 2;
}
