/* SPDX-License-Identifier: Apache-2.0 */
#include "server/fields.h"

void field_null(struct encoder *json, const char *key)
{
    encode_key(json, key);
    encode_null(json);
}

void field_known_text(struct encoder *json, const char *key, const char *text)
{
    encode_field_text(json, key, text != NULL && text[0] != '\0' ? text : NULL);
}

void field_known_int(struct encoder *json, const char *key, int64_t value)
{
    if (value > 0)
        encode_field_int(json, key, value);
    else
        field_null(json, key);
}

void field_fixed(struct encoder *json, const char *key, int64_t value, int decimals)
{
    encode_key(json, key);
    encode_fixed(json, value, decimals);
}

void field_known_fixed(struct encoder *json, const char *key, int64_t value, int decimals)
{
    if (value > 0)
        field_fixed(json, key, value, decimals);
    else
        field_null(json, key);
}

void field_time(struct encoder *json, const char *key, struct instant instant)
{
    if (instant.microseconds == 0 || instant_compare(instant, INSTANT_NEVER) == 0)
        field_null(json, key);
    else
        field_fixed(json, key, instant.microseconds, 6);
}

void field_until(struct encoder *json, const char *key, struct instant now, struct instant end)
{
    int64_t left_us = instant_until(now, end);

    if (instant_compare(end, INSTANT_NEVER) == 0)
        field_null(json, key);
    else
        field_fixed(json, key, left_us > 0 ? left_us : 0, 6);
}

/* To the nearest: what a host typed per GB, times 1024 and back, is what it was. */
static struct money per_gb(struct money per_tb)
{
    return (struct money){ (per_tb.nanodollars + OFFER_GB_PER_TB / 2) / OFFER_GB_PER_TB };
}

void field_per_gb(struct encoder *json, const char *key, struct money per_tb)
{
    encode_field_money(json, key, per_gb(per_tb));
}

void fields_traffic_prices(struct encoder *json, struct money up_tb, struct money down_tb)
{
    struct money up = per_gb(up_tb), down = per_gb(down_tb);

    encode_field_money(json, "inet_up_cost", up);
    encode_field_money(json, "inet_down_cost", down);
    /* A thousand times the price per GB, as api.md 2.3.4 has it: the same decimals, moved. */
    field_fixed(json, "internet_up_cost_per_tb", up.nanodollars, 6);
    field_fixed(json, "internet_down_cost_per_tb", down.nanodollars, 6);
}

void field_price_parts(struct encoder *json, const char *key, struct money gpu_hour,
                       struct money disk_hour)
{
    struct money total = { gpu_hour.nanodollars + disk_hour.nanodollars };

    encode_key(json, key);
    encode_object(json);
    encode_field_money(json, "gpuCostPerHour", gpu_hour);
    encode_field_money(json, "diskHour", disk_hour);
    encode_field_money(json, "totalHour", total);
    encode_field_int(json, "discountTotalHour", 0);
    encode_field_money(json, "discountedTotalPerHour", total);
    encode_end(json);
}

struct machine machine_of_row(const struct machine_row *row, const struct machine_facts *facts,
                              struct instant now)
{
    struct machine machine = machine_of(row->id, row->owner_id, facts);

    machine.geolocation = row->geolocation;
    machine.verification = row->verification;
    machine.is_connected = row->is_online;
    machine_take_bench(&machine, &row->bench);
    machine_take_history(&machine, &row->reliability, row->is_online, now);
    return machine;
}

void fields_machine(struct encoder *json, const struct machine *machine)
{
    char country[3];

    field_known_text(json, "cpu_name", machine->cpu_name);
    encode_field_text(json, "cpu_arch", machine->cpu_arch);
    encode_field_int(json, "cpu_cores", machine->cpu_cores);
    field_known_fixed(json, "cpu_ghz", machine->cpu_mhz, 3);
    encode_field_int(json, "has_avx", machine->has_avx ? 1 : 0);
    encode_field_int(json, "cpu_ram", machine->ram_mb);
    field_known_int(json, "disk_bw", machine->disk_mbs);
    field_known_text(json, "disk_name", machine->disk_name);
    field_known_fixed(json, "inet_up", machine->inet_up_kbps, 3);
    field_known_fixed(json, "inet_down", machine->inet_down_kbps, 3);
    field_known_text(json, "driver_version", machine->driver_version);
    field_known_int(json, "driver_vers", machine_driver_number(machine->driver_version));
    field_known_fixed(json, "cuda_max_good", machine->cuda_version, 1);
    field_known_text(json, "os_version", machine->os_version);
    field_null(json, "mobo_name");
    field_known_text(json, "geolocation", machine->geolocation);
    field_known_text(json, "country_code", machine_country(machine->geolocation, country));
    encode_field_int(json, "direct_port_count", machine->port_count);
    encode_field_bool(json, "static_ip", machine->has_static_ip);
    encode_field_bool(json, "external", machine->is_external);
    encode_field_int(json, "hosting_type", machine->is_datacenter ? 1 : 0);
    field_fixed(json, "reliability", machine->reliability_ppm, 6);
    field_fixed(json, "reliability2", machine->reliability_ppm, 6);
    encode_field_text(json, "verification", verification_name(machine->verification));
    encode_field_int(json, "vericode", machine->verification == VERIFICATION_VERIFIED ? 1 : 0);
    encode_field_bool(json, "simulated", machine->is_simulated);
}

void fields_gpu(struct encoder *json, const struct machine *machine)
{
    field_known_text(json, "gpu_name", machine->gpu_name);
    encode_field_int(json, "gpu_ram", machine->gpu_ram_mb);
    encode_field_text(json, "gpu_arch", machine->gpu_count > 0 ? "nvidia" : NULL);
    field_known_int(json, "gpu_lanes", machine->pcie_lanes);
    field_known_int(json, "pci_gen", machine->pcie_gen);
    field_known_fixed(json, "pcie_bw", machine->pcie_mbs, 3);
    field_known_fixed(json, "gpu_mem_bw", machine->memory_mbs, 3);
    field_known_int(json, "gpu_max_power", machine->gpu_power_w);
    field_known_int(json, "gpu_max_temp", machine->gpu_temp_c);
    encode_field_bool(json, "gpu_display_active", machine->has_display);
    encode_field_int(json, "compute_cap", machine->compute_cap);
    field_gauge(json, "bw_nvlink", machine->nvlink_mbs, 3);
    encode_key(json, "dlperf_learned");
    encode_array(json);
    for (int task = 0; task < DLPERF_TASKS; task++) {
        if ((machine->learned >> task & 1) != 0)
            encode_text(json, dlperf_task_name((enum dlperf_task)task));
    }
    encode_end(json);
}

void field_gauge(struct encoder *json, const char *key, int64_t value, int decimals)
{
    if (value >= 0)
        field_fixed(json, key, value, decimals);
    else
        field_null(json, key);
}

void field_brakes(struct encoder *json, const char *key, int64_t brakes)
{
    if (brakes < 0)
        return field_null(json, key);
    encode_key(json, key);
    encode_array(json);
    for (enum gpu_brake brake = 0; brake < GPU_BRAKES; brake++)
        if ((brakes >> brake & 1) != 0)
            encode_text(json, gpu_brake_name(brake));
    encode_end(json);
}
