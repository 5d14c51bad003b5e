/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that a renter pays for at this moment, in one query: for balances. */

#ifndef BERTH_STORE_BURN_H
#define BERTH_STORE_BURN_H

#include "base/arena.h"
#include "market/meter.h"
#include "store/db.h"

/* A meter of an instance that exists, and what says how far it runs. */
struct burn_row {
    int64_t contract_id, host_id, machine_id;
    struct meter meter;
    struct instant end;          /* of the contract */
    struct instant disk_metered; /* disk: the meter's total was true then */
    int64_t unmetered;           /* traffic: bytes that the meter lacks */
    bool is_open;                /* gpu: an interval is open ... */
    struct instant metered;      /* ... and the meter's total was true then */
    struct instant last_heartbeat;
    bool is_online; /* the machine */
    struct instant offline_since;
    int64_t disk_offline_us; /* so long disk is charged after that */
    bool is_destroyed;       /* the instance: what is left costs nobody anything */
    bool is_reserved;        /* gpu and disk: its deposit pays for it (store/reservation.h) */
};

/* Those of a renter's, but for traffic that is all posted already: it costs nothing more, and does
 * not go on by itself. */
NODISCARD bool burn_list(struct db *db, int64_t owner_id, struct arena *arena,
                         struct burn_row **ret, size_t *ret_count, struct error *err);

/* The same for one instance; and for all on one host's machines. */
NODISCARD bool burn_list_of(struct db *db, int64_t contract_id, struct arena *arena,
                            struct burn_row **ret, size_t *ret_count, struct error *err);
NODISCARD bool burn_list_hosted(struct db *db, int64_t host_id, struct arena *arena,
                                struct burn_row **ret, size_t *ret_count, struct error *err);

#endif
