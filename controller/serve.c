/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/serve.h"

/*
 * A connection reads until the blank line that ends a request's head, answers, and closes. A peer
 * may be slow or hostile: the head is bounded, the number of connections is bounded, and one that
 * has not finished after ten seconds is closed.
 */

#include <errno.h>
#include <string.h>

#include "base/mem.h"

#define MAX_CONNECTIONS 64
#define MAX_HEAD        8192
#define TIMEOUT_MS      10000

struct serve {
        uv_tcp_t listener;
        struct connection *connections;
        size_t n_connections;
        bool closing, listener_closed;
        bool waiting; /* a connection waits in the backlog for one to end */
        void (*answer)(void *userdata, const char *path, struct serve_answer *answer);
        void *userdata;
};

struct connection {
        struct serve *serve;
        struct connection *next;
        uv_tcp_t socket;
        uv_timer_t timer;
        uv_write_t write;
        unsigned n_open_handles;
        bool closing;
        char buffer[2048];
        struct str head;
        struct str reply;
};

static void on_connection(uv_stream_t *listener, int status);

static void maybe_free(struct serve *s)
{
        if (s->closing && s->listener_closed && s->n_connections == 0)
                free(s);
}

static void on_connection_closed(uv_handle_t *handle)
{
        struct connection *c = handle->data;
        struct serve *s = c->serve;

        if (--c->n_open_handles > 0)
                return;
        for (struct connection **p = &s->connections; *p; p = &(*p)->next)
                if (*p == c) {
                        *p = c->next;
                        break;
                }
        s->n_connections--;
        str_done(&c->head);
        str_done(&c->reply);
        free(c);
        if (s->waiting && !s->closing)
                on_connection((uv_stream_t *)&s->listener, 0);
        maybe_free(s);
}

static void connection_close(struct connection *c)
{
        if (c->closing)
                return;
        c->closing = true;
        uv_close((uv_handle_t *)&c->socket, on_connection_closed);
        uv_close((uv_handle_t *)&c->timer, on_connection_closed);
}

static void on_timeout(uv_timer_t *timer)
{
        connection_close(timer->data);
}

static void on_written(uv_write_t *write, int status)
{
        connection_close(write->data);
}

static const char *status_text(int status)
{
        switch (status) {
        case 200:
                return "OK";
        case 404:
                return "Not Found";
        case 405:
                return "Method Not Allowed";
        case 503:
                return "Service Unavailable";
        }
        return "Bad Request";
}

static void reply(struct connection *c, struct serve_answer *answer)
{
        uv_buf_t out;

        str_appendf(&c->reply,
                    "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                    "Connection: close\r\n\r\n",
                    answer->status, status_text(answer->status), answer->content_type,
                    answer->body.len);
        str_append_bytes(&c->reply, str_text(&answer->body), answer->body.len);
        uv_read_stop((uv_stream_t *)&c->socket);
        c->write.data = c;
        out = uv_buf_init(c->reply.data, (unsigned)c->reply.len);
        if (uv_write(&c->write, (uv_stream_t *)&c->socket, &out, 1, on_written) < 0)
                connection_close(c);
}

static void handle_request(struct connection *c)
{
        struct serve_answer answer = {.status = 400, .content_type = "text/plain; charset=utf-8"};
        char *path = c->head.data + 4, *end;

        if (!starts_with(c->head.data, "GET ")) {
                answer.status = 405;
                str_append(&answer.body, "only GET\n");
        } else if ((end = strpbrk(path, " ?\r")) != NULL) {
                *end = '\0';
                c->serve->answer(c->serve->userdata, path, &answer);
        }
        reply(c, &answer);
        str_done(&answer.body);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
        struct connection *c = handle->data;

        *buf = uv_buf_init(c->buffer, sizeof(c->buffer));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
        struct connection *c = stream->data;

        if (n < 0 || c->closing) {
                connection_close(c);
                return;
        }
        str_append_bytes(&c->head, buf->base, (size_t)n);
        if (c->head.overflow)
                connection_close(c);
        else if (c->head.len >= 4 && memmem(c->head.data, c->head.len, "\r\n\r\n", 4))
                handle_request(c);
}

