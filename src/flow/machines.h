/* SPDX-License-Identifier: Apache-2.0 */
/* What a host sees of its machines. */

#ifndef BERTH_FLOW_MACHINES_H
#define BERTH_FLOW_MACHINES_H

#include "base/arena.h"
#include "flow/caller.h"
#include "flow/flow.h"
#include "flow/gauge.h"
#include "proto/hello.h"
#include "store/contract.h"
#include "store/gpu.h"
#include "store/idle_job.h"
#include "store/machine.h"
#include "store/maintenance.h"

/* Of a contract that is on a machine: an instance, a volume, or the host's own job. */
struct machine_contract {
    const struct contract_row *contract;
    bool runs;
    struct money earn_hour; /* the host's share of it at this moment */
};

struct machine_view {
    const struct machine_row *machine;
    const struct machine_facts *facts;
    const struct gpu_row *gpus; /* one that stands for the whole machine where it has none */
    size_t gpu_row_count;
    struct gauge_view gauges;                 /* how they are */
    const struct machine_contract *contracts; /* all that exist on it, by id */
    size_t contract_rows;
    int64_t disk_rented_gb;
    int64_t contract_count, running_count;  /* that exist; that run now */
    int64_t firm_count, running_firm_count; /* on demand among them */
    int64_t reserved_count, running_reserved_count;
    struct money earn_hour;                    /* the host's share at this moment */
    int64_t seconds_since_heartbeat;           /* -1: never heard */
    struct instant contracts_end;              /* latest of them; 0 without */
    int64_t report_count, recent_report_count; /* by renters; of the last 30 days */
    const struct maintenance_row *maintenance; /* the next window; NULL: none is announced */
    const struct idle_job_row *idle_job;       /* what runs on idle GPUs; NULL: nothing */
};

/* All of the caller's machines; `machine_id` other than 0: that one, or none. */
NODISCARD bool flow_machines(const struct flow *flow, const struct caller *caller,
                             int64_t machine_id, struct arena *arena, struct machine_view **ret,
                             size_t *ret_count, struct error *err);

#endif
