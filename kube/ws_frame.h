/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The head of a WebSocket frame from a server (RFC 6455 5.2). Pure.
 *
 * libwebsockets reads our frames; this is for what it leaves unread when a connection is reset
 * (kube/websocket.c).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum {
        WS_FRAME_CONTINUATION = 0,
        WS_FRAME_BINARY = 2,
        WS_FRAME_CLOSE = 8,
};

struct ws_frame {
        bool last; /* of its message */
        unsigned opcode;
        struct view payload; /* points into the input */
        size_t size;         /* head and payload */
};

/*
 * -EAGAIN: the frame is not there as a whole; -EPROTO: no frame that a server may send (masked,
 * with a reserved bit, an unknown opcode, a length that is not minimal).
 */
int ws_frame_parse(struct view input, struct ws_frame *ret_frame);
