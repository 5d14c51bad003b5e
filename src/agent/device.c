/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/device.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/cuda.h"
#include "agent/opencl.h"

struct devices {
    struct cuda *cuda;     /* NULL: there is none */
    struct opencl *opencl; /* likewise */
};

struct devices *devices_open(void)
{
    struct devices *devices = calloc(1, sizeof *devices);
    struct error ignored;

    if (devices == NULL)
        abort(); /* As base/buf.h says. */
    devices->cuda = cuda_open(&ignored);
    devices->opencl = opencl_open(&ignored);
    return devices;
}

void devices_close(struct devices **devices)
{
    cuda_close(&(*devices)->cuda);
    opencl_close(&(*devices)->opencl);
    free(*devices);
    *devices = NULL;
}

bool device_same_bus(const char *a, const char *b)
{
    /* Domains are written with four digits or eight. */
    const char *end_a = strchr(a, ':'), *end_b = strchr(b, ':');

    return end_a != NULL && end_b != NULL && strcasecmp(end_a, end_b) == 0 &&
           strtoull(a, NULL, 16) == strtoull(b, NULL, 16);
}

static bool is_listed(const struct device_about *list, size_t count,
                      const struct device_about *about)
{
    for (size_t i = 0; i < count; i++) {
        if (device_same_bus(list[i].pci_bus, about->pci_bus))
            return true;
    }
    return false;
}

size_t devices_list(struct devices *devices, struct device_about ret[static DEVICES_MAX])
{
    struct device_about found[DEVICES_MAX];
    size_t count = devices->cuda != NULL ? cuda_devices(devices->cuda, ret) : 0;
    size_t found_count = devices->opencl != NULL ? opencl_devices(devices->opencl, found) : 0;

    for (size_t i = 0; i < found_count && count < DEVICES_MAX; i++) {
        if (!is_listed(ret, count, &found[i]))
            ret[count++] = found[i];
    }
    return count;
}

struct device *device_open(struct devices *devices, const struct device_about *about,
                           struct error *err)
{
    return about->driver == DEVICE_CUDA ? cuda_device_open(devices->cuda, about, err)
                                        : opencl_device_open(devices->opencl, about, err);
}

void device_close(struct device **device)
{
    if (*device != NULL)
        (*device)->calls->close(*device);
    *device = NULL;
}

const char *device_driver_name(enum device_driver driver)
{
    return driver == DEVICE_CUDA ? "cuda" : "opencl";
}

void *device_alloc(struct device *device, size_t size)
{
    return device->calls->alloc(device, size);
}

void device_free(struct device *device, void *buffer)
{
    if (buffer != NULL)
        device->calls->free(device, buffer);
}

bool device_write(struct device *device, void *buffer, const void *bytes, size_t size)
{
    return device->calls->write(device, buffer, bytes, size);
}

bool device_read(struct device *device, void *buffer, void *bytes, size_t size)
{
    return device->calls->read_at(device, buffer, 0, bytes, size);
}

bool device_read_at(struct device *device, void *buffer, size_t offset, void *bytes, size_t size)
{
    return device->calls->read_at(device, buffer, offset, bytes, size);
}

bool device_finish(struct device *device)
{
    return device->calls->finish(device);
}

bool device_copy(struct device *from, void *from_buffer, struct device *to, void *to_buffer,
                 size_t size)
{
    return from->calls == to->calls && from->calls->copy != NULL &&
           from->calls->copy(from, from_buffer, to, to_buffer, size);
}

void *device_host_alloc(struct device *device, size_t size)
{
    return device->calls->host_alloc != NULL ? device->calls->host_alloc(device, size)
                                             : calloc(1, size);
}

void device_host_free(struct device *device, void *memory)
{
    if (memory != NULL && device->calls->host_alloc != NULL)
        device->calls->host_free(device, memory);
    else
        free(memory);
}

bool device_run(struct device *device, const struct device_run *run)
{
    return device->calls->run(device, run);
}

bool device_has(struct device *device, const char *kernel)
{
    return device->calls->has(device, kernel);
}
