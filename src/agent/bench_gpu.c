/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/bench_gpu.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/bench_tensor.h"
#include "agent/gpu_nvml.h"

enum {
    RUNS = 5,
    ITEMS = 1 << 20,
    STEPS_FIRST = 16,
    STEPS_MAX = TENSOR_STEPS_MAX,
    FLOPS_A_STEP = 16, /* two multiply-adds on four lanes */
    LINK_BYTES = 64 << 20,
    PEER_BYTES = 256 << 20,
    GROUP = 8 * TENSOR_LANES, /* work items that belong together: whole warps */
    UNDER_LOAD = 4,           /* runs that wait behind one another while the driver is asked */
};
#define LONG_ENOUGH_US 200000 /* so that starting a kernel does not count, and clocks settle */
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

/* What was worst of all looks at it. */
static int64_t lower(int64_t a, int64_t b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

static int64_t higher(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void take_look(struct bench_gpu *gpu, const struct gpu_gauge *seen)
{
    gpu->temperature_c = higher(gpu->temperature_c, seen->temperature_c);
    gpu->power_w = higher(gpu->power_w, seen->power_w);
    gpu->core_mhz = lower(gpu->core_mhz, seen->core_mhz);
    gpu->memory_mhz = lower(gpu->memory_mhz, seen->memory_mhz);
    if (seen->brakes >= 0)
        gpu->brakes = gpu->brakes < 0 ? seen->brakes : gpu->brakes | seen->brakes;
}

static void look(struct bench_gpu *gpu)
{
    static struct gpu_gauge all[GPUS_MAX];
    struct error ignored;
    size_t count = 0;

    if (gpu->uuid[0] == '\0' || !gpu_nvml_gauge(all, &count, &ignored))
        return;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(all[i].uuid, gpu->uuid) == 0)
            take_look(gpu, &all[i]);
    }
}

struct busy {
    struct device *device;
    size_t items;
    int64_t run_us;
    const char *kernel;
    void *out;
    uint32_t steps;
};

static struct busy busy_of(struct device *device, const struct bench_gpu_options *options,
                           const char *kernel)
{
    return (struct busy){ .device = device,
                          .items = options->items > 0 ? options->items : ITEMS,
                          .run_us = options->run_us > 0 ? options->run_us : LONG_ENOUGH_US,
                          .kernel = kernel,
                          .steps = STEPS_FIRST };
}

static bool begin_busy(const struct busy *busy)
{
    struct device_run run = {
        .kernel = busy->kernel,
        .width = busy->items,
        .group = GROUP,
        .count = 2,
        .arguments = { DEVICE_ARGUMENT(busy->out), DEVICE_ARGUMENT(busy->steps) },
    };

    return device_run(busy->device, &run);
}

static bool be_busy(void *context)
{
    const struct busy *busy = context;

    return begin_busy(busy) && device_finish(busy->device);
}

/* Until its clocks are where they stay, and each run takes long enough. False: it failed. */
static bool warm_up(struct busy *busy, int64_t for_us)
{
    int64_t took, until = now_us() + for_us;

    do {
        took = time_once(be_busy, busy);
        if (took >= 0 && took < busy->run_us && busy->steps < STEPS_MAX)
            busy->steps *= 2;
        else if (now_us() >= until)
            break;
    } while (took >= 0);
    return took >= 0;
}

/* While it works. */
static bool look_under_load(const struct busy *busy, struct bench_gpu *gpu)
{
    for (int i = 0; i < UNDER_LOAD; i++) {
        if (!begin_busy(busy))
            return false;
    }
    look(gpu);
    return device_finish(busy->device);
}

/* Thousand millions a second, of what takes `operations` for a work item and step. */
static int64_t measure_rate(struct busy *busy, int64_t operations, int64_t warm_up_us,
                            struct bench_gpu *gpu)
{
    int64_t took = warm_up(busy, warm_up_us) ? time_runs(be_busy, busy) : -1;

    if (took <= 0 || !look_under_load(busy, gpu))
        return 0;
    int64_t rate = (int64_t)busy->items * operations * busy->steps / took / 1000;
    return rate > 0 ? rate : 1; /* 0 is what was not measured */
}

static int64_t measure_flops(struct device *device, const struct bench_gpu_options *options,
                             const char *kernel, struct bench_gpu *gpu)
{
    struct busy busy = busy_of(device, options, kernel);
    /* The first kind of work warms it up for all of them. */
    int64_t warm_up_us = options->about->is_gpu && options->run_us == 0 ? WARM_UP_US : 0, rate = 0;

    busy.out = device_alloc(device, busy.items * sizeof(float));
    if (busy.out != NULL)
        rate = measure_rate(&busy, FLOPS_A_STEP, warm_up_us, gpu);
    device_free(device, busy.out);
    return rate;
}

/* A GPU that counts wrongly has no rate of doing so. */
static bool is_right(const struct busy *busy, enum bench_tensor tensor)
{
    size_t size = busy->items * bench_tensor_entries(tensor) * sizeof(uint32_t);
    uint32_t *left = malloc(size);
    bool is_good = left != NULL && device_read(busy->device, busy->out, left, size) &&
                   bench_tensor_is_right(tensor, busy->steps, left, busy->items / TENSOR_LANES);

    free(left);
    return is_good;
}

