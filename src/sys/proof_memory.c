/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/proof_memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sys/proof_cells.h"
#include "sys/proof_tree.h"

enum { PAGE_DEPTH = 8 };
_Static_assert(1 << PAGE_DEPTH == MEMORY_PAGE_CELLS, "a page's tree");

static void *must(void *memory)
{
    if (memory == NULL)
        abort(); /* As base/buf.h says. */
    return memory;
}

/* The processor's memory */

struct memory_plain {
    uint64_t cells;
    uint8_t bytes[];
};

struct memory_plain *memory_plain_open(const struct memory_terms *terms)
{
    assert(memory_terms_are_valid(terms));
    uint64_t cells = memory_cells(terms);
    struct memory_plain *plain = malloc(sizeof *plain + cells * MEMORY_CELL_SIZE);

    if (plain != NULL)
        plain->cells = cells;
    return plain;
}

void memory_plain_close(struct memory_plain **plain)
{
    free(*plain);
    *plain = NULL;
}

static void fill_all(struct memory_plain *plain, const struct memory_terms *terms)
{
    for (uint64_t at = 0; at < plain->cells; at += MEMORY_AT_ONCE) {
        uint64_t numbers[MEMORY_AT_ONCE];
        struct cells filled;

        for (int k = 0; k < MEMORY_AT_ONCE; k++)
            numbers[k] = at + (uint64_t)k;
        cells_fill(terms, numbers, &filled);
        for (int k = 0; k < MEMORY_AT_ONCE; k++)
            cells_unpack(&filled, k, plain->bytes + numbers[k] * MEMORY_CELL_SIZE);
    }
}

static void mix_layer(struct memory_plain *plain, const struct memory_terms *terms, uint32_t layer)
{
    uint64_t half = plain->cells / 2;
    uint8_t *changed = plain->bytes + (layer % 2 == 0 ? half * MEMORY_CELL_SIZE : 0);
    const uint8_t *taken = plain->bytes + (layer % 2 == 0 ? 0 : half * MEMORY_CELL_SIZE);

    for (uint64_t at = 0; at < half; at += MEMORY_AT_ONCE) {
        struct cells own, others;

        for (int k = 0; k < MEMORY_AT_ONCE; k++) {
            uint64_t partner = memory_partner(terms, layer, at + (uint64_t)k);

            cells_pack(&own, k, changed + (at + (uint64_t)k) * MEMORY_CELL_SIZE);
            cells_pack(&others, k, taken + partner * MEMORY_CELL_SIZE);
        }
        proof_loops()->mix(own.words, (const uint32_t(*)[8])others.words);
        for (int k = 0; k < MEMORY_AT_ONCE; k++)
            cells_unpack(&own, k, changed + (at + (uint64_t)k) * MEMORY_CELL_SIZE);
    }
}

static bool make_plain(void *context, const struct memory_terms *terms, struct hash *ret_pages)
{
    struct memory_plain *plain = context;

    assert(plain->cells == memory_cells(terms));
    fill_all(plain, terms);
    for (uint32_t layer = 1; layer <= terms->layers; layer++)
        mix_layer(plain, terms, layer);
    for (uint64_t page = 0; page < terms->pages; page++)
        ret_pages[page] = memory_page_root(plain->bytes + page * MEMORY_PAGE_SIZE, page);
    return true;
}

static bool read_plain(void *context, uint64_t page, uint8_t ret[static MEMORY_PAGE_SIZE])
{
    const struct memory_plain *plain = context;

    memcpy(ret, plain->bytes + page * MEMORY_PAGE_SIZE, MEMORY_PAGE_SIZE);
    return true;
}

struct memory_engine memory_plain_engine(struct memory_plain *plain)
{
    return (struct memory_engine){ make_plain, read_plain, plain };
}

/* The tree. A leaf is the hash of a cell and its number, which is longer than the 64 bytes of a
 * node: neither passes for the other. */

static struct hash leaf_of(const uint8_t cell[static MEMORY_CELL_SIZE], uint64_t number)
{
    uint8_t both[MEMORY_CELL_SIZE + sizeof number];

    memcpy(both, cell, MEMORY_CELL_SIZE);
    memcpy(both + MEMORY_CELL_SIZE, &number, sizeof number);
    return crypto_sha256(both, sizeof both);
}

