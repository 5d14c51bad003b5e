/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cuda_driver.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* dlsym() gives an object's address where we need a function's; POSIX lets both be the same. */
static bool find(const struct cuda_driver *driver, const char *symbol, void *function)
{
    void *address = dlsym(driver->object, symbol);

    memcpy(function, &address, sizeof address);
    return address != NULL;
}

static bool find_devices(struct cuda_driver *driver)
{
    return find(driver, "cuInit", &driver->init) &&
           find(driver, "cuGetErrorName", &driver->error_name) &&
           find(driver, "cuDeviceGetCount", &driver->count) &&
           find(driver, "cuDeviceGet", &driver->device) &&
           find(driver, "cuDeviceGetUuid", &driver->uuid) &&
           find(driver, "cuDeviceGetName", &driver->name) &&
           find(driver, "cuDeviceGetPCIBusId", &driver->bus) &&
           find(driver, "cuDeviceGetAttribute", &driver->attribute) &&
           find(driver, "cuDeviceTotalMem_v2", &driver->memory) &&
           find(driver, "cuDevicePrimaryCtxRetain", &driver->retain) &&
           find(driver, "cuCtxSetCurrent", &driver->set_current) &&
           find(driver, "cuDevicePrimaryCtxRelease_v2", &driver->release) &&
           find(driver, "cuDeviceCanAccessPeer", &driver->can_reach) &&
           find(driver, "cuCtxEnablePeerAccess", &driver->reach);
}

static bool find_work(struct cuda_driver *driver)
{
    return find(driver, "cuMemGetInfo_v2", &driver->info) &&
           find(driver, "cuMemAlloc_v2", &driver->alloc) &&
           find(driver, "cuMemFree_v2", &driver->free) &&
           find(driver, "cuMemAllocHost_v2", &driver->host_alloc) &&
           find(driver, "cuMemFreeHost", &driver->host_free) &&
           find(driver, "cuMemsetD8_v2", &driver->fill) &&
           find(driver, "cuMemcpyHtoD_v2", &driver->write) &&
           find(driver, "cuMemcpyDtoH_v2", &driver->read) &&
           find(driver, "cuMemcpyPeer", &driver->copy) &&
           find(driver, "cuCtxSynchronize", &driver->wait) &&
           find(driver, "cuModuleLoadDataEx", &driver->load) &&
           find(driver, "cuModuleUnload", &driver->unload) &&
           find(driver, "cuModuleGetFunction", &driver->function) &&
           find(driver, "cuLaunchKernel", &driver->launch);
}

bool cuda_driver_refused(const struct cuda_driver *driver, cuda_status status, const char *what,
                         struct error *err)
{
    const char *name = NULL;

    if (driver->error_name(status, &name) != CUDA_OK || name == NULL)
        return error_set(err, ERROR_IO, "CUDA %s: error %d", what, status);
    return error_set(err, ERROR_IO, "CUDA %s: %s", what, name);
}

/* The library stays: drivers do not like to be unloaded. */
bool cuda_driver_open(struct cuda_driver *driver, struct error *err)
{
    *driver = (struct cuda_driver){ .object = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL) };
    if (driver->object == NULL)
        return error_set(err, ERROR_UNAVAILABLE, "CUDA's driver library is not there");
    if (!find_devices(driver) || !find_work(driver))
        return error_set(err, ERROR_IO, "CUDA's driver library lacks a function that is needed");
    cuda_status status = driver->init(0);
    if (status == CUDA_NO_DEVICE)
        return error_set(err, ERROR_UNAVAILABLE, "CUDA has no device");
    if (status != CUDA_OK)
        return cuda_driver_refused(driver, status, "does not start", err);
    return true;
}

static char *format_uuid(const struct cuda_uuid *uuid, char text[static CUDA_UUID_TEXT_SIZE])
{
    size_t length = (size_t)snprintf(text, CUDA_UUID_TEXT_SIZE, "GPU-");

    for (size_t i = 0; i < sizeof uuid->bytes; i++)
        length +=
            (size_t)snprintf(text + length, CUDA_UUID_TEXT_SIZE - length, "%s%02x",
                             i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid->bytes[i]);
    return text;
}

bool cuda_driver_find(const struct cuda_driver *driver, const char *uuid, cuda_device *ret,
                      struct error *err)
{
    int count = 0;
    cuda_status status = driver->count(&count);

    if (status != CUDA_OK)
        return cuda_driver_refused(driver, status, "does not start", err);
    for (int i = 0; i < count; i++) {
        char text[CUDA_UUID_TEXT_SIZE];
        struct cuda_uuid own;
        cuda_device device;

        if (driver->device(&device, i) == CUDA_OK && driver->uuid(&own, device) == CUDA_OK &&
            strcmp(format_uuid(&own, text), uuid) == 0) {
            *ret = device;
            return true;
        }
    }
    return error_set(err, ERROR_NOT_FOUND, "CUDA does not know %s among its %d GPUs", uuid, count);
}
