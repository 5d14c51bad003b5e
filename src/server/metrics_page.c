/* SPDX-License-Identifier: Apache-2.0 */
#include "server/metrics_page.h"

#include <stdlib.h>
#include <string.h>

#include "flow/review.h"
#include "server/catalog_feed.h"
#include "server/events.h"
#include "server/relay_numbers.h"
#include "server/reply.h"
#include "server/timekeeper.h"
#include "store/interval.h"
#include "store/ledger.h"
#include "store/outbox.h"
#include "store/parked.h"
#include "store/payment.h"
#include "store/payout.h"
#include "sys/resident.h"

/* What only the books know. */
struct books {
    int64_t newest_journal, running;
    struct parked_waiting parked;
    struct payout_waiting payouts;
    struct instant backup; /* the epoch: never */
    bool has_due;          /* something is to be sent, */
    struct instant due;    /* and was, or will be, from then on */
};

static bool read_due(struct db *db, struct books *books, struct error *err)
{
    books->has_due = false;
    for (int lane = OUTBOX_PROMPT; lane <= OUTBOX_PAY; lane++) {
        struct instant due;
        bool has;

        if (!outbox_next(db, (enum outbox_lane)lane, &due, &has, err))
            return false;
        if (has && (!books->has_due || instant_compare(due, books->due) < 0))
            books->due = due;
        books->has_due = books->has_due || has;
    }
    return true;
}

static bool read_books(struct db *db, void *context, struct error *err)
{
    struct books *books = context;

    return ledger_newest(db, &books->newest_journal, err) &&
           interval_count_open(db, &books->running, err) &&
           parked_waiting(db, &books->parked, err) && payout_waiting(db, &books->payouts, err) &&
           setting_time(db, BACKUP_SETTING, &books->backup, err) && read_due(db, books, err);
}

static int64_t waited_us(int64_t count, struct instant since, struct instant now)
{
    return count == 0 ? 0 : instant_until(since, now);
}

static int64_t late_us(const struct books *books, struct instant now)
{
    int64_t late = books->has_due ? instant_until(books->due, now) : 0;

    return late > 0 ? late : 0;
}

enum { BOOKS_GAUGES = 8, STATE_GAUGES = 2, GAUGES_MAX = 64 };

static void list_books(const struct books *books, struct instant now,
                       struct metrics_gauge ret[static BOOKS_GAUGES])
{
    const struct metrics_gauge gauges[BOOKS_GAUGES] = {
        { "berth_ledger_newest_journal", "gauge", "Number of the newest journal in the books.",
          books->newest_journal, 0 },
        { "berth_instances_running", "gauge", "Instances that run, of the whole market.",
          books->running, 0 },
        { "berth_parked_ticks", "gauge",
          "Pieces of GPU time that were not charged and wait for an operator.", books->parked.count,
          0 },
        { "berth_parked_oldest_seconds", "gauge", "For how long the first of them has waited.",
          waited_us(books->parked.count, books->parked.since, now), 6 },
        { "berth_payouts_open", "gauge", "Payouts that are made and neither paid nor back.",
          books->payouts.count, 0 },
        { "berth_payouts_oldest_seconds", "gauge", "Since the cut that the oldest of them pays.",
          waited_us(books->payouts.count, books->payouts.since, now), 6 },
        { "berth_backup_time_seconds", "gauge",
          "When `berthd backup` last kept a copy, since 1970; 0: never.",
          books->backup.microseconds, 6 },
        { "berth_outbox_late_seconds", "gauge",
          "For how long the first mail, webhook or payment's call that is due has waited.",
          late_us(books, now), 6 },
    };

    memcpy(ret, gauges, sizeof gauges);
}

static void list_state(const struct app *app, bool has_books,
                       struct metrics_gauge ret[static STATE_GAUGES])
{
    const struct metrics_gauge gauges[STATE_GAUGES] = {
        { "berth_store_up", "gauge", "Whether the database answers.", has_books, 0 },
        { "berth_recovery_open", "gauge", "Whether the market is in recovery.",
          recovery_watch_is_open(&app->recovery), 0 },
    };

    memcpy(ret, gauges, sizeof gauges);
}

/* The caller frees them. */
static struct metrics_route *list_routes(void)
{
    struct metrics_route *routes = calloc(route_count + 1, sizeof *routes);

    if (routes == NULL)
        abort();
    for (size_t i = 0; i < route_count; i++)
        routes[i] = (struct metrics_route){ http_method_name(route_table[i].method),
                                            route_table[i].pattern };
    return routes;
}

