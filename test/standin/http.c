/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/http.h"

/*
 * The parser is Debian's http-parser; this module collects what it reports into one request.
 *
 * Bytes that arrive while a request is being answered wait in `rest`, so pipelining works and an
 * upgrade finds the bytes that came behind its head. The connection is paused in that time only
 * when `rest` grows beyond a bound; otherwise the end of a peer would go unnoticed during a watch.
 */

#include <ctype.h>
#include <http_parser.h>
#include <strings.h>

#include "base/mem.h"

#define BODY_MAX ((size_t)8 << 20)
#define HEAD_MAX ((size_t)128 << 10)
#define REST_MAX ((size_t)256 << 10)

enum http_state {
        HTTP_READING,   /* a request is coming in */
        HTTP_ANSWERING, /* the handler has it */
        HTTP_STREAMING, /* a chunked answer is under way */
        HTTP_TAKEN,     /* another module owns the bytes */
};

struct http {
        struct http_server *server;
        struct conn *conn;
        enum http_state state;
        http_parser parser;
        struct http_request request;
        struct str rest;
        size_t head_size;
        bool value_last; /* the parser's last header callback was a value */
        bool complete;   /* the whole request has been seen */
        bool keep_alive;
        bool too_large;
        bool held;     /* a handler runs: it may still read the request it has answered */
        bool answered; /* while held */
        void (*gone)(void *user);
        void *gone_user;
        const struct conn_events *taker;
        void *taker_user;
};

static void pairs_done(struct http_pairs *p)
{
        for (size_t i = 0; i < p->n_items; i++) {
                free(p->items[i].name);
                free(p->items[i].value);
        }
        free(p->items);
        *p = (struct http_pairs){};
}

static struct http_pair *pairs_add(struct http_pairs *p, char *name, char *value)
{
        p->items = xreallocarray(p->items, p->n_items + 1, sizeof(*p->items));
        p->items[p->n_items] = (struct http_pair){.name = name, .value = value};
        return &p->items[p->n_items++];
}

static void request_done(struct http_request *r)
{
        str_done(&r->target);
        strv_done(&r->segments);
        pairs_done(&r->query);
        pairs_done(&r->headers);
        str_done(&r->body);
        *r = (struct http_request){};
}

static int hex_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c = (char)tolower((unsigned char)c);
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static char *percent_decode(const char *s, size_t len, bool plus_is_space)
{
        char *out = xmalloc(len + 1);
        size_t n = 0;

        for (size_t i = 0; i < len; i++) {
                bool escape = s[i] == '%' && i + 2 < len && hex_digit(s[i + 1]) >= 0 &&
                              hex_digit(s[i + 2]) >= 0;

                if (escape) {
                        out[n++] = (char)(hex_digit(s[i + 1]) * 16 + hex_digit(s[i + 2]));
                        i += 2;
                } else {
                        out[n++] = plus_is_space && s[i] == '+' ? ' ' : s[i];
                }
        }
        out[n] = '\0';
        return out;
}

static void parse_query(struct http_request *r, const char *q)
{
        while (*q) {
                size_t len = strcspn(q, "&");
                const char *equals = memchr(q, '=', len);
                size_t name_len = equals ? (size_t)(equals - q) : len;

                if (len > 0)
                        pairs_add(&r->query, percent_decode(q, name_len, true),
                                  equals ? percent_decode(equals + 1, len - name_len - 1, true)
                                         : xstrdup(""));
                q += len + (q[len] == '&');
        }
}

static void parse_target(struct http_request *r)
{
        const char *p = str_text(&r->target);

        while (*p && *p != '?') {
                size_t len;

                p += *p == '/';
                len = strcspn(p, "/?");
                if (len > 0)
                        strv_push_take(&r->segments, percent_decode(p, len, false));
                p += len;
        }
        if (*p == '?')
                parse_query(r, p + 1);
}

static struct http *of(http_parser *parser)
{
        return parser->data;
}

/* Counts head bytes; a non-zero return makes the parser fail. */
static int head_grows(struct http *h, size_t len)
{
        h->head_size += len;
        return h->head_size > HEAD_MAX;
}

static int on_url(http_parser *parser, const char *at, size_t len)
{
        str_append_bytes(&of(parser)->request.target, at, len);
        return head_grows(of(parser), len);
}

