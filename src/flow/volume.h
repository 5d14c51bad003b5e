/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes: hosts offer space for them, renters make, see and delete them. How an instance comes by
 * one is in flow/rent.h.
 *
 * A volume is a contract like an instance's, so that all that is true of a charge, a bill, a host
 * that is away and an end of credit is true of it; what it lacks is GPUs, and a host that has to be
 * told of it before something mounts it. It lasts until its renter deletes it. Its lifetime is the
 * offer's, and its host may clear it away when that is long over (flow/upkeep.h). */

#ifndef BERTH_FLOW_VOLUME_H
#define BERTH_FLOW_VOLUME_H

#include "base/arena.h"
#include "flow/caller.h"
#include "flow/change.h"
#include "flow/flow.h"
#include "flow/volume_offer.h"
#include "market/volume.h"
#include "store/offer.h"
#include "store/user.h"

struct volume_request {
    int64_t offer_id, size_gb;
    const char *name; /* NULL: none */
};
struct volume_reply {
    enum rent_outcome outcome;
    bool is_bad_name; /* more than LABEL_LENGTH_MAX bytes: nothing was decided */
    int64_t id;
};
NODISCARD bool flow_volume_create(const struct flow *flow, const struct caller *caller,
                                  const struct volume_request *request, struct volume_reply *ret,
                                  struct error *err);

/* Never while an instance mounts it, or while its host copies what is in it. */
enum volume_delete_outcome { VOLUME_DELETED, VOLUME_NONE, VOLUME_IN_USE, VOLUME_IS_CLONED };
struct volume_delete_reply {
    enum volume_delete_outcome outcome;
    int64_t instance_id; /* one that mounts it */
    int64_t volume_id;   /* that it is copied to */
};
NODISCARD bool flow_volume_delete(const struct flow *flow, const struct caller *caller, int64_t id,
                                  struct volume_delete_reply *ret, struct error *err);

struct volume_view {
    const struct contract_row *contract;
    const struct machine_row *machine;
    const struct machine_facts *facts;
    const int64_t *instances; /* that mount it */
    size_t instance_count;
    bool is_filling;   /* its host still copies into it (flow/volume_clone.h) */
    struct money hour; /* to the nearest nanodollar: for show */
};
/* All of the caller, by id. */
NODISCARD bool flow_volumes(const struct flow *flow, const struct caller *caller,
                            struct arena *arena, struct volume_view **ret, size_t *ret_count,
                            struct error *err);

/* Inside src/flow: a volume that is made in a transaction of the renter's, who is locked. Facts of
 * the account are the caller's to fill in; those of the offer are loaded. */
struct volume_making {
    const struct caller *caller;
    struct volume_request wanted;
    struct offer_row offer;
    struct volume_facts facts;
    struct volume_plan plan;
    bool skips_disk_offline;
};
NODISCARD bool volume_plan(struct change *change, struct volume_making *making,
                           const struct machine *machine, enum rent_outcome *ret,
                           struct error *err);
/* One by itself, with the facts of the account: made where `ret->outcome` is RENT_OK. */
NODISCARD bool volume_make_alone(struct change *change, struct volume_making *making,
                                 struct money spend_cap, struct volume_reply *ret,
                                 struct error *err);
NODISCARD bool volume_make(struct change *change, const struct volume_making *making,
                           int64_t *ret_id, struct error *err);

#endif