static void hash_page(const uint8_t page[static MEMORY_PAGE_SIZE], uint64_t number,
                      struct hash nodes[static 2 * MEMORY_PAGE_CELLS])
{
    for (uint64_t i = 0; i < MEMORY_PAGE_CELLS; i++)
        nodes[i] = leaf_of(page + i * MEMORY_CELL_SIZE, number * MEMORY_PAGE_CELLS + i);
    (void)proof_tree_build(nodes, MEMORY_PAGE_CELLS);
}

struct hash memory_page_root(const uint8_t page[static MEMORY_PAGE_SIZE], uint64_t number)
{
    struct hash nodes[2 * MEMORY_PAGE_CELLS];

    hash_page(page, number, nodes);
    return nodes[2 * MEMORY_PAGE_CELLS - 2];
}

/* Pages of the tree: the next power of two; those that are not there are zeros. */
static uint32_t leaves_of(const struct memory_terms *terms)
{
    uint32_t leaves = 1;

    while (leaves < terms->pages)
        leaves *= 2;
    return leaves;
}

static size_t depth_of(const struct memory_terms *terms)
{
    return PAGE_DEPTH + proof_tree_depth(leaves_of(terms));
}

static struct hash commit(const struct memory_terms *terms, const struct hash *root)
{
    uint8_t text[16 + PROOF_SEED_SIZE + sizeof *root + 16] = "berth-memory-v1\n";
    uint64_t layers = terms->layers;

    memcpy(text + 16, terms->seed, PROOF_SEED_SIZE);
    memcpy(text + 16 + PROOF_SEED_SIZE, root, sizeof *root);
    memcpy(text + 16 + PROOF_SEED_SIZE + sizeof *root, &terms->pages, 8);
    memcpy(text + 16 + PROOF_SEED_SIZE + sizeof *root + 8, &layers, 8);
    return crypto_sha256(text, sizeof text);
}

struct memory_run {
    struct memory_terms terms;
    struct memory_engine engine;
    uint32_t leaves;
    struct hash *nodes; /* 2 * leaves of each; owned */
};

struct memory_run *memory_run_open(const struct memory_terms *terms, struct memory_engine engine,
                                   struct hash *ret_commitment)
{
    assert(memory_terms_are_valid(terms));
    struct memory_run *run = must(calloc(1, sizeof *run));

    *run = (struct memory_run){ .terms = *terms, .engine = engine, .leaves = leaves_of(terms) };
    run->nodes = must(calloc(2 * (size_t)run->leaves, sizeof *run->nodes));
    if (!engine.make(engine.context, terms, run->nodes)) {
        memory_run_close(&run);
        return NULL;
    }
    struct hash root = proof_tree_build(run->nodes, run->leaves);
    *ret_commitment = commit(terms, &root);
    return run;
}

void memory_run_close(struct memory_run **run)
{
    if (*run != NULL)
        free((*run)->nodes);
    free(*run);
    *run = NULL;
}

static bool show_cell(const struct memory_run *run, uint64_t cell, struct buf *out)
{
    uint64_t page = cell / MEMORY_PAGE_CELLS, at = cell % MEMORY_PAGE_CELLS;
    struct hash nodes[2 * MEMORY_PAGE_CELLS], path[PROOF_DEPTH_MAX];
    uint8_t bytes[MEMORY_PAGE_SIZE];

    if (!run->engine.read(run->engine.context, page, bytes))
        return false;
    hash_page(bytes, page, nodes);
    buf_append(out, (const char *)bytes + at * MEMORY_CELL_SIZE, MEMORY_CELL_SIZE);
    size_t depth = proof_tree_path(nodes, MEMORY_PAGE_CELLS, (uint32_t)at, path);
    buf_append(out, (const char *)path, depth * sizeof path[0]);
    depth = proof_tree_path(run->nodes, run->leaves, (uint32_t)page, path);
    buf_append(out, (const char *)path, depth * sizeof path[0]);
    return true;
}

bool memory_run_show(const struct memory_run *run, const uint64_t *cells, size_t count,
                     struct buf *out)
{
    buf_append(out, (const char *)&run->nodes[2 * (size_t)run->leaves - 2], sizeof(struct hash));
    for (size_t i = 0; i < count; i++) {
        if (!show_cell(run, cells[i], out))
            return false;
    }
    return true;
}

size_t memory_shown_size(const struct memory_terms *terms, size_t count)
{
    return sizeof(struct hash) + count * (MEMORY_CELL_SIZE + depth_of(terms) * sizeof(struct hash));
}

