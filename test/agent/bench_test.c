/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/bench_gpu.h"
#include "agent/bench_tensor.h"
#include "agent/ptx.h"
#include "check.h"
#include "sys/crypto.h"

/* A compiler and a driver may be loaded into this program, and free nothing at its end. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return 1;
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

/* The first device that there is: with the fake of CUDA, or else OpenCL's. */
static struct device *open_first(struct devices *devices, struct device_about *ret, bool has_cuda)
{
    static struct device_about list[DEVICES_MAX];
    struct error err;

    if (devices_list(devices, list) == 0)
        return NULL;
    *ret = list[0];
    if ((ret->driver == DEVICE_CUDA) != has_cuda)
        return NULL;
    struct device *device = device_open(devices, ret, &err);
    if (device == NULL)
        printf("%s\n", err.text);
    CHECK(device != NULL);
    return device;
}

static void set_fake(const char *gpus, const char *capability)
{
    (void)setenv("CUDA_FAKE_GPUS", gpus, 1);
    (void)setenv("CUDA_FAKE_CAPABILITY", capability, 1);
}

/* By whatever OpenCL there is: rates that a device can have. */
static void test_a_device_has_rates(void **state)
{
    struct bench_gpu gpu = { 0 };
    struct device_about about;

    (void)state;
    set_fake("0", "0");
    auto_devices struct devices *devices = devices_open();
    auto_device struct device *device = open_first(devices, &about, false);
    if (device == NULL) {
        printf("skipped: no OpenCL device (apt install pocl-opencl-icd)\n");
        return;
    }
    bench_gpu(device,
              &(struct bench_gpu_options){ .about = &about, .copy_max = 32 << 20, .run_us = 20000 },
              &gpu);
    printf("%s: fp32 %d GFLOP/s, memory %d MB/s, link %d and %d MB/s\n", about.name,
           (int)gpu.f32_gflops, (int)gpu.memory_mbs, (int)gpu.pcie_down_mbs, (int)gpu.pcie_up_mbs);
    CHECK(gpu.f32_gflops > 0 && gpu.memory_mbs > 100);
    CHECK(gpu.pcie_down_mbs > 10 && gpu.pcie_up_mbs > 10);
    CHECK((gpu.f16_gflops > 0) == about.has_fp16);
    CHECK_INT(gpu.i8_gops, 0); /* OpenCL has no word for it */
    CHECK_INT(gpu.temperature_c, -1);
    CHECK_INT(gpu.brakes, -1);
}

static void measure_fake(const char *capability, struct bench_gpu *ret)
{
    struct device_about about;

    set_fake("1", capability);
    auto_devices struct devices *devices = devices_open();
    auto_device struct device *device = open_first(devices, &about, true);
    CHECK(device != NULL);
    *ret = (struct bench_gpu){ .uuid = "GPU-00000000-0000-0000-0000-000000000001" };
    bench_gpu(device,
              &(struct bench_gpu_options){
                  .about = &about, .copy_max = 1 << 20, .items = 256, .run_us = 1 },
              ret);
}

/* Which kinds of products a generation of GPUs has; and how they were meanwhile, as NVML's fake
 * tells. Speeds are a fake's: what counts is that they are there. */
static void test_each_generation_is_measured_by_what_it_has(void **state)
{
    static const struct {
        const char *capability;
        bool has_i8, has_f16, has_others;
    } rows[] = {
        { "61", false, false, false },
        { "70", false, true, false },
        { "75", true, true, false },
        { "89", true, true, true },
    };
    struct bench_gpu gpu;

    (void)state;
    if (ptx_for(INT64_MAX) == NULL) {
        printf("skipped: Berth was built without kernels for CUDA\n");
        return;
    }
    (void)setenv("NVML_FAKE_GPUS", "2", 1);
    (void)setenv("NVML_FAKE_REASONS", "0x44", 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s", rows[i].capability);
        measure_fake(rows[i].capability, &gpu);
        CHECK_INT(gpu.wrong, 0);
        CHECK((gpu.i8_gops > 0) == rows[i].has_i8);
        CHECK((gpu.f16_gflops > 0) == rows[i].has_f16);
        CHECK((gpu.bf16_gflops > 0) == rows[i].has_others);
        CHECK((gpu.tf32_gflops > 0) == rows[i].has_others);
        CHECK(gpu.memory_mbs > 0 && gpu.pcie_down_mbs > 0 && gpu.pcie_up_mbs > 0);
        CHECK_INT(gpu.temperature_c, 56);
        CHECK_INT(gpu.power_w, 123);
        CHECK_INT(gpu.core_mhz, 1755);
        CHECK_INT(gpu.memory_mhz, 9501);
        CHECK_INT(gpu.brakes, 1 << GPU_BRAKE_POWER | 1 << GPU_BRAKE_HEAT);
    }
    (void)unsetenv("NVML_FAKE_REASONS");
}

