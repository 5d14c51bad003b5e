/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/relay.h"

#include <string.h>

#include "flow/desired.h"
#include "flow/instance_change.h"
#include "flow/revoke_key.h"
#include "market/relaying.h"
#include "support.h"

static int64_t relay(struct world *world, const char *host, int64_t last, const char *pin)
{
    const struct relay_row row = { .agent_host = host,
                                   .agent_port = 7700,
                                   .public_host = host,
                                   .port_first = 41000,
                                   .port_last = last,
                                   .pin = pin };
    struct error err;
    int64_t id = 0;

    CHECK_OK(flow_relay_say(&world->flow, &row, &id, &err), &err);
    return id;
}

/* A machine that nobody reaches. */
static void host_behind_nat(struct world *world, struct world_machine *machine, int64_t gpus)
{
    world_host(world, machine, "nat", gpus);
    machine->facts.is_behind_nat = 1;
    machine->facts.port_first = 0;
    machine->facts.port_last = -1;
    world_session(world, machine);
    (void)world_beat(world, machine);
}

static struct rental_reply rent(struct world *world, struct caller renter,
                                const struct world_machine *machine, const char *runtype,
                                int64_t port_count)
{
    struct spec_port ports[] = { { 8081, false }, { 53, true }, { 9000, false } };
    const struct rental_request request = {
        .offer_id = world_offer(world, machine->id, 1),
        .spec = { .image = "ubuntu:24.04",
                  .runtype = runtype,
                  .disk_gb = 10,
                  .port_count = port_count,
                  .ports = ports },
    };
    struct rental_reply reply;
    struct error err;

    CHECK_OK(flow_rent(&world->flow, &renter, &request, &reply, &err), &err);
    return reply;
}

static void destroy(struct world *world, struct caller renter, int64_t id)
{
    enum change_outcome outcome;
    struct error err;

    CHECK_OK(flow_destroy(&world->flow, &renter, id, &outcome, &err), &err);
    CHECK_INT(outcome, CHANGE_DONE);
}

static int64_t ports_of(struct world *world, int64_t id)
{
    return world_number_of(world, "SELECT COUNT(*) FROM relay_port WHERE contract_id = $1", id);
}

static void test_a_host_behind_nat_is_lent_every_port(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    host_behind_nat(&world, &machine, 2);
    (void)relay(&world, "relay.test", 41099, "");
    struct rental_reply reply = rent(&world, ada, &machine, "ssh", 3);
    CHECK_INT(reply.outcome, RENTAL_MADE);
    struct instance_view view = world_instance(&world, ada, reply.instance_id);
    CHECK_INT((int64_t)view.relay_port_count, 4);
    CHECK_INT(view.relay_ports[0].inside, 22);
    CHECK_INT(view.relay_ports[1].inside, 53);
    CHECK_INT(view.relay_ports[1].protocol, RELAYING_UDP);
    CHECK_INT(view.relay_ports[2].inside, 8081);
    CHECK_INT(view.relay_ports[3].inside, 9000);
    CHECK_TEXT(view.relay_ports[0].public_host, "relay.test");

    /* They stay whatever starts and stops, and go when it is destroyed. */
    enum change_outcome outcome;
    struct error err;
    int64_t before = view.relay_ports[0].port;
    world_run(&world, &machine, 10 * US_PER_SECOND);
    CHECK_OK(flow_stop(&world.flow, &ada, reply.instance_id, &outcome, &err), &err);
    world_run(&world, &machine, 10 * US_PER_SECOND);
    CHECK_OK(flow_start(&world.flow, &ada, reply.instance_id, &outcome, &err), &err);
    view = world_instance(&world, ada, reply.instance_id);
    CHECK_INT(view.relay_ports[0].port, before);
    destroy(&world, ada, reply.instance_id);
    CHECK_INT(ports_of(&world, reply.instance_id), 0);
    world_check(&world);
    world_close(&world);
}

static void test_a_host_with_open_ports_is_lent_one_for_ssh_where_asked(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "open", 5);
    /* Without a relay nothing is missing. */
    CHECK_INT(ports_of(&world, rent(&world, ada, &machine, "ssh_proxy", 3).instance_id), 0);
    (void)relay(&world, "relay.test", 41099, "");
    CHECK_INT(ports_of(&world, rent(&world, ada, &machine, "ssh", 3).instance_id), 0);
    CHECK_INT(ports_of(&world, rent(&world, ada, &machine, "ssh_proxy", 3).instance_id), 1);
    CHECK_INT(ports_of(&world, rent(&world, ada, &machine, "jupyter_proxy", 3).instance_id), 3);
    CHECK_INT(ports_of(&world, rent(&world, ada, &machine, "jupyter", 3).instance_id), 1);
    world_close(&world);
}

