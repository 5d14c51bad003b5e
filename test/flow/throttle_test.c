/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/throttle.h"

#include "support.h"

static int64_t guess(struct world *world, enum throttle_kind kind, const char *subject,
                     const char *address)
{
    const struct guess one = { kind, subject, address };
    int64_t wait_us;
    struct error err;

    CHECK_OK(flow_guess(&world->flow, &one, &wait_us, &err), &err);
    return wait_us;
}

/* How many come through before it is slowed. */
static int tries(struct world *world, enum throttle_kind kind, const char *subject,
                 const char *address)
{
    int count = 0;

    while (count < 1000 && guess(world, kind, subject, address) == 0)
        count++;
    return count;
}

static void test_each_kind_has_its_tries(void **state)
{
    struct world world;

    world_open(&world, *state);
    CHECK_INT(tries(&world, THROTTLE_PASSWORD, "ada", NULL), 10);
    CHECK_INT(tries(&world, THROTTLE_FACTOR, "ada", NULL), 5);
    CHECK_INT(tries(&world, THROTTLE_CODE, "ada", NULL), 10);
    CHECK_INT(tries(&world, THROTTLE_ADDRESS, NULL, "192.0.2.1"), 100);
    CHECK_INT(tries(&world, THROTTLE_SIGN_UP, NULL, "192.0.2.1"), 20);
    CHECK_INT(tries(&world, THROTTLE_PASSWORD, "bo", "192.0.2.1"), 0);
    world_close(&world);
}

/* Three codes of a million are good at a time. */
static void test_guessing_a_second_factor_for_a_day_is_hopeless(void **state)
{
    struct world world;
    int count = 0;

    world_open(&world, *state);
    for (int minute = 0; minute < 24 * 60; minute += 10) {
        count += tries(&world, THROTTLE_FACTOR, "ada", NULL);
        clock_advance(&world.clock, 600 * US_PER_SECOND);
    }
    CHECK(count * 3 < 100);
    world_close(&world);
}

static void test_an_address_that_is_slowed_costs_nobody_a_try(void **state)
{
    struct world world;

    world_open(&world, *state);
    (void)tries(&world, THROTTLE_ADDRESS, NULL, "192.0.2.1");
    for (int i = 0; i < 50; i++)
        CHECK(guess(&world, THROTTLE_PASSWORD, "ada", "192.0.2.1") > 0);
    CHECK_INT(tries(&world, THROTTLE_PASSWORD, "ada", "192.0.2.2"), 10);
    world_close(&world);
}

static void test_a_network_of_ipv6_is_one_address(void **state)
{
    struct world world;

    world_open(&world, *state);
    (void)tries(&world, THROTTLE_ADDRESS, NULL, "2001:db8::1");
    CHECK(guess(&world, THROTTLE_ADDRESS, NULL, "2001:db8:0:0:ffff::2") > 0);
    CHECK_INT(guess(&world, THROTTLE_ADDRESS, NULL, "2001:db8:0:1::1"), 0);
    (void)tries(&world, THROTTLE_ADDRESS, NULL, "::ffff:192.0.2.7");
    CHECK_INT(guess(&world, THROTTLE_ADDRESS, NULL, "::ffff:192.0.2.8"), 0);
    world_close(&world);
}

static void test_a_right_guess_is_free_and_a_factor_lifts_all(void **state)
{
    struct world world;
    const struct guess right = { THROTTLE_PASSWORD, "ada", "192.0.2.1" };
    struct error err;

    world_open(&world, *state);
    for (int i = 0; i < 30; i++) {
        CHECK_INT(guess(&world, THROTTLE_PASSWORD, "ada", "192.0.2.1"), 0);
        CHECK_OK(flow_guess_right(&world.flow, &right, &err), &err);
    }
    world.flow.guess_factor = 3;
    CHECK_INT(tries(&world, THROTTLE_PASSWORD, "bo", NULL), 30);
    world.flow.guess_factor = 0;
    CHECK_INT(tries(&world, THROTTLE_PASSWORD, "bo", NULL), 1000);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_has_its_tries),
        cmocka_unit_test(test_guessing_a_second_factor_for_a_day_is_hopeless),
        cmocka_unit_test(test_an_address_that_is_slowed_costs_nobody_a_try),
        cmocka_unit_test(test_a_network_of_ipv6_is_one_address),
        cmocka_unit_test(test_a_right_guess_is_free_and_a_factor_lifts_all),
    };
    return SUPPORT_RUN(tests);
}
