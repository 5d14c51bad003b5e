/* SPDX-License-Identifier: Apache-2.0 */
#include "market/accrual.h"

#include "check.h"
#include "market/credit.h"

enum { METERS_MAX = 24 };

static const struct instant noon = { INT64_C(1795330553000000) };
static const struct accrual none = { 0 };

/* A meter somewhere in its life, that stands still or has run since some moment before noon. */
struct runner {
    struct meter meter;
    struct instant since;
    bool runs;
};

static struct runner a_runner(void)
{
    bool is_gpu = check_random(2) == 0;
    int64_t rate = (int64_t)check_random(check_random(2) ? 100 : 3000000000);
    struct runner runner = { .runs = check_random(4) > 0,
                             .since = instant_add(noon, -(int64_t)check_random(700000000)) };

    runner.meter = meter_open(is_gpu ? COMPONENT_GPU : COMPONENT_DISK, (struct money){ rate },
                              is_gpu ? 1 : (int64_t)check_random(2000), 2500);
    runner.meter.remainder =
        (int64_t)check_random((uint64_t)component_denominator(runner.meter.component));
    CHECK_INT(meter_advance(&runner.meter, (int64_t)check_random(600000000)), METER_OK);
    return runner;
}

static struct accrual line_of(const struct runner *runner)
{
    return accrual_of(&runner->meter, runner->runs ? &runner->since : NULL);
}

/* The vector of credit_test: a GPU at $0.35 an hour and 40 GB at $0.15. */
static void test_a_line_is_what_its_meter_runs_up(void **state)
{
    struct meter gpu = meter_open(COMPONENT_GPU, (struct money){ 350000000 }, 1, 2500);
    struct meter disk = meter_open(COMPONENT_DISK, (struct money){ 150000000 }, 40, 2500);
    struct accrual line = accrual_of(&gpu, &noon);

    (void)state;
    CHECK(line.burn == INT64_C(252000000000));
    CHECK(line.base == -INT64_C(252000000000) * (numerator)noon.microseconds);
    line = accrual_of(&disk, &noon);
    CHECK(line.burn == INT64_C(6000000000));
    CHECK_INT(meter_advance(&disk, 7), METER_OK);
    line = accrual_of(&disk, NULL);
    CHECK(line.burn == 0);
    CHECK(line.base == INT64_C(42000000000));
}

/* One by one or by one line, a balance is the same number, and so is the instant it ends. */
static void test_a_sum_of_lines_is_what_all_meters_come_to(void **state)
{
    (void)state;
    for (int round = 0; round < 20000; round++) {
        size_t count = check_random(METERS_MAX + 1);
        struct money posted = { (int64_t)check_random(check_random(2) ? 1000 : 90000000000) };
        struct credit by_meter = credit_open(posted, (struct money){ 5 }, noon), by_line = by_meter;
        struct instant zero = { 1 }, zero_by_line = { 1 };
        struct accrual sum = { 0 };

        check_row("round %d", round);
        for (size_t i = 0; i < count; i++) {
            struct runner runner = a_runner();
            struct accrual line = line_of(&runner);

            credit_add(&by_meter, &runner.meter, runner.runs ? &runner.since : NULL);
            CHECK(accrual_move(&sum, &line, &none));
        }
        credit_add_accrual(&by_line, &sum);
        CHECK(by_line.accrued == by_meter.accrued);
        CHECK(by_line.burn == by_meter.burn);
        CHECK_INT(credit_zero(&by_line, &zero_by_line), credit_zero(&by_meter, &zero));
        CHECK_INT(zero_by_line.microseconds, zero.microseconds);
        CHECK_INT(credit_available(&by_line, instant_add(noon, 77)).nanodollars,
                  credit_available(&by_meter, instant_add(noon, 77)).nanodollars);
    }
}

