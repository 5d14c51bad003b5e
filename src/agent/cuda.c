/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cuda.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cuda_driver.h"
#include "agent/ptx.h"

enum { BUILD_LOG_SIZE = 4096, BLOCK_MAX = 256, BLOCK_ROWS_MAX = 65535 };

struct cuda {
    struct cuda_driver driver;
};

struct cuda_open_device {
    struct device device;
    const struct cuda_driver *driver; /* borrowed */
    cuda_device number;
    void *context, *module;
};

struct cuda *cuda_open(struct error *err)
{
    struct cuda *cuda = calloc(1, sizeof *cuda);

    if (cuda == NULL)
        abort(); /* As base/buf.h says. */
    if (ptx_for(INT64_MAX) == NULL)
        (void)error_set(err, ERROR_UNAVAILABLE, "built without kernels for CUDA");
    else if (cuda_driver_open(&cuda->driver, err))
        return cuda;
    cuda_close(&cuda);
    return NULL;
}

void cuda_close(struct cuda **cuda)
{
    free(*cuda);
    *cuda = NULL;
}

static int64_t attribute(const struct cuda_driver *driver, cuda_device device, int which)
{
    int value = 0;

    return driver->attribute(&value, which, device) == CUDA_OK && value > 0 ? value : 0;
}

/* The driver's numbers fit where it keeps handles. */
static void *as_id(cuda_device device)
{
    return (void *)(uintptr_t)(unsigned)device;
}

/* False: one of no use. */
static bool describe(const struct cuda_driver *driver, int index, struct device_about *ret)
{
    struct device_about about = { .driver = DEVICE_CUDA, .is_gpu = true };
    cuda_device device;
    size_t memory;

    if (driver->device(&device, index) != CUDA_OK || driver->memory(&memory, device) != CUDA_OK ||
        driver->name(about.name, sizeof about.name, device) != CUDA_OK ||
        driver->bus(about.pci_bus, sizeof about.pci_bus, device) != CUDA_OK)
        return false;
    about.name[sizeof about.name - 1] = about.pci_bus[sizeof about.pci_bus - 1] = '\0';
    about.id = as_id(device);
    about.compute_cap = 100 * attribute(driver, device, CUDA_ATTRIBUTE_MAJOR) +
                        10 * attribute(driver, device, CUDA_ATTRIBUTE_MINOR);
    about.memory = about.buffer_max = memory;
    about.cache = (uint64_t)attribute(driver, device, CUDA_ATTRIBUTE_CACHE);
    *ret = about;
    return ptx_for(about.compute_cap) != NULL;
}

size_t cuda_devices(struct cuda *cuda, struct device_about ret[static DEVICES_MAX])
{
    int all = 0;
    size_t count = 0;

    if (cuda->driver.count(&all) != CUDA_OK)
        return 0;
    for (int i = 0; i < all && count < DEVICES_MAX; i++)
        count += describe(&cuda->driver, i, &ret[count]);
    return count;
}

static struct cuda_open_device *own(struct device *device)
{
    return (struct cuda_open_device *)device;
}

/* Whose context is current belongs to the thread: somebody may have another device open. */
static const struct cuda_driver *enter(const struct cuda_open_device *open)
{
    return open->driver->set_current(open->context) == CUDA_OK ? open->driver : NULL;
}

static void *as_buffer(cuda_address address)
{
    return (void *)(uintptr_t)address;
}

static cuda_address address_of(const void *buffer)
{
    return (cuda_address)(uintptr_t)buffer;
}

static void *alloc_buffer(struct device *device, size_t size)
{
    const struct cuda_driver *driver = enter(own(device));
    cuda_address address = 0;

    return driver != NULL && driver->alloc(&address, size) == CUDA_OK ? as_buffer(address) : NULL;
}

static void free_buffer(struct device *device, void *buffer)
{
    const struct cuda_driver *driver = enter(own(device));

    if (driver != NULL)
        (void)driver->free(address_of(buffer));
}

static bool write_buffer(struct device *device, void *buffer, const void *bytes, size_t size)
{
    const struct cuda_driver *driver = enter(own(device));

    return driver != NULL && driver->write(address_of(buffer), bytes, size) == CUDA_OK;
}

static bool read_buffer(struct device *device, void *buffer, size_t offset, void *bytes,
                        size_t size)
{
    const struct cuda_driver *driver = enter(own(device));

    return driver != NULL && driver->read(bytes, address_of(buffer) + offset, size) == CUDA_OK;
}

static bool finish(struct device *device)
{
    const struct cuda_driver *driver = enter(own(device));

    return driver != NULL && driver->wait() == CUDA_OK;
}

