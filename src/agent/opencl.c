/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/opencl.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* OpenCL's binary interface, as far as we use it: from its documentation, under our own names. */
typedef int32_t cl_status; /* 0 is success */
typedef void *cl_handle;

enum {
    PLATFORMS_MAX = 16,
    BUILD_LOG_MAX = 4096,
    TEXT_MAX = 8192,
    INFO_TYPE = 0x1000,
    INFO_BUFFER_MAX = 0x1010,
    INFO_CACHE = 0x101E,
    INFO_MEMORY = 0x101F,
    INFO_NAME = 0x102B,
    INFO_EXTENSIONS = 0x1030,
    INFO_NVIDIA_BUS = 0x4008,
    INFO_NVIDIA_SLOT = 0x4009,
    INFO_NVIDIA_DOMAIN = 0x400A,
    INFO_BUILD_LOG = 0x1183,
    TYPE_GPU = 4,
};
#define TYPE_ALL UINT64_C(0xFFFFFFFF)

static const char source[] =
#include "agent/bench_kernels.inc"
    ;

struct opencl {
    void *object;
    cl_status (*platforms)(uint32_t max, cl_handle *ids, uint32_t *count);
    cl_status (*devices)(cl_handle platform, uint64_t type, uint32_t max, cl_handle *ids,
                         uint32_t *count);
    cl_status (*info)(cl_handle device, uint32_t what, size_t size, void *value, size_t *ret_size);
    cl_handle (*context)(const intptr_t *properties, uint32_t count, const cl_handle *devices,
                         void *notify, void *data, cl_status *status);
    cl_handle (*queue)(cl_handle context, cl_handle device, uint64_t properties, cl_status *status);
    cl_handle (*program)(cl_handle context, uint32_t count, const char **texts,
                         const size_t *lengths, cl_status *status);
    cl_status (*build)(cl_handle program, uint32_t count, const cl_handle *devices,
                       const char *options, void *notify, void *data);
    cl_status (*build_info)(cl_handle program, cl_handle device, uint32_t what, size_t size,
                            void *value, size_t *ret_size);
    cl_handle (*kernel)(cl_handle program, const char *name, cl_status *status);
    cl_status (*argument)(cl_handle kernel, uint32_t index, size_t size, const void *value);
    cl_handle (*buffer)(cl_handle context, uint64_t flags, size_t size, void *host,
                        cl_status *status);
    cl_status (*write)(cl_handle queue, cl_handle buffer, uint32_t waits, size_t offset,
                       size_t size, const void *bytes, uint32_t count, const cl_handle *events,
                       cl_handle *event);
    cl_status (*read)(cl_handle queue, cl_handle buffer, uint32_t waits, size_t offset, size_t size,
                      void *bytes, uint32_t count, const cl_handle *events, cl_handle *event);
    cl_status (*run)(cl_handle queue, cl_handle kernel, uint32_t dimensions, const size_t *offset,
                     const size_t *global, const size_t *local, uint32_t count,
                     const cl_handle *events, cl_handle *event);
    cl_status (*finish)(cl_handle queue);
    cl_status (*release_buffer)(cl_handle buffer);
    cl_status (*release_kernel)(cl_handle kernel);
    cl_status (*release_program)(cl_handle program);
    cl_status (*release_queue)(cl_handle queue);
    cl_status (*release_context)(cl_handle context);
};

struct opencl_open_device {
    struct device device;
    const struct opencl *opencl; /* borrowed */
    cl_handle context, queue, program;
};

/* dlsym() gives an object's address where we need a function's; POSIX lets both be the same. */
static bool find(const struct opencl *opencl, const char *symbol, void *function)
{
    void *address = dlsym(opencl->object, symbol);

    memcpy(function, &address, sizeof address);
    return address != NULL;
}

