/* SPDX-License-Identifier: Apache-2.0 */
#include "server/catalog_feed.h"

#include <time.h>

#include "flow/list_machine.h"
#include "flow/support.h"

static struct world world;

static void hear(void *context, enum db_topic topic, int64_t id)
{
    if (topic == TOPIC_MACHINE)
        catalog_feed_touch(context, id);
}

static struct catalog_feed *open_feed(struct support *support)
{
    struct catalog_feed *feed = NULL;
    struct error err;

    world_open(&world, support);
    CHECK_OK(catalog_feed_open(&world.flow, &feed, &err), &err);
    store_subscribe(support->store, hear, feed);
    return feed;
}

static size_t offers_in(struct catalog_feed *feed)
{
    auto_catalog_side struct catalog_side *side = catalog_feed_take(feed);

    return catalog_offer_count(catalog_side_catalog(side));
}

/* For at most five seconds. */
static bool has_offers_soon(struct catalog_feed *feed, size_t count)
{
    for (int i = 0; i < 5000 && offers_in(feed) != count; i++)
        (void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    return offers_in(feed) == count;
}

static void unlist(const struct world_machine *machine)
{
    enum list_machine_outcome outcome;
    struct error err;

    CHECK_OK(flow_unlist_machine(&world.flow, &machine->host, machine->id, &outcome, &err), &err);
    CHECK_INT(outcome, LIST_DONE);
}

/* The feed's thread reads the store: it ends first, and the store stops telling it. */
static void close_feed(struct support *support, struct catalog_feed *feed)
{
    catalog_feed_stop(feed);
    store_close(&support->store);
    catalog_feed_close(&feed);
    struct error err;
    CHECK_OK(store_open(support->location, &support->log, &support->store, &err), &err);
    world.flow.store = support->store;
    world_close(&world);
}

static void test_it_follows_what_machines_offer(void **state)
{
    struct support *support = *state;
    struct catalog_feed *feed = open_feed(support);
    static struct world_machine first, second;

    CHECK(offers_in(feed) == 0);
    world_host(&world, &first, "first", 4);
    CHECK(has_offers_soon(feed, 3));
    world_host(&world, &second, "second", 1);
    CHECK(has_offers_soon(feed, 4));
    CHECK(catalog_feed_totals(feed).machines == 2);

    /* A rental of one GPU leaves the sizes 1 and 2 of the first machine, and stays to be seen. */
    struct caller renter = world_user(&world, "ada@berth.test", 25);
    CHECK_INT(world_rent(&world, renter, world_offer(&world, first.id, 1)).outcome, RENTAL_MADE);
    unlist(&second);
    CHECK(has_offers_soon(feed, 3));
    unlist(&first);
    CHECK(has_offers_soon(feed, 1));
    close_feed(support, feed);
}

static void test_what_is_there_already_is_loaded(void **state)
{
    struct support *support = *state;
    static struct world_machine machine;
    struct catalog_feed *feed = NULL;
    struct error err;

    world_open(&world, support);
    world_host(&world, &machine, "first", 2);
    CHECK_OK(catalog_feed_open(&world.flow, &feed, &err), &err);
    CHECK(offers_in(feed) == 2);
    const struct catalog_feed_totals totals = catalog_feed_totals(feed);
    CHECK(totals.machines == 1 && totals.offers == 2 && totals.builds == 1);
    close_feed(support, feed);
}

static void test_a_search_keeps_the_catalog_that_it_took(void **state)
{
    struct support *support = *state;
    struct catalog_feed *feed = open_feed(support);
    static struct world_machine machine;

    world_host(&world, &machine, "first", 2);
    CHECK(has_offers_soon(feed, 2));
    struct catalog_side *side = catalog_feed_take(feed);
    int64_t offer = world_offer(&world, machine.id, 2);
    unlist(&machine);
    CHECK(has_offers_soon(feed, 0));
    const struct offer *kept = catalog_offer(catalog_side_catalog(side), offer);
    CHECK(kept != NULL);
    CHECK_INT(kept->machine->id, machine.id);
    catalog_side_give_back(&side);
    CHECK(side == NULL);
    close_feed(support, feed);
}

/* What is far apart in the queue comes in one batch nevertheless. */
static void test_a_machine_may_be_touched_again_and_again(void **state)
{
    struct support *support = *state;
    static struct world_machine machine, last;
    struct catalog_feed *feed = NULL;
    struct error err;

    world_open(&world, support);
    world_host(&world, &machine, "first", 2);
    CHECK_OK(catalog_feed_open(&world.flow, &feed, &err), &err);
    for (int64_t i = 0; i < 1000; i++)
        catalog_feed_touch(feed, i % 12 == 0 ? machine.id : 1000 + i);
    world_host(&world, &last, "last", 1);
    catalog_feed_touch(feed, last.id);
    CHECK(has_offers_soon(feed, 3));
    close_feed(support, feed);
}

static void test_where_changes_were_missed_all_is_read_again(void **state)
{
    struct support *support = *state;
    static struct world_machine machine;
    struct catalog_feed *feed = NULL;
    struct error err;

    world_open(&world, support);
    CHECK_OK(catalog_feed_open(&world.flow, &feed, &err), &err);
    world_host(&world, &machine, "first", 2);
    CHECK(offers_in(feed) == 0);
    catalog_feed_touch(feed, STORE_ID_ANY);
    CHECK(has_offers_soon(feed, 2));

    /* More changes than may wait come to the same: none of them is forgotten. */
    unlist(&machine);
    for (int64_t id = 1000; id < 1000 + 3 * CATALOG_QUEUE_MAX; id++)
        catalog_feed_touch(feed, id);
    catalog_feed_touch(feed, machine.id);
    CHECK(has_offers_soon(feed, 0));
    close_feed(support, feed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_follows_what_machines_offer),
        cmocka_unit_test(test_what_is_there_already_is_loaded),
        cmocka_unit_test(test_a_search_keeps_the_catalog_that_it_took),
        cmocka_unit_test(test_a_machine_may_be_touched_again_and_again),
        cmocka_unit_test(test_where_changes_were_missed_all_is_read_again),
    };
    return SUPPORT_RUN_ON(SUPPORT_SQLITE, tests);
}
