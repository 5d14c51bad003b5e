/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/gpu_nvml.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

static struct machine_facts facts;

static void test_gpus_are_read(void **state)
{
    struct error err;

    (void)state;
    (void)setenv("NVML_FAKE_GPUS", "4", 1);
    facts = (struct machine_facts){ 0 };
    CHECK_OK(gpu_nvml_probe(&facts, &err), &err);
    CHECK_INT(facts.gpu_count, 4);
    CHECK_TEXT(facts.driver_version, "535.104.05");
    CHECK_INT(facts.cuda_version, 122);
    CHECK_TEXT(facts.gpus[2].uuid, "GPU-00000000-0000-0000-0000-000000000002");
    CHECK_TEXT(facts.gpus[2].name, "RTX 3090");
    CHECK_INT(facts.gpus[2].memory_mb, 24576);
    CHECK_INT(facts.gpus[2].compute_cap, 860);
    CHECK_INT(facts.gpus[2].power_max_w, 350);
    CHECK_INT(facts.gpus[0].temp_max_c, 85);
    CHECK_INT(facts.gpus[2].temp_max_c, 93);
    CHECK_INT(facts.gpus[3].temp_max_c, 0);
    CHECK_INT(facts.gpus[2].pcie_gen, 4);
    CHECK_INT(facts.gpus[2].pcie_lanes, 16);
    CHECK_TEXT(facts.gpus[2].pci_bus, "00000000:03:00.0");
}

static void test_no_driver_is_no_gpu(void **state)
{
    struct error err;

    (void)state;
    (void)setenv("NVML_FAKE_GPUS", "0", 1);
    facts = (struct machine_facts){ 0 };
    CHECK_OK(gpu_nvml_probe(&facts, &err), &err);
    CHECK_INT(facts.gpu_count, 0);
    CHECK_TEXT(facts.driver_version, "");
}

static void test_a_broken_gpu_is_an_error(void **state)
{
    static const char *const functions[] = { "init", "count",  "handle", "name",
                                             "uuid", "memory", "pci",    "driver" };

    (void)state;
    (void)setenv("NVML_FAKE_GPUS", "2", 1);
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        struct error err;

        check_row("%s", functions[i]);
        (void)setenv("NVML_FAKE_BROKEN", functions[i], 1);
        facts = (struct machine_facts){ .gpu_count = -9 };
        CHECK_FAILS(gpu_nvml_probe(&facts, &err), &err, ERROR_IO);
        CHECK(strstr(err.text, "GPU is lost") != NULL);
        CHECK_INT(facts.gpu_count, -9);
    }
    (void)setenv("NVML_FAKE_BROKEN", "pcie", 1); /* what is only nice to know may be unknown */
    struct error err;
    CHECK_OK(gpu_nvml_probe(&facts, &err), &err);
    CHECK_INT(facts.gpus[0].pcie_gen, 0);
    (void)unsetenv("NVML_FAKE_BROKEN");
}

static void test_gauges_are_read(void **state)
{
    static const struct {
        const char *reasons;
        int64_t brakes;
    } rows[] = {
        { "0x0", 0 },
        { "0x1", 0 }, /* it is idle */
        { "0x2", 1 << GPU_BRAKE_SETTING },
        { "0x4", 1 << GPU_BRAKE_POWER },
        { "0x8", 1 << GPU_BRAKE_HARDWARE },
        { "0x10", 1 << GPU_BRAKE_OTHERS },
        { "0x20", 1 << GPU_BRAKE_HEAT },
        { "0x40", 1 << GPU_BRAKE_HEAT },
        { "0x80", 1 << GPU_BRAKE_SUPPLY },
        { "0x100", 1 << GPU_BRAKE_SETTING },
        { "0x1ff", GPU_BRAKES_ALL },
        { "0x8000000000000200", 0 }, /* what nobody has told us of */
    };
    struct gpu_gauge gauges[GPUS_MAX];
    size_t count;
    struct error err;

    (void)state;
    (void)setenv("NVML_FAKE_GPUS", "2", 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s", rows[i].reasons);
        (void)setenv("NVML_FAKE_REASONS", rows[i].reasons, 1);
        CHECK_OK(gpu_nvml_gauge(gauges, &count, &err), &err);
        CHECK_INT(gauges[1].brakes, rows[i].brakes);
    }
    (void)unsetenv("NVML_FAKE_REASONS");
    CHECK_INT((int64_t)count, 2);
    CHECK_TEXT(gauges[1].uuid, "GPU-00000000-0000-0000-0000-000000000001");
    CHECK_INT(gauges[1].permille, 300);
    CHECK_INT(gauges[1].memory_used_mb, 256);
    CHECK_INT(gauges[1].temperature_c, 56);
    CHECK_INT(gauges[1].power_w, 123);
    CHECK_INT(gauges[1].core_mhz, 1755);
    CHECK_INT(gauges[1].memory_mhz, 9501);
}

/* Each by itself: what one function does not tell, the others do. */
static void test_what_the_driver_does_not_tell_is_unknown(void **state)
{
    static const char *const functions[] = { "utilization", "memory", "temperature",
                                             "draw",        "clock",  "reasons" };
    struct gpu_gauge gauges[GPUS_MAX];
    size_t count;
    struct error err;

    (void)state;
    (void)setenv("NVML_FAKE_GPUS", "1", 1);
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        check_row("%s", functions[i]);
        (void)setenv("NVML_FAKE_BROKEN", functions[i], 1);
        CHECK_OK(gpu_nvml_gauge(gauges, &count, &err), &err);
        CHECK((gauges[0].permille < 0) == (i == 0));
        CHECK((gauges[0].memory_used_mb < 0) == (i == 1));
        CHECK((gauges[0].temperature_c < 0) == (i == 2));
        CHECK((gauges[0].power_w < 0) == (i == 3));
        CHECK((gauges[0].core_mhz < 0) == (i == 4) && (gauges[0].memory_mhz < 0) == (i == 4));
        CHECK((gauges[0].brakes < 0) == (i == 5));
    }
    (void)unsetenv("NVML_FAKE_BROKEN");
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gpus_are_read),
        cmocka_unit_test(test_no_driver_is_no_gpu),
        cmocka_unit_test(test_a_broken_gpu_is_an_error),
        cmocka_unit_test(test_gauges_are_read),
        cmocka_unit_test(test_what_the_driver_does_not_tell_is_unknown),
    };

    /* The loader looks at the path once, at the start: start again with the fake on it. */
    (void)count;
    if (getenv("NVML_FAKE_GPUS") == NULL) {
        (void)setenv("NVML_FAKE_GPUS", "0", 1);
        (void)setenv("LD_LIBRARY_PATH", "fakes", 1);
        (void)execv("/proc/self/exe", arguments);
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
