/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/exec.h"

/*
 * One exec is one struct, one state, one connection at a time. What happens to it (a name resolved,
 * a connection refused, a message, a deadline) is noted and leads to exec_step() or to exec_end();
 * exec_go() alone changes the state. exec_end() is idempotent: it lets go of everything that could
 * still call back, judges the facts, and leaves the rest to the set (kube/exec_set.h), which tells
 * the end in the next round of the loop.
 *
 * A Status is the last thing of a stream (KUBERNETES.md 1.3), so the exec ends when it is complete;
 * closing is then left to the server, which does it at once.
 */

#include <assert.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strv.h"
#include "kube/channel.h"
#include "kube/exec_result.h"
#include "kube/exec_set.h"
#include "kube/request.h"
#include "kube/resolve.h"
#include "kube/status.h"
#include "kube/streams.h"
#include "kube/url.h"
#include "kube/websocket.h"

#define CONNECT_TIMEOUT_MS   30000
#define DIAGNOSIS_TIMEOUT_MS 10000

#define V5        "v5.channel.k8s.io"
#define V4        "v4.channel.k8s.io"
#define PROTOCOLS V5 ", " V4

enum exec_state {
        EXEC_QUEUED,
        EXEC_RESOLVING,
        EXEC_CONNECTING,
        EXEC_OPEN,
        EXEC_DIAGNOSING,
        EXEC_ENDED,
};

static const char *const exec_state_names[] = {
        [EXEC_QUEUED] = "queued",         [EXEC_RESOLVING] = "resolving",
        [EXEC_CONNECTING] = "connecting", [EXEC_OPEN] = "open",
        [EXEC_DIAGNOSING] = "diagnosing", [EXEC_ENDED] = "ended",
};

struct exec {
        struct kube_exec_entry entry; /* id, place, deadline */
        struct kube_client *client;
        struct kube_ws_hub *hub;
        enum exec_state state;

        char *target; /* "namespace/pod/container": the queue's key, and for people */
        char *path;   /* with query, without the server's prefix */
        const struct kube_exec_callbacks *callbacks;
        void *userdata;
        unsigned connect_timeout_ms, idle_timeout_ms;
        uint64_t active_at; /* loop time of the last progress */

        struct kube_resolve *resolve;
        struct strv addresses;
        size_t n_tried; /* of the addresses */
        kube_ws_id socket;
        kube_request_id diagnosis;

        struct kube_channel_reader reader;
        bool stdin_open;

        struct kube_exec_facts facts;
        char *detail, *diagnosis_reason, *diagnosis_problem; /* what the facts point to */
        struct kube_exec_verdict verdict;
};

static void exec_end(struct exec *e, enum kube_exec_end how, const char *detail);
static void exec_step(struct exec *e);

/* ------------------------------------------------------------------ life */

static void exec_free(struct exec *e)
{
        kube_resolve_cancel(e->resolve);
        kube_request_cancel(e->client, e->diagnosis);
        kube_ws_close(e->hub, e->socket, KUBE_WS_ABORT);
        strv_done(&e->addresses);
        kube_channel_reader_done(&e->reader);
        kube_exec_verdict_done(&e->verdict);
        free(e->detail);
        free(e->diagnosis_reason);
        free(e->diagnosis_problem);
        free(e->target);
        free(e->path);
        free(e);
}

static struct exec *exec_of(struct kube_exec_entry *entry)
{
        return container_of(entry, struct exec, entry);
}

static struct exec *find(struct kube_client *c, kube_exec_id id)
{
        struct kube_exec_entry *entry = kube_exec_set_find(c, id);

        return entry ? exec_of(entry) : NULL;
}

/* ------------------------------------------------------------------ deadlines */

static unsigned timeout_of(const struct exec *e)
{
        switch (e->state) {
        case EXEC_RESOLVING:
        case EXEC_CONNECTING:
                return e->connect_timeout_ms;
        case EXEC_OPEN:
                return e->idle_timeout_ms;
        default:
                return 0;
        }
}

static void set_deadline(struct exec *e)
{
        unsigned timeout = timeout_of(e);

        kube_exec_set_due(&e->entry, timeout ? e->active_at + timeout : UINT64_MAX);
}

/* Progress only notes the time; the timer finds out when it fires. */
static void touch(struct exec *e)
{
        e->active_at = kube_client_now(e->client);
}

static void on_due(struct kube_exec_entry *entry)
{
        struct exec *e = exec_of(entry);

        e->facts.timeout_ms = timeout_of(e);
        if (kube_client_now(e->client) < e->active_at + e->facts.timeout_ms)
                set_deadline(e);
        else if (e->state == EXEC_OPEN)
                exec_end(e, KUBE_EXEC_END_IDLE, NULL);
        else
                exec_end(e, KUBE_EXEC_END_CONNECT_TIMEOUT, NULL);
}

