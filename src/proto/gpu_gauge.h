/* SPDX-License-Identifier: Apache-2.0 */
/* Gauges of GPUs, as they travel and are kept: [{"uuid","permille","temperature_c",...}]. */

#ifndef BERTH_PROTO_GPU_GAUGE_H
#define BERTH_PROTO_GPU_GAUGE_H

#include <stddef.h>

#include "base/encode.h"
#include "base/error.h"
#include "base/json.h"
#include "market/gpu_gauge.h"

/* At most GPUS_MAX of them, where a value may stand. */
void gpu_gauges_encode(struct encoder *json, const struct gpu_gauge *gauges, size_t count);

/* `ret` has room for GPUS_MAX. Failing may leave it half filled. */
NODISCARD bool gpu_gauges_decode(const json_t *array, struct gpu_gauge *ret, size_t *ret_count,
                                 struct error *err);

#endif
