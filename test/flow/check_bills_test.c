/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/check_bills.h"

#include "flow/admin.h"
#include "flow/bill.h"
#include "flow/bill_renters.h"
#include "flow/payout.h"
#include "flow/post_usage.h"
#include "flow/support_check.h"

/* The first Friday after WORLD_START. */
#define CUT ((struct instant){ INT64_C(1795737600000000) })

/* 2026-12-01. */
#define MONTH_END ((struct instant){ INT64_C(1796083200000000) })

static const struct plant plants[] = {
    { "I-14", "UPDATE payout SET amount = amount + 1 WHERE id = 1;",
      "UPDATE payout SET amount = amount - 1 WHERE id = 1;" },
    { "I-14", "UPDATE payout SET state = 4 WHERE id = 1;",
      "UPDATE payout SET state = 1 WHERE id = 1;" },
    { "I-14", "UPDATE payout SET state = 0 WHERE id = 1;",
      "UPDATE payout SET state = 1 WHERE id = 1;" },
    { "I-14", "UPDATE payout SET state = 9 WHERE id = 1;",
      "UPDATE payout SET state = 1 WHERE id = 1;" },
    { "I-14", "UPDATE payout SET id = 77 WHERE id = 1;",
      "UPDATE payout SET id = 1 WHERE id = 77;" },
    { "I-14",
      "INSERT INTO payout (id, host_id, cut_us, amount, state, provider, created_us, state_us)\n"
      "  SELECT 9, host_id, 1, 900000000000, 4, 'manual', 1, 1 FROM payout;",
      "DELETE FROM payout WHERE id = 9;" },
    { "I-15", "UPDATE bill_series SET last = last + 1 WHERE series = 'HINV';",
      "UPDATE bill_series SET last = last - 1 WHERE series = 'HINV';" },
    { "I-15", "UPDATE bill_series SET last = last + 1 WHERE series = 'INV';",
      "UPDATE bill_series SET last = last - 1 WHERE series = 'INV';" },
    { "I-15", "UPDATE bill_series SET last = last + 1 WHERE series = 'REC';",
      "UPDATE bill_series SET last = last - 1 WHERE series = 'REC';" },
    { "I-15", "UPDATE deposit SET receipt = 'REC-2026-000777' WHERE id = 1;",
      "UPDATE deposit SET receipt = 'REC-2026-000001' WHERE id = 1;" },
    { "I-15", "UPDATE renter_invoice SET number = 'INV-2026-000007';",
      "UPDATE renter_invoice SET number = 'INV-2026-000001';" },
    { "I-17", "UPDATE renter_invoice SET gross = gross + 1;",
      "UPDATE renter_invoice SET gross = gross - 1;" },
    { "I-17", "UPDATE renter_invoice SET month = month - 1;",
      "UPDATE renter_invoice SET month = month + 1;" },
    /* Rounded half a cent off. */
    { "I-17", "UPDATE renter_invoice SET total = total + 5000000;",
      "UPDATE renter_invoice SET total = total - 5000000;" },
    { "I-15", "UPDATE host_invoice SET number = 'HINV-2026-000007';",
      "UPDATE host_invoice SET number = 'HINV-2026-000001';" },
    { "I-17", "UPDATE host_invoice SET total = total + 1;",
      "UPDATE host_invoice SET total = total - 1;" },
    { "I-17", "UPDATE host_invoice SET gross = gross - 1;",
      "UPDATE host_invoice SET gross = gross + 1;" },
    { "I-17", "UPDATE host_invoice SET drawn = drawn + 1;",
      "UPDATE host_invoice SET drawn = drawn - 1;" },
    { "I-17", "UPDATE host_invoice_line SET host = host + 1 WHERE comp = 1;",
      "UPDATE host_invoice_line SET host = host - 1 WHERE comp = 1;" },
    { "I-17", "UPDATE host_invoice_line SET gross = gross + 1 WHERE comp = 2;",
      "UPDATE host_invoice_line SET gross = gross - 1 WHERE comp = 2;" },
    { "I-17", "UPDATE usage_line SET gross = gross + 1 WHERE comp = 1;",
      "UPDATE usage_line SET gross = gross - 1 WHERE comp = 1;" },
    { "I-17", "UPDATE usage_line SET host = host + 1 WHERE comp = 2;",
      "UPDATE usage_line SET host = host - 1 WHERE comp = 2;" },
    { "I-2", "UPDATE usage_line SET contract_id = contract_id + 99 WHERE comp = 1;",
      "UPDATE usage_line SET contract_id = contract_id - 99 WHERE comp = 1;" },
    /* Something was taken back that the meter and the journals know nothing of. */
    { "I-6",
      "INSERT INTO usage_refund (ticket, contract_id, comp, rate, qty, used, gross, host, at_us)\n"
      "  SELECT 'x', id, 1, 5, 1, 100, 0, 0, 1 FROM contract;",
      "DELETE FROM usage_refund;" },
    { "I-7",
      "INSERT INTO usage_refund (ticket, contract_id, comp, rate, qty, used, gross, host, at_us)\n"
      "  SELECT 'x', id, 1, 0, 1, 0, 1, 0, 1 FROM contract;",
      "DELETE FROM usage_refund;" },
};

static void test_every_fault_in_the_bills_is_found(void **state)
{
    static struct world world;
    static struct world_machine machine;
    struct error err;
    size_t count;

    world_open(&world, *state);
    world.flow.payout_min = (struct money){ NANODOLLARS_PER_DOLLAR / 2 };
    world_pass(&world, instant_until(WORLD_START, CUT) - 3 * US_PER_HOUR);
    struct caller ada = world_user(&world, "ada@berth.test", 1000);
    enum admin_outcome outcome;
    CHECK_OK(flow_deposit(&world.flow, ada.user_id, (struct money){ NANODOLLARS_PER_DOLLAR },
                          "wire 1", &outcome, &err),
             &err);
    world_host(&world, &machine, "a", 1);
    (void)world_running(&world, &machine, ada, 1);
    world_run(&world, &machine, 3 * US_PER_HOUR + 70 * US_PER_SECOND);
    CHECK_OK(flow_bill_hosts(&world.flow, &count, &err), &err);
    CHECK_INT(world_number(&world, "SELECT count(*) FROM host_invoice"), 1);
    CHECK_INT(world_number(&world, "SELECT count(*) FROM payout WHERE id = 1 AND state = 1"), 1);
    /* The month ends, and is settled. */
    int64_t left_us = instant_until(clock_now(&world.clock), MONTH_END);
    world_pass(&world, left_us + 70 * US_PER_SECOND);
    CHECK_OK(flow_post_usage(&world.flow, &count, &err), &err);
    CHECK_OK(flow_bill_renters(&world.flow, &count, &err), &err);
    CHECK_INT(world_number(&world, "SELECT count(*) FROM renter_invoice"), 1);
    CHECK(check_seal(&world) > 0);
    check_plants_in(*state, plants, sizeof plants / sizeof plants[0]);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_fault_in_the_bills_is_found),
    };
    return SUPPORT_RUN(tests);
}
