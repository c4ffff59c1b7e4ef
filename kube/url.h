/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The API server's URL in parts, and percent-encoding. Pure.
 */

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

/* All strings are owned. */
struct kube_url {
        bool tls;      /* https */
        char *host;    /* a name or an address, without brackets */
        bool is_ip;    /* host is an IPv4 or IPv6 address */
        bool is_ipv6;  /* host must stand in brackets */
        unsigned port; /* 1-65535 */
        char *prefix;  /* "" or "/k8s/clusters/c-x": comes before every path */
};

/*
 * "https://host[:port][/prefix]", or http. -EINVAL: something else, or it holds a user, a query or
 * a fragment.
 */
int kube_url_parse(const char *text, struct kube_url *ret_url, struct err *err);
void kube_url_done(struct kube_url *u);
/* "host:port", or "[address]:port". The caller frees it. */
char *kube_url_authority(const char *host, unsigned port);

/* Appends @text with all but RFC 3986's unreserved characters percent-encoded. */
void url_encode(struct str *s, const char *text);
