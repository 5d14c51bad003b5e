/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/proof_disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "check.h"

enum { BLOCKS = 300, READS = 64, TRIALS = 400 };

static struct disk_terms terms_of(uint8_t seed)
{
    struct disk_terms terms = { .blocks = BLOCKS, .reads = READS };

    memset(terms.seed, seed, sizeof terms.seed);
    return terms;
}

static void make(const struct disk_terms *terms, uint8_t *file, struct hash *ret_commitment)
{
    struct disk_chain chain = disk_chain_of(terms);

    for (uint32_t i = 0; i < terms->blocks; i++)
        disk_chain_next(&chain, file + (size_t)i * DISK_BLOCK_SIZE);
    *ret_commitment = disk_chain_end(&chain);
}

static struct hash answer(const struct disk_terms *terms, const uint8_t *file,
                          const uint8_t random[static PROOF_SEED_SIZE])
{
    struct hash digests[READS];
    uint32_t drawn[READS];

    disk_draw(terms, random, drawn);
    for (int i = 0; i < READS; i++)
        digests[i] = disk_block_digest(random, file + (size_t)drawn[i] * DISK_BLOCK_SIZE);
    return disk_answer(digests, READS);
}

static void some_bytes(uint8_t bytes[static PROOF_SEED_SIZE])
{
    for (int i = 0; i < PROOF_SEED_SIZE; i++)
        bytes[i] = (uint8_t)check_random(256);
}

static void test_who_has_the_file_passes(void **state)
{
    struct disk_terms terms = terms_of(3), other = terms_of(4);
    auto_free uint8_t *file = malloc((size_t)BLOCKS * DISK_BLOCK_SIZE);
    uint8_t random[PROOF_SEED_SIZE];
    struct hash commitment;

    (void)state;
    make(&terms, file, &commitment);
    for (int trial = 0; trial < 50; trial++) {
        some_bytes(random);
        struct hash said = answer(&terms, file, random);
        CHECK(disk_verify(&terms, &commitment, random, &said));
        CHECK(!disk_verify(&other, &commitment, random, &said)); /* a file of before */
        random[0] ^= 1;
        CHECK(!disk_verify(&terms, &commitment, random, &said)); /* an answer of before */
        random[0] ^= 1;
        said.bytes[trial % 32] ^= 1;
        CHECK(!disk_verify(&terms, &commitment, random, &said));
    }
    struct hash said = answer(&terms, file, random);
    commitment.bytes[5] ^= 4;
    CHECK(!disk_verify(&terms, &commitment, random, &said));
}

/* Who has kept but a part of the blocks, and makes up the others. */
static void test_what_was_not_kept_is_missed(void **state)
{
    struct disk_terms terms = terms_of(9);
    auto_free uint8_t *file = malloc((size_t)BLOCKS * DISK_BLOCK_SIZE);
    uint8_t random[PROOF_SEED_SIZE];
    struct hash commitment;
    int caught = 0;

    (void)state;
    make(&terms, file, &commitment);
    for (int i = 0; i < BLOCKS; i += 10) /* a tenth: missed but once in eight hundred times */
        memset(file + (size_t)i * DISK_BLOCK_SIZE, 0, DISK_BLOCK_SIZE);
    for (int trial = 0; trial < TRIALS; trial++) {
        some_bytes(random);
        struct hash said = answer(&terms, file, random);
        caught += disk_verify(&terms, &commitment, random, &said) ? 0 : 1;
    }
    printf("a tenth of a file not kept: caught %d of %d, foretold %.1f\n", caught, TRIALS, 399.5);
    CHECK(caught >= TRIALS - 5);
}

static void test_no_block_is_like_another(void **state)
{
    struct disk_terms terms = terms_of(1);
    auto_free uint8_t *file = malloc((size_t)BLOCKS * DISK_BLOCK_SIZE);
    struct hash commitment;

    (void)state;
    make(&terms, file, &commitment);
    for (int i = 0; i < BLOCKS; i++)
        for (int j = 0; j < i; j++)
            CHECK(memcmp(file + (size_t)i * DISK_BLOCK_SIZE, file + (size_t)j * DISK_BLOCK_SIZE,
                         64) != 0);
}

static void test_terms_have_bounds(void **state)
{
    static const struct {
        uint32_t blocks, reads;
        bool is_valid;
    } rows[] = {
        { DISK_BLOCKS_MIN, 1, true },
        { DISK_BLOCKS_MIN - 1, 1, false },
        { DISK_BLOCKS_MAX, 1, true },
        { DISK_BLOCKS_MAX + 1, 1, false },
        { 1000, 0, false },
        { 1000, DISK_READS_MAX, true },
        { 1000, DISK_READS_MAX + 1, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct disk_terms terms = { .blocks = rows[i].blocks, .reads = rows[i].reads };

        check_row("row %zu", i);
        CHECK(disk_terms_are_valid(&terms) == rows[i].is_valid);
    }
}

static void test_reads_are_all_over_the_file(void **state)
{
    struct disk_terms terms = { .blocks = 1000, .reads = DISK_READS_MAX };
    auto_free uint32_t *drawn = malloc(DISK_READS_MAX * sizeof *drawn);
    uint8_t random[PROOF_SEED_SIZE] = { 7 };
    int tenths[10] = { 0 };

    (void)state;
    disk_draw(&terms, random, drawn);
    for (int i = 0; i < DISK_READS_MAX; i++) {
        CHECK(drawn[i] < 1000);
        tenths[drawn[i] / 100]++;
    }
    for (int i = 0; i < 10; i++)
        CHECK(tenths[i] > 700 && tenths[i] < 950);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_has_the_file_passes),
        cmocka_unit_test(test_what_was_not_kept_is_missed),
        cmocka_unit_test(test_no_block_is_like_another),
        cmocka_unit_test(test_terms_have_bounds),
        cmocka_unit_test(test_reads_are_all_over_the_file),
    };

    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