/* ------------------------------------------------------------------ the socket's callbacks */

/* Some of these call the user, who may cancel this exec or stop the client: afterwards the exec is
 * looked up again. */

static void on_open(void *userdata, const char *protocol);
static void on_piece(void *userdata, const struct view *piece, bool first, bool last);
static size_t on_writeable(void *userdata, uint8_t *buffer, size_t size);
static void on_socket_end(void *userdata, const struct kube_ws_end *end);

static const struct kube_ws_callbacks socket_callbacks = {
        .on_open = on_open,
        .on_piece = on_piece,
        .on_writeable = on_writeable,
        .on_end = on_socket_end,
};

/* ------------------------------------------------------------------ the machine */

static void on_resolved(void *userdata, int r, struct strv *addresses, const char *problem)
{
        struct exec *e = userdata;

        e->resolve = NULL;
        if (r < 0) {
                _cleanup_(freep) char *text = xasprintf("cannot find the API server %s: %s",
                                                        kube_client_url(e->client)->host, problem);

                exec_end(e, KUBE_EXEC_END_UNREACHABLE, text);
                return;
        }
        strv_copy(&e->addresses, addresses);
        exec_step(e);
}

static void begin_resolving(struct exec *e)
{
        const struct kube_url *url = kube_client_url(e->client);
        int r;

        if (kube_resolve_is_address(url->host)) {
                strv_push(&e->addresses, url->host);
                return;
        }
        r = kube_resolve_start(e->hub->loop, url->host, on_resolved, e, &e->resolve);
        if (r < 0)
                exec_end(e, KUBE_EXEC_END_UNREACHABLE, strerror(-r));
}

static void begin_connecting(struct exec *e)
{
        _cleanup_(freep) char *authorization = kube_client_authorization(e->client);
        _cleanup_(freep) char *path =
                xasprintf("%s%s", kube_client_url(e->client)->prefix, e->path);
        const struct kube_ws_params params = {
                .address = e->addresses.items[e->n_tried++],
                .path = path,
                .protocols = PROTOCOLS,
                .authorization = authorization,
        };

        e->socket = kube_ws_open(e->hub, &params, &socket_callbacks, e);
        if (!e->socket)
                exec_end(e, KUBE_EXEC_END_UNREACHABLE, "the connection could not be begun");
}

static void on_diagnosis(void *userdata, const struct kube_response *response)
{
        struct exec *e = userdata;

        e->diagnosis = 0;
        if (response->r == 0) {
                e->facts.diagnosis_status = response->status;
                e->diagnosis_reason = xstrdup(response->reason);
                e->diagnosis_problem = kube_status_describe(
                        response->status, str_text(response->body), response->body->len);
                e->facts.diagnosis_reason = e->diagnosis_reason;
                e->facts.diagnosis_problem = e->diagnosis_problem;
        }
        exec_end(e, KUBE_EXEC_END_UPGRADE, NULL);
}

/* The body of a refused upgrade is lost. The same request without the upgrade runs into the same
 * objection, or is told that it should have been one; it can never start the command. */
static void begin_diagnosing(struct exec *e)
{
        const struct kube_request_params params = {
                .method = "GET",
                .path = e->path,
                .timeout_ms = DIAGNOSIS_TIMEOUT_MS,
        };

        e->diagnosis = kube_request_start(e->client, &params, on_diagnosis, e);
        if (!e->diagnosis)
                exec_end(e, KUBE_EXEC_END_UPGRADE, NULL);
}

static void exec_go(struct exec *e, enum exec_state next)
{
        assert(e->state != EXEC_ENDED);
        log_debug("exec", LOG_U("id", e->entry.op.id), LOG_S("target", e->target),
                  LOG_S("state", exec_state_names[next]));
        e->state = next;
        touch(e);
        switch (next) {
        case EXEC_RESOLVING:
                begin_resolving(e);
                break;
        case EXEC_CONNECTING:
                begin_connecting(e);
                break;
        case EXEC_DIAGNOSING:
                begin_diagnosing(e);
                break;
        default:
                break;
        }
        if (e->state == next && next != EXEC_ENDED)
                set_deadline(e);
}

/* Moves on as far as it can without waiting. */
static void exec_step(struct exec *e)
{
        if (e->state == EXEC_QUEUED)
                exec_go(e, EXEC_RESOLVING);
        if (e->state == EXEC_RESOLVING) {
                if (e->addresses.n_items == 0)
                        return;
                exec_go(e, EXEC_CONNECTING);
        }
}