static bool load(struct opencl *opencl)
{
    return find(opencl, "clGetPlatformIDs", &opencl->platforms) &&
           find(opencl, "clGetDeviceIDs", &opencl->devices) &&
           find(opencl, "clGetDeviceInfo", &opencl->info) &&
           find(opencl, "clCreateContext", &opencl->context) &&
           find(opencl, "clCreateCommandQueue", &opencl->queue) &&
           find(opencl, "clCreateProgramWithSource", &opencl->program) &&
           find(opencl, "clBuildProgram", &opencl->build) &&
           find(opencl, "clGetProgramBuildInfo", &opencl->build_info) &&
           find(opencl, "clCreateKernel", &opencl->kernel) &&
           find(opencl, "clSetKernelArg", &opencl->argument) &&
           find(opencl, "clCreateBuffer", &opencl->buffer) &&
           find(opencl, "clEnqueueWriteBuffer", &opencl->write) &&
           find(opencl, "clEnqueueReadBuffer", &opencl->read) &&
           find(opencl, "clEnqueueNDRangeKernel", &opencl->run) &&
           find(opencl, "clFinish", &opencl->finish) &&
           find(opencl, "clReleaseMemObject", &opencl->release_buffer) &&
           find(opencl, "clReleaseKernel", &opencl->release_kernel) &&
           find(opencl, "clReleaseProgram", &opencl->release_program) &&
           find(opencl, "clReleaseCommandQueue", &opencl->release_queue) &&
           find(opencl, "clReleaseContext", &opencl->release_context);
}

struct opencl *opencl_open(struct error *err)
{
    struct opencl *opencl = calloc(1, sizeof *opencl);

    if (opencl == NULL)
        abort(); /* As base/buf.h says. */
    opencl->object = dlopen("libOpenCL.so.1", RTLD_NOW | RTLD_LOCAL);
    if (opencl->object != NULL && load(opencl))
        return opencl;
    (void)error_set(err, ERROR_UNAVAILABLE, "OpenCL's library is not there");
    opencl_close(&opencl);
    return NULL;
}

void opencl_close(struct opencl **opencl)
{
    /* The library stays: drivers do not like to be unloaded. */
    free(*opencl);
    *opencl = NULL;
}

static uint64_t number_of(const struct opencl *opencl, cl_handle device, uint32_t what, size_t size)
{
    uint64_t value = 0;

    return opencl->info(device, what, size, &value, NULL) == 0 ? value : 0;
}

static void find_bus(const struct opencl *opencl, struct device_about *device)
{
    uint32_t bus, slot, domain = 0;

    if (opencl->info(device->id, INFO_NVIDIA_BUS, sizeof bus, &bus, NULL) != 0 ||
        opencl->info(device->id, INFO_NVIDIA_SLOT, sizeof slot, &slot, NULL) != 0)
        return;
    (void)opencl->info(device->id, INFO_NVIDIA_DOMAIN, sizeof domain, &domain, NULL);
    (void)snprintf(device->pci_bus, sizeof device->pci_bus, "%04x:%02x:%02x.%x", domain, bus & 0xff,
                   (slot >> 3) & 0x1f, slot & 7);
}

static struct device_about describe(const struct opencl *opencl, cl_handle id)
{
    struct device_about device = { .driver = DEVICE_OPENCL, .id = id };
    char extensions[TEXT_MAX] = "";

    if (opencl->info(id, INFO_NAME, sizeof device.name, device.name, NULL) != 0)
        device.name[0] = '\0';
    device.name[sizeof device.name - 1] = '\0';
    if (opencl->info(id, INFO_EXTENSIONS, sizeof extensions, extensions, NULL) == 0)
        device.has_fp16 = strstr(extensions, "cl_khr_fp16") != NULL;
    device.is_gpu = (number_of(opencl, id, INFO_TYPE, sizeof(uint64_t)) & TYPE_GPU) != 0;
    device.memory = number_of(opencl, id, INFO_MEMORY, sizeof(uint64_t));
    device.buffer_max = number_of(opencl, id, INFO_BUFFER_MAX, sizeof(uint64_t));
    device.cache = number_of(opencl, id, INFO_CACHE, sizeof(uint64_t));
    find_bus(opencl, &device);
    return device;
}

size_t opencl_devices(struct opencl *opencl, struct device_about ret[static DEVICES_MAX])
{
    cl_handle platforms[PLATFORMS_MAX], ids[DEVICES_MAX];
    uint32_t platform_count = 0, id_count = 0;
    size_t count = 0;

    if (opencl->platforms(PLATFORMS_MAX, platforms, &platform_count) != 0)
        return 0;
    for (uint32_t i = 0; i < platform_count && i < PLATFORMS_MAX; i++) {
        uint32_t room = (uint32_t)(DEVICES_MAX - count);

        if (room == 0 || opencl->devices(platforms[i], TYPE_ALL, room, ids, &id_count) != 0)
            continue;
        for (uint32_t j = 0; j < id_count && j < room; j++)
            ret[count++] = describe(opencl, ids[j]);
    }
    return count;
}

