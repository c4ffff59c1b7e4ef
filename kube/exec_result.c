/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/exec_result.h"

/*
 * One function per kind of end. Each writes outcome, retryable and the message; nothing here asks
 * what the message of a server says, with one exception: the plain request that follows a refused
 * upgrade is always refused as well, and "Upgrade request required" is how the API server says that
 * nothing else was wrong.
 */

#include "base/macro.h"
#include "base/mem.h"
#include "kube/status.h"

static void say(struct kube_exec_verdict *v, const struct kube_exec_facts *f, const char *text)
{
        v->message = xasprintf("exec in %s: %s", f->target, text);
}

static void conclude(struct kube_exec_verdict *v, enum kube_exec_outcome outcome, bool retryable)
{
        v->result.outcome = outcome;
        v->result.retryable = retryable;
}

/* Worth another try: the server was busy, or something between it and us was away. */
static bool passing(int http_status)
{
        return http_status == 429 || (http_status >= 500 && http_status <= 599);
}

static void judge_failure(const struct kube_exec_facts *f, const struct kube_status *s,
                          struct kube_exec_verdict *v)
{
        v->reason = xstrdup(s->reason);
        if (!streq(s->reason, "NonZeroExitCode")) {
                conclude(v, KUBE_EXEC_REFUSED, s->code != 500 && passing(s->code));
                say(v, f, *s->message ? s->message : "refused without a reason");
                return;
        }
        if (s->exit_code < 0) {
                conclude(v, KUBE_EXEC_UNKNOWN, false);
                say(v, f, "the command failed, but the server names no exit code");
                return;
        }
        conclude(v, KUBE_EXEC_EXITED, false);
        v->result.exit_code = s->exit_code;
        v->message =
                xasprintf("exec in %s: the command exited with code %d", f->target, s->exit_code);
}

static void judge_status(const struct kube_exec_facts *f, struct kube_exec_verdict *v)
{
        _cleanup_(kube_status_done) struct kube_status s = {};

        if (kube_status_parse(f->status.data, f->status.len, &s) < 0) {
                conclude(v, KUBE_EXEC_UNKNOWN, false);
                say(v, f, "the server's last word cannot be understood");
                return;
        }
        if (s.success) {
                conclude(v, KUBE_EXEC_EXITED, false);
                return;
        }
        judge_failure(f, &s, v);
}

/* The plain request met no objection but that it was no upgrade. */
static bool only_upgrade_missing(const struct kube_exec_facts *f)
{
        return f->diagnosis_status == 400 && f->diagnosis_problem &&
               strstr(f->diagnosis_problem, "Upgrade request required");
}

static const char *unexplained(int http_status)
{
        if (http_status == 0)
                return "the connection ended before an answer came";
        if (http_status == 403)
                return "403 without a reason: the server speaks neither v5.channel.k8s.io nor "
                       "v4.channel.k8s.io, or the right to create pods/exec is missing";
        if (http_status == 400)
                return "400 without a reason: the container was not ready for it, or a proxy in "
                       "between removed the upgrade";
        if (http_status >= 300 && http_status < 400)
                return "the server answered with a redirect, which is never followed";
        if (http_status >= 500)
                return "the server or the node could not start the command (the container may be "
                       "starting or stopping)";
        return "the upgrade to WebSocket was refused";
}

static bool upgrade_retryable(const struct kube_exec_facts *f)
{
        int status = f->http_status;

        if (passing(status) || status == 0)
                return true;
        if (!only_upgrade_missing(f))
                return false;
        return status != 403 && !(status >= 300 && status < 400);
}

static void judge_upgrade(const struct kube_exec_facts *f, struct kube_exec_verdict *v)
{
        bool explained =
                f->diagnosis_status >= 400 && f->diagnosis_problem && !only_upgrade_missing(f);

        conclude(v, KUBE_EXEC_REFUSED, upgrade_retryable(f));
        v->result.http_status = f->http_status;
        if (explained) {
                v->reason = xstrdup(f->diagnosis_reason);
                say(v, f, f->diagnosis_problem);
                return;
        }
        if (f->http_status == 0) {
                say(v, f, unexplained(0));
                return;
        }
        v->message = xasprintf("exec in %s: HTTP %d: %s", f->target, f->http_status,
                               unexplained(f->http_status));
}

static void judge_deadline(const struct kube_exec_facts *f, struct kube_exec_verdict *v)
{
        const char *what = f->end == KUBE_EXEC_END_IDLE ? "no byte moved" : "no connection";

        conclude(v, KUBE_EXEC_UNKNOWN, true);
        v->message = xasprintf("exec in %s: %s for %u.%03u s", f->target, what,
                               f->timeout_ms / 1000, f->timeout_ms % 1000);
}

static void judge_rest(const struct kube_exec_facts *f, struct kube_exec_verdict *v)
{
        const char *detail = f->detail && *f->detail ? f->detail : "no further detail";

        switch (f->end) {
        case KUBE_EXEC_END_UNREACHABLE:
        case KUBE_EXEC_END_UNTRUSTED:
                conclude(v, KUBE_EXEC_REFUSED, f->end == KUBE_EXEC_END_UNREACHABLE);
                break;
        case KUBE_EXEC_END_PROTOCOL:
                conclude(v, KUBE_EXEC_REFUSED, false);
                detail = "the server chose neither v5.channel.k8s.io nor v4.channel.k8s.io";
                break;
        case KUBE_EXEC_END_CUT:
                conclude(v, KUBE_EXEC_UNKNOWN, true);
                v->message = xasprintf("exec in %s: the stream ended without a Status, so the "
                                       "outcome is unknown (%s)",
                                       f->target, detail);
                return;
        default:
                conclude(v, KUBE_EXEC_UNKNOWN, false);
                break;
        }
        say(v, f, detail);
}

void kube_exec_classify(const struct kube_exec_facts *f, struct kube_exec_verdict *ret_verdict)
{
        struct kube_exec_verdict v = {};

        switch (f->end) {
        case KUBE_EXEC_END_STATUS:
                judge_status(f, &v);
                break;
        case KUBE_EXEC_END_UPGRADE:
                judge_upgrade(f, &v);
                break;
        case KUBE_EXEC_END_CONNECT_TIMEOUT:
        case KUBE_EXEC_END_IDLE:
                judge_deadline(f, &v);
                break;
        default:
                judge_rest(f, &v);
                break;
        }
        if (!v.reason)
                v.reason = xstrdup("");
        if (!v.message)
                v.message = xstrdup("");
        v.result.reason = v.reason;
        v.result.message = v.message;
        v.result.opened = f->opened;
        v.result.protocol = f->protocol ? f->protocol : "";
        *ret_verdict = v;
}

void kube_exec_verdict_done(struct kube_exec_verdict *v)
{
        free(v->reason);
        free(v->message);
        *v = (struct kube_exec_verdict){};
}

bool kube_exec_status_complete(struct view text)
{
        struct kube_status s;

        if (kube_status_parse(text.data, text.len, &s) < 0)
                return false;
        kube_status_done(&s);
        return true;
}
