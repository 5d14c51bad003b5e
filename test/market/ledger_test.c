/* SPDX-License-Identifier: Apache-2.0 */
#include "market/ledger.h"

#include "check.h"

static void test_the_chart_is_sorted_and_finds_its_rows(void **state)
{
    size_t count;
    const struct ledger_account *chart = ledger_chart(&count);

    (void)state;
    CHECK(count == 36);
    for (size_t i = 0; i < count; i++) {
        check_row("%s", chart[i].name);
        CHECK(i == 0 || chart[i - 1].code < chart[i].code);
        CHECK(ledger_account(chart[i].code) == &chart[i]);
        CHECK((chart[i].flags & ~(unsigned)(LEDGER_L | LEDGER_A | LEDGER_S)) == 0);
    }
    CHECK(ledger_account(0) == NULL);
    CHECK(ledger_account(2011) == NULL);
    CHECK(ledger_account(chart[count - 1].code + 1) == NULL);
    CHECK(ledger_account(-1) == NULL);
    CHECK(ledger_account(INT64_MAX) == NULL);
}

/* The first digit of a code is the kind; what everyone posts to keeps no cached balance, and what
 * has an owner has a limit that its kind makes sense of. */
static void test_codes_kinds_and_flags_agree(void **state)
{
    size_t count;
    const struct ledger_account *chart = ledger_chart(&count);
    static const enum ledger_kind kinds[] = {
        [1] = LEDGER_ASSET,  [2] = LEDGER_LIABILITY, [3] = LEDGER_CONTROL,
        [4] = LEDGER_INCOME, [5] = LEDGER_EXPENSE,   [6] = LEDGER_EQUITY,
    };

    (void)state;
    for (size_t i = 0; i < count; i++) {
        check_row("%s", chart[i].name);
        CHECK_INT(chart[i].kind, kinds[chart[i].code / 1000]);
        if (chart[i].flags == LEDGER_L)
            CHECK_INT(chart[i].kind, LEDGER_LIABILITY);
        else if (chart[i].flags == LEDGER_A)
            CHECK_INT(chart[i].kind, LEDGER_ASSET);
        else
            CHECK_INT(chart[i].flags, LEDGER_S);
    }
}

static void test_a_balance_reads_as_its_kind_does(void **state)
{
    static const struct {
        enum ledger_kind kind;
        int64_t debits, credits, balance;
    } rows[] = {
        { LEDGER_ASSET, 10, 3, 7 },
        { LEDGER_EXPENSE, 10, 3, 7 },
        { LEDGER_LIABILITY, 10, 3, -7 },
        { LEDGER_INCOME, 3, 10, 7 },
        { LEDGER_EQUITY, 3, 10, 7 },
        { LEDGER_CONTROL, 5, 5, 0 },
        { LEDGER_ASSET, 0, INT64_MAX, -INT64_MAX },
        { LEDGER_LIABILITY, 0, INT64_MAX, INT64_MAX },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct money debits = { rows[i].debits }, credits = { rows[i].credits };

        check_row("row %zu", i);
        CHECK_INT(ledger_balance(rows[i].kind, debits, credits).nanodollars, rows[i].balance);
    }
}

static void test_limits_hold_at_equality_and_not_beyond(void **state)
{
    static const struct {
        unsigned flags;
        int64_t debits, credits;
        bool is_within;
    } rows[] = {
        { LEDGER_L, 5, 5, true },
        { LEDGER_L, 6, 5, false },
        { LEDGER_L, 0, 5, true },
        { LEDGER_A, 5, 5, true },
        { LEDGER_A, 5, 6, false },
        { LEDGER_A, 5, 0, true },
        { LEDGER_S, 9, 0, true },
        { LEDGER_S, 0, 9, true },
        { LEDGER_L | LEDGER_CLOSED, 6, 5, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        CHECK_INT(ledger_is_within_limits(rows[i].flags, (struct money){ rows[i].debits },
                                          (struct money){ rows[i].credits }),
                  rows[i].is_within);
    }
}

static void test_a_key_is_code_owner_and_sub(void **state)
{
    struct ledger_key key = { LEDGER_RENTER_PREPAID, 7, 0 };

    (void)state;
    CHECK(ledger_key_equals(key, key));
    CHECK(!ledger_key_equals(key, (struct ledger_key){ LEDGER_RENTER_PROMO, 7, 0 }));
    CHECK(!ledger_key_equals(key, (struct ledger_key){ LEDGER_RENTER_PREPAID, 8, 0 }));
    CHECK(!ledger_key_equals(key, (struct ledger_key){ LEDGER_RENTER_PREPAID, 7, 1 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_chart_is_sorted_and_finds_its_rows),
        cmocka_unit_test(test_codes_kinds_and_flags_agree),
        cmocka_unit_test(test_a_balance_reads_as_its_kind_does),
        cmocka_unit_test(test_limits_hold_at_equality_and_not_beyond),
        cmocka_unit_test(test_a_key_is_code_owner_and_sub),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
