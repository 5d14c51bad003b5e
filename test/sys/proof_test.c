/* SPDX-License-Identifier: Apache-2.0 */
/* Proofs of compute, honest and not: whoever leaves work out is caught as often as was worked out,
 * and whoever does all of it never is. */
#include "sys/proof.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "sys/proof_tree.h"
#include "sys/proof_verify.h"

enum { N = PROOF_UNIT, ROUNDS = 8, TRIALS = 400, OPENING_MAX = 4 << 20 };

static struct proof_terms terms_of(uint8_t seed, uint32_t rounds)
{
    struct proof_terms terms = { .n = N, .rounds = rounds };

    memset(terms.seed, seed, sizeof terms.seed);
    return terms;
}

static void some_bytes(uint8_t bytes[static PROOF_SEED_SIZE])
{
    for (int i = 0; i < PROOF_SEED_SIZE; i++)
        bytes[i] = (uint8_t)check_random(256);
}

/* All rows of C as an engine made them, and which of them it made up. */
struct memory {
    struct proof_engine engine;
    int32_t *c; /* by round and row */
    bool *is_made_up;
    bool is_filled;
};

static int32_t *place(struct memory *memory, uint32_t round, uint32_t row)
{
    return memory->c + ((size_t)round * N + row) * N;
}

/* Fills the memory at the first time, and answers from it. Rows to be made up are made up. */
static void remember(void *context, const struct proof_terms *terms, const struct proof_rows *rows)
{
    struct memory *memory = context;

    if (!memory->is_filled)
        memory->engine.multiply(memory->engine.context, terms, rows);
    for (uint32_t i = 0; i < rows->count; i++) {
        int32_t *row = rows->ret_c + (size_t)i * N,
                *kept = place(memory, rows->round, rows->rows[i]);

        if (memory->is_made_up[(size_t)rows->round * N + rows->rows[i]])
            for (int column = 0; column < N; column++)
                row[column] = (int32_t)rows->rows[i] * 7 + column;
        if (memory->is_filled)
            memcpy(row, kept, N * sizeof *row);
        else
            memcpy(kept, row, N * sizeof *row);
    }
}

static struct memory memory_of(const struct proof_engine engine)
{
    return (struct memory){ .engine = engine,
                            .c = calloc((size_t)ROUNDS * N * N, sizeof(int32_t)),
                            .is_made_up = calloc((size_t)ROUNDS * N, sizeof(bool)) };
}

static void forget(struct memory *memory)
{
    free(memory->c);
    free(memory->is_made_up);
}

/* One draw of `count` pairs against the run. */
static enum proof_fault challenge(const struct proof_terms *terms, const struct proof_run *run,
                                  const struct hash *commitment, size_t count)
{
    auto_buf struct buf opening = buf_of(OPENING_MAX);
    struct proof_pair pairs[PROOF_OPENINGS_MAX];
    uint8_t random[PROOF_SEED_SIZE], weights[PROOF_SEED_SIZE];

    some_bytes(random);
    some_bytes(weights);
    proof_draw(terms, random, pairs, count);
    proof_run_open_pairs(run, pairs, count, &opening);
    CHECK(opening.length == proof_opening_size(terms, pairs, count));
    return proof_verify(terms, commitment, pairs, count, weights, opening.bytes, opening.length);
}

/* Product by product, as anybody would write it. */
static void test_the_reference_is_the_product(void **state)
{
    struct proof_terms terms = terms_of(7, 1);
    struct proof_plain *plain = proof_plain_open(&terms);
    struct proof_engine engine = proof_plain_engine(plain);
    auto_free int32_t *c = calloc(2 * (size_t)N, sizeof *c);
    int8_t a[2 * N], column[N];
    uint32_t rows[] = { 3, 400 };

    (void)state;
    for (int i = 0; i < 2; i++)
        proof_line(terms.seed, PROOF_STREAM_A, rows[i], N, a + (size_t)i * N);
    engine.multiply(engine.context, &terms, &(struct proof_rows){ 0, 2, rows, a, c });
    for (uint32_t j = 0; j < N; j++) {
        proof_line(terms.seed, PROOF_STREAM_B, j, N, column);
        for (int i = 0; i < 2; i++) {
            int64_t sum = 0;

            for (int k = 0; k < N; k++)
                sum += a[i * N + k] * column[k];
            CHECK_INT(c[(size_t)i * N + j], sum);
        }
    }
    proof_plain_close(&plain);
}

