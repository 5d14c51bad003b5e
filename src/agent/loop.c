/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/loop.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>

struct loop_watch {
    struct loop *loop;
    uint64_t number; /* no two of a loop ever have the same, as they may an address */
    int fd;
    short events;
    loop_on_ready *on_ready;
    void *context;
};

struct loop_timer {
    struct loop *loop;
    int64_t due_us; /* -1: off */
    loop_on_time *on_time;
    void *context;
};

/* Slots are NULL when free. A slot that is freed in the middle of a round is not called in it:
 * each is looked up again by its number before it is called. */
struct loop {
    const struct clock *clock;
    int watch_count, timer_count; /* slots in use, or once in use */
    struct loop_watch *watches[LOOP_WATCHES_MAX];
    struct loop_timer *timers[LOOP_TIMERS_MAX];
    struct pollfd polls[LOOP_WATCHES_MAX];
    int slots[LOOP_WATCHES_MAX];       /* of each poll */
    uint64_t polled[LOOP_WATCHES_MAX]; /* the number of each */
    uint64_t last_number;
    bool is_stopped;
};

static void *allocate(size_t size)
{
    void *memory = calloc(1, size);

    if (memory == NULL)
        abort();
    return memory;
}

struct loop *loop_open(const struct clock *clock)
{
    struct loop *loop = allocate(sizeof *loop);

    loop->clock = clock;
    return loop;
}

void loop_close(struct loop **loop)
{
    if (*loop == NULL)
        return;
    for (int i = 0; i < (*loop)->watch_count; i++)
        free((*loop)->watches[i]);
    for (int i = 0; i < (*loop)->timer_count; i++)
        free((*loop)->timers[i]);
    free(*loop);
    *loop = NULL;
}

int64_t loop_now_us(const struct loop *loop)
{
    return clock_boot_us(loop->clock);
}

struct loop_watch *loop_watch(struct loop *loop, int fd, short events, loop_on_ready *on_ready,
                              void *context)
{
    int slot = 0;

    assert(fd >= 0);
    while (slot < loop->watch_count && loop->watches[slot] != NULL)
        slot++;
    assert(slot < LOOP_WATCHES_MAX);
    if (slot == loop->watch_count)
        loop->watch_count++;

    struct loop_watch *watch = allocate(sizeof *watch);
    *watch = (struct loop_watch){ loop, ++loop->last_number, fd, events, on_ready, context };
    loop->watches[slot] = watch;
    return watch;
}

void loop_watch_events(struct loop_watch *watch, short events)
{
    watch->events = events;
}

void loop_unwatch(struct loop_watch **watch)
{
    if (*watch == NULL)
        return;

    struct loop *loop = (*watch)->loop;
    for (int i = 0; i < loop->watch_count; i++) {
        if (loop->watches[i] == *watch)
            loop->watches[i] = NULL;
    }
    free(*watch);
    *watch = NULL;
}

struct loop_timer *loop_timer(struct loop *loop, loop_on_time *on_time, void *context)
{
    int slot = 0;

    while (slot < loop->timer_count && loop->timers[slot] != NULL)
        slot++;
    assert(slot < LOOP_TIMERS_MAX);
    if (slot == loop->timer_count)
        loop->timer_count++;

    struct loop_timer *timer = allocate(sizeof *timer);
    *timer = (struct loop_timer){ loop, -1, on_time, context };
    loop->timers[slot] = timer;
    return timer;
}

void loop_timer_set(struct loop_timer *timer, int64_t delay_ms)
{
    assert(delay_ms >= 0);
    timer->due_us = loop_now_us(timer->loop) + delay_ms * US_PER_MS;
}

void loop_timer_hurry(struct loop_timer *timer, int64_t delay_ms)
{
    int64_t due_us = loop_now_us(timer->loop) + delay_ms * US_PER_MS;

    if (timer->due_us < 0 || due_us < timer->due_us)
        timer->due_us = due_us;
}

void loop_timer_stop(struct loop_timer *timer)
{
    timer->due_us = -1;
}

void loop_timer_close(struct loop_timer **timer)
{
    if (*timer == NULL)
        return;

    struct loop *loop = (*timer)->loop;
    for (int i = 0; i < loop->timer_count; i++) {
        if (loop->timers[i] == *timer)
            loop->timers[i] = NULL;
    }
    free(*timer);
    *timer = NULL;
}

/* How long poll() may wait, rounded up so that no timer is early. */
static int wait_ms(const struct loop *loop, int64_t timeout_ms)
{
    int64_t left_us = timeout_ms * US_PER_MS;

    for (int i = 0; i < loop->timer_count; i++) {
        const struct loop_timer *timer = loop->timers[i];

        if (timer == NULL || timer->due_us < 0)
            continue;
        int64_t until_us = timer->due_us - loop_now_us(loop);
        if (until_us < left_us)
            left_us = until_us > 0 ? until_us : 0;
    }
    return (int)((left_us + US_PER_MS - 1) / US_PER_MS);
}

static void call_timers(struct loop *loop)
{
    int64_t now_us = loop_now_us(loop);

    for (int i = 0; i < loop->timer_count; i++) {
        struct loop_timer *timer = loop->timers[i];

        if (timer == NULL || timer->due_us < 0 || timer->due_us > now_us)
            continue;
        timer->due_us = -1;
        timer->on_time(timer->context);
    }
}

void loop_step(struct loop *loop, int64_t timeout_ms)
{
    nfds_t count = 0;

    for (int i = 0; i < loop->watch_count; i++) {
        const struct loop_watch *watch = loop->watches[i];

        if (watch == NULL || watch->events == 0)
            continue;
        loop->slots[count] = i;
        loop->polled[count] = watch->number;
        loop->polls[count++] = (struct pollfd){ .fd = watch->fd, .events = watch->events };
    }

    int ready = poll(loop->polls, count, wait_ms(loop, timeout_ms));
    for (nfds_t i = 0; ready > 0 && i < count; i++) {
        const struct loop_watch *watch = loop->watches[loop->slots[i]];

        if (loop->polls[i].revents == 0)
            continue;
        ready--;
        if (watch != NULL && watch->number == loop->polled[i])
            watch->on_ready(watch->context, loop->polls[i].revents);
    }
    call_timers(loop);
}

void loop_run(struct loop *loop)
{
    enum { IDLE_MS = 60000 };

    while (!loop->is_stopped)
        loop_step(loop, IDLE_MS);
}

void loop_stop(struct loop *loop)
{
    loop->is_stopped = true;
}
