/* SPDX-License-Identifier: Apache-2.0 */
#include "market/machine.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "support.h"

static void test_a_machine_is_what_its_facts_say(void **state)
{
    struct machine machine = machine_of(77, 12, some_facts());

    (void)state;
    CHECK_INT(machine.id, 77);
    CHECK_INT(machine.host_id, 12);
    CHECK_TEXT(machine.gpu_name, "RTX 4090");
    CHECK_INT(machine.gpu_count, 8);
    CHECK_INT(machine.gpus_free, 8);
    CHECK_INT(machine.gpu_ram_mb, 24564);
    CHECK_INT(machine.fp32_gflops, 82580);
    CHECK_INT(machine.memory_mbs, 1008000);
    CHECK_INT(machine.port_count, 120);
    CHECK_INT(machine.disk_free_gb, 4000);
    CHECK_INT(machine.verification, VERIFICATION_UNVERIFIED);
    CHECK_INT(machine.reliability_ppm, 600000);
    CHECK(machine.is_connected);
}

static void test_a_machine_without_gpus_is_one_slice(void **state)
{
    struct machine machine = machine_of(77, 12, cpu_facts());
    struct machine_share share = machine_share(&machine, 0);

    (void)state;
    CHECK_TEXT(machine.gpu_name, "");
    CHECK_INT(machine.gpu_count, 0);
    CHECK_INT(machine.gpus_free, 1);
    CHECK_INT(share.cpu_millis, 64000);
    CHECK_INT(share.ram_mb, 256000);
    CHECK_INT(share.disk_gb, 4000);
}

static void test_a_model_nobody_knows_is_taken_all_the_same(void **state)
{
    struct machine_facts *facts = some_facts();

    (void)state;
    for (int i = 0; i < 8; i++)
        (void)snprintf(facts->gpus[i].name, sizeof facts->gpus[i].name, "RTX 9999");
    struct machine machine = machine_of(1, 1, facts);
    CHECK_TEXT(machine.gpu_name, "RTX 9999");
    CHECK_INT(machine.fp32_gflops, 0);
}

static void test_shares_never_add_up_to_more_than_there_is(void **state)
{
    struct machine machine = machine_of(77, 12, some_facts());

    (void)state;
    machine.cpu_cores = 13;
    machine.ram_mb = 1001;
    machine.disk_gb = 99;
    for (int64_t size = 1; size <= 8; size++) {
        struct machine_share share = machine_share(&machine, size);
        int64_t slices = 8 / size;

        check_row("%d GPUs", (int)size);
        CHECK(share.cpu_millis * slices <= 13000);
        CHECK(share.ram_mb * slices <= 1001);
        CHECK(share.disk_gb * slices <= 99);
    }
    CHECK_INT(machine_share(&machine, 8).cpu_millis, 13000);
    CHECK_INT(machine_share(&machine, 8).ram_mb, 1001);
    CHECK_INT(machine_share(&machine, 8).disk_gb, 99);
    CHECK_INT(machine_share(&machine, 1).cpu_millis, 1625);
}

static void test_impossible_facts_are_refused(void **state)
{
    static struct machine_facts bad[29];
    enum machine_outcome wanted[29];
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < 29; i++) {
        bad[i] = *some_facts();
        wanted[i] = MACHINE_IMPOSSIBLE;
    }
    bad[count++].cpu_cores = 0;
    bad[count++].ram_mb = 0;
    bad[count++].ram_mb = -1;
    bad[count++].disk_gb = 0;
    bad[count++].disk_gb = 1000001;
    bad[count++].cpu_mhz = -1;
    bad[count++].disk_mbs = -1;
    bad[count++].inet_up_kbps = -1;
    bad[count++].inet_down_kbps = INT64_MAX;
    bad[count++].cuda_version = -1;
    bad[count++].gpu_count = GPUS_MAX + 1;
    bad[count++].gpu_count = -1;
    bad[count++].port_first = 0;
    bad[count++].port_last = 65536;
    bad[count++].port_last = 39999;
    bad[count++].gpus[3].memory_mb = 0;
    bad[count++].gpus[3].compute_cap = -1;
    bad[count++].gpus[3].power_max_w = -1;
    bad[count++].gpus[3].temp_max_c = -1;
    *bad[count++].gpus[3].uuid = '\0';
    *bad[count++].gpus[0].name = '\0';
    wanted[count] = MACHINE_GPU_TOO_OLD;
    bad[count++].gpus[3].compute_cap = 599;
    wanted[count] = MACHINE_MIXED_GPUS;
    bad[count++].gpus[7].memory_mb = 24000;
    wanted[count] = MACHINE_MIXED_GPUS;
    bad[count++].gpus[7].name[0] = 'G';
    wanted[count] = MACHINE_TWICE_SAME_GPU;
    bad[count++].gpus[7].uuid[4] = '0';
    wanted[count] = MACHINE_OK; /* the oldest that is taken, and one whose age nobody knows */
    for (int i = 0; i < 8; i++)
        bad[count].gpus[i].compute_cap = i == 0 ? 600 : 0;
    count++;
    wanted[count] = MACHINE_OK;
    bad[count].port_first = 0;
    bad[count++].port_last = -1;
    wanted[count] = MACHINE_OK;
    bad[count++].port_last = 65535;
    wanted[count] = MACHINE_OK;
    bad[count++].disk_gb = 1000000;
    CHECK(count == 29);
    for (size_t i = 0; i < count; i++) {
        check_row("facts %zu", i);
        CHECK_INT(machine_facts_check(&bad[i]), wanted[i]);
    }
}

