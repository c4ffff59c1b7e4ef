/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where the API server is and who we are there: one resolved kubeconfig context, or the service
 * account of the pod we run in. Loading reads files once; nothing here talks to the network.
 *
 * Rules (KUBERNETES.md 5.1): --kubeconfig names one file, which must exist; else $KUBECONFIG is a
 * ':'-list whose missing files are skipped and whose first definition of a cluster, user or context
 * wins as a whole; else ~/.kube/config. Nothing configured at all: in-cluster. Relative paths are
 * relative to the file that holds them; the -data variant beats the file variant.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct kube_config_params {
        const char *kubeconfig; /* --kubeconfig, or NULL */
        const char *context;    /* --context, or NULL: current-context */
        const char *namespace_; /* --namespace, or NULL: the context's, else "default" */
};

/* All strings are owned; NULL or empty where not configured. */
struct kube_config {
        char *context;    /* the context's name, or "in-cluster" */
        char *server;     /* "https://host:port/prefix", no trailing slash */
        char *namespace_; /* never NULL */
        char *tls_server_name;
        bool insecure_skip_tls_verify;
        struct str ca_pem; /* empty: the system's authorities */
        struct str client_cert_pem;
        struct str client_key_pem;
        char *token;      /* trimmed */
        char *token_file; /* read again at most every 60 s; wins over token once read */
        char *username, *password;
        char *proxy_url;
        bool in_cluster;
        /* Of token_file, kept by kube_config_token(): */
        bool token_was_read;
        uint64_t token_read_ms; /* loop time of the last attempt */
};

/*
 * -ENOENT: a named file or context does not exist, or nothing is configured; -EINVAL: a file cannot
 * be understood or combines what excludes itself; -EOPNOTSUPP: a feature that is not built yet (the
 * message names it). @err says which file and which entry.
 */
int kube_config_load(const struct kube_config_params *params, struct kube_config **ret_config,
                     struct err *err);
void kube_config_free(struct kube_config *c);
static inline void kube_config_freep(struct kube_config **c)
{
        kube_config_free(*c);
}

/* The bearer token to send now, or NULL. Reads token_file again when @now_ms (loop time) says so.
 * Borrowed until the next call. */
const char *kube_config_token(struct kube_config *c, uint64_t now_ms);
/* The next kube_config_token() reads token_file again, however fresh it is. */
void kube_config_refresh(struct kube_config *c);
/* Reads token_file into token now. The errors of file_read(); -EINVAL: it is empty. */
int kube_config_read_token(struct kube_config *c, struct err *err);
