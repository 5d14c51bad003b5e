/* SPDX-License-Identifier: Apache-2.0 */
/* What happened to a contract, in order: append-only. */

#ifndef BERTH_STORE_EVENT_H
#define BERTH_STORE_EVENT_H

#include "base/arena.h"
#include "market/rental.h"
#include "store/db.h"

struct event_row {
    int64_t contract_id;
    struct instant at;
    enum rental_state state; /* from then on */
    enum rental_reason reason;
    const char *detail;
    int64_t decision_id; /* the decision that it came of (store/decision.h); 0: none */
    /* In: the host's answer to the event before, whose request it goes on with. */
    bool is_answer;
    const char *request_id; /* out; in, it is the thread's (sys/trace.h). "": none */
};

NODISCARD bool event_insert(struct db *db, const struct event_row *event, struct error *err);

/* Whose request the contract's last event came of; NULL: nobody's. */
NODISCARD bool event_request(struct db *db, int64_t contract_id, struct arena *arena,
                             const char **ret, struct error *err);

/* Of the renter's instance, oldest first; the last `max` of them. */
NODISCARD bool event_list(struct db *db, int64_t owner_id, int64_t contract_id, size_t max,
                          struct arena *arena, struct event_row **ret, size_t *ret_count,
                          struct error *err);

#endif
