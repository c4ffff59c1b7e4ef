/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/tls.h"

/*
 * Everything is read from memory and put into the context itself, verification parameters included:
 * an SSL made of it needs nothing more to verify the right server, be it known by name or address.
 *
 * Any certificate of the cluster's bundle counts as a trust anchor, an intermediate one too, as it
 * does for libcurl and for kubectl.
 */

#include <errno.h>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static inline void ctx_freep(SSL_CTX **ctx)
{
        SSL_CTX_free(*ctx);
}

static inline void bio_freep(BIO **bio)
{
        BIO_free(*bio);
}

static int fail(struct err *err, const char *what)
{
        const char *why = ERR_reason_error_string(ERR_peek_last_error());

        ERR_clear_error();
        return err_set(err, -EINVAL, "%s cannot be used: %s", what, why ? why : "unknown reason");
}

/* Reads until there is no further certificate. That end is an error to OpenSSL; it is dropped. */
static X509 *next_certificate(BIO *bio)
{
        X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);

        if (!certificate && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE)
                ERR_clear_error();
        return certificate;
}

static int load_authorities(SSL_CTX *ctx, const struct str *pem, struct err *err)
{
        _cleanup_(bio_freep) BIO *bio = BIO_new_mem_buf(str_text(pem), (int)pem->len);
        X509_STORE *store = SSL_CTX_get_cert_store(ctx);
        size_t n = 0;
        X509 *certificate;

        X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
        if (pem->len == 0)
                return SSL_CTX_set_default_verify_paths(ctx) == 1
                               ? 0
                               : fail(err, "the system's certificate authorities");
        for (; (certificate = next_certificate(bio)); n++) {
                int ok = X509_STORE_add_cert(store, certificate);

                X509_free(certificate);
                if (!ok)
                        return fail(err, "the cluster's certificate authority");
        }
        if (ERR_peek_last_error())
                return fail(err, "the cluster's certificate authority");
        if (n == 0)
                return err_set(err, -EINVAL,
                               "the cluster's certificate authority holds no PEM certificate");
        return 0;
}

/* A key behind a pass phrase: nobody is there to type it. */
static int no_passphrase(char *buffer, int size, int writing, void *userdata)
{
        return 0;
}

static int load_certificate(SSL_CTX *ctx, const struct kube_config *config, struct err *err)
{
        const struct str *cert_pem = &config->client_cert_pem, *key_pem = &config->client_key_pem;
        _cleanup_(bio_freep) BIO *certs = BIO_new_mem_buf(str_text(cert_pem), (int)cert_pem->len);
        _cleanup_(bio_freep) BIO *keys = BIO_new_mem_buf(str_text(key_pem), (int)key_pem->len);
        X509 *certificate = next_certificate(certs);
        EVP_PKEY *key;
        int ok;

        if (!certificate)
                return err_set(err, -EINVAL, "the client certificate is no PEM certificate");
        ok = SSL_CTX_use_certificate(ctx, certificate);
        X509_free(certificate);
        while (ok == 1 && (certificate = next_certificate(certs))) {
                ok = (int)SSL_CTX_add0_chain_cert(ctx, certificate);
                if (ok != 1)
                        X509_free(certificate);
        }
        if (ok != 1 || ERR_peek_last_error())
                return fail(err, "the client certificate");
        key = PEM_read_bio_PrivateKey(keys, NULL, no_passphrase, NULL);
        if (!key)
                return fail(err, "the client key");
        ok = SSL_CTX_use_PrivateKey(ctx, key) == 1 && SSL_CTX_check_private_key(ctx) == 1;
        EVP_PKEY_free(key);
        return ok ? 0 : fail(err, "the client key");
}

static int set_name(SSL_CTX *ctx, const char *name, struct err *err)
{
        X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);
        struct in6_addr address;
        bool ip =
                inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1;
        int ok = ip ? X509_VERIFY_PARAM_set1_ip_asc(param, name)
                    : X509_VERIFY_PARAM_set1_host(param, name, 0);

        return ok == 1 ? 0 : fail(err, "the server's name");
}

int kube_tls_new(const struct kube_config *config, const struct kube_url *url, SSL_CTX **ret_ctx,
                 struct err *err)
{
        _cleanup_(ctx_freep) SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
        const char *name = config->tls_server_name ? config->tls_server_name : url->host;
        int r;

        ERR_clear_error();
        if (!ctx || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1)
                return fail(err, "TLS");
        SSL_CTX_set_verify(
                ctx, config->insecure_skip_tls_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
        r = load_authorities(ctx, &config->ca_pem, err);
        if (r < 0)
                return r;
        if (config->client_cert_pem.len > 0) {
                r = load_certificate(ctx, config, err);
                if (r < 0)
                        return r;
        }
        r = set_name(ctx, name, err);
        if (r < 0)
                return r;
        *ret_ctx = take_ptr(ctx);
        return 0;
}
