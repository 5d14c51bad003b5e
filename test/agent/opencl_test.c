/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels, on whatever OpenCL there is (PoCL, where there is no GPU), against plain C. */
#include "agent/opencl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/opencl_memory.h"
#include "agent/opencl_proof.h"
#include "check.h"
#include "sys/proof_verify.h"

/* A compiler and a driver are loaded into this program, and free nothing at its end. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return 1;
}

static struct opencl *opencl;
static struct opencl_device devices[OPENCL_DEVICES_MAX];
static size_t device_count;
static struct opencl_device_open *device;

static int open_first(void **state)
{
    struct error err;

    (void)state;
    device = opencl_device_open(opencl, &devices[0], &err);
    if (device == NULL)
        printf("%s\n", err.text);
    return device != NULL ? 0 : -1;
}

static int close_all(void **state)
{
    (void)state;
    opencl_device_close(&device);
    return 0;
}

static void test_devices_say_what_they_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < device_count; i++) {
        check_row("%s", devices[i].name);
        CHECK(devices[i].name[0] != '\0' && devices[i].memory > 0 && devices[i].buffer_max > 0);
        CHECK(devices[i].pci_bus[0] == '\0' || strlen(devices[i].pci_bus) == 12);
    }
}

static void test_lines_are_those_of_plain_c(void **state)
{
    enum { N = 2 * PROOF_UNIT, LINES = 3 };
    static int8_t want[LINES][N], got[LINES][N];
    uint8_t seed[PROOF_SEED_SIZE];
    uint32_t stream = PROOF_STREAM_B, n = N;
    void *seeds = opencl_alloc(device, sizeof seed), *lines = opencl_alloc(device, sizeof got);

    (void)state;
    for (size_t i = 0; i < sizeof seed; i++)
        seed[i] = (uint8_t)check_random(256);
    struct opencl_run run = { .kernel = "expand",
                              .width = N / 64,
                              .height = LINES,
                              .count = 4,
                              .arguments = { OPENCL_ARGUMENT(seeds), OPENCL_ARGUMENT(stream),
                                             OPENCL_ARGUMENT(n), OPENCL_ARGUMENT(lines) } };
    CHECK(opencl_write(device, seeds, seed, sizeof seed) && opencl_run(device, &run) &&
          opencl_read(device, lines, got, sizeof got));
    for (uint32_t line = 0; line < LINES; line++)
        proof_line(seed, PROOF_STREAM_B, line, N, want[line]);
    CHECK(memcmp(want, got, sizeof want) == 0);
    opencl_free(device, seeds);
    opencl_free(device, lines);
}

static void test_rows_are_scrambled_as_in_plain_c(void **state)
{
    enum { N = PROOF_UNIT, ROWS = 4 };
    static int32_t c[ROWS][N];
    static int8_t want[ROWS][N], got[ROWS][N];
    uint32_t numbers[ROWS] = { 0, 9, 511, 16383 }, round = 77, n = N;
    void *of_c = opencl_alloc(device, sizeof c), *of_a = opencl_alloc(device, sizeof got);
    void *of_rows = opencl_alloc(device, sizeof numbers);

    (void)state;
    for (int i = 0; i < ROWS * N; i++)
        c[i / N][i % N] = (int32_t)(uint32_t)check_random(UINT64_C(1) << 32);
    struct opencl_run run = { .kernel = "requantise",
                              .width = N,
                              .height = ROWS,
                              .count = 5,
                              .arguments = { OPENCL_ARGUMENT(of_c), OPENCL_ARGUMENT(of_rows),
                                             OPENCL_ARGUMENT(round), OPENCL_ARGUMENT(n),
                                             OPENCL_ARGUMENT(of_a) } };
    CHECK(opencl_write(device, of_c, c, sizeof c) &&
          opencl_write(device, of_rows, numbers, sizeof numbers) && opencl_run(device, &run) &&
          opencl_read(device, of_a, got, sizeof got));
    for (int i = 0; i < ROWS; i++)
        proof_loops()->requantise(c[i], numbers[i], round, N, want[i]);
    CHECK(memcmp(want, got, sizeof want) == 0);
    opencl_free(device, of_c);
    opencl_free(device, of_a);
    opencl_free(device, of_rows);
}

/* The same commitment, bit for bit, and openings that the verifier takes. */
static void test_a_proof_is_that_of_plain_c(void **state)
{
    struct proof_terms terms = { .seed = { 5, 7 }, .n = PROOF_UNIT, .rounds = 2 };
    struct proof_plain *plain = proof_plain_open(&terms);
    struct hash want, got;
    struct error err;
    auto_opencl_proof struct opencl_proof *proof = opencl_proof_open(device, &terms, &err);
    auto_proof_run struct proof_run *by_plain =
        proof_run_open(&terms, proof_plain_engine(plain), &want);

    (void)state;
    (void)by_plain; /* its commitment is all that is wanted */
    CHECK(proof != NULL);
    auto_proof_run struct proof_run *by_device =
        proof_run_open(&terms, opencl_proof_engine(proof), &got);
    CHECK(memcmp(&want, &got, sizeof want) == 0);

    auto_buf struct buf opening = buf_of(4 << 20);
    struct proof_pair pairs[5];
    uint8_t random[PROOF_SEED_SIZE] = { 3 };
    proof_draw(&terms, random, pairs, 5);
    proof_run_open_pairs(by_device, pairs, 5, &opening);
    CHECK(!opencl_proof_has_failed(proof));
    CHECK_INT(proof_verify(&terms, &got, pairs, 5, random, opening.bytes, opening.length),
              PROOF_GOOD);
    proof_plain_close(&plain);
}

/* Every cell of every page, and every page's root. */
static void test_memory_is_that_of_plain_c(void **state)
{
    enum { PAGES = 18 };
    struct memory_terms terms = { .seed = { 6, 1 }, .pages = PAGES, .layers = 5 };
    struct memory_plain *plain = memory_plain_open(&terms);
    struct memory_engine by_plain = memory_plain_engine(plain);
    struct error err;
    auto_opencl_memory struct opencl_memory *memory = opencl_memory_open(device, &terms, &err);
    struct hash want[PAGES], got[PAGES];
    static uint8_t want_page[MEMORY_PAGE_SIZE], got_page[MEMORY_PAGE_SIZE];

    (void)state;
    CHECK(memory != NULL);
    struct memory_engine by_device = opencl_memory_engine(memory);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_devices_say_what_they_are),
        cmocka_unit_test(test_lines_are_those_of_plain_c),
        cmocka_unit_test(test_rows_are_scrambled_as_in_plain_c),
        cmocka_unit_test(test_a_proof_is_that_of_plain_c),
        cmocka_unit_test(test_memory_is_that_of_plain_c),
    };
    struct error err;

    crypto_start();
    opencl = opencl_open(&err);
    if (opencl != NULL)
        device_count = opencl_devices(opencl, devices);
    if (device_count == 0) {
        printf("skipped: no OpenCL device (apt install pocl-opencl-icd)\n");
        return CHECK_SKIP;
    }
    int failed = cmocka_run_group_tests(tests, open_first, close_all);
    opencl_close(&opencl);
    return failed;
}