/* Where one reaches the other's memory, it is let; where not, the driver goes through the host. */
static bool copy_buffer(struct device *from, void *from_buffer, struct device *to, void *to_buffer,
                        size_t size)
{
    const struct cuda_open_device *source = own(from), *target = own(to);
    const struct cuda_driver *driver = enter(source);
    int can = 0;

    if (driver == NULL)
        return false;
    if (driver->can_reach(&can, source->number, target->number) == CUDA_OK && can != 0) {
        cuda_status status = driver->reach(target->context, 0);

        if (status != CUDA_OK && status != CUDA_PEER_ALREADY)
            return false;
    }
    return driver->copy(address_of(to_buffer), target->context, address_of(from_buffer),
                        source->context, size) == CUDA_OK &&
           driver->wait() == CUDA_OK;
}

static void *alloc_host(struct device *device, size_t size)
{
    const struct cuda_driver *driver = enter(own(device));
    void *memory = NULL;

    return driver != NULL && driver->host_alloc(&memory, size) == CUDA_OK ? memory : NULL;
}

static void free_host(struct device *device, void *memory)
{
    const struct cuda_driver *driver = enter(own(device));

    if (driver != NULL)
        (void)driver->host_free(memory);
}

/* The most threads, up to `max`, that go into so many work items without a rest. */
static unsigned threads_of(size_t items, unsigned max)
{
    unsigned threads = 1;

    while (threads * 2 <= max && items % (threads * 2) == 0)
        threads *= 2;
    return threads;
}

static bool run_kernel(struct device *device, const struct device_run *run)
{
    const struct cuda_driver *driver = enter(own(device));
    size_t height = run->height > 0 ? run->height : 1;
    unsigned columns = run->group > 0 ? (unsigned)run->group : threads_of(run->width, BLOCK_MAX);
    unsigned rows = run->group > 0 ? 1 : threads_of(height, BLOCK_MAX / columns);
    void *arguments[DEVICE_ARGUMENTS_MAX], *function;

    assert(run->count <= DEVICE_ARGUMENTS_MAX && run->width % columns == 0);
    if (driver == NULL || run->width / columns > INT32_MAX || height / rows > BLOCK_ROWS_MAX ||
        driver->function(&function, own(device)->module, run->kernel) != CUDA_OK)
        return false;
    for (size_t i = 0; i < run->count; i++)
        arguments[i] = (void *)(uintptr_t)run->arguments[i].bytes;
    return driver->launch(function, (unsigned)(run->width / columns), (unsigned)(height / rows), 1,
                          columns, rows, 1, 0, NULL, arguments, NULL) == CUDA_OK;
}

static bool has_kernel(struct device *device, const char *kernel)
{
    const struct cuda_driver *driver = enter(own(device));
    void *function;

    return driver != NULL && driver->function(&function, own(device)->module, kernel) == CUDA_OK;
}

static void close_device(struct device *device)
{
    struct cuda_open_device *open = own(device);
    const struct cuda_driver *driver = open->context != NULL ? enter(open) : NULL;

    if (driver != NULL && open->module != NULL)
        (void)driver->unload(open->module);
    if (open->context != NULL)
        (void)open->driver->release(open->number);
    free(open);
}

static const struct device_calls calls = {
    .close = close_device,
    .alloc = alloc_buffer,
    .free = free_buffer,
    .write = write_buffer,
    .read_at = read_buffer,
    .finish = finish,
    .copy = copy_buffer,
    .host_alloc = alloc_host,
    .host_free = free_host,
    .run = run_kernel,
    .has = has_kernel,
};

/* The driver's compiler says what it does not like. */
static bool build(struct cuda_open_device *open, int64_t compute_cap, struct error *err)
{
    char said[BUILD_LOG_SIZE] = "";
    int options[] = { CUDA_BUILD_ERRORS, CUDA_BUILD_ERRORS_SIZE };
    void *values[] = { said, (void *)(uintptr_t)sizeof said };
    cuda_status status =
        open->driver->load(&open->module, ptx_for(compute_cap), 2, options, values);

    said[sizeof said - 1] = '\0';
    if (status == CUDA_OK)
        return true;
    open->module = NULL;
    return said[0] != '\0'
               ? error_set(err, ERROR_IO, "CUDA does not take our kernels: %.200s", said)
               : cuda_driver_refused(open->driver, status, "does not take our kernels", err);
}

struct device *cuda_device_open(struct cuda *cuda, const struct device_about *about,
                                struct error *err)
{
    struct cuda_open_device *open = calloc(1, sizeof *open);
    struct device *device;
    cuda_status status;

    if (open == NULL)
        abort();
    *open = (struct cuda_open_device){ .device = { &calls },
                                       .driver = &cuda->driver,
                                       .number = (cuda_device)(uintptr_t)about->id };
    status = cuda->driver.retain(&open->context, open->number);
    if (status != CUDA_OK) {
        open->context = NULL;
        (void)cuda_driver_refused(&cuda->driver, status, "gives no context", err);
    } else if (enter(open) == NULL) {
        (void)error_set(err, ERROR_IO, "CUDA does not take its own context");
    } else if (build(open, about->compute_cap, err)) {
        return &open->device;
    }
    (void)error_context(err, "%s", about->name);
    device = &open->device;
    device_close(&device);
    return NULL;
}
