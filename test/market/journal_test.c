/* SPDX-License-Identifier: Apache-2.0 */
#include "market/journal.h"

#include <string.h>

#include "check.h"

enum { CONTRACT = 7001, RENTER = 501, HOST = 12, DEPOSIT = 17 };

static struct journal_usage usage_of(const int64_t gross[COMPONENT_COUNT])
{
    struct journal_usage usage = { .contract_id = CONTRACT,
                                   .renter_id = RENTER,
                                   .host_id = HOST,
                                   .number = 3,
                                   .occurred = { 1000 } };

    for (int i = 0; i < COMPONENT_COUNT; i++) {
        int64_t host = gross[i] / 4 * 3 + gross[i] % 4 * 3 / 4;

        usage.charges[i] = (struct meter_charge){ { gross[i] }, { host }, { gross[i] - host } };
    }
    return usage;
}

static struct journal_credit credit_of(int64_t amount, enum ledger_code from)
{
    return (struct journal_credit){
        .key = "dep:17",
        .renter_id = RENTER,
        .ref_id = DEPOSIT,
        .ref_kind = JOURNAL_REF_DEPOSIT,
        .occurred = { 1000 },
        .amount = { amount },
        .from = from,
    };
}

static void check_leg(const struct journal *journal, size_t i, struct leg want)
{
    const struct leg *leg = &journal->legs[i];

    check_row("leg %zu", i);
    CHECK(i < journal->leg_count);
    CHECK_INT(leg->debit.code, want.debit.code);
    CHECK_INT(leg->debit.owner_id, want.debit.owner_id);
    CHECK_INT(leg->credit.code, want.credit.code);
    CHECK_INT(leg->credit.owner_id, want.credit.owner_id);
    CHECK_INT(leg->amount.nanodollars, want.amount.nanodollars);
    CHECK_INT(leg->code, want.code);
}

static void test_a_charge_falls_through_promo_and_prepaid_into_debt(void **state)
{
    static const struct ledger_key promo = { LEDGER_RENTER_PROMO, RENTER, 0 };
    static const struct ledger_key prepaid = { LEDGER_RENTER_PREPAID, RENTER, 0 };
    static const struct ledger_key debt = { LEDGER_RENTER_RECEIVABLE, RENTER, 0 };
    static const struct ledger_key gross = { LEDGER_GROSS_GPU, 0, 0 };
    static const struct ledger_key host = { LEDGER_HOST_ACCRUED, HOST, 0 };
    static const struct ledger_key fee = { LEDGER_FEE_GPU, 0, 0 };
    struct journal_usage usage = usage_of((int64_t[]){ 1000003, 0, 0, 0 });
    struct renter_funds funds = { { 400000 }, { 500000 }, { 0 } }, after;
    struct journal journal;

    (void)state;
    CHECK_INT(journal_usage(&usage, &funds, &journal, &after), JOURNAL_BUILT);
    CHECK(journal.leg_count == 5);
    check_leg(&journal, 0, (struct leg){ promo, gross, { 400000 }, 11 });
    check_leg(&journal, 1, (struct leg){ prepaid, gross, { 500000 }, 11 });
    check_leg(&journal, 2, (struct leg){ debt, gross, { 100003 }, 11 });
    check_leg(&journal, 3, (struct leg){ gross, host, { 750002 }, 12 });
    check_leg(&journal, 4, (struct leg){ gross, fee, { 250001 }, 13 });
    CHECK_TEXT(journal.key, "use:7001:3");
    CHECK_INT(journal.kind, JOURNAL_USAGE);
    CHECK_INT(journal.ref_id, CONTRACT);
    CHECK_INT(after.promo.nanodollars, 0);
    CHECK_INT(after.prepaid.nanodollars, 0);
    CHECK_INT(after.receivable.nanodollars, 100003);
}

