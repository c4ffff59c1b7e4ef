/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/streams.h"

/*
 * The order of checks is that of a real cluster: the API server looks at the pod and the
 * container's name (Status, with either protocol); then either it upgrades (v5) and tells the
 * kubelet's errors on channel 3, or the kubelet answers itself (v4) in plain text, and last the
 * runtime, which knows no protocol but v4 and refuses others with an empty 403.
 */

#include <strings.h>

#include "base/mem.h"
#include "test/standin/container.h"
#include "test/standin/jx.h"
#include "test/standin/session.h"
#include "test/standin/standin.h"

static bool offers(struct call *c, const char *protocol)
{
        /* Only the first header line counts. */
        const char *p = http_header(c->http, "Sec-WebSocket-Protocol");
        size_t wanted = strlen(protocol);

        while (p && *p) {
                size_t len;

                p += strspn(p, ", \t");
                len = strcspn(p, ", \t");
                if (len == wanted && strncmp(p, protocol, len) == 0)
                        return true;
                p += len;
        }
        return false;
}

/* All containers of the pod, "[a b]". The caller frees it. */
static char *container_names(const json_t *pod)
{
        struct str s = {};
        size_t i;
        json_t *c;

        json_array_foreach(jx_get(pod, "spec.containers"), i, c)
                str_appendf(&s, "%s%s", i > 0 ? " " : "[", jx_text(c, "name"));
        str_append(&s, "]");
        return str_take(&s);
}

static bool has_container(const json_t *pod, const char *name)
{
        return jx_find(jx_get(pod, "spec.containers"), "name", name) ||
               jx_find(jx_get(pod, "spec.initContainers"), "name", name) ||
               jx_find(jx_get(pod, "spec.ephemeralContainers"), "name", name);
}

/* The container that is asked for, or NULL when it was answered. Borrowed. */
static const char *container_of_query(struct call *c, const json_t *pod)
{
        const char *name = http_query(c->http, "container");
        const json_t *list = jx_get(pod, "spec.containers");

        if (!name || !*name) {
                _cleanup_(freep) char *names = container_names(pod);

                if (json_array_size(list) == 1)
                        return jx_text(json_array_get(list, 0), "name");
                call_fail(c, 400, "BadRequest",
                          "a container name must be specified for pod %s, choose one of: %s",
                          c->name, names);
                return NULL;
        }
        if (!has_container(pod, name)) {
                call_fail(c, 400, "BadRequest", "container %s is not valid for pod %s", name,
                          c->name);
                return NULL;
        }
        return name;
}

static bool check_request(struct call *c, const struct session_params *p)
{
        const char *upgrade = http_header(c->http, "Upgrade");
        const char *version = http_header(c->http, "Sec-WebSocket-Version");

        if (!p->stdin_open && !p->stdout_open && !p->stderr_open) {
                call_fail(c, 400, "BadRequest",
                          "you must specify at least 1 of stdin, stdout, stderr");
                return false;
        }
        if (!p->attach && p->command->n_items == 0) {
                call_fail(c, 400, "BadRequest", "you must specify at least one command for exec");
                return false;
        }
        if (!http_request(c->http)->upgrade || !upgrade || strcasecmp(upgrade, "websocket") != 0) {
                call_fail(c, 400, "BadRequest", "Upgrade request required");
                return false;
        }
        if (!streq(http_request(c->http)->method, "GET")) {
                http_respond(c->http, &(struct http_answer){.status = 405});
                return false;
        }
        if (!streq(version, "13") || !http_header(c->http, "Sec-WebSocket-Key")) {
                http_respond(c->http, &(struct http_answer){.status = 400});
                return false;
        }
        return true;
}

static void plain_text(struct call *c, int status, const char *text)
{
        http_respond(c->http, &(struct http_answer){.status = status,
                                                    .content_type = "text/plain; charset=utf-8",
                                                    .body = view_of(text, strlen(text))});
}

/* Chooses the protocol; tells errors of the kubelet the way that protocol does. */
static void upgrade(struct call *c, struct session_params *p, const char *name)
{
        const struct options *options = &c->standin->options;
        bool v5 = options->v5 && offers(c, "v5.channel.k8s.io");
        bool v4 = options->v4 && offers(c, "v4.channel.k8s.io");
        _cleanup_(freep) char *missing = xasprintf("container not found (\"%s\")", name);
        _cleanup_(freep) char *wrapped = xasprintf("unable to upgrade connection: %s", missing);

        p->v5 = v5;
        p->error = wrapped;
        if (!v5 && !p->container)
                plain_text(c, 500, missing);
        else if (!v5 && !v4)
                http_respond(c->http, &(struct http_answer){.status = 403});
        else
                session_start(c, p);
}

static void exec_or_attach(struct call *c, const json_t *pod)
{
        _cleanup_(strv_done) struct strv command = {};
        const struct http_pairs *query = &http_request(c->http)->query;
        const char *name = container_of_query(c, pod);
        struct session_params p = {.attach = streq(c->sub, "attach"), .command = &command};
        const json_t *spec;

        if (!name)
                return;
        if (jx_empty(pod, "spec.nodeName")) {
                call_fail(c, 400, "BadRequest", "pod %s does not have a host assigned", c->name);
                return;
        }
        for (size_t i = 0; i < query->n_items; i++)
                if (streq(query->items[i].name, "command"))
                        strv_push(&command, query->items[i].value);
        p.stdin_open = http_query_true(c->http, "stdin");
        p.stdout_open = http_query_true(c->http, "stdout");
        p.tty = http_query_true(c->http, "tty");
        p.stderr_open = http_query_true(c->http, "stderr") && !p.tty;
        if (!check_request(c, &p))
                return;
        p.container = kubelet_container(&c->standin->kubelet, jx_text(pod, "metadata.uid"), name);
        if (p.container && (p.container->state != CONTAINER_RUNNING || p.container->exited))
                p.container = NULL;
        if (p.container) {
                spec = container_spec(p.container, pod);
                p.stdin_once = jx_true(spec, "stdinOnce");
                if (p.attach && !jx_true(spec, "stdin"))
                        p.stdin_open = false;
        }
        upgrade(c, &p, name);
}

static void logs(struct call *c, const json_t *pod)
{
        const char *name = container_of_query(c, pod);
        const struct container *container;
        const struct str none = {};
        const struct str *log;

        if (!name)
                return;
        container = kubelet_container(&c->standin->kubelet, jx_text(pod, "metadata.uid"), name);
        log = container ? &container->log : &none;
        http_respond(c->http, &(struct http_answer){.status = 200,
                                                    .content_type = "text/plain",
                                                    .body = view_of(str_text(log), log->len)});
}

bool streams_answer(struct call *c)
{
        bool log = streq(c->sub, "log");
        const json_t *pod;

        if (!c->sub || *c->resource->group || !streq(c->resource->plural, "pods"))
                return false;
        if (!log && !streq(c->sub, "exec") && !streq(c->sub, "attach"))
                return false;
        if (!streq(http_request(c->http)->method, "GET") &&
            (log || !streq(http_request(c->http)->method, "POST"))) {
                call_fail(c, 405, "MethodNotAllowed",
                          "the server does not allow this method on the requested resource");
                return true;
        }
        pod = store_get(c->resource, c->ns, c->name);
        if (!pod)
                call_not_found(c);
        else if (log)
                logs(c, pod);
        else
                exec_or_attach(c, pod);
        return true;
}
