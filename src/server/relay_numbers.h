/* SPDX-License-Identifier: Apache-2.0 */
/* What a relay carries, for Prometheus: on a server's page, and at a door of its own where the
 * relay is a process by itself. */

#ifndef BERTH_SERVER_RELAY_NUMBERS_H
#define BERTH_SERVER_RELAY_NUMBERS_H

#include "server/http.h"
#include "server/metrics.h"
#include "server/relay.h"

enum { RELAY_GAUGES = 7 };

/* NULL: as of a relay that nobody dials. */
void relay_numbers_list(const struct relay *relay, struct metrics_gauge ret[static RELAY_GAUGES]);

/* Serves /metrics and nothing else, without a key. Borrows the relay, which must outlive it. Closed
 * with http_close(). */
NODISCARD bool relay_numbers_open(struct relay *relay, const struct log *log, const char *listen,
                                  struct http **ret_http, struct error *err);

#endif