/* Whatever comes, changes and goes, in whatever order: the sum is that of what is there. */
static void test_a_sum_that_is_kept_is_the_sum_anew(void **state)
{
    struct accrual there[METERS_MAX] = { { 0 } }, kept = { 0 };

    (void)state;
    for (int step = 0; step < 100000; step++) {
        size_t at = check_random(METERS_MAX);
        struct runner runner = a_runner();
        struct accrual now = check_random(5) == 0 ? none : line_of(&runner);

        check_row("step %d", step);
        CHECK(accrual_move(&kept, &now, &there[at]));
        there[at] = now;
        if (step % 100 != 0)
            continue;
        struct accrual anew = { 0 };
        for (size_t i = 0; i < METERS_MAX; i++)
            CHECK(accrual_move(&anew, &there[i], &none));
        CHECK(accrual_equals(&anew, &kept));
    }
    for (size_t i = 0; i < METERS_MAX; i++)
        CHECK(accrual_move(&kept, &none, &there[i]));
    CHECK(accrual_equals(&kept, &none));
}

static void test_lines_are_the_same_in_both_numbers(void **state)
{
    struct accrual a = { 1, 2 };

    (void)state;
    CHECK(accrual_equals(&a, &(struct accrual){ 1, 2 }));
    CHECK(!accrual_equals(&a, &(struct accrual){ 2, 2 }));
    CHECK(!accrual_equals(&a, &(struct accrual){ 1, 1 }));
}

/* The dearest meter there can be, for as long as there is time, is within half of it. */
static void test_every_limit_is_kept(void **state)
{
    static const struct accrual one = { 1, 0 }, up = { 0, 1 };
    struct meter dear =
        meter_open(COMPONENT_DISK, (struct money){ METER_RATE_MAX }, METER_QUANTITY_MAX, 2500);
    struct meter gpu = meter_open(COMPONENT_GPU, (struct money){ METER_RATE_MAX }, 1, 2500);
    struct instant first = { INT64_MIN }, last = { INT64_MAX };
    struct accrual full = { ACCRUAL_MAX, ACCRUAL_MAX }, low = { ACCRUAL_MAX, -ACCRUAL_MAX };

    (void)state;
    CHECK(accrual_of(&dear, &last).base == -ACCRUAL_MAX / 2);
    CHECK(accrual_of(&dear, &first).base == ACCRUAL_MAX / 2);
    CHECK(accrual_of(&dear, &noon).base ==
          -(numerator)METER_RATE_MAX * METER_QUANTITY_MAX * noon.microseconds);
    CHECK_INT(meter_advance(&gpu, INT64_MAX), METER_OK);
    CHECK(accrual_of(&gpu, NULL).base == (numerator)METER_RATE_MAX * METER_GPU_SCALE * INT64_MAX);
    CHECK_INT(meter_advance(&dear, INT64_MAX), METER_OK);
    CHECK(accrual_of(&dear, NULL).base == ACCRUAL_MAX / 2);
    CHECK(accrual_of(&dear, &first).base == ACCRUAL_MAX / 2);
    CHECK(accrual_of(&dear, &last).base == 0);

    CHECK(!accrual_move(&full, &one, &none));
    CHECK(!accrual_move(&full, &up, &none));
    CHECK(!accrual_move(&low, &none, &up));
    CHECK(full.burn == ACCRUAL_MAX && full.base == ACCRUAL_MAX && low.base == -ACCRUAL_MAX);
    CHECK(accrual_move(&full, &none, &up));
    CHECK(accrual_move(&full, &up, &none));
    CHECK(accrual_move(&full, &one, &one));
    CHECK(accrual_move(&low, &up, &none));
    CHECK(accrual_move(&low, &none, &up));
    CHECK(low.base == -ACCRUAL_MAX);
    /* More than credit counts is as much as credit counts. */
    struct credit credit = credit_open((struct money){ 5 }, (struct money){ 0 }, noon);
    struct instant zero;
    credit_add_accrual(&credit, &full);
    CHECK(credit_zero(&credit, &zero));
    CHECK_INT(zero.microseconds, noon.microseconds);
    CHECK(credit_available(&credit, noon).nanodollars < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_is_what_its_meter_runs_up),
        cmocka_unit_test(test_a_sum_of_lines_is_what_all_meters_come_to),
        cmocka_unit_test(test_a_sum_that_is_kept_is_the_sum_anew),
        cmocka_unit_test(test_lines_are_the_same_in_both_numbers),
        cmocka_unit_test(test_every_limit_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