static void append_text(char **s, const char *at, size_t len)
{
        char *joined = xasprintf("%s%.*s", *s, (int)len, at);

        free(*s);
        *s = joined;
}

static int on_header_field(http_parser *parser, const char *at, size_t len)
{
        struct http *h = of(parser);
        struct http_pairs *headers = &h->request.headers;

        if (h->value_last || headers->n_items == 0)
                pairs_add(headers, xstrndup(at, len), xstrdup(""));
        else
                append_text(&headers->items[headers->n_items - 1].name, at, len);
        h->value_last = false;
        return head_grows(h, len);
}

static int on_header_value(http_parser *parser, const char *at, size_t len)
{
        struct http *h = of(parser);

        append_text(&h->request.headers.items[h->request.headers.n_items - 1].value, at, len);
        h->value_last = true;
        return head_grows(h, len);
}

static int on_headers_complete(http_parser *parser)
{
        struct http *h = of(parser);
        const char *expect = http_header(h, "Expect");
        static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

        if (expect && strcasecmp(expect, "100-continue") == 0)
                conn_write(h->conn, go_on, sizeof(go_on) - 1);
        return 0;
}

static int on_body(http_parser *parser, const char *at, size_t len)
{
        struct http *h = of(parser);

        if (h->request.body.len + len > BODY_MAX)
                h->too_large = true;
        else
                str_append_bytes(&h->request.body, at, len);
        return 0;
}

static int on_message_complete(http_parser *parser)
{
        struct http *h = of(parser);

        h->complete = true;
        h->keep_alive = http_should_keep_alive(parser);
        h->request.upgrade = parser->upgrade;
        http_parser_pause(parser, 1);
        return 0;
}

static const http_parser_settings settings = {
        .on_url = on_url,
        .on_header_field = on_header_field,
        .on_header_value = on_header_value,
        .on_headers_complete = on_headers_complete,
        .on_body = on_body,
        .on_message_complete = on_message_complete,
};

static void refuse(struct http *h, int status)
{
        h->keep_alive = false;
        h->state = HTTP_ANSWERING;
        http_respond(h, &(struct http_answer){.status = status});
}

static void request_complete(struct http *h)
{
        h->request.method = http_method_str((enum http_method)h->parser.method);
        parse_target(&h->request);
        h->state = HTTP_ANSWERING;
        http_hold(h);
        if (h->too_large)
                refuse(h, 413);
        else
                h->server->handle(h->server->user, h);
        http_release(h);
}

/* Parses `rest` until a request is complete or the bytes are used up. */
static void step(struct http *h)
{
        while (h->state == HTTP_READING && h->rest.len > 0 && !conn_is_closing(h->conn)) {
                size_t n = http_parser_execute(&h->parser, &settings, h->rest.data, h->rest.len);

                if (h->complete) {
                        str_consume(&h->rest, n);
                        request_complete(h);
                } else if (HTTP_PARSER_ERRNO(&h->parser) != HPE_OK) {
                        refuse(h, 400);
                } else {
                        str_clear(&h->rest);
                }
        }
}

static void start_request(struct http *h)
{
        request_done(&h->request);
        http_parser_init(&h->parser, HTTP_REQUEST);
        h->parser.data = h;
        h->head_size = 0;
        h->value_last = h->complete = h->too_large = false;
        h->gone = NULL;
        h->state = HTTP_READING;
        conn_pause(h->conn, false);
}

static void on_data(void *user, const char *bytes, size_t len)
{
        struct http *h = user;

        if (h->state == HTTP_TAKEN) {
                h->taker->data(h->taker_user, bytes, len);
                return;
        }
        str_append_bytes(&h->rest, bytes, len);
        step(h);
        if (h->state != HTTP_TAKEN && h->rest.len > REST_MAX)
                conn_pause(h->conn, true);
}

static void on_drained(void *user)
{
        struct http *h = user;

        if (h->state == HTTP_TAKEN)
                h->taker->drained(h->taker_user);
}

static void on_closed(void *user)
{
        struct http *h = user;

        if (h->state == HTTP_TAKEN)
                h->taker->closed(h->taker_user);
        else if (h->gone)
                h->gone(h->gone_user);
        request_done(&h->request);
        str_done(&h->rest);
        free(h);
}

