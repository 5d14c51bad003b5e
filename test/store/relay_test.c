/* SPDX-License-Identifier: Apache-2.0 */
#include "store/relay.h"

#include "market/relaying.h"
#include "store/support_rows.h"

static int64_t add(struct scene *scene, const char *host, int64_t first, int64_t last,
                   int64_t alive_until)
{
    const struct relay_row relay = { .agent_host = host,
                                     .agent_port = 7700,
                                     .public_host = "relay.test",
                                     .port_first = first,
                                     .port_last = last,
                                     .pin = "",
                                     .alive_until = scene_at(alive_until) };
    int64_t id = 0;

    CHECK_OK(relay_insert(scene->db, &relay, &id, &scene->err), &scene->err);
    return id;
}

static bool give(struct scene *scene, int64_t relay_id, int64_t port, int64_t contract_id,
                 int64_t inside)
{
    const struct relay_port_row row = { .relay_id = relay_id,
                                        .port = port,
                                        .contract_id = contract_id,
                                        .inside = inside,
                                        .asked = inside };

    return relay_port_insert(scene->db, &row, &scene->err);
}

static void test_a_port_is_given_once(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t a = add(&scene, "a", 100, 109, 10), b = add(&scene, "b", 100, 109, 10);

    CHECK_OK(give(&scene, a, 100, scene.contract, 22), &scene.err);
    CHECK_OK(give(&scene, b, 100, scene.contract_bob, 22), &scene.err);
    CHECK_REFUSED(&scene, give(&scene, a, 100, scene.contract_bob, 22));
    CHECK_REFUSED(&scene, give(&scene, a, 101, 999999, 22));
    CHECK_REFUSED(&scene, give(&scene, a, 0, scene.contract, 22));
    CHECK_REFUSED(&scene, give(&scene, a, 101, scene.contract, 65536));
}

static void test_ports_are_found_by_whose_they_are(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t relay = add(&scene, "a", 100, 109, 10), taken[2], count;
    struct relay_port_row *ports;
    size_t found;

    CHECK_OK(give(&scene, relay, 105, scene.contract, 8080), &scene.err);
    CHECK_OK(give(&scene, relay, 104, scene.contract, 22), &scene.err);
    CHECK_OK(give(&scene, relay, 102, scene.contract_bob, 22), &scene.err);
    CHECK_OK(relay_port_list(scene.db, scene.contract, &scene.arena, &ports, &found, &scene.err),
             &scene.err);
    CHECK_COUNT(found, 2);
    CHECK_INT(ports[0].inside, 22);
    CHECK_INT(ports[0].port, 104);
    CHECK_TEXT(ports[1].public_host, "relay.test");
    CHECK_OK(relay_ports_from(scene.db, relay, 103, taken, 2, &found, &scene.err), &scene.err);
    CHECK_COUNT(found, 2);
    CHECK_INT(taken[0], 104);
    CHECK_INT(taken[1], 105);
    CHECK_OK(relay_port_remove(scene.db, scene.contract, &count, &scene.err), &scene.err);
    CHECK_INT(count, 2);
    CHECK_OK(relay_ports_from(scene.db, relay, 100, taken, 2, &found, &scene.err), &scene.err);
    CHECK_COUNT(found, 1);
}

