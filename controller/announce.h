/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What `sluice run` tells on standard output: a line per update as it happens, or with
 * --log-format=json a record per event:
 *
 *   {"event":"watching","workspace","files","ms"}           the first scan is complete
 *   {"event":"listening","port"}                            --listen is served
 *   {"event":"condition","liveUpdate","namespace","ready","reason","message","targets"}
 *   {"event":"updated","liveUpdate","namespace","pod","container","revision","files","deleted",
 *    "bytes","ms","protocol"}                                one container has the revision
 *   {"event":"runFailed", …as updated, "message"}            its files, but a run exited other than
 * 0
 *   {"event":"failed","liveUpdate","namespace","pod","container","reason","message","retry"}
 *   {"event":"output","liveUpdate","namespace","pod","container","line"}
 *   {"event":"unmatched","liveUpdate","namespace","path"}    onUnmatched: Warn
 *
 * Names that are not UTF-8 are made printable. Nothing is said twice.
 */

#include "controller/live.h"
#include "liveupdate/plan.h"

void announce_watching(const struct app *app, uint64_t milliseconds);
void announce_listening(unsigned port);
void announce_start(struct live *live);
void announce_output(const struct live *live, const char *pod, const char *container,
                     const char *line);
void announce_update(struct live *live, const struct operation *o,
                     const struct lu_outcome *outcome);
/* The last update that was under way ended: the one line about all of them. */
void announce_batch_end(struct live *live);
void announce_plan(struct live *live, const struct lu_plan *plan);
