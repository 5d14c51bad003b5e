/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/report.h"

#include <string.h>

#include "check.h"

static struct contract_row contract_row(void)
{
    return (struct contract_row){ .kind = KIND_ON_DEMAND,
                                  .started = { 1 },
                                  .state = RENTAL_RUNNING,
                                  .gen = 5,
                                  .restart_nonce = 2,
                                  .counter_epoch = 1,
                                  .bytes_up = 100,
                                  .bytes_down = 200,
                                  .exit_code = -1,
                                  .nonce_done = 2,
                                  .disk_used_mb = -1,
                                  .cpu_permille = -1,
                                  .ram_used_mb = -1,
                                  .gpu_permille = -1,
                                  .message = "",
                                  .ports = "" };
}

/* One that says what the row says already. */
static struct instance_report report_row(void)
{
    return (struct instance_report){ .gen = 5,
                                     .phase = PHASE_RUNNING,
                                     .start_token = "c1",
                                     .counter_epoch = 1,
                                     .bytes_up = 100,
                                     .bytes_down = 200,
                                     .exit_code = -1,
                                     .restart_nonce = 2,
                                     .disk_used_mb = -1,
                                     .cpu_permille = -1,
                                     .ram_used_mb = -1,
                                     .gpu_permille = -1,
                                     .message = "" };
}

static const struct machine_row machine = { .inet_up_kbps = 8000, .inet_down_kbps = 8000 };

static bool take(struct contract_row *contract, const struct instance_report *report,
                 int64_t seconds)
{
    static struct arena arena = { .limit = 1 << 20 };
    bool is_ok;
    bool has_changed = report_take(contract, report, &machine,
                                   (struct instant){ seconds * US_PER_SECOND }, &arena, &is_ok);

    CHECK(is_ok);
    return has_changed;
}

static void test_a_token_is_of_one_start_on_one_boot(void **state)
{
    struct heartbeat first = { .boot_id = "boot-1" }, second = { .boot_id = "boot-2" };
    struct instance_report a = { .start_token = "x" }, b = { .start_token = "y" };
    char token[REPORT_TOKEN_SIZE], other[REPORT_TOKEN_SIZE];

    (void)state;
    CHECK_TEXT(report_token(&first, &a, token), report_token(&first, &a, other));
    CHECK(strcmp(token, report_token(&second, &a, other)) != 0);
    CHECK(strcmp(token, report_token(&first, &b, other)) != 0);
}

static void test_only_the_present_generation_after_its_restart_counts(void **state)
{
    static const struct {
        int64_t gen, nonce;
        bool is_current;
    } rows[] = {
        { 5, 2, true }, { 5, 3, true }, { 5, 1, false }, { 4, 2, false }, { 6, 2, false }
    };
    struct contract_row contract = contract_row();
    struct instance_report report = report_row();

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        report.gen = rows[i].gen;
        report.restart_nonce = rows[i].nonce;
        check_row("%zu", i);
        CHECK_INT(report_is_current(&contract, &report), rows[i].is_current);
        CHECK_INT(report_shows_running(&contract, &report, NULL, "t"), rows[i].is_current);
    }
}

static void test_an_older_report_carries_on_the_same_start_only(void **state)
{
    struct interval_row open = { .start_token = "t" };
    struct contract_row contract = contract_row();
    struct instance_report report = report_row();

    (void)state;
    report.gen = 4;
    CHECK(report_shows_running(&contract, &report, &open, "t"));
    CHECK(!report_shows_running(&contract, &report, &open, "u"));
    report.phase = PHASE_STOPPED;
    CHECK(!report_shows_running(&contract, &report, &open, "t"));
    report = report_row();
    contract.state = RENTAL_STOPPING;
    CHECK(!report_shows_running(&contract, &report, &open, "t"));
    /* Who makes way runs on, if it ran before, and begins nothing. */
    contract.state = RENTAL_PAUSING;
    CHECK(report_shows_running(&contract, &report, &open, "t"));
    CHECK(!report_shows_running(&contract, &report, &open, "u"));
    CHECK(!report_shows_running(&contract, &report, NULL, "t"));
    /* What nobody pays for never shows. */
    contract.state = RENTAL_RUNNING;
    CHECK(report_shows_running(&contract, &report, &open, "t"));
    contract.kind = KIND_IDLE;
    CHECK(!report_shows_running(&contract, &report, &open, "t"));
}

