/* SPDX-License-Identifier: Apache-2.0 */
/* A contract's lifetime: the max duration of the offer, ticking down. Its renter is warned a week,
 * a day and an hour ahead, each once; at the end the instance stops. Its data is kept for another
 * week at least, and longer if nobody asks for the room. */

#ifndef BERTH_MARKET_LIFETIME_H
#define BERTH_MARKET_LIFETIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"

#define LIFETIME_RETENTION_US (7 * 24 * US_PER_HOUR)

/* The next warning after `now` about an end at `end`; INSTANT_NEVER: none is left. */
struct instant lifetime_next_warning(struct instant end, struct instant now);

/* The warning that is due at `now`: "1 day". Of several the most urgent. NULL: none is due yet, or
 * the end has come. */
const char *lifetime_warning(struct instant end, struct instant now);

/* Until when data is kept; INSTANT_NEVER where there is no end. */
struct instant lifetime_retention(struct instant end);

#endif
