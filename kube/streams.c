/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/streams.h"

/*
 * One libwebsockets context on the client's loop, with one vhost that uses our own SSL_CTX.
 *
 * Name or address of the server are part of that SSL_CTX's verification already, so libwebsockets'
 * own check, which breaks for IPv6, is switched off. At the start of each handshake we still have a
 * word: the name to send is the one of the kubeconfig (none for an address), and the last session
 * is offered, which spares both sides the certificates.
 *
 * Teardown (KUBERNETES.md 10): context_destroy, close our handles, run the loop until it is empty,
 * context_destroy again. The second one without a loop run in between would crash, so it belongs to
 * kube_streams_free().
 */

#include <string.h>

#include <openssl/ssl.h>

#include "base/log.h"
#include "base/macro.h"
#include "base/mem.h"
#include "kube/exec_set.h"
#include "kube/url.h"
#include "kube/websocket.h"

/* Handshake, and headers of the answer: tokens of some KB must fit. Bytes. */
#define HEADERS_MAX (32 << 10)
/* Connections at once, with room for the context's own descriptor. */
#define CONNECTIONS_MAX 1024
/* Our own deadlines are shorter. */
#define LWS_TIMEOUT_S 120

struct kube_streams {
        struct kube_ws_hub hub;
        struct kube_client *client;
        struct kube_exec_set *execs;
        SSL_CTX *ssl;         /* the client's; NULL: plain http */
        SSL_SESSION *session; /* the newest; NULL: none yet */
        char *server_name;    /* to send in the handshake; NULL: the server is an address */
        char *host;
        bool stopped;
};

static void on_lws_log(int level, const char *line)
{
        _cleanup_(str_done) struct str text = {};

        if (!log_enabled(LOG_DEBUG))
                return;
        str_append_printable(&text, line, strcspn(line, "\n"));
        log_debug("libwebsockets", LOG_S("line", str_text(&text)));
}

/* ------------------------------------------------------------------ TLS */

static struct kube_streams *streams_of(const SSL *ssl)
{
        return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
        struct kube_streams *s = streams_of(ssl);

        /* A copy: OpenSSL marks its own as not resumable when the stream ends without a TLS close,
         * as every cancelled one does. */
        SSL_SESSION_free(s->session);
        s->session = SSL_SESSION_dup(session);
        return 0; /* the reference is not kept */
}

static void on_tls_info(const SSL *const_ssl, int where, int code)
{
        struct kube_streams *s = streams_of(const_ssl);
        SSL *ssl = (SSL *)const_ssl; /* OpenSSL hands out its own object */

        if (where & SSL_CB_HANDSHAKE_START) {
                SSL_set_tlsext_host_name(ssl, s->server_name);
                if (s->session && SSL_SESSION_is_resumable(s->session))
                        SSL_set_session(ssl, s->session);
        } else if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && !*s->hub.tls_problem &&
                   (code >> 8) == SSL3_AL_FATAL) {
                snprintf(s->hub.tls_problem, sizeof(s->hub.tls_problem),
                         "the server ended the TLS handshake: %s",
                         SSL_alert_desc_string_long(code));
        }
}

static void prepare_tls(struct kube_streams *s)
{
        SSL_CTX_set_app_data(s->ssl, s);
        SSL_CTX_set_info_callback(s->ssl, on_tls_info);
        SSL_CTX_set_session_cache_mode(s->ssl,
                                       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
        SSL_CTX_sess_set_new_cb(s->ssl, on_new_session);
}

/* ------------------------------------------------------------------ life */

static int create_context(struct kube_streams *s, struct err *err)
{
        static const lws_retry_bo_t no_pings = {};
        void *loops[] = {s->hub.loop};
        struct lws_context_creation_info info = {
                .port = CONTEXT_PORT_NO_LISTEN,
                .protocols = kube_ws_protocols,
                .options = LWS_SERVER_OPTION_LIBUV |
                           (s->ssl ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0),
                .foreign_loops = loops,
                .user = &s->hub,
                .gid = (gid_t)-1,
                .uid = (uid_t)-1,
                .pt_serv_buf_size = HEADERS_MAX,
                .max_http_header_data = HEADERS_MAX - 1,
                .max_http_header_pool = CONNECTIONS_MAX,
                .fd_limit_per_thread = CONNECTIONS_MAX,
                .timeout_secs = LWS_TIMEOUT_S,
                .connect_timeout_secs = LWS_TIMEOUT_S,
                .retry_and_idle_policy = &no_pings,
                .provided_client_ssl_ctx = s->ssl,
        };

        lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_log);
        s->hub.context = lws_create_context(&info);
        if (!s->hub.context)
                return err_set(err, -ENOMEM,
                               "cannot set up WebSocket connections: is the package "
                               "libwebsockets-evlib-uv installed?");
        s->hub.vhost = lws_get_vhost_by_name(s->hub.context, "default");
        return 0;
}

int kube_streams_new(struct kube_client *c, struct kube_streams **ret_streams, struct err *err)
{
        _cleanup_(freep) struct kube_streams *s = xcalloc(1, sizeof(*s));
        const struct kube_url *url = kube_client_url(c);
        const struct kube_config *config = kube_client_config(c);
        int r;

        s->client = c;
        s->ssl = kube_client_ssl(c);
        s->hub.loop = kube_client_loop(c);
        if (s->ssl)
                prepare_tls(s);
        r = create_context(s, err);
        if (r < 0)
                return r;

        s->host = kube_url_authority(url->host, url->port);
        if (config->tls_server_name && *config->tls_server_name)
                s->server_name = xstrdup(config->tls_server_name);
        else if (!url->is_ip)
                s->server_name = xstrdup(url->host);
        s->hub.host = s->host;
        s->hub.port = url->port;
        s->hub.user_agent = kube_client_user_agent(c);
        s->hub.accept_any_certificate = config->insecure_skip_tls_verify;
        if (s->ssl)
                s->hub.connection_flags = LCCSCF_USE_SSL | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK;
        kube_ws_hub_init(&s->hub);
        s->execs = kube_exec_set_new(c);
        *ret_streams = take_ptr(s);
        return 0;
}

void kube_streams_stop(struct kube_streams *s)
{
        if (!s || s->stopped)
                return;
        s->stopped = true;
        kube_exec_set_stop(s->execs);
        kube_ws_hub_stop(&s->hub);
        lws_context_destroy(s->hub.context);
}

void kube_streams_free(struct kube_streams *s)
{
        if (!s)
                return;
        lws_context_destroy(s->hub.context);
        kube_exec_set_free(s->execs);
        kube_ws_hub_done(&s->hub);
        SSL_SESSION_free(s->session);
        if (s->ssl)
                SSL_CTX_set_app_data(s->ssl, NULL);
        free(s->server_name);
        free(s->host);
        free(s);
}

struct kube_exec_set *kube_streams_execs(struct kube_streams *s)
{
        return s->execs;
}

struct kube_ws_hub *kube_streams_hub(struct kube_streams *s)
{
        return &s->hub;
}
