/* SPDX-License-Identifier: Apache-2.0 */
/* A fake of CUDA's libcuda.so.1, for tests alone: GPUs whose memory is the file that
 * CUDA_FAKE_MEMORY names, and whose kernels are run by a machine for PTX (ptx_machine.h).
 *
 * CUDA_FAKE_GPUS       how many; they share the memory; 1
 * CUDA_FAKE_CAPABILITY of them all; 86
 * CUDA_FAKE_TAKEN      how many percent of the memory somebody else has
 * CUDA_FAKE_BROKEN     the function that fails
 * CUDA_FAKE_WRONG      the kernel that gets one bit of what it is given first wrong */
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ptx_machine.h"

enum {
    OK = 0,
    NO_MEMORY = 2,
    NO_DEVICE = 100,
    NOT_PTX = 218,
    NOT_FOUND = 500,
    FAILED = 999,
    FIRST = 7, /* device */
    GPUS_MAX = 16,
    PERCENT = 100,
    ALLOCS_MAX = 65536,
    ALIGN = 256,
    CACHE = 38,
    MAJOR = 75,
    MINOR = 76,
    BUILD_ERRORS = 5,
};

#define BASE 0x700000000000ULL

static unsigned char *memory;
static size_t size, taken;
static char contexts[GPUS_MAX];
static void *current;
static struct alloc {
    size_t begin, end;
    int is_free;
} allocs[ALLOCS_MAX];
static size_t alloc_count;

/* A module and a kernel of it. */
struct function {
    const struct ptx_module *module;
    const struct ptx_kernel *kernel;
};
static struct function functions[64];

