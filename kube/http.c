/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/http.h"

/*
 * What holds for every exchange stands in configure(): HTTP/1.1 on pooled connections (a dead
 * HTTP/2 connection would take all watches with it), no redirects (they would carry credentials
 * elsewhere), the cluster's authorities only, and detection of dead peers in about a minute.
 *
 * The URL names the host that the certificate must be for; with a tls-server-name that is another
 * one than we connect to, which CURLOPT_CONNECT_TO says.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "base/mem.h"
#include "kube/status.h"
#include "kube/url.h"

#define CONNECT_TIMEOUT_MS 30000
#define KEEPALIVE_S        30
#define USER_TIMEOUT_MS    30000
#define RETRY_AFTER_MAX_S  3600

/* Every setopt here can only fail for want of memory: values are constants or checked before. */
static void must(CURLcode result)
{
        if (result != CURLE_OK)
                out_of_memory();
}

/* libcurl opens sockets without close-on-exec: a build command must not inherit them. */
static int on_new_socket(void *userdata, curl_socket_t fd, curlsocktype purpose)
{
        unsigned timeout_ms = USER_TIMEOUT_MS;

        fcntl(fd, F_SETFD, FD_CLOEXEC);
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
        return CURL_SOCKOPT_OK;
}

static void set_blob(CURL *easy, CURLoption option, const struct str *data)
{
        struct curl_blob blob = {.data = data->data, .len = data->len, .flags = CURL_BLOB_NOCOPY};

        if (data->len > 0)
                must(curl_easy_setopt(easy, option, &blob));
}

static void configure_tls(CURL *easy, const struct kube_config *config)
{
        long verify = config->insecure_skip_tls_verify ? 0 : 1;

        must(curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2));
        must(curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify));
        must(curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify * 2));
        if (config->ca_pem.len > 0) {
                must(curl_easy_setopt(easy, CURLOPT_CAPATH, NULL));
                must(curl_easy_setopt(easy, CURLOPT_CAINFO, NULL));
        }
        set_blob(easy, CURLOPT_CAINFO_BLOB, &config->ca_pem);
        set_blob(easy, CURLOPT_SSLCERT_BLOB, &config->client_cert_pem);
        set_blob(easy, CURLOPT_SSLKEY_BLOB, &config->client_key_pem);
}

static void configure(CURL *easy, struct kube_http *h, const struct kube_http_params *params)
{
        const struct kube_config *config = kube_client_config(h->client);

        must(curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, h->curl_problem));
        must(curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L));
        must(curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L));
        must(curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https,http"));
        must(curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1));
        must(curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L));
        must(curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L));
        must(curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE));
        must(curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L));
        must(curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_S));
        must(curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_S));
        must(curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_new_socket));
        must(curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS));
        must(curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)params->timeout_ms));
        must(curl_easy_setopt(easy, CURLOPT_USERAGENT, kube_client_user_agent(h->client)));
        if (params->gzip)
                must(curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip"));
        if (config->proxy_url)
                must(curl_easy_setopt(easy, CURLOPT_PROXY, config->proxy_url));
        configure_tls(easy, config);
}

static void set_method(CURL *easy, const struct kube_http_params *params)
{
        if (params->body) {
                must(curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                                      (curl_off_t)strlen(params->body)));
                must(curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, params->body));
        }
        if (params->body || !streq(params->method, "GET"))
                must(curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, params->method));
}

static void set_url(struct kube_http *h, const struct kube_http_params *params)
{
        const struct kube_config *config = kube_client_config(h->client);
        const struct kube_url *u = kube_client_url(h->client);
        const char *name = config->tls_server_name ? config->tls_server_name : u->host;
        _cleanup_(freep) char *shown = kube_url_authority(name, u->port);
        _cleanup_(freep) char *url =
                xasprintf("%s://%s%s%s", u->tls ? "https" : "http", shown, u->prefix, params->path);
        _cleanup_(freep) char *real = kube_url_authority(u->host, u->port);

        must(curl_easy_setopt(h->transfer.easy, CURLOPT_URL, url));
        h->label = xasprintf("%s %s%.*s", params->method, config->server,
                             (int)strcspn(params->path, "?"), params->path);
        if (config->tls_server_name) {
                _cleanup_(freep) char *entry = xasprintf("::%s", real);

                h->connect_to = curl_slist_append(NULL, entry);
                must(h->connect_to ? CURLE_OK : CURLE_OUT_OF_MEMORY);
                must(curl_easy_setopt(h->transfer.easy, CURLOPT_CONNECT_TO, h->connect_to));
        }
}

