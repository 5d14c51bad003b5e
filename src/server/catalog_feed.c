/* SPDX-License-Identifier: Apache-2.0 */
#include "server/catalog_feed.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/idmap.h"
#include "flow/offers.h"
#include "server/stock.h"
#include "sys/thread.h"

enum {
    MACHINE_ARENA_MAX = 1 << 20, /* a machine's offers, with their texts */
    PAGE_SIZE_MAX = 256,         /* machines read at a time */
    RETRY_SECONDS = 1,
    REFRESH_SECONDS = 3600, /* reliability grows while nothing happens: all is read again */
    BATCH_MAX = 32,         /* machines put at a time: a search sees those before it */
};

struct catalog_feed {
    const struct flow *flow;
    pthread_t thread;
    struct catalog_pair *pair;

    /* The thread's own. */
    struct stock **stocks; /* owned, each too: of machines with offers, in no order */
    size_t stock_count, stock_capacity;
    uint64_t edition;        /* of the last one */
    struct idmap positions;  /* in that, by machine */
    struct timespec refresh; /* when all is read again at the latest */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t touched;
    int64_t queue[CATALOG_QUEUE_MAX];
    size_t queue_length;
    bool is_all_touched, is_stopping, has_stopped;
    struct catalog_feed_totals totals;
};

static void *must(void *memory)
{
    if (memory == NULL)
        abort(); /* As base/buf.h says. */
    return memory;
}

/* Puts a stock in the place of the machine's last one, which is returned: NULL, if there is none.
 * One without offers takes no place. */
static struct stock *keep_stock(struct catalog_feed *feed, struct stock *stock)
{
    int64_t machine_id = stock->offers.machine_id;
    uint32_t position = idmap_find(&feed->positions, machine_id);
    struct stock *last = position != IDMAP_NONE ? feed->stocks[position] : NULL;

    if (stock->offers.count > 0 && last == NULL) {
        if (feed->stock_count == feed->stock_capacity) {
            feed->stock_capacity = feed->stock_capacity > 0 ? 2 * feed->stock_capacity : 64;
            feed->stocks =
                must(realloc(feed->stocks, feed->stock_capacity * sizeof feed->stocks[0]));
        }
        position = (uint32_t)feed->stock_count++;
        idmap_put(&feed->positions, machine_id, position);
    }
    if (stock->offers.count > 0) {
        feed->stocks[position] = stock;
    } else if (last != NULL) {
        struct stock *moved = feed->stocks[--feed->stock_count];

        feed->stocks[position] = moved;
        idmap_put(&feed->positions, moved->offers.machine_id, position);
        idmap_remove(&feed->positions, machine_id);
    }
    return last;
}

/* What the store says that the machine offers now. */
static bool load(struct catalog_feed *feed, int64_t machine_id, struct stock **ret,
                 struct error *err)
{
    auto_arena struct arena arena = arena_of(MACHINE_ARENA_MAX);
    struct offer *offers;
    size_t count;

    if (!flow_offers_of_machine(feed->flow, machine_id, &arena, &offers, &count, err))
        return error_context(err, "offers of machine %lld", (long long)machine_id);
    *ret = stock_of(machine_id, offers, count, ++feed->edition);
    return true;
}

static void forget_all(struct catalog_feed *feed)
{
    while (feed->stock_count > 0)
        stock_release(&feed->stocks[--feed->stock_count]);
    idmap_release(&feed->positions);
}

static void count_totals(struct catalog_feed *feed, uint64_t builds, uint64_t reloads)
{
    struct catalog_side *side = catalog_pair_take(feed->pair);
    size_t offers = catalog_offer_count(catalog_side_catalog(side));

    catalog_side_give_back(&side);
    (void)pthread_mutex_lock(&feed->lock);
    feed->totals.machines = feed->stock_count;
    feed->totals.offers = offers;
    feed->totals.builds += builds;
    feed->totals.reloads += reloads;
    (void)pthread_mutex_unlock(&feed->lock);
}

