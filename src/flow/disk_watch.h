/* SPDX-License-Identifier: Apache-2.0 */
/* What is done about an instance that outgrows its disk, and about those that mount a volume which
 * is outgrown (market/disk_watch.h). */

#ifndef BERTH_FLOW_DISK_WATCH_H
#define BERTH_FLOW_DISK_WATCH_H

#include "flow/change.h"

/* Inside a heartbeat: what an instance that runs says of its disk. Its renter is told, with the
 * numbers, and then it is stopped. */
NODISCARD bool flow_disk_watch(struct change *change, struct contract_row *contract,
                               int64_t used_mb, struct error *err);

/* The same of a volume: what runs and mounts it is stopped, and can be started again when there is
 * less in it. */
NODISCARD bool flow_disk_watch_volume(struct change *change, struct contract_row *volume,
                                      int64_t used_mb, struct error *err);

#endif
