/* SPDX-License-Identifier: Apache-2.0 */
/* Which microseconds of GPU time are charged (control.md 4.4).
 *
 * Time is charged between two accepted heartbeats that both show the same start of the container.
 * A gap longer than the lease is the host's outage and free, except for what our own outage
 * explains and the host's monotonic clock attests. The cursor only moves forward, so every
 * microsecond is charged at most once, whatever is repeated, late or lost. */

#ifndef BERTH_MARKET_CONNECTED_H
#define BERTH_MARKET_CONNECTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/instant.h"

#define CONNECTED_LEASE_US INT64_C(30000000)

enum { START_TOKEN_SIZE = 128 };

/* What the last accepted heartbeat showed; kept with the contract. All zero: not running. */
struct connected {
    bool is_running;       /* `cursor` shows it running, and nothing ended that since */
    struct instant cursor; /* charged up to here */
    char start_token[START_TOKEN_SIZE]; /* boot id, container and start time: same start, same token
                                         */
    int64_t run_ms;                     /* how long it had run then, by the host's clock */
};

/* An accepted heartbeat of the contract's machine, in the contract's generation. */
struct connected_report {
    struct instant at; /* the server's clock */
    bool is_running;
    const char *start_token; /* with the boot id in it; "" where it does not run */
    int64_t run_ms;
    int64_t outage_us;  /* connected_outage_us() of the gap; asked for only past the lease */
    struct instant end; /* charge nothing past it: credit or lifetime ends; INT64_MAX: never */
};

struct connected_charge {
    int64_t charged_us;
    int64_t missed_us; /* ran, perhaps, but was out of contact: free */
};

/* The gap that report would close, where it is longer than the lease and the same start: then the
 * caller works out `outage_us` first. */
bool connected_has_gap(const struct connected *last, const struct connected_report *report);

struct connected_charge connected_report(const struct connected *last,
                                         const struct connected_report *report,
                                         struct connected *ret_next);

/* A decision to stop, at `at`: charges up to min(at, end) while the lease lasts, else nothing
 * more. Afterwards it does not run until a heartbeat says so again. */
struct connected_charge connected_cut(const struct connected *last, struct instant at,
                                      struct instant end, struct connected *ret_next);

/* Whether it counts as running at `at`: confirmed, and within the lease. */
bool connected_is_live(const struct connected *last, struct instant at);

struct span {
    struct instant from, until; /* not included */
};

/* How much of `gap` our own outage explains: the time in which none of the servers' spans of life,
 * sorted by `from`, was running, and a lease's length on either side of it. */
int64_t connected_outage_us(struct span gap, const struct span *alive, size_t count);

#endif
