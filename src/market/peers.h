/* SPDX-License-Identifier: Apache-2.0 */
/* A machine's figures beside those of others with the same GPUs.
 *
 * One machine of each other host is a peer, so that nobody is their own; what is usual is the
 * median of each rate. Who is much slower may only lack power or cooling, and who is much faster
 * may only have a better program; but neither is what renters think they get by the name, so such a
 * machine is looked at (market/audit.h). */

#ifndef BERTH_MARKET_PEERS_H
#define BERTH_MARKET_PEERS_H

#include <stdbool.h>
#include <stddef.h>

#include "market/dlperf.h"

enum {
    PEERS_MIN = 3, /* of fewer nobody can tell what is usual */
    PEERS_MAX = 63,
};

/* What is usual: the median of those that have the rate; 0 where fewer than PEERS_MIN do. */
struct dlperf_rates peers_usual(const struct dlperf_rates *peers, size_t count);

/* Bits by enum dlperf_rate: where a machine is further from what is usual than three of the
 * deviations that single GPUs of a model have (market/identity.h). What is not known of either is
 * not. */
unsigned peers_apart(const struct dlperf_rates *usual, const struct dlperf_rates *own);

#endif
