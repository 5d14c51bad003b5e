/* SPDX-License-Identifier: Apache-2.0 */
/* How long `berthd check` takes over a market's whole books: every journal's hash and legs, every
 * balance, meter, line of a bill and seal recomputed.
 *
 *     bench-check [sqlite|postgresql] [JOURNALS]
 *
 * The books are those of INSTANCES running instances, posted every ten minutes as usage is, by the
 * same functions; days pass by as they go, so that bills have their lines. One journal is one
 * posting of GPU and disk, with six transfers. What is measured is flow_check() alone, which must
 * find nothing. */
#include "flow/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/parse.h"
#include "flow/seal.h"
#include "flow/support.h"
#include "flow/usage.h"
#include "store/interval.h"

enum {
    MACHINES = 32,
    GPUS = 8,
    INSTANCES = MACHINES * GPUS,
    BATCH = 2048, /* postings of a transaction */
    EVERY_SECONDS = 600,
    JOURNALS = 1000000,
    LIMIT_SECONDS = 10,
};

static struct world world;
static struct world_machine machines[MACHINES];
static int64_t instances[INSTANCES];
static int64_t journals_wanted = JOURNALS;

static double now_s(void)
{
    struct timespec at;

    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void open_market(struct support *support)
{
    char name[32];

    world_open(&world, support);
    for (size_t i = 0; i < MACHINES; i++) {
        (void)snprintf(name, sizeof name, "renter%zu@berth.test", i);
        struct caller renter = world_user(&world, name, 1000000);
        (void)snprintf(name, sizeof name, "machine%zu", i);
        world_host(&world, &machines[i], name, GPUS);
        for (size_t gpu = 0; gpu < GPUS; gpu++)
            instances[i * GPUS + gpu] = world_running(&world, &machines[i], renter, 1);
    }
}

/* Ten minutes more of every instance, from `from` on. */
static bool post_one(struct db *db, int64_t instance_id, struct arena *arena, struct error *err)
{
    struct contract_row contract;
    struct interval_row interval;
    bool has;

    if (!contract_load(db, instance_id, arena, &contract, &has, err) ||
        !interval_load(db, instance_id, arena, &interval, &has, err))
        return false;
    struct instant until = instant_add(contract.posted, EVERY_SECONDS * US_PER_SECOND);
    struct usage usage = { .now = until,
                           .gpu_from = interval.metered,
                           .gpu_us = instant_until(interval.metered, until),
                           .disk_until = until };
    return interval_meter(db, interval.id, until, err) && usage_post(db, &usage, &contract, err);
}

static bool post_work(struct db *db, void *context, struct error *err)
{
    size_t *next = context, at = *next;

    for (size_t i = 0; i < BATCH; i++) {
        auto_arena struct arena arena = arena_of(1 << 20);

        if (!post_one(db, instances[(at + i) % INSTANCES], &arena, err))
            return false;
    }
    *next = at + BATCH;
    return true;
}

/* Usage until there are so many journals, and all of them sealed. */
static void fill(struct support *support)
{
    size_t next = 0, sealed;
    struct error err;

    while ((int64_t)next < journals_wanted)
        support_write(support, post_work, &next);
    int64_t posted = world_number(&world, "SELECT max(posted_us) FROM contract");
    int64_t ahead = instant_until(clock_now(&world.clock), (struct instant){ posted });
    clock_advance(&world.clock, ahead + 60 * US_PER_SECOND);
    do {
        CHECK_OK(flow_seal(&world.flow, &sealed, &err), &err);
    } while (sealed == SEAL_BATCH_MAX);
}

static void print_finding(void *context, const char *rule, const char *text)
{
    (void)context;
    print_message("%s: %s\n", rule, text);
}

static void bench(void **state)
{
    struct support *support = *state;
    struct check_counts counts;
    struct error err;

    double begin = now_s();
    open_market(support);
    fill(support);
    double filled = now_s(), cpu = (double)clock() / CLOCKS_PER_SEC;
    CHECK_OK(flow_check(support->store, print_finding, NULL, &counts, &err), &err);
    double seconds = now_s() - filled;
    CHECK_INT((int64_t)counts.findings, 0);
    CHECK((int64_t)counts.journals >= journals_wanted && counts.sealed > 0);
    (void)printf(
        "# %s: %llu journals, %llu transfers, %llu seals, made in %.0f s, checked in %.2f s "
        "with %.2f s of CPU\n",
        support->name, (unsigned long long)counts.journals, (unsigned long long)counts.transfers,
        (unsigned long long)counts.seals, filled - begin, seconds,
        (double)clock() / CLOCKS_PER_SEC - cpu);
    double million = seconds * 1e6 / (double)counts.journals;
    (void)printf("RESULT check-1m-journals-%s %.2f s vs limit %d ratio %.2f better=lower\n",
                 support->name, million, LIMIT_SECONDS, million / LIMIT_SECONDS);
    world_close(&world);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(bench) };
    uint64_t number;
    bool is_postgres = argc > 1 && strcmp(argv[1], "postgresql") == 0;

    if (argc > 2 && parse_u64(argv[2], &number) && number > 0 && number <= 100 * JOURNALS)
        journals_wanted = (int64_t)number;
    return SUPPORT_RUN_ON(is_postgres ? SUPPORT_POSTGRES : SUPPORT_SQLITE, tests);
}
