/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/call.h"

/*
 * Refusals look like the real server's: kind Status with code, reason and, when an object was
 * named, its details. Clients decide by code and reason; people read the message.
 */

#include <errno.h>
#include <stdarg.h>
#include <strings.h>

#include "base/mem.h"
#include "test/standin/jx.h"

json_t *status_new(int code, const char *reason, const char *message)
{
        /* A message may quote what the client sent, whatever that is. */
        _cleanup_(freep) char *text =
                utf8_valid(message, strlen(message)) ? xstrdup(message) : printable(message);

        return json_pack("{s:s, s:s, s:{}, s:s, s:s, s:s, s:i}", "kind", "Status", "apiVersion",
                         "v1", "metadata", "status", "Failure", "message", text, "reason", reason,
                         "code", code);
}

void http_answer_json(struct http *h, int code, const json_t *body)
{
        _cleanup_(freep) char *text = jx_dump(body);
        _cleanup_(freep) char *line = xasprintf("%s\n", text);

        http_respond(h, &(struct http_answer){.status = code,
                                              .content_type = "application/json",
                                              .extra = code == 429 ? "Retry-After: 1\r\n" : NULL,
                                              .body = view_of(line, strlen(line))});
}

void call_answer(struct call *c, int code, const json_t *body)
{
        http_answer_json(c->http, code, body);
}

int call_fail(struct call *c, int code, const char *reason, const char *format, ...)
{
        _cleanup_(freep) char *message = NULL;
        json_auto_t *status = NULL;
        va_list args;

        va_start(args, format);
        if (vasprintf(&message, format, args) < 0)
                out_of_memory();
        va_end(args);
        status = status_new(code, reason, message);
        if (c->asked) {
                json_t *details = jx_object_at(status, "details");

                if (c->name)
                        jx_put_text(details, "name", c->name);
                if (*c->asked->group)
                        jx_put_text(details, "group", c->asked->group);
                jx_put_text(details, "kind", c->asked->plural);
        }
        call_answer(c, code, status);
        return -ECANCELED;
}

int call_not_found(struct call *c)
{
        const char *group = c->asked->group;

        return call_fail(c, 404, "NotFound", "%s%s%s \"%s\" not found", c->asked->plural,
                         *group ? "." : "", group, c->name);
}

json_t *call_body(struct call *c)
{
        const char *type = http_header(c->http, "Content-Type");
        const struct str *body = &http_request(c->http)->body;
        json_error_t error;
        json_t *o;

        if (type && !strstr(type, "json") && !strstr(type, "yaml")) {
                call_fail(c, 415, "UnsupportedMediaType",
                          "the body of the request was in an unknown format - accepted media types "
                          "include: application/json, application/yaml");
                return NULL;
        }
        o = json_loadb(str_text(body), body->len, JSON_REJECT_DUPLICATES, &error);
        bool patch = streq(http_request(c->http)->method, "PATCH");

        if (!o || !(json_is_object(o) || (patch && json_is_array(o)))) {
                call_fail(c, 400, "BadRequest",
                          "the object provided is unrecognized (must be a JSON object): %s",
                          o ? "" : error.text);
                json_decref(o);
                return NULL;
        }
        return o;
}
