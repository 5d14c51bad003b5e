/* SPDX-License-Identifier: Apache-2.0 */
/* What a relay carries, for Prometheus: on a server's page, and at a door of its own where the
 * relay is a process by itself. */

#ifndef BERTH_SERVER_RELAY_NUMBERS_H
#define BERTH_SERVER_RELAY_NUMBERS_H

#include "server/metrics.h"
#include "server/relay.h"

enum { RELAY_GAUGES = 7 };

/* NULL: as of a relay that nobody dials. */
void relay_numbers_list(const struct relay *relay, struct metrics_gauge ret[static RELAY_GAUGES]);

/* The whole page of a struct relay that is a process by itself, as a door wants it
 * (server/metrics_door.h). */
void relay_numbers_write(void *relay, struct buf *out);

#endif
