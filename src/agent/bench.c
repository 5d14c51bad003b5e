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
#include "sys/file.h"
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
static void measure_disk(const char *disk, struct bench_report *report)
{
    int8_t *chunk = NULL;
    struct error ignored;
    int64_t start;

    auto_close int fd = file_scratch(disk, O_DIRECT, &ignored);
    if (fd < 0 || posix_memalign((void **)&chunk, DISK_BLOCK, DISK_CHUNK) != 0)
        return;
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

static const struct gpu_facts *find_gpu(const struct machine_facts *facts,
                                        const struct device_about *about)
{
    for (int64_t i = 0; i < facts->gpu_count; i++) {
        if (device_same_bus(facts->gpus[i].pci_bus, about->pci_bus))
            return &facts->gpus[i];
    }
    return NULL;
}

struct measured {
    struct devices *devices;
    size_t count;
    struct device_about all[GPUS_MAX]; /* as the report's GPUs are ordered */
};

/* To its neighbour in a ring, which is what programs on several GPUs do most; both ways of a pair
 * have the same wires. */
static void measure_peers(const struct measured *measured, struct bench_report *report)
{
    struct error ignored;

    for (size_t i = 0; measured->count > 1 && i < measured->count; i++) {
        size_t next = (i + 1) % measured->count;
        auto_device struct device *from =
            device_open(measured->devices, &measured->all[i], &ignored);
        auto_device struct device *to =
            device_open(measured->devices, &measured->all[next], &ignored);

        if (from != NULL && to != NULL)
            report->gpus[i].peer_mbs = bench_gpu_peer(from, to);
    }
}

static void measure_gpus(const struct machine_facts *facts, struct bench_report *report)
{
    static struct device_about list[DEVICES_MAX];
    static struct measured measured;
    struct error err;
    auto_devices struct devices *devices = devices_open();
    size_t count = devices_list(devices, list);

    measured = (struct measured){ .devices = devices };
    for (size_t i = 0; i < count && report->gpu_count < GPUS_MAX; i++) {
        const struct gpu_facts *known = find_gpu(facts, &list[i]);
        auto_device struct device *device =
            known != NULL ? device_open(devices, &list[i], &err) : NULL;

        if (device == NULL)
            continue;
        struct bench_gpu *gpu = &report->gpus[report->gpu_count++];
        memcpy(gpu->uuid, known->uuid, sizeof gpu->uuid);
        bench_gpu(device, &(struct bench_gpu_options){ .about = &list[i], .copy_max = SIZE_MAX },
                  gpu);
        measured.all[measured.count++] = list[i];
    }
    measure_peers(&measured, report);
    if (measured.count > 0)
        (void)snprintf(report->backend, sizeof report->backend, "%s",
                       device_driver_name(measured.all[0].driver));
}

void bench_measure(const struct bench_options *options, struct bench_report *ret)
{
    *ret = (struct bench_report){ 0 };
    ret->cpu_mops = measure_cpu();
    measure_disk(options->disk, ret);
    (void)snprintf(ret->driver, sizeof ret->driver, "%s", options->facts->driver_version);
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

static void print_known(FILE *out, const char *name, int64_t value, const char *unit)
{
    if (value > 0)
        (void)fprintf(out, "  %s %" PRId64 " %s", name, value, unit);
}

static void print_gpu(FILE *out, const struct bench_gpu *gpu)
{
    (void)fprintf(out, "%s ", gpu->uuid);
    print_known(out, "fp32", gpu->f32_gflops, "GFLOP/s");
    print_known(out, "tf32", gpu->tf32_gflops, "GFLOP/s");
    print_known(out, "fp16", gpu->f16_gflops, "GFLOP/s");
    print_known(out, "bf16", gpu->bf16_gflops, "GFLOP/s");
    print_known(out, "int8", gpu->i8_gops, "GOP/s");
    print_known(out, "memory", gpu->memory_mbs, "MB/s");
    print_known(out, "from the host", gpu->pcie_down_mbs, "MB/s");
    print_known(out, "to it", gpu->pcie_up_mbs, "MB/s");
    print_known(out, "to the next GPU", gpu->peer_mbs, "MB/s");
    print_known(out, "at most", gpu->temperature_c, "C");
    print_known(out, "and", gpu->power_w, "W");
    print_known(out, "at least", gpu->core_mhz, "MHz");
    for (enum gpu_brake brake = 0; gpu->brakes > 0 && brake < GPU_BRAKES; brake++)
        if ((gpu->brakes >> brake & 1) != 0)
            (void)fprintf(out, "  slowed by %s", gpu_brake_name(brake));
    if (gpu->wrong > 0)
        (void)fprintf(out, "  IT COUNTS WRONGLY (%" PRId64 " kinds of products)", gpu->wrong);
    (void)fprintf(out, "\n");
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
    for (int64_t i = 0; i < report->gpu_count; i++)
        print_gpu(out, &report->gpus[i]);
    if (report->gpu_count == 0)
        (void)fprintf(out, "GPUs       none was measured\n");
    else
        (void)fprintf(out, "measured   by %s%s%s\n", report->backend,
                      report->driver[0] != '\0' ? ", driver " : "", report->driver);
}
