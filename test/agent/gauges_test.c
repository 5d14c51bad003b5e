/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/gauges.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "sys/clock.h"

static void test_groups_of_both_versions(void **state)
{
    static const struct {
        const char *text, *controller, *want; /* NULL: none */
    } rows[] = {
        { "0::/system.slice/docker-1.scope\n", "memory",
          "/sys/fs/cgroup/system.slice/docker-1.scope" },
        { "0::/", "cpuacct", "/sys/fs/cgroup/" },
        { "4:memory:/docker/1\n2:cpu,cpuacct:/docker/2\n", "memory",
          "/sys/fs/cgroup/memory/docker/1" },
        { "4:memory:/docker/1\n2:cpu,cpuacct:/docker/2\n", "cpuacct",
          "/sys/fs/cgroup/cpu,cpuacct/docker/2" },
        { "9:name=systemd:/x\n1:cpuacct:/y\n0::/z\n", "cpuacct", "/sys/fs/cgroup/cpuacct/y" },
        { "3:cpuset:/a\n", "cpu", NULL },
        { "3:xcpuacct,cpuacctx:/a\n", "cpuacct", NULL },
        { "", "memory", NULL },
        { "\n", "memory", NULL },
        { "4:memory\n", "memory", NULL },
        { "4:memory:docker\n", "memory", NULL },
        { "memory", "memory", NULL },
        { "4:memory:/this-path-is-longer-than-what-it-is-copied-into-by-the-test-that-reads-it",
          "memory", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[64] = "";

        check_row("row %zu", i);
        bool has = gauges_group(rows[i].text, rows[i].controller, path, sizeof path);
        CHECK(has == (rows[i].want != NULL));
        if (has)
            CHECK_TEXT(path, rows[i].want);
    }
}

static void test_numbers(void **state)
{
    static const struct {
        const char *text, *name;
        int64_t want;
    } rows[] = {
        { "12\n", NULL, 12 },
        { "9223372036854775807\n", NULL, INT64_MAX },
        { "9223372036854775808\n", NULL, -1 },
        { "max\n", NULL, -1 },
        { "", NULL, -1 },
        { "-1\n", NULL, -1 },
        { "a 1\nusage_usec 77\nb 2\n", "usage_usec", 77 },
        { "usage_usecs 1\nusage_usec 77", "usage_usec", 77 },
        { "xusage_usec 1\n", "usage_usec", -1 },
        { "usage_usec\n", "usage_usec", -1 },
        { "usage_usec 00000000000000000000000000000001\n", "usage_usec", -1 },
        { "usage_usec 7 8\n", "usage_usec", -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        CHECK_INT(gauges_number(rows[i].text, rows[i].name), rows[i].want);
    }
}

static struct gauges gauges;

/* Ourselves, as if we were an instance: the kernel's accounts are real, the clock is ours. */
static void test_one_that_runs_is_measured(void **state)
{
    struct clock clock = clock_held((struct instant){ 1 });
    struct loop *loop = loop_open(&clock);
    struct gauges_run run = { .id = 7, .token = "a", .pid = getpid(), .cpu_millis = 1000 };

    (void)state;
    gauges_open(&gauges, loop);
    const struct gauge *gauge = gauges_read(&gauges, &run);
    CHECK_INT(gauge->cpu_permille, -1); /* it takes two looks */
    if (gauge->cpu_us < 0) {
        print_message("no cgroup here that counts processor time\n");
    } else {
        int64_t before_us = gauge->cpu_us;

        clock_advance(&clock, GAUGES_EVERY_MS * US_PER_MS - 1);
        CHECK_INT(gauges_read(&gauges, &run)->cpu_permille, -1); /* too soon */
        clock_advance(&clock, 1);
        gauge = gauges_read(&gauges, &run);
        CHECK(gauge->cpu_us >= before_us && gauge->cpu_permille >= 0);
        CHECK_INT(gauge->cpu_permille, (gauge->cpu_us - before_us) / GAUGES_EVERY_MS);
    }
    run.token = "b"; /* a new start counts anew */
    CHECK_INT(gauges_read(&gauges, &run)->cpu_permille, -1);
    gauges_forget(&gauges, 7);
    gauges_forget(&gauges, 7);
    CHECK_INT((int64_t)gauges.count, 0);

    run.pid = 0;
    gauge = gauges_read(&gauges, &run);
    CHECK_INT(gauge->ram_mb, -1);
    CHECK_INT(gauge->cpu_us, -1);
    gauges_close(&gauges);
    loop_close(&loop);
}

static void test_there_is_an_end_to_room(void **state)
{
    struct clock clock = clock_held((struct instant){ 1 });
    struct loop *loop = loop_open(&clock);

    (void)state;
    gauges_open(&gauges, loop);
    for (int64_t id = 1; id <= GAUGES_MAX; id++)
        CHECK(gauges_read(&gauges, &(struct gauges_run){ .id = id, .token = "" }) != NULL);
    CHECK(gauges_read(&gauges, &(struct gauges_run){ .id = 0, .token = "" }) == NULL);
    gauges_forget(&gauges, 1);
    CHECK(gauges_read(&gauges, &(struct gauges_run){ .id = 0, .token = "" }) != NULL);
    loop_close(&loop);
}

static void test_gpus_are_asked_by_a_worker(void **state)
{
    struct loop *loop = loop_open(&clock_system);

    (void)state;
    gauges_open(&gauges, loop);
    CHECK_INT(gauges_gpu_permille(&gauges, "GPU-00000000-0000-0000-0000-000000000001,"), -1);
    (void)setenv("NVML_FAKE_GPUS", "6", 1);
    gauges_ask_gpus(&gauges);
    gauges_ask_gpus(&gauges); /* one question at a time */
    for (int i = 0; i < 200 && gauges.job != NULL; i++)
        loop_step(loop, 50);
    CHECK_INT((int64_t)gauges.gpu_count, 6);
    CHECK_INT(gauges_gpu_permille(&gauges, "GPU-00000000-0000-0000-0000-000000000001,"), 300);
    CHECK_INT(gauges_gpu_permille(&gauges, "GPU-00000000-0000-0000-0000-000000000001,"
                                           "GPU-00000000-0000-0000-0000-000000000002,"),
              450);
    CHECK_INT(gauges_gpu_permille(&gauges, "GPU-00000000-0000-0000-0000-000000000001,other,"), -1);
    CHECK_INT(gauges_gpu_permille(&gauges, "GPU-00000000-0000-0000-0000-000000000004,"), -1);
    CHECK_INT(gauges_gpu_permille(&gauges, "GPU-00000000-0000-0000-0000-0000000000,"), -1);
    CHECK_INT(gauges_gpu_permille(&gauges, ""), -1);
    gauges_ask_gpus(&gauges); /* not again so soon */
    CHECK(gauges.job == NULL);
    gauges_close(&gauges);
    loop_close(&loop);
}

/* At once, then what is new a minute later, then nothing, then all of it again. */
static void test_what_hardly_moves_is_told_seldom(void **state)
{
    struct clock clock = clock_held((struct instant){ US_PER_SECOND });
    struct loop *loop = loop_open(&clock);
    static const struct {
        int64_t after_ms, temperature_c;
        bool is_told;
    } rows[] = {
        { 0, 50, true },
        { 5000, 90, false },
        { GAUGES_TELL_EVERY_MS - 5001, 90, false },
        { 1, 90, true },
        { GAUGES_TELL_EVERY_MS, 91, false },
        { 1, 93, true },
        { GAUGES_TELL_AGAIN_MS - 1, 93, false },
        { 1, 93, true },
    };

    (void)state;
    gauges_open(&gauges, loop);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_arena struct arena arena = arena_of(1 << 16);
        struct heartbeat heartbeat = { 0 };

        check_row("row %zu", i);
        clock_advance(&clock, rows[i].after_ms * US_PER_MS);
        gauges.gpus[0] = gpu_gauge_unknown("GPU-a");
        gauges.gpus[0].temperature_c = rows[i].temperature_c;
        gauges.gpu_count = 1;
        gauges_fill(&gauges, &arena, &heartbeat);
        CHECK(heartbeat.has_gauges == rows[i].is_told);
        if (rows[i].is_told)
            CHECK_INT(heartbeat.gauges[0].temperature_c, rows[i].temperature_c);
        gauges_told(&gauges);
    }
    /* What did not arrive is told again; and a new session knows nothing. */
    for (int i = 0; i < 2; i++) {
        auto_arena struct arena arena = arena_of(1 << 16);
        struct heartbeat heartbeat = { 0 };

        gauges_connected(&gauges);
        gauges_fill(&gauges, &arena, &heartbeat);
        CHECK(heartbeat.has_gauges);
        heartbeat = (struct heartbeat){ 0 };
        gauges_fill(&gauges, &arena, &heartbeat);
        CHECK(heartbeat.has_gauges);
        gauges_told(&gauges);
    }
    gauges_close(&gauges);
    loop_close(&loop);
}

static void test_a_driver_that_fails_leaves_it_unknown(void **state)
{
    struct gpu_gauge uses[GPUS_MAX];
    size_t count = 99;
    struct error err;

    (void)state;
    (void)setenv("NVML_FAKE_GPUS", "0", 1);
    CHECK_OK(gpu_nvml_gauge(uses, &count, &err), &err);
    CHECK_INT((int64_t)count, 0);
    (void)setenv("NVML_FAKE_GPUS", "2", 1);
    (void)setenv("NVML_FAKE_BROKEN", "count", 1);
    count = 99;
    CHECK_FAILS(gpu_nvml_gauge(uses, &count, &err), &err, ERROR_IO);
    CHECK_INT((int64_t)count, 99);
    (void)setenv("NVML_FAKE_BROKEN", "utilization", 1);
    CHECK_OK(gpu_nvml_gauge(uses, &count, &err), &err);
    CHECK_INT((int64_t)count, 2);
    CHECK_INT(uses[1].permille, -1);
    (void)setenv("NVML_FAKE_BROKEN", "uuid", 1);
    CHECK_OK(gpu_nvml_gauge(uses, &count, &err), &err);
    CHECK_INT((int64_t)count, 0);
    (void)unsetenv("NVML_FAKE_BROKEN");
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_of_both_versions),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_one_that_runs_is_measured),
        cmocka_unit_test(test_there_is_an_end_to_room),
        cmocka_unit_test(test_gpus_are_asked_by_a_worker),
        cmocka_unit_test(test_what_hardly_moves_is_told_seldom),
        cmocka_unit_test(test_a_driver_that_fails_leaves_it_unknown),
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