static void test_what_nobody_could_reach_is_not_rented_out(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    host_behind_nat(&world, &machine, 4);
    struct hash before = world_dump(&world);
    struct rental_reply reply = rent(&world, ada, &machine, "ssh", 0);
    CHECK_INT(reply.outcome, RENTAL_REFUSED);
    CHECK_INT(reply.refusal, RENT_UNREACHABLE);
    CHECK_UNCHANGED(&world, before);
    /* A command needs no way in. */
    CHECK_INT(rent(&world, ada, &machine, "args", 0).outcome, RENTAL_MADE);

    /* Two ports: one instance with SSH and one more port, and no second one. */
    (void)relay(&world, "relay.test", 41001, "");
    reply = rent(&world, ada, &machine, "ssh", 1);
    CHECK_INT(reply.outcome, RENTAL_MADE);
    CHECK_INT(rent(&world, ada, &machine, "ssh", 0).refusal, RENT_UNREACHABLE);
    destroy(&world, ada, reply.instance_id);
    CHECK_INT(rent(&world, ada, &machine, "ssh", 0).outcome, RENTAL_MADE);
    world_close(&world);
}

static void test_a_relay_that_is_gone_is_given_to_nobody(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    host_behind_nat(&world, &machine, 2);
    (void)relay(&world, "relay.test", 41099, "");
    world_run(&world, &machine, (RELAY_ALIVE_SECONDS + 5) * US_PER_SECOND);
    CHECK_INT(rent(&world, ada, &machine, "ssh", 0).refusal, RENT_UNREACHABLE);
    (void)relay(&world, "relay.test", 41099, "");
    CHECK_INT(rent(&world, ada, &machine, "ssh", 0).outcome, RENTAL_MADE);
    world_close(&world);
}

static struct desired desired(struct world *world, const struct world_machine *machine)
{
    struct desired state;
    struct error err;
    bool has;

    CHECK_OK(flow_desired(&world->flow, machine->id, &world->arena, &state, &has, &err), &err);
    CHECK(has);
    return state;
}

