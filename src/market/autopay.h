/* SPDX-License-Identifier: Apache-2.0 */
/* When a saved card is charged with nobody there, and how much (money.md 1.9).
 *
 * A debt is collected once a day from 09:00 UTC on, and at once from $10 on; less than a dollar
 * waits. Who has asked for it is topped up when less than their threshold is left. What is declined
 * is tried again after one, three, five and seven days, and then no more; what will never work is
 * not tried again. */

#ifndef BERTH_MARKET_AUTOPAY_H
#define BERTH_MARKET_AUTOPAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/instant.h"
#include "base/money.h"

#define AUTOPAY_MIN         INT64_C(1000000000)    /* $1 */
#define AUTOPAY_AT_ONCE     INT64_C(10000000000)   /* $10 */
#define AUTOPAY_CHARGE_MAX  INT64_C(500000000000)  /* $500, until the account has a history */
#define AUTOPAY_DAY_MAX     INT64_C(2000000000000) /* $2,000 in 24 hours, likewise */
#define AUTOPAY_HISTORY_US  (30 * 24 * US_PER_HOUR)
#define AUTOPAY_SETTING_MAX INT64_C(10000000000000) /* $10,000: of a threshold or top-up */

struct autopay {
    struct money threshold, topup; /* topup 0: it was not asked for */
    struct money debt;             /* posted; never negative */
    struct money available;        /* what is left to spend now; below zero where it is owed */
    struct money lately;           /* charged with nobody there in the last 24 hours */
    bool has_history;              /* a first payment of AUTOPAY_HISTORY_US ago */
    int64_t debt_day;              /* the last on which a small debt was collected */
    struct instant now;
};

/* What to charge now: whole cents, rounded up; 0: nothing. */
struct money autopay_amount(const struct autopay *facts);

/* Days since 1970 whose collection `now` belongs to: they begin at 09:00 UTC. */
int64_t autopay_day(struct instant now);

/* When to try again after so many were declined in a row, 1 for the first; INSTANT_NEVER: no more.
 */
struct instant autopay_next(int64_t tries, bool is_final, struct instant now);

#endif
