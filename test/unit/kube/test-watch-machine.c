/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "kube/watch_machine.h"

/*
 * Each script is a watch's life: what happened, and what the machine decided, as text: the new
 * state, how long it waits, "synced" and the trouble; "list" shows the version of the next list.
 * Chance is always 0, so waits are 800, 1600, ... ms.
 */

struct line {
        enum watch_happened happened;
        struct watch_input more;
        uint64_t after_ms; /* since the line before */
        const char *decision;
};

#define VERSION(v)                      \
        {                               \
                .resource_version = (v) \
        }
#define STATUS(s)             \
        {                     \
                .status = (s) \
        }
#define ERRNO(e)          \
        {                 \
                .r = -(e) \
        }

static char *shown(const struct watch_machine *m, const struct watch_decision *d)
{
        struct str s = {};

        str_append(&s, d->what == WATCH_STAY ? "stay" : watch_state_name(m->state));
        if (d->what == WATCH_DO_LIST)
                str_appendf(&s, " list=%s", watch_machine_list_version(m));
        if (d->what == WATCH_DO_WATCH)
                str_appendf(&s, " from=%s", m->resource_version);
        if (d->what == WATCH_DO_WAIT)
                str_appendf(&s, " %u ms", (unsigned)d->wait_ms);
        if (d->synced)
                str_append(&s, " synced");
        if (d->trouble != WATCH_TROUBLE_SAME)
                str_append(&s, d->trouble == WATCH_TROUBLE_BEGAN ? " trouble" : " well");
        return str_take(&s);
}

static void play(const struct line *lines)
{
        struct watch_machine m = {};
        uint64_t now = 5000;

        for (size_t i = 0; lines[i].decision; i++) {
                struct watch_input in = lines[i].more;
                _cleanup_(freep) char *text = NULL;
                struct watch_decision d;

                now += lines[i].after_ms;
                in.happened = lines[i].happened;
                in.now_ms = now;
                d = watch_machine_step(&m, &in);
                text = shown(&m, &d);
                if (strcmp(text, lines[i].decision) != 0)
                        fail_msg("line %zu: \"%s\" instead of \"%s\"", i, text, lines[i].decision);
        }
        watch_machine_done(&m);
}

static void a_quiet_life(void **state)
{
        play((const struct line[]){
                {WATCH_LISTED, VERSION("10"), 0, "WATCHING from=10 synced"},
                {WATCH_OPENED, {}, 5, "stay"},
                {WATCH_EVENT, VERSION("11"), 5, "stay"},
                {WATCH_EVENT, VERSION("15"), 5, "stay"},
                {WATCH_STREAM_END, {}, 300000, "WATCHING from=15"},
                {WATCH_OPENED, {}, 5, "stay"},
                {WATCH_STREAM_END, {}, 300000, "WATCHING from=15"},
                {},
        });
}

static void an_event_without_a_version_keeps_the_last(void **state)
{
        play((const struct line[]){
                {WATCH_LISTED, VERSION("10"), 0, "WATCHING from=10 synced"},
                {WATCH_OPENED, {}, 0, "stay"},
                {WATCH_EVENT, VERSION(""), 0, "stay"},
                {WATCH_STREAM_END, {}, 0, "WATCHING from=10"},
                {},
        });
}

static void a_stream_that_ends_at_once_is_not_opened_in_a_circle(void **state)
{
        play((const struct line[]){
                {WATCH_LISTED, VERSION("10"), 0, "WATCHING from=10 synced"},
                {WATCH_OPENED, {}, 5, "stay"},
                {WATCH_STREAM_END, {}, 999, "WAITING 800 ms"},
                {WATCH_TIMER, {}, 800, "WATCHING from=10"},
                {WATCH_OPENED, {}, 5, "stay"},
                {WATCH_STREAM_END, {}, 10, "WAITING 1600 ms"},
                {WATCH_TIMER, {}, 1600, "WATCHING from=10"},
                {WATCH_OPENED, {}, 5, "stay"},
                {WATCH_STREAM_END, {}, 1000, "WATCHING from=10"},
                {},
        });
}

