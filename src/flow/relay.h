/* SPDX-License-Identifier: Apache-2.0 */
/* Relays in the market: they say where they are and that they live; a contract is given their ports
 * in the transaction that makes it, keeps them whatever starts and stops, and loses them when it is
 * destroyed. Any number of relays share one market; a port belongs to one of them. */

#ifndef BERTH_FLOW_RELAY_H
#define BERTH_FLOW_RELAY_H

#include "base/arena.h"
#include "flow/flow.h"
#include "market/machine.h"
#include "proto/desired.h"
#include "store/machine.h"
#include "store/relay.h"

enum {
    RELAY_SAY_SECONDS = 5,
    RELAY_ALIVE_SECONDS = 20, /* since it last said so: then new contracts get none of its ports */
};

/* It is there, as the row says but for its id and `alive_until`. Where agents have to know that it
 * has changed, they are told. */
NODISCARD bool flow_relay_say(const struct flow *flow, const struct relay_row *relay,
                              int64_t *ret_id, struct error *err);

/* It leaves: nobody is sent there any more. */
NODISCARD bool flow_relay_leave(const struct flow *flow, const struct relay_row *relay,
                                struct error *err);

/* Where its ports lead now, in order of port. */
NODISCARD bool flow_relay_routes(const struct flow *flow, int64_t relay_id, struct arena *arena,
                                 struct relay_route **ret, size_t *ret_count, struct error *err);

/* A contract that is being made, in its transaction. */
struct relay_contract {
    int64_t id; /* 0: not yet */
    const struct instance_spec *spec;
    const struct machine_facts *facts;
    struct instant now;
};

/* Before it is made: false where its host has no open ports and no relay has enough left. */
NODISCARD bool relay_has_room(struct db *db, const struct relay_contract *contract,
                              struct arena *arena, bool *ret_has, struct error *err);

/* Give it the ports that it needs; one whose host has open ports does without where there are
 * none. */
NODISCARD bool relay_give(struct db *db, const struct relay_contract *contract, struct arena *arena,
                          struct error *err);

/* It is destroyed. */
NODISCARD bool relay_take_back(struct db *db, int64_t contract_id, struct error *err);

/* A machine has a new session: relays turn the old one away. */
NODISCARD bool relay_fence(struct db *db, int64_t machine_id, struct error *err);

/* What a contract's host has to know of the ports that it was lent, for its spec. Nothing where the
 * host has open ports of its own. */
NODISCARD bool relay_reach(struct db *db, const struct machine_row *machine, int64_t contract_id,
                           struct arena *arena, struct instance_spec *spec, struct error *err);

/* Those that the machine's agent has to dial, for its desired state. */
NODISCARD bool relay_desired(struct db *db, int64_t machine_id, struct arena *arena,
                             struct desired *desired, struct error *err);

#endif
