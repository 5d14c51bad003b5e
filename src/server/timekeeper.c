/* SPDX-License-Identifier: Apache-2.0 */
#include "server/timekeeper.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "flow/liveness.h"
#include "store/liveness.h"
#include "store/store.h"
#include "sys/clock_steady.h"
#include "sys/thread.h"

enum { LOOK_SECONDS = 1 };

struct timekeeper {
    struct clock_steady steady;
    struct log log;
    atomic_int_least64_t apart_us;
    pthread_t thread;
    pthread_mutex_t lock; /* guards is_stopping */
    pthread_cond_t wakes;
    bool is_stopping;
};

static void look(struct timekeeper *timekeeper)
{
    int64_t apart_us;
    enum clock_news news = clock_steady_look(&timekeeper->steady, &apart_us);

    atomic_store(&timekeeper->apart_us, apart_us);
    if (news == CLOCK_WAS_SET)
        log_write(&timekeeper->log, LOG_ERROR, "the clock was set",
                  "%s by %" PRId64 " s: the books go on by the time that passes; if the clock is "
                  "right now, restart berthd with --accept-clock",
                  apart_us > 0 ? "forward" : "back",
                  (apart_us > 0 ? apart_us : -apart_us) / US_PER_SECOND);
    else if (news == CLOCK_AGREES_AGAIN)
        log_write(&timekeeper->log, LOG_INFO, "the clock is right again", " ");
}

static void *run(void *context)
{
    struct timekeeper *timekeeper = context;
    struct timespec until;

    (void)pthread_mutex_lock(&timekeeper->lock);
    while (!timekeeper->is_stopping) {
        until = thread_after(LOOK_SECONDS * US_PER_SECOND);
        if (pthread_cond_timedwait(&timekeeper->wakes, &timekeeper->lock, &until) == ETIMEDOUT)
            look(timekeeper);
    }
    (void)pthread_mutex_unlock(&timekeeper->lock);
    return NULL;
}

bool timekeeper_open(const struct clock *source, const struct log *log, struct timekeeper **ret,
                     struct error *err)
{
    struct timekeeper *timekeeper = calloc(1, sizeof *timekeeper);

    if (timekeeper == NULL)
        abort();
    timekeeper->log = *log;
    clock_steady_open(&timekeeper->steady, source);
    (void)pthread_mutex_init(&timekeeper->lock, NULL);
    thread_cond(&timekeeper->wakes);
    if (!thread_start(&timekeeper->thread, run, timekeeper, err)) {
        free(timekeeper);
        return false;
    }
    *ret = timekeeper;
    return true;
}

void timekeeper_close(struct timekeeper **timekeeper)
{
    struct timekeeper *closing = *timekeeper;

    if (closing == NULL)
        return;
    (void)pthread_mutex_lock(&closing->lock);
    closing->is_stopping = true;
    (void)pthread_cond_signal(&closing->wakes);
    (void)pthread_mutex_unlock(&closing->lock);
    (void)pthread_join(closing->thread, NULL);
    (void)pthread_cond_destroy(&closing->wakes);
    (void)pthread_mutex_destroy(&closing->lock);
    free(closing);
    *timekeeper = NULL;
}

const struct clock *timekeeper_clock(const struct timekeeper *timekeeper)
{
    return &timekeeper->steady.clock;
}

int64_t timekeeper_apart_us(const struct timekeeper *timekeeper)
{
    return atomic_load(&timekeeper->apart_us);
}

struct last_work {
    bool has;
    struct instant last;
};

static bool last_work(struct db *db, void *context, struct error *err)
{
    struct last_work *work = context;

    return liveness_last(db, &work->last, &work->has, err);
}

bool timekeeper_check(const struct flow *flow, struct error *err)
{
    struct instant now = clock_now(flow->clock);
    struct last_work work = { 0 };
    char last[INSTANT_TEXT_SIZE], here[INSTANT_TEXT_SIZE];

    if (!store_read(flow->store, last_work, &work, err))
        return false;
    if (!work.has)
        return true;
    int64_t since_us = instant_until(work.last, now);
    bool is_early = since_us < -(LIVENESS_SECONDS * US_PER_SECOND + CLOCK_APART_US);
    if (!is_early && since_us <= TIMEKEEPER_ABSENCE_DAYS * 24 * US_PER_HOUR)
        return true;
    return error_set(err, ERROR_CONFLICT,
                     "the clock says %s, %s the market was last served (%s): set the clock, or, if "
                     "it is right, start with --accept-clock",
                     instant_format(now, here), is_early ? "before" : "more than a week after",
                     instant_format(work.last, last));
}
