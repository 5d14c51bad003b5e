/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels against plain C: on whatever OpenCL there is (PoCL, where there is no GPU), and as
 * PTX for each generation of NVIDIA's GPUs, which a machine for PTX runs
 * (test/fakes/ptx_machine.h). */
#include "agent/device.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/bench_tensor.h"
#include "agent/device_memory.h"
#include "agent/device_proof.h"
#include "agent/ptx.h"
#include "check.h"
#include "sys/proof_verify.h"

/* A compiler and a driver are loaded into this program, and free nothing at its end. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return 1;
}

enum { MEMORY_SIZE = 64 << 20 };

static char memory_path[64];
static struct devices *devices;
static struct device_about about;
static struct device *device;
static const char *capability; /* of the fake that is asked for; NULL: OpenCL's */

static int open_device(void **state)
{
    struct error err;

    (void)state;
    device = device_open(devices, &about, &err);
    if (device == NULL)
        printf("%s\n", err.text);
    return device != NULL ? 0 : -1;
}

static int close_device(void **state)
{
    (void)state;
    device_close(&device);
    return 0;
}

static void test_it_says_what_it_is(void **state)
{
    (void)state;
    CHECK(about.name[0] != '\0' && about.memory > 0 && about.buffer_max > 0);
    CHECK(about.pci_bus[0] == '\0' || strlen(about.pci_bus) == 12);
    CHECK((about.driver == DEVICE_CUDA) == (capability != NULL));
    if (capability != NULL)
        CHECK_INT(about.compute_cap, 10 * strtol(capability, NULL, 10));
}

static void test_bytes_come_back(void **state)
{
    static uint8_t want[5000], got[5000];
    void *buffer = device_alloc(device, sizeof want);

    (void)state;
    for (size_t i = 0; i < sizeof want; i++)
        want[i] = (uint8_t)check_random(256);
    CHECK(buffer != NULL && device_write(device, buffer, want, sizeof want));
    CHECK(device_read(device, buffer, got, sizeof got));
    CHECK(memcmp(want, got, sizeof want) == 0);
    CHECK(device_read_at(device, buffer, 4097, got, 3));
    CHECK(memcmp(want + 4097, got, 3) == 0);
    device_free(device, buffer);
    device_free(device, NULL);
    CHECK(device_has(device, "expand") && !device_has(device, "no_such_kernel"));
    CHECK(!device_run(device, &(struct device_run){ .kernel = "no_such_kernel", .width = 1 }));

    void *host = device_host_alloc(device, 4096);
    CHECK(host != NULL);
    memset(host, 1, 4096);
    device_host_free(device, host);
    device_host_free(device, NULL);
}

static void test_lines_are_those_of_plain_c(void **state)
{
    enum { N = 2 * PROOF_UNIT, LINES = 3 };
    static int8_t want[LINES][N], got[LINES][N];
    uint8_t seed[PROOF_SEED_SIZE];
    uint32_t stream = PROOF_STREAM_B, n = N;
    void *seeds = device_alloc(device, sizeof seed), *lines = device_alloc(device, sizeof got);

    (void)state;
    for (size_t i = 0; i < sizeof seed; i++)
        seed[i] = (uint8_t)check_random(256);
    struct device_run run = { .kernel = "expand",
                              .width = N / 64,
                              .height = LINES,
                              .count = 4,
                              .arguments = { DEVICE_ARGUMENT(seeds), DEVICE_ARGUMENT(stream),
                                             DEVICE_ARGUMENT(n), DEVICE_ARGUMENT(lines) } };
    CHECK(device_write(device, seeds, seed, sizeof seed) && device_run(device, &run) &&
          device_read(device, lines, got, sizeof got));
    for (uint32_t line = 0; line < LINES; line++)
        proof_line(seed, PROOF_STREAM_B, line, N, want[line]);
    CHECK(memcmp(want, got, sizeof want) == 0);
    device_free(device, seeds);
    device_free(device, lines);
}

static void test_rows_are_scrambled_as_in_plain_c(void **state)
{
    enum { N = PROOF_UNIT, ROWS = 4, FIRST = 2 };
    static int32_t c[ROWS][N];
    static int8_t want[FIRST + ROWS][N], got[FIRST + ROWS][N];
    uint32_t first = FIRST, round = 77, n = N;
    void *of_c = device_alloc(device, sizeof c), *of_a = device_alloc(device, sizeof got);

    (void)state;
    for (int i = 0; i < ROWS * N; i++)
        c[i / N][i % N] = (int32_t)(uint32_t)check_random(UINT64_C(1) << 32);
    struct device_run run = { .kernel = "requantise",
                              .width = N,
                              .height = ROWS,
                              .count = 5,
                              .arguments = { DEVICE_ARGUMENT(of_c), DEVICE_ARGUMENT(first),
                                             DEVICE_ARGUMENT(round), DEVICE_ARGUMENT(n),
                                             DEVICE_ARGUMENT(of_a) } };
    CHECK(device_write(device, of_c, c, sizeof c) &&
          device_write(device, of_a, want, sizeof want) && device_run(device, &run) &&
          device_read(device, of_a, got, sizeof got));
    for (uint32_t i = 0; i < ROWS; i++)
        proof_loops()->requantise(c[i], FIRST + i, round, N, want[FIRST + i]);
    CHECK(memcmp(want, got, sizeof want) == 0);
    device_free(device, of_c);
    device_free(device, of_a);
}

