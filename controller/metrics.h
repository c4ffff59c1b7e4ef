/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Counters and histograms, and their Prometheus text form (version 0.0.4). Names that dashboards
 * know are controller-runtime's and the work queue's; ours begin with sluice_. No pod names: label
 * values come from small fixed sets.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define METRICS_N_BUCKETS 12

/* Seconds; the last bucket is +Inf. */
struct metrics_histogram {
        uint64_t buckets[METRICS_N_BUCKETS + 1]; /* not cumulative */
        uint64_t count;
        double sum;
};

void metrics_observe(struct metrics_histogram *h, double seconds);

struct metrics {
        uint64_t reconciles;
        uint64_t queue_adds;
        uint64_t updates_applied, updates_failed, updates_unfinished_runs;
        uint64_t sent_bytes;
        uint64_t rebuilds_fall_back_on, rebuilds_no_matching_sync;
        struct metrics_histogram reconcile_time;
        struct metrics_histogram update_time;
};

/* Values that are read off when asked. */
struct metrics_gauges {
        size_t watched_files, live_updates, queue_depth;
        uint64_t requests, requests_failed, execs;
};

void metrics_format(const struct metrics *m, const struct metrics_gauges *gauges, struct str *out);
