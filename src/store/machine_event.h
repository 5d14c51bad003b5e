/* SPDX-License-Identifier: Apache-2.0 */
/* What happened to a machine, as its reliability counts it: a public log. */

#ifndef BERTH_STORE_MACHINE_EVENT_H
#define BERTH_STORE_MACHINE_EVENT_H

#include "base/arena.h"
#include "market/reliability.h"
#include "store/db.h"

struct machine_event_row {
    int64_t id, machine_id;
    enum reliability_event kind;
    struct instant start, end; /* end 0: it goes on */
    int64_t severity_ppm;      /* 0 while it goes on */
    bool had_rental;
    enum reliability_cause cause;
    int64_t contract_id; /* whose start failed; else 0 */
};

NODISCARD bool machine_event_insert(struct db *db, const struct machine_event_row *event,
                                    struct error *err);

/* The outage that goes on, if there is one. */
NODISCARD bool machine_event_open(struct db *db, int64_t machine_id, struct machine_event_row *ret,
                                  bool *ret_has, struct error *err);

/* `event->id` ends: its end, severity and cause. */
NODISCARD bool machine_event_close(struct db *db, const struct machine_event_row *event,
                                   struct error *err);

/* The machine's, newest first. */
NODISCARD bool machine_event_list(struct db *db, int64_t machine_id, size_t max,
                                  struct arena *arena, struct machine_event_row **ret,
                                  size_t *ret_count, struct error *err);

/* How many hosts had an outage that began between both. */
NODISCARD bool machine_event_hosts_gone(struct db *db, struct instant from, struct instant until,
                                        int64_t *ret_count, struct error *err);

/* What was found of outages that began in the same span of time, counted from 1970. */
struct outage_slot {
    int64_t slot;
    int64_t hosts; /* that there were when it was first asked */
    bool is_market;
};

NODISCARD bool outage_slot_load(struct db *db, int64_t slot, struct outage_slot *ret, bool *ret_has,
                                struct error *err);

/* Its first word, or, where it is there, that it was the market after all; slots before
 * `kept_since` are forgotten. */
NODISCARD bool outage_slot_save(struct db *db, const struct outage_slot *slot, int64_t kept_since,
                                struct error *err);

/* Whether a start failed there since then of somebody else's than this contract's owner. */
NODISCARD bool machine_event_others_failed(struct db *db, int64_t machine_id, int64_t contract_id,
                                           struct instant since, bool *ret_has, struct error *err);

#endif