static void test_a_credit_settles_the_debt_first(void **state)
{
    static const struct {
        int64_t debt, amount;
        int64_t debt_after, rest;
        size_t deposit_legs, promo_legs;
    } rows[] = {
        { 0, 100, 0, 100, 2, 1 }, { 30, 100, 0, 70, 3, 2 }, { 99, 100, 0, 1, 3, 2 },
        { 100, 100, 0, 0, 2, 1 }, { 101, 100, 1, 0, 2, 1 }, { 500, 1, 499, 0, 2, 1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct renter_funds funds = { { 0 }, { 0 }, { rows[i].debt } }, after;
        struct journal_credit credit = credit_of(rows[i].amount, LEDGER_STRIPE);
        struct journal journal;

        check_row("row %zu", i);
        CHECK_INT(journal_deposit(&credit, &funds, &journal, &after), JOURNAL_BUILT);
        CHECK_INT(after.receivable.nanodollars, rows[i].debt_after);
        CHECK_INT(after.prepaid.nanodollars, rows[i].rest);
        CHECK_INT(after.promo.nanodollars, 0);
        CHECK(journal.leg_count == rows[i].deposit_legs);
        CHECK(journal_is_balanced(&journal));

        credit.from = LEDGER_PROMO_GRANTED;
        CHECK_INT(journal_promo(&credit, &funds, &journal, &after), JOURNAL_BUILT);
        CHECK_INT(after.receivable.nanodollars, rows[i].debt_after);
        CHECK_INT(after.promo.nanodollars, rows[i].rest);
        CHECK_INT(after.prepaid.nanodollars, 0);
        CHECK(journal.leg_count == rows[i].promo_legs);
        CHECK(journal_is_balanced(&journal));
    }
}

/* What the journal moved on the renter's accounts is what the funds say. */
static int64_t moved(const struct journal *journal, enum ledger_code code)
{
    int64_t sum = 0;

    for (size_t i = 0; i < journal->leg_count; i++) {
        const struct leg *leg = &journal->legs[i];

        sum += leg->credit.code == code ? leg->amount.nanodollars : 0;
        sum -= leg->debit.code == code ? leg->amount.nanodollars : 0;
    }
    return sum;
}

/* In any order of charges and credits: books balance, nothing is lost, debt means no credit. */
static void test_random_lives_of_an_account(void **state)
{
    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct renter_funds funds = { 0 };
        int64_t balance = 0;

        check_row("round %d", round);
        for (uint64_t step = check_random(30); step > 0; step--) {
            struct renter_funds after;
            struct journal journal;
            enum journal_outcome outcome;
            int64_t change;

            if (check_random(2) == 0) {
                int64_t gross[COMPONENT_COUNT];
                change = 0;
                for (int i = 0; i < COMPONENT_COUNT; i++) {
                    gross[i] = check_random(3) == 0 ? 0 : (int64_t)check_random(1000000);
                    change -= gross[i];
                }
                struct journal_usage usage = usage_of(gross);
                outcome = journal_usage(&usage, &funds, &journal, &after);
            } else {
                change = (int64_t)check_random(3000000);
                bool is_promo = check_random(2) == 0;
                struct journal_credit credit =
                    credit_of(change, is_promo ? LEDGER_GOODWILL : LEDGER_BANK);
                outcome = is_promo ? journal_promo(&credit, &funds, &journal, &after)
                                   : journal_deposit(&credit, &funds, &journal, &after);
            }
            CHECK_INT(outcome, change == 0 ? JOURNAL_EMPTY : JOURNAL_BUILT);
            if (outcome == JOURNAL_EMPTY)
                continue;
            CHECK(journal_is_balanced(&journal));
            CHECK(renter_funds_are_valid(&after));
            CHECK_INT(moved(&journal, LEDGER_RENTER_PROMO),
                      after.promo.nanodollars - funds.promo.nanodollars);
            CHECK_INT(moved(&journal, LEDGER_RENTER_PREPAID),
                      after.prepaid.nanodollars - funds.prepaid.nanodollars);
            CHECK_INT(moved(&journal, LEDGER_RENTER_RECEIVABLE),
                      funds.receivable.nanodollars - after.receivable.nanodollars);
            balance += change;
            funds = after;
            CHECK_INT(renter_funds_balance(&funds).nanodollars, balance);
        }
    }
}

