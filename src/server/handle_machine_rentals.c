/* SPDX-License-Identifier: Apache-2.0 */
/* Who has what of a machine: each GPU, and each contract that is on it. For its host, who is not
 * told whose they are. */
#include <string.h>

#include "flow/machines.h"
#include "market/offer.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { MACHINE_RENTALS_REPLY_MAX = 4 << 20, MB_PER_GB = 1024 };

static const char *class_of(enum rental_kind kind)
{
    switch (kind) {
    case KIND_ON_DEMAND:
        return "on-demand";
    case KIND_BID:
        return "bid";
    case KIND_RESERVED:
        return "reserved";
    case KIND_IDLE:
        return "idle";
    case KIND_VOLUME:
        return "volume";
    }
    return "";
}

/* The facts of a row: none of one that stands for a machine without GPUs, or that was taken out. */
static const struct gpu_facts *facts_of(const struct machine_view *view, const struct gpu_row *gpu)
{
    for (int64_t i = 0; i < view->facts->gpu_count; i++)
        if (strcmp(view->facts->gpus[i].uuid, gpu->uuid) == 0)
            return &view->facts->gpus[i];
    return NULL;
}

/* How it was when its agent last said so. */
static void encode_gauge(struct encoder *json, const struct machine_view *view,
                         const struct gpu_row *gpu)
{
    const struct gpu_gauge unknown = gpu_gauge_unknown(gpu->uuid);
    const struct gpu_gauge *known = gauge_find(&view->gauges, gpu->uuid);
    const struct gpu_gauge *gauge = known != NULL ? known : &unknown;

    field_gauge(json, "gpu_util", gauge->permille, 1);
    field_gauge(json, "memory_used_mb", gauge->memory_used_mb, 0);
    field_gauge(json, "temperature_c", gauge->temperature_c, 0);
    field_gauge(json, "power_w", gauge->power_w, 0);
    field_gauge(json, "core_mhz", gauge->core_mhz, 0);
    field_gauge(json, "memory_mhz", gauge->memory_mhz, 0);
    field_brakes(json, "slowed_by", gauge->brakes);
    field_time(json, "gauged_at", known != NULL ? view->gauges.told : (struct instant){ 0 });
}

static void encode_gpu(struct encoder *json, const struct machine_view *view,
                       const struct gpu_row *gpu)
{
    const struct gpu_facts *facts = facts_of(view, gpu);

    encode_object(json);
    encode_field_int(json, "index", gpu->position);
    field_known_text(json, "name", facts != NULL ? facts->name : NULL);
    field_known_text(json, "pci_bus", facts != NULL ? facts->pci_bus : NULL);
    field_known_int(json, "memory_mb", facts != NULL ? facts->memory_mb : 0);
    field_known_int(json, "power_max_w", facts != NULL ? facts->power_max_w : 0);
    field_known_text(json, "class",
                     gpu->claimed_by != 0 ? class_of((enum rental_kind)gpu->claimed_kind) : NULL);
    field_known_int(json, "contract_id", gpu->claimed_by);
    encode_gauge(json, view, gpu);
    encode_end(json);
}

static void encode_contract(struct encoder *json, const struct machine_contract *shown)
{
    const struct contract_row *contract = shown->contract;

    encode_object(json);
    encode_field_int(json, "id", contract->id);
    encode_field_text(json, "class", class_of(contract->kind));
    encode_field_int(json, "num_gpus", contract->terms.num_gpus);
    encode_field_text(json, "state", rental_state_name(contract->state));
    encode_field_bool(json, "runs", shown->runs);
    encode_field_money(json, "gpu_hour", contract->terms.gpu_hour);
    encode_field_money(json, "disk_hour", contract_disk_hour(contract));
    encode_field_money(json, "earn_hour", shown->earn_hour);
    encode_field_int(json, "disk_gb", contract->share.disk_gb);
    if (contract->disk_used_mb >= 0)
        encode_field_real(json, "disk_used_gb", (double)contract->disk_used_mb / MB_PER_GB);
    else
        field_null(json, "disk_used_gb");
    field_gauge(json, "gpu_util", shown->runs ? contract->gpu_permille : -1, 1);
    field_time(json, "start_date", contract->terms.start);
    field_time(json, "end_date", contract->terms.end);
    encode_end(json);
}

void handle_machine_rentals(struct call *call)
{
    auto_buf struct buf body = buf_of(MACHINE_RENTALS_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct machine_view *view;
    struct error err;
    size_t count;

    if (!flow_machines(&call->app->flow, &call->caller, call->params[0].id, call->request->arena,
                       &view, &count, &err))
        return reply_error(call, &err);
    if (count == 0)
        return reply_refuse(call, 404, "no_such_machine", "There is no machine %lld.",
                            (long long)call->params[0].id);
    encode_object(&json);
    encode_key(&json, "gpus");
    encode_array(&json);
    for (size_t i = 0; i < view->gpu_row_count; i++)
        encode_gpu(&json, view, &view->gpus[i]);
    encode_end(&json);
    encode_key(&json, "contracts");
    encode_array(&json);
    for (size_t i = 0; i < view->contract_rows; i++)
        encode_contract(&json, &view->contracts[i]);
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}
