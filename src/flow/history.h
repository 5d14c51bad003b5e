/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to machines, kept as events and as what they come to (market/reliability.h); and
 * read, by anybody. The first three are for src/flow/ alone, inside a transaction that holds the
 * machine's lock. */

#ifndef BERTH_FLOW_HISTORY_H
#define BERTH_FLOW_HISTORY_H

#include "base/arena.h"
#include "flow/flow.h"
#include "store/contract.h"
#include "store/machine.h"
#include "store/machine_event.h"

enum { HISTORY_EVENTS_MAX = 5000, HISTORY_IDENTITIES_MAX = 16 };

/* Contact was lost at `since`, when somebody's instance ran there, or not. */
NODISCARD bool history_went_offline(struct db *db, struct machine_row *machine,
                                    struct instant since, bool had_rental, struct error *err);

/* Its host has taken it off for good. */
NODISCARD bool history_left(struct db *db, struct machine_row *machine, struct instant now,
                            struct error *err);

/* It is heard again, or for the first time: then what was seen of the same hardware before goes on,
 * with the time in between as what it was. */
NODISCARD bool history_came_online(struct db *db, struct machine_row *machine, struct instant now,
                                   struct error *err);

/* An instance could not be started. That counts where the fault cannot be its image's: it has run
 * there before; or somebody else's did not start there either within a day. */
NODISCARD bool history_start_failed(struct db *db, struct machine_row *machine,
                                    const struct contract_row *contract, struct instant now,
                                    struct error *err);

/* A machine and its events, newest first, HISTORY_EVENTS_MAX at most: those of what the same
 * hardware was before, too. */
struct history {
    struct machine_row machine;
    struct instant now;
    struct machine_event_row *events;
    size_t count;
};

/* `*ret_has` false: there is no such machine. */
NODISCARD bool flow_history(const struct flow *flow, int64_t machine_id, struct arena *arena,
                            struct history *ret, bool *ret_has, struct error *err);

#endif
