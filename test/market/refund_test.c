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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worked_examples),
        cmocka_unit_test(test_no_more_than_was_charged_goes_back),
        cmocka_unit_test(test_what_is_left_is_what_was_never_refunded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
