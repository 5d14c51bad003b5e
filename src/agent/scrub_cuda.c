/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/scrub_cuda.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* CUDA's driver interface, as far as we use it: from its documentation, under our own names. */
typedef int cuda_status; /* 0 is success */
typedef int cuda_device;
typedef unsigned long long cuda_address;

struct cuda_uuid {
    unsigned char bytes[16];
};

enum {
    CUDA_OK = 0,
    UUID_TEXT_SIZE = 48,
    FREE_PERCENT_MIN = 85,    /* of all there is; the driver keeps some for itself */
    CLEARED_PERCENT_MIN = 97, /* of what was free */
};

#define CHUNK_FIRST (UINT64_C(1) << 30)
#define CHUNK_LAST  (UINT64_C(1) << 20)

struct cuda {
    void *object;
    cuda_status (*init)(unsigned flags);
    cuda_status (*count)(int *count);
    cuda_status (*device)(cuda_device *device, int index);
    cuda_status (*uuid)(struct cuda_uuid *uuid, cuda_device device);
    cuda_status (*retain)(void **context, cuda_device device);
    cuda_status (*set_current)(void *context);
    cuda_status (*release)(cuda_device device);
    cuda_status (*info)(size_t *free_bytes, size_t *total_bytes);
    cuda_status (*alloc)(cuda_address *address, size_t size);
    cuda_status (*fill)(cuda_address address, unsigned char value, size_t size);
    cuda_status (*wait)(void);
};

/* dlsym() gives an object's address where we need a function's; POSIX lets both be the same. */
static bool find(const struct cuda *cuda, const char *symbol, void *function)
{
    void *address = dlsym(cuda->object, symbol);

    memcpy(function, &address, sizeof address);
    return address != NULL;
}

static bool load(struct cuda *cuda, struct error *err)
{
    cuda->object = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (cuda->object == NULL)
        return error_set(err, ERROR_UNAVAILABLE, "CUDA's driver library is not there");
    return (find(cuda, "cuInit", &cuda->init) && find(cuda, "cuDeviceGetCount", &cuda->count) &&
            find(cuda, "cuDeviceGet", &cuda->device) &&
            find(cuda, "cuDeviceGetUuid", &cuda->uuid) &&
            find(cuda, "cuDevicePrimaryCtxRetain", &cuda->retain) &&
            find(cuda, "cuCtxSetCurrent", &cuda->set_current) &&
            find(cuda, "cuDevicePrimaryCtxRelease_v2", &cuda->release) &&
            find(cuda, "cuMemGetInfo_v2", &cuda->info) &&
            find(cuda, "cuMemAlloc_v2", &cuda->alloc) && find(cuda, "cuMemsetD8_v2", &cuda->fill) &&
            find(cuda, "cuCtxSynchronize", &cuda->wait)) ||
           error_set(err, ERROR_IO, "CUDA's driver library lacks a function that is needed");
}

static char *format_uuid(const struct cuda_uuid *uuid, char text[static UUID_TEXT_SIZE])
{
    size_t length = (size_t)snprintf(text, UUID_TEXT_SIZE, "GPU-");

    for (size_t i = 0; i < sizeof uuid->bytes; i++)
        length +=
            (size_t)snprintf(text + length, UUID_TEXT_SIZE - length, "%s%02x",
                             i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid->bytes[i]);
    return text;
}

static bool find_device(const struct cuda *cuda, const char *wanted, cuda_device *ret,
                        struct error *err)
{
    int count = 0;

    if (cuda->init(0) != CUDA_OK || cuda->count(&count) != CUDA_OK)
        return error_set(err, ERROR_IO, "CUDA does not start");
    for (int i = 0; i < count; i++) {
        char text[UUID_TEXT_SIZE];
        struct cuda_uuid uuid;

        if (cuda->device(ret, i) == CUDA_OK && cuda->uuid(&uuid, *ret) == CUDA_OK &&
            strcmp(format_uuid(&uuid, text), wanted) == 0)
            return true;
    }
    return error_set(err, ERROR_NOT_FOUND, "CUDA does not know %s among its %d GPUs", wanted,
                     count);
}

/* What is taken is given back by the end of the context: none of it is written by anybody else
 * before all of it has been. */
static bool clear_all(const struct cuda *cuda, struct error *err)
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
    struct cuda cuda = { 0 };
    cuda_device device;
    void *context = NULL;

    if (!load(&cuda, err) || !find_device(&cuda, uuid, &device, err))
        return false;
    if (cuda.retain(&context, device) != CUDA_OK || cuda.set_current(context) != CUDA_OK)
        return error_set(err, ERROR_IO, "CUDA gives no context on it");
    bool is_done = clear_all(&cuda, err);
    (void)cuda.release(device);
    return is_done;
}
