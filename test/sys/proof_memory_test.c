/* SPDX-License-Identifier: Apache-2.0 */
/* Proofs of memory, honest and not: whoever does not have all of it is caught as often as was
 * worked out, and whoever has it never is. */
#include "sys/proof_memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { PAGES = 6, TRIALS = 400, SHOWN_MAX = 1 << 20 };

static struct memory_terms terms_of(uint8_t seed, uint32_t layers)
{
    struct memory_terms terms = { .pages = PAGES, .layers = layers };

    memset(terms.seed, seed, sizeof terms.seed);
    return terms;
}

static void some_bytes(uint8_t bytes[static PROOF_SEED_SIZE])
{
    for (int i = 0; i < PROOF_SEED_SIZE; i++)
        bytes[i] = (uint8_t)check_random(256);
}

/* Memory of which a part is not kept: cells there read as something else, from the hashing on. */
struct forgetful {
    struct memory_engine engine;
    bool is_lost[PAGES * MEMORY_PAGE_CELLS];
};

static bool read_what_is_left(void *context, uint64_t page, uint8_t ret[static MEMORY_PAGE_SIZE])
{
    const struct forgetful *forgetful = context;

    if (!forgetful->engine.read(forgetful->engine.context, page, ret))
        return false;
    for (uint64_t i = 0; i < MEMORY_PAGE_CELLS; i++) {
        if (forgetful->is_lost[page * MEMORY_PAGE_CELLS + i])
            ret[i * MEMORY_CELL_SIZE] ^= 1;
    }
    return true;
}

static bool make_and_forget(void *context, const struct memory_terms *terms, struct hash *ret_pages)
{
    const struct forgetful *forgetful = context;
    uint8_t page[MEMORY_PAGE_SIZE];

    if (!forgetful->engine.make(forgetful->engine.context, terms, ret_pages))
        return false;
    for (uint64_t i = 0; i < terms->pages; i++) {
        (void)read_what_is_left(context, i, page);
        ret_pages[i] = memory_page_root(page, i);
    }
    return true;
}

static enum proof_fault challenge(const struct memory_terms *terms, const struct memory_run *run,
                                  const struct hash *commitment, size_t count)
{
    auto_buf struct buf shown = buf_of(SHOWN_MAX);
    uint64_t cells[MEMORY_DRAW_MAX];
    uint8_t random[PROOF_SEED_SIZE];

    some_bytes(random);
    memory_draw(terms, random, cells, count);
    CHECK(memory_run_show(run, cells, count, &shown));
    CHECK(shown.length == memory_shown_size(terms, count));
    return memory_verify_anew(terms, commitment, cells, count, shown.bytes, shown.length);
}

/* However many cells: also those of which no power of four is near. */
static void test_partners_are_each_somebodys(void **state)
{
    static const uint64_t pages[] = { 2, 6, 8, 34 };

    (void)state;
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        struct memory_terms terms = { .seed = { 3 }, .pages = pages[i], .layers = 3 };
        uint64_t half = memory_cells(&terms) / 2, same = 0;
        auto_free bool *is_taken = calloc(half, 1);

        for (uint32_t layer = 1; layer <= 3; layer++) {
            memset(is_taken, 0, half);
            for (uint64_t number = 0; number < half; number++) {
                uint64_t partner = memory_partner(&terms, layer, number);

                CHECK(partner < half && !is_taken[partner]);
                is_taken[partner] = true;
                same += partner == memory_partner(&terms, layer % 3 + 1, number) ? 1 : 0;
            }
        }
        CHECK(same < half / 10); /* each layer has an order of its own */
    }
}

