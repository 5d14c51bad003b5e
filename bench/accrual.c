/* SPDX-License-Identifier: Apache-2.0 */
/* What charging costs: CPU time of the whole program, database included, by instances and by
 * events.
 *
 * A real market with INSTANCES running instances, whose times pass on a held clock. Costs an
 * instance or an event are measured there and said for a million instances, which is a
 * multiplication: each posting is one transaction of one contract, and the database grows with the
 * journals, not with the time. The heartbeats between are not counted; bench-heartbeat has them.
 *
 *   accrual-1m-idle      an hour in which nothing happens: what the timer posts every ten minutes
 *   accrual-naive        the same hour with every instance charged every five seconds
 *   accrual-one-renter   a posting where one renter has them all
 *   accrual-one-renter-event   a stop or a start there
 *   accrual-10k-events   a second with 10,000 stops and starts, each with its posting
 *
 * Beside the two of one renter stands the same where each machine's have a renter of their own: who
 * has more pays for no more looks. What is left of a difference is the word to every host on which
 * that renter has something, that its credit ends elsewhere.
 *
 * Beside the events stands the same with a quarter of the instances: what does not happen costs
 * nothing. So many come from many at once: here from a client a machine, whose writes meet in
 * commits. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "flow/instance_change.h"
#include "flow/post_usage.h"
#include "flow/support.h"

enum { MACHINES = 8, GPUS = 8, INSTANCES = MACHINES * GPUS, ROUNDS = 4 };

static struct world world;
static struct world_machine machines[MACHINES];
static struct {
    int64_t id;
    struct caller renter;
} instances[INSTANCES];

static double one_us, one_event_us; /* a posting, an event, where one renter has them all */

/* CPU time of this process, all threads, in microseconds. */
static double cpu_us(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return 1e6 * (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void open_market(struct support *support, bool has_one_renter)
{
    struct caller renter = { 0 };
    char name[32];

    world_open(&world, support);
    for (size_t i = 0; i < MACHINES; i++) {
        (void)snprintf(name, sizeof name, "renter%zu@berth.test", i);
        if (i == 0 || !has_one_renter)
            renter = world_user(&world, name, 100000);
        (void)snprintf(name, sizeof name, "machine%zu", i);
        world_host(&world, &machines[i], name, GPUS);
        for (size_t gpu = 0; gpu < GPUS; gpu++) {
            instances[i * GPUS + gpu].renter = renter;
            instances[i * GPUS + gpu].id = world_running(&world, &machines[i], renter, 1);
        }
    }
}

static void beat_all(void)
{
    for (size_t i = 0; i < MACHINES; i++)
        CHECK_INT(world_beat(&world, &machines[i]), TAKE_DONE);
}

/* Post whatever is due; so many were. */
static size_t post_due(void)
{
    size_t posted = 0, count;
    struct error err;

    do {
        CHECK_OK(flow_post_usage(&world.flow, &count, &err), &err);
        posted += count;
    } while (count == POST_USAGE_MAX);
    return posted;
}

/* CPU time of an instance's posting, when all of them come due after so many seconds. */
static double posting_us(struct support *support, int64_t seconds)
{
    double sum = 0;
    size_t posted = 0;

    for (int round = 0; round < ROUNDS; round++) {
        for (int64_t passed = 0; passed < seconds; passed += 25) {
            world_pass(&world, (seconds - passed < 25 ? seconds - passed : 25) * US_PER_SECOND);
            beat_all();
        }
        if (seconds < POST_RUNNING_SECONDS)
            support_script(support, "UPDATE contract SET posted_us = posted_us - 600000000;");
        double begin = cpu_us();
        posted += post_due();
        sum += cpu_us() - begin;
    }
    CHECK_INT((int64_t)posted, (int64_t)ROUNDS * INSTANCES);
    return sum / (double)posted;
}

/* The instances of one machine, all of which are stopped, or started. */
struct client {
    pthread_t thread;
    size_t first, count;
    bool is_stopping;
};

static void *run_client(void *context)
{
    const struct client *client = context;
    enum change_outcome outcome;
    struct error err;

    for (size_t i = client->first; i < client->first + client->count; i++)
        if (!(client->is_stopping ? flow_stop : flow_start)(&world.flow, &instances[i].renter,
                                                            instances[i].id, &outcome, &err) ||
            outcome != CHANGE_DONE)
            abort();
    return NULL;
}

/* CPU time of a stop or a start, over the first `count` instances. */
static double event_us(size_t count)
{
    struct client clients[MACHINES];
    double sum = 0;

    for (int round = 0; round < ROUNDS; round++) {
        double begin = cpu_us();
        for (size_t i = 0; i < MACHINES; i++) {
            clients[i] = (struct client){ .first = i * GPUS,
                                          .count = count / MACHINES,
                                          .is_stopping = round % 2 == 0 };
            CHECK(pthread_create(&clients[i].thread, NULL, run_client, &clients[i]) == 0);
        }
        for (size_t i = 0; i < MACHINES; i++)
            CHECK(pthread_join(clients[i].thread, NULL) == 0);
        sum += cpu_us() - begin;
        world_pass(&world, 5 * US_PER_SECOND);
        beat_all();
    }
    return sum / ((double)ROUNDS * (double)count);
}

static void bench_one_renter(void **state)
{
    open_market(*state, true);
    one_us = posting_us(*state, POST_RUNNING_SECONDS);
    one_event_us = event_us(INSTANCES);
    world_close(&world);
}

static void bench(void **state)
{
    const double million = 1e6, hour = 3600;

    open_market(*state, false);
    double few = event_us(INSTANCES / 4), all = event_us(INSTANCES);
    double idle = posting_us(*state, POST_RUNNING_SECONDS);
    double naive = posting_us(*state, 5);
    double idle_hour = idle * million * (hour / POST_RUNNING_SECONDS) / 1e6;
    double naive_hour = naive * million * (hour / 5) / 1e6;

    (void)printf("# %d instances: %.0f us a posting after ten minutes, %.0f us after five seconds; "
                 "%.0f us an event\n",
                 INSTANCES, idle, naive, all);
    (void)printf("RESULT accrual-1m-idle %.0f cpu-s/h vs accrual-naive %.0f ratio %.4f "
                 "better=lower\n",
                 idle_hour, naive_hour, idle_hour / naive_hour);
    (void)printf("RESULT accrual-naive %.0f cpu-s/h vs one-core 3600 ratio %.2f better=lower\n",
                 naive_hour, naive_hour / hour);
    (void)printf("RESULT accrual-one-renter %.0f us vs a-renter-a-machine %.0f ratio %.2f "
                 "better=lower\n",
                 one_us, idle, one_us / idle);
    (void)printf("RESULT accrual-one-renter-event %.0f us vs a-renter-a-machine %.0f ratio %.2f "
                 "better=lower\n",
                 one_event_us, all, one_event_us / all);
    (void)printf("RESULT accrual-10k-events %.2f cpu-s/s vs quarter-of-the-market %.2f ratio %.2f "
                 "better=lower\n",
                 all / 100, few / 100, all / few);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(bench_one_renter),
                                        cmocka_unit_test(bench) };

    return SUPPORT_RUN_ON(SUPPORT_SQLITE, tests);
}
