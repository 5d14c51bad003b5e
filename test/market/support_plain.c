/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "market/rent.h"
#include "support_stalls.h"

static struct worth num(double number)
{
    return (struct worth){ isnan(number) ? NOTHING : NUMBER, number, NULL };
}

static struct worth if_any(double number)
{
    return number != 0 ? num(number) : (struct worth){ NOTHING, 0, NULL };
}

static struct worth txt(const char *text)
{
    return (struct worth){ text[0] != '\0' ? TEXT : NOTHING, 0, text };
}

static double usd(int64_t nanodollars)
{
    return (double)nanodollars / 1e9;
}

/* 570.86.15 is 570086015. */
static double driver_of(const char *version)
{
    return strcmp(version, "570.86.15") == 0   ? 570086015
           : strcmp(version, "535.183.1") == 0 ? 535183001
                                               : 0;
}

static bool can_be_rented(const struct offer *offer, int64_t now)
{
    const struct machine *machine = offer->machine;
    int64_t disk =
        offer->terms.disk_gb < machine->disk_free_gb ? offer->terms.disk_gb : machine->disk_free_gb;

    return offer->renter_id == 0 && machine->is_connected &&
           machine->verification != VERIFICATION_DEVERIFIED &&
           machine->gpus_free >= (offer->terms.num_gpus > 0 ? offer->terms.num_gpus : 1) &&
           disk >= 1 && offer->terms.end.microseconds - now >= RENT_LIFETIME_MIN_US;
}

static struct worth worth_of_price(const struct asked *asked, const struct offer *o, int field,
                                   bool *ret_is_price)
{
    struct offer bare = *o;
    bare.merit = 0;
    const struct quote q = offer_quote(&bare, &asked->query.ask);
    double ram = (double)(o->machine->gpu_ram_mb * o->terms.num_gpus);

    *ret_is_price = true;
    switch (field) {
    case QUERY_DPH_BASE:
        return num(usd(q.base.nanodollars));
    case QUERY_DPH_TOTAL:
        return num(usd(q.total.nanodollars));
    case QUERY_DISCOUNTED_DPH_TOTAL:
    case QUERY_DISCOUNTED_HOURLY:
        return num(usd(q.discounted.nanodollars));
    case QUERY_DPH_PER_GPU:
        return num(usd(q.base.nanodollars) /
                   (double)(o->terms.num_gpus > 0 ? o->terms.num_gpus : 1));
    case QUERY_MIN_BID:
        return num(usd(o->terms.min_bid_hour.nanodollars));
    case QUERY_STORAGE_TOTAL_COST:
        return num(usd(q.storage.nanodollars));
    case QUERY_DLPERF:
        return if_any(q.dlperf);
    case QUERY_DLPERF_PER_DPHTOTAL:
        return if_any(q.dlperf_per_dollar);
    case QUERY_TOTAL_FLOPS:
        return if_any(q.total_tflops);
    case QUERY_FLOPS_PER_DPHTOTAL:
        return if_any(q.tflops_per_dollar);
    case QUERY_SCORE:
        return num(q.score);
    case QUERY_VRAM_COSTPERHOUR:
        return ram > 0 ? num(usd(q.total.nanodollars) / ram) : txt("");
    default:
        *ret_is_price = false;
        return txt("");
    }
}

