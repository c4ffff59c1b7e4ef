/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/websocket.h"

/*
 * A connection lives from kube_ws_open() until libwebsockets has destroyed its own object. When we
 * lose interest it is detached (no callbacks) and ended by shutting its socket down: that works in
 * every state, also under back-pressure, where a writeable callback would never come, and from
 * within the connection's own callbacks, where libwebsockets must not be asked to free it.
 *
 * Invariant: `wsi` is NULL before libwebsockets made it and after it said that it is over, so it
 * can be used whenever it is not NULL.
 */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <uthash.h>

#include "base/log.h"
#include "base/macro.h"
#include "base/mem.h"
#include "kube/ws_frame.h"

/* How long a closed connection may wait for the peer's close. */
#define LINGER_MS 2000

/* A dead peer is noticed after about a minute of silence (no pings, KUBERNETES.md 1.4). */
#define KEEPALIVE_IDLE_S     30
#define KEEPALIVE_INTERVAL_S 10
#define KEEPALIVE_PROBES     3

/* What is read at most of a connection that was reset. Bytes. */
#define REST_MAX ((size_t)256 << 10)

/* The message of one server frame, 32 KiB and a channel, arrives in one piece. */
#define PIECE_MAX ((size_t)33 << 10)

struct kube_ws {
        kube_ws_id id;
        struct kube_ws_hub *hub;
        struct lws *wsi;
        const struct kube_ws_callbacks *callbacks; /* NULL: detached */
        void *userdata;
        char *authorization; /* until the request is sent */
        char protocol[64];
        bool connected, opened, aborted;
        bool in_message; /* the last piece did not end its message */
        int http_status;
        unsigned close_code;
        uint64_t linger_until; /* loop time; with detached */
        UT_hash_handle hh;
};

static struct kube_ws *find(struct kube_ws_hub *hub, kube_ws_id id)
{
        struct kube_ws *ws;

        HASH_FIND(hh, hub->sockets, &id, sizeof(id), ws);
        return ws;
}

static void forget(struct kube_ws *ws)
{
        HASH_DELETE(hh, ws->hub->sockets, ws);
        free(ws->authorization);
        free(ws);
}

