/* SPDX-License-Identifier: Apache-2.0 */
/* Turns a contract's running totals into charges, exactly (money.md 1.5).
 *
 * A contract has four meters. A total only grows: microseconds for `gpu` and `disk`, bytes for
 * `bwu` and `bwd`. Posting charges what is new since the last posting and carries the fraction of
 * a nanodollar that is left over, in `remainder`. So
 *
 *   - the bill depends on the total alone, not on when or how often it was posted;
 *   - a new price keeps the remainder: all prices of a component share one denominator;
 *   - gross * denominator + remainder is the exact numerator, which an auditor recomputes from
 *     the epochs.
 *
 * The platform's fee is split off with a carry of its own: the host has always been posted the
 * whole nanodollars of its share of the gross, rounded down once and not per posting. */

#ifndef BERTH_MARKET_METER_H
#define BERTH_MARKET_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/money.h"

/* Nanodollars times a denominator: fits whatever the limits below admit. */
__extension__ typedef __int128 numerator;

enum component {
    COMPONENT_GPU = 1, /* the slice, by the hour; on a CPU machine, the machine */
    COMPONENT_DISK,    /* by the GB (2^30 bytes) and month (30 days) */
    COMPONENT_UP,      /* sent by the instance, by the TB (2^40 bytes) */
    COMPONENT_DOWN,    /* received by it */
};
enum { COMPONENT_COUNT = 4 };

#define METER_GPU_DENOMINATOR     INT64_C(3600000000)
#define METER_DISK_DENOMINATOR    INT64_C(2592000000000)
#define METER_TRAFFIC_DENOMINATOR INT64_C(1099511627776)
#define METER_GPU_SCALE           INT64_C(720) /* disk's denominator over gpu's */

/* 1e13 * 1e6 * 2^63 is below 2^127. */
#define METER_RATE_MAX     INT64_C(10000000000000) /* $10,000 an hour, GB-month or TB */
#define METER_QUANTITY_MAX INT64_C(1000000)        /* GB */
#define FEE_BPS_MAX        INT64_C(10000)
#define FEE_BPS_DEFAULT    INT64_C(2500) /* hosts receive 75 % */

struct meter {
    enum component component;
    struct money rate;     /* for an hour, a GB-month or a TB */
    int64_t quantity;      /* GB for disk, else 1 */
    int64_t fee_bps;       /* the platform's share in hundredths of a percent */
    int64_t total;         /* microseconds or bytes so far */
    int64_t posted_total;  /* of which posted */
    int64_t remainder;     /* below the denominator */
    int64_t fee_remainder; /* below 10000 */
    struct money gross_posted, host_posted;
};

/* What one posting adds: gross = host + fee. */
struct meter_charge {
    struct money gross, host, fee;
};

/* One price of a meter, kept as evidence. `to_total` is -1 while it lasts. */
struct meter_epoch {
    struct money rate;
    int64_t quantity;
    int64_t from_total, to_total;
};

enum meter_outcome {
    METER_OK,
    METER_BACKWARDS, /* the total is below the last one */
    METER_TOO_LARGE, /* the bill has outgrown money */
};

/* "gpu", "disk", "bwu", "bwd". */
const char *component_name(enum component component);
int64_t component_denominator(enum component component);

bool meter_rate_is_valid(struct money rate);

/* Rate, quantity and fee within the limits above. */
struct meter meter_open(enum component component, struct money rate, int64_t quantity,
                        int64_t fee_bps);

/* Ask it of every meter that comes out of storage: one that fails is ERROR_CORRUPT. */
bool meter_is_valid(const struct meter *meter);

/* Raise the total. Only METER_OK changes the meter. */
NODISCARD enum meter_outcome meter_advance(struct meter *meter, int64_t total);

/* Post what is unposted. Only METER_OK sets the outputs: `*ret_next` (which may be `meter`), the
 * meter after it, and `*ret_charge`, which may be zero. */
NODISCARD enum meter_outcome meter_post(const struct meter *meter, struct meter *ret_next,
                                        struct meter_charge *ret_charge);

/* From here on at another rate. The meter must be posted up to its total. */
struct meter meter_reprice(const struct meter *meter, struct money rate);

/* From here on of another quantity: of disk. As above. */
struct meter meter_resize(const struct meter *meter, int64_t quantity);

/* What is used and not posted, remainder and all, times the component's denominator. */
numerator meter_unposted(const struct meter *meter);

/* Whether the meter is what its epochs, oldest first, add up to. */
bool meter_matches(const struct meter *meter, const struct meter_epoch *epochs, size_t count);

#endif
