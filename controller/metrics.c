/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/metrics.h"

#include <inttypes.h>

#include "base/macro.h"

static const double bounds[METRICS_N_BUCKETS] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                 0.1,   0.25,   0.5,   1,    5,     30};

void metrics_observe(struct metrics_histogram *h, double seconds)
{
        size_t i = 0;

        while (i < METRICS_N_BUCKETS && seconds > bounds[i])
                i++;
        h->buckets[i]++;
        h->count++;
        h->sum += seconds;
}

static void head(struct str *out, const char *name, const char *type, const char *help)
{
        str_appendf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void counter(struct str *out, const char *name, const char *help, uint64_t value)
{
        head(out, name, "counter", help);
        str_appendf(out, "%s %" PRIu64 "\n", name, value);
}

static void gauge(struct str *out, const char *name, const char *help, uint64_t value)
{
        head(out, name, "gauge", help);
        str_appendf(out, "%s %" PRIu64 "\n", name, value);
}

static void histogram(struct str *out, const char *name, const char *labels,
                      const struct metrics_histogram *h)
{
        uint64_t sum = 0;

        for (size_t i = 0; i < METRICS_N_BUCKETS; i++) {
                sum += h->buckets[i];
                str_appendf(out, "%s_bucket{%s,le=\"%g\"} %" PRIu64 "\n", name, labels, bounds[i],
                            sum);
        }
        str_appendf(out, "%s_bucket{%s,le=\"+Inf\"} %" PRIu64 "\n", name, labels, h->count);
        str_appendf(out, "%s_sum{%s} %g\n%s_count{%s} %" PRIu64 "\n", name, labels, h->sum, name,
                    labels, h->count);
}

static void labelled(struct str *out, const char *name, const char *labels, uint64_t value)
{
        str_appendf(out, "%s{%s} %" PRIu64 "\n", name, labels, value);
}

static void format_updates(const struct metrics *m, struct str *out)
{
        head(out, "sluice_updates_total", "counter", "Updates of containers by how they ended.");
        labelled(out, "sluice_updates_total", "result=\"applied\",transport=\"tar\"",
                 m->updates_applied);
        labelled(out, "sluice_updates_total", "result=\"run_failed\",transport=\"tar\"",
                 m->updates_unfinished_runs);
        labelled(out, "sluice_updates_total", "result=\"failed\",transport=\"tar\"",
                 m->updates_failed);
        counter(out, "sluice_sent_bytes_total", "Bytes sent into containers.", m->sent_bytes);
        head(out, "sluice_update_duration_seconds", "histogram",
             "Time from the start of an update of one container to its end.");
        histogram(out, "sluice_update_duration_seconds", "phase=\"total\"", &m->update_time);
        head(out, "sluice_rebuilds_total", "counter", "Changes that asked for another image.");
        labelled(out, "sluice_rebuilds_total", "reason=\"FallBackOn\"", m->rebuilds_fall_back_on);
        labelled(out, "sluice_rebuilds_total", "reason=\"NoMatchingSync\"",
                 m->rebuilds_no_matching_sync);
}

void metrics_format(const struct metrics *m, const struct metrics_gauges *gauges, struct str *out)
{
        head(out, "controller_runtime_reconcile_total", "counter", "Reconciles by result.");
        labelled(out, "controller_runtime_reconcile_total",
                 "controller=\"liveupdate\",result=\"success\"", m->reconciles);
        head(out, "controller_runtime_reconcile_time_seconds", "histogram", "Time of a reconcile.");
        histogram(out, "controller_runtime_reconcile_time_seconds", "controller=\"liveupdate\"",
                  &m->reconcile_time);
        head(out, "workqueue_depth", "gauge", "Keys that wait to be reconciled.");
        labelled(out, "workqueue_depth", "name=\"liveupdate\",controller=\"liveupdate\"",
                 gauges->queue_depth);
        head(out, "workqueue_adds_total", "counter", "Keys marked dirty.");
        labelled(out, "workqueue_adds_total", "name=\"liveupdate\",controller=\"liveupdate\"",
                 m->queue_adds);
        format_updates(m, out);
        gauge(out, "sluice_watched_files", "Files in the index of the workspace.",
              gauges->watched_files);
        gauge(out, "sluice_live_updates", "LiveUpdates under control.", gauges->live_updates);
        counter(out, "sluice_api_requests_total", "Requests to the API server.", gauges->requests);
        counter(out, "sluice_api_requests_failed_total", "Of them, refused or without answer.",
                gauges->requests_failed);
        counter(out, "sluice_execs_total", "Exec streams opened.", gauges->execs);
}