static void exec_end(struct exec *e, enum kube_exec_end how, const char *detail)
{
        if (e->state == EXEC_ENDED)
                return;
        kube_resolve_cancel(take_ptr(e->resolve));
        kube_request_cancel(e->client, e->diagnosis);
        e->diagnosis = 0;
        kube_ws_close(e->hub, e->socket,
                      how == KUBE_EXEC_END_STATUS ? KUBE_WS_LEAVE : KUBE_WS_ABORT);
        e->socket = 0;

        e->detail = xstrdup(detail);
        e->facts.end = how;
        e->facts.detail = e->detail;
        e->facts.target = e->target;
        e->facts.status = view_of(str_text(&e->reader.status), e->reader.status.len);
        kube_exec_classify(&e->facts, &e->verdict);
        exec_go(e, EXEC_ENDED);
        kube_exec_set_end(&e->entry);
}

/* ------------------------------------------------------------------ while open */

static void on_open(void *userdata, const char *protocol)
{
        struct exec *e = userdata;
        struct kube_client *c = e->client;
        kube_exec_id id = e->entry.op.id;

        if (streq(protocol, V5))
                e->facts.protocol = "v5";
        else if (streq(protocol, V4))
                e->facts.protocol = "v4";
        e->facts.opened = true;
        if (!e->facts.protocol) {
                exec_end(e, KUBE_EXEC_END_PROTOCOL, NULL);
                return;
        }
        kube_client_stats(e->client)->execs_opened++;
        exec_go(e, EXEC_OPEN);
        if (e->callbacks->on_open)
                e->callbacks->on_open(e->userdata, e->facts.protocol);
        if (find(c, id) && e->stdin_open)
                kube_ws_want_write(e->hub, e->socket);
}

static void on_piece(void *userdata, const struct view *piece, bool first, bool last)
{
        struct exec *e = userdata;
        struct kube_channel_output output;
        int r = kube_channel_read(&e->reader, piece, first, last, &output);

        touch(e);
        switch (r) {
        case 0:
                return;
        case KUBE_CHANNEL_E_OUTPUT:
                e->callbacks->on_output(e->userdata, output.channel, output.data, output.len);
                return;
        case KUBE_CHANNEL_E_STATUS:
                if (kube_exec_status_complete(view_of(e->reader.status.data, e->reader.status.len)))
                        exec_end(e, KUBE_EXEC_END_STATUS, NULL);
                return;
        case -EMSGSIZE:
                exec_end(e, KUBE_EXEC_END_NONSENSE, "the server's Status is too large");
                return;
        default:
                exec_end(e, KUBE_EXEC_END_NONSENSE, "the server broke the WebSocket framing");
                return;
        }
}

static size_t end_stdin(struct exec *e, uint8_t *buffer, size_t size)
{
        e->stdin_open = false;
        /* v4 has no way to say it; the bytes would be ignored (KUBERNETES.md 1.3). */
        return streq(e->facts.protocol, "v5") ? kube_channel_write_half_close(buffer, size) : 0;
}

static size_t on_writeable(void *userdata, uint8_t *buffer, size_t size)
{
        struct exec *e = userdata;
        struct kube_client *c = e->client;
        kube_exec_id id = e->entry.op.id;
        ssize_t n;

        touch(e);
        if (!e->stdin_open)
                return 0;
        n = e->callbacks->pull(e->userdata, buffer + 1, size - 1);
        if (!find(c, id))
                return 0;
        if (n == -ENODATA)
                return end_stdin(e, buffer, size);
        if (n < 0) {
                _cleanup_(freep) char *text =
                        xasprintf("standard input failed: %s", strerror((int)-n));

                exec_end(e, KUBE_EXEC_END_GAVE_UP, text);
                return 0;
        }
        assert((size_t)n < size);
        buffer[0] = KUBE_CHANNEL_STDIN;
        return n > 0 ? (size_t)n + 1 : 0;
}

/* Before the stream was open: another address, the reason of a refusal, or the end. */
static void on_not_opened(struct exec *e, const struct kube_ws_end *end)
{
        e->facts.http_status = end->http_status;
        if (end->http_status == 101)
                exec_end(e, KUBE_EXEC_END_PROTOCOL, end->problem);
        else if (end->http_status >= 400 && end->http_status != 429)
                exec_go(e, EXEC_DIAGNOSING);
        else if (end->http_status)
                exec_end(e, KUBE_EXEC_END_UPGRADE, NULL);
        else if (end->tls_failed)
                exec_end(e, KUBE_EXEC_END_UNTRUSTED, end->problem);
        else if (!end->connected && e->n_tried < e->addresses.n_items)
                exec_go(e, EXEC_CONNECTING);
        else
                exec_end(e, KUBE_EXEC_END_UNREACHABLE, end->problem);
}

