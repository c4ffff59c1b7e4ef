/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/exec_set.h"

/*
 * One list, oldest first, is queue, timetable and outbox at once: it rarely holds more than a few
 * hundred entries, so walking it costs less than keeping three structures equal.
 *
 * Whoever is called back may end, remove and add entries or stop the client, so nothing is held
 * across a call but the set, which lives until the loop has run empty.
 */

#include <assert.h>

#include <utlist.h>

#include "base/limits.h"
#include "base/macro.h"
#include "base/mem.h"
#include "base/str.h"

struct kube_exec_set {
        struct kube_client *client;
        struct kube_exec_entry *list;
        uv_timer_t timer;      /* for the earliest `due` */
        uv_idle_t after_round; /* runs while there is something to tell or to start */
        bool stopped;
};

static void leave(struct kube_exec_entry *e)
{
        kube_client_detach(e->set->client, &e->op);
        DL_DELETE(e->set->list, e);
}

static void stop_op(struct kube_op *op)
{
        struct kube_exec_entry *e = container_of(op, struct kube_exec_entry, op);

        leave(e);
        e->ops->discard(e);
}

/* ------------------------------------------------------------------ deadlines */

static void on_timer(uv_timer_t *timer);

static void arm(struct kube_exec_set *set)
{
        uint64_t now = kube_client_now(set->client);
        uint64_t first = UINT64_MAX;
        struct kube_exec_entry *e;

        if (set->stopped)
                return;
        DL_FOREACH(set->list, e)
        {
                if (!e->ended && e->due < first)
                        first = e->due;
        }
        if (first == UINT64_MAX)
                uv_timer_stop(&set->timer);
        else
                uv_timer_start(&set->timer, on_timer, first > now ? first - now : 0, 0);
}

static void on_timer(uv_timer_t *timer)
{
        struct kube_exec_set *set = container_of(timer, struct kube_exec_set, timer);
        uint64_t now = kube_client_now(set->client);
        struct kube_exec_entry *e;

        /* An end is only noted, so the list stays as it is. */
        DL_FOREACH(set->list, e)
        {
                if (!e->ended && e->due <= now)
                        e->ops->on_due(e);
        }
        arm(set);
}

void kube_exec_set_due(struct kube_exec_entry *e, uint64_t due)
{
        e->due = due;
        arm(e->set);
}

/* ------------------------------------------------------------------ places and ends */

static bool place_free(const struct kube_exec_entry *e)
{
        unsigned n_running = 0;
        bool older = true;
        struct kube_exec_entry *other;

        DL_FOREACH(e->set->list, other)
        {
                if (other == e)
                        older = false;
                else if (other->ended || !streq(other->target, e->target))
                        continue;
                else if (other->running)
                        n_running++;
                else if (older)
                        return false; /* it came first */
        }
        return n_running < LIMIT_EXECS_PER_CONTAINER;
}

static void start_if_free(struct kube_exec_entry *e)
{
        if (e->running || e->ended || !place_free(e))
                return;
        e->running = true;
        e->ops->start(e);
}

static struct kube_exec_entry *first_ended(struct kube_exec_set *set)
{
        struct kube_exec_entry *e;

        DL_FOREACH(set->list, e)
        {
                if (e->ended)
                        return e;
        }
        return NULL;
}

static void after_round(uv_idle_t *idle)
{
        struct kube_exec_set *set = container_of(idle, struct kube_exec_set, after_round);
        unsigned n_ended = 0;
        struct kube_exec_entry *e;

        uv_idle_stop(idle);
        DL_FOREACH(set->list, e)
        {
                start_if_free(e);
                n_ended += e->ended;
        }
        /* What ends meanwhile waits for the next round, which it has asked for. */
        for (; n_ended > 0 && !set->stopped && (e = first_ended(set)); n_ended--) {
                leave(e);
                e->ops->deliver(e);
        }
}

static void wake(struct kube_exec_set *set)
{
        if (!set->stopped)
                uv_idle_start(&set->after_round, after_round);
}

void kube_exec_set_end(struct kube_exec_entry *e)
{
        assert(!e->ended);
        e->ended = true;
        arm(e->set);
        wake(e->set);
}

void kube_exec_set_remove(struct kube_exec_entry *e)
{
        leave(e);
        arm(e->set);
        wake(e->set);
}

/* ------------------------------------------------------------------ the set */

bool kube_exec_set_add(struct kube_exec_entry *e)
{
        e->op.stop = stop_op;
        e->due = UINT64_MAX;
        if (!kube_client_attach(e->set->client, &e->op))
                return false;
        DL_APPEND(e->set->list, e);
        start_if_free(e);
        return true;
}

struct kube_exec_entry *kube_exec_set_find(struct kube_client *c, uint64_t id)
{
        struct kube_op *op = id ? kube_client_find(c, id, stop_op) : NULL;

        return op ? container_of(op, struct kube_exec_entry, op) : NULL;
}

struct kube_exec_set *kube_exec_set_new(struct kube_client *c)
{
        struct kube_exec_set *set = xcalloc(1, sizeof(*set));

        set->client = c;
        uv_timer_init(kube_client_loop(c), &set->timer);
        uv_idle_init(kube_client_loop(c), &set->after_round);
        return set;
}

void kube_exec_set_stop(struct kube_exec_set *set)
{
        if (set->stopped)
                return;
        set->stopped = true;
        while (set->list)
                stop_op(&set->list->op);
        uv_close((uv_handle_t *)&set->timer, NULL);
        uv_close((uv_handle_t *)&set->after_round, NULL);
}

void kube_exec_set_free(struct kube_exec_set *set)
{
        if (!set)
                return;
        assert(set->stopped && !set->list);
        free(set);
}