static void test_driver_versions_are_numbers(void **state)
{
    static const struct {
        const char *text;
        int64_t number;
    } rows[] = {
        { "570.86.15", 570086015 },
        { "535.183.01", 535183001 },
        { "570.86", 570086000 },
        { "570", 570000000 },
        { "", 0 },
        { "570.", 0 },
        { "570.86.15.1", 0 },
        { "1234.5.6", 0 },
        { "a.b", 0 },
        { "570..15", 0 },
        { "570.86.x", 0 },
        { ".5", 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("'%s'", rows[i].text);
        CHECK_INT(machine_driver_number(rows[i].text), rows[i].number);
    }
}

static void test_countries_are_the_letters_at_the_end(void **state)
{
    static const char *const rows[][2] = {
        { "Gothenburg, SE", "SE" }, { "South Korea, KR", "KR" }, { "se", "SE" },  { "", "" },
        { "Sweden", "" },           { "A, B, us", "US" },        { "X, S1", "" }, { ",", "" },
    };
    char code[3];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("'%s'", rows[i][0]);
        CHECK_TEXT(machine_country(rows[i][0], code), rows[i][1]);
    }
}

static void test_verification_is_named_as_in_the_api(void **state)
{
    (void)state;
    CHECK_TEXT(verification_name(VERIFICATION_VERIFIED), "verified");
    CHECK_TEXT(verification_name(VERIFICATION_UNVERIFIED), "unverified");
    CHECK_TEXT(verification_name(VERIFICATION_DEVERIFIED), "deverified");
}

/* No more than was shown counts; where nothing is said, that does. */
static void test_what_was_shown_counts(void **state)
{
    static const struct {
        int64_t said, shown, want;
    } rows[] = { { 100, 0, 100 }, { 100, 90, 90 }, { 100, 110, 100 }, { 0, 90, 90 }, { 0, 0, 0 } };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct machine machine = { .disk_mbs = rows[i].said,
                                   .inet_down_kbps = 2 * rows[i].said,
                                   .inet_up_kbps = 3 * rows[i].said };

        check_row("row %zu", i);
        machine_take_shown(&machine, &(struct machine_shown){ rows[i].shown, 2 * rows[i].shown,
                                                              3 * rows[i].shown });
        CHECK_INT(machine.disk_mbs, rows[i].want);
        CHECK_INT(machine.inet_down_kbps, 2 * rows[i].want);
        CHECK_INT(machine.inet_up_kbps, 3 * rows[i].want);
    }
}

/* What two GPUs copy to each other went past their slots where these could not have carried it. */
static void test_nvlink_is_what_slots_cannot_carry(void **state)
{
    static const struct {
        int64_t count, gen, lanes, peer_mbs, want;
    } rows[] = {
        { 1, 4, 16, 0, 0 },           { 1, 4, 16, 300000, 0 }, { 2, 4, 16, 0, -1 },
        { 2, 4, 16, 24000, 0 },       { 2, 4, 16, 31504, 0 },  { 2, 4, 16, 31505, 31505 },
        { 8, 5, 16, 380000, 380000 }, { 2, 3, 8, 7881, 7881 }, { 2, 3, 8, 7880, 0 },
        { 2, 0, 16, 300000, -1 },     { 2, 4, 0, 300000, -1 }, { 2, 8, 16, 300000, -1 },
        { 2, 7, 16, 242001, 242001 },
    };
    struct machine_facts *facts = some_facts();
    const struct machine_facts before = *facts;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%zu", i);
        facts->gpu_count = rows[i].count;
        facts->gpus[0].pcie_gen = rows[i].gen;
        facts->gpus[0].pcie_lanes = rows[i].lanes;
        CHECK_INT(machine_nvlink_mbs(facts, rows[i].peer_mbs), rows[i].want);
    }
    *facts = before;
    CHECK_INT(machine_nvlink_mbs(cpu_facts(), 0), 0);
}

/* Several are worth more of one where they need not go through their slots. */
static void test_nvlink_loses_less(void **state)
{
    struct machine_bench bench = { .rates = { { 15700, 15700, 95000, 15700, 900000 } },
                                   .pcie_mbs = 12000,
                                   .nvlink_mbs = -1 };
    struct machine machine = machine_of(1, 1, some_facts());

    (void)state;
    CHECK_INT(machine.nvlink_mbs, -1);
    machine_take_bench(&machine, &bench);
    int64_t unknown_ppm = machine.link_loss_ppm;
    CHECK_INT(machine.nvlink_mbs, -1);
    bench.nvlink_mbs = 0;
    machine_take_bench(&machine, &bench);
    CHECK_INT(machine.nvlink_mbs, 0);
    CHECK_INT(machine.link_loss_ppm, unknown_ppm);
    bench.nvlink_mbs = 120000;
    machine_take_bench(&machine, &bench);
    CHECK_INT(machine.nvlink_mbs, 120000);
    CHECK(machine.link_loss_ppm > 0);
    CHECK_INT((unknown_ppm + 6) / 12, machine.link_loss_ppm); /* 12 GB/s to 12 + 1.1 * 120 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nvlink_is_what_slots_cannot_carry),
        cmocka_unit_test(test_nvlink_loses_less),
        cmocka_unit_test(test_a_machine_is_what_its_facts_say),
        cmocka_unit_test(test_a_machine_without_gpus_is_one_slice),
        cmocka_unit_test(test_a_model_nobody_knows_is_taken_all_the_same),
        cmocka_unit_test(test_shares_never_add_up_to_more_than_there_is),
        cmocka_unit_test(test_impossible_facts_are_refused),
        cmocka_unit_test(test_driver_versions_are_numbers),
        cmocka_unit_test(test_countries_are_the_letters_at_the_end),
        cmocka_unit_test(test_verification_is_named_as_in_the_api),
        cmocka_unit_test(test_what_was_shown_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
