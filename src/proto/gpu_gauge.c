/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/gpu_gauge.h"

#include <assert.h>

#include "proto/fields.h"

#define G struct gpu_gauge
static const struct field gauge_fields[] = {
    FIELD_CHARS(G, uuid),
    FIELD_INT(G, permille, -1, 1000),
    FIELD_INT(G, memory_used_mb, -1, INT32_MAX),
    FIELD_INT(G, temperature_c, -1, 1000),
    FIELD_INT(G, power_w, -1, GPU_POWER_MAX_W),
    FIELD_INT(G, core_mhz, -1, GPU_CLOCK_MAX_MHZ),
    FIELD_INT(G, memory_mhz, -1, GPU_CLOCK_MAX_MHZ),
    FIELD_INT(G, brakes, -1, GPU_BRAKES_ALL),
};
#undef G
static const struct field_list gauge_list = FIELD_LIST(gauge_fields);

void gpu_gauges_encode(struct encoder *json, const struct gpu_gauge *gauges, size_t count)
{
    assert(count <= GPUS_MAX);
    encode_array(json);
    for (size_t i = 0; i < count; i++) {
        encode_object(json);
        fields_encode(json, &gauge_list, &gauges[i]);
        encode_end(json);
    }
    encode_end(json);
}

bool gpu_gauges_decode(const json_t *array, struct gpu_gauge *ret, size_t *ret_count,
                       struct error *err)
{
    size_t count = json_array_size(array);

    if (!json_is_array(array))
        return error_set(err, ERROR_INVALID, "gauges are not a list");
    if (count > GPUS_MAX)
        return error_set(err, ERROR_OUT_OF_RANGE, "gauges of %zu GPUs", count);
    for (size_t i = 0; i < count; i++) {
        if (!fields_decode(json_array_get(array, i), &gauge_list, NULL, &ret[i], err))
            return error_context(err, "gauge %zu", i);
    }
    *ret_count = count;
    return true;
}
