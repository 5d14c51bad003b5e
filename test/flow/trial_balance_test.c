/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/trial_balance.h"

#include "flow/support_check.h"
#include "market/meter.h"

static const struct trial_line *line_of(const struct trial_balance *trial, enum ledger_code code)
{
    for (size_t i = 0; i < trial->line_count; i++)
        if (trial->lines[i].account->code == code)
            return &trial->lines[i];
    CHECK(false);
    return NULL;
}

static struct trial_balance trial_of(struct world *world)
{
    struct trial_balance trial;
    struct error err;

    CHECK_OK(flow_trial_balance(&world->flow, &trial, &err), &err);
    return trial;
}

static void test_empty_books_balance(void **state)
{
    static struct world world;

    world_open(&world, *state);
    struct trial_balance trial = trial_of(&world);
    CHECK_INT((int64_t)trial.line_count, 0);
    CHECK(trial.is_balanced);
    world_close(&world);
}

static void test_a_market_that_lived_balances(void **state)
{
    static struct world world;

    world_open(&world, *state);
    check_live(&world);
    struct trial_balance trial = trial_of(&world);
    CHECK(trial.is_balanced);
    /* What was given away is a cost; what renters have left of it, and hosts earned, is owed. */
    int64_t granted = INT64_C(101000000000);
    CHECK_INT(line_of(&trial, LEDGER_PROMO_GRANTED)->balance.nanodollars, granted);
    CHECK_INT(trial.expenses.nanodollars, granted);
    CHECK_INT(line_of(&trial, LEDGER_GROSS_GPU)->balance.nanodollars, 0);
    int64_t gross = line_of(&trial, LEDGER_GROSS_GPU)->credits.nanodollars +
                    line_of(&trial, LEDGER_GROSS_DISK)->credits.nanodollars;
    CHECK(gross > 0);
    CHECK_INT(line_of(&trial, LEDGER_RENTER_PROMO)->balance.nanodollars, granted - gross);
    CHECK_INT(line_of(&trial, LEDGER_HOST_ACCRUED)->balance.nanodollars + trial.income.nanodollars,
              gross);
    CHECK_INT(trial.assets.nanodollars, 0);
    CHECK_INT(trial.liabilities.nanodollars, granted - trial.income.nanodollars);

    /* One leg that has an amount of its own on each side would show. */
    support_script(*state, "UPDATE account SET cr_posted = cr_posted + 1 WHERE code = 2110;");
    CHECK(!trial_of(&world).is_balanced);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_books_balance),
        cmocka_unit_test(test_a_market_that_lived_balances),
    };
    return SUPPORT_RUN(tests);
}
