/* SPDX-License-Identifier: Apache-2.0 */
#include "server/payments.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "flow/pay_paypal.h"
#include "server/provider_paypal.h"
#include "server/provider_stripe.h"
#include "sys/http_client.h"
#include "sys/thread.h"

enum { ITEMS_ARENA_MAX = 16 << 20, IDLE_SECONDS = 60, EVENTS_BATCH_MAX = 16, LEASE_SECONDS = 240 };

struct payments {
    struct payments_options options;
    struct payments_asker asker;
    struct paypal_session paypal; /* the thread's own */
    pthread_t thread;
    struct instant paused; /* until then: our key was refused. The thread's own */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    bool is_stopping, is_woken, has_stopped;
};

static struct instant now_of(const struct payments *payments)
{
    return clock_now(payments->options.flow->clock);
}

static bool is_stopping(struct payments *payments)
{
    (void)pthread_mutex_lock(&payments->lock);
    bool result = payments->is_stopping;
    (void)pthread_mutex_unlock(&payments->lock);
    return result;
}

/* Who it is that we speak with; NULL: nobody any more, or nobody yet. */
static const struct provider *provider_of(const struct payments *payments, const char *name)
{
    if (payments->options.stripe != NULL && strcmp(name, provider_stripe.name) == 0)
        return &provider_stripe;
    if (payments->options.paypal != NULL && strcmp(name, provider_paypal.name) == 0)
        return &provider_paypal;
    return NULL;
}

/* One, two, four seconds and so on, and a little more, so that many do not come back at once. */
static int64_t pause_us(int64_t attempts)
{
    int64_t seconds = 1;
    uint32_t jitter;

    for (int64_t i = 1; i < attempts && seconds < PAYMENTS_PAUSE_MAX_SECONDS; i++)
        seconds *= 2;
    if (seconds > PAYMENTS_PAUSE_MAX_SECONDS)
        seconds = PAYMENTS_PAUSE_MAX_SECONDS;
    crypto_random(&jitter, sizeof jitter);
    return seconds * US_PER_SECOND + seconds * (int64_t)(jitter % 250000);
}

struct batch {
    const struct payments *payments;
    struct arena *arena;
    struct outbox_item items[OUTBOX_LEASE_MAX];
    size_t count;
    struct psp_event_row *events;
    size_t event_count;
    int64_t id;
    struct outbox_result result;
    const struct psp_event_row *event;
    enum psp_event_state state;
    struct instant next;
    bool is_ours;
};

static bool lease_work(struct db *db, void *context, struct error *err)
{
    struct batch *batch = context;
    struct instant now = now_of(batch->payments);
    const struct outbox_lease wanted = { .owner = batch->payments->options.server_proc,
                                         .now = now,
                                         .until = instant_add(now, LEASE_SECONDS * US_PER_SECOND),
                                         .max = 1,
                                         .lane = OUTBOX_PAY };

    batch->count = 0;
    return outbox_lease(db, &wanted, batch->arena, batch->items, &batch->count, err);
}

static bool finish_work(struct db *db, void *context, struct error *err)
{
    struct batch *batch = context;

    return outbox_finish(db, batch->id, batch->payments->options.server_proc, &batch->result,
                         &batch->is_ours, err);
}

static void finish(struct payments *payments, const struct outbox_item *item,
                   enum provider_verdict verdict, int status)
{
    struct batch batch = { .payments = payments, .id = item->id };
    int64_t wait_us = verdict == PROVIDER_KEY ? PAYMENTS_KEY_PAUSE_SECONDS * US_PER_SECOND
                                              : pause_us(item->attempts);
    struct error err;

    batch.result = (struct outbox_result){ .end = verdict == PROVIDER_TAKEN     ? OUTBOX_DONE
                                                  : verdict == PROVIDER_REFUSED ? OUTBOX_GIVEN_UP
                                                                                : OUTBOX_AGAIN,
                                           .next = instant_add(now_of(payments), wait_us),
                                           .status = status };
    if (verdict == PROVIDER_KEY)
        payments->paused = batch.result.next;
    metrics_add(payments->options.metrics,
                verdict == PROVIDER_TAKEN ? METRICS_DELIVERIES : METRICS_DELIVERIES_FAILED, 1);
    if (!store_write(payments->options.flow->store, finish_work, &batch, &err))
        log_failure(payments->options.flow->log, "call not recorded", &err);
}

