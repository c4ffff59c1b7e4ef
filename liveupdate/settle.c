/* SPDX-License-Identifier: Apache-2.0 */
#include "liveupdate/settle.h"

/*
 * A batch has a first and a last event, and four reasons to wait, looked at from the strongest to
 * the weakest: git is in the middle of something; a file of this batch is being written; events
 * come so fast that more will follow; the last event is too young. Each has a bound that begins
 * with the batch (or the lock), so a batch always goes out.
 *
 * Who waits for a close is counted per batch: a file that is still open when its batch goes out is
 * noted anew by whoever sees it written again.
 */

const struct lu_settle_params lu_settle_defaults = {
        .lone_quiet_ms = 100,
        .quiet_ms = 5,
        .storm_events = 10,
        .storm_quiet_ms = 10,
        .storm_max_ms = 100,
        .open_max_ms = 200,
        .git_max_ms = 5000,
};

static void note_event(struct lu_settle *s, uint64_t now)
{
        if (s->n_events == 0)
                s->first = now;
        s->last = now;
        s->n_events++;
}

void lu_settle_note(struct lu_settle *s, enum lu_settle_event event, uint64_t now)
{
        switch (event) {
        case LU_SETTLE_COMPLETE:
                note_event(s, now);
                break;
        case LU_SETTLE_OPEN:
                note_event(s, now);
                if (s->open_since == 0)
                        s->open_since = now;
                s->n_open++;
                break;
        case LU_SETTLE_CLOSED:
                if (s->n_open == 0)
                        break;
                s->n_open--;
                s->last = now;
                break;
        }
}

void lu_settle_git_lock(struct lu_settle *s, bool present, uint64_t now)
{
        if (!present)
                s->git_since = 0;
        else if (s->git_since == 0)
                s->git_since = now;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
        return a < b ? a : b;
}

/* When the events themselves allow the batch to go. */
static uint64_t quiet_at(const struct lu_settle *s, const struct lu_settle_params *params,
                         bool immediate)
{
        bool after_quiet =
                s->quiet_since == 0 || s->first - s->quiet_since >= params->lone_quiet_ms;
        bool storm = s->n_events >= params->storm_events;

        if (s->n_events == 1 && immediate && after_quiet)
                return s->last;
        return earlier(s->last + (storm ? params->storm_quiet_ms : params->quiet_ms),
                       s->first + params->storm_max_ms);
}

uint64_t lu_settle_until(const struct lu_settle *s, const struct lu_settle_params *params,
                         bool immediate, uint64_t now)
{
        uint64_t at;

        if (s->n_events == 0)
                return 0;
        if (s->git_since != 0 && now < s->git_since + params->git_max_ms)
                return s->git_since + params->git_max_ms;
        if (s->n_open > 0 && s->open_since >= s->first && now < s->open_since + params->open_max_ms)
                return s->open_since + params->open_max_ms;
        at = quiet_at(s, params, immediate);
        return at > now ? at : 0;
}

void lu_settle_flush(struct lu_settle *s)
{
        if (s->n_events == 0)
                return;
        s->quiet_since = s->last;
        s->first = s->last = s->open_since = 0;
        s->n_events = s->n_open = 0;
}
