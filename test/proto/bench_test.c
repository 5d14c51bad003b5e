/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/bench.h"

#include <stdio.h>
#include <string.h>

#include "check.h"

static struct bench_report some_report(int64_t gpu_count)
{
    struct bench_report report = { .age_s = 60,
                                   .backend = "opencl",
                                   .driver = "550.54",
                                   .cpu_mops = 9000,
                                   .disk_read_mbs = 2100,
                                   .disk_write_mbs = 1300,
                                   .disk_iops = 90000,
                                   .gpu_count = gpu_count };

    for (int64_t i = 0; i < gpu_count; i++) {
        (void)snprintf(report.gpus[i].uuid, sizeof report.gpus[i].uuid, "GPU-%d", (int)i);
        report.gpus[i].f32_gflops = 70000 + i;
        report.gpus[i].memory_mbs = 900000;
        report.gpus[i].pcie_down_mbs = 24000;
        report.gpus[i].pcie_up_mbs = 23000;
        report.gpus[i].i8_gops = 600000;
        report.gpus[i].peer_mbs = 50000;
        report.gpus[i].wrong = i;
        report.gpus[i].temperature_c = 71;
        report.gpus[i].power_w = -1;
        report.gpus[i].core_mhz = 1700;
        report.gpus[i].memory_mhz = 9500;
        report.gpus[i].brakes = 5;
    }
    return report;
}

static void test_what_is_written_is_read(void **state)
{
    (void)state;
    for (int64_t count = 0; count <= GPUS_MAX; count += GPUS_MAX / 2) {
        static struct bench_report report, got;
        auto_buf struct buf text = buf_of(1 << 20);
        auto_json json_t *root = NULL;
        struct error err;

        memset(&report, 0, sizeof report);
        report = some_report(count);
        bench_report_encode(&text, &report);
        CHECK_OK(json_parse(text.bytes, text.length, &root, &err), &err);
        CHECK_OK(bench_report_decode(root, &got, &err), &err);
        CHECK_INT(got.age_s, 60);
        CHECK_TEXT(got.backend, "opencl");
        CHECK_TEXT(got.driver, "550.54");
        CHECK_INT(got.cpu_mops, 9000);
        CHECK_INT(got.disk_read_mbs, 2100);
        CHECK_INT(got.disk_write_mbs, 1300);
        CHECK_INT(got.disk_iops, 90000);
        CHECK_INT(got.gpu_count, count);
        for (int64_t i = 0; i < count; i++)
            CHECK(memcmp(&got.gpus[i], &report.gpus[i], sizeof got.gpus[i]) == 0);
    }
}

/* What one of them did not say yet is unknown. */
static void test_older_agents_are_understood(void **state)
{
    static const char text[] =
        "{\"age_s\":1,\"backend\":\"opencl\",\"cpu_mops\":1,\"disk_read_mbs\":1,"
        "\"disk_write_mbs\":1,\"disk_iops\":1,\"gpus\":[{\"uuid\":\"GPU-1\",\"tf32_gflops\":0,"
        "\"f32_gflops\":9,\"f16_gflops\":0,\"bf16_gflops\":0,\"memory_mbs\":7,"
        "\"pcie_down_mbs\":1,\"pcie_up_mbs\":1}]}";
    static struct bench_report got;
    auto_json json_t *root = NULL;
    struct error err;

    (void)state;
    CHECK_OK(json_parse(text, strlen(text), &root, &err), &err);
    CHECK_OK(bench_report_decode(root, &got, &err), &err);
    CHECK_TEXT(got.driver, "");
    CHECK_INT(got.gpus[0].f32_gflops, 9);
    CHECK_INT(got.gpus[0].i8_gops + got.gpus[0].peer_mbs + got.gpus[0].wrong, 0);
    CHECK_INT(got.gpus[0].temperature_c, -1);
    CHECK_INT(got.gpus[0].core_mhz, -1);
    CHECK_INT(got.gpus[0].brakes, -1);
}

static void test_what_makes_no_sense_is_refused(void **state)
{
    static const char head[] = "\"backend\":\"\",\"cpu_mops\":1,\"disk_read_mbs\":1,"
                               "\"disk_write_mbs\":1,\"disk_iops\":1";
    static const char *const rows[] = {
        "{}",
        "{\"age_s\":-1,%s,\"gpus\":[]}",
        "{\"age_s\":31536001,%s,\"gpus\":[]}",
        "{\"age_s\":1,%s}",
        "{\"age_s\":1,%s,\"gpus\":7}",
        "{\"age_s\":1,%s,\"gpus\":[{}]}",
        "{\"age_s\":1,%s,\"gpus\":[{\"uuid\":\"GPU-1\",\"tf32_gflops\":1000000001}]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *root = NULL;
        static struct bench_report got = { .age_s = 7 };
        const char *parts = strstr(rows[i], "%s");
        auto_buf struct buf text = buf_of(4096);
        struct error err;

        if (parts == NULL)
            buf_printf(&text, "%s", rows[i]);
        else
            buf_printf(&text, "%.*s%s%s", (int)(parts - rows[i]), rows[i], head, parts + 2);
        check_row("%s", text.bytes);
        CHECK_OK(json_parse(text.bytes, text.length, &root, &err), &err);
        CHECK(!bench_report_decode(root, &got, &err));
        CHECK(err.code == ERROR_INVALID || err.code == ERROR_OUT_OF_RANGE);
        CHECK_INT(got.age_s, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_older_agents_are_understood),
        cmocka_unit_test(test_what_makes_no_sense_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
