/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/client.h"

/*
 * The client holds what is shared and knows its operations only as kube_ops to be stopped. Stopping
 * goes from the outside in: operations, exec streams, connections. Nothing is freed then, since
 * libuv and libwebsockets close their handles in later rounds of the loop; kube_client_free() comes
 * after those, and the SSL_CTX goes last.
 */

#include <assert.h>
#include <errno.h>
#include <signal.h>

#include <openssl/ssl.h>
#include <sys/utsname.h>
#include <utlist.h>

#include "base/mem.h"
#include "kube/base64.h"
#include "kube/curl_loop.h"
#include "kube/streams.h"
#include "kube/tls.h"
#include "kube/url.h"

struct kube_client {
        uv_loop_t *loop;
        struct kube_config *config;
        struct kube_url url;
        SSL_CTX *ssl; /* NULL: plain http */
        char *user_agent;
        struct curl_loop *curl;
        struct kube_streams *streams; /* NULL until the first exec */
        struct kube_op *ops;
        uint64_t last_id;
        bool stopped;
        struct kube_client_stats stats;
};

/* The architecture as Go and container images name it. */
static char *make_user_agent(void)
{
        struct utsname name = {};
        const char *arch = name.machine;

        uname(&name);
        if (streq(arch, "x86_64"))
                arch = "amd64";
        else if (streq(arch, "aarch64"))
                arch = "arm64";
        return xasprintf("sluice/%s (linux/%s)", SLUICE_VERSION, *arch ? arch : "unknown");
}

int kube_client_new(uv_loop_t *loop, struct kube_config *config, struct kube_client **ret_client,
                    struct err *err)
{
        struct kube_client *c = xcalloc(1, sizeof(*c));
        int r;

        c->loop = loop;
        c->config = config;
        c->stopped = true; /* nothing on the loop yet */
        signal(SIGPIPE, SIG_IGN);
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                out_of_memory();
        r = kube_url_parse(config->server, &c->url, err);
        if (r == 0 && c->url.tls)
                r = kube_tls_new(config, &c->url, &c->ssl, err);
        if (r < 0) {
                err_wrap(err, r, "context '%s'", config->context ? config->context : "");
                kube_client_free(c);
                return r;
        }
        c->user_agent = make_user_agent();
        curl_loop_new(loop, &c->curl);
        c->stopped = false;
        *ret_client = c;
        return 0;
}

void kube_client_stop(struct kube_client *c)
{
        if (c->stopped)
                return;
        c->stopped = true;
        while (c->ops) {
                struct kube_op *op = c->ops;

                op->stop(op);
                assert(c->ops != op);
        }
        kube_streams_stop(c->streams);
        curl_loop_stop(c->curl);
}

void kube_client_free(struct kube_client *c)
{
        if (!c)
                return;
        assert(c->stopped && !c->ops);
        kube_streams_free(c->streams);
        curl_loop_free(c->curl);
        SSL_CTX_free(c->ssl);
        kube_url_done(&c->url);
        kube_config_free(c->config);
        free(c->user_agent);
        free(c);
        curl_global_cleanup();
}

const struct kube_config *kube_client_config(const struct kube_client *c)
{
        return c->config;
}

uv_loop_t *kube_client_loop(struct kube_client *c)
{
        return c->loop;
}

uint64_t kube_client_now(struct kube_client *c)
{
        return uv_now(c->loop);
}

struct kube_client_stats *kube_client_stats(struct kube_client *c)
{
        return &c->stats;
}

bool kube_client_attach(struct kube_client *c, struct kube_op *op)
{
        if (c->stopped)
                return false;
        op->id = ++c->last_id;
        DL_APPEND(c->ops, op);
        return true;
}

void kube_client_detach(struct kube_client *c, struct kube_op *op)
{
        DL_DELETE(c->ops, op);
}

struct kube_op *kube_client_find(struct kube_client *c, uint64_t id,
                                 void (*stop)(struct kube_op *op))
{
        struct kube_op *op;

        DL_FOREACH(c->ops, op)
        if (op->id == id && op->stop == stop)
                return op;
        return NULL;
}

const struct kube_url *kube_client_url(const struct kube_client *c)
{
        return &c->url;
}

struct ssl_ctx_st *kube_client_ssl(struct kube_client *c)
{
        return c->ssl;
}

const char *kube_client_user_agent(const struct kube_client *c)
{
        return c->user_agent;
}

static char *basic_authorization(const struct kube_config *config)
{
        _cleanup_(freep) char *pair = xasprintf("%s:%s", config->username ? config->username : "",
                                                config->password ? config->password : "");
        struct str value = {};

        str_append(&value, "Basic ");
        base64_encode(&value, pair, strlen(pair));
        explicit_bzero(pair, strlen(pair));
        return str_take(&value);
}

char *kube_client_authorization(struct kube_client *c)
{
        const char *token;

        if (!c->url.tls)
                return NULL;
        token = kube_config_token(c->config, uv_now(c->loop));
        if (token)
                return xasprintf("Bearer %s", token);
        if (c->config->username || c->config->password)
                return basic_authorization(c->config);
        return NULL;
}

void kube_client_refresh(struct kube_client *c)
{
        kube_config_refresh(c->config);
}

struct curl_loop *kube_client_curl(struct kube_client *c)
{
        return c->curl;
}

struct kube_streams *kube_client_streams(struct kube_client *c, struct err *err)
{
        if (c->stopped) {
                err_set(err, -ECANCELED, "the program is ending");
                return NULL;
        }
        if (!c->streams && kube_streams_new(c, &c->streams, err) < 0)
                return NULL;
        return c->streams;
}
