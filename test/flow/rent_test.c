/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/rent.h"

#include <string.h>

#include "flow/instance.h"
#include "support.h"

static void test_an_instance_runs_and_is_charged_to_the_second(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    int64_t id = world_running(&world, &machine, ada, 1);
    world_check(&world);

    /* 754 s at $0.36 an hour are $0.0754; 10 GB at $0.15 a month for as long. */
    world_run(&world, &machine, 754 * US_PER_SECOND);
    int64_t disk = INT64_C(150000000) * 10 * 754 / 2592000;
    CHECK_INT(world_charged(&world, ada, id), 75400000 + disk);
    CHECK_INT(world_credit(&world, ada), INT64_C(25000000000) - 75400000 - disk);

    enum change_outcome outcome;
    struct error err;
    CHECK_OK(flow_stop(&world.flow, &ada, id, &outcome, &err), &err);
    CHECK_INT(outcome, CHANGE_DONE);
    CHECK_INT(world_charged(&world, ada, id), 75400000 + disk);
    world_check(&world);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_instance_runs_and_is_charged_to_the_second),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
