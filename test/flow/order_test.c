/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/order.h"

#include <pthread.h>
#include <string.h>

#include "support.h"

static struct order_reply create(struct world *world, struct caller caller, const char *launch)
{
    struct order_request request = { .label = "night", .query = "{}", .launch = launch, .days = 2 };
    struct order_reply reply;
    struct error err;

    CHECK_OK(flow_order_create(&world->flow, &caller, &request, &reply, &err), &err);
    return reply;
}

static struct order_row load(struct world *world, int64_t id)
{
    struct order_row order;
    struct error err;
    bool has;

    CHECK_OK(flow_order_load(&world->flow, id, &world->arena, &order, &has, &err), &err);
    CHECK(has);
    return order;
}

static struct rental_reply rent_for(const struct flow *flow, struct caller caller, int64_t offer_id,
                                    int64_t order_id)
{
    struct rental_request request = {
        .offer_id = offer_id,
        .order_id = order_id,
        .spec = { .image = "ubuntu:24.04", .runtype = "ssh", .disk_gb = 10 },
    };
    struct rental_reply reply;
    struct error err;

    CHECK_OK(flow_rent(flow, &caller, &request, &reply, &err), &err);
    return reply;
}

static bool tell(struct world *world, int64_t id, int64_t offer_id)
{
    struct error err;
    bool has_fired;

    CHECK_OK(flow_order_tell(&world->flow, id, offer_id, &has_fired, &err), &err);
    return has_fired;
}

static void test_an_order_rents_once(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 2);
    int64_t id = create(&world, ada, "{}").order.id;

    int64_t offer_id = world_offer(&world, machine.id, 1);
    struct rental_reply first = rent_for(&world.flow, ada, offer_id, id);
    CHECK_INT(first.outcome, RENTAL_MADE);
    struct order_row order = load(&world, id);
    CHECK_INT(order.state, ORDER_FIRED);
    CHECK_INT(order.offer_id, offer_id);
    CHECK_INT(order.contract_id, first.instance_id);

    struct hash before = world_dump(&world);
    struct rental_reply again = rent_for(&world.flow, ada, world_offer(&world, machine.id, 1), id);
    CHECK_INT(again.outcome, RENTAL_ORDER_OVER);
    CHECK_INT(again.instance_id, 0);
    CHECK_UNCHANGED(&world, before);
    world_check(&world);
    world_close(&world);
}

/* What cannot be rented leaves the order as it is: it waits for the next. */
static void test_a_refused_rental_leaves_it_waiting(void **state)
{
    struct world world;
    struct world_machine machine;
    struct error err;

    world_open(&world, *state);
    struct caller poor = world_user(&world, "poor@berth.test", 0);
    world_host(&world, &machine, "a", 1);
    int64_t id = create(&world, poor, "{}").order.id;
    int64_t offer_id = world_offer(&world, machine.id, 1);
    struct rental_reply reply = rent_for(&world.flow, poor, offer_id, id);
    CHECK_INT(reply.outcome, RENTAL_REFUSED);
    CHECK_INT(reply.refusal, RENT_NO_CREDIT);
    CHECK_INT(load(&world, id).state, ORDER_WAITS);
    CHECK_OK(flow_order_note(&world.flow, id, "no credit", &err), &err);
    CHECK_TEXT(load(&world, id).note, "no credit");
    CHECK_INT(world_offer(&world, machine.id, 1), offer_id);
    world_close(&world);
}

static void test_one_that_tells_does_so_once(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 0);
    world_host(&world, &machine, "a", 1);
    int64_t id = create(&world, ada, NULL).order.id, offer = world_offer(&world, machine.id, 1);
    CHECK(tell(&world, id, offer));
    CHECK(!tell(&world, id, offer));
    CHECK_INT(load(&world, id).state, ORDER_FIRED);
    CHECK_INT(load(&world, id).contract_id, 0);
    CHECK_INT(world_offer(&world, machine.id, 1), offer);
    world_close(&world);
}

static void test_orders_are_their_owners_and_bounded(void **state)
{
    struct world world;
    enum order_outcome outcome;
    struct order_row *orders;
    struct error err;
    size_t count;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 0);
    struct caller eve = world_user(&world, "eve@berth.test", 0);
    int64_t id = create(&world, ada, NULL).order.id;
    CHECK_OK(flow_order_cancel(&world.flow, &eve, id, &outcome, &err), &err);
    CHECK_INT(outcome, ORDER_NONE);
    CHECK_OK(flow_order_list(&world.flow, &eve, &world.arena, &orders, &count, &err), &err);
    CHECK(count == 0);
    for (int i = 1; i < ORDERS_PER_USER_MAX; i++)
        CHECK_INT(create(&world, ada, NULL).outcome, ORDER_DONE);
    CHECK_INT(create(&world, ada, NULL).outcome, ORDER_TOO_MANY);
    CHECK_INT(create(&world, eve, NULL).outcome, ORDER_DONE);
    CHECK_OK(flow_order_cancel(&world.flow, &ada, id, &outcome, &err), &err);
    CHECK_INT(outcome, ORDER_DONE);
    CHECK_OK(flow_order_cancel(&world.flow, &ada, id, &outcome, &err), &err);
    CHECK_INT(outcome, ORDER_NONE);
    CHECK_INT(create(&world, ada, NULL).outcome, ORDER_DONE);
    world_close(&world);
}

