/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/device_memory.h"

#include <stdlib.h>

enum { BUFFERS = 8, PAGES_GROUP = 64 };

struct device_memory {
    struct device *device; /* borrowed */
    void *buffers[BUFFERS];
    uint64_t each; /* cells of a buffer: whole pages */
    void *seed;
};

struct device_memory *device_memory_open(struct device *device, const struct memory_terms *terms,
                                         struct error *err)
{
    struct device_memory *memory = calloc(1, sizeof *memory);
    bool has_all = true;

    if (memory == NULL)
        abort(); /* As base/buf.h says. */
    memory->device = device;
    memory->each = (terms->pages + BUFFERS - 1) / BUFFERS * MEMORY_PAGE_CELLS;
    memory->seed = device_alloc(device, sizeof terms->seed);
    for (int i = 0; i < BUFFERS; i++) {
        memory->buffers[i] = device_alloc(device, memory->each * MEMORY_CELL_SIZE);
        has_all = has_all && memory->buffers[i] != NULL;
    }
    if (has_all && memory->seed != NULL)
        return memory;
    (void)error_set(err, ERROR_IO, "the GPU has not so much memory");
    device_memory_close(&memory);
    return NULL;
}

void device_memory_close(struct device_memory **memory_owner)
{
    struct device_memory *memory = *memory_owner;

    for (int i = 0; memory != NULL && i < BUFFERS; i++)
        device_free(memory->device, memory->buffers[i]);
    if (memory != NULL)
        device_free(memory->device, memory->seed);
    free(memory);
    *memory_owner = NULL;
}

/* The memory as a kernel's first arguments. */
static struct device_run run_of(struct device_memory *memory, const char *kernel, uint64_t width)
{
    struct device_run run = { .kernel = kernel, .width = width };

    while (run.count < BUFFERS) {
        run.arguments[run.count] = DEVICE_ARGUMENT(memory->buffers[run.count]);
        run.count++;
    }
    run.arguments[run.count++] = DEVICE_ARGUMENT(memory->each);
    return run;
}

static bool fill(struct device_memory *memory, const struct memory_terms *terms)
{
    struct device_run run = run_of(memory, "memory_fill", memory_cells(terms));

    run.arguments[run.count++] = DEVICE_ARGUMENT(memory->seed);
    return device_write(memory->device, memory->seed, terms->seed, sizeof terms->seed) &&
           device_run(memory->device, &run);
}

static bool mix(struct device_memory *memory, const struct memory_terms *terms, uint32_t layer)
{
    uint64_t half = memory_cells(terms) / 2;
    struct device_run run = run_of(memory, "memory_mix", half);
    uint32_t bits = 1;

    while (UINT64_C(1) << (2 * bits) < half)
        bits++;
    run.arguments[run.count++] = DEVICE_ARGUMENT(memory->seed);
    run.arguments[run.count++] = DEVICE_ARGUMENT(layer);
    run.arguments[run.count++] = DEVICE_ARGUMENT(bits);
    run.arguments[run.count++] = DEVICE_ARGUMENT(half);
    return device_run(memory->device, &run);
}

static bool make(void *context, const struct memory_terms *terms, struct hash *ret_pages)
{
    struct device_memory *memory = context;
    size_t size = terms->pages * sizeof *ret_pages;
    void *roots = device_alloc(memory->device, size);
    bool is_made = roots != NULL && fill(memory, terms);

    for (uint32_t layer = 1; is_made && layer <= terms->layers; layer++)
        is_made = mix(memory, terms, layer);
    uint64_t pages = terms->pages;
    struct device_run run =
        run_of(memory, "memory_pages", (pages + PAGES_GROUP - 1) / PAGES_GROUP * PAGES_GROUP);
    run.arguments[run.count++] = DEVICE_ARGUMENT(pages);
    run.arguments[run.count++] = DEVICE_ARGUMENT(roots);
    is_made = is_made && device_run(memory->device, &run) &&
              device_read(memory->device, roots, ret_pages, size);
    device_free(memory->device, roots);
    return is_made;
}

static bool read_page(void *context, uint64_t page, uint8_t ret[static MEMORY_PAGE_SIZE])
{
    struct device_memory *memory = context;
    uint64_t each = memory->each / MEMORY_PAGE_CELLS;

    return device_read_at(memory->device, memory->buffers[page / each],
                          page % each * MEMORY_PAGE_SIZE, ret, MEMORY_PAGE_SIZE);
}

struct memory_engine device_memory_engine(struct device_memory *memory)
{
    return (struct memory_engine){ make, read_page, memory };
}