static void test_rows_are_hashed_as_in_plain_c(void **state)
{
    enum { N = PROOF_UNIT, ROWS = 3 };
    static int32_t c[ROWS][N];
    struct hash got[ROWS] = { 0 };
    uint32_t n = N, rows = ROWS;
    void *of_c = device_alloc(device, sizeof c), *digests = device_alloc(device, sizeof got);

    (void)state;
    for (int i = 0; i < ROWS * N; i++)
        c[i / N][i % N] = (int32_t)(uint32_t)check_random(UINT64_C(1) << 32);
    struct device_run run = { .kernel = "digest",
                              .width = 64,
                              .count = 4,
                              .arguments = { DEVICE_ARGUMENT(of_c), DEVICE_ARGUMENT(n),
                                             DEVICE_ARGUMENT(rows), DEVICE_ARGUMENT(digests) } };
    CHECK(device_write(device, of_c, c, sizeof c) && device_run(device, &run) &&
          device_read(device, digests, got, sizeof got));
    for (int i = 0; i < ROWS; i++) {
        struct hash want = crypto_sha256(c[i], sizeof c[i]);

        check_row("row %d", i);
        CHECK(memcmp(&want, &got[i], sizeof want) == 0);
    }
    device_free(device, of_c);
    device_free(device, digests);
}

/* The same commitment, bit for bit, and openings that the verifier takes: of as few as there may
 * be, and of more rows than one tile has. */
static void test_a_proof_is_that_of_plain_c(void **state)
{
    static const size_t openings[] = { 1, 130 };
    struct proof_terms terms = { .seed = { 5, 7 }, .n = PROOF_UNIT, .rounds = 2 };
    struct proof_plain *plain = proof_plain_open(&terms);
    struct hash want, got;
    struct error err;
    auto_device_proof struct device_proof *proof = device_proof_open(device, &terms, &err);
    auto_proof_run struct proof_run *by_plain =
        proof_run_open(&terms, proof_plain_engine(plain), &want);

    (void)state;
    (void)by_plain; /* its commitment is all that is wanted */
    CHECK(proof != NULL);
    CHECK(device_has(device, "multiply_tensor") == (about.compute_cap >= 750));
    auto_proof_run struct proof_run *by_device =
        proof_run_open(&terms, device_proof_engine(proof), &got);
    CHECK(memcmp(&want, &got, sizeof want) == 0);

    for (size_t i = 0; i < sizeof openings / sizeof openings[0]; i++) {
        auto_buf struct buf opening = buf_of(4 << 20);
        struct proof_pair pairs[PROOF_OPENINGS_MAX];
        uint8_t random[PROOF_SEED_SIZE] = { 3 };

        check_row("%zu openings", openings[i]);
        proof_draw(&terms, random, pairs, openings[i]);
        proof_run_open_pairs(by_device, pairs, openings[i], &opening);
        CHECK(!device_proof_has_failed(proof));
        CHECK_INT(
            proof_verify(&terms, &got, pairs, openings[i], random, opening.bytes, opening.length),
            PROOF_GOOD);
    }
    proof_plain_close(&plain);
}

/* Every cell of every page, and every page's root. */
static void test_memory_is_that_of_plain_c(void **state)
{
    enum { PAGES = 18 };
    struct memory_terms terms = { .seed = { 6, 1 }, .pages = PAGES, .layers = 5 };
    struct hash want[PAGES], got[PAGES];
    static uint8_t want_page[MEMORY_PAGE_SIZE], got_page[MEMORY_PAGE_SIZE];
    struct error err;

    (void)state;
    if (capability != NULL && strcmp(capability, "60") != 0 && strcmp(capability, "80") != 0)
        return; /* it is the same for all of them */
    struct memory_plain *plain = memory_plain_open(&terms);
    struct memory_engine by_plain = memory_plain_engine(plain);
    auto_device_memory struct device_memory *memory = device_memory_open(device, &terms, &err);
    CHECK(memory != NULL);
    struct memory_engine by_device = device_memory_engine(memory);
    CHECK(by_plain.make(by_plain.context, &terms, want));
    CHECK(by_device.make(by_device.context, &terms, got));
    for (uint64_t page = 0; page < PAGES; page++) {
        check_row("page %d", (int)page);
        CHECK(by_plain.read(by_plain.context, page, want_page));
        CHECK(by_device.read(by_device.context, page, got_page));
        CHECK(memcmp(want_page, got_page, sizeof want_page) == 0);
    }
    CHECK(memcmp(want, got, sizeof want) == 0);
    memory_plain_close(&plain);
}

