/* SPDX-License-Identifier: Apache-2.0 */
/* Something that computes: a GPU by CUDA's driver, or any device by OpenCL, with our kernels
 * (agent/bench_kernels.cl) built for it. Both are opened when they are needed, so that a host
 * without them has no less of a program; where both have a GPU, CUDA's driver is asked, which alone
 * reaches tensor cores. */

#ifndef BERTH_AGENT_DEVICE_H
#define BERTH_AGENT_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { DEVICES_MAX = 64, DEVICE_ARGUMENTS_MAX = 16 };

enum device_driver { DEVICE_CUDA, DEVICE_OPENCL };

struct device_about {
    enum device_driver driver;
    void *id; /* the driver's own */
    char name[128];
    char pci_bus[32]; /* "0000:01:00.0", or "" where that is not told */
    bool is_gpu, has_fp16;
    int64_t compute_cap;                /* as in machine facts, 860; 0: not NVIDIA's, or not told */
    uint64_t memory, buffer_max, cache; /* bytes */
};

/* Whatever drivers there are. Never NULL; none may be there. */
struct devices;
#define auto_devices __attribute__((cleanup(devices_close)))
struct devices *devices_open(void);
void devices_close(struct devices **devices);

/* Returns how many, processors too; each place on the bus once. */
size_t devices_list(struct devices *devices, struct device_about ret[static DEVICES_MAX]);

/* One of those of devices_list(), with the kernels built for it. */
struct device;
#define auto_device __attribute__((cleanup(device_close)))
struct device *device_open(struct devices *devices, const struct device_about *about,
                           struct error *err);
void device_close(struct device **device);

/* "cuda" or "opencl". */
const char *device_driver_name(enum device_driver driver);

/* Whether two names of a place on the bus mean the same one, as drivers write them: "0000:01:00.0"
 * and "00000000:01:00.0". */
bool device_same_bus(const char *a, const char *b);

/* A buffer on it; NULL: no room. */
void *device_alloc(struct device *device, size_t size);
void device_free(struct device *device, void *buffer);

/* These wait. */
bool device_write(struct device *device, void *buffer, const void *bytes, size_t size);
bool device_read(struct device *device, void *buffer, void *bytes, size_t size);
bool device_read_at(struct device *device, void *buffer, size_t offset, void *bytes, size_t size);
bool device_finish(struct device *device);

/* Bytes from one device's buffer to another's, by whatever way is shortest. False: it failed, or
 * their drivers have no such way. */
bool device_copy(struct device *from, void *from_buffer, struct device *to, void *to_buffer,
                 size_t size);

/* The host's memory for buffers that travel fast; NULL: no room. */
void *device_host_alloc(struct device *device, size_t size);
void device_host_free(struct device *device, void *memory);

struct device_argument {
    const void *bytes;
    size_t size;
};
#define DEVICE_ARGUMENT(value)                                                                     \
    (struct device_argument)                                                                       \
    {                                                                                              \
        &(value), sizeof(value)                                                                    \
    }

/* What to run, on how many work items in each of two dimensions. */
struct device_run {
    const char *kernel;
    size_t width, height; /* height 0: one dimension */
    size_t group;         /* work items that belong together; 0: any number */
    size_t count;
    struct device_argument arguments[DEVICE_ARGUMENTS_MAX];
};
bool device_run(struct device *device, const struct device_run *run);

/* Whether it has a kernel of that name: those for tensor cores not every device has. */
bool device_has(struct device *device, const char *kernel);

/* For those who make one. */

struct device_calls {
    void (*close)(struct device *device);
    void *(*alloc)(struct device *device, size_t size);
    void (*free)(struct device *device, void *buffer);
    bool (*write)(struct device *device, void *buffer, const void *bytes, size_t size);
    bool (*read_at)(struct device *device, void *buffer, size_t offset, void *bytes, size_t size);
    bool (*finish)(struct device *device);
    bool (*copy)(struct device *from, void *from_buffer, struct device *to, void *to_buffer,
                 size_t size);                               /* NULL: it has no way */
    void *(*host_alloc)(struct device *device, size_t size); /* NULL: the host's own */
    void (*host_free)(struct device *device, void *memory);
    bool (*run)(struct device *device, const struct device_run *run);
    bool (*has)(struct device *device, const char *kernel);
};

/* The first member of each driver's own. */
struct device {
    const struct device_calls *calls;
};

#endif