static void forget(char *secret)
{
        if (secret)
                explicit_bzero(secret, strlen(secret));
        free(secret);
}

static void add_header(struct kube_http *h, const char *name, const char *value)
{
        char *line = xasprintf("%s:%s%s", name, *value ? " " : "", value);
        struct curl_slist *longer = curl_slist_append(h->headers, line);

        must(longer ? CURLE_OK : CURLE_OUT_OF_MEMORY);
        h->headers = longer;
        forget(line);
}

static void forget_headers(struct kube_http *h)
{
        for (struct curl_slist *s = h->headers; s; s = s->next)
                explicit_bzero(s->data, strlen(s->data));
        curl_slist_free_all(h->headers);
        h->headers = NULL;
        forget(take_ptr(h->authorization));
}

static void set_headers(struct kube_http *h)
{
        forget_headers(h);
        h->authorization = kube_client_authorization(h->client);
        add_header(h, "Accept", "application/json");
        add_header(h, "Expect", "");
        if (h->content_type)
                add_header(h, "Content-Type", h->content_type);
        if (h->authorization)
                add_header(h, "Authorization", h->authorization);
        must(curl_easy_setopt(h->transfer.easy, CURLOPT_HTTPHEADER, h->headers));
}

void kube_http_init(struct kube_http *h, struct kube_client *c,
                    const struct kube_http_params *params)
{
        h->client = c;
        h->transfer.easy = curl_easy_init();
        must(h->transfer.easy ? CURLE_OK : CURLE_OUT_OF_MEMORY);
        if (params->body)
                h->content_type =
                        xstrdup(params->content_type ? params->content_type : "application/json");
        configure(h->transfer.easy, h, params);
        set_method(h->transfer.easy, params);
        set_url(h, params);
        set_headers(h);
}

void kube_http_done(struct kube_http *h)
{
        curl_transfer_remove(&h->transfer);
        curl_easy_cleanup(h->transfer.easy);
        forget_headers(h);
        curl_slist_free_all(h->connect_to);
        free(h->label);
        free(h->content_type);
        *h = (struct kube_http){};
}

int kube_http_start(struct kube_http *h)
{
        return curl_transfer_add(kube_client_curl(h->client), &h->transfer);
}

bool kube_http_restart_unauthorized(struct kube_http *h)
{
        _cleanup_(freep) char *before = xstrdup(h->authorization);

        kube_client_refresh(h->client);
        if (h->retried)
                return false;
        set_headers(h);
        if (streq(before, h->authorization))
                return false;
        h->retried = true;
        return kube_http_start(h) == 0;
}

int kube_http_status(const struct kube_http *h)
{
        long status = 0;

        curl_easy_getinfo(h->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
        return (int)status;
}

unsigned kube_http_retry_after(const struct kube_http *h)
{
        curl_off_t seconds = 0;

        curl_easy_getinfo(h->transfer.easy, CURLINFO_RETRY_AFTER, &seconds);
        if (seconds < 0)
                return 0;
        return seconds > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : (unsigned)seconds;
}

int kube_http_errno(CURLcode result)
{
        switch (result) {
        case CURLE_OK:
                return 0;
        case CURLE_OPERATION_TIMEDOUT:
                return -ETIMEDOUT;
        case CURLE_COULDNT_CONNECT:
                return -ECONNREFUSED;
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
                return -EHOSTUNREACH;
        case CURLE_PEER_FAILED_VERIFICATION:
                return -EKEYREJECTED;
        case CURLE_WRITE_ERROR:
                return -EFBIG;
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_SSL_CERTPROBLEM:
                return -EPROTO;
        default:
                return -ECONNRESET;
        }
}

char *kube_http_transport_problem(const struct kube_http *h, CURLcode result)
{
        const char *why = *h->curl_problem ? h->curl_problem : curl_easy_strerror(result);
        const struct kube_url *u = kube_client_url(h->client);
        long system_error = 0;

        curl_easy_getinfo(h->transfer.easy, CURLINFO_OS_ERRNO, &system_error);
        if (result == CURLE_COULDNT_CONNECT && system_error)
                return xasprintf("%s: connecting to %s, port %u: %s", h->label, u->host, u->port,
                                 strerror((int)system_error));
        return xasprintf("%s: %s", h->label, why);
}

char *kube_http_status_problem(const struct kube_http *h, const struct str *body)
{
        _cleanup_(freep) char *why =
                kube_status_describe(kube_http_status(h), str_text(body), body->len);

        return xasprintf("%s: %s", h->label, why);
}
