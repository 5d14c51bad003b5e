/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/check_reservations.h"

#include "flow/admin.h"
#include "flow/instance_change.h"
#include "flow/prepay.h"
#include "flow/support_check.h"

/* Contract 1 is reserved, contract 2 was, and ended early. */
static const struct plant plants[] = {
    { "I-22", "UPDATE reservation SET paid = paid + 1 WHERE contract_id = 1;",
      "UPDATE reservation SET paid = paid - 1 WHERE contract_id = 1;" },
    { "I-22", "UPDATE reservation SET kept = kept + 1 WHERE contract_id = 2;",
      "UPDATE reservation SET kept = kept - 1 WHERE contract_id = 2;" },
    { "I-22", "UPDATE reservation SET given_back = given_back - 1 WHERE contract_id = 2;",
      "UPDATE reservation SET given_back = given_back + 1 WHERE contract_id = 2;" },
    { "I-22", "UPDATE reservation SET closed_us = 1 WHERE contract_id = 1;",
      "UPDATE reservation SET closed_us = 0 WHERE contract_id = 1;" },
    { "I-22", "UPDATE contract SET kind = 1 WHERE id = 1;",
      "UPDATE contract SET kind = 3 WHERE id = 1;" },
    { "I-22", "UPDATE contract SET kind = 3 WHERE id = 2;",
      "UPDATE contract SET kind = 1 WHERE id = 2;" },
    { "I-22", "UPDATE contract SET destroyed_us = 5 WHERE id = 1;",
      "UPDATE contract SET destroyed_us = 0 WHERE id = 1;" },
    { "I-22", "UPDATE usage_line SET gross = gross + 1 WHERE kind = 4 AND comp = 1;",
      "UPDATE usage_line SET gross = gross - 1 WHERE kind = 4 AND comp = 1;" },
    { "I-22", "UPDATE account SET sub_id = 77 WHERE code = 2050 AND sub_id = 1;",
      "UPDATE account SET sub_id = 1 WHERE code = 2050 AND sub_id = 77;" },
    { "I-22", "UPDATE reservation SET contract_id = 77 WHERE contract_id = 2;",
      "UPDATE reservation SET contract_id = 2 WHERE contract_id = 77;" },
    /* What another rule sees of it. */
    { "I-2", "UPDATE account SET dr_posted = dr_posted + 1 WHERE code = 2050 AND sub_id = 1;",
      "UPDATE account SET dr_posted = dr_posted - 1 WHERE code = 2050 AND sub_id = 1;" },
};

static void test_every_fault_in_the_deposits_is_found(void **state)
{
    static struct world world;
    static struct world_machine machine;
    const struct money month = { INT64_C(208560000000) };
    enum admin_outcome outcome;
    enum change_outcome changed;
    struct prepay_reply reply;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 5);
    CHECK_OK(flow_deposit(&world.flow, ada.user_id, (struct money){ 3 * month.nanodollars }, "w",
                          &outcome, &err),
             &err);
    world_host(&world, &machine, "a", 2);
    for (int64_t id = 1; id <= 2; id++) {
        CHECK_INT(world_running(&world, &machine, ada, 1), id);
        CHECK_OK(flow_prepay(&world.flow, &ada, id, month, &reply, &err), &err);
        CHECK_INT(reply.outcome, PREPAY_DONE);
    }
    world_run(&world, &machine, 1800 * US_PER_SECOND);
    CHECK_OK(flow_destroy(&world.flow, &ada, 2, &changed, &err), &err);
    CHECK(check_seal(&world) > 0);
    check_plants_in(*state, plants, sizeof plants / sizeof plants[0]);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_fault_in_the_deposits_is_found),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
