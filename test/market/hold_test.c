/* SPDX-License-Identifier: Apache-2.0 */
#include "market/hold.h"

#include <string.h>

#include "check.h"

static const struct instant noon = { INT64_C(1795737600000000) };

static void test_kinds_and_states_have_names(void **state)
{
    static const char *const kinds[] = { NULL, "deposit", "credit", "earnings", NULL };
    static const char *const states[] = { "open", "captured", "released", "expired" };
    enum hold_state found;

    (void)state;
    for (int i = 0; i < 5; i++) {
        const char *name = hold_kind_name((enum hold_kind)i);

        check_row("kind %d", i);
        CHECK(kinds[i] == NULL ? name == NULL : name != NULL && strcmp(name, kinds[i]) == 0);
    }
    for (int i = 0; i < 4; i++) {
        check_row("state %d", i);
        CHECK_TEXT(hold_state_name((enum hold_state)i), states[i]);
        CHECK(hold_state_parse(states[i], &found));
        CHECK_INT(found, i);
    }
    CHECK(hold_state_name((enum hold_state)4) == NULL);
    CHECK(hold_state_name((enum hold_state) - 1) == NULL);
    found = HOLD_EXPIRED;
    CHECK(!hold_state_parse("closed", &found));
    CHECK(!hold_state_parse("", &found));
    CHECK_INT(found, HOLD_EXPIRED);
}

/* What is held of a liability is its debit, so that its limit keeps it from being spent. */
static void test_each_kind_holds_the_right_way_round(void **state)
{
    static const struct {
        enum hold_kind kind;
        enum ledger_code debit, credit;
        int64_t debit_owner, credit_owner;
        int code;
    } rows[] = {
        { HOLD_DEPOSIT, LEDGER_BANK, LEDGER_RENTER_PREPAID, 0, 7, LEG_DEPOSIT },
        { HOLD_CREDIT, LEDGER_RENTER_PREPAID, LEDGER_BANK, 7, 0, LEG_SENT },
        { HOLD_EARNINGS, LEDGER_HOST_PAYABLE, LEDGER_CHARGEBACKS, 7, 0, LEG_KEPT_BACK },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct leg leg = hold_leg(rows[i].kind, 7, (struct money){ 55 });

        check_row("row %zu", i);
        CHECK_INT(leg.debit.code, rows[i].debit);
        CHECK_INT(leg.debit.owner_id, rows[i].debit_owner);
        CHECK_INT(leg.debit.sub_id, 0);
        CHECK_INT(leg.credit.code, rows[i].credit);
        CHECK_INT(leg.credit.owner_id, rows[i].credit_owner);
        CHECK_INT(leg.credit.sub_id, 0);
        CHECK_INT(leg.amount.nanodollars, 55);
        CHECK_INT(leg.code, rows[i].code);
    }
}

static void test_taking_one_is_its_leg_under_its_own_key(void **state)
{
    struct leg leg = hold_leg(HOLD_CREDIT, 7, (struct money){ 54 });
    struct journal journal;

    (void)state;
    CHECK_INT(hold_take(12, &leg, noon, &journal), JOURNAL_BUILT);
    CHECK_TEXT(journal.key, "hold:12:taken");
    CHECK_INT(journal.kind, JOURNAL_HOLD);
    CHECK_INT(journal.ref_kind, JOURNAL_REF_HOLD);
    CHECK_INT(journal.ref_id, 12);
    CHECK_INT(journal.occurred.microseconds, noon.microseconds);
    CHECK_INT((int64_t)journal.leg_count, 1);
    CHECK(ledger_key_equals(journal.legs[0].debit, leg.debit));
    CHECK(ledger_key_equals(journal.legs[0].credit, leg.credit));
    CHECK_INT(journal.legs[0].amount.nanodollars, 54);
    CHECK(journal_is_balanced(&journal));
    leg.amount.nanodollars = 0;
    CHECK_INT(hold_take(12, &leg, noon, &journal), JOURNAL_EMPTY);
}

static void test_free_credit_settles_the_debt_and_no_more(void **state)
{
    static const struct {
        int64_t free, debt, settled;
    } rows[] = {
        { 10, 4, 4 }, { 4, 10, 4 }, { 5, 5, 5 }, { 0, 5, 0 }, { 5, 0, 0 }, { 0, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct renter_funds funds = { .prepaid = { rows[i].free }, .receivable = { rows[i].debt } };
        struct journal journal = { .leg_count = 0 };
        enum journal_outcome outcome = hold_settle(3, 9, &funds, noon, &journal);

        check_row("row %zu", i);
        CHECK_INT(outcome, rows[i].settled == 0 ? JOURNAL_EMPTY : JOURNAL_BUILT);
        if (outcome != JOURNAL_BUILT)
            continue;
        CHECK_TEXT(journal.key, "hold:3:settled");
        CHECK_INT((int64_t)journal.leg_count, 1);
        CHECK_INT(journal.legs[0].debit.code, LEDGER_RENTER_PREPAID);
        CHECK_INT(journal.legs[0].credit.code, LEDGER_RENTER_RECEIVABLE);
        CHECK_INT(journal.legs[0].debit.owner_id, 9);
        CHECK_INT(journal.legs[0].credit.owner_id, 9);
        CHECK_INT(journal.legs[0].amount.nanodollars, rows[i].settled);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds_and_states_have_names),
        cmocka_unit_test(test_each_kind_holds_the_right_way_round),
        cmocka_unit_test(test_taking_one_is_its_leg_under_its_own_key),
        cmocka_unit_test(test_free_credit_settles_the_debt_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
