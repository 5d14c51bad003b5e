/* SPDX-License-Identifier: Apache-2.0 */
/* Programs for GPUs, by whatever OpenCL there is: opened when it is needed, so that a host without
 * it has no less of a program. The kernels are those of agent/bench_kernels.cl. */

#ifndef BERTH_AGENT_OPENCL_H
#define BERTH_AGENT_OPENCL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { OPENCL_DEVICES_MAX = 64, OPENCL_ARGUMENTS_MAX = 16 };

struct opencl;
#define auto_opencl __attribute__((cleanup(opencl_close)))

struct opencl_device {
    void *id; /* OpenCL's */
    char name[128];
    char pci_bus[32]; /* "0000:01:00.0", or "" where that is not told */
    bool is_gpu, has_fp16;
    uint64_t memory, buffer_max, cache; /* bytes */
};

/* ERROR_UNAVAILABLE: there is none. */
struct opencl *opencl_open(struct error *err);
void opencl_close(struct opencl **opencl);

/* Returns how many, processors too. */
size_t opencl_devices(struct opencl *opencl,
                      struct opencl_device devices[static OPENCL_DEVICES_MAX]);

/* A device with the kernels built for it. */
struct opencl_device_open;
#define auto_opencl_device __attribute__((cleanup(opencl_device_close)))
struct opencl_device_open *
opencl_device_open(struct opencl *opencl, const struct opencl_device *device, struct error *err);
void opencl_device_close(struct opencl_device_open **device);

/* A buffer on it; NULL: no room. */
void *opencl_alloc(struct opencl_device_open *device, size_t size);
void opencl_free(struct opencl_device_open *device, void *buffer);

/* These wait. */
bool opencl_write(struct opencl_device_open *device, void *buffer, const void *bytes, size_t size);
bool opencl_read(struct opencl_device_open *device, void *buffer, void *bytes, size_t size);
bool opencl_read_at(struct opencl_device_open *device, void *buffer, size_t offset, void *bytes,
                    size_t size);
bool opencl_finish(struct opencl_device_open *device);

struct opencl_argument {
    const void *bytes;
    size_t size;
};
#define OPENCL_ARGUMENT(value)                                                                     \
    (struct opencl_argument)                                                                       \
    {                                                                                              \
        &(value), sizeof(value)                                                                    \
    }

/* What to run, on how many work items in each of two dimensions. */
struct opencl_run {
    const char *kernel;
    size_t width, height; /* height 0: one dimension */
    size_t count;
    struct opencl_argument arguments[OPENCL_ARGUMENTS_MAX];
};
bool opencl_run(struct opencl_device_open *device, const struct opencl_run *run);

#endif
