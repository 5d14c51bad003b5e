/* SPDX-License-Identifier: Apache-2.0 */
#include "market/meter.h"

#include <assert.h>

const char *component_name(enum component component)
{
    switch (component) {
    case COMPONENT_GPU:
        return "gpu";
    case COMPONENT_DISK:
        return "disk";
    case COMPONENT_UP:
        return "bwu";
    case COMPONENT_DOWN:
        return "bwd";
    }
    return "";
}

int64_t component_denominator(enum component component)
{
    switch (component) {
    case COMPONENT_GPU:
        return METER_GPU_DENOMINATOR;
    case COMPONENT_DISK:
        return METER_DISK_DENOMINATOR;
    case COMPONENT_UP:
    case COMPONENT_DOWN:
        return METER_TRAFFIC_DENOMINATOR;
    }
    return 0;
}

bool meter_rate_is_valid(struct money rate)
{
    return rate.nanodollars >= 0 && rate.nanodollars <= METER_RATE_MAX;
}

static bool quantity_is_valid(enum component component, int64_t quantity)
{
    if (component == COMPONENT_DISK)
        return quantity >= 0 && quantity <= METER_QUANTITY_MAX;
    return quantity == 1;
}

/* By METER_RATE_MAX and METER_QUANTITY_MAX this is below 2^127 for any `used`. */
static numerator cost(struct money rate, int64_t quantity, int64_t used)
{
    return (numerator)rate.nanodollars * quantity * used;
}

static bool terms_are_valid(const struct meter *meter)
{
    return component_denominator(meter->component) != 0 && meter_rate_is_valid(meter->rate) &&
           quantity_is_valid(meter->component, meter->quantity) && meter->fee_bps >= 0 &&
           meter->fee_bps <= FEE_BPS_MAX;
}

struct meter meter_open(enum component component, struct money rate, int64_t quantity,
                        int64_t fee_bps)
{
    struct meter meter = {
        .component = component,
        .rate = rate,
        .quantity = quantity,
        .fee_bps = fee_bps,
    };

    assert(terms_are_valid(&meter));
    return meter;
}

bool meter_is_valid(const struct meter *meter)
{
    if (!terms_are_valid(meter))
        return false;
    if (meter->posted_total < 0 || meter->posted_total > meter->total)
        return false;
    if (meter->remainder < 0 || meter->remainder >= component_denominator(meter->component))
        return false;
    if (meter->fee_remainder < 0 || meter->fee_remainder >= FEE_BPS_MAX)
        return false;
    if (meter->gross_posted.nanodollars < 0 || meter->host_posted.nanodollars < 0)
        return false;

    /* The host has its share of the gross, rounded down, and the carry is what that left. */
    return (numerator)meter->host_posted.nanodollars * FEE_BPS_MAX + meter->fee_remainder ==
           (numerator)meter->gross_posted.nanodollars * (FEE_BPS_MAX - meter->fee_bps);
}

enum meter_outcome meter_advance(struct meter *meter, int64_t total)
{
    if (total < meter->total)
        return METER_BACKWARDS;

    meter->total = total;
    return METER_OK;
}

numerator meter_unposted(const struct meter *meter)
{
    return cost(meter->rate, meter->quantity, meter->total - meter->posted_total) +
           meter->remainder;
}

enum meter_outcome meter_post(const struct meter *meter, struct meter *ret_next,
                              struct meter_charge *ret_charge)
{
    assert(meter_is_valid(meter));

    int64_t denominator = component_denominator(meter->component);
    numerator unposted = meter_unposted(meter);
    numerator gross = unposted / denominator;
    numerator gross_posted = meter->gross_posted.nanodollars + gross;
    if (gross_posted > INT64_MAX)
        return METER_TOO_LARGE;

    numerator share = gross * (FEE_BPS_MAX - meter->fee_bps) + meter->fee_remainder;
    int64_t host = (int64_t)(share / FEE_BPS_MAX);

    *ret_charge = (struct meter_charge){
        .gross = { (int64_t)gross },
        .host = { host },
        .fee = { (int64_t)gross - host },
    };
    struct meter next = *meter;
    next.posted_total = next.total;
    next.remainder = (int64_t)(unposted % denominator);
    next.fee_remainder = (int64_t)(share % FEE_BPS_MAX);
    next.gross_posted.nanodollars = (int64_t)gross_posted;
    next.host_posted.nanodollars += host;
    *ret_next = next;
    return METER_OK;
}

struct meter meter_reprice(const struct meter *meter, struct money rate)
{
    assert(meter->posted_total == meter->total);
    assert(meter_rate_is_valid(rate));

    struct meter next = *meter;
    next.rate = rate;
    return next;
}

struct meter meter_resize(const struct meter *meter, int64_t quantity)
{
    assert(meter->posted_total == meter->total);
    assert(meter->component == COMPONENT_DISK);
    assert(quantity >= 1 && quantity <= METER_QUANTITY_MAX);

    struct meter next = *meter;
    next.quantity = quantity;
    return next;
}

bool meter_matches(const struct meter *meter, const struct meter_epoch *epochs, size_t count)
{
    numerator sum = 0;
    int64_t reached = 0;

    if (!meter_is_valid(meter) || count == 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct meter_epoch *epoch = &epochs[i];
        bool is_open = epoch->to_total == -1;
        int64_t until = is_open ? meter->total : epoch->to_total;

        if (is_open && i + 1 < count)
            return false;
        if (!meter_rate_is_valid(epoch->rate) ||
            !quantity_is_valid(meter->component, epoch->quantity))
            return false;
        if (epoch->from_total != reached || until < reached)
            return false;
        /* The epochs follow each other, so all of them together stay within one meter's bound. */
        sum += cost(epoch->rate, epoch->quantity, until - reached);
        reached = until;
    }
    if (reached != meter->total)
        return false;
    return (numerator)meter->gross_posted.nanodollars * component_denominator(meter->component) +
               meter_unposted(meter) ==
           sum;
}
