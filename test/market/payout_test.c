/* SPDX-License-Identifier: Apache-2.0 */
#include "market/payout.h"

#include "check.h"

enum { HOST = 7, PAYOUT = 19 };

static const struct payout_move a_move = {
    .payout_id = PAYOUT, .host_id = HOST, .amount = { 12340000000 }, .from = LEDGER_BANK
};

static void test_states_have_names(void **state)
{
    enum payout_state read = PAYOUT_PAID;

    (void)state;
    for (int i = PAYOUT_CREATED; i <= PAYOUT_CANCELLED; i++) {
        CHECK(payout_state_parse(payout_state_name((enum payout_state)i), &read));
        CHECK_INT(read, i);
    }
    CHECK(payout_state_name((enum payout_state)0) == NULL);
    CHECK(payout_state_name((enum payout_state)8) == NULL);
    CHECK(!payout_state_parse("gone", &read));
    CHECK_INT(read, PAYOUT_CANCELLED);
}

static void test_the_arrows(void **state)
{
    /* From each to each, by number. */
    static const char *const rows[] = {
        "", " .x.xx.x", " ..xxxx.", " ...xxx.", " .....x.", " .......", " .......", " .......",
    };

    (void)state;
    for (int from = PAYOUT_CREATED; from <= PAYOUT_CANCELLED; from++)
        for (int to = PAYOUT_CREATED; to <= PAYOUT_CANCELLED; to++) {
            check_row("from %d to %d", from, to);
            CHECK_INT(payout_may((enum payout_state)from, (enum payout_state)to),
                      rows[from][to] == 'x');
        }
    CHECK(!payout_may((enum payout_state)0, PAYOUT_PAID));
    for (int i = PAYOUT_CREATED; i <= PAYOUT_CANCELLED; i++)
        CHECK_INT(payout_is_open((enum payout_state)i), i <= PAYOUT_IN_TRANSIT);
}

/* What an account gets from one journal, credits less debits. */
static int64_t net(const struct journal *journal, struct ledger_key key)
{
    int64_t sum = 0;

    for (size_t i = 0; i < journal->leg_count; i++) {
        if (ledger_key_equals(journal->legs[i].credit, key))
            sum += journal->legs[i].amount.nanodollars;
        if (ledger_key_equals(journal->legs[i].debit, key))
            sum -= journal->legs[i].amount.nanodollars;
    }
    return sum;
}

/* Every way from the making to an end: the host has its money, or is owed it, and nothing is left
 * in between. */
static void test_whatever_way_it_goes_the_money_is_somewhere(void **state)
{
    struct ledger_key transit = { LEDGER_PAYOUT_TRANSIT, HOST, PAYOUT };
    struct ledger_key payable = { LEDGER_HOST_PAYABLE, HOST, 0 };
    struct ledger_key banks[] = { { .code = LEDGER_BANK }, { LEDGER_STRIPE_CONNECTED, HOST, 0 } };
    int64_t amount = a_move.amount.nanodollars;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        /* The house's, or the provider's for that host. */
        struct ledger_key bank = banks[round % 2];
        struct payout_move move = a_move;
        enum payout_state at = PAYOUT_CREATED;
        int64_t in_transit, owed, paid = 0;
        struct journal journal;

        check_row("round %d", round);
        move.from = bank.code;
        CHECK_INT(payout_make(&move, &journal), JOURNAL_BUILT);
        CHECK_TEXT(journal.key, "po:19:created");
        in_transit = net(&journal, transit);
        owed = net(&journal, payable);
        CHECK_INT(in_transit, amount);
        CHECK_INT(owed, -amount);
        for (int step = 0; step < 20; step++) {
            enum payout_state to = (enum payout_state)(1 + check_random(PAYOUT_STATE_COUNT));

            if (!payout_may(at, to))
                continue;
            enum journal_outcome outcome = payout_go(&move, at, to, &journal);
            if (outcome == JOURNAL_BUILT) {
                in_transit += net(&journal, transit);
                owed += net(&journal, payable);
                paid += net(&journal, bank);
            } else {
                CHECK_INT(outcome, JOURNAL_EMPTY);
            }
            at = to;
            CHECK_INT(in_transit, payout_is_open(at) ? amount : 0);
            CHECK_INT(owed, payout_is_open(at) || at == PAYOUT_PAID ? -amount : 0);
            CHECK_INT(paid, at == PAYOUT_PAID ? amount : 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states_have_names),
        cmocka_unit_test(test_the_arrows),
        cmocka_unit_test(test_whatever_way_it_goes_the_money_is_somewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
