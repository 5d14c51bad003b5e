/* SPDX-License-Identifier: Apache-2.0 */
#include "market/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "support.h"

enum { MACHINES_MAX = 40, OFFERS_MAX = MACHINES_MAX * OFFER_SIZES_MAX };

static const struct query_caller somebody = { NOON, 501 };

struct market {
    size_t machine_count, offer_count;
    struct machine machines[MACHINES_MAX];
    struct offer offers[OFFERS_MAX];
};

static const char *one_of(const char *const *texts, size_t count)
{
    return texts[check_random(count)];
}

/* Few different values, so that there are ties. */
static void fill(struct market *market)
{
    static const char *const models[] = { "RTX 4090", "RTX 3090", "H100 SXM" };
    static const char *const places[] = { "Gothenburg, SE", "Oslo, NO", "" };
    int64_t id = 1;

    *market = (struct market){ .machine_count = check_random(MACHINES_MAX + 1) };
    for (size_t i = 0; i < market->machine_count; i++) {
        struct machine *machine = &market->machines[i];
        struct listing listing = some_listing();
        int64_t sizes[OFFER_SIZES_MAX];

        *machine = machine_of((int64_t)(1000 - i), 12, some_facts());
        machine->gpu_name = one_of(models, 3);
        machine->geolocation = one_of(places, 3);
        machine->verification = (enum verification)check_random(3);
        machine->is_connected = check_random(8) > 0;
        machine->gpus_free = (int64_t)check_random(9);
        machine->dlperf_milli = (int64_t)check_random(3) * 50000;
        listing.gpu_hour.nanodollars = 150000000 + (int64_t)check_random(3) * 100000000;
        for (size_t left = offer_sizes(8, 1, 8, sizes); left > 0; left--) {
            struct offer *offer = &market->offers[market->offer_count++];

            *offer = (struct offer){
                .id = (id += 1 + (int64_t)check_random(3)) * 7919 % 10007,
                .machine = machine,
                .terms = offer_cut(&listing, machine, sizes[left - 1]),
                .renter_id = check_random(6) > 0 ? 0 : 501 + (int64_t)check_random(2),
            };
        }
    }
}

static struct query_value number_of(double number)
{
    return (struct query_value){ .kind = QUERY_VALUE_NUMBER, .number = number };
}

/* Up to three conditions, of which some hold for nobody. */
static struct query a_query(struct query_value values[3])
{
    static const enum query_field fields[] = {
        QUERY_NUM_GPUS, QUERY_RENTABLE, QUERY_VERIFIED, QUERY_DPH_TOTAL, QUERY_DLPERF, QUERY_RENTED,
    };
    static const enum query_field orders[] = {
        QUERY_SCORE, QUERY_DPH_TOTAL, QUERY_DLPERF, QUERY_NUM_GPUS, QUERY_GPU_NAME, QUERY_ID,
    };
    struct query query = query_default();

    query.ask.type = (enum offer_type)check_random(3);
    query.limit = 1 + check_random(check_random(2) ? 10 : 400);
    query.ask.disk_milligb = (int64_t)check_random(2000000);
    for (uint64_t left = check_random(4); left > 0; left--) {
        size_t i = query.condition_count++;

        values[i] = number_of((double)check_random(5));
        query.conditions[i] = (struct query_condition){
            .field = fields[check_random(6)],
            .relation = (enum query_relation)check_random(QUERY_IN),
            .count = 1,
            .values = &values[i],
        };
    }
    query.order_count = 1 + check_random(2);
    for (size_t i = 0; i < query.order_count; i++)
        query.order[i] = (struct query_order){ orders[check_random(6)], check_random(2) == 0 };
    return query;
}

static const struct query *sorted_by;

static int compare_hits(const void *a, const void *b)
{
    const struct catalog_hit *first = a, *second = b;
    struct query_subject of_first = { first->offer, &first->quote };
    struct query_subject of_second = { second->offer, &second->quote };

    return query_compare(sorted_by, &of_first, &of_second, &somebody);
}

