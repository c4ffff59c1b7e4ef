/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "kube/tls.h"

/*
 * Real certificates, made here, and real handshakes between our SSL_CTX and a server's, through
 * memory instead of a socket.
 */

struct party {
        EVP_PKEY *key;
        X509 *certificate;
};

static void party_done(struct party *p)
{
        EVP_PKEY_free(p->key);
        X509_free(p->certificate);
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
        X509V3_CTX context;
        X509_EXTENSION *extension;

        X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
        extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
        assert_non_null(extension);
        assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
        X509_EXTENSION_free(extension);
}

/* @issuer NULL: an authority of its own. @names: "DNS:...,IP:...", or NULL. */
static struct party make_party(const char *name, const struct party *issuer, const char *names)
{
        struct party p = {.key = EVP_EC_gen("P-256"), .certificate = X509_new()};
        X509_NAME *subject = X509_get_subject_name(p.certificate);
        const struct party *by = issuer ? issuer : &p;
        static long serial = 1;

        X509_set_version(p.certificate, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(p.certificate), serial++);
        X509_gmtime_adj(X509_getm_notBefore(p.certificate), -3600);
        X509_gmtime_adj(X509_getm_notAfter(p.certificate), 3600);
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
                                   0);
        X509_set_issuer_name(p.certificate, X509_get_subject_name(by->certificate));
        X509_set_pubkey(p.certificate, p.key);
        add_extension(p.certificate, NID_basic_constraints,
                      names ? "critical,CA:FALSE" : "critical,CA:TRUE");
        if (names)
                add_extension(p.certificate, NID_subject_alt_name, names);
        assert_true(X509_sign(p.certificate, by->key, EVP_sha256()) > 0);
        return p;
}

static void take_pem(BIO *bio, struct str *s)
{
        char *data;
        long len = BIO_get_mem_data(bio, &data);

        str_append_bytes(s, data, (size_t)len);
        BIO_free(bio);
}

static void add_certificate(struct str *s, const struct party *p)
{
        BIO *bio = BIO_new(BIO_s_mem());

        PEM_write_bio_X509(bio, p->certificate);
        take_pem(bio, s);
}

static void add_key(struct str *s, const struct party *p, const char *passphrase)
{
        BIO *bio = BIO_new(BIO_s_mem());

        PEM_write_bio_PrivateKey(bio, p->key, passphrase ? EVP_aes_128_cbc() : NULL, NULL, 0, NULL,
                                 (void *)passphrase);
        take_pem(bio, s);
}

/* A server with the certificate of @p that also asks for ours, trusting @ca. */
static SSL *make_server(const struct party *p, const struct party *ca)
{
        SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
        SSL *server;

        SSL_CTX_use_certificate(ctx, p->certificate);
        SSL_CTX_use_PrivateKey(ctx, p->key);
        X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca->certificate);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION); /* both ends learn of a failure */
        server = SSL_new(ctx);
        SSL_CTX_free(ctx);
        SSL_set_accept_state(server);
        return server;
}

/* True when both ends are content. */
static bool handshake(SSL *client, SSL *server)
{
        BIO *one, *other;
        int a = 0, b = 0;

        BIO_new_bio_pair(&one, 0, &other, 0);
        SSL_set_bio(client, one, one);
        SSL_set_bio(server, other, other);
        SSL_set_connect_state(client);
        for (int i = 0; i < 20 && !(a == 1 && b == 1); i++) {
                a = SSL_do_handshake(client);
                b = SSL_do_handshake(server);
        }
        return a == 1 && b == 1;
}

static bool connects(const struct kube_config *config, const char *host, const struct party *p,
                     const struct party *ca, long *ret_client_certificates)
{
        struct kube_url url = {.tls = true, .host = (char *)host, .port = 443};
        _cleanup_(err_done) struct err err = {};
        SSL *server = make_server(p, ca), *client;
        SSL_CTX *ctx;
        bool ok;

        if (kube_tls_new(config, &url, &ctx, &err) < 0)
                fail_msg("%s", err_text(&err));
        client = SSL_new(ctx);
        ok = handshake(client, server);
        if (ret_client_certificates)
                *ret_client_certificates = sk_X509_num(SSL_get_peer_cert_chain(server)) +
                                           (SSL_get0_peer_certificate(server) != NULL);
        SSL_free(client);
        SSL_free(server);
        SSL_CTX_free(ctx);
        return ok;
}

