/* SPDX-License-Identifier: Apache-2.0 */
#include "market/meter.h"

#include "check.h"

enum { EPOCHS_MAX = 16 };

static int64_t post(struct meter *meter)
{
    struct meter_charge charge = { .gross = { -1 } };

    CHECK_INT(meter_post(meter, meter, &charge), METER_OK);
    CHECK_INT(charge.gross.nanodollars, charge.host.nanodollars + charge.fee.nanodollars);
    CHECK(charge.host.nanodollars >= 0 && charge.fee.nanodollars >= 0);
    return charge.gross.nanodollars;
}

static void test_worked_examples(void **state)
{
    static const struct {
        enum component component;
        int64_t rate, quantity, total;
        int64_t gross, remainder, host, fee, fee_remainder;
    } rows[] = {
        { COMPONENT_GPU, 350000000, 1, 3725250000, 362177083, 1200000000, 271632812, 90544271,
          2500 },
        { COMPONENT_DISK, 150000000, 40, INT64_C(86400000000), 200000000, 0, 150000000, 50000000,
          0 },
        { COMPONENT_UP, INT64_C(20000000000), 1, 1234567890, 22456659, INT64_C(108499439616),
          16842494, 5614165, 2500 },
        { COMPONENT_DOWN, INT64_C(20000000000), 1, 1234567890, 22456659, INT64_C(108499439616),
          16842494, 5614165, 2500 },
        /* 754 s at $0.36 an hour are $0.0754 exactly. */
        { COMPONENT_GPU, 360000000, 1, 754000000, 75400000, 0, 56550000, 18850000, 0 },
        { COMPONENT_GPU, 0, 1, INT64_MAX, 0, 0, 0, 0, 0 },
        { COMPONENT_DISK, 150000000, 0, INT64_MAX, 0, 0, 0, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct meter meter = meter_open(rows[i].component, (struct money){ rows[i].rate },
                                        rows[i].quantity, FEE_BPS_DEFAULT);
        struct meter_charge charge;

        check_row("row %zu", i);
        CHECK_INT(meter_advance(&meter, rows[i].total), METER_OK);
        CHECK_INT(meter_post(&meter, &meter, &charge), METER_OK);
        CHECK_INT(charge.gross.nanodollars, rows[i].gross);
        CHECK_INT(charge.host.nanodollars, rows[i].host);
        CHECK_INT(charge.fee.nanodollars, rows[i].fee);
        CHECK_INT(meter.remainder, rows[i].remainder);
        CHECK_INT(meter.fee_remainder, rows[i].fee_remainder);
        CHECK(meter_is_valid(&meter));
    }
}

static struct meter a_meter(void)
{
    enum component component = (enum component)(1 + check_random(COMPONENT_COUNT));
    int64_t quantity = component == COMPONENT_DISK ? (int64_t)check_random(5000) : 1;
    static const int64_t rates[] = { 1, 1000, 350000000, 20000000000, METER_RATE_MAX };
    int64_t rate = (int64_t)check_random((uint64_t)rates[check_random(5)] + 1);

    return meter_open(component, (struct money){ rate }, quantity,
                      (int64_t)check_random(FEE_BPS_MAX + 1));
}

/* However often it is posted, and however often price and size change, the bill is the exact
 * numerator rounded down once, and the host has its share of that rounded down once. */
static void test_the_bill_does_not_depend_on_the_postings(void **state)
{
    (void)state;
    for (int round = 0; round < 4000; round++) {
        struct meter meter = a_meter();
        struct meter_epoch epochs[EPOCHS_MAX] = { { meter.rate, meter.quantity, 0, -1 } };
        size_t epoch_count = 1;
        numerator exact = 0;
        int64_t posted = 0, denominator = component_denominator(meter.component);

        check_row("round %d", round);
        for (uint64_t step = check_random(60); step > 0; step--) {
            int64_t used = (int64_t)check_random(check_random(2) ? 7000000 : 40000000000);

            exact += (numerator)meter.rate.nanodollars * meter.quantity * used;
            CHECK_INT(meter_advance(&meter, meter.total + used), METER_OK);
            CHECK(meter_matches(&meter, epochs, epoch_count));
            if (check_random(2) == 0)
                continue;
            posted += post(&meter);
            CHECK(meter.gross_posted.nanodollars == (int64_t)(exact / denominator));
            CHECK(meter.remainder == (int64_t)(exact % denominator));
            CHECK(meter.host_posted.nanodollars ==
                  (int64_t)((numerator)posted * (FEE_BPS_MAX - meter.fee_bps) / FEE_BPS_MAX));
            if (check_random(4) == 0 && epoch_count < EPOCHS_MAX) {
                struct money rate = { (int64_t)check_random(900000000) };

                epochs[epoch_count - 1].to_total = meter.total;
                if (meter.component == COMPONENT_DISK && check_random(2) == 0)
                    meter = meter_resize(&meter, 1 + (int64_t)check_random(1000));
                else
                    meter = meter_reprice(&meter, rate);
                epochs[epoch_count++] =
                    (struct meter_epoch){ meter.rate, meter.quantity, meter.total, -1 };
            }
            CHECK(meter_matches(&meter, epochs, epoch_count));
        }
        posted += post(&meter);
        CHECK_INT(posted, meter.gross_posted.nanodollars);
        CHECK(posted == (int64_t)(exact / denominator));
        CHECK_INT(post(&meter), 0);
    }
}

static void test_what_cannot_be_metered_changes_nothing(void **state)
{
    struct meter meter =
        meter_open(COMPONENT_DISK, (struct money){ METER_RATE_MAX }, METER_QUANTITY_MAX, 2500);
    struct meter next = { .total = 42 };
    struct meter_charge charge = { .gross = { 42 } };

    (void)state;
    CHECK_INT(meter_advance(&meter, 1000), METER_OK);
    CHECK_INT(meter_advance(&meter, 999), METER_BACKWARDS);
    CHECK_INT(meter.total, 1000);
    CHECK_INT(meter_advance(&meter, 1000), METER_OK);

    CHECK_INT(meter_advance(&meter, INT64_MAX), METER_OK);
    CHECK_INT(meter_post(&meter, &next, &charge), METER_TOO_LARGE);
    CHECK_INT(next.total, 42);
    CHECK_INT(charge.gross.nanodollars, 42);
}

/* At one nanodollar a microsecond a bill reaches just INT64_MAX and no further. */
static void test_a_bill_may_fill_money_to_the_brim(void **state)
{
    struct meter meter = meter_open(COMPONENT_GPU, (struct money){ METER_GPU_DENOMINATOR }, 1, 0);

    (void)state;
    CHECK_INT(meter_advance(&meter, INT64_MAX), METER_OK);
    CHECK_INT(post(&meter), INT64_MAX);
    CHECK(meter_is_valid(&meter));

    meter.total = meter.posted_total = 0;
    CHECK_INT(meter_advance(&meter, 1), METER_OK);
    CHECK_INT(meter_post(&meter, &meter, &(struct meter_charge){ 0 }), METER_TOO_LARGE);
}

static void test_a_doctored_meter_is_found_out(void **state)
{
    struct meter good = meter_open(COMPONENT_GPU, (struct money){ 350000000 }, 1, 2500);
    struct meter bad[14];
    size_t count = 0;

    (void)state;
    CHECK_INT(meter_advance(&good, 3725250000), METER_OK);
    (void)post(&good);
    CHECK(meter_is_valid(&good));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        bad[i] = good;
    bad[count++].component = (enum component)5;
    bad[count++].component = (enum component)0;
    bad[count++].rate.nanodollars = -1;
    bad[count++].rate.nanodollars = METER_RATE_MAX + 1;
    bad[count++].quantity = 2;
    bad[count++].fee_bps = -1;
    bad[count++].fee_bps = FEE_BPS_MAX + 1;
    bad[count++].posted_total += 1;
    bad[count++].remainder = METER_GPU_DENOMINATOR;
    bad[count++].remainder = -1;
    bad[count++].fee_remainder = FEE_BPS_MAX;
    bad[count++].host_posted.nanodollars += 1;
    bad[count++].gross_posted.nanodollars -= 1;
    bad[count++].fee_bps = 2400;
    CHECK(count == sizeof bad / sizeof bad[0]);
    for (size_t i = 0; i < count; i++) {
        check_row("forgery %zu", i);
        CHECK(!meter_is_valid(&bad[i]));
    }
}

static void test_doctored_epochs_are_found_out(void **state)
{
    struct meter meter = meter_open(COMPONENT_DISK, (struct money){ 150000000 }, 40, 2500);
    struct meter_epoch good[2] = { { { 150000000 }, 40, 0, 5000 }, { { 90000000 }, 40, 5000, -1 } };
    struct meter_epoch bad[8][2];
    size_t count = 0;

    (void)state;
    CHECK_INT(meter_advance(&meter, 5000), METER_OK);
    (void)post(&meter);
    meter = meter_reprice(&meter, (struct money){ 90000000 });
    CHECK_INT(meter_advance(&meter, INT64_C(86400000000)), METER_OK);
    CHECK(meter_matches(&meter, good, 2));
    CHECK(!meter_matches(&meter, good, 1));
    CHECK(!meter_matches(&meter, good, 0));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        bad[i][0] = good[0];
        bad[i][1] = good[1];
    }
    bad[count++][0].rate.nanodollars -= 1;
    bad[count++][0].rate.nanodollars = -1;
    bad[count++][0].quantity = 39;
    bad[count++][0].from_total = 1;
    bad[count++][0].to_total = -1;
    bad[count++][1].from_total = 4999;
    bad[count++][1].to_total = INT64_C(86399999999);
    bad[count++][1].rate.nanodollars += 1;
    CHECK(count == sizeof bad / sizeof bad[0]);
    for (size_t i = 0; i < count; i++) {
        check_row("forgery %zu", i);
        CHECK(!meter_matches(&meter, bad[i], 2));
    }
    meter.remainder += 1;
    CHECK(!meter_matches(&meter, good, 2));
}

