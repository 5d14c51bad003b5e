/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/report.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "market/automation.h"
#include "market/traffic.h"

enum { PORTS_TEXT_MAX = 4096 };

char *report_token(const struct heartbeat *heartbeat, const struct instance_report *report,
                   char token[static REPORT_TOKEN_SIZE])
{
    auto_buf struct buf text = buf_of(1024);

    /* Neither holds a newline: they are lines on the wire. */
    buf_printf(&text, "%s\n%s", heartbeat->boot_id, report->start_token);
    struct hash hash = crypto_sha256(text.bytes, text.length);
    return hex_format(hash.bytes, sizeof hash.bytes, token);
}

bool report_is_current(const struct contract_row *contract, const struct instance_report *report)
{
    /* Of what is gone nobody knows any more how often it was restarted. */
    return report->gen == contract->gen &&
           (report->phase == PHASE_ABSENT || report->restart_nonce >= contract->restart_nonce);
}

enum rental_event report_event(const struct instance_report *report)
{
    switch (report->phase) {
    case PHASE_ABSENT:
        return RENTAL_REPORTED_ABSENT;
    case PHASE_CREATING:
        return RENTAL_REPORTED_LOADING;
    case PHASE_RUNNING:
        return RENTAL_REPORTED_RUNNING;
    case PHASE_STOPPED:
        return RENTAL_REPORTED_STOPPED;
    case PHASE_EXITED:
        return RENTAL_REPORTED_EXITED;
    case PHASE_FAILED:
        break;
    }
    return RENTAL_REPORTED_FAILED;
}

const char *report_detail(const struct instance_report *report, struct arena *arena)
{
    if (report->phase == PHASE_EXITED)
        return arena_printf(arena, "%" PRId64, report->exit_code);
    return arena_text(arena, report->phase == PHASE_FAILED ? report->message : "");
}

bool report_shows_running(const struct contract_row *contract, const struct instance_report *report,
                          const struct interval_row *open, const char *token)
{
    bool may_run = contract->state == RENTAL_RUNNING || contract->state == RENTAL_PAUSING;

    if (!contract_is_metered(contract) || !may_run || report->phase != PHASE_RUNNING)
        return false;
    return (contract->state == RENTAL_RUNNING && report_is_current(contract, report)) ||
           (open != NULL && strcmp(open->start_token, token) == 0);
}

static bool take_traffic(struct contract_row *contract, const struct instance_report *report,
                         const struct machine_row *machine, struct instant now)
{
    int64_t elapsed_us = instant_until(contract->counted, now);
    struct traffic_counter up = { report->counter_epoch, report->bytes_up };
    struct traffic_counter down = { report->counter_epoch, report->bytes_down };

    if (report->counter_epoch == contract->counter_epoch &&
        report->bytes_up == contract->bytes_up && report->bytes_down == contract->bytes_down)
        return false;
    /* kbit/s in bytes a second: times 1000, by 8. */
    struct traffic_step step_up =
        traffic_read((struct traffic_counter){ contract->counter_epoch, contract->bytes_up }, up,
                     traffic_cap(machine->inet_up_kbps * 125, elapsed_us > 0 ? elapsed_us : 0));
    struct traffic_step step_down = traffic_read(
        (struct traffic_counter){ contract->counter_epoch, contract->bytes_down }, down,
        traffic_cap(machine->inet_down_kbps * 125, elapsed_us > 0 ? elapsed_us : 0));

    if (step_up.next.epoch != step_down.next.epoch)
        return false; /* one of them went back: neither is believed */
    contract->counter_epoch = step_up.next.epoch;
    contract->bytes_up = step_up.next.bytes;
    contract->bytes_down = step_down.next.bytes;
    if (__builtin_add_overflow(contract->up_unmetered, step_up.charged, &contract->up_unmetered) ||
        __builtin_add_overflow(contract->down_unmetered, step_down.charged,
                               &contract->down_unmetered))
        contract->up_unmetered = contract->down_unmetered = INT64_MAX;
    automation_move(&contract->automation, step_up.charged);
    automation_move(&contract->automation, step_down.charged);
    contract->counted = now;
    return true;
}

static const char *ports_text(const struct instance_report *report, struct arena *arena)
{
    auto_buf struct buf text = buf_of(PORTS_TEXT_MAX);

    for (int64_t i = 0; i < report->port_count; i++)
        buf_printf(&text, "%s%" PRId64 "/%s:%" PRId64, i == 0 ? "" : " ", report->ports[i].port,
                   report->ports[i].is_udp ? "udp" : "tcp", report->ports[i].host_port);
    return arena_text(arena, text.length == 0 ? "" : text.bytes);
}

static bool take_gauges(struct contract_row *contract, const struct instance_report *report,
                        struct instant now)
{
    if (contract->disk_used_mb == report->disk_used_mb &&
        contract->cpu_permille == report->cpu_permille &&
        contract->ram_used_mb == report->ram_used_mb &&
        contract->gpu_permille == report->gpu_permille)
        return false;
    contract->disk_used_mb = report->disk_used_mb;
    contract->cpu_permille = report->cpu_permille;
    contract->ram_used_mb = report->ram_used_mb;
    contract->gpu_permille = report->gpu_permille;
    if (instant_until(contract->gauged, now) < REPORT_GAUGES_SECONDS * US_PER_SECOND)
        return false;
    contract->gauged = now;
    return true;
}

bool report_take(struct contract_row *contract, const struct instance_report *report,
                 const struct machine_row *machine, struct instant now, struct arena *arena,
                 bool *ret_is_ok)
{
    const char *ports = ports_text(report, arena);
    const char *message = arena_text(arena, report->message);
    bool has_changed = take_traffic(contract, report, machine, now);

    *ret_is_ok = ports != NULL && message != NULL;
    if (!*ret_is_ok)
        return false;
    has_changed |= take_gauges(contract, report, now);
    has_changed |= contract->exit_code != report->exit_code ||
                   contract->nonce_done != report->restart_nonce ||
                   contract->ssh_port != report->ssh_port || strcmp(contract->ports, ports) != 0 ||
                   strcmp(contract->message, message) != 0;
    contract->exit_code = report->exit_code;
    contract->nonce_done = report->restart_nonce;
    contract->ssh_port = report->ssh_port;
    contract->ports = ports;
    contract->message = message;
    return has_changed;
}
