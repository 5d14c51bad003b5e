/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/opencl_memory.h"

#include <stdlib.h>

enum { BUFFERS = 8 };

struct opencl_memory {
    struct opencl_device_open *device; /* borrowed */
    void *buffers[BUFFERS];
    uint64_t each; /* cells of a buffer: whole pages */
    void *seed;
};

struct opencl_memory *opencl_memory_open(struct opencl_device_open *device,
                                         const struct memory_terms *terms, struct error *err)
{
    struct opencl_memory *memory = calloc(1, sizeof *memory);
    bool has_all = true;

    if (memory == NULL)
        abort(); /* As base/buf.h says. */
    memory->device = device;
    memory->each = (terms->pages + BUFFERS - 1) / BUFFERS * MEMORY_PAGE_CELLS;
    memory->seed = opencl_alloc(device, sizeof terms->seed);
    for (int i = 0; i < BUFFERS; i++) {
        memory->buffers[i] = opencl_alloc(device, memory->each * MEMORY_CELL_SIZE);
        has_all = has_all && memory->buffers[i] != NULL;
    }
    if (has_all && memory->seed != NULL)
        return memory;
    (void)error_set(err, ERROR_IO, "the GPU has not so much memory");
    opencl_memory_close(&memory);
    return NULL;
}

void opencl_memory_close(struct opencl_memory **memory_owner)
{
    struct opencl_memory *memory = *memory_owner;

    for (int i = 0; memory != NULL && i < BUFFERS; i++)
        opencl_free(memory->device, memory->buffers[i]);
    if (memory != NULL)
        opencl_free(memory->device, memory->seed);
    free(memory);
    *memory_owner = NULL;
}

/* The memory as a kernel's first arguments. */
static struct opencl_run run_of(struct opencl_memory *memory, const char *kernel, uint64_t width)
{
    struct opencl_run run = { .kernel = kernel, .width = width };

    while (run.count < BUFFERS) {
        run.arguments[run.count] = OPENCL_ARGUMENT(memory->buffers[run.count]);
        run.count++;
    }
    run.arguments[run.count++] = OPENCL_ARGUMENT(memory->each);
    return run;
}

static bool fill(struct opencl_memory *memory, const struct memory_terms *terms)
{
    struct opencl_run run = run_of(memory, "memory_fill", memory_cells(terms));

    run.arguments[run.count++] = OPENCL_ARGUMENT(memory->seed);
    return opencl_write(memory->device, memory->seed, terms->seed, sizeof terms->seed) &&
           opencl_run(memory->device, &run);
}

static bool mix(struct opencl_memory *memory, const struct memory_terms *terms, uint32_t layer)
{
    uint64_t half = memory_cells(terms) / 2;
    struct opencl_run run = run_of(memory, "memory_mix", half);
    uint32_t bits = 1;

    while (UINT64_C(1) << (2 * bits) < half)
        bits++;
    run.arguments[run.count++] = OPENCL_ARGUMENT(memory->seed);
    run.arguments[run.count++] = OPENCL_ARGUMENT(layer);
    run.arguments[run.count++] = OPENCL_ARGUMENT(bits);
    run.arguments[run.count++] = OPENCL_ARGUMENT(half);
    return opencl_run(memory->device, &run);
}

static bool make(void *context, const struct memory_terms *terms, struct hash *ret_pages)
{
    struct opencl_memory *memory = context;
    size_t size = terms->pages * sizeof *ret_pages;
    void *roots = opencl_alloc(memory->device, size);
    bool is_made = roots != NULL && fill(memory, terms);

    for (uint32_t layer = 1; is_made && layer <= terms->layers; layer++)
        is_made = mix(memory, terms, layer);
    struct opencl_run run = run_of(memory, "memory_pages", terms->pages);
    run.arguments[run.count++] = OPENCL_ARGUMENT(roots);
    is_made = is_made && opencl_run(memory->device, &run) &&
              opencl_read(memory->device, roots, ret_pages, size);
    opencl_free(memory->device, roots);
    return is_made;
}

static bool read_page(void *context, uint64_t page, uint8_t ret[static MEMORY_PAGE_SIZE])
{
    struct opencl_memory *memory = context;
    uint64_t each = memory->each / MEMORY_PAGE_CELLS;

    return opencl_read_at(memory->device, memory->buffers[page / each],
                          page % each * MEMORY_PAGE_SIZE, ret, MEMORY_PAGE_SIZE);
}

struct memory_engine opencl_memory_engine(struct opencl_memory *memory)
{
    return (struct memory_engine){ make, read_page, memory };
}
