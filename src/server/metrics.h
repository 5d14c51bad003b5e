/* SPDX-License-Identifier: Apache-2.0 */
/* What the process has done, counted without locks, and written for Prometheus.
 *
 * Counters only grow and begin at zero with the process. Gauges, which others know, are given
 * when the page is written. Label values come from tables of ours, never from a request, so the
 * number of lines is fixed. */

#ifndef BERTH_SERVER_METRICS_H
#define BERTH_SERVER_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* name, label pair or "", help. Counters of one name stand together. */
#define METRICS_COUNTERS(X)                                                                        \
    X(HEARTBEATS_ACCEPTED, "berth_heartbeats_total", "{outcome=\"accepted\"}",                     \
      "Heartbeats of agents, by what came of them.")                                               \
    X(HEARTBEATS_REPEATED, "berth_heartbeats_total", "{outcome=\"repeated\"}", "")                 \
    X(HEARTBEATS_STALE, "berth_heartbeats_total", "{outcome=\"stale\"}", "")                       \
    X(HEARTBEATS_FAILED, "berth_heartbeats_total", "{outcome=\"failed\"}", "")                     \
    X(AGENT_REFUSALS, "berth_agent_refusals_total", "",                                            \
      "Requests of agents with a bad signature, sequence number or epoch.")                        \
    X(AGENT_SESSIONS, "berth_agent_sessions_total", "", "Sessions opened by agents.")              \
    X(AGENT_KEYS, "berth_agent_keys_turned_total", "",                                             \
      "Machines that changed the key they sign with.")                                             \
    X(POLLS_ANSWERED, "berth_agent_polls_total", "{outcome=\"changed\"}",                          \
      "Held polls of agents, by whether there was something new.")                                 \
    X(POLLS_EMPTY, "berth_agent_polls_total", "{outcome=\"unchanged\"}", "")                       \
    X(REQUESTS_SLOW, "berth_slow_requests_total", "",                                              \
      "Requests that took longer than --slow-request-ms.")                                         \
    X(SEARCHES, "berth_searches_total", "", "Searches for offers.")                                \
    X(SEARCHES_KEPT, "berth_searches_kept_total", "",                                              \
      "Searches for offers that were answered with a reply that was kept.")                        \
    X(JOBS_RUN, "berth_jobs_total", "{outcome=\"done\"}", "Timers that came due.")                 \
    X(JOBS_FAILED, "berth_jobs_total", "{outcome=\"failed\"}", "")                                 \
    X(JOBS_SLOW, "berth_slow_jobs_total", "",                                                      \
      "Batches of timers that took longer than --slow-job-ms.")                                    \
    X(DELIVERIES, "berth_deliveries_total", "{outcome=\"done\"}",                                  \
      "Outbox rows, by what came of the attempt.")                                                 \
    X(DELIVERIES_FAILED, "berth_deliveries_total", "{outcome=\"failed\"}", "")                     \
    X(EVENTS_SENT, "berth_events_total", "", "Server-sent events written to listeners.")

enum metrics_counter {
#define X(name, metric, labels, help) METRICS_##name,
    METRICS_COUNTERS(X)
#undef X
        METRICS_COUNT
};

struct metrics;

struct metrics *metrics_open(size_t route_count);
void metrics_close(struct metrics **metrics);

void metrics_add(struct metrics *metrics, enum metrics_counter counter, uint64_t count);

/* A request of route number `route` was answered. A route from `route_count` up is one that no
 * table knows. */
void metrics_request(struct metrics *metrics, size_t route, int status, int64_t duration_us);

struct metrics_route {
    const char *method, *path; /* of the table; the path with its placeholders */
};

struct metrics_gauge {
    const char *name, *type, *help; /* type: "gauge" or "counter" */
    int64_t value;
    int decimals; /* `value` is in units of 10^-decimals */
};

struct metrics_page {
    const struct metrics_route *routes; /* `route_count` of them */
    const struct metrics_gauge *gauges;
    size_t gauge_count;
};
/* Gauges alone, for who counts nothing. */
void metrics_write_gauges(const struct metrics_gauge *gauges, size_t count, struct buf *out);
void metrics_write(const struct metrics *metrics, const struct metrics_page *page, struct buf *out);

#endif
