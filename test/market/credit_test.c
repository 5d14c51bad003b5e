/* SPDX-License-Identifier: Apache-2.0 */
#include "market/credit.h"

#include "check.h"

enum { METERS_MAX = 8 };

static const struct instant noon = { INT64_C(1795330553000000) };

static struct credit dollars(int64_t whole)
{
    return credit_open((struct money){ whole * NANODOLLARS_PER_DOLLAR }, (struct money){ 0 }, noon);
}

static struct meter gpu_meter(int64_t rate)
{
    return meter_open(COMPONENT_GPU, (struct money){ rate }, 1, 2500);
}

static struct meter disk_meter(int64_t rate, int64_t gb)
{
    return meter_open(COMPONENT_DISK, (struct money){ rate }, gb, 2500);
}

static void test_five_dollars_last_fourteen_hours(void **state)
{
    struct credit credit = dollars(5);
    struct meter gpu = gpu_meter(350000000), disk = disk_meter(150000000, 40);
    struct instant zero;

    (void)state;
    credit_add(&credit, &gpu, &noon);
    credit_add(&credit, &disk, &noon);
    CHECK_INT((int64_t)credit.burn, INT64_C(258000000000));
    CHECK(credit_zero(&credit, &zero));
    CHECK_INT(instant_until(noon, zero), INT64_C(50232558140));
    CHECK_INT(credit_stop_after_ms(&credit, noon), 50232558);
    CHECK_INT(credit_stop_after_ms(&credit, instant_add(zero, 1)), 0);
    CHECK_INT(credit_stop_after_ms(&credit, instant_add(zero, -1999)), 1);
    CHECK_INT(credit_available(&credit, noon).nanodollars, 5 * NANODOLLARS_PER_DOLLAR);
    CHECK_INT(credit_available(&credit, zero).nanodollars, 0);
    CHECK_INT(credit_available(&credit, instant_add(zero, -1)).nanodollars, 1);
    CHECK_INT(credit_hour(&credit).nanodollars, 358333334);
}

/* The GPU as a line, beside the disk that has been counted in: the same as one by one. */
static void test_a_line_counts_as_its_meters_do(void **state)
{
    struct meter gpu = gpu_meter(350000000), disk = disk_meter(150000000, 40);
    struct instant since = instant_add(noon, -7 * US_PER_SECOND);
    struct credit by_meter = dollars(5), by_line = dollars(5);
    struct accrual line = accrual_of(&gpu, &since);

    (void)state;
    credit_add(&by_meter, &disk, &since);
    credit_add(&by_line, &disk, &since);
    credit_add(&by_meter, &gpu, &since);
    credit_add_accrual(&by_line, &line);
    CHECK(by_line.accrued == by_meter.accrued);
    CHECK(by_line.burn == by_meter.burn);
    CHECK_INT(credit_available(&by_line, noon).nanodollars,
              credit_available(&by_meter, noon).nanodollars);
}

static void test_without_a_burn_credit_never_ends(void **state)
{
    struct credit credit = dollars(1);
    struct meter idle = gpu_meter(350000000), free_disk = disk_meter(0, 100);
    struct instant zero = { 42 };

    (void)state;
    credit_add(&credit, &idle, NULL);
    credit_add(&credit, &free_disk, &noon);
    CHECK(!credit_zero(&credit, &zero));
    CHECK_INT(zero.microseconds, 42);
    CHECK_INT(credit_stop_after_ms(&credit, noon), -1);
    CHECK_INT(credit_hour(&credit).nanodollars, 0);
}

