/* SPDX-License-Identifier: Apache-2.0 */
/* A fake of CUDA's libcuda.so.1, for tests alone: one GPU, whose memory is the file that
 * CUDA_FAKE_MEMORY names. Where CUDA_FAKE_BROKEN names a function, that one fails; CUDA_FAKE_TAKEN
 * is how many percent of the memory somebody else has. */
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OK = 0, FAILED = 999, DEVICE = 7, PERCENT = 100 };

#define BASE 0x700000000000ULL

static unsigned char *memory;
static size_t size, taken;

static int answer(const char *function)
{
    const char *broken = getenv("CUDA_FAKE_BROKEN");

    return broken != NULL && strcmp(broken, function) == 0 ? FAILED : OK;
}

int cuInit(unsigned flags);
int cuDeviceGetCount(int *count);
int cuDeviceGet(int *device, int index);
int cuDeviceGetUuid(unsigned char *uuid, int device);
int cuDevicePrimaryCtxRetain(void **context, int device);
int cuCtxSetCurrent(void *context);
int cuDevicePrimaryCtxRelease_v2(int device);
int cuMemGetInfo_v2(size_t *free_bytes, size_t *total_bytes);
int cuMemAlloc_v2(unsigned long long *address, size_t wanted);
int cuMemsetD8_v2(unsigned long long address, unsigned char value, size_t count);
int cuCtxSynchronize(void);

int cuInit(unsigned flags)
{
    const char *path = getenv("CUDA_FAKE_MEMORY"), *percent = getenv("CUDA_FAKE_TAKEN");
    struct stat status;
    int fd = path != NULL && flags == 0 ? open(path, O_RDWR | O_CLOEXEC) : -1;

    if (fd < 0 || fstat(fd, &status) != 0)
        return FAILED;
    size = (size_t)status.st_size;
    memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    taken = percent != NULL ? size / PERCENT * strtoul(percent, NULL, 10) : 0;
    return memory != MAP_FAILED ? answer("cuInit") : FAILED;
}

int cuDeviceGetCount(int *count)
{
    *count = 1;
    return answer("cuDeviceGetCount");
}

int cuDeviceGet(int *device, int index)
{
    *device = DEVICE + index;
    return answer("cuDeviceGet");
}

/* GPU-00010203-0405-0607-0809-0a0b0c0d0e0f */
int cuDeviceGetUuid(unsigned char *uuid, int device)
{
    for (unsigned char i = 0; i < 16; i++)
        uuid[i] = i;
    return device == DEVICE ? answer("cuDeviceGetUuid") : FAILED;
}

int cuDevicePrimaryCtxRetain(void **context, int device)
{
    *context = memory;
    return device == DEVICE ? answer("cuDevicePrimaryCtxRetain") : FAILED;
}

int cuCtxSetCurrent(void *context)
{
    return context == memory ? OK : FAILED;
}

int cuDevicePrimaryCtxRelease_v2(int device)
{
    return device == DEVICE ? OK : FAILED;
}

int cuMemGetInfo_v2(size_t *free_bytes, size_t *total_bytes)
{
    *free_bytes = size - taken;
    *total_bytes = size;
    return answer("cuMemGetInfo_v2");
}

int cuMemAlloc_v2(unsigned long long *address, size_t wanted)
{
    if (wanted > size - taken)
        return FAILED;
    *address = BASE + taken;
    taken += wanted;
    return answer("cuMemAlloc_v2");
}

int cuMemsetD8_v2(unsigned long long address, unsigned char value, size_t count)
{
    if (address < BASE || address - BASE + count > size)
        return FAILED;
    memset(memory + (address - BASE), value, count);
    return answer("cuMemsetD8_v2");
}

int cuCtxSynchronize(void)
{
    return answer("cuCtxSynchronize");
}