static void test_a_gpu_that_counts_wrongly_is_found_out(void **state)
{
    struct bench_gpu gpu;

    (void)state;
    if (ptx_for(INT64_MAX) == NULL)
        return;
    (void)setenv("CUDA_FAKE_WRONG", bench_tensor_kernel(TENSOR_BF16), 1);
    measure_fake("86", &gpu);
    (void)unsetenv("CUDA_FAKE_WRONG");
    CHECK_INT(gpu.wrong, 1);
    CHECK_INT(gpu.bf16_gflops, 0);
    CHECK(gpu.i8_gops > 0);
}

/* What cannot be measured is 0, whichever function fails, and nothing goes on. */
static void test_a_driver_that_fails_measures_nothing(void **state)
{
    static const char *const functions[] = { "cuLaunchKernel", "cuCtxSynchronize",
                                             "cuMemAlloc_v2" };

    (void)state;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0] && ptx_for(INT64_MAX) != NULL;
         i++) {
        struct bench_gpu gpu;

        check_row("%s", functions[i]);
        (void)setenv("CUDA_FAKE_BROKEN", functions[i], 1);
        measure_fake("86", &gpu);
        (void)unsetenv("CUDA_FAKE_BROKEN");
        CHECK_INT(gpu.f32_gflops + gpu.i8_gops + gpu.memory_mbs, 0);
        CHECK_INT(gpu.wrong, 0);
    }
}

static void test_two_gpus_reach_one_another(void **state)
{
    struct device_about about[DEVICES_MAX];
    struct error err;

    (void)state;
    if (ptx_for(INT64_MAX) == NULL)
        return;
    set_fake("2", "86");
    auto_devices struct devices *devices = devices_open();
    CHECK(devices_list(devices, about) >= 2);
    auto_device struct device *one = device_open(devices, &about[0], &err);
    auto_device struct device *other = device_open(devices, &about[1], &err);
    CHECK(one != NULL && other != NULL);
    CHECK(bench_gpu_peer(one, other) > 0);
    static const char *const functions[] = { "cuMemcpyPeer", "cuCtxEnablePeerAccess",
                                             "cuMemAlloc_v2" };
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        check_row("%s", functions[i]);
        (void)setenv("CUDA_FAKE_BROKEN", functions[i], 1);
        CHECK_INT(bench_gpu_peer(one, other), 0);
    }
    (void)unsetenv("CUDA_FAKE_BROKEN");
}

int main(int count, char **arguments)
{
    enum { MEMORY_SIZE = 640 << 20 };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_machine_without_gpus_is_measured),
        cmocka_unit_test(test_a_device_has_rates),
        cmocka_unit_test(test_each_generation_is_measured_by_what_it_has),
        cmocka_unit_test(test_a_gpu_that_counts_wrongly_is_found_out),
        cmocka_unit_test(test_a_driver_that_fails_measures_nothing),
        cmocka_unit_test(test_two_gpus_reach_one_another),
    };
    char path[64];

    /* The loader looks at the path once, at the start: start again with the fakes on it. */
    (void)count;
    if (getenv("CUDA_FAKE_MEMORY") == NULL) {
        (void)snprintf(path, sizeof path, "/tmp/berth-bench-%d", (int)getpid());
        (void)setenv("CUDA_FAKE_MEMORY", path, 1);
        (void)setenv("NVML_FAKE_GPUS", "0", 1);
        (void)setenv("LD_LIBRARY_PATH", "fakes", 1);
        (void)execv("/proc/self/exe", arguments);
        return 1;
    }
    int fd = open(getenv("CUDA_FAKE_MEMORY"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && ftruncate(fd, MEMORY_SIZE) == 0); /* no more of it is there than is written */
    (void)close(fd);
    crypto_start();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(getenv("CUDA_FAKE_MEMORY"));
    return failed;
}
