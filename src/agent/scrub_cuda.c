/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/scrub_cuda.h"

#include <stdint.h>

#include "agent/cuda_driver.h"

enum {
    FREE_PERCENT_MIN = 85,    /* of all there is; the driver keeps some for itself */
    CLEARED_PERCENT_MIN = 97, /* of what was free */
};

#define CHUNK_FIRST (UINT64_C(1) << 30)
#define CHUNK_LAST  (UINT64_C(1) << 20)

/* What is taken is given back by the end of the context: none of it is written by anybody else
 * before all of it has been. */
static bool clear_all(const struct cuda_driver *cuda, struct error *err)
{
    size_t free_bytes = 0, total_bytes = 0;
    uint64_t cleared = 0;

    if (cuda->info(&free_bytes, &total_bytes) != CUDA_OK || total_bytes == 0)
        return error_set(err, ERROR_IO, "CUDA does not say how much memory there is");
    if (free_bytes < total_bytes / 100 * FREE_PERCENT_MIN)
        return error_set(err, ERROR_CONFLICT, "only %zu of its %zu MB are free: somebody uses it",
                         free_bytes >> 20, total_bytes >> 20);
    for (uint64_t chunk = CHUNK_FIRST; chunk >= CHUNK_LAST;) {
        cuda_address address;

        if (cuda->alloc(&address, chunk) != CUDA_OK) {
            chunk /= 2;
            continue;
        }
        if (cuda->fill(address, 0, chunk) != CUDA_OK)
            return error_set(err, ERROR_IO, "CUDA does not write to memory that it gave");
        cleared += chunk;
    }
    if (cuda->wait() != CUDA_OK)
        return error_set(err, ERROR_IO, "CUDA does not finish writing");
    if (cleared < free_bytes / 100 * CLEARED_PERCENT_MIN)
        return error_set(err, ERROR_CONFLICT, "only %llu of %zu MB could be cleared",
                         (unsigned long long)(cleared >> 20), free_bytes >> 20);
    return true;
}

bool scrub_cuda(const char *uuid, struct error *err)
{
    struct cuda_driver cuda;
    cuda_device device;
    void *context = NULL;

    if (!cuda_driver_open(&cuda, err) || !cuda_driver_find(&cuda, uuid, &device, err))
        return false;
    if (cuda.retain(&context, device) != CUDA_OK)
        return error_set(err, ERROR_IO, "CUDA gives no context on it");
    bool is_done = cuda.set_current(context) == CUDA_OK
                       ? clear_all(&cuda, err)
                       : error_set(err, ERROR_IO, "CUDA gives no context on it");
    (void)cuda.release(device);
    return is_done;
}
