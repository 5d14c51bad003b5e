/* SPDX-License-Identifier: Apache-2.0 */
#include "market/explain.h"

#include <assert.h>
#include <math.h>

#define PRICE_STEP INT64_C(100000) /* $0.0001 */
#define PPM        INT64_C(1000000)

struct explain_factors explain_factors(const struct offer *offer, const struct offer_ask *ask)
{
    const struct machine *machine = offer->machine;
    struct quote quote = offer_quote(offer, ask);
    double down = (double)machine->inet_down_kbps / 1e3, up = (double)machine->inet_up_kbps / 1e3;

    return (struct explain_factors){
        .speed = quote.dlperf > 0 ? quote.dlperf : quote.total_tflops,
        .is_measured = quote.dlperf > 0,
        .memory = pow((double)machine->gpu_ram_mb / 1e3, 0.35),
        .network = pow((down + 4) * (up + 4), 0.1),
        .reliability = offer_lasts(machine, ask->duration_us),
        .price = fmax(
            (double)quote.total.nanodollars / NANODOLLARS_PER_DOLLAR + offer_traffic(offer), 1e-6),
        .score = quote.score,
    };
}

/* The offer's score at another price of a GPU and hour. */
static double score_at(const struct offer *offer, const struct offer_ask *ask, int64_t gpu_hour)
{
    struct offer changed = *offer;
    int64_t parts = offer->terms.num_gpus > 0 ? offer->terms.num_gpus : 1;

    changed.terms.gpu_hour.nanodollars = gpu_hour * parts;
    return offer_quote(&changed, ask).score;
}

bool explain_price_for(const struct offer *offer, const struct offer_ask *ask, double score,
                       struct money *ret_gpu_hour)
{
    int64_t low = 0, high = INT64_C(10000) * NANODOLLARS_PER_DOLLAR / PRICE_STEP;

    if (ask->type == OFFER_BID || score_at(offer, ask, 0) < score)
        return false;
    while (low < high) { /* the score falls as the price rises */
        int64_t middle = low + (high - low + 1) / 2;

        if (score_at(offer, ask, middle * PRICE_STEP) >= score)
            low = middle;
        else
            high = middle - 1;
    }
    *ret_gpu_hour = (struct money){ low * PRICE_STEP };
    return true;
}

static double score_with(const struct offer *offer, const struct offer_ask *ask, int64_t ppm)
{
    struct machine machine = *offer->machine;
    struct offer changed = *offer;

    machine.reliability_ppm = ppm;
    /* As long without an outage, but with so many that a day comes to that. */
    if (machine.up_us > 0 && ppm > 0)
        machine.lost_ppm = llround(
            1e6 * log((double)ppm / PPM) /
            log((double)machine.up_us / ((double)machine.up_us + (double)RELIABILITY_DAY_US)));
    else
        machine.up_us = 0;
    changed.machine = &machine;
    offer_prepare(&changed);
    return offer_quote(&changed, ask).score;
}

bool explain_reliability_for(const struct offer *offer, const struct offer_ask *ask, double score,
                             int64_t *ret_ppm)
{
    int64_t low = 0, high = PPM;

    if (score_with(offer, ask, PPM) < score)
        return false;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;

        if (score_with(offer, ask, middle) >= score)
            high = middle;
        else
            low = middle + 1;
    }
    *ret_ppm = low;
    return true;
}

struct explain_misses explain_misses(const struct query *query, const struct query_subject *subject,
                                     const struct query_caller *caller)
{
    const struct offer *offer = subject->offer;
    struct explain_misses misses = {
        .is_rented = offer->renter_id != 0 && !query->has_rented,
        .has_small_disk =
            offer->renter_id == 0 && offer_disk_gb(offer) < (query->ask.disk_milligb + 999) / 1000,
    };

    for (size_t i = 0; i < query->condition_count; i++) {
        struct query_value value = query_field_value(query->conditions[i].field, subject, caller);

        if (!query_condition_holds(&query->conditions[i], &value))
            misses.conditions[misses.count++] = i;
    }
    return misses;
}

const char *query_relation_name(enum query_relation relation)
{
    static const char *const names[] = {
        [QUERY_EQ] = "eq", [QUERY_NEQ] = "neq", [QUERY_GT] = "gt", [QUERY_GTE] = "gte",
        [QUERY_LT] = "lt", [QUERY_LTE] = "lte", [QUERY_IN] = "in", [QUERY_NOTIN] = "notin",
    };

    assert((size_t)relation < sizeof names / sizeof names[0]);
    return names[relation];
}
