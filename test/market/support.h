/* SPDX-License-Identifier: Apache-2.0 */
/* A machine and a listing to begin with. */

#ifndef BERTH_TEST_MARKET_SUPPORT_H
#define BERTH_TEST_MARKET_SUPPORT_H

#include "market/machine.h"
#include "market/offer.h"

#define NOON ((struct instant){ INT64_C(1795330553000000) })
#define DAY  (24 * US_PER_HOUR)

/* 8 RTX 4090, 64 threads, 256,000 MB, 4,000 GB of disk; lives as long as the program. */
struct machine_facts *some_facts(void);

/* The same without a GPU. */
struct machine_facts *cpu_facts(void);

/* $0.35 per GPU, bids from $0.15, $0.15 a GB-month, $0.003 and $0.002 a GB; until NOON + 40 days.
 */
struct listing some_listing(void);

#endif
