/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/status.h"

/*
 * Everything in a Status comes from outside and nothing in it is required but `status`: a field of
 * another type than ours counts as absent. Numbers are taken only when they fit.
 */

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* How much of a body that is no Status is shown to people. */
#define BODY_HEAD 300

static const char *text_of(const json_t *object, const char *key)
{
        const char *text = json_string_value(json_object_get(object, key));

        return text ? text : "";
}

static int number_of(const json_t *object, const char *key)
{
        json_int_t n = json_integer_value(json_object_get(object, key));

        return n < 0 || n > INT_MAX ? 0 : (int)n;
}

static void read_causes(const json_t *details, struct kube_status *s)
{
        const json_t *causes = json_object_get(details, "causes");
        const json_t *cause;
        size_t i;

        json_array_foreach(causes, i, cause) {
                const char *reason = text_of(cause, "reason");
                uint64_t code;

                if (streq(reason, "ExitCode") &&
                    parse_u64(text_of(cause, "message"), INT_MAX, &code) == 0)
                        s->exit_code = (int)code;
                else if (streq(reason, "ResourceVersionTooLarge"))
                        s->rv_too_large = true;
        }
}

int kube_status_from_json(const json_t *object, struct kube_status *ret_status)
{
        const char *outcome = text_of(object, "status");
        const char *kind = text_of(object, "kind");
        const json_t *details = json_object_get(object, "details");

        if (*kind && !streq(kind, "Status"))
                return -EINVAL;
        if (!streq(outcome, "Success") && !streq(outcome, "Failure"))
                return -EINVAL;
        *ret_status = (struct kube_status){
                .valid = true,
                .success = streq(outcome, "Success"),
                .reason = xstrdup(text_of(object, "reason")),
                .message = xstrdup(text_of(object, "message")),
                .code = number_of(object, "code"),
                .exit_code = -1,
                .retry_after_s = (unsigned)number_of(details, "retryAfterSeconds"),
        };
        read_causes(details, ret_status);
        return 0;
}

int kube_status_parse(const char *text, size_t len, struct kube_status *ret_status)
{
        json_t *object = json_loadb(text, len, JSON_ALLOW_NUL, NULL);
        int r = object ? kube_status_from_json(object, ret_status) : -EINVAL;

        json_decref(object);
        return r;
}

void kube_status_done(struct kube_status *s)
{
        free(s->reason);
        free(s->message);
        *s = (struct kube_status){};
}

/* RFC 9110 section 15 and RFC 6585, as far as an API server or what stands before it says them. */
static const char *phrase_of(int http_status)
{
        static const struct {
                int status;
                const char *phrase;
        } phrases[] = {
                {301, "Moved Permanently"},
                {302, "Found"},
                {307, "Temporary Redirect"},
                {308, "Permanent Redirect"},
                {400, "Bad Request"},
                {401, "Unauthorized"},
                {403, "Forbidden"},
                {404, "Not Found"},
                {405, "Method Not Allowed"},
                {406, "Not Acceptable"},
                {407, "Proxy Authentication Required"},
                {408, "Request Timeout"},
                {409, "Conflict"},
                {410, "Gone"},
                {413, "Content Too Large"},
                {415, "Unsupported Media Type"},
                {422, "Unprocessable Content"},
                {429, "Too Many Requests"},
                {500, "Internal Server Error"},
                {501, "Not Implemented"},
                {502, "Bad Gateway"},
                {503, "Service Unavailable"},
                {504, "Gateway Timeout"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(phrases); i++)
                if (phrases[i].status == http_status)
                        return phrases[i].phrase;
        return NULL;
}

char *kube_status_describe(int http_status, const char *body, size_t len)
{
        _cleanup_(kube_status_done) struct kube_status s = {};
        const char *phrase = phrase_of(http_status);
        struct str text = {};

        str_appendf(&text, "%d", http_status);
        if (phrase)
                str_appendf(&text, " %s", phrase);
        if (kube_status_parse(body, len, &s) == 0 && *s.message) {
                str_append(&text, ": ");
                str_append_printable(&text, s.message, strlen(s.message));
                return str_take(&text);
        }
        while (len > 0 && (body[len - 1] == '\n' || body[len - 1] == '\r'))
                len--;
        if (len > 0) {
                str_append(&text, ": ");
                str_append_printable(&text, body, len < BODY_HEAD ? len : BODY_HEAD);
        }
        if (len > BODY_HEAD)
                str_append(&text, "...");
        return str_take(&text);
}
