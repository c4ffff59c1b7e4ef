/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One WebSocket connection to the API server, over libwebsockets.
 *
 *         CONNECTING ─► OPEN ─► ENDED
 *              └─────────────────▲
 *
 * Connections are named by id, because libwebsockets may report a failure and later the close of
 * the same connection, or a close long after we lost interest (KUBERNETES.md 8.4): what is not in
 * the table any more is ignored.
 *
 * Callbacks come from within libwebsockets, on the loop, and may close the connection. on_end is
 * called exactly once unless the connection was closed by us first.
 */

#include <stdbool.h>
#include <stdint.h>

#include <libwebsockets.h>
#include <uv.h>

#include "kube/channel.h"

typedef uint64_t kube_ws_id; /* 0: none */

struct kube_ws_end {
        bool opened;
        bool connected;      /* TCP came about */
        bool tls_failed;     /* `problem` is about a certificate or an alert */
        int http_status;     /* the answer to the upgrade; 0: none */
        unsigned close_code; /* of the peer's Close frame; 0: none */
        const char *problem; /* for people, never NULL */
};

struct kube_ws_callbacks {
        /* @protocol is what the server chose, "" if nothing. */
        void (*on_open)(void *userdata, const char *protocol);
        void (*on_piece)(void *userdata, const struct view *piece, bool first, bool last);
        /* Fill one message; its length, or 0: nothing now, ask with kube_ws_want_write(). */
        size_t (*on_writeable)(void *userdata, uint8_t *buffer, size_t size);
        void (*on_end)(void *userdata, const struct kube_ws_end *end);
};

struct kube_ws_params {
        const char *address;       /* numeric */
        const char *path;          /* with prefix and query */
        const char *protocols;     /* "a, b": sent as it is */
        const char *authorization; /* header value, or NULL */
};

/* What the connections of one client share. Embedded in kube/streams.c, which fills it. */
struct kube_ws_hub {
        uv_loop_t *loop;
        struct lws_context *context;
        struct lws_vhost *vhost;
        int connection_flags; /* LCCSCF_* */
        unsigned port;
        const char *host; /* Host header; without its port, the name that TLS checks */
        const char *user_agent;
        bool accept_any_certificate;
        struct kube_ws *sockets; /* by id */
        kube_ws_id last_id;
        uv_timer_t linger;     /* while closed connections wait for the peer's close */
        char tls_problem[192]; /* of the handshake under way; "" */
        /* The one message being sent: libwebsockets masks it in place and copies what the socket
         * does not take. */
        uint8_t message[LWS_PRE + KUBE_CHANNEL_MESSAGE];
};

/* The vhost's protocols; the context's user pointer must be the hub. */
extern const struct lws_protocols kube_ws_protocols[];

/* 0: it could not even be tried; nothing is called back then. */
kube_ws_id kube_ws_open(struct kube_ws_hub *hub, const struct kube_ws_params *params,
                        const struct kube_ws_callbacks *callbacks, void *userdata);
void kube_ws_want_write(struct kube_ws_hub *hub, kube_ws_id id);

enum kube_ws_close_how {
        KUBE_WS_LEAVE, /* the peer closes next; after two seconds we do */
        KUBE_WS_ABORT, /* now, without a Close frame */
};
/* No callback comes after this. An id that is gone is fine. */
void kube_ws_close(struct kube_ws_hub *hub, kube_ws_id id, enum kube_ws_close_how how);

/* After `loop` is set. */
void kube_ws_hub_init(struct kube_ws_hub *hub);
/* Silences every connection and closes our handle; lws_context_destroy() ends what is left. */
void kube_ws_hub_stop(struct kube_ws_hub *hub);
void kube_ws_hub_done(struct kube_ws_hub *hub);
