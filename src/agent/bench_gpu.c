/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/bench_gpu.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    RUNS = 5,
    ITEMS = 1 << 20,
    STEPS_FIRST = 16,
    STEPS_MAX = 1 << 16,
    FLOPS_A_STEP = 16, /* two multiply-adds on four lanes */
    LINK_BYTES = 64 << 20,
};
#define LONG_ENOUGH_US 50000 /* so that starting a kernel does not count */
#define WARM_UP_US     2000000
#define COPY_MIN       (UINT64_C(1) << 30)
#define CACHES         8 /* what fits into these is not memory */

static int64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Something that takes time. -1: it failed. */
typedef bool timed_work(void *context);

static int64_t time_once(timed_work *work, void *context)
{
    int64_t start = now_us();

    return work(context) ? now_us() - start + 1 : -1;
}

/* The median; -1: it failed once. */
static int64_t time_runs(timed_work *work, void *context)
{
    int64_t runs[RUNS];

    for (int i = 0; i < RUNS; i++) {
        runs[i] = time_once(work, context);
        if (runs[i] < 0)
            return -1;
    }
    qsort(runs, RUNS, sizeof runs[0], compare);
    return runs[RUNS / 2];
}

struct busy {
    struct opencl_device_open *open;
    const char *kernel;
    void *out;
    uint32_t steps;
};

static bool be_busy(void *context)
{
    const struct busy *busy = context;
    struct opencl_run run = {
        .kernel = busy->kernel,
        .width = ITEMS,
        .count = 2,
        .arguments = { OPENCL_ARGUMENT(busy->out), OPENCL_ARGUMENT(busy->steps) },
    };

    return opencl_run(busy->open, &run) && opencl_finish(busy->open);
}

/* GFLOP/s. The first one keeps the device busy until its clocks are where they stay. */
static int64_t measure_flops(struct opencl_device_open *open, const char *kernel, bool warms_up)
{
    struct busy busy = { open, kernel, opencl_alloc(open, ITEMS * sizeof(float)), STEPS_FIRST };
    int64_t took = -1, until = now_us() + (warms_up ? WARM_UP_US : 0);

    if (busy.out == NULL)
        return 0;
    do {
        took = time_once(be_busy, &busy);
        if (took >= 0 && took < LONG_ENOUGH_US && busy.steps < STEPS_MAX)
            busy.steps *= 2;
        else if (now_us() >= until)
            break;
    } while (took >= 0);
    if (took >= 0)
        took = time_runs(be_busy, &busy);
    opencl_free(open, busy.out);
    return took > 0 ? (int64_t)ITEMS * FLOPS_A_STEP * busy.steps / took / 1000 : 0;
}

struct copying {
    struct opencl_device_open *open;
    void *from, *to;
    size_t size;
    void *bytes; /* the host's; NULL: on the device */
    bool is_up;
};

static bool copy_once(void *context)
{
    const struct copying *copying = context;
    struct opencl_run run = {
        .kernel = "copy",
        .width = copying->size / (4 * sizeof(float)),
        .count = 2,
        .arguments = { OPENCL_ARGUMENT(copying->from), OPENCL_ARGUMENT(copying->to) },
    };

    if (copying->bytes == NULL)
        return opencl_run(copying->open, &run) && opencl_finish(copying->open);
    return copying->is_up
               ? opencl_read(copying->open, copying->from, copying->bytes, copying->size)
               : opencl_write(copying->open, copying->from, copying->bytes, copying->size);
}

/* MB/s, as bytes a microsecond; what is copied is read and written. */
static int64_t measure_memory(struct opencl_device_open *open, const struct opencl_device *device,
                              size_t copy_max)
{
    uint64_t size = device->cache * CACHES > COPY_MIN ? device->cache * CACHES : COPY_MIN;

    size = size < copy_max ? size : copy_max;
    size = size < device->buffer_max ? size : device->buffer_max;
    size = size < device->memory / 4 ? size : device->memory / 4;
    size &= ~UINT64_C(0xfffff);
    struct copying copying = {
        .open = open, .from = opencl_alloc(open, size), .to = opencl_alloc(open, size), .size = size
    };
    int64_t took = -1;

    if (size > 0 && copying.from != NULL && copying.to != NULL && copy_once(&copying))
        took = time_runs(copy_once, &copying);
    opencl_free(open, copying.from);
    opencl_free(open, copying.to);
    return took > 0 ? (int64_t)(2 * size) / took : 0;
}

static void measure_link(struct opencl_device_open *open, struct bench_gpu *gpu)
{
    struct copying copying = { .open = open,
                               .from = opencl_alloc(open, LINK_BYTES),
                               .size = LINK_BYTES,
                               .bytes = calloc(1, LINK_BYTES) };
    int64_t took;

    if (copying.from != NULL && copying.bytes != NULL && copy_once(&copying)) {
        took = time_runs(copy_once, &copying);
        gpu->pcie_down_mbs = took > 0 ? LINK_BYTES / took : 0;
        copying.is_up = true;
        took = time_runs(copy_once, &copying);
        gpu->pcie_up_mbs = took > 0 ? LINK_BYTES / took : 0;
    }
    free(copying.bytes);
    opencl_free(open, copying.from);
}

void bench_gpu(struct opencl_device_open *open, const struct opencl_device *device, size_t copy_max,
               struct bench_gpu *ret)
{
    ret->f32_gflops = measure_flops(open, "busy_f32", device->is_gpu);
    if (device->has_fp16)
        ret->f16_gflops = measure_flops(open, "busy_f16", false);
    ret->memory_mbs = measure_memory(open, device, copy_max);
    measure_link(open, ret);
}
