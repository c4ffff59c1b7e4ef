/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/ws.h"

/*
 * Bytes gather in `in` until a frame is whole; then it is unmasked in place and handed on. While
 * paused nothing is parsed and the connection is not read, pings included: so does the real server,
 * whose read loop hangs in the write to the process.
 */

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "base/mem.h"

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

enum opcode {
        OP_CONTINUATION = 0,
        OP_TEXT = 1,
        OP_BINARY = 2,
        OP_CLOSE = 8,
        OP_PING = 9,
        OP_PONG = 10,
};

struct ws {
        struct conn *conn;
        const struct ws_events *events;
        void *user;
        struct str in;
        bool paused;
        bool parsing;
        bool done; /* closing: nothing further is read */
};

struct frame {
        bool final;
        bool masked;
        unsigned reserved;
        unsigned opcode;
        size_t head_len; /* bytes before the payload */
        uint64_t len;    /* of the payload */
};

/* False: more bytes are needed. */
static bool parse_head(const struct str *in, struct frame *ret_frame)
{
        const unsigned char *p = (const unsigned char *)in->data;
        struct frame f;

        if (in->len < 2)
                return false;
        f = (struct frame){.final = p[0] & 0x80,
                           .reserved = p[0] & 0x70,
                           .opcode = p[0] & 0x0f,
                           .masked = p[1] & 0x80,
                           .head_len = 2,
                           .len = p[1] & 0x7f};
        size_t n_len = f.len == 126 ? 2 : f.len == 127 ? 8 : 0;
        f.head_len += n_len + (f.masked ? 4 : 0);
        if (in->len < f.head_len)
                return false;
        if (n_len > 0)
                f.len = 0;
        for (size_t i = 0; i < n_len; i++)
                f.len = f.len << 8 | p[2 + i];
        *ret_frame = f;
        return true;
}

static void send_frame(struct ws *ws, enum opcode opcode, const void *bytes, size_t len)
{
        unsigned char head[10] = {(unsigned char)(0x80 | opcode)};
        size_t n = 2;
        _cleanup_(str_done) struct str s = {};

        if (len < 126) {
                head[1] = (unsigned char)len;
        } else if (len < 65536) {
                head[1] = 126;
                head[2] = (unsigned char)(len >> 8);
                head[3] = (unsigned char)len;
                n = 4;
        } else {
                head[1] = 127;
                for (unsigned i = 0; i < 8; i++)
                        head[2 + i] = (unsigned char)((uint64_t)len >> (56 - 8 * i));
                n = 10;
        }
        str_append_bytes(&s, head, n);
        str_append_bytes(&s, bytes, len);
        conn_write(ws->conn, s.data, s.len);
}

/* The rule that @f breaks, or NULL. */
static const char *broken_rule(const struct frame *f)
{
        if (f->len > WS_FRAME_MAX)
                return "frame-too-large";
        if (!f->masked)
                return "unmasked-frame";
        if (f->opcode == OP_CONTINUATION || !f->final)
                return "continuation-frame";
        if (f->reserved)
                return "reserved-bits";
        if (f->opcode == OP_TEXT)
                return "text-frame";
        if (f->opcode > OP_PONG || (f->opcode > OP_BINARY && f->opcode < OP_CLOSE))
                return "unknown-opcode";
        if (f->opcode >= OP_CLOSE && f->len > 125)
                return "control-frame-too-large";
        return NULL;
}

static void finish(struct ws *ws)
{
        ws->done = true;
        conn_close(ws->conn);
}

static void handle_frame(struct ws *ws, const struct frame *f, char *payload)
{
        switch (f->opcode) {
        case OP_BINARY:
                ws->events->message(ws->user, payload, f->len);
                break;
        case OP_PING:
                send_frame(ws, OP_PONG, payload, f->len);
                break;
        case OP_CLOSE:
                send_frame(ws, OP_CLOSE, payload, f->len);
                finish(ws);
                break;
        default:
                break;
        }
}

