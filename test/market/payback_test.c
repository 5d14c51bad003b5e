/* SPDX-License-Identifier: Apache-2.0 */
#include "market/payback.h"

#include "check.h"

enum { RENTER = 501, ID = 7 };

static const struct payback hundred = { ID, RENTER, { 100 }, { 1000 } };

/* What an account gained less what it lost, as credits. */
static int64_t net(const struct journal *journal, enum ledger_code code)
{
    int64_t sum = 0;

    for (size_t i = 0; i < journal->leg_count; i++) {
        sum += journal->legs[i].credit.code == code ? journal->legs[i].amount.nanodollars : 0;
        sum -= journal->legs[i].debit.code == code ? journal->legs[i].amount.nanodollars : 0;
    }
    return sum;
}

static void test_a_refund_leaves_credit_first_and_the_balance_then(void **state)
{
    struct renter_funds clear = { { 0 }, { 9 }, { 0 } }, owing = { { 0 }, { 0 }, { 30 } };
    struct journal journal;

    (void)state;
    CHECK_INT(payback_ask(&hundred, &journal), JOURNAL_BUILT);
    CHECK_TEXT(journal.key, "ref:7:asked");
    CHECK_INT(net(&journal, LEDGER_RENTER_PREPAID), -100);
    CHECK_INT(net(&journal, LEDGER_REFUND_TRANSIT), 100);
    CHECK_INT(payback_done(&hundred, &journal), JOURNAL_BUILT);
    CHECK_INT(net(&journal, LEDGER_REFUND_TRANSIT), -100);
    CHECK_INT(net(&journal, LEDGER_STRIPE), 100);
    CHECK_INT(payback_failed(&hundred, false, &clear, &journal), JOURNAL_BUILT);
    CHECK_INT(net(&journal, LEDGER_REFUND_TRANSIT), -100);
    CHECK_INT(net(&journal, LEDGER_RENTER_PREPAID), 100);
    CHECK_INT(payback_failed(&hundred, true, &owing, &journal), JOURNAL_BUILT);
    CHECK_INT(net(&journal, LEDGER_SUSPENSE), -100);
    CHECK_INT(net(&journal, LEDGER_RENTER_RECEIVABLE), 30);
    CHECK_INT(net(&journal, LEDGER_RENTER_PREPAID), 70);
}

static void test_a_dispute_freezes_what_there_is_and_ends_either_way(void **state)
{
    struct renter_funds clear = { { 0 }, { 0 }, { 0 } }, owing = { { 0 }, { 0 }, { 10 } };
    struct journal journal;

    (void)state;
    CHECK_INT(payback_disputed(&hundred, (struct money){ 15 }, (struct money){ 60 }, &journal),
              JOURNAL_BUILT);
    CHECK_TEXT(journal.key, "dsp:7:taken");
    CHECK_INT(net(&journal, LEDGER_STRIPE), 115);
    CHECK_INT(net(&journal, LEDGER_DISPUTED), -100);
    CHECK_INT(net(&journal, LEDGER_DISPUTE_FEES), -15);
    CHECK_INT(net(&journal, LEDGER_RENTER_PREPAID), -60);
    CHECK_INT(payback_won(&hundred, (struct money){ 60 }, &owing, &journal), JOURNAL_BUILT);
    CHECK_INT(net(&journal, LEDGER_STRIPE), -100);
    CHECK_INT(net(&journal, LEDGER_RENTER_RECEIVABLE), 10);
    CHECK_INT(net(&journal, LEDGER_RENTER_PREPAID), 50);
    CHECK_INT(net(&journal, LEDGER_RENTER_HOLD), -60);
    CHECK_INT(payback_lost(&hundred, (struct money){ 60 }, &clear, &journal), JOURNAL_BUILT);
    CHECK_INT(net(&journal, LEDGER_DISPUTED), 100);
    CHECK_INT(net(&journal, LEDGER_RENTER_HOLD), -60);
    CHECK_INT(net(&journal, LEDGER_RENTER_RECEIVABLE), -40);
}

/* Whatever there is, nobody ends with a debt and credit at once, and all of it is covered. */
static void test_what_is_lost_is_covered_by_whatever_there_is(void **state)
{
    struct journal journal;

    (void)state;
    for (int64_t frozen = 0; frozen <= 100; frozen += 20)
        for (int64_t prepaid = 0; prepaid <= 120; prepaid += 20)
            for (int64_t promo = 0; promo <= 20; promo += 20) {
                struct renter_funds funds = { { promo }, { prepaid }, { 0 } };

                CHECK_INT(payback_lost(&hundred, (struct money){ frozen }, &funds, &journal),
                          JOURNAL_BUILT);
                CHECK(journal_is_balanced(&journal));
                CHECK_INT(net(&journal, LEDGER_DISPUTED), 100);
                int64_t debt = -net(&journal, LEDGER_RENTER_RECEIVABLE);
                int64_t left = prepaid + net(&journal, LEDGER_RENTER_PREPAID) + promo +
                               net(&journal, LEDGER_RENTER_PROMO);
                CHECK(debt == 0 || left == 0);
                CHECK(left >= 0);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_refund_leaves_credit_first_and_the_balance_then),
        cmocka_unit_test(test_a_dispute_freezes_what_there_is_and_ends_either_way),
        cmocka_unit_test(test_what_is_lost_is_covered_by_whatever_there_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
