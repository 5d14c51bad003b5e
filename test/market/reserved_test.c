/* SPDX-License-Identifier: Apache-2.0 */
#include "market/reserved.h"

#include "check.h"

enum { CONTRACT = 7001, RENTER = 501, HOST = 12 };

/* $0.36 an hour and 10 GB at $0.15 a month. */
static const struct reserved_list usual = { { 360000000 }, { 150000000 }, 10 };

static void test_the_discount_grows_with_the_time(void **state)
{
    static const struct {
        int64_t hours, max_ppm, discount_ppm;
    } rows[] = {
        { 0, 1000000, 0 },
        { 1, 1000000, 277 },
        { 360, 1000000, 100000 },
        { 719, 1000000, 199722 },
        { 720, 1000000, 200000 },
        { 721, 1000000, 200069 },
        { 2159, 1000000, 299930 },
        { 2160, 1000000, 300000 },
        { 4319, 1000000, 399953 },
        { 4320, 1000000, 400000 },
        { 8640, 1000000, 400000 },
        { 4320, 250000, 250000 },
        { 720, 250000, 200000 },
        { 720, 0, 0 },
        { INT64_MAX, 1000000, 400000 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        CHECK_INT(reserved_discount_ppm(rows[i].hours, rows[i].max_ppm), rows[i].discount_ppm);
    }
    CHECK_INT(reserved_most_ppm(1000000), 400000);
    CHECK_INT(reserved_most_ppm(399999), 399999);
    for (int64_t hours = 1; hours <= RESERVED_HOURS_MAX; hours++) {
        check_row("%lld hours", (long long)hours);
        CHECK(reserved_discount_ppm(hours, RESERVED_PPM) >=
              reserved_discount_ppm(hours - 1, RESERVED_PPM));
    }
}

static void test_a_lowered_price_is_rounded_up(void **state)
{
    (void)state;
    CHECK_INT(reserved_rate((struct money){ 360000000 }, 200000).nanodollars, 288000000);
    CHECK_INT(reserved_rate((struct money){ 1 }, 399999).nanodollars, 1);
    CHECK_INT(reserved_rate((struct money){ 3 }, 400000).nanodollars, 2);
    CHECK_INT(reserved_rate((struct money){ 0 }, 400000).nanodollars, 0);
    CHECK_INT(reserved_rate((struct money){ METER_RATE_MAX }, 0).nanodollars, METER_RATE_MAX);
    CHECK_INT(reserved_rate((struct money){ METER_RATE_MAX }, RESERVED_PPM).nanodollars, 0);
}

static void test_worked_deposits(void **state)
{
    static const struct {
        int64_t amount, hours_max, max_ppm;
        enum reserved_outcome outcome;
        int64_t hours, discount_ppm, months_ppm, most;
    } rows[] = {
        /* A month: 0.288 * 720 + 0.12 * 10; a nanodollar less is an hour less. */
        { 208560000000, 8640, 400000, RESERVED_OK, 720, 200000, 1000000, -7 },
        { 208559999999, 8640, 400000, RESERVED_OK, 719, 199722, 999652, -7 },
        /* Six months: 0.216 * 4320 + 0.09 * 60. */
        { 938520000000, 8640, 400000, RESERVED_OK, 4320, 400000, 6000000, -7 },
        { 938520000000, 4320, 400000, RESERVED_OK, 4320, 400000, 6000000, -7 },
        /* One more than can be used up. */
        { 938520000001, 4320, 400000, RESERVED_TOO_MUCH, -7, -7, -7, 938520000000 },
        { 1, 0, 400000, RESERVED_TOO_MUCH, -7, -7, -7, 0 },
        { 361000000, 8640, 400000, RESERVED_TOO_LITTLE, -7, -7, -7, -7 },
        { 0, 8640, 400000, RESERVED_TOO_LITTLE, -7, -7, -7, -7 },
        /* The host allows nothing: an hour is 0.36 and 1.5 / 720. */
        { 362083334, 8640, 0, RESERVED_OK, 1, 0, 1388, -7 },
        { 362083333, 8640, 0, RESERVED_TOO_LITTLE, -7, -7, -7, -7 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct reserved_plan plan = { .hours = -7, .discount_ppm = -7, .months_ppm = -7 };
        struct money most = { -7 };

        check_row("row %zu", i);
        CHECK_INT(reserved_plan(&usual, (struct money){ rows[i].amount }, rows[i].hours_max,
                                rows[i].max_ppm, &plan, &most),
                  rows[i].outcome);
        CHECK_INT(plan.hours, rows[i].hours);
        CHECK_INT(plan.discount_ppm, rows[i].discount_ppm);
        CHECK_INT(plan.months_ppm, rows[i].months_ppm);
        CHECK_INT(most.nanodollars, rows[i].most);
    }
    struct reserved_plan plan;
    struct money most;
    const struct reserved_list free_of_charge = { { 0 }, { 0 }, 10 };
    CHECK_INT(reserved_plan(&free_of_charge, (struct money){ 5 }, 8640, 0, &plan, &most),
              RESERVED_FREE);
}

/* Whatever is paid, it covers the hours that it is said to cover and not one more, at the discount
 * that those hours have. */
static void test_a_deposit_covers_what_it_says(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        const struct reserved_list list = {
            { (int64_t)check_random(i % 2 == 0 ? 20000000000 : METER_RATE_MAX) },
            { (int64_t)check_random(2000000000) },
            (int64_t)check_random(2000) + 1,
        };
        const int64_t max_ppm = (int64_t)check_random(RESERVED_PPM + 1);
        struct money most = { 0 }, amount = { 0 };
        struct reserved_plan plan;

        if (list.gpu_hour.nanodollars == 0)
            continue;
        int64_t year = reserved_cost(&list, RESERVED_HOURS_MAX, 0).nanodollars;
        amount.nanodollars = (int64_t)check_random((uint64_t)year) + 1;
        check_row("step %d", i);
        enum reserved_outcome outcome =
            reserved_plan(&list, amount, RESERVED_HOURS_MAX, max_ppm, &plan, &most);
        if (outcome == RESERVED_TOO_MUCH) {
            CHECK(most.nanodollars < amount.nanodollars);
            continue;
        }
        if (outcome == RESERVED_TOO_LITTLE) {
            CHECK(amount.nanodollars <
                  reserved_cost(&list, 1, reserved_discount_ppm(1, max_ppm)).nanodollars);
            continue;
        }
        CHECK_INT(outcome, RESERVED_OK);
        CHECK_INT(plan.discount_ppm, reserved_discount_ppm(plan.hours, max_ppm));
        CHECK(plan.discount_ppm <= max_ppm && plan.discount_ppm <= 400000);
        CHECK(reserved_cost(&list, plan.hours, plan.discount_ppm).nanodollars <=
              amount.nanodollars);
        if (plan.hours < RESERVED_HOURS_MAX) {
            int64_t next = plan.hours + 1, ppm = reserved_discount_ppm(next, max_ppm);

            CHECK(reserved_cost(&list, next, ppm).nanodollars > amount.nanodollars);
        }
        /* In months the same, to the part of an hour. */
        CHECK(plan.months_ppm >= plan.hours * RESERVED_PPM / RESERVED_MONTH_HOURS - 1);
    }
}

static void test_the_discount_is_what_the_list_price_would_have_charged_more(void **state)
{
    /* An hour at list, then two at 0.288, a size of two, and one at list again. */
    static const struct meter_epoch epochs[] = {
        { { 360000000 }, 1, 0, 3600000000 },
        { { 288000000 }, 1, 3600000000, 3 * 3600000000 },
        { { 288000000 }, 2, 3 * 3600000000, 4 * 3600000000 },
        { { 360000000 }, 1, 4 * 3600000000, -1 },
    };
    const struct money list = { 360000000 };
    static const struct {
        int64_t from, total, given;
    } rows[] = {
        { 0, 5 * 3600000000, 4 * 72000000 },
        { 3600000000, 5 * 3600000000, 4 * 72000000 },
        { 2 * 3600000000, 5 * 3600000000, 3 * 72000000 },
        { 4 * 3600000000, 5 * 3600000000, 0 },
        /* Less than a nanodollar is nothing: 0.02 for a microsecond. */
        { 3 * 3600000000 - 49, 3 * 3600000000, 144000000 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        CHECK_INT(
            reserved_given(COMPONENT_GPU, list, epochs, 4, rows[i].from, rows[i].total).nanodollars,
            rows[i].given);
    }
    /* The last one is open: it counts up to the total. */
    const struct meter_epoch open = { { 288000000 }, 1, 0, -1 };
    CHECK_INT(reserved_given(COMPONENT_GPU, list, &open, 1, 0, 3600000000).nanodollars, 72000000);
    CHECK_INT(reserved_given(COMPONENT_GPU, list, &open, 1, 0, 0).nanodollars, 0);
    /* GB and months. */
    const struct meter_epoch disk = { { 120000000 }, 10, 0, -1 };
    CHECK_INT(reserved_given(COMPONENT_DISK, (struct money){ 150000000 }, &disk, 1, 0,
                             METER_DISK_DENOMINATOR)
                  .nanodollars,
              300000000);
}

/* More than money holds is the most that it holds. */
static void test_the_dearest_of_all_fits(void **state)
{
    const struct money rate = { METER_RATE_MAX };
    const struct reserved_list list = { rate, rate, METER_QUANTITY_MAX };
    const struct meter_epoch free = { { 0 }, METER_QUANTITY_MAX, 0, -1 };

    (void)state;
    CHECK_INT(reserved_cost(&list, RESERVED_HOURS_MAX, 0).nanodollars, INT64_MAX);
    CHECK_INT(reserved_given(COMPONENT_DISK, rate, &free, 1, 0, METER_DISK_DENOMINATOR).nanodollars,
              INT64_MAX);
}

static void check_end(const struct reserved_end *end, const int64_t want[static 4])
{
    CHECK_INT(end->kept[0].gross.nanodollars, want[0]);
    CHECK_INT(end->kept[0].host.nanodollars, want[1]);
    CHECK_INT(end->kept[1].gross.nanodollars, want[2]);
    CHECK_INT(end->back.nanodollars, want[3]);
}

static void test_what_is_kept_at_the_end(void **state)
{
    static const struct {
        int64_t left, gpu, disk;
        bool is_whole;
        int64_t want[4]; /* kept on GPU time, of that the host's, kept on disk, back */
    } rows[] = {
        { 1000, 100, 50, false, { 100, 75, 50, 850 } }, { 1000, 100, 50, true, { 0, 0, 0, 1000 } },
        { 120, 100, 50, false, { 100, 75, 20, 0 } },    { 150, 100, 50, false, { 100, 75, 50, 0 } },
        { 99, 100, 50, false, { 99, 74, 0, 0 } },       { 0, 100, 50, false, { 0, 0, 0, 0 } },
        { 10, 0, 0, false, { 0, 0, 0, 10 } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct money given[] = { { rows[i].gpu }, { rows[i].disk } };
        struct reserved_end end =
            reserved_end((struct money){ rows[i].left }, given, rows[i].is_whole, FEE_BPS_DEFAULT);

        check_row("row %zu", i);
        check_end(&end, rows[i].want);
    }
}

/* No nanodollar is lost or made, and what is kept is shared out as a charge is. */
static void test_the_parts_add_up(void **state)
{
    const struct reserved_event event = { "res:1:end", CONTRACT, RENTER, HOST, { 1000 } };

    (void)state;
    for (int i = 0; i < 20000; i++) {
        const struct money left = { (int64_t)check_random(i % 3 == 0 ? 100 : INT64_MAX / 4) };
        const struct money given[] = { { (int64_t)check_random(i % 5 == 0 ? 50 : INT64_MAX / 4) },
                                       { (int64_t)check_random(100000) } };
        struct renter_funds funds = { .receivable = {
                                          (int64_t)check_random(i % 2 == 0 ? 1 : 99) } };
        struct reserved_end end = reserved_end(left, given, i % 4 == 0, FEE_BPS_DEFAULT);
        int64_t kept = end.kept[0].gross.nanodollars + end.kept[1].gross.nanodollars, out = 0;
        struct journal journal;

        check_row("step %d", i);
        CHECK_INT(kept + end.back.nanodollars, left.nanodollars);
        CHECK(kept <= given[0].nanodollars + given[1].nanodollars);
        for (size_t c = 0; c < 2; c++) {
            const struct meter_charge *charge = &end.kept[c];

            CHECK_INT(charge->gross.nanodollars,
                      charge->host.nanodollars + charge->fee.nanodollars);
            /* The floor of three quarters. */
            CHECK(charge->host.nanodollars <=
                  charge->gross.nanodollars - charge->gross.nanodollars / 4);
            CHECK((numerator)charge->host.nanodollars * 4 >
                  (numerator)charge->gross.nanodollars * 3 - 4);
        }
        enum journal_outcome outcome = reserved_journal_end(&event, &end, &funds, &journal);
        CHECK_INT(outcome, left.nanodollars == 0 ? JOURNAL_EMPTY : JOURNAL_BUILT);
        if (outcome == JOURNAL_EMPTY)
            continue;
        CHECK(journal_is_balanced(&journal));
        for (size_t leg = 0; leg < journal.leg_count; leg++) {
            const struct leg *at = &journal.legs[leg];

            if (at->debit.code == LEDGER_RENTER_RESERVED) {
                CHECK_INT(at->debit.sub_id, CONTRACT);
                out += at->amount.nanodollars;
            }
            if (at->credit.code == LEDGER_RENTER_PREPAID)
                CHECK_INT(at->amount.nanodollars,
                          end.back.nanodollars - funds.receivable.nanodollars);
        }
        CHECK_INT(out, left.nanodollars);
    }
}

static void test_a_payment_moves_bought_credit(void **state)
{
    const struct reserved_event event = { "res:1:1", CONTRACT, RENTER, HOST, { 1000 } };
    struct journal journal;

    (void)state;
    CHECK_INT(reserved_journal_pay(&event, (struct money){ 5 }, &journal), JOURNAL_BUILT);
    CHECK_TEXT(journal.key, "res:1:1");
    CHECK_INT(journal.kind, JOURNAL_RESERVATION);
    CHECK_INT(journal.ref_id, CONTRACT);
    CHECK_INT((int64_t)journal.leg_count, 1);
    CHECK_INT(journal.legs[0].debit.code, LEDGER_RENTER_PREPAID);
    CHECK_INT(journal.legs[0].debit.owner_id, RENTER);
    CHECK_INT(journal.legs[0].credit.code, LEDGER_RENTER_RESERVED);
    CHECK_INT(journal.legs[0].credit.sub_id, CONTRACT);
    CHECK_INT(reserved_journal_pay(&event, (struct money){ 0 }, &journal), JOURNAL_EMPTY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_discount_grows_with_the_time),
        cmocka_unit_test(test_a_lowered_price_is_rounded_up),
        cmocka_unit_test(test_worked_deposits),
        cmocka_unit_test(test_a_deposit_covers_what_it_says),
        cmocka_unit_test(test_the_discount_is_what_the_list_price_would_have_charged_more),
        cmocka_unit_test(test_the_dearest_of_all_fits),
        cmocka_unit_test(test_what_is_kept_at_the_end),
        cmocka_unit_test(test_the_parts_add_up),
        cmocka_unit_test(test_a_payment_moves_bought_credit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