static void on_accepted(void *user, struct conn *c)
{
        static const struct conn_events events = {on_data, on_drained, on_closed};
        struct http *h = xcalloc(1, sizeof(*h));

        h->server = user;
        h->conn = c;
        conn_attach(c, &events, h);
        start_request(h);
}

void http_serve(struct http_server *s)
{
        s->listener->accepted = on_accepted;
        s->listener->user = s;
}

const struct http_request *http_request(const struct http *h)
{
        return &h->request;
}

struct conn *http_conn(const struct http *h)
{
        return h->conn;
}

static const char *pairs_get(const struct http_pairs *p, const char *name,
                             int (*compare)(const char *, const char *))
{
        for (size_t i = 0; i < p->n_items; i++)
                if (compare(p->items[i].name, name) == 0)
                        return p->items[i].value;
        return NULL;
}

const char *http_header(const struct http *h, const char *name)
{
        return pairs_get(&h->request.headers, name, strcasecmp);
}

const char *http_query(const struct http *h, const char *name)
{
        return pairs_get(&h->request.query, name, strcmp);
}

bool http_query_true(const struct http *h, const char *name)
{
        const char *v = http_query(h, name);

        return v && (streq(v, "true") || streq(v, "1") || streq(v, ""));
}

/* The answer is out: read the next request, or close. */
static void answer_done(struct http *h)
{
        if (h->held) {
                h->answered = true;
                return;
        }
        if (!h->keep_alive) {
                conn_close(h->conn);
                return;
        }
        start_request(h);
        step(h);
}

void http_hold(struct http *h)
{
        h->held = true;
        h->answered = false;
}

void http_release(struct http *h)
{
        h->held = false;
        if (h->answered)
                answer_done(h);
}

static void report(struct http *h, int status)
{
        if (h->server->answered && h->request.method)
                h->server->answered(h->server->user, h, status);
}

void http_respond(struct http *h, const struct http_answer *answer)
{
        _cleanup_(str_done) struct str s = {};
        bool head_only = streq(h->request.method, "HEAD");

        report(h, answer->status);
        str_appendf(&s, "HTTP/1.1 %d %s\r\n", answer->status,
                    http_status_str((enum http_status)answer->status));
        if (answer->content_type)
                str_appendf(&s, "Content-Type: %s\r\n", answer->content_type);
        str_appendf(&s, "Content-Length: %zu\r\n", answer->body.len);
        if (!h->keep_alive)
                str_append(&s, "Connection: close\r\n");
        if (answer->extra)
                str_append(&s, answer->extra);
        str_append(&s, "\r\n");
        if (answer->body.len > 0 && !head_only)
                str_append_bytes(&s, answer->body.data, answer->body.len);
        conn_write(h->conn, s.data, s.len);
        answer_done(h);
}

void http_stream_begin(struct http *h, const char *content_type)
{
        _cleanup_(str_done) struct str s = {};

        report(h, 200);
        h->state = HTTP_STREAMING;
        str_appendf(&s,
                    "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n"
                    "Cache-Control: no-cache, private\r\n\r\n",
                    content_type);
        conn_write(h->conn, s.data, s.len);
}

void http_stream_write(struct http *h, const char *data, size_t len)
{
        _cleanup_(str_done) struct str s = {};

        if (len == 0)
                return;
        str_appendf(&s, "%zx\r\n", len);
        str_append_bytes(&s, data, len);
        str_append(&s, "\r\n");
        conn_write(h->conn, s.data, s.len);
}

void http_stream_end(struct http *h)
{
        conn_write(h->conn, "0\r\n\r\n", 5);
        answer_done(h);
}

void http_on_gone(struct http *h, void (*gone)(void *user), void *user)
{
        h->gone = gone;
        h->gone_user = user;
}

void http_take_over(struct http *h, const char *head, const struct conn_events *events, void *user)
{
        _cleanup_(str_done) struct str rest = h->rest;

        report(h, 101);
        h->rest = (struct str){};
        h->state = HTTP_TAKEN;
        h->taker = events;
        h->taker_user = user;
        conn_pause(h->conn, false);
        conn_write(h->conn, head, strlen(head));
        if (rest.len > 0)
                events->data(user, rest.data, rest.len);
}
