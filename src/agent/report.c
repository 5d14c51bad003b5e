/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/report.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "agent/jupyter.h"
#include "agent/measured.h"
#include "agent/netcount.h"
#include "agent/op_work.h"

/* The host's end of an instance's network is a mirror: what the instance sends, it receives. */
static void measure_interface(struct agent *agent, const struct instance *instance,
                              const char *table)
{
    char bridge[SLOT_TEXT_SIZE];
    struct netcount count;
    struct error ignored;

    unsigned index = if_nametoindex(slots_bridge(instance->record.slot, bridge));
    if (index == 0 || !netcount_find(table, bridge, &count, &ignored))
        return;
    totals_interface(&agent->totals, instance->id, index, count.bytes_received, count.bytes_sent);
}

static void measure_run(struct agent *agent, const struct instance *instance)
{
    const struct seen *seen = instance_seen(instance, false);
    char token[TOTALS_TOKEN_SIZE];
    int64_t started_us;

    if (seen != NULL && seen->state == SEEN_RUNNING && !seen_is_for_copies(seen) &&
        totals_process_start((pid_t)seen->pid, &started_us))
        totals_run(&agent->totals, instance->id, seen_start_token(seen, token), started_us);
}

void report_measure(struct agent *agent)
{
    auto_buf struct buf table = buf_of(NETCOUNT_TABLE_MAX);
    struct access_counters counters;
    struct error err;

    if (!netcount_table(&table, &err))
        log_failure(&agent->log, "traffic not read", &err);

    for (size_t i = 0; i < agent->instances.count; i++) {
        const struct instance *instance = agent->instances.all[i];

        if (!instance->has_record)
            continue;
        if (table.length > 0)
            measure_interface(agent, instance, table.bytes);
        measure_run(agent, instance);
        if (agent->access != NULL && access_counters(agent->access, instance->id, &counters))
            totals_ssh(&agent->totals, instance->id, counters.bytes_up, counters.bytes_down);
    }
    if (!totals_save(&agent->totals, &err))
        log_failure(&agent->log, "totals not saved", &err);
}

/* Some text as a report may have it: short, and valid UTF-8. */
static const char *message_of(struct arena *arena, const char *text)
{
    size_t length = strnlen(text, REPORT_MESSAGE_MAX / 2);
    char *copy = arena_copy(arena, text, length);

    if (copy == NULL)
        return "";
    op_clean(copy, length);
    return copy;
}

/* Without the engine nobody but us can tell whether an instance still runs: its first process
 * does, or it does not. */
static enum instance_phase phase_now(const struct agent *agent, const struct instance *instance)
{
    const struct seen *seen = instance_seen(instance, false);
    int64_t ignored_us;

    if (instance->verdict.phase != PHASE_RUNNING || observe_is_ok(agent->observer))
        return instance->verdict.phase;
    if (seen != NULL && totals_process_start((pid_t)seen->pid, &ignored_us))
        return PHASE_RUNNING;
    return instance->verdict.wants_running && instance->desired->is_kept_running ? PHASE_CREATING
                                                                                 : PHASE_EXITED;
}

static const char *text_of(const struct agent *agent, const struct instance *instance)
{
    bool is_at_work =
        instance->verdict.phase == PHASE_CREATING || instance->verdict.phase == PHASE_FAILED;

    if (instance->copy_text[0] != '\0' && !is_at_work)
        return instance->copy_text;
    if (*instance->verdict.message != '\0')
        return instance->verdict.message;
    if (instance->verdict.phase == PHASE_CREATING && !observe_is_ok(agent->observer))
        return "the host's container engine is not running";
    if (instance->verdict.phase == PHASE_CREATING || instance->verdict.phase == PHASE_FAILED)
        return instance->message;
    if (instance->verdict.phase != PHASE_RUNNING)
        return "";
    const struct seen *seen = instance_seen(instance, false);
    int64_t weight_mb = inodes_weight_mb(&agent->inodes, instance->id);
    if (seen != NULL && weight_mb > 0 && weight_mb > seen->disk_used_mb)
        return "the host's disk has few inodes left: each file counts as its part of them";
    return jupyter_message(instance);
}

static void fill_gauges(struct agent *agent, const struct instance *instance,
                        struct instance_report *report)
{
    const struct seen *seen = instance_seen(instance, false);
    bool is_up = seen != NULL && seen->state == SEEN_RUNNING && !seen_is_for_copies(seen);
    int64_t cpu_max = agent->host.cpu_count * 1000;

