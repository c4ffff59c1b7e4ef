/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/config.h"

/*
 * A configuration comes from a kubeconfig (kube/kubeconfig.c) or from the pod we run in
 * (kube/incluster.c); here they are chosen between. In-cluster is tried only when nothing at all is
 * configured: a context that cannot be used must never turn into another cluster.
 *
 * Tokens in files rotate. The file is opened again by its path at most once in 60 s; while it
 * cannot be read the token we have stays in use, since it may still be good.
 */

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/incluster.h"
#include "kube/kubeconfig.h"

#define TOKEN_PERIOD_MS UINT64_C(60000)

int kube_config_load(const struct kube_config_params *params, struct kube_config **ret_config,
                     struct err *err)
{
        int r = kubeconfig_load(params, ret_config, err);

        if (r == KUBECONFIG_E_NOTHING)
                return incluster_load(INCLUSTER_DIRECTORY, params, ret_config, err);
        return r;
}

static void forget(char *secret)
{
        if (secret)
                explicit_bzero(secret, strlen(secret));
        free(secret);
}

void kube_config_free(struct kube_config *c)
{
        if (!c)
                return;
        free(c->context);
        free(c->server);
        free(c->namespace_);
        free(c->tls_server_name);
        str_done(&c->ca_pem);
        str_done(&c->client_cert_pem);
        if (c->client_key_pem.data)
                explicit_bzero(c->client_key_pem.data, c->client_key_pem.len);
        str_done(&c->client_key_pem);
        forget(c->token);
        free(c->token_file);
        free(c->username);
        forget(c->password);
        forget(c->proxy_url);
        free(c);
}

int kube_config_read_token(struct kube_config *c, struct err *err)
{
        _cleanup_(str_done) struct str text = {};
        const char *token;
        size_t len;
        int r = file_read(c->token_file, LIMIT_CREDENTIAL_FILE, &text, err);

        if (r < 0)
                return err_wrap(err, r, "the token");
        token = str_text(&text) + strspn(str_text(&text), " \t\r\n");
        len = strcspn(token, " \t\r\n");
        if (len == 0)
                return err_set(err, -EINVAL, "the token file '%s' is empty", c->token_file);
        forget(c->token);
        c->token = xstrndup(token, len);
        explicit_bzero(text.data, text.len);
        return 0;
}

const char *kube_config_token(struct kube_config *c, uint64_t now_ms)
{
        _cleanup_(err_done) struct err err = {};
        bool due = !c->token_was_read || now_ms - c->token_read_ms >= TOKEN_PERIOD_MS;

        if (!c->token_file || !due)
                return c->token;
        c->token_was_read = true;
        c->token_read_ms = now_ms;
        if (kube_config_read_token(c, &err) < 0)
                log_debug("the token in use stays", LOG_S("problem", err_text(&err)));
        return c->token;
}

void kube_config_refresh(struct kube_config *c)
{
        c->token_was_read = false;
}