/* Without books where the database does not answer: what is not known is left out, and no zero. */
static void write_all(struct app *app, const struct books *books, struct buf *out)
{
    struct hub_totals hub = hub_totals(app->hub);
    struct catalog_feed_totals catalog = catalog_feed_totals(app->catalog);
    struct store_totals store = store_totals(app->store);
    struct http_totals http = http_totals(app->http);
    struct instant now = clock_now(app->clock);
    int64_t up_us = instant_until(app->started, now);
    struct metrics_gauge all[GAUGES_MAX];
    const struct metrics_gauge gauges[] = {
        { "berth_uptime_seconds", "gauge", "Since the process started.", up_us, 6 },
        { "berth_start_seconds", "gauge", "From the process's start to the first answer.",
          app->start_us, 6 },
        { "process_resident_memory_bytes", "gauge", "Memory in use.", resident_bytes(), 0 },
        { "berth_agents_connected", "gauge", "Machines heard of within their lease.", hub.connected,
          0 },
        { "berth_agent_polls_parked", "gauge", "Polls that wait for a change.", hub.parked, 0 },
        { "berth_agent_wakes_total", "counter", "Polls woken by a change.", hub.wakes, 0 },
        { "berth_catalog_machines", "gauge", "Machines with offers.", (int64_t)catalog.machines,
          0 },
        { "berth_catalog_offers", "gauge", "Offers in the catalog.", (int64_t)catalog.offers, 0 },
        { "berth_catalog_builds_total", "counter", "Catalogs built.", (int64_t)catalog.builds, 0 },
        { "berth_event_listeners", "gauge", "Clients that listen for events.",
          events_count(app->events), 0 },
        { "berth_store_reads_total", "counter", "Snapshots read.", (int64_t)store.reads, 0 },
        { "berth_store_writes_total", "counter", "Transactions written.", (int64_t)store.writes,
          0 },
        { "berth_store_commits_total", "counter", "Durable commits; one takes many transactions.",
          (int64_t)store.commits, 0 },
        { "berth_store_retries_total", "counter", "Transactions run again after a conflict.",
          (int64_t)store.retries, 0 },
        { "berth_store_failures_total", "counter", "Transactions that failed.",
          (int64_t)store.failures, 0 },
        { "berth_store_statements_total", "counter", "Statements of the database.",
          (int64_t)store.statements, 0 },
        { "berth_store_slow_statements_total", "counter",
          "Of those, the ones that took longer than --slow-query-ms.",
          (int64_t)store.slow_statements, 0 },
        { "berth_store_queue_length", "gauge", "Transactions that wait for the writer.",
          (int64_t)store.queue_length, 0 },
        { "berth_http_connections", "gauge", "Connections open now.", (int64_t)http.open_now, 0 },
        { "berth_http_in_flight", "gauge", "Requests being answered.", (int64_t)http.in_flight_now,
          0 },
        { "berth_http_queued", "gauge", "Requests that wait for a worker.",
          (int64_t)http.queued_now, 0 },
        { "berth_http_connections_total", "counter", "Connections accepted.",
          (int64_t)http.connections, 0 },
        { "berth_clock_apart_seconds", "gauge",
          "By how much the wall clock is ahead of the time in the books.",
          timekeeper_apart_us(app->timekeeper), 6 },
        { "berth_http_cut_off_total", "counter", "Connections closed for being too slow.",
          (int64_t)http.cut_off, 0 },
    };
    auto_free struct metrics_route *routes = list_routes();

    _Static_assert(sizeof gauges / sizeof gauges[0] + RELAY_GAUGES + BOOKS_GAUGES + STATE_GAUGES <=
                       GAUGES_MAX,
                   "room for all");
    size_t count = sizeof gauges / sizeof gauges[0];
    memcpy(all, gauges, sizeof gauges);
    relay_numbers_list(app->relay, all + count);
    count += RELAY_GAUGES;
    list_state(app, books != NULL, all + count);
    count += STATE_GAUGES;
    if (books != NULL) {
        list_books(books, now, all + count);
        count += BOOKS_GAUGES;
    }
    const struct metrics_page page = { .routes = routes, .gauges = all, .gauge_count = count };
    metrics_write(app->metrics, &page, out);
}

void metrics_page_write(void *context, struct buf *out)
{
    struct app *app = context;
    struct books books = { 0 };
    struct error err;

    bool is_read = store_read(app->store, read_books, &books, &err);
    if (!is_read)
        log_failure(&app->log, "metrics", &err);
    write_all(app, is_read ? &books : NULL, out);
}
