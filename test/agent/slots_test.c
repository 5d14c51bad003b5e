/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/slots.h"

#include <string.h>

#include "check.h"

static int64_t busy_port;

static bool is_free(int64_t port, bool is_udp)
{
    (void)is_udp;
    return port != busy_port;
}

static struct slots slots_of(int64_t first, int64_t last)
{
    busy_port = 0;
    return (struct slots){ .port_first = first, .port_last = last, .is_free = is_free };
}

static void test_each_gets_what_it_asks_for(void **state)
{
    struct slots slots = slots_of(100, 199);
    struct spec_port ports[] = { { 8081, false }, { 53, true }, { 70000, false }, { 8081, false } };
    struct instance_spec spec = { .runtype = "ssh", .ports = ports, .port_count = 4 };
    struct record record = { .id = 1 };
    struct error err;

    (void)state;
    CHECK_OK(slots_assign(&slots, NULL, 0, &spec, &record, &err), &err);
    CHECK_INT(record.slot, 1);
    CHECK_INT(record.ssh_port, 100);
    CHECK_INT(record.port_count, 3); /* one that is named twice is one port */
    CHECK_INT(record.ports[0].port, 8081);
    CHECK_INT(record.ports[0].host_port, 101);
    CHECK(record.ports[1].is_udp);
    CHECK_INT(record.ports[1].host_port, 102);
    CHECK_INT(record.ports[2].port, 103); /* identity */
    CHECK_INT(record.ports[2].host_port, 103);
}

/* A port that a relay lends under its own number has that number inside. */
static void test_a_relay_s_number_is_the_one_inside(void **state)
{
    struct slots slots = slots_of(100, 199);
    struct spec_port ports[] = { { 70000, false }, { 70000, true }, { 70001, false } };
    struct spec_relayed relayed[] = { { 70000, true, 21002 }, { 70000, false, 21001 } };
    struct instance_spec spec = {
        .runtype = "args", .ports = ports, .port_count = 3, .relayed = relayed, .relayed_count = 2
    };
    struct record record = { .id = 1 };
    struct error err;

    (void)state;
    CHECK_OK(slots_assign(&slots, NULL, 0, &spec, &record, &err), &err);
    CHECK_INT(record.port_count, 3);
    CHECK_INT(record.ports[0].port, 21001);
    CHECK_INT(record.ports[0].host_port, 100);
    CHECK_INT(record.ports[1].port, 21002);
    CHECK(record.ports[1].is_udp);
    CHECK_INT(record.ports[2].port, record.ports[2].host_port); /* the host's own */
}

/* However many come and go, no two have a port or a network in common. */
static void test_nothing_is_given_twice(void **state)
{
    enum { MAX = 40, ROUNDS = 500 };
    static struct record records[MAX];
    struct slots slots = slots_of(1000, 1100);
    size_t count = 0;
    struct error err;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct spec_port ports[8];
        struct instance_spec spec = { .runtype = check_random(2) ? "ssh" : "args",
                                      .ports = ports,
                                      .port_count = (int64_t)check_random(8) };
        struct record record = { .id = round };
        bool is_used[1101] = { false }, is_slot_used[SLOT_MAX + 1] = { false };

        check_row("round %d", round);
        for (int64_t i = 0; i < spec.port_count; i++)
            ports[i] = (struct spec_port){ 1 + (int64_t)check_random(100), check_random(2) };
        if (count > 0 && (count == MAX || check_random(3) == 0)) {
            records[check_random(count)] = records[count - 1];
            count--;
        }
        if (count < MAX && slots_assign(&slots, records, count, &spec, &record, &err))
            records[count++] = record;
        for (size_t i = 0; i < count; i++) {
            CHECK(!is_slot_used[records[i].slot]);
            is_slot_used[records[i].slot] = true;
            for (int64_t k = -1; k < records[i].port_count; k++) {
                int64_t port = k < 0 ? records[i].ssh_port : records[i].ports[k].host_port;

                if (k < 0 && port == 0)
                    continue;
                CHECK(port >= 1000 && port <= 1100 && !is_used[port]);
                is_used[port] = true;
            }
        }
    }
}

