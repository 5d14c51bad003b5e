/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's one loop: descriptors and timers, in one thread.
 *
 * Nothing that is called from here may block: what is slow happens in a child (agent/job.h) or
 * in steps (agent/web.h). A callback may add and remove watches and timers, its own too. Timers
 * go by CLOCK_BOOTTIME, so that a sleep of the machine counts. */

#ifndef BERTH_AGENT_LOOP_H
#define BERTH_AGENT_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "sys/clock.h"

enum { LOOP_WATCHES_MAX = 2048, LOOP_TIMERS_MAX = 256 };

struct loop;
struct loop_watch;
struct loop_timer;

typedef void loop_on_ready(void *context, short revents);
typedef void loop_on_time(void *context);

struct loop *loop_open(const struct clock *clock);
void loop_close(struct loop **loop);

/* `events` as for poll(2). The descriptor stays the caller's, who unwatches before closing it. */
struct loop_watch *loop_watch(struct loop *loop, int fd, short events, loop_on_ready *on_ready,
                              void *context);
void loop_watch_events(struct loop_watch *watch, short events);
void loop_unwatch(struct loop_watch **watch);

/* A timer that is off. */
struct loop_timer *loop_timer(struct loop *loop, loop_on_time *on_time, void *context);
void loop_timer_set(struct loop_timer *timer, int64_t delay_ms);

/* The same, unless it is due earlier already. */
void loop_timer_hurry(struct loop_timer *timer, int64_t delay_ms);
void loop_timer_stop(struct loop_timer *timer);
void loop_timer_close(struct loop_timer **timer);

/* Until loop_stop(). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* One round: wait for at most `timeout_ms`, then call what is ready. For tests. */
void loop_step(struct loop *loop, int64_t timeout_ms);

int64_t loop_now_us(const struct loop *loop);

#endif