static void test_components_are_named_as_in_the_api(void **state)
{
    (void)state;
    CHECK_TEXT(component_name(COMPONENT_GPU), "gpu");
    CHECK_TEXT(component_name(COMPONENT_DISK), "disk");
    CHECK_TEXT(component_name(COMPONENT_UP), "bwu");
    CHECK_TEXT(component_name(COMPONENT_DOWN), "bwd");
    CHECK_INT(component_denominator(COMPONENT_DISK),
              METER_GPU_SCALE * component_denominator(COMPONENT_GPU));
    CHECK_INT(component_denominator(COMPONENT_UP), INT64_C(1) << 40);
    CHECK_INT(component_denominator((enum component)9), 0);
}

/* Each limit of what storage may hand us, from both sides. */
static void test_every_limit_of_a_meter_is_looked_at(void **state)
{
    struct meter gpu = meter_open(COMPONENT_GPU, (struct money){ 100 }, 1, 2500);
    struct meter disk = meter_open(COMPONENT_DISK, (struct money){ 100 }, METER_QUANTITY_MAX, 2500);

    (void)state;
    CHECK_TEXT(component_name((enum component)9), "");
    CHECK_INT(component_denominator((enum component)9), 0);
    CHECK(meter_is_valid(&gpu) && meter_is_valid(&disk));
#define BROKEN(whole, change)                                                                      \
    do {                                                                                           \
        struct meter broken = (whole);                                                             \
        check_row("%s", #change);                                                                  \
        broken.change;                                                                             \
        CHECK(!meter_is_valid(&broken));                                                           \
    } while (0)
    BROKEN(gpu, component = (enum component)9);
    BROKEN(gpu, quantity = 2);
    BROKEN(gpu, rate.nanodollars = -1);
    BROKEN(gpu, rate.nanodollars = METER_RATE_MAX + 1);
    BROKEN(gpu, fee_bps = -1);
    BROKEN(gpu, fee_bps = FEE_BPS_MAX + 1);
    BROKEN(gpu, posted_total = -1);
    BROKEN(gpu, posted_total = 1);
    BROKEN(gpu, remainder = -1);
    BROKEN(gpu, remainder = METER_GPU_DENOMINATOR);
    BROKEN(gpu, fee_remainder = -1);
    BROKEN(gpu, fee_remainder = FEE_BPS_MAX);
    BROKEN(gpu, gross_posted.nanodollars = -4);
    BROKEN(gpu, host_posted.nanodollars = -3);
    BROKEN(gpu, host_posted.nanodollars = 1);
    BROKEN(gpu, fee_remainder = 1);
    BROKEN(disk, quantity = -1);
    BROKEN(disk, quantity = METER_QUANTITY_MAX + 1);
#undef BROKEN
    /* Signs that make up for each other. */
    gpu.gross_posted.nanodollars = -4;
    gpu.host_posted.nanodollars = -3;
    CHECK(!meter_is_valid(&gpu));
    /* A nanodollar of the host's that is carried, and not given. */
    gpu.gross_posted.nanodollars = 4;
    gpu.host_posted.nanodollars = 3;
    CHECK(meter_is_valid(&gpu));
    gpu.host_posted.nanodollars = 2;
    gpu.fee_remainder = FEE_BPS_MAX;
    CHECK(!meter_is_valid(&gpu));
    disk.quantity = 0;
    CHECK(meter_is_valid(&disk));
}

static void test_evidence_of_another_meter_does_not_match(void **state)
{
    struct meter meter = meter_open(COMPONENT_GPU, (struct money){ 3600 }, 1, 2500), broken;
    struct meter_charge charge;
    struct meter_epoch whole = { { 3600 }, 1, 0, -1 },
                       parts[] = { { { 3600 }, 1, 0, 400000 }, { { 3600 }, 1, 400000, -1 } };

    (void)state;
    CHECK_INT(meter_advance(&meter, 1000000), METER_OK);
    CHECK_INT(meter_post(&meter, &meter, &charge), METER_OK);
    CHECK(meter_matches(&meter, &whole, 1) && meter_matches(&meter, parts, 2));
    CHECK(!meter_matches(&meter, &whole, 0));
    broken = meter;
    broken.fee_remainder++;
    CHECK(!meter_matches(&broken, &whole, 1));
    whole.quantity = 2;
    CHECK(!meter_matches(&meter, &whole, 1));
    whole = (struct meter_epoch){ { -1 }, 1, 0, -1 };
    CHECK(!meter_matches(&meter, &whole, 1));
    parts[1].from_total = 400001;
    CHECK(!meter_matches(&meter, parts, 2));
    parts[1] = (struct meter_epoch){ { 3600 }, 1, 400000, 399999 };
    CHECK(!meter_matches(&meter, parts, 2));
    parts[1] = (struct meter_epoch){ { 3600 }, 1, 400000, 999999 };
    CHECK(!meter_matches(&meter, parts, 2));
    parts[0].to_total = -1;
    CHECK(!meter_matches(&meter, parts, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_limit_of_a_meter_is_looked_at),
        cmocka_unit_test(test_evidence_of_another_meter_does_not_match),
        cmocka_unit_test(test_worked_examples),
        cmocka_unit_test(test_the_bill_does_not_depend_on_the_postings),
        cmocka_unit_test(test_what_cannot_be_metered_changes_nothing),
        cmocka_unit_test(test_a_bill_may_fill_money_to_the_brim),
        cmocka_unit_test(test_a_doctored_meter_is_found_out),
        cmocka_unit_test(test_doctored_epochs_are_found_out),
        cmocka_unit_test(test_components_are_named_as_in_the_api),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
