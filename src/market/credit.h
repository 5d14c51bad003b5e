/* SPDX-License-Identifier: Apache-2.0 */
/* A renter's balance as a function of time, and the instant at which credit ends (money.md 1.6).
 *
 * Between events a balance falls in a straight line, so it is never ticked: what is posted, less
 * what the meters have run up, is one division away at any instant. The line's slope is one
 * integer, because the denominator of disk is 720 times that of GPU time.
 *
 *     struct credit credit = credit_open(renter_funds_balance(&funds), limit, now);
 *     credit_add(&credit, &gpu_meter, &running_since);  // counts on from that instant
 *     credit_add(&credit, &disk_meter, &created);
 *     credit_add(&credit, &up_meter, NULL);             // stands still
 *
 * At the crossing the exact accrual has reached the balance; a microsecond earlier it has not. */

#ifndef BERTH_MARKET_CREDIT_H
#define BERTH_MARKET_CREDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"
#include "base/money.h"
#include "market/accrual.h"
#include "market/meter.h"

#define CREDIT_RENTAL_MIN INT64_C(500000000) /* $0.50 to start anything new */

struct credit {
    struct money posted;  /* promo + prepaid - receivable, less unposted traffic */
    struct money floor;   /* zero, or below it by the account's credit limit */
    struct instant as_of; /* what follows is true then */
    numerator accrued;    /* unposted time, times METER_DISK_DENOMINATOR */
    numerator burn;       /* the same, per microsecond */
};

/* `limit` is how far the account may go below zero; never negative. */
struct credit credit_open(struct money posted, struct money limit, struct instant as_of);

/* Count a meter in. `since`: the instant at which the meter's total was true and since which it
 * runs, not after as_of; NULL: it stands still. Traffic meters always stand still. */
void credit_add(struct credit *credit, const struct meter *meter, const struct instant *since);

/* The same for all of a line's meters at once, running or not: none of them began after as_of. */
void credit_add_accrual(struct credit *credit, const struct accrual *accrual);

/* The same line seen from `at`, not before as_of: so that something can be counted in that begins
 * then. */
struct credit credit_from(const struct credit *credit, struct instant at);

/* What can be spent at `at`, which is not before as_of: below zero in debt. */
struct money credit_available(const struct credit *credit, struct instant at);

/* When it reaches the floor: as_of if it already has. False: never, at this burn. */
NODISCARD bool credit_zero(const struct credit *credit, struct instant *ret_zero);

/* Until then, for an agent: whole milliseconds from `now`, never negative; -1: never. */
int64_t credit_stop_after_ms(const struct credit *credit, struct instant now);

/* How long something at that hourly rate could have run besides, up to as_of, without taking the
 * account below its floor: for time that comes to light only afterwards. INT64_MAX: any time. */
int64_t credit_affords_us(const struct credit *credit, struct money rate);

/* What will cost so much an hour as soon as it runs: it has been started. */
void credit_add_starting(struct credit *credit, struct money hour);

/* What an hour costs at this burn, rounded up. */
struct money credit_hour(const struct credit *credit);

/* Whether something new may start, whose meters have been counted in as running from as_of:
 * available, above the floor, at least $0.50 and an hour of the whole burn. */
bool credit_admits(const struct credit *credit);

#endif