/* One call, if any is due. */
static bool call_one(struct payments *payments)
{
    auto_arena struct arena arena = arena_of(ITEMS_ARENA_MAX);
    struct batch batch = { .payments = payments, .arena = &arena };
    struct error err;
    int status = 0;

    if (!store_write(payments->options.flow->store, lease_work, &batch, &err)) {
        log_failure(payments->options.flow->log, "outbox not read", &err);
        return false;
    }
    if (batch.count == 0)
        return false;
    const struct provider *provider = provider_of(payments, batch.items[0].provider);
    enum provider_verdict verdict = PROVIDER_AGAIN;
    if (provider != NULL)
        verdict = provider->call(&payments->asker, &batch.items[0], &status);
    finish(payments, &batch.items[0], verdict, status);
    return verdict != PROVIDER_KEY;
}

static bool events_work(struct db *db, void *context, struct error *err)
{
    struct batch *batch = context;

    return psp_event_due(db, now_of(batch->payments), EVENTS_BATCH_MAX, batch->arena,
                         &batch->events, &batch->event_count, err);
}

static bool event_end_work(struct db *db, void *context, struct error *err)
{
    const struct batch *batch = context;

    return psp_event_finish(db, batch->event, batch->state, batch->next, err);
}

static void deal_with(struct payments *payments, const struct psp_event_row *event)
{
    const struct provider *provider = provider_of(payments, event->provider);
    enum pay_effect effect =
        provider != NULL ? provider->event(&payments->asker, event) : PAY_LATER;
    struct batch batch = { .payments = payments, .event = event, .state = PSP_EVENT_DONE };
    struct error err;

    batch.next = instant_add(now_of(payments), pause_us(event->attempts + 1));
    if (effect == PAY_LATER)
        batch.state =
            event->attempts < PAYMENTS_EVENT_ATTEMPTS_MAX ? PSP_EVENT_WAITS : PSP_EVENT_GIVEN_UP;
    if (effect == PAY_STRANGE)
        batch.state = PSP_EVENT_GIVEN_UP;
    if (batch.state == PSP_EVENT_GIVEN_UP)
        payments_alarm(&payments->asker, event->type, event->id);
    if (!store_write(payments->options.flow->store, event_end_work, &batch, &err))
        log_failure(payments->options.flow->log, "event not recorded", &err);
}

/* Some events, if any are due. */
static bool look_at_events(struct payments *payments)
{
    auto_arena struct arena arena = arena_of(ITEMS_ARENA_MAX);
    struct batch batch = { .payments = payments, .arena = &arena };
    struct error err;

    if (!store_read(payments->options.flow->store, events_work, &batch, &err)) {
        log_failure(payments->options.flow->log, "events not read", &err);
        return false;
    }
    for (size_t i = 0; i < batch.event_count && !is_stopping(payments); i++)
        deal_with(payments, &batch.events[i]);
    return batch.event_count > 0;
}

static bool swept_work(struct db *db, void *context, struct error *err)
{
    return setting_time(db, PAY_SWEPT, &((struct batch *)context)->next, err);
}

static bool set_swept_work(struct db *db, void *context, struct error *err)
{
    return setting_set_time(db, PAY_SWEPT, ((struct batch *)context)->next, err);
}

/* A night's look, unless a server has done it; what could not be seen is looked at again later. */
static void sweep_if_due(struct payments *payments)
{
    struct batch batch = { .next = { 0 } };
    struct store *store = payments->options.flow->store;
    struct instant now = now_of(payments);
    struct error err;

    if (payments->options.stripe == NULL || !store_read(store, swept_work, &batch, &err) ||
        instant_until(batch.next, now) < PAYMENTS_SWEEP_SECONDS * US_PER_SECOND)
        return;
    bool is_done = provider_stripe.sweep(&payments->asker);
    /* After a failure, in an hour. */
    batch.next = is_done ? now : instant_add(now, -(PAYMENTS_SWEEP_SECONDS - 3600) * US_PER_SECOND);
    if (!store_write(store, set_swept_work, &batch, &err))
        log_failure(payments->options.flow->log, "sweep not recorded", &err);
}

