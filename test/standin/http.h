/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * HTTP/1.1 on a connection: one request at a time, with its body in memory (bounded), answered
 * whole or as a chunked stream, or taken over by the WebSocket after an upgrade.
 *
 * The handler is called when a request is complete. It answers at once or later; nothing further of
 * the connection is read as a request until then. A `struct http` dies with its connection:
 * whoever keeps it registers http_on_gone().
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "base/strv.h"
#include "test/standin/conn.h"

struct http;

struct http_pair {
        char *name;
        char *value; /* query: decoded */
};

struct http_pairs {
        struct http_pair *items;
        size_t n_items;
};

struct http_request {
        const char *method;      /* "GET" */
        struct str target;       /* path and query as they came */
        struct strv segments;    /* of the path, decoded: "/api/v1" is {"api", "v1"} */
        struct http_pairs query; /* in order, repeated names kept */
        struct http_pairs headers;
        struct str body;
        bool upgrade; /* Connection: Upgrade and Upgrade: something */
};

struct http_server {
        struct listener *listener;
        void (*handle)(void *user, struct http *h);
        void (*answered)(void *user, struct http *h, int status); /* for counting */
        void *user;
};

/* Serves all connections of @s->listener, which must not be started yet. */
void http_serve(struct http_server *s);

const struct http_request *http_request(const struct http *h);
struct conn *http_conn(const struct http *h);
/* The first header line of that name, or NULL. */
const char *http_header(const struct http *h, const char *name);
/* The first query parameter of that name, or NULL. */
const char *http_query(const struct http *h, const char *name);
/* True for "true", "1" and an empty value, as in "?watch". */
bool http_query_true(const struct http *h, const char *name);

/* A whole answer. @extra is NULL or header lines, each ending with CR LF. @body may be NULL. */
struct http_answer {
        int status;
        const char *content_type; /* or NULL */
        const char *extra;
        struct view body;
};
void http_respond(struct http *h, const struct http_answer *answer);

void http_stream_begin(struct http *h, const char *content_type);
void http_stream_write(struct http *h, const char *data, size_t len);
void http_stream_end(struct http *h);
/* @gone: the connection has ended before the answer did; `h` is invalid after it. NULL: forget. */
void http_on_gone(struct http *h, void (*gone)(void *user), void *user);

/*
 * Between these two an answer leaves the request readable. The handler is called so; who answers
 * later and goes on using the request does it himself.
 */
void http_hold(struct http *h);
void http_release(struct http *h);

/*
 * Sends the raw head (status line, headers, empty line) and hands the connection over: @events get
 * all further bytes, first those that came behind the request. http_on_gone() no longer counts.
 */
void http_take_over(struct http *h, const char *head, const struct conn_events *events, void *user);
