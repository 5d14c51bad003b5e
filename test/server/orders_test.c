/* SPDX-License-Identifier: Apache-2.0 */
#include "server/orders.h"

#include <string.h>
#include <time.h>

#include "flow/list_machine.h"
#include "flow/order.h"
#include "flow/support.h"

#define LAUNCH "{\"image\":\"ubuntu:24.04\",\"disk\":10,\"runtype\":\"ssh\"}"

static struct world world;

/* A server: its feed and its orders, on a store of its own. */
struct server {
    struct flow flow;
    struct catalog_feed *feed;
    struct orders *orders;
};

static void hear(void *context, enum db_topic topic, int64_t id)
{
    struct server *server = context;

    if (topic == TOPIC_MACHINE)
        catalog_feed_touch(server->feed, id);
    if (topic == TOPIC_MACHINE || topic == TOPIC_ORDER)
        orders_touch(server->orders, topic, id);
}

static void open_server(struct server *server, struct store *store)
{
    struct error err;

    server->flow = world.flow;
    server->flow.store = store;
    CHECK_OK(catalog_feed_open(&server->flow, &server->feed, &err), &err);
    CHECK_OK(orders_open(&server->flow, server->feed, &server->orders, &err), &err);
    store_subscribe(store, hear, server);
    /* As a server does: orders may have rented since, and nobody listened. */
    hear(server, TOPIC_MACHINE, STORE_ID_ANY);
}

/* Threads end first, then the store stops telling them. */
static void close_server(struct server *server, struct store **store)
{
    orders_stop(server->orders);
    catalog_feed_stop(server->feed);
    store_close(store);
    orders_close(&server->orders);
    catalog_feed_close(&server->feed);
}

static void close_world(struct support *support)
{
    struct error err;

    CHECK_OK(store_open(support->location, &support->log, &support->store, &err), &err);
    world.flow.store = support->store;
    world_check(&world);
    world_close(&world);
}

static int64_t create(struct caller caller, const char *query, const char *launch)
{
    struct order_request request = { .query = query, .launch = launch };
    struct order_reply reply;
    struct error err;

    CHECK_OK(flow_order_create(&world.flow, &caller, &request, &reply, &err), &err);
    CHECK_INT(reply.outcome, ORDER_DONE);
    return reply.order.id;
}

static struct order_row load(int64_t id)
{
    struct order_row order;
    struct error err;
    bool has;

    CHECK_OK(flow_order_load(&world.flow, id, &world.arena, &order, &has, &err), &err);
    CHECK(has);
    return order;
}

static void pause_ms(int64_t ms)
{
    (void)nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 },
                    NULL);
}

/* For at most five seconds. */
static bool fires_soon(int64_t id)
{
    for (int i = 0; i < 500 && load(id).state == ORDER_WAITS; i++)
        pause_ms(10);
    return load(id).state == ORDER_FIRED;
}

static void set_min_bid(const struct world_machine *machine, int64_t nanodollars)
{
    struct list_machine_request request = { .machine_id = machine->id,
                                            .has_min_bid = true,
                                            .values.min_bid_hour = { nanodollars } };
    struct list_machine_reply reply;
    struct error err;

    CHECK_OK(flow_list_machine(&world.flow, &machine->host, &request, &reply, &err), &err);
    CHECK_INT(reply.outcome, LIST_DONE);
}

static void reprice(const struct world_machine *machine, int64_t nanodollars)
{
    struct list_machine_request request = { .machine_id = machine->id,
                                            .has_gpu_hour = true,
                                            .values.gpu_hour = { nanodollars } };
    struct list_machine_reply reply;
    struct error err;

    CHECK_OK(flow_list_machine(&world.flow, &machine->host, &request, &reply, &err), &err);
    CHECK_INT(reply.outcome, LIST_DONE);
}

