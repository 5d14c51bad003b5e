/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs a server to check a proof of compute (sys/proof_verify.h), and what it costs to
 * make one.
 *
 * proof-verify-N: CPU time of one check of 64 openings, over the least that it takes: SHA-256 over
 * the opened bytes, the seed's expansion into an N x N matrix and one multiply-add for each of its
 * entries, measured between the checks. Only rows that will be opened are computed beforehand, and
 * all others are zeros: a verifier sees no difference. proof-work-1024: the prover's time over the
 * verifier's, both of this processor, for four rounds. */
#include "sys/proof.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sys/proof_verify.h"

enum { SAMPLES = 15, ROUNDS = 4, OPENING_MAX = 32 << 20 };

static double cpu_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, SAMPLES, sizeof *values, compare);
    return values[SAMPLES / 2];
}

/* Computes only rows that are wanted. */
struct sparse {
    struct proof_engine engine;
    bool *is_wanted;
};

static void multiply_wanted(void *context, const struct proof_terms *terms,
                            const struct proof_rows *rows)
{
    const struct sparse *sparse = context;
    size_t n = terms->n;

    memset(rows->ret_c, 0, rows->count * n * sizeof *rows->ret_c);
    for (uint32_t i = 0; i < rows->count; i++) {
        struct proof_rows one = { rows->round, 1, &rows->rows[i], rows->a + i * n,
                                  rows->ret_c + i * n };

        if (sparse->is_wanted[rows->rows[i]])
            sparse->engine.multiply(sparse->engine.context, terms, &one);
    }
}

static int64_t sink;

static double bound_ms(const struct proof_terms *terms, const struct buf *opening, int8_t *column,
                       const int16_t *row)
{
    double start = cpu_ms();

    sink += crypto_sha256(opening->bytes, opening->length).bytes[0];
    for (uint32_t j = 0; j < terms->n; j++) {
        proof_line(terms->seed, PROOF_STREAM_B, j, terms->n, column);
        sink += proof_loops()->dot(row, column, terms->n);
    }
    return cpu_ms() - start;
}

static void bench_verify(uint32_t n)
{
    struct proof_terms terms = { .seed = { 7 }, .n = n, .rounds = ROUNDS };
    struct proof_pair pairs[PROOF_OPENINGS];
    struct proof_plain *plain = proof_plain_open(&terms);
    struct sparse sparse = { proof_plain_engine(plain), calloc(n, sizeof(bool)) };
    int8_t *column = calloc(n, 1);
    int16_t *row = calloc(n, sizeof *row);
    auto_buf struct buf opening = buf_of(OPENING_MAX);
    uint8_t random[PROOF_SEED_SIZE] = { 1 };
    double ours[SAMPLES], bounds[SAMPLES];
    struct hash commitment;

    if (sparse.is_wanted == NULL || column == NULL || row == NULL)
        abort();
    proof_draw(&terms, random, pairs, PROOF_OPENINGS);
    for (int i = 0; i < PROOF_OPENINGS; i++)
        sparse.is_wanted[pairs[i].row] = true;
    auto_proof_run struct proof_run *run = proof_run_open(
        &terms, (struct proof_engine){ .multiply = multiply_wanted, .context = &sparse },
        &commitment);
    proof_run_open_pairs(run, pairs, PROOF_OPENINGS, &opening);
    for (int i = 0; i < SAMPLES; i++) {
        bounds[i] = bound_ms(&terms, &opening, column, row);
        double start = cpu_ms();
        if (proof_verify(&terms, &commitment, pairs, PROOF_OPENINGS, random, opening.bytes,
                         opening.length) != PROOF_GOOD)
            abort();
        ours[i] = cpu_ms() - start;
    }
    double own = median(ours), least = median(bounds);
    printf(
        "RESULT proof-verify-%u %.3f ms vs sha256-expand-multiply %.3f ratio %.3f better=lower\n",
        n, own, least, own / least);
    free(sparse.is_wanted);
    free(column);
    free(row);
    proof_plain_close(&plain);
}

static void bench_work(void)
{
    struct proof_terms terms = { .seed = { 9 }, .n = 1024, .rounds = ROUNDS };
    struct proof_pair pairs[PROOF_OPENINGS];
    struct proof_plain *plain = proof_plain_open(&terms);
    auto_buf struct buf opening = buf_of(OPENING_MAX);
    uint8_t random[PROOF_SEED_SIZE] = { 1 };
    double ours[SAMPLES];
    struct hash commitment;
    double start = cpu_ms();
    auto_proof_run struct proof_run *run =
        proof_run_open(&terms, proof_plain_engine(plain), &commitment);
    double work = cpu_ms() - start;

    proof_draw(&terms, random, pairs, PROOF_OPENINGS);
    proof_run_open_pairs(run, pairs, PROOF_OPENINGS, &opening);
    for (int i = 0; i < SAMPLES; i++) {
        start = cpu_ms();
        if (proof_verify(&terms, &commitment, pairs, PROOF_OPENINGS, random, opening.bytes,
                         opening.length) != PROOF_GOOD)
            abort();
        ours[i] = cpu_ms() - start;
    }
    double own = median(ours);
    printf("RESULT proof-work-1024 %.1f ms vs verifier %.3f ratio %.1f better=higher\n", work, own,
           work / own);
    proof_plain_close(&plain);
}

int main(void)
{
    crypto_start();
    bench_verify(4096);
    bench_verify(8192);
    bench_work();
    return sink == INT64_MIN;
}
