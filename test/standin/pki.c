/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/pki.h"

/*
 * Keys are on P-256: quick to make, so that every start can have its own. Nothing is written to
 * disk but the kubeconfig, which holds the CA and the admin's certificate inline, the way a cloud's
 * kubeconfig does. A client without a certificate passes TLS: who it is, is asked per request.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "base/str.h"

#define VALID_SECONDS (30L * 24 * 3600)

struct issue {
        const char *common_name;
        const char *organisation; /* or NULL */
        const char *alt_names;    /* or NULL */
        const char *usage;
        bool ca;
};

static void crypto_must(bool ok, const char *what)
{
        if (ok)
                return;
        fprintf(stderr, "standin: %s failed\n", what);
        abort();
}

char *random_hex(size_t n_bytes)
{
        struct str s = {};

        for (size_t i = 0; i < n_bytes; i++) {
                unsigned char byte;

                crypto_must(RAND_bytes(&byte, 1) == 1, "RAND_bytes");
                str_appendf(&s, "%02x", byte);
        }
        return str_take(&s);
}

char *random_uuid(void)
{
        _cleanup_(freep) char *h = random_hex(16);

        h[12] = '4';
        h[16] = "89ab"[h[16] & 3];
        return xasprintf("%.8s-%.4s-%.4s-%.4s-%.12s", h, h + 8, h + 12, h + 16, h + 20);
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
        X509V3_CTX ctx;
        X509_EXTENSION *extension;

        X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
        extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
        crypto_must(extension && X509_add_ext(cert, extension, -1) == 1, "X509_add_ext");
        X509_EXTENSION_free(extension);
}

static void add_name(X509_NAME *name, const char *field, const char *value)
{
        crypto_must(X509_NAME_add_entry_by_txt(name, field, MBSTRING_ASC,
                                               (const unsigned char *)value, -1, -1, 0) == 1,
                    "X509_NAME_add_entry_by_txt");
}

static void set_serial(X509 *cert)
{
        _cleanup_(freep) char *hex = random_hex(15);
        BIGNUM *number = NULL;

        crypto_must(BN_hex2bn(&number, hex) > 0, "BN_hex2bn");
        BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
        BN_free(number);
}

/* @issuer NULL: signed by itself. */
static X509 *issue(EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key, const struct issue *what)
{
        X509 *cert = X509_new();
        X509_NAME *name;

        crypto_must(cert, "X509_new");
        X509_set_version(cert, 2);
        set_serial(cert);
        X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
        X509_gmtime_adj(X509_getm_notAfter(cert), VALID_SECONDS);
        X509_set_pubkey(cert, key);
        name = X509_get_subject_name(cert);
        if (what->organisation)
                add_name(name, "O", what->organisation);
        add_name(name, "CN", what->common_name);
        X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : name);
        if (!issuer)
                issuer = cert;
        add_extension(cert, issuer, NID_basic_constraints,
                      what->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
        add_extension(cert, issuer, NID_key_usage, what->usage);
        add_extension(cert, issuer, NID_subject_key_identifier, "hash");
        add_extension(cert, issuer, NID_authority_key_identifier, "keyid");
        if (!what->ca)
                add_extension(cert, issuer, NID_ext_key_usage, "serverAuth,clientAuth");
        if (what->alt_names)
                add_extension(cert, issuer, NID_subject_alt_name, what->alt_names);
        crypto_must(X509_sign(cert, issuer_key, EVP_sha256()) > 0, "X509_sign");
        return cert;
}

static char *bio_text(BIO *bio)
{
        char *data;
        long len = BIO_get_mem_data(bio, &data);
        char *text = xstrndup(data, (size_t)len);

        BIO_free(bio);
        return text;
}

static char *cert_pem(X509 *cert)
{
        BIO *bio = BIO_new(BIO_s_mem());

        crypto_must(bio && PEM_write_bio_X509(bio, cert) == 1, "PEM_write_bio_X509");
        return bio_text(bio);
}

static char *key_pem(EVP_PKEY *key)
{
        BIO *bio = BIO_new(BIO_s_mem());

        crypto_must(bio && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1,
                    "PEM_write_bio_PrivateKey");
        return bio_text(bio);
}