static struct worth worth_of_offer(const struct asked *asked, const struct offer *o, int field,
                                   bool *ret_is_offer)
{
    int64_t now = asked->caller.now.microseconds, end = o->terms.end.microseconds;
    double gpus = (double)o->terms.num_gpus;
    const struct machine *m = o->machine;
    double all = m->gpu_count > 0 ? (double)m->gpu_count : 1;
    int64_t disk = o->terms.disk_gb < m->disk_free_gb ? o->terms.disk_gb : m->disk_free_gb;

    *ret_is_offer = true;
    switch (field) {
    case QUERY_ID:
    case QUERY_ASK_CONTRACT_ID:
        return num((double)o->id);
    case QUERY_BUNDLE_ID:
        return num((double)o->bundle_id);
    case QUERY_NUM_GPUS:
        return num(gpus);
    case QUERY_GPU_TOTAL_RAM:
        return num((double)m->gpu_ram_mb * gpus);
    case QUERY_GPU_FRAC:
        return num(m->gpu_count > 0 ? gpus / all : 1);
    case QUERY_CPU_CORES_EFFECTIVE:
        return num((double)machine_share(m, o->terms.num_gpus).cpu_millis / 1000);
    case QUERY_DISK_SPACE:
        return num((double)disk);
    case QUERY_INET_UP_COST:
        return num((double)o->terms.up_tb.nanodollars / 1024e9);
    case QUERY_INET_DOWN_COST:
        return num((double)o->terms.down_tb.nanodollars / 1024e9);
    case QUERY_INTERNET_UP_COST_PER_TB:
        return num((double)(o->terms.up_tb.nanodollars * 1000) / 1024e9);
    case QUERY_INTERNET_DOWN_COST_PER_TB:
        return num((double)(o->terms.down_tb.nanodollars * 1000) / 1024e9);
    case QUERY_STORAGE_COST:
        return num(usd(o->terms.disk_month.nanodollars));
    case QUERY_STORAGE_WHEN_OFFLINE:
        return txt(o->skips_disk_offline ? "skip" : "charge");
    case QUERY_RENTABLE:
        return num(can_be_rented(o, now) ? 1 : 0);
    case QUERY_RENTED:
        return num(asked->caller.user_id != 0 && o->renter_id == asked->caller.user_id ? 1 : 0);
    case QUERY_IS_BID:
        return num(o->is_bid ? 1 : 0);
    case QUERY_START_DATE:
        return num((double)o->terms.start.microseconds / 1e6);
    case QUERY_END_DATE:
        return num((double)end / 1e6);
    case QUERY_DURATION:
        return num(end > now ? (double)(end - now) / 1e6 : 0);
    case QUERY_DISCOUNT_RATE:
    case QUERY_CREDIT_DISCOUNT_MAX:
        return num((double)o->discount_max_ppm / 1e6);
    case QUERY_RENTED_UNTIL:
        return o->renter_id != 0 ? num((double)end / 1e6) : txt("");
    default:
        *ret_is_offer = false;
        return txt("");
    }
}

static struct worth worth_of_flag(const struct machine *m, int field, bool *ret_is_flag)
{
    *ret_is_flag = true;
    switch (field) {
    case QUERY_GPU_DISPLAY_ACTIVE:
        return num(m->has_display);
    case QUERY_HAS_AVX:
        return num(m->has_avx);
    case QUERY_ENCRYPTED_WORKSPACE:
        return num(m->encrypts_workspaces);
    case QUERY_STATIC_IP:
        return num(m->has_static_ip);
    case QUERY_VERIFIED:
    case QUERY_VERICODE:
        return num(m->verification == VERIFICATION_VERIFIED);
    case QUERY_HOSTING_TYPE:
    case QUERY_DATACENTER:
        return num(m->is_datacenter);
    case QUERY_EXTERNAL:
        return num(m->is_external);
    case QUERY_SIMULATED:
        return num(m->is_simulated);
    case QUERY_VMS_ENABLED:
    case QUERY_IS_VM_DEVERIFIED:
        return num(0);
    case QUERY_BUNDLED_RESULTS:
        return num(1);
    default:
        *ret_is_flag = false;
        return txt("");
    }
}

static struct worth text_of_machine(const struct machine *m, int field)
{
    static const char *const standings[] = { "unverified", "verified", "deverified" };
    const char *comma = strrchr(m->geolocation, ',');

    switch (field) {
    case QUERY_GPU_NAME:
        return txt(m->gpu_name);
    case QUERY_GPU_ARCH:
        return txt(m->gpu_count > 0 ? "nvidia" : "");
    case QUERY_CPU_NAME:
        return txt(m->cpu_name);
    case QUERY_CPU_ARCH:
        return txt(m->cpu_arch);
    case QUERY_DISK_NAME:
        return txt(m->disk_name);
    case QUERY_OS_VERSION:
        return txt(m->os_version);
    case QUERY_VERIFICATION:
        return txt(standings[m->verification]);
    case QUERY_GEOLOCATION:
        return txt(m->geolocation);
    case QUERY_COUNTRY_CODE:
        return txt(comma != NULL ? comma + 2 : m->geolocation);
    case QUERY_HOSTNAME:
        return txt(m->hostname);
    case QUERY_RESOURCE_TYPE:
        return txt(m->gpu_count > 0 ? "gpu" : "cpu");
    case QUERY_GPU_MAX_TEMP:
    case QUERY_BW_NVLINK:
    case QUERY_MOBO_NAME:
    case QUERY_PUBLIC_IPADDR:
    case QUERY_GEOLOCODE:
    case QUERY_CLUSTER_ID:
        return txt("");
    default:
        return (struct worth){ .kind = UNHEARD_OF };
    }
}