static void test_what_is_there_already_is_found(void **state)
{
    struct support *support = *state;
    static struct world_machine machine;
    struct server server = { .feed = NULL };

    world_open(&world, support);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 2);
    int64_t early = create(ada, "{\"num_gpus\":{\"eq\":1}}", LAUNCH);
    open_server(&server, support->store);
    CHECK(fires_soon(early));
    int64_t id = create(ada, "{\"num_gpus\":{\"eq\":1}}", LAUNCH);
    CHECK(fires_soon(id));
    struct order_row order = load(id);
    CHECK(order.contract_id > 0 && order.contract_id != load(early).contract_id);
    CHECK_INT(world_contract(&world, order.contract_id).owner_id, ada.user_id);
    CHECK_INT(world_contract(&world, order.contract_id).terms.num_gpus, 1);
    close_server(&server, &support->store);
    close_world(support);
}

static void test_what_comes_later_is_found_when_it_comes(void **state)
{
    struct support *support = *state;
    static struct world_machine machine;
    struct server server = { .feed = NULL };

    world_open(&world, support);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    open_server(&server, support->store);
    int64_t cheap = create(ada, "{\"dph_per_gpu\":{\"lte\":0.25},\"num_gpus\":{\"eq\":2}}", LAUNCH);
    int64_t any = create(ada, "{\"num_gpus\":{\"eq\":2}}", NULL);
    world_host(&world, &machine, "a", 2); /* at $0.36 */
    CHECK(fires_soon(any));
    CHECK_INT(load(any).contract_id, 0);
    CHECK_INT(load(any).offer_id, world_offer(&world, machine.id, 2));
    pause_ms(200);
    CHECK_INT(load(cheap).state, ORDER_WAITS);
    reprice(&machine, 250000001);
    pause_ms(200);
    CHECK_INT(load(cheap).state, ORDER_WAITS);
    reprice(&machine, 250000000);
    CHECK(fires_soon(cheap));
    CHECK_INT(world_contract(&world, load(cheap).contract_id).terms.gpu_hour.nanodollars,
              500000000);
    close_server(&server, &support->store);
    close_world(support);
}

/* "Bid at most so much, start when found": what would make the bid wait is no find. */
static void test_a_bid_is_made_where_it_runs_at_once(void **state)
{
    static const char query[] = "{\"num_gpus\":{\"eq\":2},\"type\":\"bid\"}";
    static const char launch[] = "{\"image\":\"ubuntu:24.04\",\"disk\":10,\"runtype\":\"ssh\","
                                 "\"price\":0.3,\"max_price\":0.5}";
    struct support *support = *state;
    static struct world_machine machine;
    struct server server = { .feed = NULL };

    world_open(&world, support);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 2);
    set_min_bid(&machine, 151000000);
    open_server(&server, support->store);
    int64_t id = create(ada, query, launch);
    pause_ms(300);
    CHECK_INT(load(id).state, ORDER_WAITS);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM contract"), 0);
    set_min_bid(&machine, 150000000);
    CHECK(fires_soon(id));
    int64_t contract_id = load(id).contract_id;
    CHECK_INT(world_contract(&world, contract_id).owner_id, ada.user_id);
    CHECK_INT(world_number(&world, "SELECT ticks FROM bid"), 150);
    CHECK_INT(world_number(&world, "SELECT max_ticks FROM bid"), 250);
    CHECK_INT(world_contract(&world, contract_id).state, RENTAL_CREATED);
    close_server(&server, &support->store);
    close_world(support);
}

static void test_one_without_credit_waits_and_says_so(void **state)
{
    struct support *support = *state;
    static struct world_machine machine;
    struct server server = { .feed = NULL };

    world_open(&world, support);
    struct caller poor = world_user(&world, "poor@berth.test", 0);
    world_host(&world, &machine, "a", 1);
    open_server(&server, support->store);
    int64_t id = create(poor, "{\"num_gpus\":{\"gte\":1}}", LAUNCH);
    for (int i = 0; i < 500 && load(id).note[0] == '\0'; i++)
        pause_ms(10);
    CHECK_TEXT(load(id).note, rent_outcome_sentence(RENT_NO_CREDIT));
    CHECK_INT(load(id).state, ORDER_WAITS);
    close_server(&server, &support->store);
    close_world(support);
}

