/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * TLS connections on the loop, as plain bytes. Every byte passes conn_write() and `data`, so this
 * is where faults count and cut.
 *
 * A connection lives until its `closed` was called (once, from the loop); its owner then forgets
 * it. conn_close() sends what was written, then closes; conn_reset() throws all away and lets the
 * kernel send RST. Both may be called from any callback, more than once.
 */

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"
#include <openssl/ssl.h>

struct conn;

struct conn_events {
        /* @len decrypted bytes (at most 16 KiB). Not called while paused. */
        void (*data)(void *user, const char *bytes, size_t len);
        /* Everything written has left for the kernel. */
        void (*drained)(void *user);
        void (*closed)(void *user);
};

struct listener {
        uv_loop_t *loop;
        uv_tcp_t tcp;
        SSL_CTX *tls;       /* borrowed */
        struct conn *conns; /* all that live, a list */
        void (*accepted)(void *user, struct conn *c);
        void *user;
        int port; /* the real one, after listener_start() */
};

/* @address is HOST:PORT; port 0 takes a free one. `accepted` must call conn_attach(). */
int listener_start(struct listener *l, const char *address, struct err *err);
/* Closes the listening socket and resets all connections. */
void listener_stop(struct listener *l);

void conn_attach(struct conn *c, const struct conn_events *events, void *user);
void conn_write(struct conn *c, const void *data, size_t len);
/* Bytes written and not yet taken by the kernel. */
size_t conn_pending(const struct conn *c);
/* Stops or resumes reading; the peer then feels TCP's back-pressure. */
void conn_pause(struct conn *c, bool paused);
void conn_close(struct conn *c);
void conn_reset(struct conn *c);
bool conn_is_closing(const struct conn *c);
/* True when the peer showed a certificate of our CA. */
bool conn_has_certificate(const struct conn *c);

/*
 * Faults, counted in decrypted bytes from now on: the connection is reset when the next byte beyond
 * the number would pass. `conn_stall_after` stops reading for ever instead.
 */
void conn_cut_from_client(struct conn *c, uint64_t n_bytes);
void conn_cut_to_client(struct conn *c, uint64_t n_bytes);
void conn_stall_after(struct conn *c, uint64_t n_bytes);
