/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/hardware.h"

#include <string.h>

#include "base/json.h"
#include "proto/hello.h"
#include "store/contract.h"

bool hardware_facts(const char *json, struct machine_facts *ret, struct error *err)
{
    auto_json json_t *root = NULL;

    if (json_parse(json, strlen(json), &root, err) && machine_facts_decode(root, ret, err))
        return true;
    err->code = ERROR_CORRUPT;
    return error_context(err, "stored facts");
}

static bool makes_way(const struct gpu_row *gpu)
{
    return gpu->claimed_by == 0 || gpu->claimed_kind == KIND_BID || gpu->claimed_kind == KIND_IDLE;
}

bool hardware_load(struct db *db, const struct machine_row *row, struct instant now,
                   struct arena *arena, struct hardware **ret, struct error *err)
{
    struct hardware *hardware = arena_alloc(arena, 1, sizeof *hardware);
    int64_t disk_rented_gb;

    if (hardware == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for a machine");
    if (!hardware_facts(row->facts, &hardware->facts, err) ||
        !gpu_list(db, row->id, arena, &hardware->gpus, &hardware->gpu_count, err) ||
        !contract_disk_on(db, row->id, &disk_rented_gb, err))
        return error_context(err, "machine %lld", (long long)row->id);

    struct machine *machine = &hardware->machine;
    *machine = machine_of(row->id, row->owner_id, &hardware->facts);
    machine->geolocation = row->geolocation;
    machine->verification = row->verification;
    machine->is_connected = row->is_online && row->is_engine_ok && !row->is_quarantined;
    machine_take_bench(machine, &row->bench);
    machine_take_shown(machine, &row->shown);
    machine_take_history(machine, &row->reliability, row->is_online, now);
    machine->disk_free_gb =
        machine->disk_gb > disk_rented_gb ? machine->disk_gb - disk_rented_gb : 0;
    machine->gpus_free = -row->promised;
    for (size_t i = 0; i < hardware->gpu_count; i++)
        machine->gpus_free += makes_way(&hardware->gpus[i]);
    machine->gpus_free = machine->gpus_free > 0 ? machine->gpus_free : 0;
    *ret = hardware;
    return true;
}

bool hardware_is_idle(const struct hardware *hardware)
{
    for (size_t i = 0; i < hardware->gpu_count; i++) {
        if (hardware->gpus[i].claimed_by != 0)
            return false;
    }
    return true;
}

bool hardware_is_free(const struct hardware *hardware, const char *uuid)
{
    for (size_t i = 0; i < hardware->gpu_count; i++) {
        if (strcmp(hardware->gpus[i].uuid, uuid) == 0)
            return hardware->gpus[i].claimed_by == 0;
    }
    return false;
}