/* All that match, sorted. */
static size_t search_by_sorting(const struct market *market, const struct query *query,
                                struct catalog_hit *hits)
{
    size_t count = 0;

    for (size_t i = 0; i < market->offer_count; i++) {
        const struct offer *offer = &market->offers[i];
        struct catalog_hit hit = { offer, offer_quote(offer, &query->ask) };
        struct query_subject subject = { offer, &hit.quote };

        if (query_matches(query, &subject, &somebody))
            hits[count++] = hit;
    }
    sorted_by = query;
    qsort(hits, count, sizeof hits[0], compare_hits);
    return count;
}

static void test_a_search_finds_what_sorting_everything_finds(void **state)
{
    static struct market market;
    static struct catalog_hit got[QUERY_LIMIT_MAX], want[OFFERS_MAX];

    (void)state;
    for (int round = 0; round < 600; round++) {
        fill(&market);
        auto_catalog struct catalog *catalog =
            catalog_of(market.machines, market.machine_count, market.offers, market.offer_count);

        CHECK(catalog_offer_count(catalog) == market.offer_count);
        for (int search = 0; search < 5; search++) {
            struct query_value values[3];
            struct query query = a_query(values);
            size_t count = catalog_search(catalog, &query, &somebody, got);
            size_t all = search_by_sorting(&market, &query, want);

            check_row("round %d, search %d", round, search);
            CHECK(count == (all < query.limit ? all : query.limit));
            for (size_t i = 0; i < count; i++) {
                CHECK_INT(got[i].offer->id, want[i].offer->id);
                CHECK_INT(got[i].quote.total.nanodollars, want[i].quote.total.nanodollars);
            }
        }
    }
}

static void test_a_catalog_owns_what_it_was_given(void **state)
{
    char name[] = "RTX 4090", place[] = "Oslo, NO";
    struct machine machine = machine_of(77, 12, some_facts());
    struct listing listing = some_listing();
    struct offer offer = { .id = 5,
                           .machine = &machine,
                           .terms = offer_cut(&listing, &machine, 1) };

    (void)state;
    machine.gpu_name = name;
    machine.geolocation = place;
    auto_catalog struct catalog *catalog = catalog_of(&machine, 1, &offer, 1);
    memset(name, 'x', sizeof name - 1);
    memset(place, 'x', sizeof place - 1);
    memset(&machine, 0, sizeof machine);
    memset(&offer, 0, sizeof offer);

    const struct offer *found = catalog_offer(catalog, 5);
    CHECK(found != NULL);
    CHECK_INT(found->machine->id, 77);
    CHECK_TEXT(found->machine->gpu_name, "RTX 4090");
    CHECK_TEXT(found->machine->geolocation, "Oslo, NO");
    CHECK_TEXT(found->machine->hostname, "box");
    CHECK(catalog_offer(catalog, 4) == NULL);
    CHECK(catalog_offer(catalog, 6) == NULL);
}

static void test_every_offer_is_found_by_its_id(void **state)
{
    static struct market market;

    (void)state;
    fill(&market);
    auto_catalog struct catalog *catalog =
        catalog_of(market.machines, market.machine_count, market.offers, market.offer_count);
    for (size_t i = 0; i < market.offer_count; i++) {
        const struct offer *found = catalog_offer(catalog, market.offers[i].id);

        check_row("offer %zu", i);
        CHECK(found != NULL);
        CHECK_INT(found->machine->id, market.offers[i].machine->id);
    }
}

static void test_an_empty_market_has_nothing(void **state)
{
    auto_catalog struct catalog *catalog = catalog_of(NULL, 0, NULL, 0);
    static struct catalog_hit hits[QUERY_LIMIT_DEFAULT];
    struct query query = query_default();

    (void)state;
    CHECK(catalog_search(catalog, &query, &somebody, hits) == 0);
    CHECK(catalog_offer(catalog, 1) == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_search_finds_what_sorting_everything_finds),
        cmocka_unit_test(test_a_catalog_owns_what_it_was_given),
        cmocka_unit_test(test_every_offer_is_found_by_its_id),
        cmocka_unit_test(test_an_empty_market_has_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
