/* SPDX-License-Identifier: Apache-2.0 */
#include "support_stalls.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "market/rent.h"
#include "support.h"

#define ONE_OF(list) ((list)[check_random(sizeof(list) / sizeof(list)[0])])

static const char *const models[] = { "RTX 4090",  "rtx_4090", "RTX 3090", "H100 SXM",
                                      "A100-PCIE", "B200",     "" };
static const char *const places[] = {
    "Gothenburg, SE", "Oslo, NO", "Kiruna, SE", "no place", "x, se", "US", ""
};
static const char *const processors[] = { "EPYC 7543", "Xeon", "" };
static const char *const disks[] = { "PM9A3", "WD Black", "" };
static const char *const systems[] = { "22.04", "24.04", "" };
static const char *const drivers[] = { "570.86.15", "535.183.1", "", "bad" };
static const int64_t smalls[] = { 0, 1, 2, 4, 8, 16, 255, 256, 257 };
static const int64_t speeds[] = { 0, 1, 99999, 100000, 100001, 905700, 4294967295, 4294967296 };
static const int64_t prices[] = { 0,         1,         149999999,  150000000,
                                  150000001, 350000000, 2999000000, 45000000000 };
static const int64_t ends[] = { -1, 0, 1, RENT_LIFETIME_MIN_US, 604800000000, 3456000000000 };

static int64_t instant_near(int64_t us)
{
    return NOON.microseconds + us + (int64_t)check_random(3) - 1;
}

static void change_machine(struct machine *machine)
{
    static const int64_t chances[] = { 0, 600000, 979999, 980000, 980001, 995000, 1000000 };

    machine->verification = (enum verification)check_random(3);
    machine->is_connected = check_random(8) > 0;
    machine->gpus_free = (int64_t)check_random(9);
    machine->disk_free_gb = ONE_OF(smalls) * 10;
    machine->reliability_ppm = ONE_OF(chances);
    machine->up_us = check_random(2) == 0 ? 0 : 1 + (int64_t)check_random(30) * RELIABILITY_DAY_US;
    machine->lost_ppm = (int64_t)check_random(3) * 700000;
    machine->dlperf_milli = (int64_t)check_random(4) * 50001;
    machine->link_loss_ppm = (int64_t)check_random(3) * 400001;
    for (int i = 0; i < DLPERF_PROFILES; i++)
        machine->profiles_milli[i] = (int32_t)check_random(4) * 30001;
    machine->inet_up_kbps = ONE_OF(speeds);
    machine->inet_down_kbps = ONE_OF(speeds);
    machine->has_static_ip = check_random(2) == 0;
    machine->has_display = check_random(2) == 0;
}

static void fill_machine(struct machine *machine, int64_t id)
{
    *machine = machine_of(id, 10 + (int64_t)check_random(30), some_facts());
    machine->gpu_name = ONE_OF(models);
    machine->geolocation = ONE_OF(places);
    machine->cpu_name = ONE_OF(processors);
    machine->disk_name = ONE_OF(disks);
    machine->os_version = ONE_OF(systems);
    machine->driver_version = ONE_OF(drivers);
    machine->hostname = ONE_OF(processors);
    machine->cpu_arch = check_random(3) > 0 ? "amd64" : "arm64";
    machine->gpu_count = machine->gpu_name[0] == '\0' ? 0 : 8;
    machine->gpu_ram_mb = ONE_OF(smalls) * 96;
    machine->compute_cap = ONE_OF(smalls) * 10;
    machine->gpu_power_w = ONE_OF(smalls);
    machine->gpu_temp_c = ONE_OF(smalls);
    machine->nvlink_mbs = ONE_OF(speeds) - 1;
    machine->pcie_gen = (int64_t)check_random(6);
    machine->pcie_lanes = ONE_OF(smalls);
    machine->pcie_mbs = ONE_OF(speeds);
    machine->cuda_version = 118 + (int64_t)check_random(12);
    machine->cpu_cores = ONE_OF(smalls);
    machine->cpu_mhz = ONE_OF(smalls) * 20;
    machine->ram_mb = ONE_OF(speeds);
    machine->disk_gb = 10 * ONE_OF(smalls);
    machine->disk_mbs = ONE_OF(smalls);
    machine->port_count = ONE_OF(smalls);
    machine->has_avx = check_random(2) == 0;
    machine->encrypts_workspaces = check_random(3) == 0;
    machine->is_simulated = check_random(9) == 0;
    machine->is_external = check_random(4) == 0;
    machine->is_datacenter = check_random(3) == 0;
    machine->fp32_gflops = ONE_OF(speeds) % 100000;
    machine->memory_mbs = ONE_OF(speeds);
    change_machine(machine);
}

