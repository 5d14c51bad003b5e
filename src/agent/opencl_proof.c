/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/opencl_proof.h"

#include <stdlib.h>
#include <string.h>

enum { TILE = 4, ROWS_MAX = PROOF_OPENINGS_MAX };

struct opencl_proof {
    struct opencl_device_open *device; /* borrowed */
    uint32_t n;
    void *a, *b, *c; /* buffers of ROWS_MAX rows, all columns, and ROWS_MAX rows */
    bool has_failed;
};

static bool make_b(struct opencl_proof *proof, const struct proof_terms *terms)
{
    void *seed = opencl_alloc(proof->device, sizeof terms->seed);
    uint32_t stream = PROOF_STREAM_B, n = terms->n;
    struct opencl_run run = {
        .kernel = "expand",
        .width = n / 64,
        .height = n,
        .count = 4,
        .arguments = { OPENCL_ARGUMENT(seed), OPENCL_ARGUMENT(stream), OPENCL_ARGUMENT(n),
                       OPENCL_ARGUMENT(proof->b) },
    };
    bool is_made = seed != NULL &&
                   opencl_write(proof->device, seed, terms->seed, sizeof terms->seed) &&
                   opencl_run(proof->device, &run) && opencl_finish(proof->device);

    opencl_free(proof->device, seed);
    return is_made;
}

struct opencl_proof *opencl_proof_open(struct opencl_device_open *device,
                                       const struct proof_terms *terms, struct error *err)
{
    struct opencl_proof *proof = calloc(1, sizeof *proof);
    size_t n = terms->n;

    if (proof == NULL)
        abort(); /* As base/buf.h says. */
    proof->device = device;
    proof->n = terms->n;
    proof->a = opencl_alloc(device, ROWS_MAX * n);
    proof->b = opencl_alloc(device, n * n);
    proof->c = opencl_alloc(device, ROWS_MAX * n * sizeof(int32_t));
    if (proof->a != NULL && proof->b != NULL && proof->c != NULL && make_b(proof, terms))
        return proof;
    (void)error_set(err, ERROR_IO, "no room on the GPU for a proof of %zu x %zu", n, n);
    opencl_proof_close(&proof);
    return NULL;
}

void opencl_proof_close(struct opencl_proof **proof_owner)
{
    struct opencl_proof *proof = *proof_owner;

    if (proof != NULL) {
        opencl_free(proof->device, proof->a);
        opencl_free(proof->device, proof->b);
        opencl_free(proof->device, proof->c);
    }
    free(proof);
    *proof_owner = NULL;
}

/* Rows beyond those asked for, up to a whole tile, are whatever was there. */
static void multiply(void *context, const struct proof_terms *terms, const struct proof_rows *rows)
{
    struct opencl_proof *proof = context;
    size_t n = terms->n;
    uint32_t columns = terms->n;
    struct opencl_run run = {
        .kernel = "multiply",
        .width = n / TILE,
        .height = (rows->count + TILE - 1) / TILE,
        .count = 4,
        .arguments = { OPENCL_ARGUMENT(proof->a), OPENCL_ARGUMENT(proof->b),
                       OPENCL_ARGUMENT(columns), OPENCL_ARGUMENT(proof->c) },
    };

    if (!opencl_write(proof->device, proof->a, rows->a, rows->count * n) ||
        !opencl_run(proof->device, &run) ||
        !opencl_read(proof->device, proof->c, rows->ret_c, rows->count * n * sizeof(int32_t))) {
        proof->has_failed = true;
        memset(rows->ret_c, 0, rows->count * n * sizeof(int32_t));
    }
}

struct proof_engine opencl_proof_engine(struct opencl_proof *proof)
{
    return (struct proof_engine){ multiply, proof };
}

bool opencl_proof_has_failed(const struct opencl_proof *proof)
{
    return proof->has_failed;
}
