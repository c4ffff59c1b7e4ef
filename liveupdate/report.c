/* SPDX-License-Identifier: Apache-2.0 */
#include "liveupdate/report.h"

/*
 * Bytes are appended to `held`; then, as long as it goes on: what stands before a token is output,
 * a token with all of its line is a record, and what could still become one stays. So output is
 * passed on at once but for a tail that is a beginning of the token.
 */

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TOKEN_LEN  (LU_TOKEN_SIZE - 1)
#define RECORD_MAX 96

static const char *const phases[LU_PHASE_MAX] = {
        [LU_PHASE_READ] = "read",   [LU_PHASE_REMOVE] = "remove",   [LU_PHASE_MKDIR] = "mkdir",
        [LU_PHASE_OWNER] = "owner", [LU_PHASE_ARCHIVE] = "archive", [LU_PHASE_RENAME] = "rename",
};

const char *lu_phase_name(enum lu_phase phase)
{
        assert(phase < LU_PHASE_MAX);
        return phases[phase];
}

void lu_report_init(struct lu_report *r, const char *token, lu_report_on_event on_event,
                    void *userdata)
{
        assert(strlen(token) == TOKEN_LEN);
        *r = (struct lu_report){.on_event = on_event, .userdata = userdata};
        memcpy(r->token, token, LU_TOKEN_SIZE);
}

void lu_report_done(struct lu_report *r)
{
        str_done(&r->held);
}

static void emit_output(struct lu_report *r, size_t len)
{
        if (len > 0 && r->running)
                r->on_event(r->userdata, &(struct lu_report_event){
                                                 .kind = LU_REPORT_OUTPUT,
                                                 .run = r->run,
                                                 .output = view_of(r->held.data, len),
                                         });
        str_consume(&r->held, len);
}

static int parse_fail(const char *text, struct lu_report_event *event)
{
        char name[16];
        int end = 0;

        if (sscanf(text, "fail %15s %d%n", name, &event->code, &end) != 2 || text[end])
                return -EPROTO;
        for (size_t i = 0; i < LU_PHASE_MAX; i++) {
                if (!streq(name, phases[i]))
                        continue;
                event->kind = LU_REPORT_FAIL;
                event->phase = (enum lu_phase)i;
                return 0;
        }
        return -EPROTO;
}

static int parse_exit(const char *text, struct lu_report_event *event)
{
        int timed_out, end = 0;

        event->kind = LU_REPORT_EXIT;
        if (sscanf(text, "exit %zu %d %d%n", &event->run, &event->code, &timed_out, &end) != 3 ||
            text[end])
                return -EPROTO;
        event->timed_out = timed_out != 0;
        return 0;
}

static int parse_record(const char *text, struct lu_report_event *event)
{
        int end = 0;

        if (starts_with(text, "fail "))
                return parse_fail(text, event);
        if (starts_with(text, "exit "))
                return parse_exit(text, event);
        if (sscanf(text, "run %zu%n", &event->run, &end) == 1 && !text[end])
                event->kind = LU_REPORT_RUN;
        else if (streq(text, "applied"))
                event->kind = LU_REPORT_APPLIED;
        else if (streq(text, "void"))
                event->kind = LU_REPORT_VOID;
        else if (streq(text, "done"))
                event->kind = LU_REPORT_DONE;
        else
                return -EPROTO;
        return 0;
}

/* `held` begins with a token. Positive: the record is not complete yet. */
static int take_record(struct lu_report *r)
{
        struct lu_report_event event = {};
        char text[RECORD_MAX];
        size_t limit = r->held.len < RECORD_MAX ? r->held.len : RECORD_MAX;
        char *newline = memchr(r->held.data, '\n', limit);
        size_t len;
        int e;

        if (!newline)
                return limit < RECORD_MAX ? 1 : -EPROTO;
        len = (size_t)(newline - r->held.data);
        if (len <= TOKEN_LEN || r->held.data[TOKEN_LEN] != ' ')
                return -EPROTO;
        memcpy(text, r->held.data + TOKEN_LEN + 1, len - TOKEN_LEN - 1);
        text[len - TOKEN_LEN - 1] = '\0';
        str_consume(&r->held, len + 1);

        e = parse_record(text, &event);
        if (e < 0)
                return e;
        r->running = event.kind == LU_REPORT_RUN;
        r->run = event.run;
        r->on_event(r->userdata, &event);
        return 0;
}

/* How many bytes at the end of `held` are a beginning of the token. */
static size_t unfinished(const struct lu_report *r)
{
        size_t n = r->held.len < TOKEN_LEN - 1 ? r->held.len : TOKEN_LEN - 1;

        while (n > 0 && memcmp(r->held.data + r->held.len - n, r->token, n) != 0)
                n--;
        return n;
}

int lu_report_feed(struct lu_report *r, const char *data, size_t len)
{
        int e = 0;

        str_append_bytes(&r->held, data, len);
        while (e == 0 && r->held.len > 0) {
                char *token = memmem(r->held.data, r->held.len, r->token, TOKEN_LEN);

                if (!token) {
                        emit_output(r, r->held.len - unfinished(r));
                        return 0;
                }
                emit_output(r, (size_t)(token - r->held.data));
                e = take_record(r);
        }
        return e < 0 ? e : 0;
}