static bool is_drawn(const uint64_t *cells, size_t count, uint64_t cell)
{
    for (size_t i = 0; i < count; i++) {
        if (cells[i] == cell)
            return true;
    }
    return false;
}

void memory_draw(const struct memory_terms *terms, const uint8_t random[static PROOF_SEED_SIZE],
                 uint64_t *ret_cells, size_t count)
{
    uint64_t all = memory_cells(terms), numbers[PROOF_UNIT / sizeof(uint64_t)];
    size_t drawn = 0;

    assert(memory_terms_are_valid(terms) && count <= MEMORY_DRAW_MAX && count <= all);
    for (uint32_t line = 0; drawn < count; line++) {
        proof_line(random, PROOF_STREAM_MEMORY, line, PROOF_UNIT, (int8_t *)numbers);
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && drawn < count; i++) {
            /* Below 2^32 cells of 2^64 numbers: none is likelier by more than one in 2^32. */
            if (!is_drawn(ret_cells, drawn, numbers[i] % all))
                ret_cells[drawn++] = numbers[i] % all;
        }
    }
}

/* The verifier */

enum proof_fault memory_verify(const struct memory_terms *terms, const struct hash *commitment,
                               const uint64_t *cells, size_t count, const void *shown,
                               size_t length)
{
    const uint8_t *at = shown;
    struct hash root, path[PROOF_DEPTH_MAX];
    size_t depth = depth_of(terms);

    assert(memory_terms_are_valid(terms) && depth <= PROOF_DEPTH_MAX);
    if (length != memory_shown_size(terms, count))
        return PROOF_BAD_LENGTH;
    memcpy(&root, at, sizeof root);
    at += sizeof root;
    struct hash claimed = commit(terms, &root);
    if (memcmp(&claimed, commitment, sizeof claimed) != 0)
        return PROOF_BAD_DIGEST;
    for (size_t i = 0; i < count; i++) {
        uint8_t cell[MEMORY_CELL_SIZE];

        memcpy(cell, at, sizeof cell);
        memcpy(path, at + sizeof cell, depth * sizeof path[0]);
        at += sizeof cell + depth * sizeof path[0];
        /* A page's tree and the one above it are one tree. */
        struct hash led =
            proof_tree_climb(leaf_of(cell, cells[i]), (uint32_t)cells[i], path, depth);
        if (memcmp(&led, &root, sizeof led) != 0)
            return PROOF_BAD_DIGEST;
    }
    return PROOF_GOOD;
}

/* Up to eight of those shown that lie in one half, from `*next` on: which they are. */
static size_t gather(const struct memory_terms *terms, const uint64_t *cells, size_t count,
                     bool is_second, size_t *next, size_t ret[static MEMORY_AT_ONCE])
{
    uint64_t half = memory_cells(terms) / 2;
    size_t found = 0;

    for (; *next < count && found < MEMORY_AT_ONCE; ++*next) {
        if ((cells[*next] >= half) == is_second)
            ret[found++] = *next;
    }
    return found;
}

static bool are_made_so(const struct memory_terms *terms, const uint64_t *cells, size_t count,
                        const uint8_t *first, bool is_second)
{
    size_t step = MEMORY_CELL_SIZE + depth_of(terms) * sizeof(struct hash), next = 0;
    size_t which[MEMORY_AT_ONCE], found;

    while ((found = gather(terms, cells, count, is_second, &next, which)) > 0) {
        uint8_t made[MEMORY_AT_ONCE][MEMORY_CELL_SIZE];
        uint64_t wanted[MEMORY_AT_ONCE];

        for (size_t k = 0; k < MEMORY_AT_ONCE; k++)
            wanted[k] = cells[which[k < found ? k : 0]];
        memory_anew(terms, wanted, made);
        for (size_t k = 0; k < found; k++) {
            if (memcmp(made[k], first + which[k] * step, MEMORY_CELL_SIZE) != 0)
                return false;
        }
    }
    return true;
}

enum proof_fault memory_verify_anew(const struct memory_terms *terms, const struct hash *commitment,
                                    const uint64_t *cells, size_t count, const void *shown,
                                    size_t length)
{
    const uint8_t *first = (const uint8_t *)shown + sizeof(struct hash);
    enum proof_fault fault = memory_verify(terms, commitment, cells, count, shown, length);

    if (fault != PROOF_GOOD)
        return fault;
    return are_made_so(terms, cells, count, first, false) &&
                   are_made_so(terms, cells, count, first, true)
               ? PROOF_GOOD
               : PROOF_BAD_PRODUCT;
}
