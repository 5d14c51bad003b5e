/* SPDX-License-Identifier: Apache-2.0 */
/* When a renter is told that credit ends, and how fast an account may spend (money.md 1.6, 1.7).
 *
 * There are warnings a day, six hours and one hour before the end, and one below an amount that the
 * renter has set. Each is given once, and can be given again when the end has moved away by a
 * quarter more than its time, or credit is a quarter more than the amount; and is mailed once a day
 * at most.
 */

#ifndef BERTH_MARKET_WARNING_H
#define BERTH_MARKET_WARNING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"
#include "base/money.h"
#include "market/credit.h"

enum { WARNING_COUNT = 3, WARNING_LOW = WARNING_COUNT };

#define WARNING_APART_US (24 * US_PER_HOUR) /* two mails of one level */

/* Levels as bits: 1 << i, the first the longest before the end. */
struct warning_state {
    int64_t warned;      /* levels that have been told of */
    struct instant next; /* when the next is due; INSTANT_NEVER */
};

/* What holds once the end of credit is known to be at `t_zero`: levels that were left behind can be
 * told of again. */
struct warning_state warning_plan(int64_t warned, struct instant t_zero, struct instant now);

/* The most urgent level that is due and was not told of; -1: none. `*ret_state` is what holds after
 * it has been told of, and with it all that are less urgent. */
int warning_due(int64_t warned, struct instant t_zero, struct instant now,
                struct warning_state *ret_state);

/* An amount of the renter's own, beside credit as it stands. */
struct warning_low {
    bool is_on;
    bool is_left;      /* credit is a quarter more than it */
    struct instant at; /* when credit comes down to it, at this burn; INSTANT_NEVER */
};
struct warning_low warning_low(const struct credit *credit, struct money amount);

/* What holds besides: what was left behind, or turned off, can be told of again. */
struct warning_state warning_plan_low(struct warning_state state, const struct warning_low *low);

/* Whether it is due; `*state` is what holds after it has been told of. */
bool warning_low_due(struct warning_state *state, const struct warning_low *low,
                     struct instant now);

/* "24 h", "6 h", "1 h"; and the same as a time. */
const char *warning_left(int level);
int64_t warning_lead_us(int level);

/* How much an account may burn in an hour: what the operator has set for it, else what a new one
 * may, and more the longer it is there and the more it has paid: $1 for each day, and a tenth of
 * all paid. Zero for both: as much as it can pay. */
struct money warning_spend_cap(struct money set, struct money first, int64_t age_us,
                               struct money paid);

#endif
