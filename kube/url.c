/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/url.h"

/*
 * A server URL is small and has one right form, so it is read by hand and strictly: what is not
 * understood is refused here, with the URL shown, rather than misread by one of the two libraries
 * that connect to it. A URL with a user in it is not shown, since it may hold a password.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

/* RFC 3986: what may stand in a path, besides percent-encoding. */
static bool is_path_char(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (c && strchr("-._~!$&'()*+,;=:@/%", c));
}

static bool is_host_char(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '.' || c == '_';
}

static bool is_address(int family, const char *host)
{
        struct in6_addr address;

        return inet_pton(family, host, &address) == 1;
}

/* Reads "host" or "[address]" at *@p and moves it on. */
static int parse_host(const char **p, struct kube_url *u)
{
        const char *start = *p;
        size_t len = 0;

        if (*start == '[') {
                len = strcspn(++start, "]");
                if (start[len] != ']')
                        return -EINVAL;
                u->host = xstrndup(start, len);
                u->is_ip = u->is_ipv6 = true;
                *p = start + len + 1;
                return is_address(AF_INET6, u->host) ? 0 : -EINVAL;
        }
        while (is_host_char(start[len]))
                len++;
        if (len == 0)
                return -EINVAL;
        u->host = xstrndup(start, len);
        u->is_ip = is_address(AF_INET, u->host);
        *p = start + len;
        return 0;
}

static int parse_port(const char **p, struct kube_url *u)
{
        _cleanup_(freep) char *digits = NULL;
        uint64_t port;
        size_t len;

        u->port = u->tls ? 443 : 80;
        if (**p != ':')
                return 0;
        len = strcspn(++*p, "/");
        digits = xstrndup(*p, len);
        if (parse_u64(digits, 65535, &port) < 0 || port == 0)
                return -EINVAL;
        u->port = (unsigned)port;
        *p += len;
        return 0;
}

static int parse_prefix(const char *p, struct kube_url *u)
{
        size_t len = strlen(p);

        if (len > 0 && *p != '/')
                return -EINVAL;
        for (size_t i = 0; i < len; i++)
                if (!is_path_char(p[i]))
                        return -EINVAL;
        while (len > 0 && p[len - 1] == '/')
                len--;
        u->prefix = xstrndup(p, len);
        return 0;
}

int kube_url_parse(const char *text, struct kube_url *ret_url, struct err *err)
{
        _cleanup_(kube_url_done) struct kube_url u = {};
        _cleanup_(freep) char *shown = printable(text);
        const char *p = text;

        if (strchr(text, '@'))
                return err_set(err, -EINVAL,
                               "the server's URL must not hold a user name: put credentials into "
                               "the kubeconfig's user entry");
        if (strncasecmp(p, "https://", 8) == 0) {
                u.tls = true;
                p += 8;
        } else if (strncasecmp(p, "http://", 7) == 0) {
                p += 7;
        } else {
                return err_set(err, -EINVAL,
                               "the server's URL '%s' must begin with https:// or http://", shown);
        }
        if (parse_host(&p, &u) < 0)
                return err_set(err, -EINVAL, "the server's URL '%s' names no valid host", shown);
        if (parse_port(&p, &u) < 0)
                return err_set(err, -EINVAL, "the server's URL '%s' has no valid port", shown);
        if (parse_prefix(p, &u) < 0)
                return err_set(
                        err, -EINVAL,
                        "the server's URL '%s' may have a path behind the host, but no query "
                        "and no fragment",
                        shown);
        *ret_url = u;
        u = (struct kube_url){};
        return 0;
}

void kube_url_done(struct kube_url *u)
{
        free(u->host);
        free(u->prefix);
        *u = (struct kube_url){};
}

char *kube_url_authority(const char *host, unsigned port)
{
        return xasprintf(strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
}

void url_encode(struct str *s, const char *text)
{
        for (const char *p = text; *p; p++) {
                bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                             (*p >= '0' && *p <= '9') || strchr("-._~", *p);

                if (plain)
                        str_append_char(s, *p);
                else
                        str_appendf(s, "%%%02X", (unsigned char)*p);
        }
}