/* Machines one after the other into stocks that nobody reads yet. */
static bool load_all(struct catalog_feed *feed, struct error *err)
{
    int64_t ids[PAGE_SIZE_MAX], after = 0;
    size_t count;

    do {
        if (!flow_offers_machines(feed->flow, after, ids, PAGE_SIZE_MAX, &count, err))
            return error_context(err, "list machines");
        for (size_t i = 0; i < count; i++) {
            struct stock *stock;

            if (!load(feed, ids[i], &stock, err))
                return false;
            struct stock *last = keep_stock(feed, stock);
            assert(last == NULL); /* Each machine is listed once. */
            if (stock->offers.count == 0)
                stock_release(&stock);
            after = ids[i];
        }
    } while (count == PAGE_SIZE_MAX);
    return true;
}

/* Everything anew. What was there stays until the new is complete. */
static bool reload_all(struct catalog_feed *feed, struct error *err)
{
    struct catalog_feed fresh = { .flow = feed->flow, .edition = feed->edition };

    bool is_loaded = load_all(&fresh, err);
    feed->edition = fresh.edition;
    if (!is_loaded) {
        forget_all(&fresh);
        free(fresh.stocks);
        return false;
    }
    auto_free struct catalog_stock *all = must(calloc(fresh.stock_count + 1, sizeof *all));
    for (size_t i = 0; i < fresh.stock_count; i++)
        all[i] = fresh.stocks[i]->offers;
    if (feed->pair == NULL)
        feed->pair = catalog_pair_of(all, fresh.stock_count);
    else
        catalog_pair_replace(feed->pair, all, fresh.stock_count);
    forget_all(feed);
    free(feed->stocks);
    feed->stocks = fresh.stocks;
    feed->stock_count = fresh.stock_count;
    feed->stock_capacity = fresh.stock_capacity;
    feed->positions = fresh.positions;
    count_totals(feed, 1, feed->stock_count);
    return true;
}

static bool is_among(const int64_t *ids, size_t count, int64_t id)
{
    for (size_t i = 0; i < count; i++) {
        if (ids[i] == id)
            return true;
    }
    return false;
}

/* The machines' offers take the place of what they had. */
static bool reload(struct catalog_feed *feed, const int64_t *ids, size_t count, struct error *err)
{
    struct stock *stocks[BATCH_MAX], *last[BATCH_MAX];
    struct catalog_stock offers[BATCH_MAX];
    size_t loaded = 0;
    bool is_ok = true;

    assert(count <= BATCH_MAX);
    for (size_t i = 0; i < count && is_ok; i++) {
        if (is_among(ids, i, ids[i]))
            continue;
        is_ok = load(feed, ids[i], &stocks[loaded], err);
        loaded += is_ok ? 1 : 0;
    }
    /* What was loaded counts, also where the next could not be. */
    for (size_t i = 0; i < loaded; i++) {
        offers[i] = stocks[i]->offers;
        last[i] = keep_stock(feed, stocks[i]);
    }
    catalog_pair_put(feed->pair, offers, loaded);
    for (size_t i = 0; i < loaded; i++) {
        stock_release(&last[i]);
        if (stocks[i]->offers.count == 0)
            stock_release(&stocks[i]);
    }
    count_totals(feed, 0, loaded);
    return is_ok;
}

static struct timespec in_seconds(int seconds)
{
    struct timespec then;

    (void)clock_gettime(CLOCK_REALTIME, &then);
    then.tv_sec += seconds;
    return then;
}

static bool is_past(const struct timespec *then)
{
    return in_seconds(0).tv_sec >= then->tv_sec;
}

/* What was touched since it was last asked. Waits for it; false: the feed is stopping. */
static bool wait_for_changes(struct catalog_feed *feed, int64_t *ids, size_t *ret_count,
                             bool *ret_is_all)
{
    (void)pthread_mutex_lock(&feed->lock);
    while (!feed->is_stopping && feed->queue_length == 0 && !feed->is_all_touched &&
           !is_past(&feed->refresh))
        (void)pthread_cond_timedwait(&feed->touched, &feed->lock, &feed->refresh);
    if (is_past(&feed->refresh))
        feed->is_all_touched = true;
    bool goes_on = !feed->is_stopping;
    memcpy(ids, feed->queue, feed->queue_length * sizeof ids[0]);
    *ret_count = feed->queue_length;
    *ret_is_all = feed->is_all_touched;
    feed->queue_length = 0;
    feed->is_all_touched = false;
    (void)pthread_mutex_unlock(&feed->lock);
    return goes_on;
}

