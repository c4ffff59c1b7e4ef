/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of faults is bounded: a file that is wrong in every line would otherwise cost more memory
 * than the file. What is left out is still counted, and the last entry says that there is more.
 */
#include "liveupdate/manifest.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"

#define FAULTS_MAX 200

void lu_faults_done(struct lu_faults *faults)
{
        for (size_t i = 0; i < faults->n_items; i++) {
                free(faults->items[i].file);
                free(faults->items[i].path);
                free(faults->items[i].message);
        }
        free(faults->items);
        *faults = (struct lu_faults){};
}

static void push(struct lu_faults *faults, enum lu_severity severity, const char *path,
                 char *message)
{
        faults->items = xreallocarray(faults->items, faults->n_items + 1, sizeof(*faults->items));
        faults->items[faults->n_items++] = (struct lu_fault){
                .severity = severity,
                .path = xstrdup(path),
                .message = message,
        };
}

void lu_faults_add(struct lu_faults *faults, enum lu_severity severity, const char *path,
                   const char *format, ...)
{
        va_list args;
        char *message;

        if (severity == LU_SEVERITY_ERROR)
                faults->n_errors++;
        if (faults->n_items > FAULTS_MAX)
                return;
        if (faults->n_items == FAULTS_MAX) {
                push(faults, LU_SEVERITY_ERROR, "", xstrdup("further faults are not shown"));
                return;
        }
        va_start(args, format);
        if (vasprintf(&message, format, args) < 0)
                out_of_memory();
        va_end(args);
        push(faults, severity, path, message);
}