static void do_due(struct payments *payments)
{
    bool has_more = true;

    while (has_more && !is_stopping(payments) &&
           instant_compare(payments->paused, now_of(payments)) <= 0) {
        has_more = call_one(payments);
        has_more = look_at_events(payments) || has_more;
        if (payments->options.paypal != NULL)
            has_more = provider_paypal.look(&payments->asker) || has_more;
        if (!has_more)
            sweep_if_due(payments);
    }
}

static bool next_work(struct db *db, void *context, struct error *err)
{
    struct batch *batch = context;
    struct instant due;
    bool has;

    batch->next = INSTANT_NEVER;
    if (!outbox_next(db, OUTBOX_PAY, &due, &has, err))
        return false;
    if (has)
        batch->next = due;
    if (!psp_event_next(db, &due, &has, err))
        return false;
    if (has && instant_compare(due, batch->next) < 0)
        batch->next = due;
    if (!payout_batch_next(db, &due, &has, err))
        return false;
    if (has && instant_compare(due, batch->next) < 0)
        batch->next = due;
    return true;
}

/* Until the next is due; at most IDLE_SECONDS, for what was woken in vain. */
static int64_t wait_us(const struct payments *payments)
{
    struct batch batch = { .next = INSTANT_NEVER };
    int64_t idle_us = IDLE_SECONDS * US_PER_SECOND;
    struct error err;

    if (!store_read(payments->options.flow->store, next_work, &batch, &err))
        return idle_us;
    int64_t until_us = instant_until(now_of(payments), instant_max(batch.next, payments->paused));
    return until_us < 0 ? 0 : until_us < idle_us ? until_us : idle_us;
}

static bool wait_for_work(struct payments *payments)
{
    int64_t pause = wait_us(payments);
    struct timespec until = thread_after(pause);

    (void)pthread_mutex_lock(&payments->lock);
    while (!payments->is_stopping && !payments->is_woken &&
           pthread_cond_timedwait(&payments->changed, &payments->lock, &until) == 0)
        continue;
    payments->is_woken = false;
    bool goes_on = !payments->is_stopping;
    (void)pthread_mutex_unlock(&payments->lock);
    return goes_on;
}

static void *run(void *context)
{
    struct payments *payments = context;

    do
        do_due(payments);
    while (wait_for_work(payments));
    return NULL;
}

bool payments_open(const struct payments_options *options, struct payments **ret, struct error *err)
{
    struct payments *payments = calloc(1, sizeof *payments);

    if (payments == NULL)
        abort();
    payments->options = *options;
    payments->asker = (struct payments_asker){ &payments->options, &payments->paypal,
                                               http_client_open(NULL, NULL) };
    (void)pthread_mutex_init(&payments->lock, NULL);
    thread_cond(&payments->changed);
    if (!thread_start(&payments->thread, run, payments, err)) {
        http_client_close(&payments->asker.client);
        free(payments);
        return error_context(err, "start payments");
    }
    *ret = payments;
    return true;
}

void payments_wake(struct payments *payments)
{
    if (payments == NULL)
        return;
    (void)pthread_mutex_lock(&payments->lock);
    payments->is_woken = true;
    (void)pthread_cond_signal(&payments->changed);
    (void)pthread_mutex_unlock(&payments->lock);
}

void payments_stop(struct payments *payments)
{
    if (payments == NULL)
        return;
    (void)pthread_mutex_lock(&payments->lock);
    payments->is_stopping = true;
    (void)pthread_cond_signal(&payments->changed);
    (void)pthread_mutex_unlock(&payments->lock);
    if (!payments->has_stopped)
        (void)pthread_join(payments->thread, NULL);
    payments->has_stopped = true;
}

void payments_close(struct payments **owner)
{
    struct payments *payments = *owner;

    if (payments == NULL)
        return;
    payments_stop(payments);
    http_client_close(&payments->asker.client);
    (void)pthread_cond_destroy(&payments->changed);
    (void)pthread_mutex_destroy(&payments->lock);
    free(payments);
    *owner = NULL;
}