static void test_an_order_that_is_too_late_fires_no_more(void **state)
{
    struct world world;
    struct world_machine machine;
    struct order_row *orders;
    struct error err;
    size_t count;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    int64_t id = create(&world, ada, "{}").order.id, offer = world_offer(&world, machine.id, 1);
    CHECK_OK(flow_order_waiting(&world.flow, 0, 10, &world.arena, &orders, &count, &err), &err);
    CHECK(count == 1);
    world_pass(&world, 48 * US_PER_HOUR);
    CHECK(!tell(&world, id, offer));
    CHECK_INT(rent_for(&world.flow, ada, offer, id).outcome, RENTAL_ORDER_OVER);
    CHECK_OK(flow_order_expire(&world.flow, &err), &err);
    CHECK_INT(load(&world, id).state, ORDER_TOO_LATE);
    CHECK_OK(flow_order_waiting(&world.flow, 0, 10, &world.arena, &orders, &count, &err), &err);
    CHECK(count == 0);
    world_close(&world);
}

/* Two servers, that is two stores on one database, where it is PostgreSQL; two callers of one
 * store where it is SQLite. Each tries to rent for the order on a machine of its own. */
enum { SERVERS = 2, TRIES = 12 };

struct server {
    struct flow flow;
    struct caller caller;
    int64_t offer_id, order_id;
    struct rental_reply reply;
    pthread_t thread;
};

static void *race(void *context)
{
    struct server *server = context;

    server->reply = rent_for(&server->flow, server->caller, server->offer_id, server->order_id);
    return NULL;
}

static void test_two_servers_fire_it_once(void **state)
{
    struct support *support = *state;
    static struct world_machine machines[SERVERS];
    struct store *stores[SERVERS];
    struct server servers[SERVERS];
    struct world world;
    struct error err;

    world_open(&world, support);
    bool is_shared = strncmp(support->location, "postgres", 8) == 0;
    struct caller ada = world_user(&world, "ada@berth.test", 1000);
    for (size_t i = 0; i < SERVERS; i++) {
        stores[i] = world.flow.store;
        if (i > 0 && is_shared)
            CHECK_OK(store_open(support->location, &support->log, &stores[i], &err), &err);
        world_host(&world, &machines[i], i == 0 ? "a" : "b", TRIES + 1);
    }
    for (int n = 0; n < TRIES; n++) {
        int64_t id = create(&world, ada, "{}").order.id;
        int made = 0;

        for (size_t i = 0; i < SERVERS; i++) {
            servers[i] = (struct server){ .flow = world.flow, .caller = ada, .order_id = id };
            servers[i].flow.store = stores[i];
            servers[i].offer_id = world_offer(&world, machines[i].id, 1);
        }
        for (size_t i = 0; i < SERVERS; i++)
            CHECK_INT(pthread_create(&servers[i].thread, NULL, race, &servers[i]), 0);
        for (size_t i = 0; i < SERVERS; i++)
            CHECK_INT(pthread_join(servers[i].thread, NULL), 0);
        for (size_t i = 0; i < SERVERS; i++) {
            bool is_made = servers[i].reply.outcome == RENTAL_MADE;

            CHECK(is_made || servers[i].reply.outcome == RENTAL_ORDER_OVER);
            made += is_made;
            if (is_made)
                CHECK_INT(load(&world, id).contract_id, servers[i].reply.instance_id);
        }
        check_row("try %d", n);
        CHECK_INT(made, 1);
    }
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM contract"), TRIES);
    world_check(&world);
    for (size_t i = 1; i < SERVERS && is_shared; i++)
        store_close(&stores[i]);
    world_close(&world);
}

/* Until it ends, nothing of it can be read in the database; then it is gone. */
static void test_what_is_to_be_rented_lies_sealed(void **state)
{
    static const char launch[] = "{\"env\":{\"TOKEN\":\"hunter2\"}}";
    struct order_row *orders;
    struct world world;
    struct error err;
    size_t count;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    int64_t first = create(&world, ada, launch).order.id,
            second = create(&world, ada, NULL).order.id;

    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM standing_order WHERE launch IS NULL"), 1);
    CHECK_INT(
        world_number(&world, "SELECT COUNT(*) FROM standing_order WHERE launch LIKE 'sealed:%'"),
        1);
    CHECK_INT(
        world_number(&world, "SELECT COUNT(*) FROM standing_order WHERE launch LIKE '%hunter2%'"),
        0);
    CHECK_TEXT(load(&world, first).launch, launch);
    CHECK(load(&world, second).launch == NULL);
    CHECK_OK(flow_order_waiting(&world.flow, 0, 10, &world.arena, &orders, &count, &err), &err);
    CHECK_INT((int64_t)count, 2);
    CHECK_TEXT(orders[0].launch, launch);

    /* Under another master key it does not open: it is empty, and the others are there. */
    struct vault other = vault_of((const uint8_t[SEAL_KEY_SIZE]){ 8 });
    struct flow flow = world.flow;
    flow.vault = &other;
    CHECK_OK(flow_order_waiting(&flow, 0, 10, &world.arena, &orders, &count, &err), &err);
    CHECK_INT((int64_t)count, 2);
    CHECK_TEXT(orders[0].launch, "");
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_order_rents_once),
        cmocka_unit_test(test_what_is_to_be_rented_lies_sealed),
        cmocka_unit_test(test_a_refused_rental_leaves_it_waiting),
        cmocka_unit_test(test_one_that_tells_does_so_once),
        cmocka_unit_test(test_orders_are_their_owners_and_bounded),
        cmocka_unit_test(test_an_order_that_is_too_late_fires_no_more),
        cmocka_unit_test(test_two_servers_fire_it_once),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