/* 0 where the device has no such kernel. */
static int64_t measure_tensor(struct device *device, const struct bench_gpu_options *options,
                              enum bench_tensor tensor, struct bench_gpu *gpu)
{
    struct busy busy = busy_of(device, options, bench_tensor_kernel(tensor));
    int64_t rate = 0;

    if (!device_has(device, busy.kernel))
        return 0;
    busy.out = device_alloc(device, busy.items * bench_tensor_entries(tensor) * sizeof(uint32_t));
    if (busy.out != NULL)
        rate = measure_rate(&busy, bench_tensor_operations(tensor), 0, gpu);
    if (rate > 0 && !is_right(&busy, tensor)) {
        gpu->wrong++;
        rate = 0;
    }
    device_free(device, busy.out);
    return rate;
}

struct copying {
    struct device *device;
    void *from, *to;
    size_t size;
    void *bytes;          /* the host's; NULL: on the device */
    struct device *other; /* whose `to` is; NULL: this one's */
    bool is_up;
};

static bool copy_once(void *context)
{
    const struct copying *copying = context;
    struct device_run run = {
        .kernel = "copy",
        .width = copying->size / (4 * sizeof(float)),
        .count = 2,
        .arguments = { DEVICE_ARGUMENT(copying->from), DEVICE_ARGUMENT(copying->to) },
    };

    if (copying->other != NULL)
        return device_copy(copying->device, copying->from, copying->other, copying->to,
                           copying->size);
    if (copying->bytes == NULL)
        return device_run(copying->device, &run) && device_finish(copying->device);
    return copying->is_up
               ? device_read(copying->device, copying->from, copying->bytes, copying->size)
               : device_write(copying->device, copying->from, copying->bytes, copying->size);
}

/* MB/s, as bytes a microsecond; what is copied is read and written. */
static int64_t measure_memory(struct device *device, const struct bench_gpu_options *options,
                              struct bench_gpu *gpu)
{
    const struct device_about *about = options->about;
    uint64_t size = about->cache * CACHES > COPY_MIN ? about->cache * CACHES : COPY_MIN;

    size = size < options->copy_max ? size : options->copy_max;
    size = size < about->buffer_max ? size : about->buffer_max;
    size = size < about->memory / 4 ? size : about->memory / 4;
    size &= ~UINT64_C(0xfffff);
    struct copying copying = { .device = device,
                               .from = device_alloc(device, size),
                               .to = device_alloc(device, size),
                               .size = size };
    int64_t took = -1;

    if (size > 0 && copying.from != NULL && copying.to != NULL && copy_once(&copying)) {
        took = time_runs(copy_once, &copying);
        look(gpu);
    }
    device_free(device, copying.from);
    device_free(device, copying.to);
    return took > 0 ? (int64_t)(2 * size) / took : 0;
}

static void measure_link(struct device *device, struct bench_gpu *gpu)
{
    struct copying copying = { .device = device,
                               .from = device_alloc(device, LINK_BYTES),
                               .size = LINK_BYTES,
                               .bytes = device_host_alloc(device, LINK_BYTES) };
    int64_t took;

    if (copying.from != NULL && copying.bytes != NULL) {
        memset(copying.bytes, 1, LINK_BYTES);
        took = copy_once(&copying) ? time_runs(copy_once, &copying) : -1;
        gpu->pcie_down_mbs = took > 0 ? LINK_BYTES / took : 0;
        copying.is_up = true;
        took = time_runs(copy_once, &copying);
        gpu->pcie_up_mbs = took > 0 ? LINK_BYTES / took : 0;
    }
    device_host_free(device, copying.bytes);
    device_free(device, copying.from);
}

void bench_gpu(struct device *device, const struct bench_gpu_options *options,
               struct bench_gpu *ret)
{
    ret->temperature_c = ret->power_w = ret->core_mhz = ret->memory_mhz = ret->brakes = -1;
    ret->f32_gflops = measure_flops(device, options, "busy_f32", ret);
    if (options->about->has_fp16)
        ret->f16_gflops = measure_flops(device, options, "busy_f16", ret);
    ret->i8_gops = measure_tensor(device, options, TENSOR_I8, ret);
    for (enum bench_tensor tensor = TENSOR_F16; tensor <= TENSOR_F16_VOLTA; tensor++)
        ret->f16_gflops = higher(ret->f16_gflops, measure_tensor(device, options, tensor, ret));
    ret->bf16_gflops = measure_tensor(device, options, TENSOR_BF16, ret);
    ret->tf32_gflops = measure_tensor(device, options, TENSOR_TF32, ret);
    ret->memory_mbs = measure_memory(device, options, ret);
    measure_link(device, ret);
}

int64_t bench_gpu_peer(struct device *from, struct device *to)
{
    struct copying copying = { .device = from,
                               .from = device_alloc(from, PEER_BYTES),
                               .to = device_alloc(to, PEER_BYTES),
                               .size = PEER_BYTES,
                               .other = to };
    int64_t took = -1;

    if (copying.from != NULL && copying.to != NULL && copy_once(&copying))
        took = time_runs(copy_once, &copying);
    device_free(from, copying.from);
    device_free(to, copying.to);
    return took > 0 ? PEER_BYTES / took : 0;
}
