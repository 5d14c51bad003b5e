/* SPDX-License-Identifier: Apache-2.0 */
/* CUDA's driver, by a fake of it: what it is asked, and what becomes of each failure. */
#include "agent/cuda.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/ptx.h"
#include "check.h"

enum { MEMORY_SIZE = 1 << 20 };

static int begin(void **state)
{
    (void)state;
    (void)setenv("CUDA_FAKE_GPUS", "2", 1);
    (void)setenv("CUDA_FAKE_CAPABILITY", "89", 1);
    (void)unsetenv("CUDA_FAKE_BROKEN");
    return 0;
}

static struct cuda *open_cuda(void)
{
    struct error err;
    struct cuda *cuda = cuda_open(&err);

    if (cuda == NULL)
        printf("%s\n", err.text);
    CHECK(cuda != NULL);
    return cuda;
}

static void test_devices_say_what_they_are(void **state)
{
    struct device_about list[DEVICES_MAX];
    auto_cuda struct cuda *cuda = open_cuda();

    (void)state;
    CHECK_INT((int64_t)cuda_devices(cuda, list), 2);
    CHECK_TEXT(list[1].name, "Fake GPU 1");
    CHECK_TEXT(list[1].pci_bus, "0000:02:00.0");
    CHECK_INT(list[1].compute_cap, 890);
    CHECK_INT((int64_t)list[1].memory, MEMORY_SIZE);
    CHECK_INT((int64_t)list[1].cache, 1 << 16);
    CHECK(list[1].is_gpu && list[1].driver == DEVICE_CUDA);
}

/* No driver and no GPU are answers, and a broken one is an error. */
static void test_what_is_not_there_is_an_answer(void **state)
{
    static const struct {
        const char *name, *value, *want;
        enum error_code code;
    } rows[] = {
        { "CUDA_FAKE_GPUS", "0", "no device", ERROR_UNAVAILABLE },
        { "CUDA_FAKE_BROKEN", "cuInit", "does not start: CUDA_ERROR_UNKNOWN", ERROR_IO },
    };
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s=%s", rows[i].name, rows[i].value);
        (void)begin(NULL);
        (void)setenv(rows[i].name, rows[i].value, 1);
        CHECK(cuda_open(&err) == NULL);
        CHECK_INT(err.code, rows[i].code);
        CHECK(strstr(err.text, rows[i].want) != NULL);
    }
}

/* One of which something is not told is not used, nor one that is older than our kernels. */
static void test_devices_of_no_use_are_left_out(void **state)
{
    static const char *const functions[] = { "cuDeviceGetCount",    "cuDeviceGet",
                                             "cuDeviceTotalMem_v2", "cuDeviceGetName",
                                             "cuDeviceGetPCIBusId", "cuDeviceGetAttribute" };
    struct device_about list[DEVICES_MAX];
    auto_cuda struct cuda *cuda = open_cuda();

    (void)state;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        check_row("%s", functions[i]);
        (void)setenv("CUDA_FAKE_BROKEN", functions[i], 1);
        CHECK_INT((int64_t)cuda_devices(cuda, list), 0);
    }
    (void)unsetenv("CUDA_FAKE_BROKEN");
    (void)setenv("CUDA_FAKE_CAPABILITY", "52", 1);
    CHECK_INT((int64_t)cuda_devices(cuda, list), 0);
    (void)setenv("CUDA_FAKE_CAPABILITY", "60", 1);
    CHECK_INT((int64_t)cuda_devices(cuda, list), 2);
}

static void test_one_that_cannot_be_opened_says_why(void **state)
{
    static const struct {
        const char *function, *want;
    } rows[] = {
        { "cuDevicePrimaryCtxRetain", "Fake GPU 1: CUDA gives no context: CUDA_ERROR_UNKNOWN" },
        { "cuCtxSetCurrent", "Fake GPU 1: CUDA does not take its own context" },
        { "cuModuleLoadDataEx",
          "Fake GPU 1: CUDA does not take our kernels: CUDA_ERROR_INVALID_PTX" },
    };
    struct device_about list[DEVICES_MAX];
    auto_cuda struct cuda *cuda = open_cuda();
    struct error err;

    (void)state;
    CHECK_INT((int64_t)cuda_devices(cuda, list), 2);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s", rows[i].function);
        (void)setenv("CUDA_FAKE_BROKEN", rows[i].function, 1);
        CHECK(cuda_device_open(cuda, &list[1], &err) == NULL);
        CHECK_TEXT(err.text, rows[i].want);
    }
    /* The driver's compiler has words of its own. */
    (void)unsetenv("CUDA_FAKE_BROKEN");
    (void)setenv("CUDA_FAKE_CAPABILITY", "60", 1);
    CHECK(cuda_device_open(cuda, &list[1], &err) == NULL);
    CHECK_TEXT(err.text, "Fake GPU 1: CUDA does not take our kernels: made for a later one");
}

