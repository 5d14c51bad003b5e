/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/bench.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent/bench_gpu.h"
#include "check.h"
#include "sys/crypto.h"

/* A compiler and a driver may be loaded into this program, and free nothing at its end. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return 1;
}

static void test_places_on_the_bus_have_two_spellings(void **state)
{
    static const struct {
        const char *a, *b;
        bool is_same;
    } rows[] = {
        { "0000:01:00.0", "00000000:01:00.0", true },
        { "0001:0a:00.0", "00000001:0A:00.0", true },
        { "0000:01:00.0", "00000000:02:00.0", false },
        { "0001:01:00.0", "00000000:01:00.0", false },
        { "", "", false },
        { "0000:01:00.0", "", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        CHECK(bench_same_bus(rows[i].a, rows[i].b) == rows[i].is_same);
        CHECK(bench_same_bus(rows[i].b, rows[i].a) == rows[i].is_same);
    }
}

/* GPUs that are not there are not measured, whatever OpenCL has. */
static void test_a_machine_without_gpus_is_measured(void **state)
{
    static struct machine_facts facts = { .gpu_count = 0 };
    static struct bench_report report;
    char dir[] = "/tmp/berth-bench-XXXXXX";

    (void)state;
    CHECK(mkdtemp(dir) != NULL);
    bench_measure(&(struct bench_options){ &facts, dir }, &report);
    CHECK(report.cpu_mops > 10);
    CHECK_INT(report.gpu_count, 0);
    CHECK((report.disk_write_mbs > 0) == (report.disk_read_mbs > 0));
    CHECK(remove(dir) == 0); /* nothing is left there */
}

/* By whatever OpenCL there is: rates that a device can have. */
static void test_a_device_has_rates(void **state)
{
    static struct opencl_device devices[OPENCL_DEVICES_MAX];
    struct bench_gpu gpu = { 0 };
    struct error err;
    auto_opencl struct opencl *opencl = opencl_open(&err);

    (void)state;
    if (opencl == NULL || opencl_devices(opencl, devices) == 0) {
        printf("skipped: no OpenCL device (apt install pocl-opencl-icd)\n");
        return;
    }
    auto_opencl_device struct opencl_device_open *open =
        opencl_device_open(opencl, &devices[0], &err);
    CHECK(open != NULL);
    bench_gpu(open, &devices[0], 32 << 20, &gpu);
    printf("%s: fp32 %d GFLOP/s, memory %d MB/s, link %d and %d MB/s\n", devices[0].name,
           (int)gpu.f32_gflops, (int)gpu.memory_mbs, (int)gpu.pcie_down_mbs, (int)gpu.pcie_up_mbs);
    CHECK(gpu.f32_gflops > 0 && gpu.memory_mbs > 100);
    CHECK(gpu.pcie_down_mbs > 10 && gpu.pcie_up_mbs > 10);
    CHECK((gpu.f16_gflops > 0) == devices[0].has_fp16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places_on_the_bus_have_two_spellings),
        cmocka_unit_test(test_a_machine_without_gpus_is_measured),
        cmocka_unit_test(test_a_device_has_rates),
    };

    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
