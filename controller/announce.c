/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/announce.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "controller/app.h"

static bool as_json(void)
{
        return log_current_format() == LOG_JSON;
}

/* Takes the record, adds which LiveUpdate it is about, prints it. */
static void print_event(const struct live *live, json_t *record)
{
        char *text;

        if (live) {
                json_object_set_new(record, "liveUpdate", json_string(live->name));
                json_object_set_new(record, "namespace", json_string(live->namespace_));
        }
        text = json_dumps(record, JSON_COMPACT);
        json_decref(record);
        if (!text)
                out_of_memory();
        puts(text);
        fflush(stdout);
        free(text);
}

static json_t *shown_string(const char *s)
{
        _cleanup_(freep) char *text = printable(s ? s : "");

        return json_string(text);
}

static void print_line(const char *format, ...) _printf_(1, 2);
static void print_line(const char *format, ...)
{
        va_list args;

        va_start(args, format);
        vprintf(format, args);
        va_end(args);
        putchar('\n');
        fflush(stdout);
}

void announce_watching(const struct app *app, uint64_t milliseconds)
{
        size_t files = watcher_n_files(app->watcher);

        if (as_json())
                print_event(NULL, json_pack("{ss so sI sI}", "event", "watching", "workspace",
                                            shown_string(app->workspace.path), "files",
                                            (json_int_t)files, "ms", (json_int_t)milliseconds));
        else
                print_line("watching %s  %zu files  %" PRIu64 " ms", app->workspace.path, files,
                           milliseconds);
}

void announce_listening(unsigned port)
{
        if (as_json())
                print_event(NULL, json_pack("{ss si}", "event", "listening", "port", (int)port));
        else
                print_line("listening on port %u", port);
}

void announce_start(struct live *live)
{
        struct shown *s = &live->shown;

        if (live->operations->next)
                return; /* one of several */
        s->started_at = app_now(live->app);
        s->files = s->deleted = 0;
        s->n_pods = s->n_failed = 0; /* of a batch that was cancelled */
}

void announce_output(const struct live *live, const char *pod, const char *container,
                     const char *line)
{
        _cleanup_(freep) char *text = printable(line);

        if (as_json())
                print_event(live, json_pack("{ss ss ss ss}", "event", "output", "pod", pod,
                                            "container", container, "line", text));
        else
                print_line("%s  %s/%s │ %s", live->name, pod, container, text);
}

static json_t *updated_json(const struct operation *o, const struct lu_outcome *outcome)
{
        return json_pack("{ss ss ss sI sI sI sI sI ss}", "event",
                         outcome->run_failed ? "runFailed" : "updated", "pod", o->pod, "container",
                         o->container, "revision", (json_int_t)o->revision, "files",
                         (json_int_t)outcome->files, "deleted", (json_int_t)outcome->deleted,
                         "bytes", (json_int_t)outcome->bytes, "ms",
                         (json_int_t)outcome->milliseconds, "protocol",
                         outcome->protocol ? outcome->protocol : "");
}

static json_t *failed_json(const struct operation *o, const struct lu_outcome *outcome)
{
        return json_pack("{ss ss ss ss so sb}", "event", "failed", "pod", o->pod, "container",
                         o->container, "reason", lu_reason_name(outcome->reason), "message",
                         shown_string(outcome->message), "retry", outcome->retry_helps);
}

static void announce_update_json(const struct live *live, const struct operation *o,
                                 const struct lu_outcome *outcome)
{
        json_t *record = outcome->applied ? updated_json(o, outcome) : failed_json(o, outcome);

        if (outcome->applied && outcome->run_failed)
                json_object_set_new(record, "message", shown_string(outcome->run_message));
        print_event(live, record);
}

