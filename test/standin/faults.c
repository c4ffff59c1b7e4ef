/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/faults.h"

/*
 * The list is searched in the order in which faults were added. Other modules ask at the one place
 * where a kind can strike: the request's arrival, the start of a watch, the end of an exec.
 */

#include <errno.h>

#include "base/mem.h"
#include "base/str.h"
#include "test/standin/jx.h"

static const char *const kind_texts[FAULT_KINDS] = {
        [FAULT_STATUS] = "status",
        [FAULT_DELAY] = "delay",
        [FAULT_CUT_FROM_CLIENT] = "cut-from-client",
        [FAULT_CUT_TO_CLIENT] = "cut-to-client",
        [FAULT_STALL] = "stall",
        [FAULT_CLOSE] = "close",
        [FAULT_WATCH_SILENT] = "watch-silent",
        [FAULT_WATCH_EXPIRED] = "watch-expired",
        [FAULT_NO_STATUS] = "no-status",
};

void faults_init(struct faults *f)
{
        *f = (struct faults){.requests = json_object(), .violations = json_object()};
}

void faults_done(struct faults *f)
{
        faults_clear(f);
        json_decref(f->requests);
        json_decref(f->violations);
        *f = (struct faults){};
}

static void fault_free(struct fault *x)
{
        free(x->match);
        free(x->method);
        free(x);
}

int faults_add(struct faults *f, const json_t *o, struct err *err)
{
        const char *kind = jx_text(o, "kind");
        struct fault **end = &f->first;
        struct fault *x;
        unsigned k = 0;

        while (k < FAULT_KINDS && !streq(kind_texts[k], kind))
                k++;
        if (k == FAULT_KINDS)
                return err_set(err, -EINVAL, "kind: no such fault: %s", kind ? kind : "(none)");
        x = xcalloc(1, sizeof(*x));
        x->kind = (enum fault_kind)k;
        x->match = xstrdup(jx_text(o, "match") ? jx_text(o, "match") : "");
        x->method = xstrdup(jx_text(o, "method"));
        x->count = (uint64_t)jx_int(o, "count", 1);
        x->after_bytes = (uint64_t)jx_int(o, "after_bytes", 0);
        x->status = (int)jx_int(o, "status", 500);
        x->ms = (unsigned)jx_int(o, "ms", 0);
        x->seconds = (unsigned)jx_int(o, "seconds", 1);
        while (*end)
                end = &(*end)->next;
        *end = x;
        return 0;
}

void faults_clear(struct faults *f)
{
        while (f->first) {
                struct fault *x = f->first;

                f->first = x->next;
                fault_free(x);
        }
}

json_t *faults_list(const struct faults *f)
{
        json_t *list = json_array();

        for (const struct fault *x = f->first; x; x = x->next)
                json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:I, s:i, s:i}", "kind",
                                                      kind_texts[x->kind], "match", x->match,
                                                      "count", (json_int_t)x->count, "after_bytes",
                                                      (json_int_t)x->after_bytes, "status",
                                                      x->status, "ms", (int)x->ms));
        return list;
}

bool faults_strike(struct faults *f, enum fault_kind kind, const char *method, const char *target,
                   struct fault *ret_fault)
{
        for (struct fault **at = &f->first; *at; at = &(*at)->next) {
                struct fault *x = *at;

                if (x->kind != kind || !strstr(target, x->match))
                        continue;
                if (x->method && !streq(x->method, method))
                        continue;
                *ret_fault = *x;
                ret_fault->match = ret_fault->method = NULL;
                if (x->count > 0 && --x->count == 0) {
                        *at = x->next;
                        fault_free(x);
                }
                return true;
        }
        return false;
}

static void count(json_t *counters, const char *name)
{
        json_object_set_new(counters, name,
                            json_integer(json_integer_value(json_object_get(counters, name)) + 1));
}

/* Objects' names would make as many counters as objects: they become "*". */
void faults_count_request(struct faults *f, const char *method, const char *path)
{
        _cleanup_(str_done) struct str key = {};
        const char *p = path;
        unsigned n = 0, fixed = starts_with(path, "/apis/") ? 3 : 2;

        str_appendf(&key, "%s ", method);
        while (*p && *p != '?') {
                size_t len;

                p += *p == '/';
                len = strcspn(p, "/?");
                if (n == fixed && len == 10 && strncmp(p, "namespaces", 10) == 0 && p[10] == '/')
                        fixed += 2;
                if (n == fixed + 1 || (fixed > 3 && n + 1 == fixed))
                        str_append(&key, "/*");
                else
                        str_appendf(&key, "/%.*s", (int)len, p);
                n++;
                p += len;
        }
        count(f->requests, key.data);
}

void faults_count_violation(struct faults *f, const char *name)
{
        count(f->violations, name);
}