static void test_ports_run_out(void **state)
{
    struct slots slots = slots_of(100, 102);
    struct spec_port ports[] = { { 1, false }, { 2, false }, { 3, false } };
    struct instance_spec spec = { .runtype = "ssh", .ports = ports, .port_count = 2 };
    struct record record = { .id = 1 };
    struct error err;

    (void)state;
    CHECK_OK(slots_assign(&slots, NULL, 0, &spec, &record, &err), &err);
    spec.port_count = 3;
    CHECK_FAILS(slots_assign(&slots, NULL, 0, &spec, &record, &err), &err, ERROR_UNAVAILABLE);
    slots = slots_of(0, -1);
    spec.port_count = 0;
    CHECK_FAILS(slots_assign(&slots, NULL, 0, &spec, &record, &err), &err, ERROR_UNAVAILABLE);
    spec.runtype = "args"; /* needs none */
    CHECK_OK(slots_assign(&slots, NULL, 0, &spec, &record, &err), &err);
    CHECK_INT(record.ssh_port, 0);
}

static void test_what_others_listen_on_is_left_out(void **state)
{
    struct slots slots = slots_of(100, 110);
    struct instance_spec spec = { .runtype = "ssh" };
    struct record record = { .id = 1 };
    struct error err;

    (void)state;
    busy_port = 100;
    CHECK_OK(slots_assign(&slots, NULL, 0, &spec, &record, &err), &err);
    CHECK_INT(record.ssh_port, 101);
}

static bool is_slot_odd(void *context, int64_t slot)
{
    (void)context;
    return slot % 2 == 1;
}

static void test_networks_that_others_have_are_left_out(void **state)
{
    struct slots slots = slots_of(100, 110);
    struct record others[] = { { .id = 1, .slot = 1 }, { .id = 2, .slot = 4 } };

    (void)state;
    CHECK_INT(slots_network(&slots, others, 2), 2);
    slots.is_slot_free = is_slot_odd;
    CHECK_INT(slots_network(&slots, others, 2), 3);
    CHECK(slots_has_no_device(SLOT_MAX));
}

static void test_what_an_image_exposes_is_opened_as_far_as_it_goes(void **state)
{
    struct slots slots = slots_of(100, 103);
    struct spec_port ports[] = { { 80, false } };
    struct instance_spec spec = { .runtype = "ssh", .ports = ports, .port_count = 1 };
    struct pull_image image = {
        .port_count = 5,
        .ports = { { 22, false }, { 80, false }, { 81, false }, { 82, false }, { 83, false } }
    };
    struct record record = { .id = 1 };
    struct error err;

    (void)state;
    CHECK_OK(slots_assign(&slots, NULL, 0, &spec, &record, &err), &err);
    slots_expose(&slots, NULL, 0, &image, &record);
    CHECK_INT(record.port_count, 3); /* 80, 81, 82: SSH has a port, and then there are no more */
    CHECK_INT(record.ports[1].port, 81);
    CHECK_INT(record.ports[2].port, 82);
}

static void test_networks_have_their_addresses(void **state)
{
    char text[SLOT_TEXT_SIZE];

    (void)state;
    CHECK_TEXT(slots_bridge(1, text), "bt1");
    CHECK_TEXT(slots_subnet(1, text), "10.200.0.8/29");
    CHECK_TEXT(slots_gateway(1, text), "10.200.0.9");
    CHECK_TEXT(slots_subnet(32, text), "10.200.1.0/29");
    CHECK_TEXT(slots_subnet(SLOT_MAX, text), "10.200.255.248/29");
    CHECK_TEXT(slots_gateway(SLOT_MAX, text), "10.200.255.249");
}

static void test_who_is_reached_by_ssh(void **state)
{
    static const struct {
        const char *runtype;
        int64_t arg_count;
        bool want;
    } rows[] = {
        { "ssh", 0, true },
        { NULL, 0, true },
        { "ssh_direc ssh_proxy", 0, true },
        { "jupyter_direct", 0, true },
        { "args", 0, false },
        { NULL, 1, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct instance_spec spec = { .runtype = rows[i].runtype, .arg_count = rows[i].arg_count };

        check_row("row %zu", i);
        CHECK(slots_has_ssh(&spec) == rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_gets_what_it_asks_for),
        cmocka_unit_test(test_a_relay_s_number_is_the_one_inside),
        cmocka_unit_test(test_nothing_is_given_twice),
        cmocka_unit_test(test_ports_run_out),
        cmocka_unit_test(test_what_others_listen_on_is_left_out),
        cmocka_unit_test(test_networks_that_others_have_are_left_out),
        cmocka_unit_test(test_what_an_image_exposes_is_opened_as_far_as_it_goes),
        cmocka_unit_test(test_networks_have_their_addresses),
        cmocka_unit_test(test_who_is_reached_by_ssh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