/* All four components, with promo and prepaid both running out on the way. */
static void test_the_longest_journal_fits(void **state)
{
    struct journal_usage usage = usage_of((int64_t[]){ 1000, 1000, 1000, 1000 });
    struct renter_funds funds = { { 500 }, { 1000 }, { 0 } }, after;
    struct journal journal;

    (void)state;
    CHECK_INT(journal_usage(&usage, &funds, &journal, &after), JOURNAL_BUILT);
    CHECK(journal.leg_count == 14);
    CHECK_INT(after.receivable.nanodollars, 2500);
}

static void test_what_money_cannot_hold_changes_nothing(void **state)
{
    struct renter_funds debt = { { 0 }, { 0 }, { INT64_MAX } },
                        rich = { { 0 }, { INT64_MAX }, { 0 } };
    struct renter_funds after = { { 42 }, { 42 }, { 0 } };
    struct journal journal = { .ref_id = 42 };
    struct journal_usage usage = usage_of((int64_t[]){ 0, 0, 0, 1 });
    struct journal_usage nothing = usage_of((int64_t[]){ 0, 0, 0, 0 });
    struct journal_credit deposit = credit_of(1, LEDGER_BANK);
    struct journal_credit promo = credit_of(1, LEDGER_GOODWILL);

    (void)state;
    CHECK_INT(journal_usage(&usage, &debt, &journal, &after), JOURNAL_TOO_LARGE);
    CHECK_INT(journal_deposit(&deposit, &rich, &journal, &after), JOURNAL_TOO_LARGE);
    CHECK_INT(journal_promo(&promo, &rich, &journal, &after), JOURNAL_TOO_LARGE);
    CHECK_INT(journal_usage(&nothing, &rich, &journal, &after), JOURNAL_EMPTY);
    CHECK_INT(journal.ref_id, 42);
    CHECK_INT(after.promo.nanodollars, 42);

    /* One nanodollar less fits. */
    debt.receivable.nanodollars -= 1;
    rich.prepaid.nanodollars -= 1;
    CHECK_INT(journal_usage(&usage, &debt, &journal, &after), JOURNAL_BUILT);
    CHECK_INT(journal_deposit(&deposit, &rich, &journal, &after), JOURNAL_BUILT);
}

