/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/bench.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/bench_gpu.h"
#include "sys/crypto.h"
#include "sys/fd.h"
#include "sys/proof_arith.h"

enum {
    CPU_N = 4096,
    CPU_ROUNDS = 1 << 16,
    DISK_BYTES = 128 << 20,
    DISK_CHUNK = 1 << 20,
    DISK_BLOCK = 4096,
    DISK_READS = 512,
};

static int64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Millions a second, of one thread. */
static int64_t measure_cpu(void)
{
    static int8_t column[CPU_N];
    static int16_t row[CPU_N];
    const uint8_t seed[PROOF_SEED_SIZE] = { 1 };
    volatile int32_t sink = 0;

    proof_line(seed, PROOF_STREAM_B, 0, CPU_N, column);
    for (int i = 0; i < CPU_N; i++)
        row[i] = column[CPU_N - 1 - i];
    int64_t start = now_us();
    for (int i = 0; i < CPU_ROUNDS; i++)
        sink = proof_loops()->dot(row, column, CPU_N);
    (void)sink;
    int64_t took = now_us() - start + 1;
    return (int64_t)CPU_N * CPU_ROUNDS / took;
}

/* Chunks that nothing can shorten. */
static bool write_all(int fd, int8_t *chunk)
{
    uint8_t seed[PROOF_SEED_SIZE];

    crypto_random(seed, sizeof seed);
    for (uint32_t i = 0; i < DISK_BYTES / DISK_CHUNK; i++) {
        for (uint32_t at = 0; at < DISK_CHUNK; at += PROOF_N_MAX)
            proof_line(seed, PROOF_STREAM_A, i * (DISK_CHUNK / PROOF_N_MAX) + at / PROOF_N_MAX,
                       PROOF_N_MAX, chunk + at);
        if (write(fd, chunk, DISK_CHUNK) != DISK_CHUNK)
            return false;
    }
    return fsync(fd) == 0;
}

static bool read_all(int fd, int8_t *chunk)
{
    for (off_t at = 0; at < DISK_BYTES; at += DISK_CHUNK) {
        if (pread(fd, chunk, DISK_CHUNK, at) != DISK_CHUNK)
            return false;
    }
    return true;
}

static bool read_here_and_there(int fd, int8_t *chunk)
{
    uint32_t places[DISK_READS];

    crypto_random(places, sizeof places);
    for (int i = 0; i < DISK_READS; i++) {
        off_t at = (off_t)(places[i] % (DISK_BYTES / DISK_BLOCK)) * DISK_BLOCK;

        if (pread(fd, chunk, DISK_BLOCK, at) != DISK_BLOCK)
            return false;
    }
    return true;
}

/* Past the page cache. Where the file system cannot do that, nothing is measured. */
static void measure_disk(const char *data_dir, struct bench_report *report)
{
    char path[PATH_MAX];
    int8_t *chunk = NULL;
    int64_t start;

    (void)snprintf(path, sizeof path, "%s/bench-disk", data_dir);
    auto_close int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_DIRECT, 0600);
    if (fd < 0 || posix_memalign((void **)&chunk, DISK_BLOCK, DISK_CHUNK) != 0)
        return;
    (void)unlink(path);
    start = now_us();
    if (write_all(fd, chunk)) {
        report->disk_write_mbs = DISK_BYTES / (now_us() - start + 1);
        start = now_us();
        if (read_all(fd, chunk))
            report->disk_read_mbs = DISK_BYTES / (now_us() - start + 1);
        start = now_us();
        if (read_here_and_there(fd, chunk))
            report->disk_iops = DISK_READS * INT64_C(1000000) / (now_us() - start + 1);
    }
    free(chunk);
}

bool bench_same_bus(const char *a, const char *b)
{
    /* Domains are written with four digits or eight. */
    const char *end_a = strchr(a, ':'), *end_b = strchr(b, ':');

    return end_a != NULL && end_b != NULL && strcasecmp(end_a, end_b) == 0 &&
           strtoull(a, NULL, 16) == strtoull(b, NULL, 16);
}

static const struct gpu_facts *find_gpu(const struct machine_facts *facts,
                                        const struct opencl_device *device)
{
    for (int64_t i = 0; i < facts->gpu_count; i++) {
        if (bench_same_bus(facts->gpus[i].pci_bus, device->pci_bus))
            return &facts->gpus[i];
    }
    return NULL;
}

static void measure_gpus(const struct machine_facts *facts, struct bench_report *report)
{
    static struct opencl_device devices[OPENCL_DEVICES_MAX];
    struct error err;
    auto_opencl struct opencl *opencl = opencl_open(&err);
    size_t count = opencl != NULL ? opencl_devices(opencl, devices) : 0;

    for (size_t i = 0; i < count && report->gpu_count < GPUS_MAX; i++) {
        const struct gpu_facts *known = find_gpu(facts, &devices[i]);
        auto_opencl_device struct opencl_device_open *open =
            known != NULL ? opencl_device_open(opencl, &devices[i], &err) : NULL;

        if (open == NULL)
            continue;
        struct bench_gpu *gpu = &report->gpus[report->gpu_count++];
        memcpy(gpu->uuid, known->uuid, sizeof gpu->uuid);
        bench_gpu(open, &devices[i], SIZE_MAX, gpu);
    }
    if (report->gpu_count > 0)
        (void)snprintf(report->backend, sizeof report->backend, "opencl");
}

void bench_measure(const struct bench_options *options, struct bench_report *ret)
{
    *ret = (struct bench_report){ 0 };
    ret->cpu_mops = measure_cpu();
    measure_disk(options->data_dir, ret);
    if (options->facts->gpu_count > 0 && !options->facts->is_simulated)
        measure_gpus(options->facts, ret);
}

bool bench_work(void *context, const struct job_report *report, struct buf *result,
                struct error *err)
{
    static struct bench_report measured;

    (void)report;
    (void)err;
    bench_measure(context, &measured);
    bench_report_encode(result, &measured);
    return true;
}

void bench_print(FILE *out, const struct bench_report *report)
{
    (void)fprintf(out,
                  "processor  %" PRId64 " million multiply-adds of bytes a second, one thread\n",
                  report->cpu_mops);
    (void)fprintf(out,
                  "disk       writes %" PRId64 " MB/s, reads %" PRId64 " MB/s, %" PRId64
                  " reads of 4 KiB a second\n",
                  report->disk_write_mbs, report->disk_read_mbs, report->disk_iops);
    for (int64_t i = 0; i < report->gpu_count; i++) {
        const struct bench_gpu *gpu = &report->gpus[i];

        (void)fprintf(out,
                      "%s  fp32 %" PRId64 " GFLOP/s, fp16 %" PRId64 " GFLOP/s, memory %" PRId64
                      " MB/s, from the host %" PRId64 " MB/s, to it %" PRId64 " MB/s\n",
                      gpu->uuid, gpu->f32_gflops, gpu->f16_gflops, gpu->memory_mbs,
                      gpu->pcie_down_mbs, gpu->pcie_up_mbs);
    }
    if (report->gpu_count == 0)
        (void)fprintf(out, "GPUs       none was measured\n");
}