static void test_who_does_the_work_passes(void **state)
{
    (void)state;
    for (uint32_t rounds = 1; rounds <= 3; rounds += 2) {
        struct proof_terms terms = terms_of((uint8_t)rounds, rounds);
        struct proof_plain *plain = proof_plain_open(&terms);
        struct hash commitment;
        auto_proof_run struct proof_run *run =
            proof_run_open(&terms, proof_plain_engine(plain), &commitment);

        check_row("%d rounds", (int)rounds);
        for (int trial = 0; trial < 4; trial++)
            CHECK_INT(challenge(&terms, run, &commitment, 16), PROOF_GOOD);
        proof_plain_close(&plain);
    }
}

/* With noise there is none: exact numbers have no bad luck. */
static void test_honest_runs_are_never_caught(void **state)
{
    struct proof_terms terms = terms_of(11, ROUNDS);
    struct proof_plain *plain = proof_plain_open(&terms);
    struct memory memory = memory_of(proof_plain_engine(plain));
    struct hash commitment;
    auto_proof_run struct proof_run *run = proof_run_open(
        &terms, (struct proof_engine){ .multiply = remember, .context = &memory }, &commitment);

    (void)state;
    memory.is_filled = true;
    for (int trial = 0; trial < TRIALS; trial++)
        CHECK_INT(challenge(&terms, run, &commitment, PROOF_OPENINGS), PROOF_GOOD);
    forget(&memory);
    proof_plain_close(&plain);
}

/* So many of all rows made up, anywhere; the same commitment is opened at other places each time.
 */
static void leave_out(double part)
{
    struct proof_terms terms = terms_of((uint8_t)(part * 1000), ROUNDS);
    struct proof_plain *plain = proof_plain_open(&terms);
    struct memory memory = memory_of(proof_plain_engine(plain));
    int64_t all = (int64_t)ROUNDS * N, wanted = llround(part * (double)all), caught = 0;
    struct hash commitment;

    for (int64_t left = wanted; left > 0;) {
        size_t at = (size_t)check_random((uint64_t)all);

        left -= memory.is_made_up[at] ? 0 : 1;
        memory.is_made_up[at] = true;
    }
    auto_proof_run struct proof_run *run = proof_run_open(
        &terms, (struct proof_engine){ .multiply = remember, .context = &memory }, &commitment);
    memory.is_filled = true;
    for (int trial = 0; trial < TRIALS; trial++)
        caught += challenge(&terms, run, &commitment, PROOF_OPENINGS) == PROOF_BAD_PRODUCT;
    double theory = 1 - pow(1 - (double)wanted / (double)all, PROOF_OPENINGS);
    double deviation = sqrt(TRIALS * theory * (1 - theory)) + 1;
    printf("skipping %.0f %% of the rows: caught %d times of %d, foretold %.1f\n", part * 100,
           (int)caught, TRIALS, TRIALS * theory);
    check_row("%.2f", part);
    CHECK(fabs((double)caught - TRIALS * theory) < 4 * deviation);
    forget(&memory);
    proof_plain_close(&plain);
}

static void test_who_skips_work_is_caught_as_foretold(void **state)
{
    (void)state;
    leave_out(0.01);
    leave_out(0.05);
    leave_out(0.10);
}

/* What was right for another seed is wrong for this one, every time. */
static void test_a_replay_is_always_caught(void **state)
{
    struct proof_terms old = terms_of(21, ROUNDS), terms;
    struct proof_plain *plain = proof_plain_open(&old);
    struct memory memory = memory_of(proof_plain_engine(plain));
    struct hash commitment;
    auto_proof_run struct proof_run *run = proof_run_open(
        &old, (struct proof_engine){ .multiply = remember, .context = &memory }, &commitment);
    int64_t caught = 0;

    (void)state;
    memory.is_filled = true;
    for (int trial = 0; trial < TRIALS; trial++) {
        auto_buf struct buf opening = buf_of(OPENING_MAX);
        struct proof_pair pairs[8];
        uint8_t random[PROOF_SEED_SIZE];
        struct hash claimed = commitment;

        terms = old;
        some_bytes(terms.seed);
        some_bytes(random);
        proof_draw(&terms, random, pairs, 8);
        proof_run_open_pairs(run, pairs, 8, &opening);
        /* Even where it commits anew to what it has. */
        if (trial % 2 == 0)
            claimed = proof_tree_commitment(&terms, (const struct hash *)(void *)opening.bytes);
        caught += proof_verify(&terms, &claimed, pairs, 8, random, opening.bytes, opening.length) !=
                  PROOF_GOOD;
    }
    printf("replaying: caught %d times of %d\n", (int)caught, TRIALS);
    CHECK_INT(caught, TRIALS);
    forget(&memory);
    proof_plain_close(&plain);
}