static void test_at_or_below_the_floor_it_has_ended(void **state)
{
    static const struct {
        int64_t posted, limit;
        bool has_ended;
    } rows[] = {
        { 0, 0, true }, { 1, 0, false }, { -1, 0, true }, { -5, 5, true }, { -4, 5, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct credit credit =
            credit_open((struct money){ rows[i].posted }, (struct money){ rows[i].limit }, noon);
        struct meter gpu = gpu_meter(3600000);
        struct instant zero;

        check_row("row %zu", i);
        credit_add(&credit, &gpu, &noon);
        CHECK(credit_zero(&credit, &zero));
        CHECK_INT(instant_compare(zero, noon) <= 0, rows[i].has_ended);
    }
}

/* What a contract ran up before, posted or not, counts; so does traffic not posted yet. */
static void test_what_is_not_posted_counts(void **state)
{
    struct credit credit = dollars(1);
    struct meter gpu = gpu_meter(360000000);
    struct meter up = meter_open(COMPONENT_UP, (struct money){ 1099511627776 }, 1, 2500);
    struct instant since = instant_add(noon, -100 * US_PER_SECOND);

    (void)state;
    CHECK_INT(meter_advance(&gpu, 50 * US_PER_SECOND), METER_OK);
    CHECK_INT(meter_advance(&up, 1000), METER_OK);
    credit_add(&credit, &gpu, &since);
    credit_add(&credit, &up, NULL);
    /* 150 s at $0.0001 a second, and 1,000 bytes at a nanodollar. */
    CHECK_INT(credit_available(&credit, noon).nanodollars, 1000000000 - 15000000 - 1000);
    CHECK_INT(credit_available(&credit, instant_add(noon, US_PER_SECOND)).nanodollars,
              1000000000 - 15100000 - 1000);
}

struct world {
    size_t count;
    struct meter meters[METERS_MAX];
    bool runs[METERS_MAX];
    struct instant since[METERS_MAX];
};

static struct world a_world(void)
{
    struct world world = { .count = 1 + check_random(METERS_MAX) };

    for (size_t i = 0; i < world.count; i++) {
        bool is_gpu = check_random(2) == 0;
        int64_t rate = (int64_t)check_random(check_random(2) ? 100 : 3000000000);

        world.meters[i] = is_gpu ? gpu_meter(rate) : disk_meter(rate, (int64_t)check_random(2000));
        world.meters[i].remainder =
            (int64_t)check_random((uint64_t)component_denominator(world.meters[i].component));
        CHECK_INT(meter_advance(&world.meters[i], (int64_t)check_random(600000000)), METER_OK);
        world.runs[i] = check_random(4) > 0;
        world.since[i] = instant_add(noon, -(int64_t)check_random(700000000));
    }
    return world;
}

/* The accrual at `at` by the meters themselves, in disk's denominator. */
static numerator accrued_at(const struct world *world, struct instant at)
{
    numerator sum = 0;

    for (size_t i = 0; i < world->count; i++) {
        struct meter meter = world->meters[i];

        if (world->runs[i])
            CHECK_INT(meter_advance(&meter, meter.total + instant_until(world->since[i], at)),
                      METER_OK);
        sum += meter_unposted(&meter) * (meter.component == COMPONENT_GPU ? METER_GPU_SCALE : 1);
    }
    return sum;
}

/* At the crossing the exact accrual has reached the balance; a microsecond earlier it has not. */
static void test_the_crossing_is_exact(void **state)
{
    int crossings = 0;

    (void)state;
    for (int round = 0; round < 30000; round++) {
        struct world world = a_world();
        struct money posted = { (int64_t)check_random(check_random(2) ? 1000 : 90000000000) };
        struct money limit = { check_random(3) ? 0 : (int64_t)check_random(5000000000) };
        struct credit credit = credit_open(posted, limit, noon);
        struct instant zero;

        check_row("round %d", round);
        for (size_t i = 0; i < world.count; i++)
            credit_add(&credit, &world.meters[i], world.runs[i] ? &world.since[i] : NULL);

        numerator reach =
            (numerator)(posted.nanodollars + limit.nanodollars) * METER_DISK_DENOMINATOR;
        CHECK(credit.accrued == accrued_at(&world, noon));
        if (!credit_zero(&credit, &zero))
            continue;
        if (instant_compare(zero, noon) == 0) {
            CHECK(accrued_at(&world, noon) >= reach);
            continue;
        }
        struct instant before = instant_add(zero, -1);
        CHECK(accrued_at(&world, zero) >= reach);
        CHECK(accrued_at(&world, before) < reach);
        CHECK(credit_available(&credit, zero).nanodollars <= -limit.nanodollars);
        CHECK(credit_available(&credit, before).nanodollars > -limit.nanodollars);
        crossings++;
    }
    CHECK(crossings > 10000);
}

static void test_what_came_to_light_is_paid_as_far_as_credit_goes(void **state)
{
    static const struct {
        int64_t posted, limit, rate, affords_us;
    } rows[] = {
        { 0, 0, 360000000, 0 },         { -1, 0, 360000000, 0 },
        { 0, 1, 360000000, 10 },        { 100, 0, 360000000, 1000 },
        { 99, 0, 360000000, 990 },      { 1, 0, METER_GPU_DENOMINATOR, 1 },
        { 1, 0, METER_RATE_MAX, 0 },    { 1, 0, 0, INT64_MAX },
        { INT64_MAX, 0, 1, INT64_MAX }, { 0, 0, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct credit credit =
            credit_open((struct money){ rows[i].posted }, (struct money){ rows[i].limit }, noon);

        check_row("row %zu", i);
        CHECK_INT(credit_affords_us(&credit, (struct money){ rows[i].rate }), rows[i].affords_us);
    }
    /* What has accrued already comes first. */
    struct credit credit = credit_open((struct money){ 100 }, (struct money){ 0 }, noon);
    struct meter gpu = gpu_meter(METER_GPU_DENOMINATOR);
    struct instant since = instant_add(noon, -60);
    credit_add(&credit, &gpu, &since);
    CHECK_INT(credit_affords_us(&credit, (struct money){ METER_GPU_DENOMINATOR }), 40);
}

static void test_a_rental_needs_fifty_cents_and_an_hour(void **state)
{
    static const struct {
        int64_t posted, limit, hourly;
        bool is_admitted;
    } rows[] = {
        { 500000000, 0, 0, true },           { 499999999, 0, 0, false },
        { 500000000, 0, 500000000, true },   { 500000000, 0, 500000001, false },
        { 2000000000, 0, 2000000000, true }, { 1999999999, 0, 2000000000, false },
        { 0, 2000000000, 2000000000, true }, { -1, 2000000000, 2000000000, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct credit credit =
            credit_open((struct money){ rows[i].posted }, (struct money){ rows[i].limit }, noon);
        struct meter gpu = gpu_meter(rows[i].hourly);

        check_row("row %zu", i);
        struct credit starting = credit;
        credit_add(&credit, &gpu, &noon);
        CHECK_INT(credit_admits(&credit), rows[i].is_admitted);
        /* What has been started costs as much as what runs. */
        credit_add_starting(&starting, (struct money){ rows[i].hourly });
        CHECK_INT(credit_admits(&starting), rows[i].is_admitted);
    }
}

/* A thousand contracts at every limit, for ever: nothing overflows, it only ends at once. */
static void test_the_largest_burn_saturates(void **state)
{
    struct credit credit =
        credit_open((struct money){ INT64_MAX }, (struct money){ INT64_MAX }, noon);
    struct meter disk = disk_meter(METER_RATE_MAX, METER_QUANTITY_MAX);
    struct instant zero, dawn = { 0 };

    (void)state;
    CHECK_INT(meter_advance(&disk, INT64_MAX), METER_OK);
    for (int i = 0; i < 2000; i++)
        credit_add(&credit, &disk, &dawn);
    CHECK(credit_zero(&credit, &zero));
    CHECK_INT(instant_compare(zero, noon), 0);
    CHECK_INT(credit_available(&credit, (struct instant){ INT64_MAX }).nanodollars, -INT64_MAX);
    CHECK_INT(credit_hour(&credit).nanodollars, INT64_MAX);
    CHECK(!credit_admits(&credit));
}

/* A crossing more than a hundred years ahead is never. */
static void test_the_far_future_is_never(void **state)
{
    static const int64_t century_us = INT64_C(100) * 365 * 24 * 3600 * 1000000;
    struct meter gpu = gpu_meter(METER_GPU_DENOMINATOR); /* a nanodollar a microsecond */
    struct instant zero;

    (void)state;
    for (int over = 0; over <= 1; over++) {
        struct credit credit =
            credit_open((struct money){ century_us + over }, (struct money){ 0 }, noon);

        credit_add(&credit, &gpu, &noon);
        CHECK_INT(credit_zero(&credit, &zero), over == 0);
    }
}

static void test_traffic_of_both_ways_counts_at_once(void **state)
{
    (void)state;
    for (enum component component = COMPONENT_UP; component <= COMPONENT_DOWN; component++) {
        struct credit credit = dollars(5);
        struct meter meter =
            meter_open(component, (struct money){ METER_TRAFFIC_DENOMINATOR }, 1, 0);

        CHECK_INT(meter_advance(&meter, 7), METER_OK);
        int64_t before = credit_available(&credit, credit.as_of).nanodollars;
        credit_add(&credit, &meter, NULL);
        CHECK_INT(credit_available(&credit, credit.as_of).nanodollars, before - 7);
        CHECK(credit.burn == 0);
    }
}

/* Nothing above the floor is an end, though nothing runs; a nanodollar above it is none. */
static void test_who_has_nothing_and_runs_nothing_has_ended(void **state)
{
    (void)state;
    for (int64_t above = 0; above <= 1; above++) {
        struct instant zero = { 7 };
        struct credit credit =
            credit_open((struct money){ above - 5 }, (struct money){ 5 }, (struct instant){ 1000 });

        CHECK(credit_zero(&credit, &zero) == (above == 0));
        CHECK_INT(zero.microseconds, above == 0 ? 1000 : 7);
    }
}

/* It is the same line, wherever it is seen from; and what begins later counts from then on. */
static void test_a_line_is_the_same_seen_from_later(void **state)
{
    struct instant zero, seen, late = instant_add(noon, 3600 * US_PER_SECOND);
    struct meter gpu = gpu_meter(360000000), other = gpu_meter(720000000);
    struct credit credit = dollars(1);

    (void)state;
    credit_add(&credit, &gpu, &noon);
    struct credit later = credit_from(&credit, late), now = credit_from(&credit, noon);
    CHECK(credit_zero(&credit, &zero) && credit_zero(&later, &seen));
    CHECK_INT(seen.microseconds, zero.microseconds);
    CHECK(credit_zero(&now, &seen));
    CHECK_INT(seen.microseconds, zero.microseconds);
    CHECK_INT(credit_available(&later, zero).nanodollars, 0);
    /* $0.64 are left then, which last for 64/108 of an hour. */
    credit_add(&later, &other, &late);
    CHECK_INT(credit_available(&later, late).nanodollars, 640000000);
    CHECK(credit_zero(&later, &seen));
    CHECK_INT(instant_until(late, seen), INT64_C(2133333334));
    /* Past its end it has ended when it is looked at. */
    later = credit_from(&credit, instant_add(zero, 5));
    CHECK(credit_zero(&later, &seen));
    CHECK_INT(instant_until(zero, seen), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_has_nothing_and_runs_nothing_has_ended),
        cmocka_unit_test(test_traffic_of_both_ways_counts_at_once),
        cmocka_unit_test(test_five_dollars_last_fourteen_hours),
        cmocka_unit_test(test_a_line_counts_as_its_meters_do),
        cmocka_unit_test(test_without_a_burn_credit_never_ends),
        cmocka_unit_test(test_at_or_below_the_floor_it_has_ended),
        cmocka_unit_test(test_what_is_not_posted_counts),
        cmocka_unit_test(test_the_crossing_is_exact),
        cmocka_unit_test(test_what_came_to_light_is_paid_as_far_as_credit_goes),
        cmocka_unit_test(test_a_rental_needs_fifty_cents_and_an_hour),
        cmocka_unit_test(test_the_largest_burn_saturates),
        cmocka_unit_test(test_the_far_future_is_never),
        cmocka_unit_test(test_a_line_is_the_same_seen_from_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
