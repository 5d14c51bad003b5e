/* SPDX-License-Identifier: Apache-2.0 */
/* The volumes of an instance that is being made, in its transaction: those that its renter has on
 * the machine already, and one that is made with it. Inside src/flow/.
 *
 * What is made with it is charged from the same instant, and is paid for as anything else: the
 * renter's credit has to cover both. */

#ifndef BERTH_FLOW_RENT_VOLUMES_H
#define BERTH_FLOW_RENT_VOLUMES_H

#include "flow/change.h"
#include "flow/rent.h"
#include "flow/volume.h"

struct rent_volumes {
    struct volume_making making; /* where the request has one to make; facts of the account given */
    enum rent_outcome outcome;   /* of making it */
    int64_t bad_id;              /* a volume that cannot be mounted there; 0: none */
    bool is_filling;             /* yet: what it is to hold is still copied */
    int64_t count;
    struct spec_volume *mounts; /* all, that which is made last; its id is 0 until it is */
};

/* Whether they can be had. Where they can, what is made is counted into the facts that the rental
 * is decided by: what its machine has free, and what the account spends. */
NODISCARD bool rent_volumes_plan(struct change *change, const struct rental_request *request,
                                 struct machine *machine, struct rent_facts *facts,
                                 struct rent_volumes *volumes, struct error *err);

/* Make what is to be made: its id is in the mounts from then on. */
NODISCARD bool rent_volumes_make(struct change *change, const struct rental_request *request,
                                 struct rent_volumes *volumes, struct error *err);

/* The instance mounts them. */
NODISCARD bool rent_volumes_mount(struct change *change, const struct rent_volumes *volumes,
                                  int64_t contract_id, struct error *err);

#endif