static bool build(struct opencl_open_device *open, cl_handle device, struct error *err)
{
    const struct opencl *opencl = open->opencl;
    const char *texts[] = { source };
    char said[BUILD_LOG_MAX] = "";
    cl_status status = 0;

    open->program = opencl->program(open->context, 1, texts, NULL, &status);
    if (open->program == NULL)
        return error_set(err, ERROR_IO, "OpenCL takes no programs: %d", (int)status);
    status = opencl->build(open->program, 1, &device, "", NULL, NULL);
    if (status == 0)
        return true;
    (void)opencl->build_info(open->program, device, INFO_BUILD_LOG, sizeof said - 1, said, NULL);
    return error_set(err, ERROR_IO, "OpenCL cannot build our kernels (%d): %.200s", (int)status,
                     said);
}

static struct opencl_open_device *own(struct device *device)
{
    return (struct opencl_open_device *)device;
}

static void close_device(struct device *device)
{
    struct opencl_open_device *open = own(device);

    if (open->program != NULL)
        (void)open->opencl->release_program(open->program);
    if (open->queue != NULL)
        (void)open->opencl->release_queue(open->queue);
    if (open->context != NULL)
        (void)open->opencl->release_context(open->context);
    free(open);
}

static void *alloc_buffer(struct device *device, size_t size)
{
    cl_status status = 0;
    cl_handle buffer = own(device)->opencl->buffer(own(device)->context, 1, size, NULL, &status);

    return status == 0 ? buffer : NULL;
}

static void free_buffer(struct device *device, void *buffer)
{
    (void)own(device)->opencl->release_buffer(buffer);
}

static bool write_buffer(struct device *device, void *buffer, const void *bytes, size_t size)
{
    const struct opencl_open_device *open = own(device);

    return open->opencl->write(open->queue, buffer, 1, 0, size, bytes, 0, NULL, NULL) == 0;
}

static bool read_buffer(struct device *device, void *buffer, size_t offset, void *bytes,
                        size_t size)
{
    const struct opencl_open_device *open = own(device);

    return open->opencl->read(open->queue, buffer, 1, offset, size, bytes, 0, NULL, NULL) == 0;
}

static bool finish(struct device *device)
{
    return own(device)->opencl->finish(own(device)->queue) == 0;
}

static bool run_kernel(struct device *device, const struct device_run *run)
{
    const struct opencl_open_device *open = own(device);
    const struct opencl *opencl = open->opencl;
    const size_t size[] = { run->width, run->height }, group[] = { run->group, 1 };
    cl_status status = 0;
    cl_handle kernel = opencl->kernel(open->program, run->kernel, &status);
    bool is_good = kernel != NULL;

    for (size_t i = 0; is_good && i < run->count; i++)
        is_good = opencl->argument(kernel, (uint32_t)i, run->arguments[i].size,
                                   run->arguments[i].bytes) == 0;
    is_good = is_good && opencl->run(open->queue, kernel, run->height > 0 ? 2 : 1, NULL, size,
                                     run->group > 0 ? group : NULL, 0, NULL, NULL) == 0;
    if (kernel != NULL)
        (void)opencl->release_kernel(kernel);
    return is_good;
}

static bool has_kernel(struct device *device, const char *name)
{
    const struct opencl_open_device *open = own(device);
    cl_status status = 0;
    cl_handle kernel = open->opencl->kernel(open->program, name, &status);

    if (kernel != NULL)
        (void)open->opencl->release_kernel(kernel);
    return kernel != NULL;
}

static const struct device_calls calls = {
    .close = close_device,
    .alloc = alloc_buffer,
    .free = free_buffer,
    .write = write_buffer,
    .read_at = read_buffer,
    .finish = finish,
    .run = run_kernel,
    .has = has_kernel,
};

struct device *opencl_device_open(struct opencl *opencl, const struct device_about *about,
                                  struct error *err)
{
    struct opencl_open_device *open = calloc(1, sizeof *open);
    struct device *device;
    cl_handle id = about->id;
    cl_status status = 0;

    if (open == NULL)
        abort();
    *open = (struct opencl_open_device){ .device = { &calls }, .opencl = opencl };
    open->context = opencl->context(NULL, 1, &id, NULL, NULL, &status);
    if (open->context != NULL)
        open->queue = opencl->queue(open->context, id, 0, &status);
    if (open->queue == NULL)
        (void)error_set(err, ERROR_IO, "OpenCL cannot use %s: %d", about->name, (int)status);
    else if (build(open, id, err))
        return &open->device;
    device = &open->device;
    device_close(&device);
    return NULL;
}
