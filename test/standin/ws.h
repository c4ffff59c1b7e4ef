/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The server side of a WebSocket (RFC 6455), as golang.org/x/net/websocket does it: no extensions,
 * no fragments. A frame that the real server would misread is a violation: it is counted by name
 * and the connection is closed.
 */

#include <stdbool.h>

#include "test/standin/http.h"

#define WS_FRAME_MAX ((uint64_t)32 << 20)

struct ws;

struct ws_events {
        /* One binary message; @len may be 0. Not called while paused. */
        void (*message)(void *user, const char *bytes, size_t len);
        void (*drained)(void *user);
        /* The connection has ended, whoever began it. `ws` is invalid after it. */
        void (*closed)(void *user);
        /* A rule of the protocol was broken, e.g. "continuation-frame". */
        void (*violation)(void *user, const char *name);
};

/*
 * Answers the upgrade request in @h with 101 and takes the connection over. @protocol is echoed,
 * NULL: no such header. The result lives until `closed`, and starts paused: ws_pause(ws, false)
 * lets the first message through.
 */
struct ws *ws_accept(struct http *h, const char *protocol, const struct ws_events *events,
                     void *user);
/* One binary frame that holds @channel and then @bytes. */
void ws_send(struct ws *ws, unsigned char channel, const void *bytes, size_t len);
/* A close frame with 1000, then the end of the connection without waiting for the client's. */
void ws_close(struct ws *ws);
void ws_reset(struct ws *ws);
void ws_pause(struct ws *ws, bool paused);
size_t ws_pending(const struct ws *ws);