/* What a port carries, and whether its relay has a certificate, is told with it. */
static void test_a_port_says_what_it_carries(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct relay_row relay = { .agent_host = "a",
                               .agent_port = 7700,
                               .public_host = "relay.test",
                               .port_first = 100,
                               .port_last = 109,
                               .pin = "",
                               .has_https = true };
    struct relay_port_row row = { .port = 103,
                                  .contract_id = scene.contract,
                                  .inside = 8080,
                                  .asked = 8080,
                                  .protocol = RELAYING_HTTPS },
                          *ports;
    struct relay_route *routes;
    size_t count;

    CHECK_OK(relay_insert(scene.db, &relay, &row.relay_id, &scene.err), &scene.err);
    CHECK_OK(relay_port_insert(scene.db, &row, &scene.err), &scene.err);
    CHECK_OK(relay_port_list(scene.db, scene.contract, &scene.arena, &ports, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_INT(ports[0].protocol, RELAYING_HTTPS);
    CHECK_INT(ports[0].asked, 8080);
    CHECK(ports[0].has_https);
    CHECK_OK(relay_routes(scene.db, row.relay_id, scene_at(5), &scene.arena, &routes, &count,
                          &scene.err),
             &scene.err);
    CHECK_INT(routes[0].protocol, RELAYING_HTTPS);
    row.port = 104;
    row.protocol = 9;
    CHECK_REFUSED(&scene, relay_port_insert(scene.db, &row, &scene.err));
}

static void test_the_emptiest_of_those_alive_comes_first(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t small = add(&scene, "small", 100, 104, 10), large = add(&scene, "large", 100, 105, 10);
    struct relay_row *relays;
    size_t count;

    (void)add(&scene, "dead", 100, 999, 5);
    CHECK_OK(relay_list_alive(scene.db, scene_at(5), &scene.arena, &relays, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_INT(relays[0].id, large);
    CHECK_INT(relays[0].free_count, 6);
    CHECK_OK(give(&scene, large, 100, scene.contract, 22), &scene.err);
    CHECK_OK(give(&scene, large, 101, scene.contract, 80), &scene.err);
    CHECK_OK(relay_list_alive(scene.db, scene_at(5), &scene.arena, &relays, &count, &scene.err),
             &scene.err);
    CHECK_INT(relays[0].id, small);
    CHECK_INT(relays[1].free_count, 4);
}

static void test_a_route_knows_who_may_serve_it(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t relay = add(&scene, "a", 100, 109, 10), *machines;
    struct relay_row found, *of;
    struct relay_route *routes;
    bool has, leads;
    size_t count;

    CHECK_OK(relay_leads_to(scene.db, scene.machine, &leads, &scene.err), &scene.err);
    CHECK(!leads);
    CHECK_OK(give(&scene, relay, 103, scene.contract, 22), &scene.err);
    CHECK_OK(relay_routes(scene.db, relay, scene_at(5), &scene.arena, &routes, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_INT(routes[0].port, 103);
    CHECK_INT(routes[0].contract_id, scene.contract);
    CHECK_INT(routes[0].machine_id, scene.machine);
    CHECK_INT(routes[0].epoch, 0);
    CHECK_INT(routes[0].protocol, RELAYING_TCP);
    CHECK_OK(relay_leads_to(scene.db, scene.machine, &leads, &scene.err), &scene.err);
    CHECK(leads);
    CHECK_OK(relay_leads_to(scene.db, scene.other_machine, &leads, &scene.err), &scene.err);
    CHECK(!leads);
    CHECK_OK(relay_list_of(scene.db, scene.machine, &scene.arena, &of, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_TEXT(of[0].agent_host, "a");
    CHECK_OK(relay_machines(scene.db, relay, &scene.arena, &machines, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_INT(machines[0], scene.machine);

    CHECK_OK(relay_find(scene.db, "a", 7700, &scene.arena, &found, &has, &scene.err), &scene.err);
    CHECK(has);
    CHECK(!found.has_https);
    found.has_https = true;
    found.pin = "ab";
    found.port_last = 120;
    CHECK_OK(relay_update(scene.db, &found, &scene.err), &scene.err);
    CHECK_OK(relay_find(scene.db, "a", 7700, &scene.arena, &found, &has, &scene.err), &scene.err);
    CHECK_TEXT(found.pin, "ab");
    CHECK(found.has_https);
    CHECK_INT(found.free_count, 20);
    CHECK_OK(relay_find(scene.db, "a", 7701, &scene.arena, &found, &has, &scene.err), &scene.err);
    CHECK(!has);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_port_is_given_once),
        cmocka_unit_test(test_ports_are_found_by_whose_they_are),
        cmocka_unit_test(test_a_port_says_what_it_carries),
        cmocka_unit_test(test_the_emptiest_of_those_alive_comes_first),
        cmocka_unit_test(test_a_route_knows_who_may_serve_it),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
