/* SPDX-License-Identifier: Apache-2.0 */
#include "server/catalog_pair.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "check.h"
#include "market/catalog_search.h"
#include "server/stock.h"

enum { MACHINES = 40, OFFERS = 3, READERS = 2, CHANGES = 2000, SECONDS_MAX = 3 };

static struct catalog_pair *pair;
static _Atomic int64_t versions[MACHINES]; /* what has been put for certain */
static atomic_bool is_over;
static atomic_int wrong_count, search_count;
static _Atomic int64_t totals[2 * CHANGES]; /* by edition: of all versions, plus one */

/* All offers of a machine cost the same, and what they cost is the version. */
static struct stock *stock_at(int64_t machine_id, int64_t version)
{
    struct machine machine = {
        .id = machine_id,
        .host_id = 5,
        .hostname = "",
        .os_version = "",
        .cpu_name = "",
        .cpu_arch = "amd64",
        .disk_name = "",
        .public_ip = "",
        .driver_version = "",
        .gpu_name = version % 2 == 0 ? "RTX 4090" : "RTX 3090",
        .geolocation = "",
        .gpu_count = 4,
        .gpus_free = 4,
        .disk_free_gb = 100,
        .is_connected = true,
    };
    struct offer offers[OFFERS];

    for (int i = 0; i < OFFERS; i++)
        offers[i] = (struct offer){
            .id = machine_id * OFFERS + i,
            .machine = &machine,
            .terms = { .num_gpus = 1 << i, .gpu_hour = { version }, .disk_gb = 100 },
        };
    return stock_of(machine_id, offers, OFFERS, 1);
}

/* An edition is the same offers each time, whichever of the two catalogs has it. */
static bool is_of_its_edition(const struct catalog_side *side, const int64_t *seen)
{
    int64_t total = 1, there = 0;

    for (int i = 0; i < MACHINES; i++)
        total += seen[i];
    _Atomic int64_t *known = &totals[catalog_side_edition(side) % (2 * CHANGES)];
    return atomic_compare_exchange_strong(known, &there, total) || there == total;
}

/* One search for all offers: those of a machine are of one version, no older than what was put
 * before the search began, and what they point to is there. */
static void look(void)
{
    static _Thread_local struct catalog_hit hits[MACHINES * OFFERS];
    int64_t before[MACHINES], seen[MACHINES];
    const struct query_caller caller = { { 0 }, 0 };
    struct query query = query_default();

    query.order[0] = (struct query_order){ QUERY_MACHINE_ID, false };
    query.limit = MACHINES * OFFERS;
    for (int i = 0; i < MACHINES; i++) {
        before[i] = atomic_load(&versions[i]);
        seen[i] = -1;
    }
    struct catalog_side *side = catalog_pair_take(pair);
    size_t count = catalog_search(catalog_side_catalog(side), &query, &caller, hits);

    for (size_t i = 0; i < count; i++) {
        int64_t machine = hits[i].offer->machine->id;
        int64_t version = hits[i].offer->terms.gpu_hour.nanodollars;
        bool is_even = hits[i].offer->machine->gpu_name[4] == '4';

        if ((seen[machine] >= 0 && seen[machine] != version) || version < before[machine] ||
            is_even != (version % 2 == 0) || hits[i].offer->json_length == 0)
            atomic_fetch_add(&wrong_count, 1);
        seen[machine] = version;
    }
    if (count != MACHINES * OFFERS || !is_of_its_edition(side, seen))
        atomic_fetch_add(&wrong_count, 1);
    catalog_side_give_back(&side);
    atomic_fetch_add(&search_count, 1);
}

static void *run_reader(void *context)
{
    (void)context;
    while (!atomic_load(&is_over))
        look();
    return NULL;
}

/* Puts some machines anew, and lets go of what they were. */
static void change(struct stock *stocks[static MACHINES], int64_t version)
{
    struct catalog_stock put[4];
    struct stock *last[4];
    int64_t ids[4];
    size_t count = 1 + check_random(4);

    for (size_t i = 0; i < count; i++) {
        /* Each machine once. */
        ids[i] = (int64_t)(i * (MACHINES / 4) + check_random(MACHINES / 4));
        last[i] = stocks[ids[i]];
        stocks[ids[i]] = stock_at(ids[i], version);
        put[i] = stocks[ids[i]]->offers;
    }
    catalog_pair_put(pair, put, count);
    for (size_t i = 0; i < count; i++) {
        atomic_store(&versions[ids[i]], version);
        stock_release(&last[i]);
    }
}

static void test_searches_see_what_was_put_and_nothing_by_halves(void **state)
{
    static struct stock *stocks[MACHINES];
    static struct catalog_stock offers[MACHINES];
    pthread_t readers[READERS];
    struct timespec begin, now;

    (void)state;
    for (int64_t i = 0; i < MACHINES; i++) {
        stocks[i] = stock_at(i, 1);
        offers[i] = stocks[i]->offers;
    }
    pair = catalog_pair_of(offers, MACHINES);
    for (int i = 0; i < READERS; i++)
        CHECK(pthread_create(&readers[i], NULL, run_reader, NULL) == 0);
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    now = begin;
    for (int64_t version = 2; version < CHANGES && now.tv_sec < begin.tv_sec + SECONDS_MAX;
         version++) {
        change(stocks, version);
        if (version % 50 == 0) {
            for (int64_t i = 0; i < MACHINES; i++)
                offers[i] = stocks[i]->offers;
            catalog_pair_replace(pair, offers, MACHINES);
        }
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
    }
    atomic_store(&is_over, true);
    for (int i = 0; i < READERS; i++)
        (void)pthread_join(readers[i], NULL);
    CHECK_INT(atomic_load(&wrong_count), 0);
    CHECK(atomic_load(&search_count) > 0);
    catalog_pair_release(&pair);
    CHECK(pair == NULL);
    for (int i = 0; i < MACHINES; i++)
        stock_release(&stocks[i]);
}

static void test_what_is_put_is_there_for_the_next_to_take(void **state)
{
    struct stock *first = stock_at(1, 10), *second = stock_at(2, 20);
    const struct catalog_stock offers[] = { first->offers, second->offers };

    (void)state;
    pair = catalog_pair_of(offers, 1);
    struct catalog_side *side = catalog_pair_take(pair);
    uint64_t edition = catalog_side_edition(side);
    CHECK(catalog_offer_count(catalog_side_catalog(side)) == OFFERS);
    catalog_side_give_back(&side);
    CHECK(side == NULL);
    catalog_pair_put(pair, offers + 1, 1);
    side = catalog_pair_take(pair);
    CHECK(catalog_offer_count(catalog_side_catalog(side)) == 2 * OFFERS);
    CHECK(catalog_side_edition(side) > edition);
    edition = catalog_side_edition(side);
    catalog_side_give_back(&side);
    catalog_side_give_back(&side);
    catalog_pair_replace(pair, offers, 1);
    side = catalog_pair_take(pair);
    CHECK(catalog_side_edition(side) > edition);
    catalog_side_give_back(&side);
    catalog_pair_release(&pair);
    stock_release(&first);
    stock_release(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_searches_see_what_was_put_and_nothing_by_halves),
        cmocka_unit_test(test_what_is_put_is_there_for_the_next_to_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
