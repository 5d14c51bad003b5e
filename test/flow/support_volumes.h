/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes of a test market. */

#ifndef BERTH_TEST_FLOW_SUPPORT_VOLUMES_H
#define BERTH_TEST_FLOW_SUPPORT_VOLUMES_H

#include "flow/volume.h"
#include "support.h"

/* $0.10 for a GB and month of 720 hours: what 20 GB cost in 36 hours is 0.10 x 20 / 20 dollars. */
#define VOLUME_MONTH INT64_C(100000000)

/* So many GB on offer, for so many days; 0: without an end. Returns the offer. */
int64_t volumes_offer(struct world *world, const struct world_machine *machine, int64_t size_gb,
                      int64_t month, int64_t days);

struct volume_reply volumes_make(struct world *world, struct caller renter, int64_t offer_id,
                                 int64_t size_gb);
struct volume_delete_reply volumes_delete(struct world *world, struct caller renter, int64_t id);
int64_t volumes_count(struct world *world, struct caller renter);

/* What the contract's meters have posted, once all is posted. */
int64_t volumes_charged(struct world *world, int64_t id);

#endif
