/* SPDX-License-Identifier: Apache-2.0 */
/* GPU time that waits for a human, and how much one posting may cover without one. */

#ifndef BERTH_STORE_PARKED_H
#define BERTH_STORE_PARKED_H

#include "base/arena.h"
#include "store/db.h"

/* Stored in parked_tick.state. */
enum parked_state { PARKED_WAITS = 1, PARKED_CHARGED = 2, PARKED_DROPPED = 3 };

struct parked_row {
    int64_t id, contract_id;
    struct instant from;
    int64_t gpu_us, outage_us; /* so much of it our own outage explains */
    struct instant parked;
    enum parked_state state;
    int64_t charged_us;
    struct instant decided; /* 0: not yet */

    /* Of its contract; not stored here. */
    int64_t owner_id, host_id, machine_id;
    struct money gpu_hour;
    struct instant destroyed; /* 0: it exists */
};

/* As it was when nobody has said anything. */
NODISCARD bool parked_guard(struct db *db, int64_t *tick_max_us, struct error *err);
/* One that nobody has to decide on: there was no credit for it. */
NODISCARD bool parked_insert_dropped(struct db *db, const struct parked_row *row,
                                     struct error *err);
NODISCARD bool parked_insert(struct db *db, const struct parked_row *row, struct error *err);

/* Those that wait, oldest first, at most `max`. */
NODISCARD bool parked_list(struct db *db, size_t max, struct arena *arena, struct parked_row **ret,
                           size_t *ret_count, struct error *err);
/* How many wait, and since when the first of them; 0: none does. */
struct parked_waiting {
    int64_t count;
    struct instant since;
};
NODISCARD bool parked_waiting(struct db *db, struct parked_waiting *ret, struct error *err);

/* One, decided or not. */
NODISCARD bool parked_load(struct db *db, int64_t id, struct arena *arena, struct parked_row *ret,
                           bool *ret_has, struct error *err);

/* It waits no more: state, charged_us and decided are stored. */
NODISCARD bool parked_decide(struct db *db, const struct parked_row *row, struct error *err);

#endif
