/* SPDX-License-Identifier: Apache-2.0 */
/* An agent says what it measured: kept, and from then on what the machine's offers show. */

#ifndef BERTH_FLOW_BENCH_H
#define BERTH_FLOW_BENCH_H

#include "flow/flow.h"
#include "flow/session.h"
#include "proto/bench.h"
#include "store/machine.h"

/* Only TAKE_DONE changed anything. What counts of a machine is its slowest GPU; where one of them
 * was not measured, or was not heard of, none was. GPUs that do not exist were not measured. */
NODISCARD bool flow_bench(const struct flow *flow, int64_t machine_id, int64_t epoch, int64_t seq,
                          const struct bench_report *report, enum take_outcome *ret,
                          struct error *err);

/* What is known of a machine's speed: anybody may see it. */
struct bench_view {
    struct machine_row machine;
    struct machine_facts facts;
    const struct bench_report *report; /* the last one, as it was said; NULL: none */
    /* Of other hosts with such GPUs: how many, what is usual on them (market/peers.h), and how this
     * machine is not. */
    size_t peer_count;
    struct dlperf_rates usual;
    unsigned apart;
};

/* `*ret` is NULL where there is no such machine. */
NODISCARD bool flow_bench_show(const struct flow *flow, int64_t machine_id, struct arena *arena,
                               const struct bench_view **ret, struct error *err);

#endif
