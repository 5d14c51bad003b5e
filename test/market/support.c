/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <stdio.h>

static void fill(struct machine_facts *facts)
{
    *facts = (struct machine_facts){
        .hostname = "box",
        .os_version = "22.04",
        .cpu_name = "AMD EPYC 7543",
        .cpu_arch = "amd64",
        .cpu_cores = 64,
        .cpu_mhz = 3700,
        .has_avx = true,
        .ram_mb = 256000,
        .disk_name = "Samsung PM9A3",
        .disk_gb = 4000,
        .disk_mbs = 3100,
        .inet_up_kbps = 880100,
        .inet_down_kbps = 905700,
        .public_ip = "203.0.113.9",
        .port_first = 40000,
        .port_last = 40119,
    };
}

struct machine_facts *some_facts(void)
{
    static struct machine_facts facts;

    fill(&facts);
    (void)snprintf(facts.driver_version, sizeof facts.driver_version, "570.86.15");
    facts.cuda_version = 128;
    facts.gpu_count = 8;
    for (int i = 0; i < 8; i++) {
        struct gpu_facts *gpu = &facts.gpus[i];

        (void)snprintf(gpu->uuid, sizeof gpu->uuid, "GPU-%d", i);
        (void)snprintf(gpu->name, sizeof gpu->name, "RTX 4090");
        gpu->memory_mb = 24564;
        gpu->compute_cap = 890;
        gpu->power_max_w = 450;
        gpu->pcie_gen = 4;
        gpu->pcie_lanes = 16;
    }
    return &facts;
}

struct machine_facts *cpu_facts(void)
{
    static struct machine_facts facts;

    fill(&facts);
    return &facts;
}

struct listing some_listing(void)
{
    return (struct listing){
        .gpu_hour = { 350000000 },
        .min_bid_hour = { 150000000 },
        .disk_month = { 150000000 },
        .up_tb = { 3000000 * OFFER_GB_PER_TB },
        .down_tb = { 2000000 * OFFER_GB_PER_TB },
        .min_chunk = 1,
        .start = NOON,
        .end = instant_add(NOON, 40 * DAY),
    };
}
