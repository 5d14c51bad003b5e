/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/bench.h"

#include <assert.h>
#include <inttypes.h>

#include "base/encode.h"
#include "proto/fields.h"

enum { RATE_MAX = 1000000000 };

#define R struct bench_report
static const struct field report_fields[] = {
    FIELD_INT(R, age_s, 0, BENCH_AGE_MAX_S),
    FIELD_CHARS(R, backend),
    FIELD_INT(R, cpu_mops, 0, RATE_MAX),
    FIELD_INT(R, disk_read_mbs, 0, RATE_MAX),
    FIELD_INT(R, disk_write_mbs, 0, RATE_MAX),
    FIELD_INT(R, disk_iops, 0, RATE_MAX),
    FIELD_CHARS_ADDED(R, driver),
};
#undef R
static const struct field_list report_list = FIELD_LIST(report_fields);

#define G struct bench_gpu
static const struct field gpu_fields[] = {
    FIELD_CHARS(G, uuid),
    FIELD_INT(G, tf32_gflops, 0, RATE_MAX),
    FIELD_INT(G, f32_gflops, 0, RATE_MAX),
    FIELD_INT(G, f16_gflops, 0, RATE_MAX),
    FIELD_INT(G, bf16_gflops, 0, RATE_MAX),
    FIELD_INT(G, memory_mbs, 0, RATE_MAX),
    FIELD_INT(G, pcie_down_mbs, 0, RATE_MAX),
    FIELD_INT(G, pcie_up_mbs, 0, RATE_MAX),
    FIELD_INT_ADDED(G, i8_gops, 0, RATE_MAX),
    FIELD_INT_ADDED(G, peer_mbs, 0, RATE_MAX),
    FIELD_INT_ADDED(G, wrong, 0, RATE_MAX),
    FIELD_INT_ADDED(G, temperature_c, -1, 1000),
    FIELD_INT_ADDED(G, power_w, -1, GPU_POWER_MAX_W),
    FIELD_INT_ADDED(G, core_mhz, -1, GPU_CLOCK_MAX_MHZ),
    FIELD_INT_ADDED(G, memory_mhz, -1, GPU_CLOCK_MAX_MHZ),
    FIELD_INT_ADDED(G, brakes, -1, GPU_BRAKES_ALL),
};
#undef G
static const struct field_list gpu_list = FIELD_LIST(gpu_fields);

void bench_report_encode(struct buf *out, const struct bench_report *report)
{
    struct encoder json = encoder_of(out);

    assert(report->gpu_count >= 0 && report->gpu_count <= GPUS_MAX);
    encode_object(&json);
    fields_encode(&json, &report_list, report);
    encode_key(&json, "gpus");
    encode_array(&json);
    for (int64_t i = 0; i < report->gpu_count; i++) {
        encode_object(&json);
        fields_encode(&json, &gpu_list, &report->gpus[i]);
        encode_end(&json);
    }
    encode_end(&json);
    encode_end(&json);
}

bool bench_report_decode(const json_t *root, struct bench_report *ret, struct error *err)
{
    struct bench_report report = { 0 };
    const json_t *gpus;

    if (!fields_decode(root, &report_list, NULL, &report, err) ||
        !json_need_array(root, "gpus", GPUS_MAX, &gpus, err))
        return false;
    report.gpu_count = (int64_t)json_array_size(gpus);
    for (int64_t i = 0; i < report.gpu_count; i++) {
        struct bench_gpu *gpu = &report.gpus[i];

        gpu->temperature_c = gpu->power_w = gpu->core_mhz = gpu->memory_mhz = gpu->brakes = -1;
        if (!fields_decode(json_array_get(gpus, (size_t)i), &gpu_list, NULL, &report.gpus[i], err))
            return error_context(err, "gpus[%" PRId64 "]", i);
    }
    *ret = report;
    return true;
}