static unsigned number_of(const char *name, unsigned otherwise)
{
    const char *text = getenv(name);

    return text != NULL ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static int answer(const char *function)
{
    const char *broken = getenv("CUDA_FAKE_BROKEN");

    return broken != NULL && strcmp(broken, function) == 0 ? FAILED : OK;
}

static int is_device(int device)
{
    return device >= FIRST && device < FIRST + (int)number_of("CUDA_FAKE_GPUS", 1);
}

static unsigned char *at(unsigned long long address, size_t count)
{
    return current != NULL && address >= BASE && address - BASE <= size &&
                   count <= size - (address - BASE)
               ? memory + (address - BASE)
               : NULL;
}

int cuInit(unsigned flags);
int cuGetErrorName(int status, const char **text);
int cuDeviceGetCount(int *count);
int cuDeviceGet(int *device, int index);
int cuDeviceGetUuid(unsigned char *uuid, int device);
int cuDeviceGetName(char *text, int room, int device);
int cuDeviceGetPCIBusId(char *text, int room, int device);
int cuDeviceGetAttribute(int *value, int attribute, int device);
int cuDeviceTotalMem_v2(size_t *bytes, int device);
int cuDevicePrimaryCtxRetain(void **context, int device);
int cuCtxSetCurrent(void *context);
int cuDevicePrimaryCtxRelease_v2(int device);
int cuDeviceCanAccessPeer(int *can, int device, int peer);
int cuCtxEnablePeerAccess(void *context, unsigned flags);
int cuMemGetInfo_v2(size_t *free_bytes, size_t *total_bytes);
int cuMemAlloc_v2(unsigned long long *address, size_t wanted);
int cuMemFree_v2(unsigned long long address);
int cuMemAllocHost_v2(void **host, size_t wanted);
int cuMemFreeHost(void *host);
int cuMemsetD8_v2(unsigned long long address, unsigned char value, size_t count);
int cuMemcpyHtoD_v2(unsigned long long to, const void *from, size_t count);
int cuMemcpyDtoH_v2(void *to, unsigned long long from, size_t count);
int cuMemcpyPeer(unsigned long long to, void *to_context, unsigned long long from,
                 void *from_context, size_t count);
int cuCtxSynchronize(void);
int cuModuleLoadDataEx(void **module, const void *image, unsigned count, int *options,
                       void **values);
int cuModuleUnload(void *module);
int cuModuleGetFunction(void **function, void *module, const char *name);
int cuLaunchKernel(void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                   unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared,
                   void *stream, void **arguments, void **extra);

int cuInit(unsigned flags)
{
    const char *path = getenv("CUDA_FAKE_MEMORY");
    struct stat status;
    int fd = path != NULL && flags == 0 ? open(path, O_RDWR | O_CLOEXEC) : -1;

    if (number_of("CUDA_FAKE_GPUS", 1) == 0)
        return NO_DEVICE;
    if (fd < 0 || fstat(fd, &status) != 0)
        return FAILED;
    if (memory != NULL && memory != MAP_FAILED)
        (void)munmap(memory, size);
    size = (size_t)status.st_size;
    memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    taken = size / PERCENT * number_of("CUDA_FAKE_TAKEN", 0);
    alloc_count = 0;
    return memory != MAP_FAILED ? answer("cuInit") : FAILED;
}

int cuGetErrorName(int status, const char **text)
{
    *text = status == NO_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY"
            : status == NOT_PTX ? "CUDA_ERROR_INVALID_PTX"
                                : "CUDA_ERROR_UNKNOWN";
    return answer("cuGetErrorName");
}

int cuDeviceGetCount(int *count)
{
    *count = (int)number_of("CUDA_FAKE_GPUS", 1);
    return answer("cuDeviceGetCount");
}

int cuDeviceGet(int *device, int index)
{
    *device = FIRST + index;
    return answer("cuDeviceGet");
}

/* GPU-00010203-0405-0607-0809-0a0b0c0d0e0f; the next one ends with 10. */
int cuDeviceGetUuid(unsigned char *uuid, int device)
{
    for (unsigned char i = 0; i < 16; i++)
        uuid[i] = i;
    uuid[15] = (unsigned char)(15 + device - FIRST);
    return is_device(device) ? answer("cuDeviceGetUuid") : FAILED;
}

int cuDeviceGetName(char *text, int room, int device)
{
    (void)snprintf(text, (size_t)room, "Fake GPU %d", device - FIRST);
    return is_device(device) ? answer("cuDeviceGetName") : FAILED;
}

int cuDeviceGetPCIBusId(char *text, int room, int device)
{
    (void)snprintf(text, (size_t)room, "0000:%02X:00.0", device - FIRST + 1);
    return is_device(device) ? answer("cuDeviceGetPCIBusId") : FAILED;
}

int cuDeviceGetAttribute(int *value, int attribute, int device)
{
    unsigned capability = number_of("CUDA_FAKE_CAPABILITY", 86);

    *value = attribute == MAJOR   ? (int)capability / 10
             : attribute == MINOR ? (int)capability % 10
             : attribute == CACHE ? 1 << 16
                                  : 0;
    return is_device(device) ? answer("cuDeviceGetAttribute") : FAILED;
}

int cuDeviceTotalMem_v2(size_t *bytes, int device)
{
    *bytes = size;
    return is_device(device) ? answer("cuDeviceTotalMem_v2") : FAILED;
}

int cuDevicePrimaryCtxRetain(void **context, int device)
{
    if (!is_device(device))
        return FAILED;
    *context = &contexts[device - FIRST];
    return answer("cuDevicePrimaryCtxRetain");
}

int cuCtxSetCurrent(void *context)
{
    current = context;
    return answer("cuCtxSetCurrent");
}

int cuDevicePrimaryCtxRelease_v2(int device)
{
    return is_device(device) ? OK : FAILED;
}

int cuDeviceCanAccessPeer(int *can, int device, int peer)
{
    *can = device != peer;
    return answer("cuDeviceCanAccessPeer");
}

int cuCtxEnablePeerAccess(void *context, unsigned flags)
{
    return context != current && flags == 0 ? answer("cuCtxEnablePeerAccess") : FAILED;
}

int cuMemGetInfo_v2(size_t *free_bytes, size_t *total_bytes)
{
    *free_bytes = size - taken;
    *total_bytes = size;
    return answer("cuMemGetInfo_v2");
}

int cuMemAlloc_v2(unsigned long long *address, size_t wanted)
{
    size_t begin = (taken + ALIGN - 1) / ALIGN * ALIGN;

    if (wanted == 0 || begin > size || wanted > size - begin || alloc_count == ALLOCS_MAX)
        return NO_MEMORY;
    *address = BASE + begin;
    taken = begin + wanted;
    allocs[alloc_count++] = (struct alloc){ begin, taken, 0 };
    return answer("cuMemAlloc_v2");
}

/* What was given last is there again once all behind it is. */
int cuMemFree_v2(unsigned long long address)
{
    int is_found = 0;

    for (size_t i = 0; i < alloc_count; i++) {
        if (allocs[i].begin == address - BASE && !allocs[i].is_free)
            is_found = allocs[i].is_free = 1;
    }
    while (alloc_count > 0 && allocs[alloc_count - 1].is_free)
        taken = allocs[--alloc_count].begin;
    return is_found ? answer("cuMemFree_v2") : FAILED;
}

int cuMemAllocHost_v2(void **host, size_t wanted)
{
    if (answer("cuMemAllocHost_v2") != OK)
        return FAILED;
    *host = malloc(wanted);
    return *host != NULL ? OK : NO_MEMORY;
}

int cuMemFreeHost(void *host)
{
    free(host);
    return answer("cuMemFreeHost");
}

int cuMemsetD8_v2(unsigned long long address, unsigned char value, size_t count)
{
    if (at(address, count) == NULL)
        return FAILED;
    memset(at(address, count), value, count);
    return answer("cuMemsetD8_v2");
}

int cuMemcpyHtoD_v2(unsigned long long to, const void *from, size_t count)
{
    if (at(to, count) == NULL)
        return FAILED;
    memcpy(at(to, count), from, count);
    return answer("cuMemcpyHtoD_v2");
}

int cuMemcpyDtoH_v2(void *to, unsigned long long from, size_t count)
{
    if (at(from, count) == NULL)
        return FAILED;
    memcpy(to, at(from, count), count);
    return answer("cuMemcpyDtoH_v2");
}

int cuMemcpyPeer(unsigned long long to, void *to_context, unsigned long long from,
                 void *from_context, size_t count)
{
    if (at(from, count) == NULL || at(to, count) == NULL || to_context == from_context)
        return FAILED;
    memmove(at(to, count), at(from, count), count);
    return answer("cuMemcpyPeer");
}

int cuCtxSynchronize(void)
{
    return current != NULL ? answer("cuCtxSynchronize") : FAILED;
}

int cuModuleLoadDataEx(void **module, const void *image, unsigned count, int *options,
                       void **values)
{
    char words[PTX_WORDS_SIZE] = "";
    struct ptx_module *parsed = ptx_parse(image, words);

    if (parsed != NULL && parsed->target > number_of("CUDA_FAKE_CAPABILITY", 86))
        (void)snprintf(words, sizeof words, "made for a later one");
    if (words[0] == '\0' && answer("cuModuleLoadDataEx") == OK) {
        *module = parsed;
        return OK;
    }
    for (unsigned i = 0; i < count; i++) {
        if (options[i] == BUILD_ERRORS)
            (void)snprintf(values[i], PTX_WORDS_SIZE, "%s", words);
    }
    ptx_free(parsed);
    return NOT_PTX;
}

int cuModuleUnload(void *module)
{
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (functions[i].module == module)
            functions[i] = (struct function){ 0 };
    }
    ptx_free(module);
    return answer("cuModuleUnload");
}