/* HTTP/1.1 when the client has it in its list; no h2 here. */
static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *in, unsigned int in_len, void *arg)
{
        static const unsigned char ours[] = "\x08http/1.1";
        unsigned char *chosen;

        if (SSL_select_next_proto(&chosen, out_len, ours, sizeof(ours) - 1, in, in_len) !=
            OPENSSL_NPN_NEGOTIATED)
                return SSL_TLSEXT_ERR_NOACK;
        *out = chosen;
        return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *server_context(X509 *ca, X509 *cert, EVP_PKEY *key)
{
        SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

        crypto_must(ctx, "SSL_CTX_new");
        SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
        crypto_must(SSL_CTX_use_certificate(ctx, cert) == 1, "SSL_CTX_use_certificate");
        crypto_must(SSL_CTX_use_PrivateKey(ctx, key) == 1, "SSL_CTX_use_PrivateKey");
        crypto_must(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca) == 1,
                    "X509_STORE_add_cert");
        SSL_CTX_add_client_CA(ctx, ca);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"standin", 7);
        SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, NULL);
        SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
        return ctx;
}

int pki_init(struct pki *pki, struct err *err)
{
        EVP_PKEY *ca_key = EVP_EC_gen("P-256");
        EVP_PKEY *server_key = EVP_EC_gen("P-256");
        EVP_PKEY *client_key = EVP_EC_gen("P-256");
        X509 *ca, *server, *client;

        if (!ca_key || !server_key || !client_key)
                return err_set(err, -EIO, "cannot make P-256 keys");
        ca = issue(ca_key, NULL, ca_key,
                   &(struct issue){.common_name = "standin-ca",
                                   .usage = "critical,keyCertSign,cRLSign,digitalSignature",
                                   .ca = true});
        server = issue(server_key, ca, ca_key,
                       &(struct issue){.common_name = "standin",
                                       .usage = "critical,digitalSignature",
                                       .alt_names = "IP:127.0.0.1,DNS:localhost,"
                                                    "DNS:kubernetes.default.svc"});
        client = issue(client_key, ca, ca_key,
                       &(struct issue){.common_name = "standin-admin",
                                       .organisation = "system:masters",
                                       .usage = "critical,digitalSignature"});
        pki->ca_pem = cert_pem(ca);
        pki->client_pem = cert_pem(client);
        pki->client_key_pem = key_pem(client_key);
        pki->server = server_context(ca, server, server_key);
        X509_free(ca);
        X509_free(server);
        X509_free(client);
        EVP_PKEY_free(ca_key);
        EVP_PKEY_free(server_key);
        EVP_PKEY_free(client_key);
        return 0;
}

void pki_done(struct pki *pki)
{
        free(pki->ca_pem);
        free(pki->client_pem);
        free(pki->client_key_pem);
        SSL_CTX_free(pki->server);
        *pki = (struct pki){};
}

static void append_base64(struct str *s, const char *text)
{
        size_t len = strlen(text);
        _cleanup_(freep) char *out = xmalloc(len * 4 / 3 + 8);

        EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)text, (int)len);
        str_append(s, out);
}

int pki_write_kubeconfig(const struct pki *pki, const char *path, const char *url,
                         const char *token, struct err *err)
{
        _cleanup_(str_done) struct str s = {};
        _cleanup_(closep) int fd = -1;

        str_appendf(&s,
                    "apiVersion: v1\nkind: Config\ncurrent-context: standin\n"
                    "clusters:\n- name: standin\n  cluster:\n    server: %s\n"
                    "    certificate-authority-data: ",
                    url);
        append_base64(&s, pki->ca_pem);
        str_append(&s, "\ncontexts:\n- name: standin\n  context: {cluster: standin, user: admin}\n"
                       "- name: standin-cert\n  context: {cluster: standin, user: admin-cert}\n"
                       "users:\n");
        str_appendf(&s, "- name: admin\n  user:\n    token: \"%s\"\n", token);
        str_append(&s, "- name: admin-cert\n  user:\n    client-certificate-data: ");
        append_base64(&s, pki->client_pem);
        str_append(&s, "\n    client-key-data: ");
        append_base64(&s, pki->client_key_pem);
        str_append(&s, "\n");
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0)
                return err_errno(err, -errno, "opening %s", path);
        if (fchmod(fd, 0600) < 0 || write(fd, s.data, s.len) != (ssize_t)s.len)
                return err_errno(err, -errno, "writing %s", path);
        return 0;
}