/* The four bytes of the mask stand in front of the payload. */
static void unmask(char *payload, size_t len)
{
        uint64_t mask, word;
        size_t i = 0;

        memcpy(&mask, payload - 4, 4);
        memcpy((char *)&mask + 4, payload - 4, 4);
        for (; i + sizeof(word) <= len; i += sizeof(word)) {
                memcpy(&word, payload + i, sizeof(word));
                word ^= mask;
                memcpy(payload + i, &word, sizeof(word));
        }
        for (; i < len; i++)
                payload[i] ^= ((const char *)&mask)[i & 3];
}

/* Takes whole frames off `in`. */
static void parse(struct ws *ws)
{
        struct frame f;

        if (ws->parsing)
                return;
        ws->parsing = true;
        while (!ws->done && !ws->paused && parse_head(&ws->in, &f)) {
                const char *rule = broken_rule(&f);
                char *payload = ws->in.data + f.head_len;

                if (rule) {
                        ws->events->violation(ws->user, rule);
                        finish(ws);
                        break;
                }
                if (ws->in.len < f.head_len + f.len)
                        break;
                unmask(payload, f.len);
                handle_frame(ws, &f, payload);
                str_consume(&ws->in, f.head_len + f.len);
        }
        ws->parsing = false;
}

static void on_data(void *user, const char *bytes, size_t len)
{
        struct ws *ws = user;

        if (ws->done)
                return;
        str_append_bytes(&ws->in, bytes, len);
        parse(ws);
}

static void on_drained(void *user)
{
        struct ws *ws = user;

        ws->events->drained(ws->user);
}

static void on_closed(void *user)
{
        struct ws *ws = user;

        ws->events->closed(ws->user);
        str_done(&ws->in);
        free(ws);
}

static const struct conn_events conn_events = {on_data, on_drained, on_closed};

/* The Sec-WebSocket-Accept value. */
static char *accept_key(const char *key)
{
        _cleanup_(freep) char *joined = xasprintf("%s" GUID, key);
        unsigned char digest[SHA_DIGEST_LENGTH];
        char *out = xmalloc(32);

        SHA1((const unsigned char *)joined, strlen(joined), digest);
        EVP_EncodeBlock((unsigned char *)out, digest, sizeof(digest));
        return out;
}

struct ws *ws_accept(struct http *h, const char *protocol, const struct ws_events *events,
                     void *user)
{
        struct ws *ws = xcalloc(1, sizeof(*ws));
        _cleanup_(freep) char *accept = accept_key(http_header(h, "Sec-WebSocket-Key"));
        _cleanup_(str_done) struct str head = {};

        ws->conn = http_conn(h);
        ws->events = events;
        ws->user = user;
        str_appendf(&head,
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                    "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n",
                    accept);
        if (protocol)
                str_appendf(&head, "Sec-WebSocket-Protocol: %s\r\n", protocol);
        str_append(&head, "\r\n");
        /* Held until the caller has the object: what came behind the request must not overtake. */
        ws->paused = true;
        http_take_over(h, head.data, &conn_events, ws);
        return ws;
}

void ws_send(struct ws *ws, unsigned char channel, const void *bytes, size_t len)
{
        _cleanup_(str_done) struct str s = {};

        str_append_char(&s, (char)channel);
        str_append_bytes(&s, bytes, len);
        send_frame(ws, OP_BINARY, s.data, s.len);
}

void ws_close(struct ws *ws)
{
        static const unsigned char normal[] = {0x03, 0xe8};

        if (ws->done)
                return;
        send_frame(ws, OP_CLOSE, normal, sizeof(normal));
        finish(ws);
}

void ws_reset(struct ws *ws)
{
        ws->done = true;
        conn_reset(ws->conn);
}

void ws_pause(struct ws *ws, bool paused)
{
        ws->paused = paused;
        conn_pause(ws->conn, paused);
        if (!paused)
                parse(ws);
}

size_t ws_pending(const struct ws *ws)
{
        return conn_pending(ws->conn);
}