    if (!is_up || instance->desired == NULL) {
        gauges_forget(&agent->gauges, instance->id);
        return;
    }
    int64_t cpu_millis = instance->desired->spec.cpu_millis;
    struct gauges_run run = { .id = instance->id,
                              .token = report->start_token,
                              .pid = seen->pid,
                              .cpu_millis =
                                  cpu_millis > 0 && cpu_millis < cpu_max ? cpu_millis : cpu_max };
    const struct gauge *gauge = gauges_read(&agent->gauges, &run);
    if (gauge != NULL) {
        report->cpu_permille = gauge->cpu_permille;
        report->ram_used_mb = gauge->ram_mb;
    }
    report->gpu_permille = gauges_gpu_permille(&agent->gauges, instance->gpus);
}

/* With what its encrypted workspace takes; or what its files weigh, if that is more. */
static int64_t disk_used_mb(const struct agent *agent, const struct instance *instance,
                            const struct seen *seen)
{
    const struct desired_instance *desired = instance->desired;
    struct workspace workspace = { agent->workspaces_path, instance->id };
    int64_t used_mb = seen != NULL ? seen->disk_used_mb : -1;
    int64_t weight_mb = inodes_weight_mb(&agent->inodes, instance->id);

    used_mb = weight_mb > used_mb && weight_mb > 0 ? weight_mb : used_mb;
    if (used_mb < 0 || desired == NULL || desired->spec.workspace_gb == 0)
        return used_mb;
    return used_mb + workspace_used_mb(&workspace);
}

static void fill_report(struct agent *agent, const struct instance *instance, struct arena *arena,
                        struct instance_report *report)
{
    const struct totals_entry *totals = totals_of(&agent->totals, instance->id);
    const struct seen *seen = instance_seen(instance, false);
    char token[TOTALS_TOKEN_SIZE] = "";

    if (seen != NULL)
        (void)seen_start_token(seen, token);
    bool is_counted = strcmp(token, totals->start_token) == 0;
    char *copy = arena_text(arena, token);
    *report = (struct instance_report){
        .id = instance->id,
        .gen = instance->verdict.gen,
        .phase = phase_now(agent, instance),
        .start_token = copy != NULL ? copy : "",
        .run_ms = is_counted ? totals->run_ms : 0,
        .counter_epoch = totals->counter_epoch,
        .bytes_up = totals_up(totals),
        .bytes_down = totals_down(totals),
        .exit_code = seen != NULL && seen->exit_code >= 0 ? seen->exit_code : -1,
        .disk_used_mb = disk_used_mb(agent, instance, seen),
        .cpu_permille = -1,
        .ram_used_mb = -1,
        .gpu_permille = -1,
        .message = message_of(arena, text_of(agent, instance)),
    };
    fill_gauges(agent, instance, report);
    if (!instance->has_record)
        return;
    report->restart_nonce = instance->record.restart_nonce;
    report->ssh_port = instance->record.ssh_port;
    report->ports = (struct port_mapping *)instance->record.ports;
    report->port_count = instance->record.port_count;
}

static bool is_reported(const struct agent *agent, const struct instance *instance)
{
    return instance->machine_id == agent->identity.machine_id;
}

/* Kept, and not known to the server. */
static int64_t count_quarantined(const struct agent *agent)
{
    int64_t count = 0;

    for (size_t i = 0; agent->keep.has_desired && i < agent->instances.count; i++) {
        const struct instance *instance = agent->instances.all[i];

        if ((instance->desired == NULL || !is_reported(agent, instance)) &&
            instance_seen(instance, false) != NULL)
            count++;
    }
    return count;
}

void report_fill(struct agent *agent, struct arena *arena, struct heartbeat *heartbeat)
{
    const char *failure = agent->engine != NULL ? engine_failure(agent->engine) : NULL;
    const char *message = failure != NULL ? failure : observe_message(agent->observer);
    const struct volumes *volumes = &agent->volumes;
    size_t max = agent->instances.count + volumes->gone_count + volumes->size_count;

    if (max > HEARTBEAT_INSTANCES_MAX)
        max = HEARTBEAT_INSTANCES_MAX;
    report_measure(agent);
    *heartbeat = (struct heartbeat){
        .mono_ms = loop_now_us(agent->loop) / US_PER_MS,
        .applied_rev = agent->keep.saved_rev,
        .is_engine_ok = observe_is_ok(agent->observer),
        .engine_message = message_of(arena, message),
        .instances = arena_alloc(arena, max, sizeof *heartbeat->instances),
        .quarantined_count = count_quarantined(agent),
        .disk_free_gb = measured_look(agent->measured.disk).free_gb,
    };
    for (size_t i = 0; heartbeat->instances != NULL && i < agent->instances.count; i++) {
        const struct instance *instance = agent->instances.all[i];

        if (is_reported(agent, instance) && (size_t)heartbeat->instance_count < max)
            fill_report(agent, instance, arena, &heartbeat->instances[heartbeat->instance_count++]);
    }
    if (heartbeat->instances != NULL)
        volumes_fill(volumes, heartbeat, max - (size_t)heartbeat->instance_count);
}