static void abort_socket(struct kube_ws *ws)
{
        int fd = ws->wsi ? lws_get_socket_fd(ws->wsi) : -1;

        ws->aborted = true;
        if (fd >= 0)
                shutdown(fd, SHUT_RDWR);
        else if (ws->wsi)
                lws_set_timeout(ws->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

static void on_linger(uv_timer_t *timer)
{
        struct kube_ws_hub *hub = container_of(timer, struct kube_ws_hub, linger);
        bool more = false;

        for (struct kube_ws *ws = hub->sockets; ws; ws = ws->hh.next) {
                if (ws->callbacks || ws->aborted)
                        continue;
                if (uv_now(hub->loop) >= ws->linger_until)
                        abort_socket(ws);
                else
                        more = true;
        }
        if (more)
                uv_timer_start(timer, on_linger, LINGER_MS, 0);
}

/* ------------------------------------------------------------------ connecting */

static void set_keepalive(struct lws *wsi)
{
        int fd = lws_get_socket_fd(wsi);
        int on = 1;
        int idle = KEEPALIVE_IDLE_S, interval = KEEPALIVE_INTERVAL_S, probes = KEEPALIVE_PROBES;

        /* libwebsockets would set TCP_USER_TIMEOUT with it, which ends healthy connections whose
         * window stays closed because the container does not read. */
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

static int append_headers(struct kube_ws *ws, struct lws *wsi, void *in, size_t len)
{
        unsigned char **p = in;
        unsigned char *end = *p + len;

        if (lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_USER_AGENT,
                                         (const unsigned char *)ws->hub->user_agent,
                                         (int)strlen(ws->hub->user_agent), p, end))
                return -1;
        if (!ws->authorization)
                return 0;
        if (lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_AUTHORIZATION,
                                         (const unsigned char *)ws->authorization,
                                         (int)strlen(ws->authorization), p, end))
                return -1;
        free(take_ptr(ws->authorization));
        return 0;
}

/* The headers are gone once the connection is established (KUBERNETES.md 8.4). */
static void note_protocol(struct kube_ws *ws, struct lws *wsi)
{
        if (lws_hdr_copy(wsi, ws->protocol, sizeof(ws->protocol), WSI_TOKEN_PROTOCOL) <= 0)
                ws->protocol[0] = '\0';
}

/* Called for each certificate of the chain. libwebsockets' own verdict stands, unless the
 * kubeconfig says that any certificate will do. */
static void check_certificate(struct kube_ws_hub *hub, X509_STORE_CTX *x509, bool good)
{
        if (good)
                return;
        if (hub->accept_any_certificate) {
                X509_STORE_CTX_set_error(x509, X509_V_OK);
                return;
        }
        snprintf(hub->tls_problem, sizeof(hub->tls_problem),
                 "the server's certificate is not accepted: %s",
                 X509_verify_cert_error_string(X509_STORE_CTX_get_error(x509)));
}

/* ------------------------------------------------------------------ the end */

static int socket_error(struct kube_ws *ws)
{
        int fd = ws->wsi ? lws_get_socket_fd(ws->wsi) : -1;
        int error = 0;
        socklen_t len = sizeof(error);

        if (fd >= 0)
                getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
        return error;
}

/* Tells the end once; the connection itself stays in the table, detached, until it is destroyed. */
static void end(struct kube_ws *ws, const char *problem)
{
        const struct kube_ws_callbacks *callbacks = take_ptr(ws->callbacks);
        char tls_problem[sizeof(ws->hub->tls_problem)];
        int error = socket_error(ws);
        struct kube_ws_end e = {
                .opened = ws->opened,
                .connected = ws->connected,
                .http_status = ws->http_status,
                .close_code = ws->close_code,
                .problem = error ? strerror(error) : problem,
        };

        memcpy(tls_problem, ws->hub->tls_problem, sizeof(tls_problem));
        ws->hub->tls_problem[0] = '\0';
        ws->wsi = NULL;
        if (!callbacks)
                return;
        if (!ws->opened && *tls_problem) {
                e.tls_failed = true;
                e.problem = tls_problem;
        }
        callbacks->on_end(ws->userdata, &e);
}

static void note_close_code(struct kube_ws *ws, const uint8_t *payload, size_t len)
{
        if (len >= 2)
                ws->close_code = (unsigned)payload[0] << 8 | payload[1];
}

/* ------------------------------------------------------------------ after a reset */

/*
 * A command that ends before it has read all of its input makes the server reset the connection
 * (KUBERNETES.md 1.5). The Status then often lies in our socket already, but libwebsockets closes
 * at the first failed write, and libuv at the error event, without reading. So the rest is read
 * here. It begins with a whole frame unless a frame was cut, and then it is dropped.
 */

static void read_rest(struct lws *wsi, struct str *rest)
{
        SSL *ssl = lws_get_ssl(wsi);
        int fd = lws_get_socket_fd(wsi);
        char buffer[16 << 10];

        rest->max = REST_MAX;
        while (fd >= 0 && !rest->overflow) {
                ssize_t n = ssl ? SSL_read(ssl, buffer, sizeof(buffer))
                                : recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);

                if (n <= 0)
                        break;
                str_append_bytes(rest, buffer, (size_t)n);
        }
}

static void deliver_rest(struct kube_ws *ws, struct view rest)
{
        struct kube_ws_hub *hub = ws->hub;
        kube_ws_id id = ws->id;
        struct ws_frame f;
        bool first = true;

        while (ws_frame_parse(rest, &f) == 0) {
                rest = view_of(rest.data + f.size, rest.len - f.size);
                if (f.opcode == WS_FRAME_CLOSE)
                        note_close_code(ws, (const uint8_t *)f.payload.data, f.payload.len);
                if (f.opcode > WS_FRAME_BINARY)
                        continue;
                if (first != (f.opcode != WS_FRAME_CONTINUATION))
                        return;
                ws->callbacks->on_piece(ws->userdata, &f.payload, first, f.last);
                first = f.last;
                if (!find(hub, id) || !ws->callbacks)
                        return;
        }
}