static void on_connection(uv_stream_t *listener, int status)
{
        struct serve *s = listener->data;
        struct connection *c;

        if (status < 0)
                return;
        s->waiting = s->n_connections >= MAX_CONNECTIONS;
        if (s->waiting)
                return; /* libuv accepts no other before this one was */
        c = xcalloc(1, sizeof(*c));
        c->serve = s;
        c->head.max = MAX_HEAD;
        c->next = s->connections;
        s->connections = c;
        s->n_connections++;
        uv_tcp_init(listener->loop, &c->socket);
        uv_timer_init(listener->loop, &c->timer);
        c->n_open_handles = 2;
        c->socket.data = c->timer.data = c;
        if (uv_accept(listener, (uv_stream_t *)&c->socket) < 0 ||
            uv_timer_start(&c->timer, on_timeout, TIMEOUT_MS, 0) < 0 ||
            uv_read_start((uv_stream_t *)&c->socket, on_alloc, on_read) < 0)
                connection_close(c);
}

static int parse_address(const char *text, struct sockaddr_storage *ret_address)
{
        const char *colon = strrchr(text, ':');
        _cleanup_(freep) char *host = NULL;
        uint64_t port;

        if (!colon || parse_u64(colon + 1, 65535, &port) < 0)
                return -EINVAL;
        host = colon == text ? xstrdup("127.0.0.1") : xstrndup(text, (size_t)(colon - text));
        if (host[0] == '[' && ends_with(host, "]")) {
                host[strlen(host) - 1] = '\0';
                return uv_ip6_addr(host + 1, (int)port, (struct sockaddr_in6 *)ret_address);
        }
        if (streq(host, "localhost"))
                return uv_ip4_addr("127.0.0.1", (int)port, (struct sockaddr_in *)ret_address);
        return uv_ip4_addr(host, (int)port, (struct sockaddr_in *)ret_address);
}

static void on_listener_closed(uv_handle_t *handle)
{
        struct serve *s = handle->data;

        s->listener_closed = true;
        maybe_free(s);
}

void serve_stop(struct serve *s)
{
        if (!s || s->closing)
                return;
        s->closing = true;
        for (struct connection *c = s->connections; c; c = c->next)
                connection_close(c);
        uv_close((uv_handle_t *)&s->listener, on_listener_closed);
}

int serve_start(const struct serve_params *params, struct serve **ret_serve, struct err *err)
{
        struct sockaddr_storage address = {};
        struct serve *s;
        int r;

        if (parse_address(params->address, &address) < 0)
                return err_set(err, -EINVAL,
                               "--listen '%s': an address is written 127.0.0.1:8080, [::1]:8080 or "
                               ":8080",
                               params->address);
        s = xcalloc(1, sizeof(*s));
        s->answer = params->answer;
        s->userdata = params->userdata;
        uv_tcp_init(params->loop, &s->listener);
        s->listener.data = s;
        r = uv_tcp_bind(&s->listener, (struct sockaddr *)&address, 0);
        if (r == 0)
                r = uv_listen((uv_stream_t *)&s->listener, 16, on_connection);
        if (r < 0) {
                serve_stop(s);
                return err_errno(err, r, "listening on %s", params->address);
        }
        *ret_serve = s;
        return 0;
}

unsigned serve_port(const struct serve *s)
{
        struct sockaddr_storage address;
        int size = sizeof(address);

        if (uv_tcp_getsockname(&s->listener, (struct sockaddr *)&address, &size) < 0)
                return 0;
        if (address.ss_family == AF_INET6)
                return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
        return ntohs(((struct sockaddr_in *)&address)->sin_port);
}
