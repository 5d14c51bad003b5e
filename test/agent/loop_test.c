/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/loop.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

/* What was called, in order. */
static char called[256];

static char name_a[] = "a", name_b[] = "b", name_never[] = "never";

static void note(const char *name)
{
    CHECK(strlen(called) + strlen(name) < sizeof called);
    (void)strcat(called, name);
}

static void on_time(void *context)
{
    note(context);
}

static void expect(const char *want)
{
    CHECK_TEXT(called, want);
    *called = '\0';
}

static void test_timers_come_when_they_are_due(void **state)
{
    struct clock clock = clock_held((struct instant){ 1 });
    struct loop *loop = loop_open(&clock);
    struct loop_timer *a = loop_timer(loop, on_time, name_a),
                      *b = loop_timer(loop, on_time, name_b);

    (void)state;
    *called = '\0';
    loop_step(loop, 0);
    expect(""); /* off, until they are set */
    loop_timer_set(a, 10);
    loop_timer_set(b, 0);
    loop_step(loop, 0);
    expect("b");
    clock_advance(&clock, 10 * US_PER_MS - 1);
    loop_step(loop, 0);
    expect("");
    clock_advance(&clock, 1);
    loop_step(loop, 0);
    loop_step(loop, 0);
    expect("a"); /* once */

    loop_timer_set(a, 100);
    loop_timer_hurry(a, 200); /* it is due earlier already */
    loop_timer_hurry(b, 50);  /* it was off */
    clock_advance(&clock, 50 * US_PER_MS);
    loop_step(loop, 0);
    expect("b");
    loop_timer_hurry(a, 10);
    clock_advance(&clock, 10 * US_PER_MS);
    loop_step(loop, 0);
    expect("a");
    loop_timer_set(a, 1);
    loop_timer_set(a, 5); /* set is set */
    clock_advance(&clock, 4 * US_PER_MS);
    loop_step(loop, 0);
    expect("");
    loop_timer_stop(a);
    loop_timer_close(&b);
    loop_timer_close(&b); /* none is fine */
    clock_advance(&clock, US_PER_SECOND);
    loop_step(loop, 0);
    expect("");
    loop_close(&loop);
    loop_close(&loop);
}

struct pair {
    struct loop_timer *own, *other;
    int count;
};

static void set_again(void *context)
{
    struct pair *pair = context;

    note("x");
    if (--pair->count > 0)
        loop_timer_set(pair->own, 0);
    loop_timer_close(&pair->other);
}

/* A timer that is closed by another one in the same round is not called in it. */
static void test_a_timer_may_set_itself_and_close_others(void **state)
{
    struct clock clock = clock_held((struct instant){ 1 });
    struct loop *loop = loop_open(&clock);
    struct pair pair = { .count = 3 };

    (void)state;
    *called = '\0';
    pair.own = loop_timer(loop, set_again, &pair);
    pair.other = loop_timer(loop, on_time, name_never);
    loop_timer_set(pair.own, 0);
    loop_timer_set(pair.other, 0);
    for (int i = 0; i < 5; i++)
        loop_step(loop, 0);
    expect("xxx");
    CHECK(pair.other == NULL);
    loop_close(&loop);
}

/* Never early, on the real clock: a deadline of contracts hangs on it. */
static void test_it_waits_no_less_than_asked(void **state)
{
    struct loop *loop = loop_open(&clock_system);
    struct loop_timer *timer = loop_timer(loop, on_time, name_a);

    (void)state;
    for (int64_t delay_ms = 1; delay_ms <= 16; delay_ms *= 4) {
        int64_t due_us = loop_now_us(loop) + delay_ms * US_PER_MS;

        *called = '\0';
        loop_timer_set(timer, delay_ms);
        while (*called == '\0')
            loop_step(loop, 1000);
        CHECK(loop_now_us(loop) >= due_us);
    }
    loop_close(&loop);
}

struct line {
    struct loop *loop;
    const char *name;
    int ends[2];
    struct loop_watch *watch;
    struct line *drops; /* what it unwatches when it is called; or NULL */
};

static void on_line(void *context, short revents)
{
    struct line *line = context;

    CHECK(revents != 0);
    note(line->name);
    if (line->drops != NULL)
        loop_unwatch(&line->drops->watch);
}

static struct line open_line(struct loop *loop, const char *name)
{
    struct line line = { .loop = loop, .name = name };

    CHECK(pipe(line.ends) == 0);
    return line;
}

static void poke(const struct line *line)
{
    CHECK(write(line->ends[1], "x", 1) == 1);
}

