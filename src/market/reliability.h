/* SPDX-License-Identifier: Apache-2.0 */
/* How likely a machine is to go on without an interruption, from what happened to it.
 *
 * Interruptions are taken for a Poisson process whose rate is not known: a Gamma prior of half an
 * interruption in 13.5 hours, and what was seen since, of which half is forgotten in 180 days. So a
 * machine without a past lasts a day with 60 %, and each clean day, and each outage, moves it by
 * what it is worth. All that has to be kept are three numbers and an instant; they can be worked
 * out anew from the machine's public log at any time. */

#ifndef BERTH_MARKET_RELIABILITY_H
#define BERTH_MARKET_RELIABILITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"

#define RELIABILITY_HALF_LIFE_US   (180 * 24 * US_PER_HOUR)
#define RELIABILITY_PRIOR_LOST_PPM INT64_C(500000)
#define RELIABILITY_PRIOR_UP_US    (27 * US_PER_HOUR / 2)
#define RELIABILITY_DAY_US         (24 * US_PER_HOUR)

/* What was seen, as it weighs at `counted`, without the prior. */
struct reliability {
    int64_t lost_ppm;       /* interruptions, millionths */
    int64_t up_us;          /* time without one */
    int64_t away_us;        /* how long those lasted, each times its severity */
    struct instant counted; /* 0: nothing was seen yet */
};

/* Stored in machine_event.kind. */
enum reliability_event {
    RELIABILITY_JOINED = 1, /* counting begins */
    RELIABILITY_OUTAGE,
    RELIABILITY_FAILED_START, /* an instance did not start, and not because of its image */
};

/* Stored in machine_event.cause. */
enum reliability_cause {
    RELIABILITY_CONTACT_LOST,
    RELIABILITY_ANNOUNCED, /* the host had said so a day before */
    RELIABILITY_MARKET,    /* so many hosts went at once that it was none of theirs */
    RELIABILITY_LEFT,      /* its host took it off for good, and its hardware came back */
};

#define RELIABILITY_NOTICE_US (24 * US_PER_HOUR) /* what is announced so long ahead is forgiven */

/* Time goes on, in which it was up or away. An instant before `counted` changes nothing; where
 * nothing was seen yet, counting begins. */
void reliability_advance(struct reliability *reliability, struct instant now, bool is_up);

/* Something happened at `counted` that counts as so much of an interruption. */
void reliability_lose(struct reliability *reliability, int64_t severity_ppm, int64_t away_us);

/* What an outage of that length counts as, millionths. */
int64_t reliability_outage_ppm(int64_t away_us, bool had_rental, enum reliability_cause cause);
#define RELIABILITY_FAILED_START_PPM INT64_C(500000)

/* Whether that many hosts of all went because of the market's own side. */
bool reliability_is_market(int64_t hosts_gone, int64_t hosts_all);

/* Outages that began in the same ten seconds, or so long before or after, are one event of the
 * market. */
#define RELIABILITY_SLOT_US     (10 * US_PER_SECOND)
#define RELIABILITY_TOGETHER_US (30 * US_PER_SECOND)

/* The chance of no interruption in `duration_us`, given both with the prior; duration 0: the mean
 * of those over 1, 3, 9 and 27 days. */
double reliability_chance(int64_t lost_ppm, int64_t up_us, int64_t duration_us);

/* With the prior: what reliability_chance() takes. */
int64_t reliability_lost_ppm(const struct reliability *reliability);
int64_t reliability_up_us(const struct reliability *reliability);

/* The chance over a day, millionths. */
int64_t reliability_day_ppm(const struct reliability *reliability);

int64_t reliability_mtbf_us(const struct reliability *reliability);
int64_t reliability_mttr_us(const struct reliability *reliability);
int64_t reliability_available_ppm(const struct reliability *reliability);

bool reliability_event_is_valid(int64_t number);
const char *reliability_event_name(enum reliability_event event); /* "outage" */
bool reliability_cause_is_valid(int64_t number);
const char *reliability_cause_name(enum reliability_cause cause); /* "contact_lost" */

#endif
