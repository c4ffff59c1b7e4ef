/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The certificates of one run: a CA, a server certificate for 127.0.0.1, localhost and
 * kubernetes.default.svc, and a client certificate of system:masters. All new at each start.
 */

#include <openssl/ssl.h>

#include "base/err.h"

struct pki {
        char *ca_pem; /* owned, NUL-terminated PEM, like the others */
        char *client_pem;
        char *client_key_pem;
        SSL_CTX *server; /* owned; asks for a client certificate of the CA, does not need one */
};

int pki_init(struct pki *pki, struct err *err);
void pki_done(struct pki *pki);
/* Writes a kubeconfig (mode 0600) with inline data: context "standin", user with @token. */
int pki_write_kubeconfig(const struct pki *pki, const char *path, const char *url,
                         const char *token, struct err *err);
/* 32 hexadecimal digits of randomness and more: @n_bytes * 2 digits. The caller frees it. */
char *random_hex(size_t n_bytes);
/* A random version 4 UUID; the caller frees it. */
char *random_uuid(void);