static void a_server_that_restarts_keeps_its_version(void **state)
{
        play((const struct line[]){
                {WATCH_LISTED, VERSION("10"), 0, "WATCHING from=10 synced"},
                {WATCH_OPENED, {}, 5, "stay"},
                {WATCH_FAILED, ERRNO(ECONNRESET), 60000, "WATCHING from=10"},
                {WATCH_FAILED, ERRNO(ECONNREFUSED), 1, "WAITING 800 ms trouble"},
                {WATCH_TIMER, {}, 800, "WATCHING from=10"},
                {WATCH_FAILED, ERRNO(ECONNREFUSED), 1, "WAITING 1600 ms"},
                {WATCH_TIMER, {}, 1600, "WATCHING from=10"},
                {WATCH_FAILED, ERRNO(EKEYREJECTED), 1, "WAITING 3200 ms trouble"},
                {WATCH_TIMER, {}, 3200, "WATCHING from=10"},
                {WATCH_OPENED, {}, 5, "stay well"},
                {WATCH_FAILED, ERRNO(ECONNREFUSED), 60000, "WATCHING from=10"},
                {WATCH_FAILED, ERRNO(ECONNREFUSED), 1, "WAITING 6400 ms trouble"},
                {WATCH_TIMER, {}, 6400, "WATCHING from=10"},
                {WATCH_OPENED, {}, 5, "stay well"},
                {WATCH_FAILED, ERRNO(ECONNRESET), 120000, "WATCHING from=10"},
                {WATCH_FAILED, ERRNO(ECONNREFUSED), 1, "WAITING 800 ms trouble"},
                {},
        });
}

static void a_version_too_old_means_list_what_is_newest(void **state)
{
        play((const struct line[]){
                {WATCH_LISTED, VERSION("10"), 0, "WATCHING from=10 synced"},
                {WATCH_OPENED, {}, 5, "stay"},
                {WATCH_EVENT, VERSION("11"), 5, "stay"},
                {WATCH_FAILED, STATUS(410), 5, "LISTING list="},
                {WATCH_LISTED, VERSION("90"), 5, "WATCHING from=90 synced"},
                {WATCH_FAILED, STATUS(410), 5, "WAITING 800 ms trouble"},
                {WATCH_TIMER, {}, 800, "LISTING list="},
                {WATCH_LISTED, VERSION("91"), 5, "WATCHING from=91 synced well"},
                {WATCH_OPENED, {}, 5, "stay"},
                {WATCH_FAILED, STATUS(500), 5000, "WAITING 1600 ms trouble"},
                {WATCH_TIMER, {}, 800, "WATCHING from=91"},
                {WATCH_OPENED, {}, 5, "stay well"},
                {WATCH_FAILED, STATUS(403), 5000, "WAITING 3200 ms trouble"},
                {WATCH_TIMER, {}, 3200, "LISTING list=91"},
                {},
        });
}

static void a_stream_refused_with_410_after_a_reconnect_lists(void **state)
{
        play((const struct line[]){
                {WATCH_LISTED, VERSION("10"), 0, "WATCHING from=10 synced"},
                {WATCH_OPENED, {}, 5, "stay"},
                {WATCH_STREAM_END, {}, 300000, "WATCHING from=10"},
                {WATCH_FAILED, STATUS(410), 5, "LISTING list="},
                {},
        });
}

static void a_busy_server_is_left_alone_as_long_as_it_asks(void **state)
{
        play((const struct line[]){
                {WATCH_LISTED, VERSION("10"), 0, "WATCHING from=10 synced"},
                {WATCH_FAILED, {.status = 429, .retry_after_s = 7}, 0, "WAITING 7000 ms trouble"},
                {WATCH_TIMER, {}, 7000, "WATCHING from=10"},
                {WATCH_FAILED, {.status = 503, .retry_after_s = 1}, 0, "WAITING 1600 ms trouble"},
                {WATCH_TIMER, {}, 1600, "WATCHING from=10"},
                {WATCH_FAILED, STATUS(504), 0, "WAITING 3200 ms trouble"},
                {WATCH_TIMER, {}, 3200, "WATCHING from=10"},
                {},
        });
}

static void what_we_may_not_see_is_asked_for_again(void **state)
{
        play((const struct line[]){
                {WATCH_FAILED, STATUS(403), 0, "WAITING 800 ms trouble"},
                {WATCH_TIMER, {}, 800, "LISTING list=0"},
                {WATCH_FAILED, STATUS(403), 0, "WAITING 1600 ms"},
                {WATCH_TIMER, {}, 1600, "LISTING list=0"},
                {WATCH_FAILED, STATUS(404), 0, "WAITING 3200 ms trouble"},
                {WATCH_TIMER, {}, 3200, "LISTING list=0"},
                {WATCH_FAILED, {.status = 429, .retry_after_s = 60}, 0, "WAITING 60000 ms trouble"},
                {WATCH_TIMER, {}, 60000, "LISTING list=0"},
                {WATCH_LISTED, VERSION("3"), 0, "WATCHING from=3 synced well"},
                {},
        });
}