/* A byte anywhere, a pair in another place, an end that is missing: nothing of it passes. */
static void test_what_is_changed_on_the_way_is_seen(void **state)
{
    struct proof_terms terms = terms_of(31, 2);
    struct proof_plain *plain = proof_plain_open(&terms);
    struct hash commitment;
    auto_proof_run struct proof_run *run =
        proof_run_open(&terms, proof_plain_engine(plain), &commitment);
    auto_buf struct buf opening = buf_of(OPENING_MAX);
    struct proof_pair pairs[] = { { 0, 5 }, { 1, 5 }, { 1, 511 } };
    uint8_t weights[PROOF_SEED_SIZE] = { 9 };

    (void)state;
    proof_run_open_pairs(run, pairs, 3, &opening);
    CHECK_INT(proof_verify(&terms, &commitment, pairs, 3, weights, opening.bytes, opening.length),
              PROOF_GOOD);
    for (int trial = 0; trial < 300; trial++) {
        size_t at = (size_t)check_random(opening.length);
        char bit = (char)(1 << check_random(8));

        check_row("byte %zu", at);
        opening.bytes[at] ^= bit;
        CHECK_INT(
            proof_verify(&terms, &commitment, pairs, 3, weights, opening.bytes, opening.length),
            PROOF_BAD_DIGEST);
        opening.bytes[at] ^= bit;
    }
    CHECK_INT(
        proof_verify(&terms, &commitment, pairs, 3, weights, opening.bytes, opening.length - 1),
        PROOF_BAD_LENGTH);
    CHECK_INT(proof_verify(&terms, &commitment, pairs, 2, weights, opening.bytes, opening.length),
              PROOF_BAD_LENGTH);
    pairs[1].row = 6;
    CHECK_INT(proof_verify(&terms, &commitment, pairs, 3, weights, opening.bytes, opening.length),
              PROOF_BAD_DIGEST);
    commitment.bytes[0] ^= 1;
    pairs[1].row = 5;
    CHECK_INT(proof_verify(&terms, &commitment, pairs, 3, weights, opening.bytes, opening.length),
              PROOF_BAD_DIGEST);
    proof_plain_close(&plain);
}

/* One entry of one row, with the digests made to fit. */
struct slip {
    struct proof_engine engine;
    uint32_t round, row, column;
};

static void slip_once(void *context, const struct proof_terms *terms, const struct proof_rows *rows)
{
    const struct slip *slip = context;

    slip->engine.multiply(slip->engine.context, terms, rows);
    for (uint32_t i = 0; i < rows->count; i++)
        if (rows->round == slip->round && rows->rows[i] == slip->row)
            rows->ret_c[(size_t)i * N + slip->column] ^= 1;
}

static void test_one_wrong_entry_of_an_opened_row_is_always_seen(void **state)
{
    (void)state;
    for (uint32_t trial = 0; trial < 8; trial++) {
        struct proof_terms terms = terms_of((uint8_t)(40 + trial), 2);
        struct proof_plain *plain = proof_plain_open(&terms);
        struct slip slip = { proof_plain_engine(plain), trial % 2, (uint32_t)check_random(N),
                             (uint32_t)check_random(N) };
        struct hash commitment;
        auto_proof_run struct proof_run *run = proof_run_open(
            &terms, (struct proof_engine){ .multiply = slip_once, .context = &slip }, &commitment);
        auto_buf struct buf opening = buf_of(OPENING_MAX);
        struct proof_pair pairs[] = { { 1, 3 }, { slip.round, slip.row } };
        uint8_t weights[PROOF_SEED_SIZE];

        some_bytes(weights);
        proof_run_open_pairs(run, pairs, 2, &opening);
        check_row("trial %d", (int)trial);
        CHECK_INT(
            proof_verify(&terms, &commitment, pairs, 2, weights, opening.bytes, opening.length),
            PROOF_BAD_PRODUCT);
        proof_plain_close(&plain);
    }
}

