/* SPDX-License-Identifier: Apache-2.0 */
#include "liveupdate/explain.h"

/*
 * Nothing is decided here: the verdict is lu_classify()'s, the destination lu_destination()'s and
 * the runs lu_run_fires()'s, so what `explain` says is what `run` does. The file system is not
 * asked either, so a path may be explained that does not exist.
 */

#include <string.h>

#include "base/mem.h"

struct explanation {
        struct lu_verdict verdict;
        char *destination; /* printable; NULL unless the class is Update */
        struct strv runs;  /* likewise empty */
        bool restart;
};

static void explanation_done(struct explanation *e)
{
        free(e->destination);
        strv_done(&e->runs);
}

static void explain(const struct lu_rules *rules, const struct lu_question *question,
                    struct explanation *ret_explanation)
{
        static const struct lu_verdict outside = {LU_CLASS_UNWATCHED, "OutsideRoots", 0};
        const char *path = question->path;
        struct explanation e = {.verdict = path ? lu_classify(rules, path) : outside};
        _cleanup_(freep) char *destination = NULL;

        if (e.verdict.class_ == LU_CLASS_UPDATE) {
                destination = lu_destination(rules, e.verdict.sync, path, question->is_directory);
                e.destination = printable(destination);
                for (size_t i = 0; i < rules->n_runs; i++)
                        if (lu_run_fires(rules, i, path))
                                strv_push(&e.runs, rules->runs[i].text);
                e.restart = rules->restart;
        }
        *ret_explanation = e;
}

/* A command may have several lines, and JSON can hold them; bytes that it cannot are escaped. */
static json_t *json_text(const char *text)
{
        _cleanup_(freep) char *safe = NULL;

        if (utf8_valid(text, strlen(text)))
                return json_string(text);
        safe = printable(text);
        return json_string(safe);
}

json_t *lu_explain_json(const struct lu_rules *rules, const struct lu_question *question)
{
        _cleanup_(explanation_done) struct explanation e = {};
        _cleanup_(freep) char *safe = printable(question->shown);
        json_t *runs = json_array(), *object;

        explain(rules, question, &e);
        for (size_t i = 0; i < e.runs.n_items; i++)
                if (json_array_append_new(runs, json_text(e.runs.items[i])) < 0)
                        out_of_memory();
        object = json_pack("{s:s, s:s, s:s, s:o, s:s?, s:o, s:b}", "path", safe, "class",
                           lu_class_name(e.verdict.class_), "reason", e.verdict.reason,
                           "liveUpdate", json_text(question->live_update), "destination",
                           e.destination, "runs", runs, "restart", e.restart);
        if (!object)
                out_of_memory();
        return object;
}

/* What follows from a reason, for people. */
static const char *sentence(const struct lu_verdict *verdict)
{
        static const struct {
                const char *reason, *text;
        } rows[] = {
                {"OutsideRoots", "it lies in no directory that is watched"},
                {"GitDirectory", "it belongs to git"},
                {"EphemeralFile", "it is a temporary file of an editor or a tool"},
                {"IgnoredByFile", ".dockerignore leaves it out"},
                {"IgnoredByRule", "the ignore list of an image leaves it out"},
                {"IgnoredBySync", "the ignore list of its sync leaves it out"},
                {"FallBackOn", "fallBackOn names it"},
                {"NoMatchingSync", "no sync covers it"},
                {"Sync", "a sync covers it"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (streq(rows[i].reason, verdict->reason))
                        return rows[i].text;
        return verdict->reason;
}

void lu_explain_text(const struct lu_rules *rules, const struct lu_question *question,
                     struct str *out)
{
        _cleanup_(explanation_done) struct explanation e = {};

        explain(rules, question, &e);
        str_append_printable(out, question->shown, strlen(question->shown));
        str_appendf(out, ": %s by ", lu_class_name(e.verdict.class_));
        str_append_printable(out, question->live_update, strlen(question->live_update));
        str_appendf(out, " (%s: %s)\n", e.verdict.reason, sentence(&e.verdict));
        if (e.destination)
                str_appendf(out, "  copy to %s\n", e.destination);
        for (size_t i = 0; i < e.runs.n_items; i++) {
                str_append(out, "  run     ");
                str_append_printable(out, e.runs.items[i], strlen(e.runs.items[i]));
                str_append_char(out, '\n');
        }
        if (e.restart)
                str_append(out, "  restart the container\n");
}
