/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An SSL_CTX for one cluster and user. libcurl builds its own from the same configuration; this one
 * is for the exec streams, and building it first finds bad certificates with a message for people.
 */

#include <openssl/ssl.h>

#include "kube/config.h"
#include "kube/url.h"

/*
 * TLS 1.2 or newer; only the cluster's authorities are trusted (the system's when it names none);
 * our certificate with its chain is shown; the server's name (tls-server-name, else the URL's host)
 * or address is part of the verification. -EINVAL with @err: a certificate or key cannot be used.
 */
int kube_tls_new(const struct kube_config *config, const struct kube_url *url, SSL_CTX **ret_ctx,
                 struct err *err);
