/* SPDX-License-Identifier: Apache-2.0 */
#include "market/refund.h"

#include "check.h"

static struct meter a_meter(int64_t rate, int64_t used)
{
    struct meter meter = meter_open(COMPONENT_GPU, (struct money){ rate }, 1, FEE_BPS_DEFAULT);
    struct meter_charge charge;

    CHECK_INT(meter_advance(&meter, used), METER_OK);
    CHECK_INT(meter_post(&meter, &meter, &charge), METER_OK);
    return meter;
}

static struct refund a_refund(int64_t rate, int64_t used)
{
    return (struct refund){ .rate = { rate }, .quantity = 1, .used = used };
}

static void test_worked_examples(void **state)
{
    static const struct {
        int64_t rate, used, refunded, gross, host, fee;
    } rows[] = {
        /* 754 s at $0.36 an hour, back as they went. */
        { 360000000, 754000000, 754000000, 75400000, 56550000, 18850000 },
        { 360000000, 754000000, 54000000, 5400000, 4050000, 1350000 },
        { 360000000, 754000000, 0, 0, 0, 0 },
        /* 3.6 nanodollars were 3 and a carry: 0.4 less than the carry takes nothing back ... */
        { 1000000, 12960, 1440, 0, 0, 0 },
        /* ... and 0.8, more than it, a whole one: the carry goes on from there. The host had 2. */
        { 1000000, 12960, 2880, 1, 0, 1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct meter meter = a_meter(rows[i].rate, rows[i].used), before = meter;
        struct refund refund = a_refund(rows[i].rate, rows[i].refunded);
        struct meter_charge back;

        check_row("row %zu", i);
        CHECK_INT(refund_meter(&meter, &refund, &meter, &back), REFUND_OK);
        CHECK_INT(back.gross.nanodollars, rows[i].gross);
        CHECK_INT(back.fee.nanodollars, back.gross.nanodollars - back.host.nanodollars);
        CHECK_INT(meter.gross_posted.nanodollars, before.gross_posted.nanodollars - rows[i].gross);
        CHECK_INT(meter.host_posted.nanodollars,
                  before.host_posted.nanodollars - back.host.nanodollars);
        if (rows[i].gross != 1)
            CHECK_INT(back.host.nanodollars, rows[i].host);
        CHECK_INT(meter.total, before.total);
        CHECK(meter_is_valid(&meter));
    }
}

static void test_no_more_than_was_charged_goes_back(void **state)
{
    struct meter meter = a_meter(360000000, 754000000), next = { .total = -7 };
    struct meter_charge back = { .gross = { -7 } };
    struct refund all = a_refund(360000000, 754000000), more = a_refund(360000000, 754000001);

    (void)state;
    CHECK_INT(refund_meter(&meter, &more, &next, &back), REFUND_TOO_MUCH);
    CHECK_INT(next.total, -7);
    CHECK_INT(back.gross.nanodollars, -7);
    CHECK_INT(refund_meter(&meter, &all, &next, &back), REFUND_OK);
    CHECK_INT(next.gross_posted.nanodollars, 0);
    CHECK_INT(next.host_posted.nanodollars, 0);
    CHECK_INT(next.remainder, 0);
}

/* Charging and refunding in any order is charging the difference once. */
static void test_what_is_left_is_what_was_never_refunded(void **state)
{
    (void)state;
    for (int round = 0; round < 4000; round++) {
        int64_t rate = (int64_t)check_random(20000000000), kept = 0;
        int64_t fee_bps = (int64_t)check_random(FEE_BPS_MAX + 1);
        struct meter meter = meter_open(COMPONENT_DOWN, (struct money){ rate }, 1, fee_bps);
        struct meter clean = meter;
        struct meter_charge charge;

        check_row("round %d", round);
        for (int step = 0; step < 30; step++) {
            int64_t used = (int64_t)check_random(1000000000);
            int64_t refunded = (int64_t)check_random((uint64_t)used + 1);
            struct refund refund = a_refund(rate, refunded);

            CHECK_INT(meter_advance(&meter, meter.total + used), METER_OK);
            CHECK_INT(meter_post(&meter, &meter, &charge), METER_OK);
            CHECK_INT(refund_meter(&meter, &refund, &meter, &charge), REFUND_OK);
            CHECK(charge.gross.nanodollars >= 0 && charge.host.nanodollars >= 0 &&
                  charge.fee.nanodollars >= 0);
            kept += used - refunded;
        }
        CHECK_INT(meter_advance(&clean, kept), METER_OK);
        CHECK_INT(meter_post(&clean, &clean, &charge), METER_OK);
        CHECK_INT(meter.gross_posted.nanodollars, clean.gross_posted.nanodollars);
        CHECK_INT(meter.host_posted.nanodollars, clean.host_posted.nanodollars);
        CHECK_INT(meter.remainder, clean.remainder);
        CHECK_INT(meter.fee_remainder, clean.fee_remainder);
    }
}

enum { RENTER = 501, HOST = 12, HOUSE = 0 };

static struct refund_event event_of(enum component component, int64_t host, int64_t fee,
                                    int64_t paid_bought, int64_t pending)
{
    return (struct refund_event){ .key = "cor:7001:t",
                                  .contract_id = 7001,
                                  .renter_id = RENTER,
                                  .host_id = HOST,
                                  .component = component,
                                  .occurred = { 77 },
                                  .back = { { host + fee }, { host }, { fee } },
                                  .paid_bought = { paid_bought },
                                  .pending = { pending } };
}

/* What moved from an account to another, of all legs. */
static int64_t moved(const struct journal *journal, struct leg like)
{
    int64_t sum = 0;

    for (size_t i = 0; i < journal->leg_count; i++)
        if (ledger_key_equals(journal->legs[i].debit, like.debit) &&
            ledger_key_equals(journal->legs[i].credit, like.credit) &&
            journal->legs[i].code == like.code)
            sum += journal->legs[i].amount.nanodollars;
    return sum;
}

/* Whatever was charged goes back the way it came, for each component by its own accounts. */
static void test_what_goes_back_goes_the_way_it_came(void **state)
{
    static const enum ledger_code gross[] = { LEDGER_GROSS_GPU, LEDGER_GROSS_DISK, LEDGER_GROSS_UP,
                                              LEDGER_GROSS_DOWN };
    static const enum ledger_code fees[] = { LEDGER_FEE_GPU, LEDGER_FEE_DISK, LEDGER_FEE_UP,
                                             LEDGER_FEE_DOWN };
    static const struct {
        int64_t debt, paid_bought, pending;      /* before; 100 go back, 75 of them the host's */
        int64_t settled, bought, promo, accrued; /* what becomes of them */
    } rows[] = {
        { 0, 100, 75, 0, 100, 0, 75 },  { 0, 40, 75, 0, 40, 60, 75 },
        { 0, 0, 0, 0, 0, 100, 0 },      { 30, 100, 74, 30, 70, 0, 74 },
        { 30, 20, 1, 30, 0, 70, 1 },    { 100, 50, -9, 100, 0, 0, 0 },
        { 900, 0, 900, 100, 0, 0, 75 }, { 10, 40, 75, 10, 30, 60, 75 },
    };

    (void)state;
    for (size_t at = 0; at < 4 * sizeof rows / sizeof rows[0]; at++) {
        size_t i = at / 4, of = at % 4;
        struct ledger_key control = { gross[of], HOUSE, 0 }, fee = { fees[of], HOUSE, 0 };
        struct renter_funds funds = { .receivable = { rows[i].debt } };
        struct refund_event event =
            event_of((enum component)(of + 1), 75, 25, rows[i].paid_bought, rows[i].pending);
        struct journal journal;
        struct money accrued = { -1 };
        int code = 10 * (int)(of + 1);

        check_row("row %zu, component %zu", i, of + 1);
        CHECK_INT(refund_journal(&event, &funds, &journal, &accrued), JOURNAL_BUILT);
        CHECK(journal_is_balanced(&journal));
        CHECK_INT(journal.kind, JOURNAL_CORRECTION);
        CHECK_INT(accrued.nanodollars, rows[i].accrued);
#define MOVED(from_code, from_owner, to, to_owner, why)                                            \
    moved(&journal, (struct leg){ { from_code, from_owner, 0 }, { to, to_owner, 0 }, { 0 }, why })
        CHECK_INT(MOVED(LEDGER_HOST_ACCRUED, HOST, control.code, HOUSE, code + LEG_HOST_BACK),
                  rows[i].accrued);
        CHECK_INT(MOVED(LEDGER_HOST_RECEIVABLE, HOST, control.code, HOUSE, code + LEG_HOST_BACK),
                  75 - rows[i].accrued);
        CHECK_INT(MOVED(fee.code, HOUSE, control.code, HOUSE, code + LEG_FEE_BACK), 25);
        CHECK_INT(MOVED(control.code, HOUSE, LEDGER_RENTER_RECEIVABLE, RENTER, code + LEG_BACK),
                  rows[i].settled);
        CHECK_INT(MOVED(control.code, HOUSE, LEDGER_RENTER_PREPAID, RENTER, code + LEG_BACK),
                  rows[i].bought);
        CHECK_INT(MOVED(control.code, HOUSE, LEDGER_RENTER_PROMO, RENTER, code + LEG_BACK),
                  rows[i].promo);
    }
}

static void test_downtime_is_given_from_what_is_pending(void **state)
{
    static const struct {
        int64_t amount, pending, debt, given, settled;
    } rows[] = {
        { 50, 80, 0, 50, 0 },   { 80, 50, 0, 50, 0 }, { 50, 50, 20, 50, 20 },
        { 50, 80, 90, 50, 50 }, { 50, 1, 0, 1, 0 },
    };
    struct journal journal = { .ref_id = 3 };
    struct money given = { -1 };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct refund_event event = event_of(COMPONENT_GPU, 0, 0, 0, rows[i].pending);
        struct renter_funds funds = { .receivable = { rows[i].debt } };

        check_row("row %zu", i);
        CHECK_INT(
            refund_downtime(&event, (struct money){ rows[i].amount }, &funds, &journal, &given),
            JOURNAL_BUILT);
        CHECK_INT(given.nanodollars, rows[i].given);
        CHECK_INT(MOVED(LEDGER_HOST_ACCRUED, HOST, LEDGER_RENTER_RECEIVABLE, RENTER, LEG_GRANTED),
                  rows[i].settled);
        CHECK_INT(MOVED(LEDGER_HOST_ACCRUED, HOST, LEDGER_RENTER_PROMO, RENTER, LEG_GRANTED),
                  rows[i].given - rows[i].settled);
    }
#undef MOVED

    /* Nothing pending, nothing asked, nothing to take back: no journal, and nothing is touched. */
    struct refund_event none = event_of(COMPONENT_GPU, 0, 0, 0, -5);
    struct renter_funds funds = { .receivable = { 0 } };
    journal.ref_id = 3;
    given.nanodollars = -1;
    CHECK_INT(refund_downtime(&none, (struct money){ 5 }, &funds, &journal, &given), JOURNAL_EMPTY);
    CHECK_INT(refund_journal(&none, &funds, &journal, &given), JOURNAL_EMPTY);
    CHECK_INT(journal.ref_id, 3);
    CHECK_INT(given.nanodollars, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_goes_back_goes_the_way_it_came),
        cmocka_unit_test(test_downtime_is_given_from_what_is_pending),
        cmocka_unit_test(test_worked_examples),
        cmocka_unit_test(test_no_more_than_was_charged_goes_back),
        cmocka_unit_test(test_what_is_left_is_what_was_never_refunded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
