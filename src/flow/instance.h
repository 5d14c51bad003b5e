/* SPDX-License-Identifier: Apache-2.0 */
/* What a renter sees of their instances. */

#ifndef BERTH_FLOW_INSTANCE_H
#define BERTH_FLOW_INSTANCE_H

#include "base/arena.h"
#include "flow/caller.h"
#include "flow/flow.h"
#include "flow/instance_change.h"
#include "flow/prepay.h"
#include "market/line.h"
#include "proto/desired.h"
#include "proto/hello.h"
#include "store/contract.h"
#include "store/machine.h"
#include "store/relay.h"

struct instance_view {
    const struct contract_row *contract;
    const struct machine_row *machine;
    const struct machine_facts *facts;
    const struct instance_spec *spec; /* as rented, without SSH keys */
    size_t gpus_held;                 /* claimed for it now; 1 of a machine without GPUs */
    struct rental_view status;        /* actual_status and so on: market/rental.h */
    const char *status_msg;           /* "" where there is nothing to say */
    struct money min_bid_hour;   /* of a bid that waits, what would run now; else what is taken */
    int64_t grace_s;             /* of a bid: the notice that it gets; else -1 */
    struct money disk_hour;      /* to the nearest nanodollar: for show, never for charging */
    struct money total_hour;     /* the slice and its disk */
    struct deposit_view deposit; /* what was paid ahead; its plans are not filled in */
    struct money charged;        /* so far, up to this moment, all meters */
    int64_t uptime_s;            /* since the present run began; -1: does not run */
    bool is_connected;
    bool is_in_line; /* waits for GPUs, and so has a place: */
    struct line_place place;
    const struct relay_port_row *relay_ports; /* in order of what they lead to */
    size_t relay_port_count;
};

/* `*ret_has` is false where the caller has no such instance. */
NODISCARD bool flow_instance_show(const struct flow *flow, const struct caller *caller, int64_t id,
                                  struct arena *arena, struct instance_view *ret, bool *ret_has,
                                  struct error *err);

/* Whose those instances are, or volumes; 0: there is no such one. */
NODISCARD bool flow_instance_owners(const struct flow *flow, const int64_t *ids, size_t count,
                                    int64_t *ret_owner_ids, struct error *err);

/* All instances of the caller in order of id. What an account may have is bounded
 * (flow/rent.h), so filters, other orders and pages are the handler's. */
NODISCARD bool flow_instance_list(const struct flow *flow, const struct caller *caller,
                                  struct arena *arena, struct instance_view **ret,
                                  size_t *ret_count, struct error *err);

#endif
