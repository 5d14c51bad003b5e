/* SPDX-License-Identifier: Apache-2.0 */
#include "market/machine.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "market/gpu.h"
#include "market/meter.h"

/* Far above any machine there is, and far below where sums of them would overflow. */
#define SIZE_LIMIT INT64_C(1000000000000)

static bool sizes_are_possible(const struct machine_facts *facts)
{
    const int64_t sizes[] = {
        facts->cpu_mhz,      facts->disk_mbs,  facts->inet_up_kbps, facts->inet_down_kbps,
        facts->cuda_version, facts->gpu_count, facts->ram_mb,       facts->cpu_cores,
    };

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (sizes[i] < 0 || sizes[i] > SIZE_LIMIT)
            return false;
    }
    if (facts->cpu_cores == 0 || facts->ram_mb == 0)
        return false;
    if (facts->disk_gb < 1 || facts->disk_gb > METER_QUANTITY_MAX)
        return false;
    if (facts->port_first == 0 && facts->port_last == -1)
        return true;
    return facts->port_first > 0 && facts->port_first <= facts->port_last &&
           facts->port_last <= UINT16_MAX;
}

static enum machine_outcome check_gpu(const struct machine_facts *facts, int64_t i)
{
    const struct gpu_facts *first = &facts->gpus[0], *gpu = &facts->gpus[i];

    if (gpu->memory_mb <= 0 || gpu->memory_mb > SIZE_LIMIT || gpu->compute_cap < 0 ||
        gpu->power_max_w < 0 || gpu->temp_max_c < 0 || *gpu->uuid == '\0' || *gpu->name == '\0')
        return MACHINE_IMPOSSIBLE;
    if (gpu_is_too_old(gpu->name, gpu->compute_cap))
        return MACHINE_GPU_TOO_OLD;
    if (strcmp(gpu->name, first->name) != 0 || gpu->memory_mb != first->memory_mb)
        return MACHINE_MIXED_GPUS;
    for (int64_t other = 0; other < i; other++) {
        if (strcmp(gpu->uuid, facts->gpus[other].uuid) == 0)
            return MACHINE_TWICE_SAME_GPU;
    }
    return MACHINE_OK;
}

enum machine_outcome machine_facts_check(const struct machine_facts *facts)
{
    if (!sizes_are_possible(facts) || facts->gpu_count > GPUS_MAX)
        return MACHINE_IMPOSSIBLE;
    for (int64_t i = 0; i < facts->gpu_count; i++) {
        enum machine_outcome outcome = check_gpu(facts, i);

        if (outcome != MACHINE_OK)
            return outcome;
    }
    return MACHINE_OK;
}

struct machine machine_of(int64_t id, int64_t host_id, const struct machine_facts *facts)
{
    assert(machine_facts_check(facts) == MACHINE_OK);

    struct machine machine = {
        .id = id,
        .host_id = host_id,
        .hostname = facts->hostname,
        .os_version = facts->os_version,
        .cpu_name = facts->cpu_name,
        .cpu_arch = facts->cpu_arch,
        .disk_name = facts->disk_name,
        .public_ip = facts->public_ip,
        .driver_version = facts->driver_version,
        .gpu_name = "",
        .geolocation = "",
        .gpu_count = facts->gpu_count,
        .nvlink_mbs = -1,
        .cuda_version = facts->cuda_version,
        .cpu_cores = facts->cpu_cores,
        .cpu_mhz = facts->cpu_mhz,
        .ram_mb = facts->ram_mb,
        .disk_gb = facts->disk_gb,
        .disk_mbs = facts->disk_mbs,
        .inet_up_kbps = facts->inet_up_kbps,
        .inet_down_kbps = facts->inet_down_kbps,
        .port_count = facts->port_last - facts->port_first + 1,
        .has_avx = facts->has_avx,
        .encrypts_workspaces = facts->encrypts_workspaces != 0,
        .is_simulated = facts->is_simulated,
        .reliability_ppm = MACHINE_RELIABILITY_NEW,
        .is_connected = true,
        .gpus_free = facts->gpu_count > 0 ? facts->gpu_count : 1,
        .disk_free_gb = facts->disk_gb,
    };

    if (facts->gpu_count > 0) {
        const struct gpu_facts *gpu = &facts->gpus[0];
        const struct gpu_model *model = gpu_model(gpu->name);

        machine.gpu_name = gpu->name;
        machine.gpu_ram_mb = gpu->memory_mb;
        machine.compute_cap = gpu->compute_cap;
        machine.gpu_power_w = gpu->power_max_w;
        machine.gpu_temp_c = gpu->temp_max_c;
        machine.pcie_gen = gpu->pcie_gen;
        machine.pcie_lanes = gpu->pcie_lanes;
        if (model != NULL) {
            machine.fp32_gflops = model->fp32_gflops;
            machine.memory_mbs = model->memory_mbs;
        }
    }
    return machine;
}