/* Made anew with no memory, every cell is what it is in memory. */
static void test_cells_made_anew_are_those_in_memory(void **state)
{
    (void)state;
    for (uint32_t layers = 1; layers <= 6; layers++) {
        struct memory_terms terms = terms_of((uint8_t)layers, layers);
        struct memory_plain *plain = memory_plain_open(&terms);
        struct memory_engine engine = memory_plain_engine(plain);
        uint8_t made[MEMORY_AT_ONCE][MEMORY_CELL_SIZE], page[MEMORY_PAGE_SIZE];
        struct hash roots[PAGES];

        CHECK(engine.make(engine.context, &terms, roots));
        for (uint64_t at = 0; at < memory_cells(&terms); at += MEMORY_AT_ONCE) {
            uint64_t cells[MEMORY_AT_ONCE];

            for (uint64_t k = 0; k < MEMORY_AT_ONCE; k++)
                cells[k] = at + k;
            memory_anew(&terms, cells, made);
            CHECK(engine.read(engine.context, at / MEMORY_PAGE_CELLS, page));
            CHECK(memcmp(made, page + at % MEMORY_PAGE_CELLS * MEMORY_CELL_SIZE, sizeof made) == 0);
        }
        memory_plain_close(&plain);
    }
}

static void test_who_has_the_memory_passes(void **state)
{
    struct memory_terms terms = terms_of(9, 5);
    struct memory_plain *plain = memory_plain_open(&terms);
    struct hash commitment;
    auto_memory_run struct memory_run *run =
        memory_run_open(&terms, memory_plain_engine(plain), &commitment);

    (void)state;
    for (int trial = 0; trial < TRIALS; trial++)
        CHECK_INT(challenge(&terms, run, &commitment, MEMORY_CELLS), PROOF_GOOD);
    memory_plain_close(&plain);
}

static void leave_out(double part)
{
    struct memory_terms terms = terms_of((uint8_t)(part * 1000), 3);
    struct memory_plain *plain = memory_plain_open(&terms);
    static struct forgetful forgetful;
    int64_t all = PAGES * MEMORY_PAGE_CELLS, wanted = llround(part * (double)all), caught = 0;
    struct hash commitment;

    forgetful = (struct forgetful){ .engine = memory_plain_engine(plain) };
    for (int64_t left = wanted; left > 0;) {
        size_t at = (size_t)check_random((uint64_t)all);

        left -= forgetful.is_lost[at] ? 0 : 1;
        forgetful.is_lost[at] = true;
    }
    auto_memory_run struct memory_run *run = memory_run_open(
        &terms, (struct memory_engine){ make_and_forget, read_what_is_left, &forgetful },
        &commitment);
    for (int trial = 0; trial < TRIALS; trial++)
        caught += challenge(&terms, run, &commitment, MEMORY_CELLS) == PROOF_BAD_PRODUCT;
    /* Cells are drawn without putting back. */
    double missed = 1;
    for (int64_t i = 0; i < MEMORY_CELLS; i++)
        missed *= (double)(all - wanted - i) / (double)(all - i);
    double theory = 1 - missed, deviation = sqrt(TRIALS * theory * missed) + 1;
    printf("%.0f %% of the memory missing: caught %d of %d, foretold %.1f\n", part * 100,
           (int)caught, TRIALS, theory * TRIALS);
    CHECK(fabs((double)caught - theory * TRIALS) < 3.9 * deviation);
    memory_plain_close(&plain);
}

static void test_who_lacks_a_part_is_caught_as_foretold(void **state)
{
    (void)state;
    leave_out(0.01);
    leave_out(0.05);
    leave_out(0.10);
}

/* What was committed to for one seed, or for less memory, is nothing for another. */
static void test_a_replay_is_always_caught(void **state)
{
    struct memory_terms old = terms_of(1, 3), fresh = terms_of(2, 3), larger = old;
    struct memory_plain *plain = memory_plain_open(&old);
    struct hash commitment;
    auto_memory_run struct memory_run *run =
        memory_run_open(&old, memory_plain_engine(plain), &commitment);
    auto_buf struct buf shown = buf_of(SHOWN_MAX);
    uint64_t cells[MEMORY_CELLS];
    uint8_t random[PROOF_SEED_SIZE] = { 1 };

    (void)state;
    larger.pages = PAGES + 2; /* the tree is as high */
    memory_draw(&old, random, cells, MEMORY_CELLS);
    CHECK(memory_run_show(run, cells, MEMORY_CELLS, &shown));
    CHECK_INT(memory_verify(&old, &commitment, cells, MEMORY_CELLS, shown.bytes, shown.length),
              PROOF_GOOD);
    CHECK_INT(memory_verify(&fresh, &commitment, cells, MEMORY_CELLS, shown.bytes, shown.length),
              PROOF_BAD_DIGEST);
    CHECK_INT(memory_verify(&larger, &commitment, cells, MEMORY_CELLS, shown.bytes, shown.length),
              PROOF_BAD_DIGEST);
    memory_plain_close(&plain);
}