static void a_list_that_the_server_cannot_serve_is_asked_for_newest(void **state)
{
        static const struct watch_input refusals[] = {
                STATUS(410), STATUS(400), {.status = 504, .rv_too_large = true}};

        for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
                play((const struct line[]){
                        {WATCH_LISTED, VERSION("10"), 0, "WATCHING from=10 synced"},
                        {WATCH_FAILED, STATUS(404), 0, "WAITING 800 ms trouble"},
                        {WATCH_TIMER, {}, 800, "LISTING list=10"},
                        {WATCH_FAILED, refusals[i], 0, "WAITING 1600 ms trouble"},
                        {WATCH_TIMER, {}, 1600, "LISTING list="},
                        {WATCH_LISTED, VERSION("4"), 0, "WATCHING from=4 synced well"},
                        {WATCH_FAILED, STATUS(404), 0, "WAITING 3200 ms trouble"},
                        {WATCH_TIMER, {}, 3200, "LISTING list=4"},
                        {},
                });
}

static void a_silent_connection_is_given_up(void **state)
{
        play((const struct line[]){
                {WATCH_LISTED, VERSION("10"), 0, "WATCHING from=10 synced"},
                {WATCH_TIMER, {}, 35000, "WAITING 800 ms trouble"},
                {WATCH_TIMER, {}, 800, "WATCHING from=10"},
                {WATCH_OPENED, {}, 5, "stay well"},
                {WATCH_TIMER, {}, 630000, "WATCHING from=10"},
                {},
        });
}

static void what_makes_no_sense_is_not_built_upon(void **state)
{
        static const int nonsense[] = {EPROTO, EBADMSG, EMSGSIZE};

        for (size_t i = 0; i < ARRAY_SIZE(nonsense); i++)
                play((const struct line[]){
                        {WATCH_LISTED, VERSION("10"), 0, "WATCHING from=10 synced"},
                        {WATCH_OPENED, {}, 5, "stay"},
                        {WATCH_FAILED, ERRNO(nonsense[i]), 60000, "WAITING 800 ms trouble"},
                        {WATCH_TIMER, {}, 800, "LISTING list=10"},
                        {},
                });
}

static void paths_carry_what_is_asked_for(void **state)
{
        static const struct {
                struct watch_query query;
                const char *path;
        } rows[] = {
                {{.path = "/api/v1/pods", .resource_version = "0"},
                 "/api/v1/pods?resourceVersion=0"},
                {{.path = "/api/v1/pods", .label_selector = "a in (b, c)", .resource_version = ""},
                 "/api/v1/pods?resourceVersion=&labelSelector=a%20in%20%28b%2C%20c%29"},
                {{.path = "/api/v1/pods",
                  .label_selector = "a=b",
                  .field_selector = "metadata.name=x",
                  .resource_version = "12",
                  .timeout_s = 345},
                 "/api/v1/pods?watch=1&allowWatchBookmarks=true&timeoutSeconds=345"
                 "&resourceVersion=12&labelSelector=a%3Db&fieldSelector=metadata.name%3Dx"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(freep) char *path = watch_query_format(&rows[i].query);

                assert_string_equal(path, rows[i].path);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_quiet_life),
                cmocka_unit_test(an_event_without_a_version_keeps_the_last),
                cmocka_unit_test(a_stream_that_ends_at_once_is_not_opened_in_a_circle),
                cmocka_unit_test(a_server_that_restarts_keeps_its_version),
                cmocka_unit_test(a_version_too_old_means_list_what_is_newest),
                cmocka_unit_test(a_stream_refused_with_410_after_a_reconnect_lists),
                cmocka_unit_test(a_busy_server_is_left_alone_as_long_as_it_asks),
                cmocka_unit_test(what_we_may_not_see_is_asked_for_again),
                cmocka_unit_test(a_list_that_the_server_cannot_serve_is_asked_for_newest),
                cmocka_unit_test(a_silent_connection_is_given_up),
                cmocka_unit_test(what_makes_no_sense_is_not_built_upon),
                cmocka_unit_test(paths_carry_what_is_asked_for),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