/* Both look at every change: two stores on one PostgreSQL, each with a server. */
static void test_two_servers_rent_once(void **state)
{
    enum { ORDERS = 6 };
    struct support *support = *state;
    static struct world_machine machine;
    struct server first = { .feed = NULL }, second = { .feed = NULL };
    struct store *other = NULL;
    int64_t ids[ORDERS];
    struct error err;

    if (strncmp(support->location, "postgres", 8) != 0)
        return; /* one server holds SQLite's file */
    world_open(&world, support);
    struct caller ada = world_user(&world, "ada@berth.test", 500);
    CHECK_OK(store_open(support->location, &support->log, &other, &err), &err);
    open_server(&first, support->store);
    open_server(&second, other);
    pause_ms(300);
    for (int i = 0; i < ORDERS; i++)
        ids[i] = create(ada, "{\"num_gpus\":{\"eq\":1}}", LAUNCH);
    world_host(&world, &machine, "a", 8);
    for (int i = 0; i < ORDERS; i++)
        CHECK(fires_soon(ids[i]));
    pause_ms(500);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM contract"), ORDERS);
    CHECK_INT(world_number(&world, "SELECT COUNT(DISTINCT contract_id) FROM standing_order"),
              ORDERS);
    close_server(&second, &other);
    close_server(&first, &support->store);
    close_world(support);
}

static void test_a_query_is_priced_for_the_disk_that_it_rents(void **state)
{
    auto_arena struct arena arena = arena_of(1 << 20);
    struct query query;
    struct error err;

    (void)state;
    CHECK_OK(orders_query("{\"rentable\":{\"eq\":\"any\"},\"extra_ids\":[1],\"num_gpus\":1}",
                          "{\"image\":\"x\",\"disk\":40}", &arena, &query, &err),
             &err);
    CHECK_INT(query.ask.disk_milligb, 40000);
    CHECK(!query.has_rented && query.extra_count == 0);
    /* A bid looks for where it would run; its price and the query's type go together. */
    CHECK_OK(orders_query("{\"type\":\"bid\"}", "{\"image\":\"x\",\"disk\":40,\"price\":0.25}",
                          &arena, &query, &err),
             &err);
    CHECK_INT((int64_t)query.condition_count, 1);
    CHECK(query.conditions[0].field == QUERY_MIN_BID && query.conditions[0].relation == QUERY_LTE &&
          query.conditions[0].values[0].number == 0.25);
    CHECK(!orders_query("{\"type\":\"bid\"}", "{\"image\":\"x\"}", &arena, &query, &err));
    CHECK_TEXT(err.text, "a bid needs a price: say it in launch");
    CHECK(!orders_query("{}", "{\"image\":\"x\",\"price\":0.25}", &arena, &query, &err));
    CHECK_TEXT(err.text, "launch has a price, so the type must be bid");
    CHECK(!orders_query("{\"type\":\"reserved\"}", "{\"image\":\"x\"}", &arena, &query, &err));
    CHECK(!orders_query("{\"nope\":1}", NULL, &arena, &query, &err));
    CHECK(!orders_query("{}", "{\"disk\":40}", &arena, &query, &err));
    CHECK(!orders_query("{", NULL, &arena, &query, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_there_already_is_found),
        cmocka_unit_test(test_what_comes_later_is_found_when_it_comes),
        cmocka_unit_test(test_a_bid_is_made_where_it_runs_at_once),
        cmocka_unit_test(test_one_without_credit_waits_and_says_so),
        cmocka_unit_test(test_two_servers_rent_once),
        cmocka_unit_test(test_a_query_is_priced_for_the_disk_that_it_rents),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