static void change_offer(struct offer *offer)
{
    offer->terms.gpu_hour.nanodollars = ONE_OF(prices);
    offer->terms.min_bid_hour.nanodollars = ONE_OF(prices);
    offer->terms.disk_month.nanodollars = ONE_OF(prices);
    offer->terms.end.microseconds = check_random(20) == 0 ? INT64_MAX : instant_near(ONE_OF(ends));
    offer->renter_id = check_random(4) > 0 ? 0 : 501 + (int64_t)check_random(2);
    offer->is_bid = check_random(4) == 0;
    /* Worked out or not: that must not matter. */
    offer->merit = 0;
    if (check_random(2) == 0)
        offer_prepare(offer);
}

void stall_fill(struct stall *stall, int64_t machine_id, int64_t *next_id)
{
    static const int64_t sizes[] = { 0, 1, 2, 4, 8 };

    fill_machine(&stall->machine, machine_id);
    stall->count = 1 + check_random(STALL_OFFERS_MAX - 1);
    for (size_t i = 0; i < stall->count; i++) {
        struct offer *offer = &stall->offers[i];

        *offer = (struct offer){
            .id = (*next_id)++ * 7919 % 1000003,
            .bundle_id = 1 + (int64_t)check_random(50),
            .machine = &stall->machine,
            .terms = { .num_gpus = ONE_OF(sizes),
                       .up_tb = { ONE_OF(prices) * 1024 },
                       .down_tb = { ONE_OF(prices) * 1024 },
                       .disk_gb = ONE_OF(smalls) * 10,
                       .start = { instant_near(0) } },
            .discount_max_ppm = (int64_t)check_random(3) * 100000,
        };
        change_offer(offer);
    }
}

void stall_change(struct stall *stall)
{
    change_machine(&stall->machine);
    for (size_t i = 0; i < stall->count; i++)
        change_offer(&stall->offers[i]);
}

struct catalog_stock stall_stock(struct stall *stall)
{
    int next = 1 - stall->shown_last;

    stall->shown_last = next;
    stall->shown[next] = stall->machine;
    for (size_t i = 0; i < stall->count; i++) {
        stall->shown_offers[next][i] = stall->offers[i];
        stall->shown_offers[next][i].machine = &stall->shown[next];
    }
    return (struct catalog_stock){ stall->machine.id, stall->shown_offers[next], stall->count };
}

/* What some offer has there, or what is next to that. */
static struct query_value an_operand(struct asked *asked, enum query_field field,
                                     const struct stall *stalls, size_t count)
{
    static const char *const texts[] = { "SE", "se", "RTX-4090", "a100 pcie", "nobody has it", "" };
    static const double numbers[] = { 0, 1, -1, 0.5, 1e300, -1e300, 1e18, INFINITY };
    struct worth worth = (struct worth){ .kind = NOTHING };

    if (count > 0 && check_random(10) > 0) {
        const struct stall *stall = &stalls[check_random(count)];

        if (stall->count > 0)
            worth = worth_of(asked, &stall->offers[check_random(stall->count)], (int)field);
    }
    enum query_type type = query_field_type(field);
    bool is_text = type == QUERY_TEXT || type == QUERY_MODEL || type == QUERY_COUNTRY;
    if (check_random(12) == 0)
        return (struct query_value){ .kind = QUERY_VALUE_NULL };
    if (is_text)
        return (struct query_value){ .kind = QUERY_VALUE_TEXT,
                                     .text = worth.kind == TEXT ? worth.text : ONE_OF(texts) };
    if (worth.kind != NUMBER)
        worth.number = type == QUERY_FLAG ? (double)check_random(2) : ONE_OF(numbers);
    else if (check_random(3) == 0)
        worth.number = nextafter(worth.number, check_random(2) == 0 ? -INFINITY : INFINITY);
    return (struct query_value){ .kind = QUERY_VALUE_NUMBER, .number = worth.number };
}

