/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/incluster.h"

/*
 * The kubelet replaces the files by swapping a symlink, so each is opened by its path every time
 * it is read. The token is only checked here; kube_config_token() reads it again and again.
 */

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"

static int read_namespace(const char *directory, struct kube_config *c, struct err *err)
{
        _cleanup_(freep) char *path = xasprintf("%s/namespace", directory);
        _cleanup_(str_done) struct str text = {};
        int r = file_read(path, LIMIT_CREDENTIAL_FILE, &text, err);
        size_t len;

        if (r < 0 && r != -ENOENT)
                return r;
        if (r < 0 && err)
                err_done(err);
        len = strcspn(str_text(&text), " \t\r\n");
        c->namespace_ = len > 0 ? xstrndup(str_text(&text), len) : xstrdup("default");
        return 0;
}

int incluster_load(const char *directory, const struct kube_config_params *params,
                   struct kube_config **ret_config, struct err *err)
{
        _cleanup_(kube_config_freep) struct kube_config *c = xcalloc(1, sizeof(*c));
        _cleanup_(freep) char *ca_path = xasprintf("%s/ca.crt", directory);
        const char *host = getenv("KUBERNETES_SERVICE_HOST");
        const char *port = getenv("KUBERNETES_SERVICE_PORT");
        int r = 0;

        if (!host || !*host || !port || !*port)
                return err_set(err, -ENOENT,
                               "no cluster is configured: there is no kubeconfig ($KUBECONFIG, "
                               "~/.kube/config), and this is not a pod "
                               "($KUBERNETES_SERVICE_HOST is not set)");
        c->in_cluster = true;
        c->context = xstrdup("in-cluster");
        c->server = xasprintf(strchr(host, ':') ? "https://[%s]:%s" : "https://%s:%s", host, port);
        c->token_file = xasprintf("%s/token", directory);
        r = kube_config_read_token(c, err);
        if (r < 0)
                return err_wrap(err, r, "the pod's service account");
        r = file_read(ca_path, LIMIT_CREDENTIAL_FILE, &c->ca_pem, err);
        if (r < 0)
                return err_wrap(err, r, "the pod's service account");
        if (params->namespace_)
                c->namespace_ = xstrdup(params->namespace_);
        else
                r = read_namespace(directory, c, err);
        if (r < 0)
                return err_wrap(err, r, "the pod's service account");
        *ret_config = take_ptr(c);
        return 0;
}
