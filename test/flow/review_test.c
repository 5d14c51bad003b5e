/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/review.h"

#include "support.h"

static void test_when_the_books_were_copied(void **state)
{
    struct world world;
    struct instant first, second;
    struct error err;

    world_open(&world, *state);
    CHECK_OK(flow_backup_time(&world.flow, &first, &err), &err);
    CHECK_INT(first.microseconds, 0);
    CHECK_OK(flow_backup_done(&world.flow, &err), &err);
    CHECK_OK(flow_backup_time(&world.flow, &first, &err), &err);
    CHECK_INT(first.microseconds, clock_now(world.flow.clock).microseconds);
    world_pass(&world, US_PER_SECOND);
    CHECK_OK(flow_backup_done(&world.flow, &err), &err);
    CHECK_OK(flow_backup_time(&world.flow, &second, &err), &err);
    CHECK_INT(instant_until(first, second), US_PER_SECOND);
    world_close(&world);
}

static void test_nothing_waits_in_a_market_without_trouble(void **state)
{
    struct dispute_filter filter = { .state = -1, .max = 9 };
    struct world world;
    struct world_machine machine;
    struct dispute_row *disputes;
    struct machine_proof_row *proofs;
    struct error err;
    size_t count = 1;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 2);
    CHECK_OK(flow_dispute_list(&world.flow, &filter, &world.arena, &disputes, &count, &err), &err);
    CHECK_INT((int64_t)count, 0);
    CHECK_OK(flow_proof_troubles(&world.flow, INT64_MAX, 9, &world.arena, &proofs, &count, &err),
             &err);
    CHECK_INT((int64_t)count, 0);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_when_the_books_were_copied),
        cmocka_unit_test(test_nothing_waits_in_a_market_without_trouble),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
