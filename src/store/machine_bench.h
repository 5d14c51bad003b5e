/* SPDX-License-Identifier: Apache-2.0 */
/* What agents measured of their machines, as they said it. */

#ifndef BERTH_STORE_MACHINE_BENCH_H
#define BERTH_STORE_MACHINE_BENCH_H

#include "base/arena.h"
#include "market/dlperf.h"
#include "store/db.h"

struct machine_bench_row {
    int64_t id, machine_id;
    struct instant measured;
    const char *report; /* proto/bench.h, as JSON */
};

NODISCARD bool machine_bench_insert(struct db *db, const struct machine_bench_row *bench,
                                    struct error *err);

/* The machine's last one. */
NODISCARD bool machine_bench_last(struct db *db, int64_t machine_id, struct arena *arena,
                                  struct machine_bench_row *ret, bool *ret_has, struct error *err);

/* What was measured of the newest machine of each other host with such GPUs, since then; of at most
 * `max` hosts. */
struct machine_bench_like {
    const char *model;
    int64_t gpu_gb, owner_id; /* whose own are left out */
    struct instant since;
};
NODISCARD bool machine_bench_peers(struct db *db, const struct machine_bench_like *like, size_t max,
                                   struct dlperf_rates *ret, size_t *ret_count, struct error *err);

#endif
