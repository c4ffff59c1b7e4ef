/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The channels inside an exec stream: v4.channel.k8s.io and v5.channel.k8s.io. Pure.
 *
 * Every WebSocket message begins with one byte that names its channel; what follows is payload.
 * The server's messages arrive here in pieces (a message may be larger than the receive buffer), so
 * the reader remembers the channel between pieces. Our own messages are built whole, since the
 * server takes each continuation frame for a message of its own (KUBERNETES.md 0.2).
 *
 * Facts (KUBERNETES.md 1.3): the server opens with an empty message on its first channel, which is
 * no output and no Status; the Status on channel 3 is one message, in theory several. Messages on
 * channels we do not know are skipped, as later protocol versions may add some.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum kube_channel {
        KUBE_CHANNEL_STDIN = 0,
        KUBE_CHANNEL_STDOUT = 1,
        KUBE_CHANNEL_STDERR = 2,
        KUBE_CHANNEL_STATUS = 3,
        KUBE_CHANNEL_CLOSE = 255, /* v5: its payload names the channel that ends */
};

/* Payload of one message to the server, the size that all clients use. Bytes. */
#define KUBE_CHANNEL_PAYLOAD ((size_t)32 << 10)
/* A message: the channel's byte and the payload. */
#define KUBE_CHANNEL_MESSAGE (KUBE_CHANNEL_PAYLOAD + 1)

/* Zeroed memory is a reader before the first message. */
struct kube_channel_reader {
        bool in_message;
        uint8_t channel;   /* of the message under way */
        struct str status; /* channel 3, all messages together; at most LIMIT_EXEC_STATUS */
};

struct kube_channel_output {
        int channel; /* KUBE_CHANNEL_STDOUT or KUBE_CHANNEL_STDERR */
        const uint8_t *data;
        size_t len; /* more than 0 */
};

/* Positive results of kube_channel_read(). */
enum {
        KUBE_CHANNEL_E_OUTPUT = 1, /* *ret_output is set; it points into the piece */
        KUBE_CHANNEL_E_STATUS = 2, /* a message of channel 3 with payload has ended */
};

void kube_channel_reader_done(struct kube_channel_reader *r);

/*
 * Takes one piece of a message from the server; @first and @last say where in its message it lies.
 * 0: nothing to do; a positive result: see above; -EPROTO: a piece outside a message; -EMSGSIZE:
 * the Status is too large.
 */
int kube_channel_read(struct kube_channel_reader *r, const struct view *piece, bool first,
                      bool last, struct kube_channel_output *ret_output);

/* Writes the message that ends standard input (v5 only) and returns its length. */
size_t kube_channel_write_half_close(uint8_t *buffer, size_t size);
