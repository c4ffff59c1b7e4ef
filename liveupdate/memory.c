/* SPDX-License-Identifier: Apache-2.0 */
#include "liveupdate/memory.h"

#include "base/mem.h"
#include "base/str.h"

#define RETRY_FIRST_MS 200
#define RETRY_MAX_MS   30000

struct lu_memory *lu_memory_new(const char *pod_uid, const char *container,
                                const char *container_id)
{
        struct lu_memory *m = xcalloc(1, sizeof(*m));

        m->pod_uid = xstrdup(pod_uid);
        m->container = xstrdup(container);
        m->container_id = xstrdup(container_id);
        m->protocol = "";
        return m;
}

void lu_memory_free(struct lu_memory *m)
{
        if (!m)
                return;
        free(m->pod_uid);
        free(m->container);
        free(m->container_id);
        free(m->failure_message);
        free(m->run_message);
        free(m);
}

bool lu_memory_is(const struct lu_memory *m, const char *pod_uid, const char *container,
                  const char *container_id)
{
        return streq(m->pod_uid, pod_uid) && streq(m->container, container) &&
               streq(m->container_id, container_id);
}

void lu_memory_begin(struct lu_memory *m, uint64_t revision)
{
        m->updating = true;
        m->updating_revision = revision;
}

void lu_memory_cancel(struct lu_memory *m)
{
        m->updating = false;
}

static void replace(char **slot, const char *text)
{
        free(*slot);
        *slot = xstrdup(text);
}

static void note_applied(struct lu_memory *m, const struct lu_outcome *outcome, uint64_t now)
{
        m->has_revision = true;
        m->revision = m->updating_revision;
        m->owed = outcome->unfinished;
        m->n_failures = 0;
        replace(&m->failure_message, NULL);
        m->run_failed = outcome->run_failed;
        replace(&m->run_message, outcome->run_failed ? outcome->run_message : NULL);
        m->updated_at = now;
        m->milliseconds = outcome->milliseconds;
        m->files = outcome->files;
        m->deleted = outcome->deleted;
        m->bytes = outcome->bytes;
        m->protocol = outcome->protocol;
}

static void note_failed(struct lu_memory *m, const struct lu_outcome *outcome,
                        const struct lu_moment *now)
{
        uint64_t delay = RETRY_FIRST_MS;

        for (unsigned i = 0; i < m->n_failures && delay < RETRY_MAX_MS; i++)
                delay *= 2;
        if (delay > RETRY_MAX_MS)
                delay = RETRY_MAX_MS;
        delay += delay * now->jitter / 4096;
        m->n_failures++;
        m->retry_helps = outcome->retry_helps;
        m->retry_at = now->ms + delay;
        m->failed_revision = m->updating_revision;
        m->failure = outcome->reason;
        replace(&m->failure_message, outcome->message);
}

void lu_memory_end(struct lu_memory *m, const struct lu_outcome *outcome,
                   const struct lu_moment *now)
{
        m->updating = false;
        if (outcome->applied)
                note_applied(m, outcome, now->wall);
        else
                note_failed(m, outcome, now);
}