static void test_funds_that_cannot_be_are_found_out(void **state)
{
    static const struct {
        struct renter_funds funds;
        bool is_valid;
    } rows[] = {
        { { { 0 }, { 0 }, { 0 } }, true },          { { { 1 }, { 1 }, { 0 } }, true },
        { { { 0 }, { 0 }, { 5 } }, true },          { { { 1 }, { 0 }, { 5 } }, false },
        { { { 0 }, { 1 }, { 5 } }, false },         { { { -1 }, { 0 }, { 0 } }, false },
        { { { 0 }, { -1 }, { 0 } }, false },        { { { 0 }, { 0 }, { -1 } }, false },
        { { { INT64_MAX }, { 1 }, { 0 } }, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        CHECK_INT(renter_funds_are_valid(&rows[i].funds), rows[i].is_valid);
    }
}

static void test_a_journal_out_of_balance_is_found_out(void **state)
{
    struct journal_usage usage = usage_of((int64_t[]){ 1000, 2000, 0, 0 });
    struct renter_funds funds = { { 0 }, { 10000 }, { 0 } }, after;
    struct journal good, bad[7];
    size_t count = 0;

    (void)state;
    CHECK_INT(journal_usage(&usage, &funds, &good, &after), JOURNAL_BUILT);
    CHECK(journal_is_balanced(&good));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        bad[i] = good;
    bad[count++].legs[0].amount.nanodollars += 1;
    bad[count++].legs[2].amount.nanodollars = 0;
    bad[count++].legs[1].credit = bad[1].legs[1].debit;
    bad[count++].legs[0].credit.code = LEDGER_GROSS_DISK;
    bad[count++].legs[1].credit.code = (enum ledger_code)9999;
    bad[count++].leg_count -= 1;
    bad[count++].leg_count = 0;
    CHECK(count == sizeof bad / sizeof bad[0]);
    for (size_t i = 0; i < count; i++) {
        check_row("forgery %zu", i);
        CHECK(!journal_is_balanced(&bad[i]));
    }
}

static void check_body(const struct journal *a, const struct journal *b, bool is_equal)
{
    auto_buf struct buf of_a = buf_of(JOURNAL_BODY_MAX), of_b = buf_of(JOURNAL_BODY_MAX);

    journal_body(&of_a, a);
    journal_body(&of_b, b);
    CHECK(!of_a.has_overflowed && !of_b.has_overflowed);
    CHECK_INT(strcmp(of_a.bytes, of_b.bytes) == 0, is_equal);
}

/* A retry finds another balance, and storage gives legs back in its own order: the body stays.
 * Another amount, contract or host is another body. */
static void test_the_body_is_what_was_asked(void **state)
{
    struct journal_usage usage = usage_of((int64_t[]){ 1000, 2000, 30, 4 });
    struct renter_funds rich = { { 100 }, { 90000 }, { 0 } }, poor = { 0 }, after;
    struct journal journal, retry;

    (void)state;
    CHECK_INT(journal_usage(&usage, &rich, &journal, &after), JOURNAL_BUILT);
    CHECK_INT(journal_usage(&usage, &poor, &retry, &after), JOURNAL_BUILT);
    check_body(&journal, &retry, true);
    for (size_t i = 0; i < journal.leg_count / 2; i++) {
        struct leg kept = journal.legs[i];

        journal.legs[i] = journal.legs[journal.leg_count - 1 - i];
        journal.legs[journal.leg_count - 1 - i] = kept;
    }
    check_body(&journal, &retry, true);

    struct journal_usage other = usage_of((int64_t[]){ 1000, 2000, 31, 4 });
    CHECK_INT(journal_usage(&other, &poor, &journal, &after), JOURNAL_BUILT);
    check_body(&journal, &retry, false);
    other = usage;
    other.host_id = HOST + 1;
    CHECK_INT(journal_usage(&other, &poor, &journal, &after), JOURNAL_BUILT);
    check_body(&journal, &retry, false);
    other = usage;
    other.contract_id += 1;
    CHECK_INT(journal_usage(&other, &poor, &journal, &after), JOURNAL_BUILT);
    check_body(&journal, &retry, false);
}

/* The hash of a body is stored for good, so the text must not change. */
static void test_the_body_is_written_like_this(void **state)
{
    struct journal_usage usage = usage_of((int64_t[]){ 1000, 0, 0, 7 });
    struct renter_funds funds = { { 500 }, { 0 }, { 0 } }, after;
    auto_buf struct buf body = buf_of(JOURNAL_BODY_MAX);
    struct journal journal;

    (void)state;
    CHECK_INT(journal_usage(&usage, &funds, &journal, &after), JOURNAL_BUILT);
    journal_body(&body, &journal);
    CHECK_TEXT(body.bytes, "berth journal 1\n1 1 7001 0\n"
                           "11 501.0 0.0 1000\n12 0.0 12.0 750\n13 0.0 0.0 250\n"
                           "41 501.0 0.0 7\n42 0.0 12.0 5\n43 0.0 0.0 2\n");
}

static void test_what_moves_nothing_is_no_leg(void **state)
{
    struct leg legs[] = {
        { { LEDGER_HOST_ACCRUED, HOST, 0 }, { LEDGER_HOST_PAYABLE, HOST, 0 }, { 9 }, LEG_INVOICED },
        { { LEDGER_HOST_PAYABLE, HOST, 0 }, { LEDGER_PAYOUT_TRANSIT, HOST, 4 }, { 0 }, LEG_PAYOUT },
    };
    struct journal_moves moves = { .key = "hinv:12:2026-11-27",
                                   .kind = JOURNAL_HOST_INVOICE,
                                   .ref_kind = JOURNAL_REF_INVOICE,
                                   .ref_id = 8,
                                   .occurred = { 77 },
                                   .legs = legs,
                                   .leg_count = 2 };
    struct journal journal;

    (void)state;
    CHECK_INT(journal_moves(&moves, &journal), JOURNAL_BUILT);
    CHECK_TEXT(journal.key, "hinv:12:2026-11-27");
    CHECK_INT(journal.kind, JOURNAL_HOST_INVOICE);
    CHECK_INT(journal.ref_kind, JOURNAL_REF_INVOICE);
    CHECK_INT(journal.ref_id, 8);
    CHECK_INT(journal.occurred.microseconds, 77);
    CHECK_INT((int64_t)journal.leg_count, 1);
    check_leg(&journal, 0, legs[0]);

    struct journal before = journal;
    legs[0].amount.nanodollars = 0;
    CHECK_INT(journal_moves(&moves, &journal), JOURNAL_EMPTY);
    CHECK(memcmp(&before, &journal, sizeof journal) == 0);
}

static void test_nothing_is_no_journal(void **state)
{
    struct renter_funds funds = { { 5 }, { 0 }, { 0 } }, after = { { 9 }, { 9 }, { 9 } };
    struct journal_credit deposit = credit_of(0, LEDGER_STRIPE);
    struct journal_credit promo = credit_of(0, LEDGER_PROMO_GRANTED);
    struct journal journal = { .ref_id = 77 };

    (void)state;
    CHECK_INT(journal_deposit(&deposit, &funds, &journal, &after), JOURNAL_EMPTY);
    CHECK_INT(journal_promo(&promo, &funds, &journal, &after), JOURNAL_EMPTY);
    CHECK_INT(journal.ref_id, 77);
    CHECK_INT(after.promo.nanodollars, 9);
}

static void test_a_journal_has_neither_too_many_legs_nor_strange_ones(void **state)
{
    struct journal journal = {
        .leg_count = 1,
        .legs = { { { LEDGER_BANK, 0, 0 }, { LEDGER_OWNER_EQUITY, 0, 0 }, { 5 }, LEG_TRANSFER } }
    };

    (void)state;
    CHECK(journal_is_balanced(&journal));
    journal.leg_count = JOURNAL_LEGS_MAX + 1;
    CHECK(!journal_is_balanced(&journal));
    journal.leg_count = 1;
    journal.legs[0].debit.code = (enum ledger_code)7777;
    CHECK(!journal_is_balanced(&journal));
    journal.legs[0].debit.code = LEDGER_BANK;
    journal.legs[0].credit.code = (enum ledger_code)7777;
    CHECK(!journal_is_balanced(&journal));
}

/* Each by itself: no turnover that does not come to nothing gives it away before. */
static void test_a_leg_moves_something_from_one_to_another(void **state)
{
    static const struct ledger_key bank = { LEDGER_BANK, 0, 0 };
    static const struct ledger_key equity = { LEDGER_OWNER_EQUITY, 0, 0 };
    static const struct ledger_key gross = { LEDGER_GROSS_GPU, 0, 0 };
    const struct {
        struct leg legs[2];
        bool is_balanced;
    } rows[] = {
        { { { bank, equity, { 5 }, LEG_TRANSFER }, { equity, bank, { 1 }, LEG_TRANSFER } }, true },
        { { { bank, equity, { 5 }, LEG_TRANSFER }, { equity, bank, { 0 }, LEG_TRANSFER } }, false },
        { { { bank, equity, { -1 }, LEG_TRANSFER }, { equity, bank, { 1 }, LEG_TRANSFER } },
          false },
        { { { bank, equity, { 5 }, LEG_TRANSFER }, { bank, bank, { 1 }, LEG_TRANSFER } }, false },
        /* A control account that pays first comes to nothing as well as one that is paid first. */
        { { { gross, equity, { 5 }, LEG_TRANSFER }, { bank, gross, { 5 }, LEG_TRANSFER } }, true },
        { { { gross, equity, { 5 }, LEG_TRANSFER }, { bank, gross, { 4 }, LEG_TRANSFER } }, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct journal journal = { .leg_count = 2, .legs = { rows[i].legs[0], rows[i].legs[1] } };

        check_row("row %zu", i);
        CHECK_INT(journal_is_balanced(&journal), rows[i].is_balanced);
    }
}

/* Two like legs whose sum money cannot hold stay two. */
static void test_a_body_of_more_than_money_holds_is_written_all_the_same(void **state)
{
    auto_buf struct buf body = buf_of(JOURNAL_BODY_MAX);
    struct leg leg = { { LEDGER_BANK, 0, 0 }, { LEDGER_OWNER_EQUITY, 0, 0 }, { INT64_MAX }, 65 };
    struct journal journal = { .kind = JOURNAL_ADJUSTMENT,
                               .ref_kind = JOURNAL_REF_USER,
                               .ref_id = 1,
                               .leg_count = 2,
                               .legs = { leg, leg } };

    (void)state;
    journal_body(&body, &journal);
    CHECK_TEXT(body.bytes, "berth journal 1\n11 2 1 0\n65 0.0 0.0 9223372036854775807\n"
                           "65 0.0 0.0 9223372036854775807\n");
}

/* The renter is credited with all of it, and the house bears the fee. */
static void test_a_provider_may_keep_some_of_a_deposit(void **state)
{
    struct renter_funds funds = { { 0 }, { 0 }, { 0 } }, after;
    struct journal_credit credit = credit_of(2500, LEDGER_STRIPE);
    struct journal journal;

    (void)state;
    credit.fee.nanodollars = 103;
    CHECK_INT(journal_deposit(&credit, &funds, &journal, &after), JOURNAL_BUILT);
    CHECK_INT((int64_t)journal.leg_count, 3);
    check_leg(&journal, 1,
              (struct leg){ { .code = LEDGER_PROVIDER_FEES },
                            { .code = LEDGER_STRIPE },
                            { 103 },
                            LEG_PROVIDER_FEE });
    CHECK_INT(after.prepaid.nanodollars, 2500);
    CHECK(journal_is_balanced(&journal));
}

/* What was paid ahead pays for GPU time and disk, and traffic is paid as ever. */
static void test_a_deposit_pays_first_for_what_it_is_for(void **state)
{
    static const struct ledger_key deposit = { LEDGER_RENTER_RESERVED, RENTER, CONTRACT };
    static const struct ledger_key promo = { LEDGER_RENTER_PROMO, RENTER, 0 };
    static const struct ledger_key gpu = { LEDGER_GROSS_GPU, 0, 0 };
    static const struct ledger_key disk = { LEDGER_GROSS_DISK, 0, 0 };
    static const struct ledger_key up = { LEDGER_GROSS_UP, 0, 0 };
    const int64_t gross[COMPONENT_COUNT] = { 1000, 500, 40, 0 };
    struct journal_usage usage = usage_of(gross);
    struct renter_funds funds = { .promo = { 2000 } }, after;
    struct journal journal;

    (void)state;
    usage.deposit.nanodollars = 1200;
    CHECK_INT(journal_usage(&usage, &funds, &journal, &after), JOURNAL_BUILT);
    CHECK_INT(journal_usage_drawn(&usage).nanodollars, 1200);
    CHECK_INT(after.promo.nanodollars, 2000 - 300 - 40);
    check_leg(&journal, 0, (struct leg){ deposit, gpu, { 1000 }, 11 });
    CHECK_INT(journal.legs[0].debit.sub_id, CONTRACT);
    check_leg(&journal, 3, (struct leg){ deposit, disk, { 200 }, 21 });
    check_leg(&journal, 4, (struct leg){ promo, disk, { 300 }, 21 });
    check_leg(&journal, 7, (struct leg){ promo, up, { 40 }, 31 });
    CHECK(journal_is_balanced(&journal));
}

/* The body is what was asked: the same however it was paid. */
static void test_a_deposit_leaves_the_body_as_it_is(void **state)
{
    const int64_t gross[COMPONENT_COUNT] = { 1000, 500, 40, 7 };
    struct journal_usage usage = usage_of(gross);
    auto_buf struct buf plain = buf_of(JOURNAL_BODY_MAX);
    struct journal journal;

    (void)state;
    for (int64_t paid_ahead = 0; paid_ahead <= 1600; paid_ahead += 50) {
        struct renter_funds funds = { .promo = { 900 } }, after;
        auto_buf struct buf body = buf_of(JOURNAL_BODY_MAX);

        check_row("%lld paid ahead", (long long)paid_ahead);
        usage.deposit.nanodollars = paid_ahead;
        CHECK_INT(journal_usage(&usage, &funds, &journal, &after), JOURNAL_BUILT);
        CHECK_INT(journal_usage_drawn(&usage).nanodollars, paid_ahead > 1500 ? 1500 : paid_ahead);
        journal_body(paid_ahead == 0 ? &plain : &body, &journal);
        if (paid_ahead > 0)
            CHECK_TEXT(body.bytes, plain.bytes);
    }
}

/* What goes into a deposit, or back out of it, is about that one deposit. */
static void test_a_deposit_that_moves_is_named(void **state)
{
    const struct ledger_key deposit = { LEDGER_RENTER_RESERVED, RENTER, CONTRACT };
    struct leg leg = { deposit, { LEDGER_RENTER_PREPAID, RENTER, 0 }, { 9 }, LEG_CREDITED };
    struct journal_moves moves = { .key = "adj:1",
                                   .kind = JOURNAL_ADJUSTMENT,
                                   .ref_kind = JOURNAL_REF_USER,
                                   .ref_id = RENTER,
                                   .legs = &leg,
                                   .leg_count = 1 };
    auto_buf struct buf one = buf_of(JOURNAL_BODY_MAX), other = buf_of(JOURNAL_BODY_MAX);
    struct journal journal;

    (void)state;
    CHECK_INT(journal_moves(&moves, &journal), JOURNAL_BUILT);
    journal_body(&one, &journal);
    leg.debit.sub_id++;
    CHECK_INT(journal_moves(&moves, &journal), JOURNAL_BUILT);
    journal_body(&other, &journal);
    CHECK(strcmp(one.bytes, other.bytes) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_deposit_that_moves_is_named),
        cmocka_unit_test(test_a_deposit_pays_first_for_what_it_is_for),
        cmocka_unit_test(test_a_deposit_leaves_the_body_as_it_is),
        cmocka_unit_test(test_nothing_is_no_journal),
        cmocka_unit_test(test_a_journal_has_neither_too_many_legs_nor_strange_ones),
        cmocka_unit_test(test_a_leg_moves_something_from_one_to_another),
        cmocka_unit_test(test_a_body_of_more_than_money_holds_is_written_all_the_same),
        cmocka_unit_test(test_what_moves_nothing_is_no_leg),
        cmocka_unit_test(test_a_charge_falls_through_promo_and_prepaid_into_debt),
        cmocka_unit_test(test_a_credit_settles_the_debt_first),
        cmocka_unit_test(test_random_lives_of_an_account),
        cmocka_unit_test(test_the_longest_journal_fits),
        cmocka_unit_test(test_what_money_cannot_hold_changes_nothing),
        cmocka_unit_test(test_funds_that_cannot_be_are_found_out),
        cmocka_unit_test(test_a_journal_out_of_balance_is_found_out),
        cmocka_unit_test(test_the_body_is_what_was_asked),
        cmocka_unit_test(test_the_body_is_written_like_this),
        cmocka_unit_test(test_a_provider_may_keep_some_of_a_deposit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