/* Part after part, put away in between, is as good as all at once; and one wrong row among them is
 * seen at the end, whichever part it came in. */
static void check_in_parts(bool slips)
{
    struct proof_terms terms = terms_of(50, 2);
    struct proof_plain *plain = proof_plain_open(&terms);
    struct slip slip = { proof_plain_engine(plain), 1, slips ? 77 : N, 3 };
    struct proof_pair pairs[] = { { 0, 5 }, { 1, 77 }, { 1, 9 }, { 0, 1 }, { 1, 511 } };
    auto_free uint8_t *saved = malloc(proof_check_size(&terms));
    uint8_t weights[PROOF_SEED_SIZE];
    struct hash commitment;
    auto_proof_run struct proof_run *run = proof_run_open(
        &terms, (struct proof_engine){ .multiply = slip_once, .context = &slip }, &commitment);

    for (size_t first = 0; first < 5; first += 2) {
        size_t count = first < 4 ? 2 : 1;
        auto_proof_check struct proof_check *check = proof_check_open(&terms, &commitment);
        auto_buf struct buf opening = buf_of(OPENING_MAX);

        if (first > 0)
            CHECK(proof_check_load(check, saved, proof_check_size(&terms)));
        proof_run_open_pairs(run, pairs + first, count, &opening);
        some_bytes(weights);
        CHECK_INT(proof_check_take(check, pairs + first, count, weights, opening.bytes,
                                   opening.length - 1),
                  PROOF_BAD_LENGTH);
        CHECK_INT(
            proof_check_take(check, pairs + first, count, weights, opening.bytes, opening.length),
            PROOF_GOOD);
        proof_check_save(check, saved);
        if (first == 4)
            CHECK_INT(proof_check_end(check), slips ? PROOF_BAD_PRODUCT : PROOF_GOOD);
    }
    proof_plain_close(&plain);
}

static void test_parts_are_as_good_as_all_at_once(void **state)
{
    struct proof_terms terms = terms_of(51, 1);
    auto_proof_check struct proof_check *check = proof_check_open(&terms, &(struct hash){ 0 });
    auto_free uint8_t *saved = calloc(proof_check_size(&terms), 1);

    (void)state;
    check_in_parts(false);
    check_in_parts(true);
    CHECK(!proof_check_load(check, saved, proof_check_size(&terms) - 1));
    memset(saved, 0xff, 4);
    CHECK(!proof_check_load(check, saved, proof_check_size(&terms)));
}

static void test_as_many_pairs_as_fit(void **state)
{
    struct proof_terms large = { .n = 8192, .rounds = 200 }, small = { .n = 512, .rounds = 1 };
    struct proof_pair pairs[PROOF_OPENINGS_MAX];

    (void)state;
    for (int i = 0; i < PROOF_OPENINGS_MAX; i++)
        pairs[i] = (struct proof_pair){ 1, (uint32_t)i };
    size_t eleven = proof_opening_size(&large, pairs, 11);
    CHECK_INT((int64_t)proof_pairs_in(&large, eleven), 11);
    CHECK_INT((int64_t)proof_pairs_in(&large, eleven - 1), 10);
    CHECK_INT((int64_t)proof_pairs_in(&large, 0), 1);
    CHECK_INT((int64_t)proof_pairs_in(&small, SIZE_MAX), PROOF_OPENINGS_MAX);
}

struct nonces {
    uint32_t next, fails_at;
};

static bool give_nonce(void *context, uint32_t index, uint32_t *ret_nonce)
{
    struct nonces *nonces = context;

    CHECK_INT(index, nonces->next++);
    *ret_nonce = 1000003 * (index + 1);
    return index != nonces->fails_at;
}

/* Each nonce is asked for once, in order, before the round that it goes into; with one of them
 * another, there is no proof. */
