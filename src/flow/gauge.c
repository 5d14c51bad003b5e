/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/gauge.h"

#include <string.h>

#include "base/json.h"
#include "proto/gpu_gauge.h"
#include "store/machine_gauge.h"

bool gauge_take(struct db *db, int64_t machine_id, const struct heartbeat *heartbeat,
                struct instant now, struct error *err)
{
    auto_buf struct buf text = buf_of(PROTO_BODY_MAX);
    struct encoder json = encoder_of(&text);

    if (!heartbeat->has_gauges)
        return true;
    gpu_gauges_encode(&json, heartbeat->gauges, (size_t)heartbeat->gauge_count);
    if (text.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "the gauges are too long");
    const struct machine_gauge_row row = { machine_id, now, text.bytes };
    return machine_gauge_put(db, &row, err);
}

bool gauge_load(struct db *db, int64_t machine_id, struct arena *arena, struct gauge_view *ret,
                struct error *err)
{
    auto_json json_t *array = NULL;
    struct machine_gauge_row row;
    struct gpu_gauge *gpus;
    bool has;

    *ret = (struct gauge_view){ 0 };
    if (!machine_gauge_load(db, machine_id, arena, &row, &has, err))
        return false;
    if (!has)
        return true;
    gpus = arena_alloc(arena, GPUS_MAX, sizeof *gpus);
    if (gpus == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for the gauges");
    if (!json_parse(row.gpus, strlen(row.gpus), &array, err) ||
        !gpu_gauges_decode(array, gpus, &ret->count, err)) {
        err->code = ERROR_CORRUPT;
        return error_context(err, "gauges of a machine");
    }
    ret->gpus = gpus;
    ret->told = row.told;
    return true;
}

const struct gpu_gauge *gauge_find(const struct gauge_view *view, const char *uuid)
{
    for (size_t i = 0; i < view->count; i++)
        if (strcmp(view->gpus[i].uuid, uuid) == 0)
            return &view->gpus[i];
    return NULL;
}
