/* SPDX-License-Identifier: Apache-2.0 */
#include "market/reliability.h"

#include <assert.h>
#include <math.h>

#define PPM INT64_C(1000000)

#define BLIP_US         (2 * 60 * US_PER_SECOND)
#define SHORT_US        (30 * 60 * US_PER_SECOND)
#define HOSTS_GONE_MIN  3 /* fewer than these are never taken for the market's own failure */
#define HOSTS_GONE_PART 5 /* and more than one in so many are */

/* Longer than any market: what a clock that was set wildly wrong says is cut there. */
#define SPAN_MAX_US (INT64_C(100) * 365 * 24 * US_PER_HOUR)

static const double ln2 = 0.693147180559945309417;

static int64_t weighed(int64_t number, double weight)
{
    return llround((double)number * weight);
}

void reliability_advance(struct reliability *reliability, struct instant now, bool is_up)
{
    int64_t span_us = instant_until(reliability->counted, now);

    if (reliability->counted.microseconds == 0) {
        reliability->counted = now;
        return;
    }
    if (span_us <= 0)
        return;
    span_us = span_us < SPAN_MAX_US ? span_us : SPAN_MAX_US;
    double halves = (double)span_us / (double)RELIABILITY_HALF_LIFE_US;
    double weight = exp2(-halves);

    reliability->lost_ppm = weighed(reliability->lost_ppm, weight);
    reliability->up_us = weighed(reliability->up_us, weight);
    reliability->away_us = weighed(reliability->away_us, weight);
    /* The span itself, each moment of it at its weight: the integral of exp2(-t / half-life). */
    if (is_up)
        reliability->up_us +=
            llround((double)RELIABILITY_HALF_LIFE_US / ln2 * -expm1(-halves * ln2));
    reliability->counted = now;
}

void reliability_lose(struct reliability *reliability, int64_t severity_ppm, int64_t away_us)
{
    assert(severity_ppm >= 0 && away_us >= 0);
    reliability->lost_ppm += severity_ppm;
    reliability->away_us += llround((double)severity_ppm / 1e6 *
                                    (double)(away_us < SPAN_MAX_US ? away_us : SPAN_MAX_US));
}

int64_t reliability_outage_ppm(int64_t away_us, bool had_rental, enum reliability_cause cause)
{
    if (cause == RELIABILITY_MARKET || cause == RELIABILITY_LEFT ||
        (cause == RELIABILITY_ANNOUNCED && !had_rental))
        return 0;
    /* Whose renters knew of it is as if there had been none. */
    bool hurt = had_rental && cause != RELIABILITY_ANNOUNCED;

    if (away_us < BLIP_US)
        return hurt ? PPM / 2 : PPM / 10;
    if (hurt)
        return 2 * PPM;
    return away_us < SHORT_US ? PPM / 2 : PPM;
}

bool reliability_is_market(int64_t hosts_gone, int64_t hosts_all)
{
    return hosts_gone >= HOSTS_GONE_MIN && hosts_gone * HOSTS_GONE_PART > hosts_all;
}

double reliability_chance(int64_t lost_ppm, int64_t up_us, int64_t duration_us)
{
    static const int days[] = { 1, 3, 9, 27 };
    double sum = 0, lost = (double)lost_ppm / 1e6, up = (double)up_us;

    assert(lost_ppm >= 0 && up_us > 0 && duration_us >= 0);
    if (duration_us > 0)
        return pow(up / (up + (double)duration_us), lost);
    for (int i = 0; i < 4; i++)
        sum += pow(up / (up + (double)days[i] * (double)RELIABILITY_DAY_US), lost);
    return sum / 4;
}

int64_t reliability_lost_ppm(const struct reliability *reliability)
{
    return RELIABILITY_PRIOR_LOST_PPM + reliability->lost_ppm;
}

int64_t reliability_up_us(const struct reliability *reliability)
{
    return RELIABILITY_PRIOR_UP_US + reliability->up_us;
}

int64_t reliability_day_ppm(const struct reliability *reliability)
{
    return llround(reliability_chance(reliability_lost_ppm(reliability),
                                      reliability_up_us(reliability), RELIABILITY_DAY_US) *
                   1e6);
}

int64_t reliability_mtbf_us(const struct reliability *reliability)
{
    return llround((double)reliability_up_us(reliability) /
                   ((double)reliability_lost_ppm(reliability) / 1e6));
}

/* Two outages of half an hour each are what is thought of one that had none. */
int64_t reliability_mttr_us(const struct reliability *reliability)
{
    double lost = (double)reliability->lost_ppm / 1e6;

    return llround(((double)US_PER_HOUR + (double)reliability->away_us) / (2 + lost));
}

int64_t reliability_available_ppm(const struct reliability *reliability)
{
    double up = (double)reliability_mtbf_us(reliability);

    return llround(up / (up + (double)reliability_mttr_us(reliability)) * 1e6);
}

bool reliability_event_is_valid(int64_t number)
{
    return number >= RELIABILITY_JOINED && number <= RELIABILITY_FAILED_START;
}

const char *reliability_event_name(enum reliability_event event)
{
    switch (event) {
    case RELIABILITY_JOINED:
        return "joined";
    case RELIABILITY_FAILED_START:
        return "failed_start";
    case RELIABILITY_OUTAGE:
        break;
    }
    return "outage";
}

bool reliability_cause_is_valid(int64_t number)
{
    return number >= RELIABILITY_CONTACT_LOST && number <= RELIABILITY_LEFT;
}

const char *reliability_cause_name(enum reliability_cause cause)
{
    switch (cause) {
    case RELIABILITY_ANNOUNCED:
        return "announced";
    case RELIABILITY_MARKET:
        return "market";
    case RELIABILITY_LEFT:
        return "left";
    case RELIABILITY_CONTACT_LOST:
        break;
    }
    return "contact_lost";
}