static void test_a_live_proof_takes_every_nonce(void **state)
{
    struct proof_terms terms = terms_of(6, PROOF_NONCES + 3);
    struct proof_plain *plain = proof_plain_open(&terms);
    struct proof_pair pairs[PROOF_OPENINGS];
    struct nonces nonces = { 0, PROOF_NONCES };
    auto_buf struct buf opening = buf_of(OPENING_MAX);
    uint8_t random[PROOF_SEED_SIZE] = { 5 };
    struct hash commitment;

    (void)state;
    terms.is_live = true;
    auto_proof_run struct proof_run *run =
        proof_run_open_live(&terms, proof_plain_engine(plain), give_nonce, &nonces, &commitment);
    CHECK(run != NULL);
    CHECK_INT(nonces.next, PROOF_NONCES);
    for (uint32_t i = 0; i < PROOF_NONCES; i++)
        terms.nonces[i] = 1000003 * (i + 1);
    proof_draw(&terms, random, pairs, PROOF_OPENINGS);
    proof_run_open_pairs(run, pairs, PROOF_OPENINGS, &opening);
    CHECK_INT(proof_verify(&terms, &commitment, pairs, PROOF_OPENINGS, random, opening.bytes,
                           opening.length),
              PROOF_GOOD);
    for (uint32_t i = 0; i < PROOF_NONCES; i++) {
        /* Where no row of that nonce's round was drawn, it does not matter. */
        bool is_drawn = false;
        for (int j = 0; j < PROOF_OPENINGS; j++)
            is_drawn =
                is_drawn || (pairs[j].round > 0 && proof_nonce_of(&terms, pairs[j].round) == i);
        check_row("nonce %d", (int)i);
        terms.nonces[i] ^= 1;
        CHECK((proof_verify(&terms, &commitment, pairs, PROOF_OPENINGS, random, opening.bytes,
                            opening.length) == PROOF_GOOD) == !is_drawn);
        terms.nonces[i] ^= 1;
    }
    nonces = (struct nonces){ 0, 7 };
    CHECK(proof_run_open_live(&terms, proof_plain_engine(plain), give_nonce, &nonces,
                              &commitment) == NULL);
    CHECK_INT(nonces.next, 8);
    terms.rounds = PROOF_NONCES;
    CHECK(!proof_terms_are_valid(&terms));
    proof_plain_close(&plain);
}

static void test_draws_are_different_pairs_all_over(void **state)
{
    struct proof_terms terms = terms_of(1, 3);
    struct proof_pair pairs[PROOF_OPENINGS_MAX], again[PROOF_OPENINGS_MAX];
    uint8_t random[PROOF_SEED_SIZE] = { 1 };
    int64_t rounds[3] = { 0 };

    (void)state;
    proof_draw(&terms, random, pairs, PROOF_OPENINGS_MAX);
    proof_draw(&terms, random, again, PROOF_OPENINGS_MAX);
    CHECK(memcmp(pairs, again, sizeof pairs) == 0);
    for (int i = 0; i < PROOF_OPENINGS_MAX; i++) {
        CHECK(pairs[i].round < 3 && pairs[i].row < N);
        rounds[pairs[i].round]++;
        for (int j = 0; j < i; j++)
            CHECK(pairs[i].round != pairs[j].round || pairs[i].row != pairs[j].row);
    }
    for (int i = 0; i < 3; i++)
        CHECK(rounds[i] > 50);
}

static void test_terms_have_bounds(void **state)
{
    static const struct {
        uint32_t n, rounds;
        bool is_valid;
    } rows[] = {
        { 512, 1, true },  { 256, 1, false },    { 16384, 4096, true }, { 32768, 1, false },
        { 512, 0, false }, { 512, 4097, false }, { 768, 1, false },     { 0, 1, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct proof_terms terms = { .n = rows[i].n, .rounds = rows[i].rounds };

        check_row("row %zu", i);
        CHECK(proof_terms_are_valid(&terms) == rows[i].is_valid);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_reference_is_the_product),
        cmocka_unit_test(test_who_does_the_work_passes),
        cmocka_unit_test(test_honest_runs_are_never_caught),
        cmocka_unit_test(test_who_skips_work_is_caught_as_foretold),
        cmocka_unit_test(test_a_replay_is_always_caught),
        cmocka_unit_test(test_what_is_changed_on_the_way_is_seen),
        cmocka_unit_test(test_one_wrong_entry_of_an_opened_row_is_always_seen),
        cmocka_unit_test(test_parts_are_as_good_as_all_at_once),
        cmocka_unit_test(test_as_many_pairs_as_fit),
        cmocka_unit_test(test_a_live_proof_takes_every_nonce),
        cmocka_unit_test(test_draws_are_different_pairs_all_over),
        cmocka_unit_test(test_terms_have_bounds),
    };

    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