static void close_line(struct line *line)
{
    loop_unwatch(&line->watch);
    (void)close(line->ends[0]);
    (void)close(line->ends[1]);
}

static void test_watches_tell_what_is_ready(void **state)
{
    struct loop *loop = loop_open(&clock_system);
    struct line a = open_line(loop, "a"), b = open_line(loop, "b");
    char byte;

    (void)state;
    *called = '\0';
    a.watch = loop_watch(loop, a.ends[0], POLLIN, on_line, &a);
    b.watch = loop_watch(loop, b.ends[0], POLLIN, on_line, &b);
    loop_step(loop, 0);
    expect("");
    poke(&b);
    loop_step(loop, 0);
    loop_step(loop, 0);
    expect("bb"); /* as long as it is ready */
    loop_watch_events(b.watch, 0);
    loop_step(loop, 0);
    expect(""); /* nobody is interested */
    loop_watch_events(b.watch, POLLIN);
    CHECK(read(b.ends[0], &byte, 1) == 1);
    loop_step(loop, 0);
    expect("");
    (void)close(a.ends[1]); /* the other side's end is news too */
    loop_step(loop, 0);
    expect("a");
    a.ends[1] = -1;
    close_line(&a);
    close_line(&b);
    loop_close(&loop);
}

/* Both are ready in one round; whichever is called first takes the other one away. */
static void test_what_is_unwatched_in_a_round_is_not_called(void **state)
{
    struct loop *loop = loop_open(&clock_system);
    struct line a = open_line(loop, "a"), b = open_line(loop, "b");

    (void)state;
    *called = '\0';
    a.watch = loop_watch(loop, a.ends[0], POLLIN, on_line, &a);
    b.watch = loop_watch(loop, b.ends[0], POLLIN, on_line, &b);
    a.drops = &b;
    b.drops = &a;
    poke(&a);
    poke(&b);
    loop_step(loop, 0);
    CHECK_INT((int64_t)strlen(called), 1);
    CHECK((a.watch == NULL) != (b.watch == NULL));
    *called = '\0';
    a.drops = &a; /* its own watch as well */
    if (a.watch != NULL) {
        loop_step(loop, 0);
        expect("a");
        CHECK(a.watch == NULL);
    }
    close_line(&a);
    close_line(&b);
    loop_close(&loop);
}

/* A number that is closed and given out again in the middle of a round is another file: what was
 * ready is not it. */
static void take_over(void *context, short revents)
{
    struct line *line = context;
    struct line *other = line->drops;

    CHECK(revents != 0);
    note(line->name);
    if (other->watch == NULL)
        return;
    struct line quiet = open_line(line->loop, "q");
    loop_unwatch(&other->watch);
    CHECK(dup2(quiet.ends[0], other->ends[0]) == other->ends[0]);
    other->watch = loop_watch(line->loop, other->ends[0], POLLIN, on_line, other);
    close_line(&quiet);
}

static void test_what_took_a_place_in_a_round_is_not_called_in_it(void **state)
{
    struct loop *loop = loop_open(&clock_system);
    struct line a = open_line(loop, "a"), b = open_line(loop, "b");

    (void)state;
    *called = '\0';
    a.drops = &b;
    a.watch = loop_watch(loop, a.ends[0], POLLIN, take_over, &a);
    b.watch = loop_watch(loop, b.ends[0], POLLIN, on_line, &b);
    poke(&a);
    poke(&b);
    loop_step(loop, 0);
    expect("a");
    close_line(&a);
    close_line(&b);
    loop_close(&loop);
}

static void stop(void *context)
{
    note("s");
    loop_stop(context);
}

static void test_it_runs_until_it_is_stopped(void **state)
{
    struct loop *loop = loop_open(&clock_system);
    struct loop_timer *timer = loop_timer(loop, stop, loop);

    (void)state;
    *called = '\0';
    loop_timer_set(timer, 5);
    loop_run(loop);
    expect("s");
    loop_close(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timers_come_when_they_are_due),
        cmocka_unit_test(test_a_timer_may_set_itself_and_close_others),
        cmocka_unit_test(test_it_waits_no_less_than_asked),
        cmocka_unit_test(test_watches_tell_what_is_ready),
        cmocka_unit_test(test_what_is_unwatched_in_a_round_is_not_called),
        cmocka_unit_test(test_what_took_a_place_in_a_round_is_not_called_in_it),
        cmocka_unit_test(test_it_runs_until_it_is_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