static struct worth worth_of_machine(const struct machine *m, int field)
{
    switch (field) {
    case QUERY_MACHINE_ID:
        return num((double)m->id);
    case QUERY_HOST_ID:
        return num((double)m->host_id);
    case QUERY_GPU_RAM:
        return num((double)m->gpu_ram_mb);
    case QUERY_GPU_LANES:
        return if_any((double)m->pcie_lanes);
    case QUERY_GPU_MEM_BW:
        return if_any((double)m->memory_mbs / 1000);
    case QUERY_GPU_MAX_POWER:
        return if_any((double)m->gpu_power_w);
    case QUERY_GPU_MAX_TEMP:
        return if_any((double)m->gpu_temp_c);
    case QUERY_BW_NVLINK:
        return m->nvlink_mbs < 0 ? if_any(0) : num((double)m->nvlink_mbs / 1000);
    case QUERY_PCI_GEN:
        return if_any((double)m->pcie_gen);
    case QUERY_PCIE_BW:
        return if_any((double)m->pcie_mbs / 1000);
    case QUERY_COMPUTE_CAP:
        return if_any((double)m->compute_cap);
    case QUERY_CUDA_MAX_GOOD:
        return if_any((double)m->cuda_version / 10);
    case QUERY_DRIVER_VERSION:
    case QUERY_DRIVER_VERS:
        return if_any(driver_of(m->driver_version));
    case QUERY_CPU_CORES:
        return num((double)m->cpu_cores);
    case QUERY_CPU_GHZ:
        return if_any((double)m->cpu_mhz / 1000);
    case QUERY_CPU_RAM:
        return num((double)m->ram_mb);
    case QUERY_DISK_BW:
        return if_any((double)m->disk_mbs);
    case QUERY_INET_UP:
        return if_any((double)m->inet_up_kbps / 1000);
    case QUERY_INET_DOWN:
        return if_any((double)m->inet_down_kbps / 1000);
    case QUERY_DIRECT_PORT_COUNT:
        return num((double)m->port_count);
    case QUERY_RELIABILITY:
    case QUERY_EXPECTED_RELIABILITY:
        return num((double)m->reliability_ppm / 1e6);
    case QUERY_RELIABILITY_MULT:
        return num(offer_lasts(m, 0));
    default:
        return text_of_machine(m, field);
    }
}

struct worth worth_of(const struct asked *asked, const struct offer *offer, int field)
{
    bool is_it;
    struct worth worth = worth_of_price(asked, offer, field, &is_it);

    if (!is_it)
        worth = worth_of_offer(asked, offer, field, &is_it);
    if (!is_it)
        worth = worth_of_flag(offer->machine, field, &is_it);
    return is_it ? worth : worth_of_machine(offer->machine, field);
}

/* "x, se" is where "SE" is; nothing is where there are no two letters. */
static int country_number(const char *place)
{
    static const struct {
        const char *place;
        int number;
    } rows[] = {
        { "Gothenburg, SE", 1 }, { "Kiruna, SE", 1 }, { "x, se", 1 }, { "SE", 1 }, { "se", 1 },
        { "Oslo, NO", 2 },       { "NO", 2 },         { "US", 3 }
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].place, place) == 0)
            return rows[i].number;
    }
    return 0;
}

static int model_number(const char *model)
{
    if (strcmp(model, "rtx_4090") == 0 || strcmp(model, "RTX-4090") == 0)
        model = "RTX 4090";
    if (strcmp(model, "a100 pcie") == 0)
        model = "A100-PCIE";
    return strcmp(model, "RTX 4090") == 0    ? 1
           : strcmp(model, "RTX 3090") == 0  ? 2
           : strcmp(model, "H100 SXM") == 0  ? 3
           : strcmp(model, "A100-PCIE") == 0 ? 4
           : strcmp(model, "B200") == 0      ? 5
                                             : -1;
}

