/* SPDX-License-Identifier: Apache-2.0 */
#include "server/catalog_feed.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "flow/offers.h"
#include "sys/thread.h"

enum {
    MACHINE_ARENA_MAX = 1 << 20, /* a machine's offers, with their texts */
    PAGE_SIZE_MAX = 256,         /* machines read at a time */
    RETRY_SECONDS = 1,
};

struct catalog_loan {
    struct catalog *catalog;    /* owned */
    atomic_size_t holder_count; /* the feed itself, and every search under way */
};

/* A machine with offers; the array of them is sorted by id. */
struct listed {
    int64_t machine_id;
    struct arena arena; /* owns the offers and all they point to */
    struct offer *offers;
    size_t offer_count;
};

struct catalog_feed {
    const struct flow *flow;
    pthread_t thread;

    /* The thread's own. */
    struct listed *machines;
    size_t machine_count, machine_capacity;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t touched;
    int64_t queue[CATALOG_QUEUE_MAX];
    size_t queue_length;
    bool is_all_touched, is_stopping, has_stopped;
    struct catalog_loan *present;
    struct catalog_feed_totals totals;
};

static void *must(void *memory)
{
    if (memory == NULL)
        abort(); /* As base/buf.h says. */
    return memory;
}

/* Where the machine stands in the array, or would. */
static size_t position_of(const struct catalog_feed *feed, int64_t machine_id)
{
    size_t low = 0, high = feed->machine_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (feed->machines[middle].machine_id < machine_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct catalog_feed *feed, size_t position, int64_t machine_id)
{
    return position < feed->machine_count && feed->machines[position].machine_id == machine_id;
}

static void remove_at(struct catalog_feed *feed, size_t position)
{
    arena_release(&feed->machines[position].arena);
    feed->machine_count--;
    memmove(&feed->machines[position], &feed->machines[position + 1],
            (feed->machine_count - position) * sizeof feed->machines[0]);
}

static void insert_at(struct catalog_feed *feed, size_t position, const struct listed *listed)
{
    if (feed->machine_count == feed->machine_capacity) {
        feed->machine_capacity = feed->machine_capacity > 0 ? 2 * feed->machine_capacity : 64;
        feed->machines =
            must(realloc(feed->machines, feed->machine_capacity * sizeof feed->machines[0]));
    }
    memmove(&feed->machines[position + 1], &feed->machines[position],
            (feed->machine_count - position) * sizeof feed->machines[0]);
    feed->machines[position] = *listed;
    feed->machine_count++;
}

/* What is known of the machine becomes what the store says now. */
static bool reload(struct catalog_feed *feed, int64_t machine_id, struct error *err)
{
    struct listed listed = { .machine_id = machine_id, .arena = arena_of(MACHINE_ARENA_MAX) };
    size_t position = position_of(feed, machine_id);

    if (!flow_offers_of_machine(feed->flow, machine_id, &listed.arena, &listed.offers,
                                &listed.offer_count, err)) {
        arena_release(&listed.arena);
        return error_context(err, "offers of machine %lld", (long long)machine_id);
    }
    if (is_at(feed, position, machine_id))
        remove_at(feed, position);
    if (listed.offer_count > 0)
        insert_at(feed, position, &listed);
    else
        arena_release(&listed.arena);
    return true;
}

static bool reload_all(struct catalog_feed *feed, struct error *err)
{
    int64_t ids[PAGE_SIZE_MAX], after = 0;
    size_t count;

    while (feed->machine_count > 0)
        remove_at(feed, feed->machine_count - 1);
    do {
        if (!flow_offers_machines(feed->flow, after, ids, PAGE_SIZE_MAX, &count, err))
            return error_context(err, "list machines");
        for (size_t i = 0; i < count; i++) {
            if (!reload(feed, ids[i], err))
                return false;
            after = ids[i];
        }
    } while (count == PAGE_SIZE_MAX);
    return true;
}

/* All machines and offers in two arrays: an offer's machine is one of them. */
static struct catalog_loan *build(const struct catalog_feed *feed,
                                  struct catalog_feed_totals *totals)
{
    size_t offer_count = 0, next = 0;

    for (size_t i = 0; i < feed->machine_count; i++)
        offer_count += feed->machines[i].offer_count;
    auto_free struct machine *machines = must(calloc(feed->machine_count + 1, sizeof *machines));
    auto_free struct offer *offers = must(calloc(offer_count + 1, sizeof *offers));
    for (size_t i = 0; i < feed->machine_count; i++) {
        const struct listed *listed = &feed->machines[i];
        machines[i] = *listed->offers[0].machine;
        for (size_t k = 0; k < listed->offer_count; k++) {
            offers[next] = listed->offers[k];
            offers[next++].machine = &machines[i];
        }
    }

    struct catalog_loan *loan = must(calloc(1, sizeof *loan));
    loan->catalog = catalog_of(machines, feed->machine_count, offers, offer_count);
    atomic_init(&loan->holder_count, 1);
    totals->machines = feed->machine_count;
    totals->offers = offer_count;
    return loan;
}

static void publish(struct catalog_feed *feed, uint64_t reload_count)
{
    struct catalog_feed_totals totals = { 0 };
    struct catalog_loan *next = build(feed, &totals);

    (void)pthread_mutex_lock(&feed->lock);
    struct catalog_loan *last = feed->present;
    feed->present = next;
    feed->totals.machines = totals.machines;
    feed->totals.offers = totals.offers;
    feed->totals.builds++;
    feed->totals.reloads += reload_count;
    (void)pthread_mutex_unlock(&feed->lock);
    catalog_loan_give_back(&last);
}

/* What was touched since it was last asked. Waits for it; false: the feed is stopping. */
static bool wait_for_changes(struct catalog_feed *feed, int64_t *ids, size_t *ret_count,
                             bool *ret_is_all)
{
    (void)pthread_mutex_lock(&feed->lock);
    while (!feed->is_stopping && feed->queue_length == 0 && !feed->is_all_touched)
        (void)pthread_cond_wait(&feed->touched, &feed->lock);
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
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += RETRY_SECONDS;
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
    if (is_all)
        return reload_all(feed, err);
    for (size_t i = 0; i < count; i++) {
        if (!reload(feed, ids[i], err))
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

    while (wait_for_changes(feed, ids, &count, &is_all)) {
        if (follow(feed, ids, count, is_all, &err)) {
            publish(feed, is_all ? feed->machine_count : count);
        } else {
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
    publish(feed, feed->machine_count);
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
    while (feed->machine_count > 0)
        remove_at(feed, feed->machine_count - 1);
    free(feed->machines);
    catalog_loan_give_back(&feed->present);
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

struct catalog_loan *catalog_feed_take(struct catalog_feed *feed)
{
    (void)pthread_mutex_lock(&feed->lock);
    struct catalog_loan *loan = feed->present;
    atomic_fetch_add(&loan->holder_count, 1);
    (void)pthread_mutex_unlock(&feed->lock);
    return loan;
}

const struct catalog *catalog_loan_catalog(const struct catalog_loan *loan)
{
    return loan->catalog;
}

void catalog_loan_give_back(struct catalog_loan **loan_owner)
{
    struct catalog_loan *loan = *loan_owner;

    *loan_owner = NULL;
    if (loan == NULL || atomic_fetch_sub(&loan->holder_count, 1) > 1)
        return;
    catalog_release(&loan->catalog);
    free(loan);
}

struct catalog_feed_totals catalog_feed_totals(struct catalog_feed *feed)
{
    (void)pthread_mutex_lock(&feed->lock);
    struct catalog_feed_totals totals = feed->totals;
    (void)pthread_mutex_unlock(&feed->lock);
    return totals;
}
