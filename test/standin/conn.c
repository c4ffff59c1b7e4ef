/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/conn.h"

/*
 * libuv moves ciphertext, two memory BIOs join it to OpenSSL, and the owner sees plain bytes.
 *
 * Reading is bounded: one read of the socket (64 KiB) is fed at a time, and a paused connection
 * leaves the rest in the BIO with the socket unread. Writing is not bounded here: producers look at
 * conn_pending() and wait for `drained`. Closing takes two turns of the loop (shutdown, close), in
 * which callbacks may still arrive: `closing` makes them do nothing.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/str.h"

#define NO_LIMIT  UINT64_MAX
#define SSL_CHUNK 16384

struct conn {
        uv_tcp_t tcp;
        struct listener *listener;
        struct conn *next, **previous; /* in listener->conns */
        SSL *ssl;
        BIO *in, *out; /* owned by ssl */
        const struct conn_events *events;
        void *user;
        size_t pending;
        uint64_t in_left, out_left, stall_left; /* bytes until the fault, or NO_LIMIT */
        bool paused;
        bool stalled;
        bool reading;     /* uv_read_start() is on */
        bool delivering;  /* inside deliver(): pause and resume must not recurse */
        bool closing;     /* no further events but `closed` */
        bool close_later; /* when pending reaches 0 */
};

struct write {
        uv_write_t req;
        struct conn *conn;
        size_t len;
        char data[];
};

static void deliver(struct conn *c);

static void on_closed(uv_handle_t *handle)
{
        struct conn *c = handle->data;

        *c->previous = c->next;
        if (c->next)
                c->next->previous = c->previous;
        if (c->events)
                c->events->closed(c->user);
        SSL_free(c->ssl);
        free(c);
}

static void close_now(struct conn *c)
{
        if (c->closing)
                return;
        c->closing = true;
        uv_close((uv_handle_t *)&c->tcp, on_closed);
}

static void on_written(uv_write_t *req, int status)
{
        struct write *w = container_of(req, struct write, req);
        struct conn *c = w->conn;

        c->pending -= w->len;
        free(w);
        if (c->closing)
                return;
        if (status < 0 || (c->close_later && c->pending == 0)) {
                close_now(c);
                return;
        }
        if (c->pending == 0 && c->events)
                c->events->drained(c->user);
}

/* Sends the ciphertext that OpenSSL has made. */
static void flush(struct conn *c)
{
        size_t len = BIO_ctrl_pending(c->out);
        struct write *w;
        uv_buf_t buf;

        if (len == 0 || c->closing)
                return;
        w = xmalloc(sizeof(*w) + len);
        w->conn = c;
        w->len = len;
        BIO_read(c->out, w->data, (int)len);
        buf = uv_buf_init(w->data, (unsigned int)len);
        c->pending += len;
        if (uv_write(&w->req, (uv_stream_t *)&c->tcp, &buf, 1, on_written) < 0) {
                c->pending -= len;
                free(w);
                close_now(c);
        }
}

/* Counts @len bytes from the client. False when a fault has struck and they must not be seen. */
static bool count_in(struct conn *c, size_t *len)
{
        if (c->in_left != NO_LIMIT) {
                if (*len > c->in_left) {
                        conn_reset(c);
                        return false;
                }
                c->in_left -= *len;
        }
        if (c->stall_left != NO_LIMIT) {
                if (*len > c->stall_left) {
                        c->stalled = true;
                        *len = c->stall_left;
                }
                c->stall_left -= *len;
        }
        return *len > 0;
}

static void update_reading(struct conn *c);

static void deliver(struct conn *c)
{
        char chunk[SSL_CHUNK];

        if (c->delivering)
                return;
        c->delivering = true;
        while (!c->closing && !c->paused && !c->stalled) {
                int n = SSL_read(c->ssl, chunk, sizeof(chunk));
                size_t len = n > 0 ? (size_t)n : 0;

                flush(c);
                if (n <= 0) {
                        int why = SSL_get_error(c->ssl, n);

                        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
                                close_now(c);
                        break;
                }
                if (count_in(c, &len) && c->events && !c->close_later)
                        c->events->data(c->user, chunk, len);
        }
        c->delivering = false;
        update_reading(c);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
        static char buffer[65536]; /* one thread, used within one callback */

        *buf = uv_buf_init(buffer, sizeof(buffer));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
        struct conn *c = stream->data;

        if (n < 0) {
                close_now(c);
                return;
        }
        BIO_write(c->in, buf->base, (int)n);
        deliver(c);
}

static void update_reading(struct conn *c)
{
        bool want = !c->paused && !c->stalled;

        if (c->closing || want == c->reading)
                return;
        c->reading = want;
        if (want)
                uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
        else
                uv_read_stop((uv_stream_t *)&c->tcp);
}