static bool same(int field, const struct worth *worth, const struct query_value *value)
{
    if (worth->kind == NOTHING || value->kind == QUERY_VALUE_NULL)
        return worth->kind == NOTHING && value->kind == QUERY_VALUE_NULL;
    if ((worth->kind == NUMBER) != (value->kind == QUERY_VALUE_NUMBER))
        return false;
    if (worth->kind == NUMBER)
        return worth->number == value->number;
    if (field == QUERY_GEOLOCATION || field == QUERY_COUNTRY_CODE)
        return country_number(worth->text) != 0 &&
               country_number(worth->text) == country_number(value->text);
    if (field == QUERY_GPU_NAME)
        return model_number(worth->text) == model_number(value->text);
    return strcmp(worth->text, value->text) == 0;
}

static bool holds(const struct asked *asked, const struct query_condition *condition,
                  const struct offer *offer)
{
    struct worth worth = worth_of(asked, offer, (int)condition->field);
    const struct query_value *value = &condition->values[0];
    bool is_one = false;
    double above = 0;

    for (size_t i = 0; i < condition->count; i++)
        is_one = is_one || same((int)condition->field, &worth, &condition->values[i]);
    if (condition->relation == QUERY_EQ || condition->relation == QUERY_IN)
        return is_one;
    if (condition->relation == QUERY_NEQ || condition->relation == QUERY_NOTIN)
        return !is_one;
    if (worth.kind == NOTHING || value->kind == QUERY_VALUE_NULL ||
        (worth.kind == NUMBER) != (value->kind == QUERY_VALUE_NUMBER))
        return false;
    if (worth.kind == NUMBER)
        above = worth.number > value->number ? 1 : worth.number < value->number ? -1 : 0;
    else
        above = strcmp(worth.text, value->text);
    return condition->relation == QUERY_GT    ? above > 0
           : condition->relation == QUERY_GTE ? above >= 0
           : condition->relation == QUERY_LT  ? above < 0
                                              : above <= 0;
}

static bool matches(const struct asked *asked, const struct offer *offer)
{
    const struct query *query = &asked->query;
    int64_t free_gb = offer->machine->disk_free_gb, part_gb = offer->terms.disk_gb;
    int64_t millis = 1000 * (part_gb < free_gb ? part_gb : free_gb);

    for (size_t i = 0; i < query->extra_count; i++) {
        if (query->extra_ids[i] == offer->id)
            return true;
    }
    if (offer->renter_id != 0 ? !query->has_rented : millis < query->ask.disk_milligb)
        return false;
    for (size_t i = 0; i < query->condition_count; i++) {
        if (!holds(asked, &query->conditions[i], offer))
            return false;
    }
    return true;
}

struct found {
    const struct offer *offer;
    struct worth keys[QUERY_ORDER_MAX];
    int64_t total;
};

static const struct query *sorted_by;

static int compare_found(const void *a, const void *b)
{
    const struct found *first = a, *second = b;

    for (size_t i = 0; i < sorted_by->order_count; i++) {
        const struct worth *x = &first->keys[i], *y = &second->keys[i];
        int way = sorted_by->order[i].is_descending ? -1 : 1;

        if (x->kind == NOTHING || y->kind == NOTHING) {
            if (x->kind != y->kind)
                return x->kind == NOTHING ? 1 : -1;
            continue;
        }
        int difference = x->kind == TEXT ? strcmp(x->text, y->text)
                                         : (x->number > y->number) - (x->number < y->number);
        if (difference != 0)
            return way * difference;
    }
    if (first->total != second->total)
        return first->total > second->total ? 1 : -1;
    return first->offer->id > second->offer->id ? 1 : -1;
}

size_t stalls_search(const struct stall *stalls, size_t count, const struct asked *asked,
                     int64_t *ids)
{
    static struct found found[STALLS_MAX * STALL_OFFERS_MAX];
    size_t found_count = 0;

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < stalls[i].count; j++) {
            const struct offer *offer = &stalls[i].offers[j];

            if (!matches(asked, offer))
                continue;
            struct found *one = &found[found_count++];
            one->offer = offer;
            one->total = offer_quote(offer, &asked->query.ask).total.nanodollars;
            for (size_t k = 0; k < asked->query.order_count; k++)
                one->keys[k] = worth_of(asked, offer, (int)asked->query.order[k].field);
        }
    }
    sorted_by = &asked->query;
    qsort(found, found_count, sizeof found[0], compare_found);
    for (size_t i = 0; i < found_count; i++)
        ids[i] = found[i].offer->id;
    return found_count;
}