static void test_what_is_changed_on_the_way_is_seen(void **state)
{
    struct memory_terms terms = terms_of(4, 3);
    struct memory_plain *plain = memory_plain_open(&terms);
    struct hash commitment;
    auto_memory_run struct memory_run *run =
        memory_run_open(&terms, memory_plain_engine(plain), &commitment);
    auto_buf struct buf shown = buf_of(SHOWN_MAX);
    uint64_t cells[3] = { 0, 700, PAGES * MEMORY_PAGE_CELLS - 1 }, others[3] = { 0, 701, 1 };

    (void)state;
    CHECK(memory_run_show(run, cells, 3, &shown));
    CHECK_INT(memory_verify(&terms, &commitment, others, 3, shown.bytes, shown.length),
              PROOF_BAD_DIGEST);
    CHECK_INT(memory_verify(&terms, &commitment, cells, 3, shown.bytes, shown.length - 1),
              PROOF_BAD_LENGTH);
    CHECK_INT(memory_verify(&terms, &commitment, cells, 2, shown.bytes, shown.length),
              PROOF_BAD_LENGTH);
    for (size_t at = 0; at < shown.length; at += 1 + check_random(9)) {
        shown.bytes[at] ^= 0x10;
        CHECK_INT(memory_verify(&terms, &commitment, cells, 3, shown.bytes, shown.length),
                  PROOF_BAD_DIGEST);
        shown.bytes[at] ^= 0x10;
    }
    memory_plain_close(&plain);
}

/* A cell that was not kept costs thousands of mixes: for a twentieth of 24 GB, at fifty thousand
 * million of them a second, many times what an honest proof takes. */
static void test_a_cell_that_was_not_kept_is_dear(void **state)
{
    (void)state;
    CHECK_INT((int64_t)memory_mixes(0), 0);
    CHECK_INT((int64_t)memory_mixes(1), 1);
    CHECK_INT((int64_t)memory_mixes(2), 2);
    CHECK_INT((int64_t)memory_mixes(3), 4);
    CHECK_INT((int64_t)memory_mixes(MEMORY_LAYERS), 17710);
    double seconds = 24e9 / MEMORY_CELL_SIZE / 20 * (double)memory_mixes(MEMORY_LAYERS) / 5e10;
    CHECK(seconds > 5);
}

static void test_terms_have_bounds(void **state)
{
    static const struct {
        uint64_t pages;
        uint32_t layers;
        bool is_valid;
    } rows[] = {
        { 2, 1, true },  { 0, 1, false },  { 3, 1, false }, { MEMORY_PAGES_MAX, 24, true },
        { 2, 0, false }, { 2, 25, false }, { 1, 1, false }, { MEMORY_PAGES_MAX + 2, 1, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct memory_terms terms = { .pages = rows[i].pages, .layers = rows[i].layers };

        check_row("row %zu", i);
        CHECK(memory_terms_are_valid(&terms) == rows[i].is_valid);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_partners_are_each_somebodys),
        cmocka_unit_test(test_cells_made_anew_are_those_in_memory),
        cmocka_unit_test(test_who_has_the_memory_passes),
        cmocka_unit_test(test_who_lacks_a_part_is_caught_as_foretold),
        cmocka_unit_test(test_a_replay_is_always_caught),
        cmocka_unit_test(test_what_is_changed_on_the_way_is_seen),
        cmocka_unit_test(test_a_cell_that_was_not_kept_is_dear),
        cmocka_unit_test(test_terms_have_bounds),
    };

    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