static void salvage(struct kube_ws *ws, struct lws *wsi)
{
        _cleanup_(str_done) struct str rest = {};

        if (!ws->callbacks || !ws->opened || ws->in_message)
                return;
        read_rest(wsi, &rest);
        deliver_rest(ws, view_of(rest.data, rest.len));
}

/* ------------------------------------------------------------------ data */

/* After a callback that may have closed the connection: -1 tells libwebsockets to end it. */
static int still_wanted(struct kube_ws_hub *hub, kube_ws_id id)
{
        struct kube_ws *ws = find(hub, id);

        return ws && !ws->aborted ? 0 : -1;
}

static int on_open(struct kube_ws *ws)
{
        struct kube_ws_hub *hub = ws->hub;
        kube_ws_id id = ws->id;

        ws->opened = true;
        ws->callbacks->on_open(ws->userdata, ws->protocol);
        return still_wanted(hub, id);
}

static int on_piece(struct kube_ws *ws, struct lws *wsi, const void *data, size_t len)
{
        struct kube_ws_hub *hub = ws->hub;
        kube_ws_id id = ws->id;
        const struct view piece = view_of(data, len);
        bool last = lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0;

        ws->in_message = !last;
        ws->callbacks->on_piece(ws->userdata, &piece, lws_is_first_fragment(wsi), last);
        return still_wanted(hub, id);
}

static int on_writeable(struct kube_ws *ws, struct lws *wsi)
{
        struct kube_ws_hub *hub = ws->hub;
        kube_ws_id id = ws->id;
        size_t n = ws->callbacks->on_writeable(ws->userdata, hub->message + LWS_PRE,
                                               KUBE_CHANNEL_MESSAGE);

        if (still_wanted(hub, id) < 0)
                return -1;
        if (n == 0)
                return 0;
        /* One frame is one message; what the socket does not take now is kept by libwebsockets,
         * which calls again when it is gone. */
        if (lws_write(wsi, hub->message + LWS_PRE, n, LWS_WRITE_BINARY) < 0)
                return -1;
        lws_callback_on_writable(wsi);
        return 0;
}

struct event {
        enum lws_callback_reasons reason;
        void *in; /* what it is depends on the reason */
        size_t len;
};

static int handle_attached(struct kube_ws *ws, struct lws *wsi, const struct event *event)
{
        switch (event->reason) {
        case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
                return append_headers(ws, wsi, event->in, event->len);
        case LWS_CALLBACK_WSI_CREATE:
                ws->connected = true;
                set_keepalive(wsi);
                return 0;
        case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
                ws->http_status = (int)lws_http_client_http_response(wsi);
                return 0;
        case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
                note_protocol(ws, wsi);
                return 0;
        case LWS_CALLBACK_CLIENT_ESTABLISHED:
                return on_open(ws);
        case LWS_CALLBACK_CLIENT_RECEIVE:
                return on_piece(ws, wsi, event->in, event->len);
        case LWS_CALLBACK_CLIENT_WRITEABLE:
                return on_writeable(ws, wsi);
        case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
                note_close_code(ws, event->in, event->len);
                return 0;
        default:
                return 0;
        }
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
        struct lws_context *context = lws_get_context(wsi);
        struct kube_ws_hub *hub = context ? lws_context_user(context) : NULL;
        struct kube_ws *ws;

        if (!hub)
                return 0;
        /* Here `user` is OpenSSL's verification and `len` its verdict. */
        if (reason == LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION) {
                check_certificate(hub, user, len != 0);
                return 0;
        }
        ws = find(hub, (kube_ws_id)(uintptr_t)lws_get_opaque_user_data(wsi));
        if (!ws)
                return 0;

        switch (reason) {
        case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
                end(ws, in && len ? in : "the connection failed");
                return 0;
        case LWS_CALLBACK_CLIENT_CLOSED:
                salvage(ws, wsi);
                end(ws, "the connection was closed");
                return 0;
        case LWS_CALLBACK_WSI_DESTROY:
                end(ws, "the connection was closed");
                forget(ws);
                return 0;
        default:
                if (ws->callbacks)
                        return handle_attached(
                                ws, wsi, &(struct event){.reason = reason, .in = in, .len = len});
                return ws->aborted ? -1 : 0;
        }
}