/* What a lane of each generation carries, MB/s, before anything is lost on the way. */
int64_t machine_nvlink_mbs(const struct machine_facts *facts, int64_t peer_mbs)
{
    static const int64_t lanes[] = { 0, 250, 500, 985, 1969, 3938, 7563, 15125 };
    enum { GENERATIONS = sizeof lanes / sizeof lanes[0] };
    const struct gpu_facts *gpu = &facts->gpus[0];

    if (facts->gpu_count < 2)
        return 0;
    if (peer_mbs == 0 || gpu->pcie_gen <= 0 || gpu->pcie_gen >= GENERATIONS || gpu->pcie_lanes <= 0)
        return -1;
    return peer_mbs > lanes[gpu->pcie_gen] * gpu->pcie_lanes ? peer_mbs : 0;
}

void machine_take_bench(struct machine *machine, const struct machine_bench *bench)
{
    struct dlperf_rates rates = bench->rates;

    if (bench->disk_mbs > 0)
        machine->disk_mbs = bench->disk_mbs;
    if (machine->gpu_count == 0 || !dlperf_complete(&rates, machine->compute_cap))
        return;
    for (int i = 0; i < DLPERF_PROFILES; i++)
        machine->profiles_milli[i] =
            dlperf_milli((enum dlperf_profile)i, &rates, bench->learned_ppm, machine->cpu_cores,
                         machine->gpu_count);
    machine->learned = 0;
    for (int task = 0; task < DLPERF_TASKS; task++)
        machine->learned |= bench->learned_ppm[task] > 0 ? 1u << task : 0;
    machine->dlperf_milli = machine->profiles_milli[DLPERF_DEFAULT];
    machine->pcie_mbs = bench->pcie_mbs;
    machine->nvlink_mbs = bench->nvlink_mbs;
    machine->memory_mbs = rates.of[DLPERF_BANDWIDTH];
    machine->link_loss_ppm =
        dlperf_link_loss_ppm(machine->profiles_milli[DLPERF_DEFAULT], bench->pcie_mbs,
                             bench->nvlink_mbs > 0 ? bench->nvlink_mbs : 0);
    machine->measured = bench->measured;
    /* Another driver may be another speed, from the first moment on. */
    bool is_other = bench->driver[0] != '\0' && strcmp(bench->driver, machine->driver_version) != 0;
    machine->stale = instant_add(bench->measured, is_other ? 0 : DLPERF_STALE_US);
}

static int64_t at_most(int64_t said, int64_t shown)
{
    return shown > 0 && (said == 0 || said > shown) ? shown : said;
}

void machine_take_shown(struct machine *machine, const struct machine_shown *shown)
{
    machine->disk_mbs = at_most(machine->disk_mbs, shown->disk_mbs);
    machine->inet_down_kbps = at_most(machine->inet_down_kbps, shown->down_kbps);
    machine->inet_up_kbps = at_most(machine->inet_up_kbps, shown->up_kbps);
}

void machine_take_history(struct machine *machine, const struct reliability *seen, bool is_up,
                          struct instant now)
{
    struct reliability reliability = *seen;

    if (reliability.counted.microseconds != 0)
        reliability_advance(&reliability, now, is_up);
    machine->reliability_ppm = reliability_day_ppm(&reliability);
    machine->lost_ppm = reliability_lost_ppm(&reliability);
    machine->up_us = reliability_up_us(&reliability);
}

struct machine_share machine_share(const struct machine *machine, int64_t num_gpus)
{
    int64_t part = machine->gpu_count > 0 ? num_gpus : 1;
    int64_t whole = machine->gpu_count > 0 ? machine->gpu_count : 1;

    assert(part >= 0 && part <= whole);
    return (struct machine_share){
        .cpu_millis = machine->cpu_cores * 1000 * part / whole,
        .ram_mb = machine->ram_mb * part / whole,
        .disk_gb = machine->disk_gb * part / whole,
    };
}

int64_t machine_driver_number(const char *driver_version)
{
    enum { PARTS = 3 };
    int64_t number = 0;
    const char *at = driver_version;

    for (int i = 0; i < PARTS; i++) {
        size_t digits = strspn(at, "0123456789");
        int64_t part = 0;

        if (digits > 3 || (digits == 0 && *at != '\0'))
            return 0;
        for (size_t d = 0; d < digits; d++)
            part = part * 10 + (at[d] - '0');
        number = number * 1000 + part;
        at += digits;
        if (*at == '.' && at[1] != '\0' && i + 1 < PARTS)
            at++;
    }
    return *at == '\0' ? number : 0;
}

const char *verification_name(enum verification verification)
{
    switch (verification) {
    case VERIFICATION_VERIFIED:
        return "verified";
    case VERIFICATION_DEVERIFIED:
        return "deverified";
    case VERIFICATION_UNVERIFIED:
        break;
    }
    return "unverified";
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

char *machine_country(const char *geolocation, char code[static 3])
{
    const char *comma = strrchr(geolocation, ',');
    const char *letters = comma == NULL ? geolocation : comma + 1;

    letters += strspn(letters, " ");
    code[0] = '\0';
    if (strlen(letters) == 2 && is_letter(letters[0]) && is_letter(letters[1]))
        (void)snprintf(code, 3, "%c%c", letters[0] & ~0x20, letters[1] & ~0x20);
    return code;
}