/* Those that this generation has, and no others; each number is what it must come to. */
static void test_tensor_cores_count_rightly(void **state)
{
    static const struct {
        int64_t first, last; /* compute capabilities */
    } rows[TENSORS] = {
        [TENSOR_I8] = { 750, INT64_MAX },   [TENSOR_F16] = { 750, INT64_MAX },
        [TENSOR_F16_VOLTA] = { 700, 740 },  [TENSOR_BF16] = { 800, INT64_MAX },
        [TENSOR_TF32] = { 800, INT64_MAX },
    };
    enum { ITEMS = 512, STEPS = 3 };
    static uint32_t left[ITEMS * TENSOR_ENTRIES_MAX];

    (void)state;
    for (enum bench_tensor tensor = 0; tensor < TENSORS; tensor++) {
        const char *kernel = bench_tensor_kernel(tensor);
        bool has =
            about.compute_cap >= rows[tensor].first && about.compute_cap <= rows[tensor].last;
        size_t size = ITEMS * bench_tensor_entries(tensor) * sizeof left[0];
        void *out = device_alloc(device, size);
        uint32_t steps = STEPS;
        struct device_run run = { .kernel = kernel,
                                  .width = ITEMS,
                                  .group = 256,
                                  .count = 2,
                                  .arguments = { DEVICE_ARGUMENT(out), DEVICE_ARGUMENT(steps) } };

        check_row("%s", kernel);
        CHECK(device_has(device, kernel) == has);
        if (has) {
            CHECK(device_run(device, &run) && device_read(device, out, left, size));
            CHECK(bench_tensor_is_right(tensor, STEPS, left, ITEMS / TENSOR_LANES));
            CHECK(!bench_tensor_is_right(tensor, STEPS + 1, left, ITEMS / TENSOR_LANES));
            left[size / sizeof left[0] - 1] ^= 1;
            CHECK(!bench_tensor_is_right(tensor, STEPS, left, ITEMS / TENSOR_LANES));
        }
        device_free(device, out);
    }
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
        CHECK(device_same_bus(rows[i].a, rows[i].b) == rows[i].is_same);
        CHECK(device_same_bus(rows[i].b, rows[i].a) == rows[i].is_same);
    }
}

static int run_on(const char *wanted)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_says_what_it_is),
        cmocka_unit_test(test_bytes_come_back),
        cmocka_unit_test(test_lines_are_those_of_plain_c),
        cmocka_unit_test(test_rows_are_scrambled_as_in_plain_c),
        cmocka_unit_test(test_rows_are_hashed_as_in_plain_c),
        cmocka_unit_test(test_a_proof_is_that_of_plain_c),
        cmocka_unit_test(test_memory_is_that_of_plain_c),
        cmocka_unit_test(test_tensor_cores_count_rightly),
        cmocka_unit_test(test_places_on_the_bus_have_two_spellings),
    };
    static struct device_about list[DEVICES_MAX];
    int failed = 0;

    capability = wanted;
    (void)setenv("CUDA_FAKE_GPUS", wanted != NULL ? "1" : "0", 1);
    (void)setenv("CUDA_FAKE_CAPABILITY", wanted != NULL ? wanted : "0", 1);
    devices = devices_open();
    size_t count = devices_list(devices, list);
    if (count == 0) {
        printf("skipped: %s\n", wanted != NULL ? "Berth was built without kernels for CUDA"
                                               : "no OpenCL device (apt install pocl-opencl-icd)");
    } else {
        about = list[0];
        printf("on %s, %s %s\n", about.name, device_driver_name(about.driver),
               wanted != NULL ? wanted : "");
        failed = cmocka_run_group_tests(tests, open_device, close_device);
    }
    devices_close(&devices);
    return failed;
}

int main(int count, char **arguments)
{
    static const char *const capabilities[] = { "60", "61", "70", "75", "80", "90" };
    int failed = 0;

    /* The loader looks at the path once, at the start: start again with the fake on it. */
    (void)count;
    if (getenv("CUDA_FAKE_MEMORY") == NULL) {
        (void)snprintf(memory_path, sizeof memory_path, "/tmp/berth-device-%d", (int)getpid());
        (void)setenv("CUDA_FAKE_MEMORY", memory_path, 1);
        (void)setenv("LD_LIBRARY_PATH", "fakes", 1);
        (void)execv("/proc/self/exe", arguments);
        return 1;
    }
    int fd = open(getenv("CUDA_FAKE_MEMORY"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && ftruncate(fd, MEMORY_SIZE) == 0);
    (void)close(fd);
    crypto_start();
    failed += run_on(NULL);
    for (size_t i = 0;
         i < sizeof capabilities / sizeof capabilities[0] && ptx_for(INT64_MAX) != NULL; i++)
        failed += run_on(capabilities[i]);
    (void)unlink(getenv("CUDA_FAKE_MEMORY"));
    return failed;
}