static enum query_field a_field(const struct asked *asked)
{
    static struct stall any;
    int64_t id = 1;

    if (any.count == 0)
        stall_fill(&any, 1, &id);
    for (;;) {
        enum query_field field = (enum query_field)check_random(QUERY_FIELD_COUNT);

        if (worth_of(asked, &any.offers[0], (int)field).kind != UNHEARD_OF)
            return field;
    }
}

static void add_condition(struct asked *asked, const struct stall *stalls, size_t count)
{
    size_t at = asked->query.condition_count++;
    struct query_condition *condition = &asked->query.conditions[at];

    *condition = (struct query_condition){
        .field = a_field(asked),
        .relation = (enum query_relation)check_random(QUERY_NOTIN + 1),
        .count = 1,
        .values = asked->values[at],
    };
    /* Most of what people ask, more often. */
    static const enum query_field usual[] = { QUERY_RENTABLE,   QUERY_VERIFIED, QUERY_DPH_TOTAL,
                                              QUERY_GPU_NAME,   QUERY_NUM_GPUS, QUERY_DURATION,
                                              QUERY_MACHINE_ID, QUERY_SCORE,    QUERY_GEOLOCATION };
    if (check_random(2) == 0)
        condition->field = ONE_OF(usual);
    if (condition->relation == QUERY_IN || condition->relation == QUERY_NOTIN)
        condition->count = check_random(OPERANDS_MAX + 1);
    for (size_t i = 0; i < condition->count; i++)
        asked->values[at][i] = an_operand(asked, condition->field, stalls, count);
}

void asked_fill(struct asked *asked, const struct stall *stalls, size_t count)
{
    static const enum query_field usual[] = { QUERY_SCORE, QUERY_DPH_TOTAL, QUERY_NUM_GPUS,
                                              QUERY_DLPERF_PER_DPHTOTAL, QUERY_INET_DOWN };
    static const int64_t disks_milligb[] = { 0, 8000, 8001, 160000, 2570000 };

    memset(asked, 0, sizeof *asked);
    asked->caller = (struct query_caller){ NOON, check_random(2) == 0 ? 501 : 0 };
    asked->query = query_default();
    asked->query.ask = (struct offer_ask){
        .type = (enum offer_type)check_random(3),
        .disk_milligb = ONE_OF(disks_milligb),
        .duration_us = check_random(3) == 0 ? 604800000000 : 0,
        .profile = check_random(3) == 0 ? (enum dlperf_profile)check_random(DLPERF_PROFILES)
                                        : DLPERF_DEFAULT,
    };
    asked->query.has_rented = check_random(3) == 0;
    asked->query.limit = check_random(3) == 0 ? QUERY_LIMIT_MAX : 1 + check_random(70);
    for (uint64_t left = check_random(check_random(3) == 0 ? 8 : 4); left > 0; left--)
        add_condition(asked, stalls, count);
    asked->query.order_count = check_random(10) == 0 ? 0 : 1 + check_random(3);
    for (size_t i = 0; i < asked->query.order_count; i++)
        asked->query.order[i] = (struct query_order){
            check_random(3) > 0 ? ONE_OF(usual) : a_field(asked),
            check_random(2) == 0,
        };
    if (count > 0 && check_random(8) == 0) {
        asked->query.extra_count = 1 + check_random(4);
        for (size_t i = 0; i < asked->query.extra_count; i++) {
            const struct stall *stall = &stalls[check_random(count)];

            asked->extra_ids[i] = stall->count > 0 ? stall->offers[0].id : 5;
        }
        asked->query.extra_ids = asked->extra_ids;
    }
}
