/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/device_proof.h"

#include <stdlib.h>
#include <string.h>

enum {
    TILE = 4,           /* rows and columns that a work item makes */
    TENSOR_TILE = 128,  /* that a group of them makes, by tensor cores */
    TENSOR_GROUP = 256, /* of so many */
    FEWEST_ROWS = PROOF_OPENINGS_MAX,
    DIGEST_GROUP = 64,
};

struct device_proof {
    struct device *device; /* borrowed */
    uint32_t n, rows;      /* of C there is room for so many rows at once */
    void *a, *b, *c;       /* buffers: all rows, all columns, and those of C */
    void *few;             /* rows of A that are opened */
    void *digests;
    bool has_tensor, has_failed;
};

static bool expand(struct device_proof *proof, const struct proof_terms *terms, uint32_t stream,
                   void *buffer)
{
    void *seed = device_alloc(proof->device, sizeof terms->seed);
    uint32_t n = terms->n;
    struct device_run run = {
        .kernel = "expand",
        .width = n / 64,
        .height = n,
        .count = 4,
        .arguments = { DEVICE_ARGUMENT(seed), DEVICE_ARGUMENT(stream), DEVICE_ARGUMENT(n),
                       DEVICE_ARGUMENT(buffer) },
    };
    bool is_made = seed != NULL &&
                   device_write(proof->device, seed, terms->seed, sizeof terms->seed) &&
                   device_run(proof->device, &run) && device_finish(proof->device);

    device_free(proof->device, seed);
    return is_made;
}

/* Of C as many rows at once as there is memory for: the fewer, the less of the device is busy. */
static bool alloc_rows(struct device_proof *proof)
{
    size_t n = proof->n;

    for (proof->rows = proof->n; proof->rows >= FEWEST_ROWS; proof->rows /= 2) {
        proof->c = device_alloc(proof->device, proof->rows * n * sizeof(int32_t));
        if (proof->c != NULL)
            return true;
    }
    return false;
}

struct device_proof *device_proof_open(struct device *device, const struct proof_terms *terms,
                                       struct error *err)
{
    struct device_proof *proof = calloc(1, sizeof *proof);
    size_t n = terms->n;

    if (proof == NULL)
        abort(); /* As base/buf.h says. */
    *proof = (struct device_proof){ .device = device, .n = terms->n };
    proof->has_tensor = device_has(device, "multiply_tensor");
    proof->a = device_alloc(device, n * n);
    proof->b = device_alloc(device, n * n);
    proof->few = device_alloc(device, FEWEST_ROWS * n);
    proof->digests = device_alloc(device, n * sizeof(struct hash));
    if (proof->a != NULL && proof->b != NULL && proof->few != NULL && proof->digests != NULL &&
        alloc_rows(proof) && expand(proof, terms, PROOF_STREAM_A, proof->a) &&
        expand(proof, terms, PROOF_STREAM_B, proof->b))
        return proof;
    (void)error_set(err, ERROR_IO, "no room on the GPU for a proof of %zu x %zu", n, n);
    device_proof_close(&proof);
    return NULL;
}

void device_proof_close(struct device_proof **proof_owner)
{
    struct device_proof *proof = *proof_owner;

    if (proof != NULL) {
        device_free(proof->device, proof->a);
        device_free(proof->device, proof->b);
        device_free(proof->device, proof->c);
        device_free(proof->device, proof->few);
        device_free(proof->device, proof->digests);
    }
    free(proof);
    *proof_owner = NULL;
}

/* Rows of `a` from `first` on into C. Beyond those asked for, up to a whole tile, come whatever
 * follows: there is room for that. */
static bool multiply_rows(struct device_proof *proof, void *a, uint32_t first, uint32_t count)
{
    size_t n = proof->n, tile = proof->has_tensor ? TENSOR_TILE : TILE;
    size_t rows = (count + tile - 1) / tile;
    struct device_run run = {
        .kernel = proof->has_tensor ? "multiply_tensor" : "multiply",
        .width = proof->has_tensor ? rows * (n / tile) * TENSOR_GROUP : n / tile,
        .height = proof->has_tensor ? 0 : rows,
        .group = proof->has_tensor ? TENSOR_GROUP : 0,
        .count = 5,
        .arguments = { DEVICE_ARGUMENT(a), DEVICE_ARGUMENT(proof->b), DEVICE_ARGUMENT(first),
                       DEVICE_ARGUMENT(proof->n), DEVICE_ARGUMENT(proof->c) },
    };

    return device_run(proof->device, &run);
}

static void multiply(void *context, const struct proof_terms *terms, const struct proof_rows *rows)
{
    struct device_proof *proof = context;
    size_t n = terms->n;

    if (!device_write(proof->device, proof->few, rows->a, rows->count * n) ||
        !multiply_rows(proof, proof->few, 0, rows->count) ||
        !device_read(proof->device, proof->c, rows->ret_c, rows->count * n * sizeof(int32_t))) {
        proof->has_failed = true;
        memset(rows->ret_c, 0, rows->count * n * sizeof(int32_t));
    }
}

/* The hashes of the rows that are in C now, and what becomes of them in A. */
static bool leave_rows(struct device_proof *proof, uint32_t first, const uint32_t *next_key,
                       struct hash *ret_leaves)
{
    size_t n = proof->n;
    uint32_t key = next_key != NULL ? *next_key : 0;
    struct device_run digest = {
        .kernel = "digest",
        .width = (proof->rows + DIGEST_GROUP - 1) / DIGEST_GROUP * DIGEST_GROUP,
        .count = 4,
        .arguments = { DEVICE_ARGUMENT(proof->c), DEVICE_ARGUMENT(proof->n),
                       DEVICE_ARGUMENT(proof->rows), DEVICE_ARGUMENT(proof->digests) },
    };
    struct device_run requantise = {
        .kernel = "requantise",
        .width = n,
        .height = proof->rows,
        .count = 5,
        .arguments = { DEVICE_ARGUMENT(proof->c), DEVICE_ARGUMENT(first), DEVICE_ARGUMENT(key),
                       DEVICE_ARGUMENT(proof->n), DEVICE_ARGUMENT(proof->a) },
    };

    return device_run(proof->device, &digest) &&
           (next_key == NULL || device_run(proof->device, &requantise)) &&
           device_read(proof->device, proof->digests, ret_leaves, proof->rows * sizeof *ret_leaves);
}

static void run_round(void *context, const struct proof_terms *terms, const uint32_t *next_key,
                      struct hash *ret_leaves)
{
    struct device_proof *proof = context;

    for (uint32_t first = 0; first < terms->n && !proof->has_failed; first += proof->rows) {
        proof->has_failed = !multiply_rows(proof, proof->a, first, proof->rows) ||
                            !leave_rows(proof, first, next_key, ret_leaves + first);
    }
    if (proof->has_failed)
        memset(ret_leaves, 0, terms->n * sizeof *ret_leaves);
}

struct proof_engine device_proof_engine(struct device_proof *proof)
{
    return (struct proof_engine){ .multiply = multiply, .context = proof, .round = run_round };
}

bool device_proof_has_failed(const struct device_proof *proof)
{
    return proof->has_failed;
}
