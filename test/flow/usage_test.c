/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/usage.h"

#include "check.h"

#define RATE INT64_C(360000000)

static struct instant at(int64_t seconds)
{
    return (struct instant){ seconds * US_PER_SECOND };
}

static void test_an_interval_is_confirmed_by_the_last_heartbeat(void **state)
{
    static const struct {
        int64_t metered, heartbeat, end, cursor;
    } rows[] = {
        { 100, 130, 1000, 130 }, { 100, 100, 1000, 100 },
        { 100, 90, 1000, 100 }, /* never before what has been metered */
        { 100, 130, 120, 120 }, /* nor past the end of credit */
        { 100, 130, 90, 100 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct interval_row interval = {
            .start_token = "t", .run_ms = 7000, .start = at(50), .metered = at(rows[i].metered)
        };
        struct connected connected =
            usage_connected(&interval, at(rows[i].heartbeat), at(rows[i].end));

        check_row("%zu", i);
        CHECK(connected.is_running);
        CHECK_TEXT(connected.start_token, "t");
        CHECK_INT(connected.cursor.microseconds, at(rows[i].cursor).microseconds);
        CHECK_INT(connected.run_ms, 7000 + (rows[i].cursor - 50) * 1000);
    }
}

static void test_disk_is_charged_for_three_days_of_absence(void **state)
{
    const int64_t three_days = 72 * 3600;

    (void)state;
    struct machine_row machine = { .is_online = true };
    struct contract_row contract = { .disk_offline_us = USAGE_DISK_OFFLINE_US };
    const struct {
        int64_t charged_s, at, until;
    } rows[] = {
        { three_days, 200, 200 },
        { three_days, 100 + three_days, 100 + three_days },
        { three_days, 101 + three_days, 100 + three_days },
        { 0, 100, 100 },
        { 0, 101, 100 },
    };

    CHECK_INT(usage_disk_of(&machine, &contract, at(10 * three_days)).microseconds,
              at(10 * three_days).microseconds);
    machine = (struct machine_row){ .offline_since = at(100) };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        contract.disk_offline_us = rows[i].charged_s * US_PER_SECOND;
        CHECK_INT(usage_disk_of(&machine, &contract, at(rows[i].at)).microseconds,
                  at(rows[i].until).microseconds);
        CHECK_INT(usage_disk_until(at(100), contract.disk_offline_us, at(rows[i].at)).microseconds,
                  at(rows[i].until).microseconds);
    }
}

/* What a balance of nothing has run up by `now`, in nanodollars. */
static int64_t spent(const struct burn_row *burn, int64_t now, int64_t end)
{
    struct credit credit = credit_open((struct money){ 0 }, (struct money){ 0 }, at(now));

    usage_add(&credit, burn, at(end));
    return -credit_available(&credit, at(now)).nanodollars;
}

static void test_gpu_time_counts_while_it_is_confirmed(void **state)
{
    struct burn_row burn = {
        .meter = meter_open(COMPONENT_GPU, (struct money){ RATE }, 1, 2500),
        .is_open = true,
        .metered = at(100),
        .last_heartbeat = at(160),
    };

    (void)state;
    CHECK_INT(spent(&burn, 100, 10000), 0);
    CHECK_INT(spent(&burn, 165, 10000), 65 * 100000);
    CHECK_INT(spent(&burn, 189, 10000), 89 * 100000);
    CHECK_INT(spent(&burn, 190, 10000), 60 * 100000); /* the lease is over: only what was shown */
    CHECK_INT(spent(&burn, 165, 150), 50 * 100000);   /* credit ended meanwhile */
    CHECK_INT(spent(&burn, 90, 10000), 0);            /* a clock that went back */
    burn.is_open = false;
    CHECK_INT(spent(&burn, 165, 10000), 0);
}

static void test_disk_and_traffic_count_in_any_state(void **state)
{
    struct burn_row disk = {
        .meter = meter_open(COMPONENT_DISK, (struct money){ INT64_C(150000000) }, 10, 2500),
        .disk_metered = at(100),
        .is_online = true,
    };
    struct burn_row up = {
        .meter = meter_open(COMPONENT_UP, (struct money){ INT64_C(20000000000) }, 1, 2500),
        .unmetered = 1000000,
    };

    (void)state;
    CHECK_INT(spent(&disk, 100 + 2592000, INT64_C(1) << 40), INT64_C(1500000000));
    disk.is_online = false;
    disk.disk_offline_us = USAGE_DISK_OFFLINE_US;
    disk.offline_since = at(200);
    CHECK_INT(spent(&disk, 100 + 2592000, INT64_C(1) << 40),
              INT64_C(1500000000) * (100 + 72 * 3600) / 2592000);
    CHECK_INT(spent(&up, 100, INT64_C(1) << 40),
              INT64_C(1000000) * INT64_C(20000000000) / (INT64_C(1) << 40));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_interval_is_confirmed_by_the_last_heartbeat),
        cmocka_unit_test(test_disk_is_charged_for_three_days_of_absence),
        cmocka_unit_test(test_gpu_time_counts_while_it_is_confirmed),
        cmocka_unit_test(test_disk_and_traffic_count_in_any_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