const struct lws_protocols kube_ws_protocols[] = {
        {
                .name = "exec",
                .callback = on_event,
                .rx_buffer_size = PIECE_MAX,
                .tx_packet_size = PIECE_MAX,
        },
        {},
};

/* ------------------------------------------------------------------ for kube/exec.c */

kube_ws_id kube_ws_open(struct kube_ws_hub *hub, const struct kube_ws_params *params,
                        const struct kube_ws_callbacks *callbacks, void *userdata)
{
        static const lws_retry_bo_t no_pings = {};
        struct kube_ws *ws = xcalloc(1, sizeof(*ws));
        struct lws_client_connect_info info = {
                .context = hub->context,
                .vhost = hub->vhost,
                .address = params->address,
                .port = (int)hub->port,
                .ssl_connection = hub->connection_flags | LCCSCF_HTTP_NO_FOLLOW_REDIRECT,
                .path = params->path,
                .host = hub->host,
                .protocol = params->protocols,
                .local_protocol_name = kube_ws_protocols[0].name,
                .alpn = "http/1.1",
                .ietf_version_or_minus_one = -1,
                .retry_and_idle_policy = &no_pings,
        };
        kube_ws_id id = ++hub->last_id;

        *ws = (struct kube_ws){
                .id = id,
                .hub = hub,
                .callbacks = callbacks,
                .userdata = userdata,
                .authorization = xstrdup(params->authorization),
        };
        HASH_ADD(hh, hub->sockets, id, sizeof(ws->id), ws);
        info.opaque_user_data = (void *)(uintptr_t)id;
        info.pwsi = &ws->wsi;
        if (lws_client_connect_via_info(&info))
                return id;
        /* Without a wsi, nothing will ever call back for it (KUBERNETES.md 10, pitfall 1). */
        ws = find(hub, id);
        if (ws)
                forget(ws);
        return 0;
}

void kube_ws_want_write(struct kube_ws_hub *hub, kube_ws_id id)
{
        struct kube_ws *ws = find(hub, id);

        if (ws && ws->wsi && ws->opened)
                lws_callback_on_writable(ws->wsi);
}

void kube_ws_close(struct kube_ws_hub *hub, kube_ws_id id, enum kube_ws_close_how how)
{
        struct kube_ws *ws = find(hub, id);

        if (!ws)
                return;
        ws->callbacks = NULL;
        if (how == KUBE_WS_ABORT) {
                abort_socket(ws);
                return;
        }
        if (uv_is_closing((uv_handle_t *)&hub->linger))
                return;
        ws->linger_until = uv_now(hub->loop) + LINGER_MS;
        if (!uv_is_active((uv_handle_t *)&hub->linger))
                uv_timer_start(&hub->linger, on_linger, LINGER_MS, 0);
}

void kube_ws_hub_init(struct kube_ws_hub *hub)
{
        uv_timer_init(hub->loop, &hub->linger);
}

void kube_ws_hub_stop(struct kube_ws_hub *hub)
{
        uv_close((uv_handle_t *)&hub->linger, NULL);
        for (struct kube_ws *ws = hub->sockets; ws; ws = ws->hh.next)
                ws->callbacks = NULL;
}

void kube_ws_hub_done(struct kube_ws_hub *hub)
{
        struct kube_ws *ws, *next;

        HASH_ITER(hh, hub->sockets, ws, next)
                forget(ws);
}
