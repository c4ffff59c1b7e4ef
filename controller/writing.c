/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/writing.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "base/mem.h"

/*
 * A file is noted as open once per batch, however often it is written to. When its batch goes out
 * before it is closed, its next write begins another wait in the next batch; but a file that stays
 * open longer than LOG_MS is a log, or something like it: nobody waits for its close any more.
 */

#define LOG_MS 2000

struct writing_file {
        UT_hash_handle hh;
        uint64_t since; /* noted as open for the first time */
        uint64_t batch; /* settle.first of the batch in which it was noted last */
        bool waits;     /* that batch waits for its close */
        char path[];
};

static struct writing_file *find(const struct writing *w, const char *path)
{
        struct writing_file *file;

        HASH_FIND_STR(w->files, path, file);
        return file;
}

static bool in_batch(const struct writing *w, const struct writing_file *file)
{
        return w->settle->n_events > 0 && file->batch == w->settle->first;
}

static void forget(struct writing *w, struct writing_file *file, uint64_t now)
{
        if (file->waits && in_batch(w, file))
                lu_settle_note(w->settle, LU_SETTLE_CLOSED, now);
        HASH_DEL(w->files, file);
        free(file);
}

static struct writing_file *add(struct writing *w, const char *path, uint64_t now)
{
        size_t size = strlen(path) + 1;
        struct writing_file *file = xcalloc(1, sizeof(*file) + size);

        memcpy(file->path, path, size);
        file->since = now;
        HASH_ADD_STR(w->files, path, file);
        return file;
}

void writing_opened(struct writing *w, const char *path, uint64_t now)
{
        struct writing_file *file = find(w, path);

        if (file && in_batch(w, file))
                return;
        if (!file)
                file = add(w, path, now);
        file->waits = now - file->since <= LOG_MS;
        lu_settle_note(w->settle, file->waits ? LU_SETTLE_OPEN : LU_SETTLE_COMPLETE, now);
        file->batch = w->settle->first;
}

void writing_closed(struct writing *w, const char *path, bool changed, uint64_t now)
{
        struct writing_file *file = find(w, path);
        bool noted = file && in_batch(w, file);

        if (file)
                forget(w, file, now);
        if (changed && !noted)
                lu_settle_note(w->settle, LU_SETTLE_COMPLETE, now);
}

void writing_touched(struct writing *w, const char *path, uint64_t now)
{
        const struct writing_file *file = find(w, path);

        if (!file || !in_batch(w, file))
                lu_settle_note(w->settle, LU_SETTLE_COMPLETE, now);
}

void writing_forget(struct writing *w, uint64_t now)
{
        struct writing_file *file, *next;

        HASH_ITER(hh, w->files, file, next)
                forget(w, file, now);
}
