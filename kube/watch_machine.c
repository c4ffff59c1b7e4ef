/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/watch_machine.h"

/*
 * Four answers to trouble (KUBERNETES.md 4.1):
 *
 *   again at once     a stream that was healthy has ended: normal, go on from the last version
 *   wait, watch       the server is away or busy: what we have is still good
 *   list at once      our version is too old (410): list what is newest
 *   wait, list        anything else: do not trust what we have
 *
 * Healthy is a stream that lived a second or brought an event. What could turn in a circle without
 * a pause (a stream that ends at once, a 410 right after a list) waits instead.
 *
 * Trouble is told to people when we have to wait for it, not for each reconnect.
 */

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "kube/url.h"

#define HEALTHY_MS UINT64_C(1000)

static void remember_version(struct watch_machine *m, const char *version)
{
        if (!version || !*version || streq(version, m->resource_version))
                return;
        free(m->resource_version);
        m->resource_version = xstrdup(version);
}

static bool was_healthy(const struct watch_machine *m, uint64_t now_ms)
{
        return m->open && (m->had_events || now_ms - m->opened_ms >= HEALTHY_MS);
}

static struct watch_decision go_list(struct watch_machine *m)
{
        m->state = WATCH_LISTING;
        return (struct watch_decision){.what = WATCH_DO_LIST};
}

static struct watch_decision go_watch(struct watch_machine *m)
{
        m->state = WATCH_WATCHING;
        m->open = m->had_events = false;
        return (struct watch_decision){.what = WATCH_DO_WATCH};
}

static struct watch_decision go_wait(struct watch_machine *m, enum watch_state then,
                                     const struct watch_input *in)
{
        uint64_t wait_ms = kube_backoff_next(&m->backoff, in->now_ms, in->random);
        uint64_t asked_ms = (uint64_t)in->retry_after_s * 1000;

        if (asked_ms > wait_ms) {
                wait_ms = asked_ms;
                m->backoff.last_until = in->now_ms + wait_ms;
        }
        m->state = WATCH_WAITING;
        m->after_wait = then;
        return (struct watch_decision){.what = WATCH_DO_WAIT, .wait_ms = wait_ms};
}

static enum watch_trouble trouble(struct watch_machine *m, const struct watch_input *in)
{
        bool same = m->in_trouble && m->trouble_r == in->r && m->trouble_status == in->status;

        m->in_trouble = true;
        m->trouble_r = in->r;
        m->trouble_status = in->status;
        return same ? WATCH_TROUBLE_SAME : WATCH_TROUBLE_BEGAN;
}

static enum watch_trouble no_trouble(struct watch_machine *m)
{
        bool was = m->in_trouble;

        m->in_trouble = false;
        m->trouble_r = m->trouble_status = 0;
        return was ? WATCH_TROUBLE_ENDED : WATCH_TROUBLE_SAME;
}

static struct watch_decision on_listed(struct watch_machine *m, const struct watch_input *in)
{
        struct watch_decision d;

        remember_version(m, in->resource_version);
        m->list_latest = false;
        m->synced = true;
        m->listed_just_now = true;
        d = go_watch(m);
        d.synced = true;
        d.trouble = no_trouble(m);
        return d;
}

static struct watch_decision list_failed(struct watch_machine *m, const struct watch_input *in)
{
        struct watch_decision d;

        /* The server cannot serve our version: it forgot it, has not reached it, or never had it.
         */
        if (m->resource_version && (in->status == 410 || in->status == 400 || in->rv_too_large))
                m->list_latest = true;
        d = go_wait(m, WATCH_LISTING, in);
        d.trouble = trouble(m, in);
        return d;
}

static struct watch_decision too_old(struct watch_machine *m, const struct watch_input *in)
{
        struct watch_decision d;

        m->list_latest = true;
        if (!m->listed_just_now || was_healthy(m, in->now_ms))
                return go_list(m);
        d = go_wait(m, WATCH_LISTING, in);
        d.trouble = trouble(m, in);
        return d;
}

static bool is_busy(int status)
{
        return status == 429 || (status >= 500 && status <= 504);
}

/* A failure of the transport: what was received before it is whole and good. */
static bool is_transport(const struct watch_input *in)
{
        return in->status == 0 && in->r != -EPROTO && in->r != -EBADMSG && in->r != -EMSGSIZE;
}

static struct watch_decision stream_failed(struct watch_machine *m, const struct watch_input *in)
{
        struct watch_decision d;

        if (in->status == 410)
                return too_old(m, in);
        if (is_transport(in) && was_healthy(m, in->now_ms))
                return go_watch(m);
        if (is_transport(in) || is_busy(in->status))
                d = go_wait(m, WATCH_WATCHING, in);
        else
                d = go_wait(m, WATCH_LISTING, in);
        d.trouble = trouble(m, in);
        return d;
}

static struct watch_decision on_timer(struct watch_machine *m, const struct watch_input *in)
{
        struct watch_input silent = *in;

        if (m->state == WATCH_WAITING)
                return m->after_wait == WATCH_LISTING ? go_list(m) : go_watch(m);
        /* The watchdog: the connection is dead and nobody told us. */
        silent.r = -ETIMEDOUT;
        return stream_failed(m, &silent);
}

struct watch_decision watch_machine_step(struct watch_machine *m, const struct watch_input *in)
{
        struct watch_decision d = {};

        switch (in->happened) {
        case WATCH_LISTED:
                return on_listed(m, in);
        case WATCH_OPENED:
                m->open = true;
                m->opened_ms = in->now_ms;
                d.trouble = no_trouble(m);
                return d;
        case WATCH_EVENT:
                remember_version(m, in->resource_version);
                m->had_events = true;
                m->listed_just_now = false;
                return d;
        case WATCH_STREAM_END:
                if (!was_healthy(m, in->now_ms))
                        return go_wait(m, WATCH_WATCHING, in);
                m->listed_just_now = false;
                return go_watch(m);
        case WATCH_FAILED:
                return m->state == WATCH_LISTING ? list_failed(m, in) : stream_failed(m, in);
        case WATCH_TIMER:
                return on_timer(m, in);
        }
        return d;
}

const char *watch_machine_list_version(const struct watch_machine *m)
{
        if (m->list_latest)
                return "";
        return m->resource_version ? m->resource_version : "0";
}

void watch_machine_done(struct watch_machine *m)
{
        free(m->resource_version);
        *m = (struct watch_machine){};
}

const char *watch_state_name(enum watch_state state)
{
        static const char *const names[] = {
                [WATCH_LISTING] = "LISTING",
                [WATCH_WATCHING] = "WATCHING",
                [WATCH_WAITING] = "WAITING",
        };

        return names[state];
}

static void add_parameter(struct str *s, const char *key, const char *value)
{
        str_append_char(s, strchr(str_text(s), '?') ? '&' : '?');
        str_append(s, key);
        str_append_char(s, '=');
        url_encode(s, value);
}

char *watch_query_format(const struct watch_query *q)
{
        struct str s = {};

        str_append(&s, q->path);
        if (q->timeout_s) {
                _cleanup_(freep) char *timeout = xasprintf("%u", q->timeout_s);

                add_parameter(&s, "watch", "1");
                add_parameter(&s, "allowWatchBookmarks", "true");
                add_parameter(&s, "timeoutSeconds", timeout);
        }
        add_parameter(&s, "resourceVersion", q->resource_version);
        if (q->label_selector)
                add_parameter(&s, "labelSelector", q->label_selector);
        if (q->field_selector)
                add_parameter(&s, "fieldSelector", q->field_selector);
        return str_take(&s);
}