static void test_each_call_that_fails_is_heard_of(void **state)
{
    static const char *const functions[] = {
        "",
        "cuCtxSetCurrent",
        "cuMemAlloc_v2",
        "cuMemcpyHtoD_v2",
        "cuMemcpyDtoH_v2",
        "cuCtxSynchronize",
        "cuModuleGetFunction",
        "cuLaunchKernel",
        "cuMemAllocHost_v2",
    };
    struct device_about list[DEVICES_MAX];
    auto_cuda struct cuda *cuda = open_cuda();
    struct error err;

    (void)state;
    CHECK_INT((int64_t)cuda_devices(cuda, list), 2);
    auto_device struct device *device = cuda_device_open(cuda, &list[0], &err);
    CHECK(device != NULL);
    void *from = device_alloc(device, 4096), *to = device_alloc(device, 4096);
    CHECK(from != NULL && to != NULL);
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        uint8_t bytes[4096] = { 1, 2, 3 }, got[4096] = { 0 };
        struct device_run run = { .kernel = "copy",
                                  .width = sizeof bytes / 16,
                                  .count = 2,
                                  .arguments = { DEVICE_ARGUMENT(from), DEVICE_ARGUMENT(to) } };
        bool has_failed[9];

        check_row("%s", functions[i]);
        (void)setenv("CUDA_FAKE_BROKEN", functions[i], 1);
        void *more = device_alloc(device, 16), *host = device_host_alloc(device, 16);
        has_failed[1] = i == 1; /* it comes before all of them */
        has_failed[2] = more == NULL;
        has_failed[3] = !device_write(device, from, bytes, sizeof bytes);
        has_failed[6] = !device_has(device, "copy");
        has_failed[7] = !device_run(device, &run);
        has_failed[5] = !device_finish(device);
        has_failed[4] = !device_read(device, to, got, sizeof got);
        has_failed[8] = host == NULL;
        for (size_t j = 1; j < 9; j++)
            CHECK(has_failed[j] == (i == 1 || i == j || (i == 6 && j == 7)));
        (void)unsetenv("CUDA_FAKE_BROKEN");
        CHECK(i > 0 || memcmp(bytes, got, sizeof bytes) == 0);
        device_free(device, more);
        device_host_free(device, host);
    }
    CHECK(device_alloc(device, 2 * MEMORY_SIZE) == NULL);
    device_free(device, from);
    device_free(device, to);
}

/* Two at once: what one is asked does not go to the other. */
static void test_two_are_used_side_by_side(void **state)
{
    struct device_about list[DEVICES_MAX];
    auto_cuda struct cuda *cuda = open_cuda();
    struct error err;
    uint8_t got[64];

    (void)state;
    CHECK_INT((int64_t)cuda_devices(cuda, list), 2);
    auto_device struct device *one = cuda_device_open(cuda, &list[0], &err);
    auto_device struct device *other = cuda_device_open(cuda, &list[1], &err);
    CHECK(one != NULL && other != NULL);
    void *here = device_alloc(one, 64), *there = device_alloc(other, 64);
    memset(got, 7, sizeof got);
    CHECK(device_write(one, here, got, sizeof got));
    CHECK(device_copy(one, here, other, there, sizeof got));
    memset(got, 0, sizeof got);
    CHECK(device_read(other, there, got, sizeof got));
    CHECK_INT(got[0] + got[63], 14);
    device_free(one, here);
    device_free(other, there);
}

static void test_the_best_kernels_are_taken(void **state)
{
    static const struct {
        int64_t compute_cap;
        const char *target; /* NULL: there are none */
        bool has_tensor;
    } rows[] = {
        { 520, NULL, false },
        { 600, ".target sm_60", false },
        { 610, ".target sm_61", false },
        { 690, ".target sm_61", false },
        { 700, ".target sm_70", true },
        { 750, ".target sm_75", true },
        { 800, ".target sm_80", true },
        { 1200, ".target sm_80", true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *text = ptx_for(rows[i].compute_cap);

        check_row("%d", (int)rows[i].compute_cap);
        CHECK((text == NULL) == (rows[i].target == NULL));
        if (text == NULL)
            continue;
        CHECK(strstr(text, rows[i].target) != NULL);
        CHECK((strstr(text, "mma.sync.aligned.m") != NULL) == rows[i].has_tensor);
        /* Whoever calls for OpenCL's library finds nobody there. */
        CHECK(strstr(text, ".extern") == NULL && strstr(text, "call") == NULL);
    }
    CHECK(strstr(ptx_for(800), "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32") != NULL);
    CHECK(strstr(ptx_for(800), "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32") != NULL);
    CHECK(strstr(ptx_for(610), "dp4a.s32.s32") != NULL);
}

int main(int count, char **arguments)
{
#define CASE(name) cmocka_unit_test_setup(name, begin)
    const struct CMUnitTest tests[] = {
        CASE(test_devices_say_what_they_are),        CASE(test_what_is_not_there_is_an_answer),
        CASE(test_devices_of_no_use_are_left_out),   CASE(test_one_that_cannot_be_opened_says_why),
        CASE(test_each_call_that_fails_is_heard_of), CASE(test_two_are_used_side_by_side),
        CASE(test_the_best_kernels_are_taken),
    };
    char path[64];

    /* The loader looks at the path once, at the start: start again with the fake on it. */
    (void)count;
    if (getenv("CUDA_FAKE_MEMORY") == NULL) {
        (void)snprintf(path, sizeof path, "/tmp/berth-cuda-%d", (int)getpid());
        (void)setenv("CUDA_FAKE_MEMORY", path, 1);
        (void)setenv("LD_LIBRARY_PATH", "fakes", 1);
        (void)execv("/proc/self/exe", arguments);
        return 1;
    }
    if (ptx_for(INT64_MAX) == NULL) {
        printf("skipped: Berth was built without kernels for CUDA\n");
        return CHECK_SKIP;
    }
    int fd = open(getenv("CUDA_FAKE_MEMORY"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && ftruncate(fd, MEMORY_SIZE) == 0);
    (void)close(fd);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(getenv("CUDA_FAKE_MEMORY"));
    return failed;
}
