/* SPDX-License-Identifier: Apache-2.0 */
/* One machine, and two who want its GPUs. */

#ifndef BERTH_TEST_FLOW_SUPPORT_BIDS_H
#define BERTH_TEST_FLOW_SUPPORT_BIDS_H

#include "flow/bid.h"
#include "flow/instance_change.h"
#include "support.h"

struct place {
    struct world world;
    struct world_machine machine;
    struct caller ada, bob;
};

/* With $100 each. */
void place_open(struct place *place, void **state, int64_t gpu_count);

/* And everything is as it must be. */
void place_close(struct place *place);

/* Ids of instances. */
int64_t place_bid(struct place *place, struct caller renter, int64_t num_gpus, int64_t ticks);
int64_t place_rent(struct place *place, struct caller renter, int64_t num_gpus);

void place_run_s(struct place *place, int64_t seconds);
void place_destroy(struct place *place, struct caller renter, int64_t id);
enum change_outcome place_start(struct place *place, struct caller renter, int64_t id);
void place_stop(struct place *place, struct caller renter, int64_t id);

void place_check_state(struct place *place, int64_t id, enum rental_state state,
                       enum rental_reason reason);

#endif