void announce_update(struct live *live, const struct operation *o, const struct lu_outcome *outcome)
{
        struct shown *s = &live->shown;

        if (outcome->applied) {
                s->n_pods++;
                s->files = outcome->files > s->files ? outcome->files : s->files;
                s->deleted = outcome->deleted > s->deleted ? outcome->deleted : s->deleted;
        } else {
                s->n_failed++;
        }
        if (as_json()) {
                announce_update_json(live, o, outcome);
        } else if (!outcome->applied) {
                print_line("%s  %s/%s not updated: %s%s", live->name, o->pod, o->container,
                           outcome->message, outcome->retry_helps ? " (will be retried)" : "");
        } else if (outcome->run_failed) {
                _cleanup_(freep) char *text = printable(outcome->run_message);

                print_line("%s  %s/%s %s", live->name, o->pod, o->container, text);
        }
}

void announce_batch_end(struct live *live)
{
        struct shown *s = &live->shown;
        uint64_t ms = app_now(live->app) - s->started_at;

        if (s->n_pods > 0 && !as_json()) {
                _cleanup_(str_done) struct str what = {};

                if (s->files > 0 || s->deleted == 0)
                        str_appendf(&what, "%" PRIu64 " file%s", s->files,
                                    s->files == 1 ? "" : "s");
                if (s->deleted > 0)
                        str_appendf(&what, "%s%" PRIu64 " deleted", what.len ? ", " : "",
                                    s->deleted);
                print_line("%s  %s → %zu pod%s  %" PRIu64 " ms", live->name, str_text(&what),
                           s->n_pods, s->n_pods == 1 ? "" : "s", ms);
        }
        s->n_pods = s->n_failed = 0;
}

/* States that pass by themselves within moments are not worth a line. */
static bool transient(enum lu_reason reason)
{
        return reason == LU_REASON_UPDATING || reason == LU_REASON_SETTLING ||
               reason == LU_REASON_CONNECTING || reason == LU_REASON_RESCANNING;
}

static void announce_unmatched(struct live *live, const struct lu_plan *plan)
{
        struct shown *s = &live->shown;
        _cleanup_(freep) char *path = NULL;

        if (!plan->unmatched_path || plan->unmatched_revision <= s->unmatched_revision)
                return;
        s->unmatched_revision = plan->unmatched_revision;
        path = printable(plan->unmatched_path);
        if (as_json())
                print_event(live, json_pack("{ss ss}", "event", "unmatched", "path", path));
        else
                print_line("%s  '%s' changed, but no sync covers it: it is not in any container "
                           "(onUnmatched: Warn)",
                           live->name, path);
}

static void announce_condition(const struct live *live, const struct lu_plan *plan)
{
        _cleanup_(freep) char *message = printable(plan->message);

        if (as_json())
                print_event(live,
                            json_pack("{ss sb ss ss sI}", "event", "condition", "ready",
                                      plan->ready, "reason", lu_reason_name(plan->reason),
                                      "message", message, "targets", (json_int_t)plan->n_targets));
        else if (plan->ready)
                print_line("%s  ready: %zu container%s", live->name, plan->n_targets,
                           plan->n_targets == 1 ? "" : "s");
        else
                print_line("%s  %s: %s", live->name, lu_reason_name(plan->reason), message);
}

static void count_rebuild(struct metrics *m, const struct lu_plan *plan)
{
        if (plan->rebuild_reason == LU_REASON_FALL_BACK_ON)
                m->rebuilds_fall_back_on++;
        else
                m->rebuilds_no_matching_sync++;
}

void announce_plan(struct live *live, const struct lu_plan *plan)
{
        struct shown *s = &live->shown;

        announce_unmatched(live, plan);
        if (transient(plan->reason))
                return;
        if (s->any && s->ready == plan->ready && s->reason == plan->reason &&
            (plan->ready || streq(s->message, plan->message)))
                return;
        if (plan->rebuild_required)
                count_rebuild(&live->app->metrics, plan);
        s->any = true;
        s->ready = plan->ready;
        s->reason = plan->reason;
        free(s->message);
        s->message = xstrdup(plan->message);
        announce_condition(live, plan);
}
