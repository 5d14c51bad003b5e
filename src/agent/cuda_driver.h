/* SPDX-License-Identifier: Apache-2.0 */
/* CUDA's driver interface (libcuda.so.1), as far as we use it: from its documentation, under our
 * own names. Opened at run time: nothing of CUDA's is needed to build Berth. */

#ifndef BERTH_AGENT_CUDA_DRIVER_H
#define BERTH_AGENT_CUDA_DRIVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

typedef int cuda_status; /* 0 is success */
typedef int cuda_device; /* its number, as the driver has it */
typedef unsigned long long cuda_address;

enum {
    CUDA_OK = 0,
    CUDA_NO_DEVICE = 100,
    CUDA_PEER_ALREADY = 704,
    CUDA_UUID_TEXT_SIZE = 48,
    CUDA_ATTRIBUTE_CACHE = 38,
    CUDA_ATTRIBUTE_MAJOR = 75,
    CUDA_ATTRIBUTE_MINOR = 76,
    CUDA_BUILD_ERRORS = 5, /* options of building: where its words go, and how many */
    CUDA_BUILD_ERRORS_SIZE = 6,
};

struct cuda_uuid {
    unsigned char bytes[16];
};

struct cuda_driver {
    void *object;
    cuda_status (*init)(unsigned flags);
    cuda_status (*error_name)(cuda_status status, const char **text);
    cuda_status (*count)(int *count);
    cuda_status (*device)(cuda_device *device, int index);
    cuda_status (*uuid)(struct cuda_uuid *uuid, cuda_device device);
    cuda_status (*name)(char *text, int size, cuda_device device);
    cuda_status (*bus)(char *text, int size, cuda_device device);
    cuda_status (*attribute)(int *value, int attribute, cuda_device device);
    cuda_status (*memory)(size_t *bytes, cuda_device device);
    cuda_status (*retain)(void **context, cuda_device device);
    cuda_status (*set_current)(void *context);
    cuda_status (*release)(cuda_device device);
    cuda_status (*can_reach)(int *can, cuda_device device, cuda_device peer);
    cuda_status (*reach)(void *context, unsigned flags);
    cuda_status (*info)(size_t *free_bytes, size_t *total_bytes);
    cuda_status (*alloc)(cuda_address *address, size_t size);
    cuda_status (*free)(cuda_address address);
    cuda_status (*host_alloc)(void **memory, size_t size);
    cuda_status (*host_free)(void *memory);
    cuda_status (*fill)(cuda_address address, unsigned char value, size_t size);
    cuda_status (*write)(cuda_address to, const void *from, size_t size);
    cuda_status (*read)(void *to, cuda_address from, size_t size);
    cuda_status (*copy)(cuda_address to, void *to_context, cuda_address from, void *from_context,
                        size_t size);
    cuda_status (*wait)(void);
    cuda_status (*load)(void **module, const void *image, unsigned count, int *options,
                        void **values);
    cuda_status (*unload)(void *module);
    cuda_status (*function)(void **function, void *module, const char *name);
    cuda_status (*launch)(void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                          unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared,
                          void *stream, void **arguments, void **extra);
};

/* Opens the library, finds all of these and starts it. ERROR_UNAVAILABLE: there is no driver, or
 * no device. ERROR_IO: there is one that does not work. */
NODISCARD bool cuda_driver_open(struct cuda_driver *driver, struct error *err);

/* ERROR_NOT_FOUND: it does not know that uuid, "GPU-...". */
NODISCARD bool cuda_driver_find(const struct cuda_driver *driver, const char *uuid,
                                cuda_device *ret, struct error *err);

/* Always false: what could not be done, and the driver's name for why. */
bool cuda_driver_refused(const struct cuda_driver *driver, cuda_status status, const char *what,
                         struct error *err);

#endif