/* Sleep, but not through the end. */
static void wait_to_retry(struct catalog_feed *feed)
{
    const struct timespec until = in_seconds(RETRY_SECONDS);

    (void)pthread_mutex_lock(&feed->lock);
    while (!feed->is_stopping &&
           pthread_cond_timedwait(&feed->touched, &feed->lock, &until) != ETIMEDOUT)
        continue;
    feed->is_all_touched = true;
    (void)pthread_mutex_unlock(&feed->lock);
}

static bool follow(struct catalog_feed *feed, const int64_t *ids, size_t count, bool is_all,
                   struct error *err)
{
    if (is_all) {
        feed->refresh = in_seconds(REFRESH_SECONDS);
        return reload_all(feed, err);
    }
    for (size_t i = 0; i < count; i += BATCH_MAX) {
        if (!reload(feed, ids + i, count - i < BATCH_MAX ? count - i : BATCH_MAX, err))
            return false;
    }
    return true;
}

static void *run(void *context)
{
    struct catalog_feed *feed = context;
    int64_t ids[CATALOG_QUEUE_MAX];
    size_t count;
    bool is_all;
    struct error err;

    feed->refresh = in_seconds(REFRESH_SECONDS);
    while (wait_for_changes(feed, ids, &count, &is_all)) {
        if (!follow(feed, ids, count, is_all, &err)) {
            log_failure(feed->flow->log, "catalog not updated", &err);
            wait_to_retry(feed);
        }
    }
    return NULL;
}

bool catalog_feed_open(const struct flow *flow, struct catalog_feed **ret_feed, struct error *err)
{
    struct catalog_feed *feed = must(calloc(1, sizeof *feed));

    feed->flow = flow;
    (void)pthread_mutex_init(&feed->lock, NULL);
    (void)pthread_cond_init(&feed->touched, NULL);
    feed->has_stopped = true; /* until its thread runs */
    if (!reload_all(feed, err)) {
        catalog_feed_close(&feed);
        return error_context(err, "load the catalog");
    }
    if (!thread_start(&feed->thread, run, feed, err)) {
        catalog_feed_close(&feed);
        return error_context(err, "start the catalog");
    }
    feed->has_stopped = false;
    *ret_feed = feed;
    return true;
}

void catalog_feed_stop(struct catalog_feed *feed)
{
    if (feed->has_stopped)
        return;
    (void)pthread_mutex_lock(&feed->lock);
    feed->is_stopping = true;
    (void)pthread_cond_signal(&feed->touched);
    (void)pthread_mutex_unlock(&feed->lock);
    (void)pthread_join(feed->thread, NULL);
    feed->has_stopped = true;
}

void catalog_feed_close(struct catalog_feed **feed_owner)
{
    struct catalog_feed *feed = *feed_owner;

    if (feed == NULL)
        return;
    catalog_feed_stop(feed);
    catalog_pair_release(&feed->pair);
    forget_all(feed);
    free(feed->stocks);
    (void)pthread_cond_destroy(&feed->touched);
    (void)pthread_mutex_destroy(&feed->lock);
    free(feed);
    *feed_owner = NULL;
}

void catalog_feed_touch(struct catalog_feed *feed, int64_t machine_id)
{
    (void)pthread_mutex_lock(&feed->lock);
    bool is_queued = false;
    for (size_t i = feed->queue_length; i > 0 && feed->queue_length - i < 8 && !is_queued; i--)
        is_queued = feed->queue[i - 1] == machine_id;
    if (machine_id == STORE_ID_ANY || (!is_queued && feed->queue_length == CATALOG_QUEUE_MAX))
        feed->is_all_touched = true;
    else if (!is_queued)
        feed->queue[feed->queue_length++] = machine_id;
    (void)pthread_cond_signal(&feed->touched);
    (void)pthread_mutex_unlock(&feed->lock);
}

struct catalog_side *catalog_feed_take(struct catalog_feed *feed)
{
    return catalog_pair_take(feed->pair);
}

struct catalog_feed_totals catalog_feed_totals(struct catalog_feed *feed)
{
    (void)pthread_mutex_lock(&feed->lock);
    struct catalog_feed_totals totals = feed->totals;
    (void)pthread_mutex_unlock(&feed->lock);
    return totals;
}