static void only_the_right_name_of_the_right_authority_is_accepted(void **state)
{
        static const struct {
                const char *host, *server_name;
                bool other_ca, insecure, ok;
        } rows[] = {
                {"kube.example", NULL, false, false, true},
                {"other.example", NULL, false, false, false},
                {"other.example", "kube.example", false, false, true},
                {"kube.example", "other.example", false, false, false},
                {"10.0.0.1", NULL, false, false, true},
                {"10.0.0.2", NULL, false, false, false},
                {"10.0.0.2", "kube.example", false, false, true},
                {"fd00::1", NULL, false, false, true},
                {"fd00::2", NULL, false, false, false},
                {"kube.example", NULL, true, false, false},
                {"kube.example", NULL, true, true, true},
                {"other.example", NULL, false, true, true},
        };
        _cleanup_(party_done) struct party ca = make_party("ca", NULL, NULL);
        _cleanup_(party_done) struct party other = make_party("other", NULL, NULL);
        _cleanup_(party_done) struct party server =
                make_party("server", &ca, "DNS:kube.example,IP:10.0.0.1,IP:fd00::1");

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct kube_config config = {.tls_server_name = (char *)rows[i].server_name,
                                             .insecure_skip_tls_verify = rows[i].insecure};
                bool ok;

                add_certificate(&config.ca_pem, rows[i].other_ca ? &other : &ca);
                ok = connects(&config, rows[i].host, &server, &ca, NULL);
                str_done(&config.ca_pem);
                if (ok != rows[i].ok)
                        fail_msg("row %zu: %s", i, ok ? "accepted" : "refused");
        }
}

static void every_authority_of_a_bundle_counts(void **state)
{
        _cleanup_(party_done) struct party first = make_party("first", NULL, NULL);
        _cleanup_(party_done) struct party second = make_party("second", NULL, NULL);
        _cleanup_(party_done) struct party server = make_party("s", &second, "DNS:kube.example");
        struct kube_config config = {};

        str_append(&config.ca_pem, "a comment\n");
        add_certificate(&config.ca_pem, &first);
        add_certificate(&config.ca_pem, &second);
        assert_true(connects(&config, "kube.example", &server, &second, NULL));
        str_done(&config.ca_pem);
}

static void our_certificate_is_shown_with_its_chain(void **state)
{
        _cleanup_(party_done) struct party ca = make_party("ca", NULL, NULL);
        _cleanup_(party_done) struct party middle = make_party("middle", &ca, NULL);
        _cleanup_(party_done) struct party me = make_party("me", &middle, "DNS:me");
        _cleanup_(party_done) struct party server = make_party("s", &ca, "DNS:kube.example");
        struct kube_config config = {};
        long n = 0;

        add_certificate(&config.ca_pem, &ca);
        add_certificate(&config.client_cert_pem, &me);
        add_certificate(&config.client_cert_pem, &middle);
        add_key(&config.client_key_pem, &me, NULL);
        assert_true(connects(&config, "kube.example", &server, &ca, &n));
        assert_int_equal(n, 2);
        str_done(&config.ca_pem);
        str_done(&config.client_cert_pem);
        str_done(&config.client_key_pem);
}

static void refused(const struct kube_config *config, const char *problem)
{
        const struct kube_url url = {.tls = true, .host = (char *)"h", .port = 443};
        _cleanup_(err_done) struct err err = {};
        SSL_CTX *ctx = NULL;

        assert_int_equal(kube_tls_new(config, &url, &ctx, &err), -EINVAL);
        if (!strstr(err_text(&err), problem))
                fail_msg("'%s' is not in '%s'", problem, err_text(&err));
        assert_null(ctx);
}

static void what_cannot_be_used_is_refused_in_words(void **state)
{
        _cleanup_(party_done) struct party ca = make_party("ca", NULL, NULL);
        _cleanup_(party_done) struct party other = make_party("other", NULL, NULL);
        _cleanup_(str_done) struct str pem = {}, key = {}, other_key = {}, locked = {}, cut = {};
        _cleanup_(str_done) struct str nonsense = {};

        add_certificate(&pem, &ca);
        add_key(&key, &ca, NULL);
        add_key(&other_key, &other, NULL);
        add_key(&locked, &ca, "geheim");
        str_append_bytes(&cut, pem.data, pem.len / 2);
        str_append(&nonsense, "hello");
        refused(&(struct kube_config){.ca_pem = nonsense}, "authority holds no PEM certificate");
        refused(&(struct kube_config){.ca_pem = cut}, "certificate authority cannot be used");
        refused(&(struct kube_config){.client_cert_pem = nonsense, .client_key_pem = key},
                "client certificate is no PEM certificate");
        refused(&(struct kube_config){.client_cert_pem = pem, .client_key_pem = nonsense},
                "client key cannot be used");
        refused(&(struct kube_config){.client_cert_pem = pem, .client_key_pem = locked},
                "client key cannot be used");
        refused(&(struct kube_config){.client_cert_pem = pem, .client_key_pem = other_key},
                "client key cannot be used");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(only_the_right_name_of_the_right_authority_is_accepted),
                cmocka_unit_test(every_authority_of_a_bundle_counts),
                cmocka_unit_test(our_certificate_is_shown_with_its_chain),
                cmocka_unit_test(what_cannot_be_used_is_refused_in_words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