static void test_each_phase_is_an_event(void **state)
{
    static const struct {
        enum instance_phase phase;
        enum rental_event event;
        const char *detail;
    } rows[] = {
        { PHASE_ABSENT, RENTAL_REPORTED_ABSENT, "" },
        { PHASE_CREATING, RENTAL_REPORTED_LOADING, "" },
        { PHASE_RUNNING, RENTAL_REPORTED_RUNNING, "" },
        { PHASE_STOPPED, RENTAL_REPORTED_STOPPED, "" },
        { PHASE_EXITED, RENTAL_REPORTED_EXITED, "137" },
        { PHASE_FAILED, RENTAL_REPORTED_FAILED, "no room" },
    };
    auto_arena struct arena arena = arena_of(1 << 16);
    struct instance_report report = { .exit_code = 137, .message = "no room" };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        report.phase = rows[i].phase;
        check_row("%s", instance_phase_name(report.phase));
        CHECK_INT(report_event(&report), rows[i].event);
        CHECK_TEXT(report_detail(&report, &arena), rows[i].detail);
    }
}

static void test_what_says_nothing_new_is_not_stored(void **state)
{
    struct contract_row contract = contract_row();
    struct instance_report report = report_row();

    (void)state;
    CHECK(!take(&contract, &report, 1000));
    report.ssh_port = 40001;
    CHECK(take(&contract, &report, 1000));
    CHECK(!take(&contract, &report, 1001));
    struct port_mapping ports[] = { { 8081, false, 40002 }, { 53, true, 40003 } };
    report.ports = ports;
    report.port_count = 2;
    CHECK(take(&contract, &report, 1002));
    CHECK_TEXT(contract.ports, "8081/tcp:40002 53/udp:40003");
    report.message = "pulling";
    CHECK(take(&contract, &report, 1003));
    CHECK_TEXT(contract.message, "pulling");
    CHECK(!take(&contract, &report, 1004));
}

static void test_gauges_are_stored_now_and_then(void **state)
{
    struct contract_row contract = contract_row();
    struct instance_report report = report_row();

    (void)state;
    report.cpu_permille = 10;
    CHECK(take(&contract, &report, 1000));
    report.cpu_permille = 20;
    CHECK(!take(&contract, &report, 1000 + REPORT_GAUGES_SECONDS - 1));
    CHECK_INT(contract.cpu_permille, 20);
    report.cpu_permille = 30;
    CHECK(take(&contract, &report, 1000 + REPORT_GAUGES_SECONDS));
}

static void test_traffic_waits_in_the_contract_until_the_meters_are_read(void **state)
{
    struct contract_row contract = contract_row();
    struct instance_report report = report_row();

    (void)state;
    contract.counted = (struct instant){ 1000 * US_PER_SECOND };
    report.bytes_up = 150;
    report.bytes_down = 260;
    CHECK(take(&contract, &report, 1005));
    CHECK_INT(contract.up_unmetered, 50);
    CHECK_INT(contract.down_unmetered, 60);
    CHECK(!take(&contract, &report, 1010));

    /* A new epoch began at zero. */
    report.counter_epoch = 2;
    report.bytes_up = 7;
    report.bytes_down = 0;
    CHECK(take(&contract, &report, 1015));
    CHECK_INT(contract.up_unmetered, 57);
    CHECK_INT(contract.down_unmetered, 60);
    CHECK_INT(contract.counter_epoch, 2);

    /* An old epoch and a lower count say nothing. */
    report.counter_epoch = 1;
    report.bytes_up = 1000;
    (void)take(&contract, &report, 1020);
    CHECK_INT(contract.up_unmetered, 57);
    CHECK_INT(contract.counter_epoch, 2);
    report.counter_epoch = 2;
    report.bytes_up = 6;
    (void)take(&contract, &report, 1025);
    CHECK_INT(contract.up_unmetered, 57);
    CHECK_INT(contract.bytes_up, 7);

    /* 8 Mbit/s carry a megabyte a second, and a quarter more is allowed. */
    contract = contract_row();
    report = report_row();
    contract.counted = (struct instant){ 1000 * US_PER_SECOND };
    report.bytes_up = 100 + 100000000;
    CHECK(take(&contract, &report, 1010));
    CHECK_INT(contract.up_unmetered, 12500000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_token_is_of_one_start_on_one_boot),
        cmocka_unit_test(test_only_the_present_generation_after_its_restart_counts),
        cmocka_unit_test(test_an_older_report_carries_on_the_same_start_only),
        cmocka_unit_test(test_each_phase_is_an_event),
        cmocka_unit_test(test_what_says_nothing_new_is_not_stored),
        cmocka_unit_test(test_gauges_are_stored_now_and_then),
        cmocka_unit_test(test_traffic_waits_in_the_contract_until_the_meters_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