void conn_attach(struct conn *c, const struct conn_events *events, void *user)
{
        c->events = events;
        c->user = user;
}

void conn_write(struct conn *c, const void *data, size_t len)
{
        bool cut = false;

        if (c->closing || c->close_later || len == 0)
                return;
        if (c->out_left != NO_LIMIT) {
                cut = len > c->out_left;
                if (cut)
                        len = c->out_left;
                c->out_left -= len;
        }
        if (len > 0 && SSL_write(c->ssl, data, (int)len) <= 0) {
                close_now(c);
                return;
        }
        flush(c);
        /* A cut after N bytes must show N bytes: FIN behind them, not a reset that overtakes. */
        if (cut)
                conn_close(c);
}

size_t conn_pending(const struct conn *c)
{
        return c->pending;
}

void conn_pause(struct conn *c, bool paused)
{
        if (c->paused == paused)
                return;
        c->paused = paused;
        if (paused)
                update_reading(c);
        else
                deliver(c);
}

void conn_close(struct conn *c)
{
        if (c->closing || c->close_later)
                return;
        SSL_shutdown(c->ssl);
        flush(c);
        c->close_later = true;
        if (c->pending == 0)
                close_now(c);
}

void conn_reset(struct conn *c)
{
        struct linger hard = {.l_onoff = 1, .l_linger = 0};
        uv_os_fd_t fd;

        if (!c->closing && uv_fileno((uv_handle_t *)&c->tcp, &fd) == 0)
                setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
        close_now(c);
}

bool conn_is_closing(const struct conn *c)
{
        return c->closing || c->close_later;
}

bool conn_has_certificate(const struct conn *c)
{
        X509 *peer = SSL_get0_peer_certificate(c->ssl);

        return peer && SSL_get_verify_result(c->ssl) == X509_V_OK;
}

void conn_cut_from_client(struct conn *c, uint64_t n_bytes)
{
        c->in_left = n_bytes;
}

void conn_cut_to_client(struct conn *c, uint64_t n_bytes)
{
        c->out_left = n_bytes;
}

void conn_stall_after(struct conn *c, uint64_t n_bytes)
{
        c->stall_left = n_bytes;
}

static void on_connection(uv_stream_t *server, int status)
{
        struct listener *l = server->data;
        struct conn *c;

        if (status < 0)
                return;
        c = xcalloc(1, sizeof(*c));
        c->listener = l;
        c->in_left = c->out_left = c->stall_left = NO_LIMIT;
        c->next = l->conns;
        if (c->next)
                c->next->previous = &c->next;
        c->previous = &l->conns;
        l->conns = c;
        c->ssl = SSL_new(l->tls);
        c->in = BIO_new(BIO_s_mem());
        c->out = BIO_new(BIO_s_mem());
        if (!c->ssl || !c->in || !c->out)
                out_of_memory();
        SSL_set_bio(c->ssl, c->in, c->out);
        SSL_set_accept_state(c->ssl);
        uv_tcp_init(l->loop, &c->tcp);
        c->tcp.data = c;
        if (uv_accept(server, (uv_stream_t *)&c->tcp) < 0) {
                close_now(c);
                return;
        }
        uv_tcp_nodelay(&c->tcp, 1);
        l->accepted(l->user, c);
        update_reading(c);
}

int listener_start(struct listener *l, const char *address, struct err *err)
{
        const char *colon = strrchr(address, ':');
        _cleanup_(freep) char *host = colon ? xstrndup(address, (size_t)(colon - address)) : NULL;
        struct sockaddr_storage bound;
        struct sockaddr_in in;
        int bound_len = sizeof(bound);
        uint64_t port;
        int r;

        if (!colon || parse_u64(colon + 1, 65535, &port) < 0 ||
            uv_ip4_addr(host, (int)port, &in) < 0)
                return err_set(err, -EINVAL, "--listen %s: not an IPv4 address and port", address);
        uv_tcp_init(l->loop, &l->tcp);
        l->tcp.data = l;
        r = uv_tcp_bind(&l->tcp, (struct sockaddr *)&in, 0);
        if (r == 0)
                r = uv_listen((uv_stream_t *)&l->tcp, 512, on_connection);
        if (r < 0)
                return err_errno(err, r, "listening on %s", address);
        uv_tcp_getsockname(&l->tcp, (struct sockaddr *)&bound, &bound_len);
        l->port = ntohs(((struct sockaddr_in *)&bound)->sin_port);
        return 0;
}

void listener_stop(struct listener *l)
{
        if (!uv_is_closing((uv_handle_t *)&l->tcp))
                uv_close((uv_handle_t *)&l->tcp, NULL);
        for (struct conn *c = l->conns; c; c = c->next)
                conn_reset(c);
}