static void on_socket_end(void *userdata, const struct kube_ws_end *end)
{
        struct exec *e = userdata;
        _cleanup_(freep) char *text = NULL;

        e->socket = 0;
        if (!end->opened) {
                on_not_opened(e, end);
                return;
        }
        if (end->close_code)
                text = xasprintf("closed by the server with code %u", end->close_code);
        exec_end(e, e->reader.status.len > 0 ? KUBE_EXEC_END_STATUS : KUBE_EXEC_END_CUT,
                 text ? text : end->problem);
}

/* ------------------------------------------------------------------ for the set */

static void start(struct kube_exec_entry *entry)
{
        exec_step(exec_of(entry));
}

static void deliver(struct kube_exec_entry *entry)
{
        struct exec *e = exec_of(entry);

        e->callbacks->on_end(e->userdata, &e->verdict.result);
        exec_free(e);
}

static void discard(struct kube_exec_entry *entry)
{
        exec_free(exec_of(entry));
}

static const struct kube_exec_entry_ops entry_ops = {
        .start = start,
        .on_due = on_due,
        .deliver = deliver,
        .discard = discard,
};

/* ------------------------------------------------------------------ the contract */

static char *exec_path(const struct kube_exec_params *p, bool has_stdin)
{
        _cleanup_(str_done) struct str s = {};

        str_append(&s, "/api/v1/namespaces/");
        url_encode(&s, p->namespace_);
        str_append(&s, "/pods/");
        url_encode(&s, p->pod);
        str_append(&s, "/exec?container=");
        url_encode(&s, p->container);
        if (has_stdin)
                str_append(&s, "&stdin=true");
        str_append(&s, "&stdout=true&stderr=true");
        for (size_t i = 0; p->argv[i]; i++) {
                str_append(&s, "&command=");
                url_encode(&s, p->argv[i]);
        }
        return str_take(&s);
}

static int check_start(struct kube_client *c, const char *path, struct err *err)
{
        size_t len = strlen(kube_client_url(c)->prefix) + strlen(path);

        if (kube_client_config(c)->proxy_url)
                return err_set(err, -EOPNOTSUPP,
                               "exec through the proxy of the kubeconfig (proxy-url) is not "
                               "supported: run where the API server can be reached directly");
        if (len > LIMIT_EXEC_URL)
                return err_set(err, -E2BIG,
                               "the command is too long for an exec: its URL has %zu bytes, %zu "
                               "are possible; send a long script on standard input",
                               len, LIMIT_EXEC_URL);
        return 0;
}

int kube_exec_start(struct kube_client *c, const struct kube_exec_params *params,
                    const struct kube_exec_callbacks *callbacks, void *userdata,
                    kube_exec_id *ret_id, struct err *err)
{
        _cleanup_(freep) char *path = exec_path(params, callbacks->pull != NULL);
        struct kube_streams *streams;
        struct exec *e;
        int r;

        r = check_start(c, path, err);
        if (r < 0)
                return r;
        streams = kube_client_streams(c, err);
        if (!streams)
                return -ECANCELED;

        e = xcalloc(1, sizeof(*e));
        *e = (struct exec){
                .client = c,
                .hub = kube_streams_hub(streams),
                .target = xasprintf("%s/%s/%s", params->namespace_, params->pod, params->container),
                .path = take_ptr(path),
                .callbacks = callbacks,
                .userdata = userdata,
                .connect_timeout_ms = params->connect_timeout_ms ? params->connect_timeout_ms
                                                                 : CONNECT_TIMEOUT_MS,
                .idle_timeout_ms = params->idle_timeout_ms,
                .stdin_open = callbacks->pull != NULL,
        };
        e->entry.set = kube_streams_execs(streams);
        e->entry.ops = &entry_ops;
        e->entry.target = e->target;
        if (!kube_exec_set_add(&e->entry)) {
                exec_free(e);
                return err_set(err, -ECANCELED, "the client is stopping");
        }
        *ret_id = e->entry.op.id;
        return 0;
}

void kube_exec_resume(struct kube_client *c, kube_exec_id id)
{
        struct exec *e = find(c, id);

        if (e && e->state == EXEC_OPEN && e->stdin_open)
                kube_ws_want_write(e->hub, e->socket);
}

void kube_exec_set_idle_timeout(struct kube_client *c, kube_exec_id id, unsigned timeout_ms)
{
        struct exec *e = find(c, id);

        if (!e)
                return;
        e->idle_timeout_ms = timeout_ms;
        touch(e);
        set_deadline(e);
}

void kube_exec_cancel(struct kube_client *c, kube_exec_id id)
{
        struct exec *e = find(c, id);

        if (!e)
                return;
        kube_exec_set_remove(&e->entry);
        exec_free(e);
}