int cuModuleGetFunction(void **function, void *module, const char *name)
{
    const struct ptx_kernel *kernel = ptx_find(module, name);

    for (size_t i = 0; kernel != NULL && i < sizeof functions / sizeof functions[0]; i++) {
        if (functions[i].kernel != NULL && functions[i].kernel != kernel)
            continue;
        functions[i] = (struct function){ module, kernel };
        *function = &functions[i];
        return answer("cuModuleGetFunction");
    }
    return NOT_FOUND;
}

int cuLaunchKernel(void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                   unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared,
                   void *stream, void **arguments, void **extra)
{
    const struct function *called = function;
    const char *wrong = getenv("CUDA_FAKE_WRONG");
    struct ptx_launch launch = { .module = called->module,
                                 .kernel = called->kernel,
                                 .grid = { grid_x, grid_y },
                                 .block = { block_x, block_y },
                                 .arguments = arguments,
                                 .memory = memory,
                                 .base = BASE,
                                 .memory_size = size };
    char words[PTX_WORDS_SIZE];

    if (current == NULL || grid_z != 1 || block_z != 1 || shared != 0 || stream != NULL ||
        extra != NULL || block_x * block_y > 1024 || grid_x == 0 || grid_y == 0)
        return FAILED;
    if (!ptx_launch(&launch, words)) {
        (void)fprintf(stderr, "PTX: %s\n", words);
        return FAILED;
    }
    if (wrong != NULL && strcmp(wrong, called->kernel->name) == 0) {
        unsigned long long address;

        memcpy(&address, arguments[0], sizeof address);
        *at(address, 1) ^= 1;
    }
    return answer("cuLaunchKernel");
}
