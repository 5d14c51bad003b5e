/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/inventory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool inventory_is_free(struct db *db, int64_t machine_id, const struct machine_facts *facts,
                       bool *ret_is_free, struct error *err)
{
    *ret_is_free = true;
    for (int64_t i = 0; i < facts->gpu_count; i++) {
        int64_t holder_id;
        bool has;

        if (!gpu_find(db, facts->gpus[i].uuid, &holder_id, &has, err))
            return false;
        if (has && holder_id != machine_id)
            *ret_is_free = false;
    }
    return true;
}

bool inventory_insert(struct db *db, int64_t machine_id, const struct machine_facts *facts,
                      struct error *err)
{
    struct gpu_row gpu = { .machine_id = machine_id };

    for (int64_t i = 0; i < facts->gpu_count; i++) {
        gpu.uuid = facts->gpus[i].uuid;
        gpu.position = i;
        if (!gpu_insert(db, &gpu, &gpu.id, err))
            return error_context(err, "GPU %s", gpu.uuid);
    }
    if (facts->gpu_count > 0)
        return true;

    char uuid[GPU_UUID_SIZE];
    (void)snprintf(uuid, sizeof uuid, "machine-%" PRId64, machine_id);
    gpu.uuid = uuid;
    gpu.is_whole_machine = true;
    return gpu_insert(db, &gpu, &gpu.id, err);
}

bool inventory_matches(const struct gpu_row *gpus, size_t gpu_count,
                       const struct machine_facts *facts)
{
    if (facts->gpu_count == 0)
        return gpu_count == 1 && gpus[0].is_whole_machine;
    if ((size_t)facts->gpu_count != gpu_count)
        return false;
    /* As many on either side and none of them twice (machine_facts_check()): if each row is among
     * the facts, each fact is among the rows. */
    for (size_t i = 0; i < gpu_count; i++) {
        bool is_there = false;

        for (int64_t k = 0; k < facts->gpu_count; k++)
            is_there |= strcmp(gpus[i].uuid, facts->gpus[k].uuid) == 0;
        if (!is_there)
            return false;
    }
    return true;
}

bool inventory_replace(struct db *db, int64_t machine_id, const struct gpu_row *gpus,
                       size_t gpu_count, const struct machine_facts *facts, struct instant now,
                       struct error *err)
{
    for (size_t i = 0; i < gpu_count; i++)
        if (!gpu_retire(db, gpus[i].id, now, err))
            return false;
    return inventory_insert(db, machine_id, facts, err);
}
