/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/numbers.h"

#include <inttypes.h>
#include <string.h>

#include "agent/exporter.h"
#include "agent/report.h"
#include "sys/resident.h"

enum { NUMBERS_ARENA_MAX = 16 << 20 };

static void heading(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_gauge(struct buf *out, const char *name, const char *help, int64_t value)
{
    heading(out, name, "gauge", help);
    buf_printf(out, "%s %" PRId64 "\n", name, value);
}

static void write_seconds(struct buf *out, const char *name, const char *help, int64_t value_us)
{
    heading(out, name, "gauge", help);
    buf_printf(out, "%s %.3f\n", name, (double)value_us / 1e6);
}

/* All phases, those of no instance as well: what a graph has no line for looks as if it were not
 * measured. */
static void write_phases(const struct heartbeat *heartbeat, struct buf *out)
{
    int64_t counts[PHASE_FAILED + 1] = { 0 };

    for (int64_t i = 0; i < heartbeat->instance_count; i++)
        counts[heartbeat->instances[i].phase]++;
    heading(out, "berth_host_instances", "gauge", "Instances, by what they are at.");
    for (enum instance_phase phase = PHASE_ABSENT; phase <= PHASE_FAILED; phase++)
        buf_printf(out, "berth_host_instances{phase=\"%s\"} %" PRId64 "\n",
                   instance_phase_name(phase), counts[phase]);
}

/* One number of each instance; `scale` is what the unit of the report is in that of the metric, and
 * what is not known (below zero) is left out. */
struct series {
    const char *name, *type, *help;
    int64_t (*read)(const struct instance_report *report);
    double scale;
};

static int64_t read_up(const struct instance_report *report)
{
    return report->bytes_up;
}

static int64_t read_down(const struct instance_report *report)
{
    return report->bytes_down;
}

static int64_t read_disk(const struct instance_report *report)
{
    return report->disk_used_mb;
}

static int64_t read_cpu(const struct instance_report *report)
{
    return report->cpu_permille;
}

static int64_t read_ram(const struct instance_report *report)
{
    return report->ram_used_mb;
}

static int64_t read_gpu(const struct instance_report *report)
{
    return report->gpu_permille;
}

static const struct series all_series[] = {
    { "berth_host_instance_sent_bytes_total", "counter", "Bytes out of the instance.", read_up, 1 },
    { "berth_host_instance_received_bytes_total", "counter", "Bytes into it.", read_down, 1 },
    { "berth_host_instance_disk_bytes", "gauge", "Disk that it uses.", read_disk, 1 << 20 },
    { "berth_host_instance_cpu_ratio", "gauge", "Part of its processors that is busy.", read_cpu,
      0.001 },
    { "berth_host_instance_memory_bytes", "gauge", "Memory that it uses.", read_ram, 1 << 20 },
    { "berth_host_instance_gpu_ratio", "gauge", "Part of the time that its GPUs work.", read_gpu,
      0.001 },
};

static void write_series(const struct series *series, const struct heartbeat *heartbeat,
                         struct buf *out)
{
    heading(out, series->name, series->type, series->help);
    for (int64_t i = 0; i < heartbeat->instance_count; i++) {
        const struct instance_report *report = &heartbeat->instances[i];
        int64_t value = series->read(report);

        if (value >= 0)
            buf_printf(out, "%s{instance_id=\"%" PRId64 "\"} %.*f\n", series->name, report->id,
                       series->scale < 1 ? 3 : 0, (double)value * series->scale);
    }
}

/* The same of each GPU. */
struct gpu_series {
    const char *name, *help;
    int64_t (*read)(const struct gpu_gauge *gpu);
    double scale;
};

static int64_t read_busy(const struct gpu_gauge *gpu)
{
    return gpu->permille;
}

static int64_t read_memory(const struct gpu_gauge *gpu)
{
    return gpu->memory_used_mb;
}

static int64_t read_temperature(const struct gpu_gauge *gpu)
{
    return gpu->temperature_c;
}

static int64_t read_power(const struct gpu_gauge *gpu)
{
    return gpu->power_w;
}

static int64_t read_core(const struct gpu_gauge *gpu)
{
    return gpu->core_mhz;
}

static int64_t read_memory_clock(const struct gpu_gauge *gpu)
{
    return gpu->memory_mhz;
}

static const struct gpu_series all_gpu_series[] = {
    { "berth_host_gpu_ratio", "Part of the time that the GPU works.", read_busy, 0.001 },
    { "berth_host_gpu_memory_bytes", "Its memory that is used.", read_memory, 1 << 20 },
    { "berth_host_gpu_temperature_celsius", "How warm it is.", read_temperature, 1 },
    { "berth_host_gpu_power_watts", "What it draws.", read_power, 1 },
    { "berth_host_gpu_core_hertz", "The clock of its processors.", read_core, 1e6 },
    { "berth_host_gpu_memory_hertz", "The clock of its memory.", read_memory_clock, 1e6 },
};

static void write_gpus(const struct gpu_series *series, const struct numbers *numbers,
                       struct buf *out)
{
    heading(out, series->name, "gauge", series->help);
    for (size_t i = 0; i < numbers->gpu_count; i++) {
        int64_t value = series->read(&numbers->gpus[i]);

        if (value >= 0)
            buf_printf(out, "%s{uuid=\"%s\"} %.*f\n", series->name, numbers->gpus[i].uuid,
                       series->scale < 1 ? 3 : 0, (double)value * series->scale);
    }
}

/* Each reason as a line of its own, 0 or 1: an alert can then name it. */
static void write_brakes(const struct numbers *numbers, struct buf *out)
{
    heading(out, "berth_host_gpu_slowed", "gauge", "1 while that slows the GPU down.");
    for (size_t i = 0; i < numbers->gpu_count; i++) {
        const struct gpu_gauge *gpu = &numbers->gpus[i];

        for (enum gpu_brake brake = 0; gpu->brakes >= 0 && brake < GPU_BRAKES; brake++)
            buf_printf(out, "berth_host_gpu_slowed{uuid=\"%s\",by=\"%s\"} %d\n", gpu->uuid,
                       gpu_brake_name(brake), (int)(gpu->brakes >> brake & 1));
    }
}

/* There for hosts that do not, too: "off" is a number, and none at all looks like a host that is
 * down.
 */
static void write_updates(const struct update_numbers *updates, struct buf *out)
{
    static const struct update_numbers none;
    bool is_on = updates != NULL;

    updates = is_on ? updates : &none;
    write_gauge(out, "berth_host_updates_on", "1 where it takes newer releases by itself.", is_on);
    heading(out, "berth_host_updates_not_taken_total", "counter",
            "Releases that were refused or did not arrive whole, and times that nobody answered.");
    buf_printf(out, "berth_host_updates_not_taken_total %" PRId64 "\n", updates->not_taken);
    write_gauge(out, "berth_host_updates_given_up",
                "Releases that failed each of their trials here.", updates->given_up);
}

void numbers_write(const struct numbers *numbers, struct buf *out)
{
    const struct heartbeat *heartbeat = numbers->heartbeat;

    heading(out, "berth_host_info", "gauge", "Which agent it is.");
    buf_printf(out, "berth_host_info{version=\"%s\"} 1\n", numbers->version);
    write_seconds(out, "berth_host_uptime_seconds", "Since the agent started.", numbers->up_us);
    write_gauge(out, "berth_host_connected", "1 while it has a session with the server.",
                numbers->is_connected);
    write_seconds(out, "berth_host_contact_seconds", "Since the server has answered last.",
                  numbers->contact_us);
    write_seconds(out, "berth_host_key_age_seconds", "How old the machine's key is.",
                  numbers->key_age_us);
    write_gauge(out, "berth_host_desired_revision", "Of what should run here, as it is known.",
                numbers->desired_rev);
    write_gauge(out, "berth_host_engine_ok", "1 while the container engine answers.",
                heartbeat->is_engine_ok);
    write_gauge(out, "berth_host_quarantined", "Containers that no contract accounts for.",
                heartbeat->quarantined_count);
    heading(out, "berth_host_disk_free_bytes", "gauge", "Where instances have their disk.");
    buf_printf(out, "berth_host_disk_free_bytes %" PRId64 "\n",
               heartbeat->disk_free_gb * (INT64_C(1) << 30));
    write_gauge(out, "process_resident_memory_bytes", "Memory of the agent.",
                numbers->resident_bytes);
    write_updates(numbers->updates, out);
    write_phases(heartbeat, out);
    for (size_t i = 0; i < sizeof all_series / sizeof all_series[0]; i++)
        write_series(&all_series[i], heartbeat, out);
    for (size_t i = 0; i < sizeof all_gpu_series / sizeof all_gpu_series[0]; i++)
        write_gpus(&all_gpu_series[i], numbers, out);
    write_brakes(numbers, out);
}

static void write_all(void *context, struct buf *out)
{
    struct agent *agent = context;
    auto_arena struct arena arena = arena_of(NUMBERS_ARENA_MAX);
    struct heartbeat heartbeat;
    struct update_numbers updates;
    int64_t now_us = loop_now_us(agent->loop);

    report_fill(agent, &arena, &heartbeat);
    if (agent->update != NULL)
        update_numbers(agent->update, &updates);
    numbers_write(
        &(struct numbers){ .version = agent->options.version,
                           .up_us = now_us - agent->started_us,
                           .contact_us = now_us - agent->keep.last_contact_us,
                           .key_age_us = key_turn_age_us(&agent->key_turn),
                           .is_connected = agent->link != NULL && link_is_connected(agent->link),
                           .desired_rev = agent->keep.saved_rev,
                           .resident_bytes = resident_bytes(),
                           .updates = agent->update != NULL ? &updates : NULL,
                           .heartbeat = &heartbeat,
                           .gpus = agent->gauges.gpus,
                           .gpu_count = agent->gauges.gpu_count },
        out);
}

/* Another agent on this machine may have the address. */
void numbers_open(struct agent *agent)
{
    const char *listen = agent->options.metrics_listen;
    const struct exporter_options options = { .listen = listen != NULL ? listen : EXPORTER_DEFAULT,
                                              .write = write_all,
                                              .context = agent };
    struct error err;

    if (listen != NULL && strcmp(listen, "off") == 0)
        return;
    if (exporter_open(agent->loop, &options, &agent->exporter, &err))
        log_write(&agent->log, LOG_INFO, "numbers", "at http://%s/metrics",
                  exporter_address(agent->exporter));
    else
        log_failure(&agent->log, "no numbers for Prometheus", &err);
}
