/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/ws_frame.h"

/*
 * Strict on purpose: what is parsed here may begin in the middle of a frame, and must then be
 * refused rather than be taken for something else.
 */

#include <errno.h>

#define FIN      0x80u
#define RESERVED 0x70u
#define OPCODE   0x0fu
#define MASKED   0x80u

static bool opcode_known(unsigned opcode)
{
        return opcode <= 2 || (opcode >= 8 && opcode <= 10);
}

/* The payload's length; the head's length goes to *ret_head. */
static int parse_length(const uint8_t *p, size_t len, size_t *ret_head, uint64_t *ret_length)
{
        unsigned n_bytes = p[1] == 126 ? 2 : p[1] == 127 ? 8 : 0;
        uint64_t length = 0;

        if (len < 2 + (size_t)n_bytes)
                return -EAGAIN;
        for (unsigned i = 0; i < n_bytes; i++)
                length = length << 8 | p[2 + i];
        if (n_bytes == 0)
                length = p[1];
        else if (length < (n_bytes == 2 ? 126 : 65536))
                return -EPROTO;
        *ret_head = 2 + n_bytes;
        *ret_length = length;
        return 0;
}

int ws_frame_parse(struct view input, struct ws_frame *ret_frame)
{
        const uint8_t *p = (const uint8_t *)input.data;
        uint64_t length;
        size_t head;
        int r;

        if (input.len < 2)
                return -EAGAIN;
        if ((p[0] & RESERVED) || (p[1] & MASKED) || !opcode_known(p[0] & OPCODE))
                return -EPROTO;
        r = parse_length(p, input.len, &head, &length);
        if (r < 0)
                return r;
        if ((p[0] & OPCODE) >= 8 && (length > 125 || !(p[0] & FIN)))
                return -EPROTO;
        if (length > input.len - head)
                return -EAGAIN;
        *ret_frame = (struct ws_frame){
                .last = p[0] & FIN,
                .opcode = p[0] & OPCODE,
                .payload = view_of(input.data + head, (size_t)length),
                .size = head + (size_t)length,
        };
        return 0;
}
