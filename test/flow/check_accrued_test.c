/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/check_accrued.h"

#include "flow/support_check.h"

/* Ada has one that is stopped, Bob one that runs. */
#define ADA "(SELECT owner_id FROM contract WHERE id = " STOPPED ")"

static const struct plant plants[] = {
    /* A line that is not what its contract is, in either number, or that bends elsewhere. */
    { "I-21",
      "UPDATE accrued_part SET burn_low = burn_low + 1 WHERE due_us > 0;\n"
      "UPDATE accrued_sum SET burn_low = burn_low + 1;",
      "UPDATE accrued_part SET burn_low = burn_low - 1 WHERE due_us > 0;\n"
      "UPDATE accrued_sum SET burn_low = burn_low - 1;" },
    { "I-21",
      "UPDATE accrued_part SET base_low = base_low + 1 WHERE due_us > 0;\n"
      "UPDATE accrued_sum SET base_low = base_low + 1;",
      "UPDATE accrued_part SET base_low = base_low - 1 WHERE due_us > 0;\n"
      "UPDATE accrued_sum SET base_low = base_low - 1;" },
    { "I-21", "UPDATE accrued_part SET due_us = due_us - 1 WHERE due_us > 0;",
      "UPDATE accrued_part SET due_us = due_us + 1 WHERE due_us > 0;" },
    /* A sum that is not that of its lines. */
    { "I-21", "UPDATE accrued_sum SET burn_low = burn_low + 1;",
      "UPDATE accrued_sum SET burn_low = burn_low - 1;" },
    { "I-21", "UPDATE accrued_sum SET base_low = base_low - 1;",
      "UPDATE accrued_sum SET base_low = base_low + 1;" },
    /* And one that cannot be: past every limit. */
    { "I-21", "UPDATE accrued_sum SET burn_high = burn_high - 10;",
      "UPDATE accrued_sum SET burn_high = burn_high + 10;" },
    { "I-21", "UPDATE accrued_part SET burn_high = burn_high + 4611686018427387904;",
      "UPDATE accrued_part SET burn_high = burn_high - 4611686018427387904;" },
    /* Lines that together are past every limit. */
    { "I-21",
      "UPDATE accrued_part SET owner_id = " ADA ", base_high = base_high + 4611686018427387904 "
      "WHERE due_us > 0;",
      "UPDATE accrued_part SET base_high = base_high - 4611686018427387904 WHERE due_us > 0;\n"
      "UPDATE accrued_part SET owner_id = (SELECT owner_id FROM contract WHERE id = " RUNNING
      ") WHERE contract_id = " RUNNING ";" },
    /* None at all of what somebody has. The last one, and one that others come behind. */
    { "I-21", "UPDATE accrued_part SET owner_id = 0 WHERE contract_id = " STOPPED ";",
      "UPDATE accrued_part SET owner_id = " ADA " WHERE owner_id = 0;" },
    { "I-21",
      "UPDATE accrued_part SET owner_id = " ADA ", due_us = due_us - 1 WHERE contract_id = " RUNNING
      ";",
      "UPDATE accrued_part SET owner_id = (SELECT owner_id FROM contract WHERE id = " RUNNING
      "), due_us = due_us + 1 WHERE contract_id = " RUNNING ";" },
    { "I-21",
      "UPDATE accrued_part SET owner_id = " ADA " WHERE contract_id = " RUNNING ";\n"
      "UPDATE accrued_part SET owner_id = 0 WHERE contract_id = " STOPPED ";",
      "UPDATE accrued_part SET owner_id = " ADA " WHERE contract_id = " STOPPED ";\n"
      "UPDATE accrued_part SET owner_id = (SELECT owner_id FROM contract WHERE id = " RUNNING
      ") WHERE contract_id = " RUNNING ";" },
};

static void test_every_fault_in_what_is_kept_is_found(void **state)
{
    check_plants(*state, plants, sizeof plants / sizeof plants[0]);
}

/* What has changed is looked at before anybody goes by what is kept. */
static void test_what_is_due_is_no_finding(void **state)
{
    static struct world world;

    world_open(&world, *state);
    check_live(&world);
    CHECK(world_number(&world, "SELECT count(*) FROM accrued_part WHERE due_us > 0") > 0);
    check_is_clean(*state);
    support_script(*state, "UPDATE meter SET total = total + 0;");
    CHECK_INT(world_number(&world, "SELECT count(*) FROM accrued_part WHERE due_us > 0"), 0);
    check_is_clean(*state);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_fault_in_what_is_kept_is_found),
        cmocka_unit_test(test_what_is_due_is_no_finding),
    };
    return SUPPORT_RUN(tests);
}
