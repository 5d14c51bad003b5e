/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent has measured of its machine:
 *
 *   POST /agent/v1/bench  {"age_s","backend","cpu_mops","disk_read_mbs","disk_write_mbs",
 *                          "disk_iops","gpus":[{"uuid","tf32_gflops",...}]} -> {}
 *
 * 0 is what was not measured; what older agents do not say is unknown. It counts in the stream
 * "op". Saying the same again changes nothing but the time. */

#ifndef BERTH_PROTO_BENCH_H
#define BERTH_PROTO_BENCH_H

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "market/gpu_gauge.h"
#include "market/machine.h"

#define BENCH_AGE_MAX_S INT64_C(31536000)

struct bench_gpu {
    char uuid[GPU_UUID_SIZE];
    int64_t tf32_gflops, f32_gflops, f16_gflops, bf16_gflops; /* sustained */
    int64_t memory_mbs;                                       /* copied: read and written */
    int64_t pcie_down_mbs, pcie_up_mbs;                       /* from the host, and to it */
    int64_t i8_gops;                                          /* by tensor cores, sustained */
    int64_t peer_mbs; /* to the other GPU that it is slowest to; 0: there is none, or no way */
    int64_t wrong;    /* kinds of products that were not what they had to be */
    /* What was worst while it worked, as its driver told; -1 unknown: the highest of these two, the
     * lowest of the clocks, and all that kept them down (market/gpu_gauge.h). */
    int64_t temperature_c, power_w;
    int64_t core_mhz, memory_mhz, brakes;
};

struct bench_report {
    int64_t age_s;    /* since it was measured, by the agent's clock */
    char backend[32]; /* "cuda", "opencl", or "" without a GPU */
    char driver[32];  /* that it was measured with; "" unknown */
    int64_t cpu_mops; /* multiply-adds of bytes by one thread, millions a second */
    int64_t disk_read_mbs, disk_write_mbs, disk_iops;
    int64_t gpu_count;
    struct bench_gpu gpus[GPUS_MAX];
};

void bench_report_encode(struct buf *out, const struct bench_report *report);
NODISCARD bool bench_report_decode(const json_t *root, struct bench_report *ret, struct error *err);

#endif