static void test_agents_hear_where_to_dial_and_of_another_key(void **state)
{
    static const char pin[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    host_behind_nat(&world, &machine, 2);
    int64_t id = relay(&world, "relay.test", 41099, "");
    CHECK_INT(desired(&world, &machine).relay_count, 0);
    CHECK_INT(rent(&world, ada, &machine, "ssh", 0).outcome, RENTAL_MADE);
    struct desired state_before = desired(&world, &machine);
    CHECK_INT(state_before.relay_count, 1);
    CHECK_INT(state_before.relays[0].id, id);
    CHECK_TEXT(state_before.relays[0].host, "relay.test");
    CHECK_INT(state_before.relays[0].port, 7700);

    /* Saying the same again is no news. */
    CHECK_INT(relay(&world, "relay.test", 41099, ""), id);
    CHECK_INT(desired(&world, &machine).desired_rev, state_before.desired_rev);
    CHECK_INT(relay(&world, "relay.test", 41099, pin), id);
    struct desired after = desired(&world, &machine);
    CHECK(after.desired_rev > state_before.desired_rev);
    CHECK_TEXT(after.relays[0].pin, pin);
    world_close(&world);
}

/* What is the same inside and outside has the relay's number; the host is told all of them, since
 * its instance has to know where the world finds it. One with open ports is told nothing. */
static void test_a_host_behind_nat_hears_of_the_ports(void **state)
{
    struct world world;
    struct world_machine machine, open;
    struct spec_port ports[] = { { 70000, false }, { 70000, true }, { 53, true } };
    struct rental_request request = { .spec = { .image = "ubuntu:24.04",
                                                .runtype = "ssh_proxy",
                                                .disk_gb = 10,
                                                .port_count = 3,
                                                .ports = ports } };
    struct rental_reply reply;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    host_behind_nat(&world, &machine, 1);
    world_host(&world, &open, "open", 1);
    (void)relay(&world, "relay.test", 41099, "");
    request.offer_id = world_offer(&world, machine.id, 1);
    CHECK_OK(flow_rent(&world.flow, &ada, &request, &reply, &err), &err);
    struct instance_view view = world_instance(&world, ada, reply.instance_id);
    CHECK_INT((int64_t)view.relay_port_count, 4);
    const struct desired told = desired(&world, &machine);
    const struct instance_spec *spec = &told.instances[0].spec;
    CHECK_TEXT(spec->public_host, "relay.test");
    CHECK_INT(spec->relayed_count, 4);
    for (size_t i = 0; i < view.relay_port_count; i++) {
        const struct relay_port_row *port = &view.relay_ports[i];
        bool is_udp = port->protocol == RELAYING_UDP;

        check_row("%zu", i);
        CHECK_INT(port->inside, port->asked == 70000 ? port->port : port->asked);
        CHECK_INT(instance_spec_relayed(spec, port->asked, is_udp), port->port);
    }
    CHECK_INT(instance_spec_relayed(spec, 53, false), 0);

    request.offer_id = world_offer(&world, open.id, 1);
    CHECK_OK(flow_rent(&world.flow, &ada, &request, &reply, &err), &err);
    CHECK_INT(ports_of(&world, reply.instance_id), 1);
    const struct desired other = desired(&world, &open);
    CHECK_INT(other.relay_count, 1);
    CHECK_INT(other.instances[0].spec.relayed_count, 0);
    CHECK(other.instances[0].spec.public_host == NULL);
    world_close(&world);
}

static bool turn_key(struct db *db, void *context, struct error *err)
{
    return machine_turn_key(db, context, err);
}

static void test_routes_name_the_machine_and_its_present_session(void **state)
{
    struct world world;
    struct world_machine machine;
    struct relay_route *routes;
    struct error err;
    size_t count;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    host_behind_nat(&world, &machine, 2);
    int64_t id = relay(&world, "relay.test", 41099, "");
    int64_t instance = rent(&world, ada, &machine, "ssh", 0).instance_id;
    world_session(&world, &machine);
    CHECK_OK(flow_relay_routes(&world.flow, id, &world.arena, &routes, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_INT(routes[0].contract_id, instance);
    CHECK_INT(routes[0].inside, 22);
    CHECK_INT(routes[0].epoch, machine.epoch);
    CHECK(memcmp(routes[0].public_key, machine.keys.public_key, sizeof routes[0].public_key) == 0);
    CHECK_INT(routes[0].former_left_us, 0);

    /* And the key before, for as long as that is good. */
    struct key_pair next = crypto_key_pair();
    struct machine_turn turn = { .machine_id = machine.id,
                                 .since = clock_now(&world.clock),
                                 .former_until = instant_add(clock_now(&world.clock), 7) };
    memcpy(turn.key, next.public_key, sizeof turn.key);
    CHECK_OK(store_write(world.flow.store, turn_key, &turn, &err), &err);
    for (int64_t left_us = 7; left_us >= -1; left_us--) {
        CHECK_OK(flow_relay_routes(&world.flow, id, &world.arena, &routes, &count, &err), &err);
        CHECK(memcmp(routes[0].public_key, next.public_key, sizeof next.public_key) == 0);
        CHECK(memcmp(routes[0].former_key, machine.keys.public_key, sizeof turn.key) == 0);
        CHECK_INT(routes[0].former_left_us, left_us > 0 ? left_us : 0);
        world_pass(&world, 1);
    }

    /* One whose keys are revoked has none that a relay could be shown. */
    enum admin_outcome outcome;
    CHECK_OK(flow_revoke_key(&world.flow, machine.id, &outcome, &err), &err);
    CHECK_OK(flow_relay_routes(&world.flow, id, &world.arena, &routes, &count, &err), &err);
    CHECK_INT((int64_t)count, 0);
    CHECK_INT(ports_of(&world, instance), 1); /* it keeps its ports */
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_host_behind_nat_is_lent_every_port),
        cmocka_unit_test(test_a_host_with_open_ports_is_lent_one_for_ssh_where_asked),
        cmocka_unit_test(test_what_nobody_could_reach_is_not_rented_out),
        cmocka_unit_test(test_a_relay_that_is_gone_is_given_to_nobody),
        cmocka_unit_test(test_agents_hear_where_to_dial_and_of_another_key),
        cmocka_unit_test(test_a_host_behind_nat_hears_of_the_ports),
        cmocka_unit_test(test_routes_name_the_machine_and_its_present_session),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
