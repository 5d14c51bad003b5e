/* SPDX-License-Identifier: Apache-2.0 */
#include "market/offer.h"

#include <assert.h>
#include <math.h>

#include "market/auction.h"
#include "market/meter.h"
#include "market/rent.h"

static const int64_t hours_a_month = 720;

enum listing_outcome listing_check(const struct listing *listing, int64_t gpu_count)
{
    const struct money prices[] = {
        listing->gpu_hour, listing->min_bid_hour, listing->disk_month,
        listing->up_tb,    listing->down_tb,
    };
    int64_t parts = gpu_count > 0 ? gpu_count : 1;

    for (size_t i = 0; i < sizeof prices / sizeof prices[0]; i++) {
        if (!meter_rate_is_valid(prices[i]))
            return LISTING_BAD_PRICE;
    }
    if (listing->gpu_hour.nanodollars > METER_RATE_MAX / parts)
        return LISTING_BAD_PRICE;
    if (listing->min_chunk < 1 || listing->min_chunk > parts)
        return LISTING_BAD_CHUNK;
    if (instant_compare(listing->end, listing->start) <= 0)
        return LISTING_BAD_END;
    if (listing->roll_us < 0)
        return LISTING_BAD_END;
    if (money_compare(listing->min_bid_hour, listing->gpu_hour) > 0)
        return LISTING_BAD_BID;
    if (listing->grace_max_s < 0 || listing->grace_max_s > AUCTION_GRACE_S_MAX)
        return LISTING_BAD_GRACE;
    return LISTING_OK;
}

size_t offer_sizes(int64_t gpu_count, int64_t min_chunk, int64_t gpus_free,
                   int64_t sizes[static OFFER_SIZES_MAX])
{
    size_t count = 0;

    assert(gpu_count >= 0 && gpu_count <= GPUS_MAX && min_chunk >= 1);
    if (gpu_count == 0) {
        if (gpus_free > 0)
            sizes[count++] = 0;
        return count;
    }
    for (int64_t size = min_chunk; size < gpu_count && size <= gpus_free; size *= 2)
        sizes[count++] = size;
    if (gpus_free >= gpu_count)
        sizes[count++] = gpu_count;
    return count;
}

bool offer_terms_keep(const struct offer_terms *offered, const struct offer_terms *wanted)
{
    return offered->num_gpus == wanted->num_gpus &&
           money_compare(offered->gpu_hour, wanted->gpu_hour) == 0 &&
           money_compare(offered->min_bid_hour, wanted->min_bid_hour) == 0 &&
           money_compare(offered->disk_month, wanted->disk_month) == 0 &&
           money_compare(offered->up_tb, wanted->up_tb) == 0 &&
           money_compare(offered->down_tb, wanted->down_tb) == 0 &&
           instant_compare(offered->end, wanted->end) <= 0;
}

struct offer_terms offer_cut(const struct listing *listing, const struct machine *machine,
                             int64_t num_gpus)
{
    int64_t parts = machine->gpu_count > 0 ? num_gpus : 1;

    assert(listing_check(listing, machine->gpu_count) == LISTING_OK);
    return (struct offer_terms){
        .num_gpus = num_gpus,
        .gpu_hour = { listing->gpu_hour.nanodollars * parts },
        .min_bid_hour = { listing->min_bid_hour.nanodollars * parts },
        .disk_month = listing->disk_month,
        .up_tb = listing->up_tb,
        .down_tb = listing->down_tb,
        .disk_gb = machine_share(machine, num_gpus).disk_gb,
        .start = listing->start,
        .end = listing->end,
    };
}

int64_t offer_disk_gb(const struct offer *offer)
{
    int64_t free_gb = offer->machine->disk_free_gb;

    return offer->terms.disk_gb < free_gb ? offer->terms.disk_gb : free_gb;
}

bool offer_is_rentable(const struct offer *offer, struct instant now)
{
    const struct machine *machine = offer->machine;
    int64_t needed = offer->terms.num_gpus > 0 ? offer->terms.num_gpus : 1;

    return offer->renter_id == 0 && machine->is_connected &&
           machine->verification != VERIFICATION_DEVERIFIED && machine->gpus_free >= needed &&
           offer_disk_gb(offer) >= 1 &&
           instant_until(now, offer->terms.end) >= RENT_LIFETIME_MIN_US;
}

struct money offer_storage_hour(struct money disk_month, int64_t disk_milligb)
{
    int64_t divisor = 1000 * hours_a_month, product;

    /* Nearly all fit in 64 bits, which divide many times as fast. */
    if (!__builtin_mul_overflow(disk_month.nanodollars, disk_milligb, &product) &&
        product <= INT64_MAX - divisor)
        return (struct money){ (product + divisor / 2) / divisor };
    numerator hour = ((numerator)disk_month.nanodollars * disk_milligb + divisor / 2) / divisor;

    return (struct money){ hour < INT64_MAX ? (int64_t)hour : INT64_MAX };
}

struct money offer_total(struct money base, struct money storage)
{
    struct money total;

    return money_add(base, storage, &total) ? total : (struct money){ INT64_MAX };
}

double offer_dollars(struct money amount)
{
    return (double)amount.nanodollars / (double)NANODOLLARS_PER_DOLLAR;
}

double offer_per_dollar(double value, struct money total)
{
    return total.nanodollars > 0 ? value / offer_dollars(total) : 0;
}

double offer_reliability(int64_t reliability_ppm, int64_t duration_us)
{
    double r = (double)reliability_ppm / 1e6;

    if (duration_us > 0)
        return pow(r, (double)duration_us / (24.0 * (double)US_PER_HOUR));
    return (r + pow(r, 3) + pow(r, 9) + pow(r, 27)) / 4;
}

double offer_lasts(const struct machine *machine, int64_t duration_us)
{
    if (machine->up_us == 0)
        return offer_reliability(machine->reliability_ppm, duration_us);
    return reliability_chance(machine->lost_ppm, machine->up_us, duration_us);
}

int64_t offer_dlperf_milli(const struct offer *offer, enum dlperf_profile profile)
{
    const struct machine *machine = offer->machine;
    int64_t ppm = 1000000, count = offer->terms.num_gpus;
    int64_t all = count * (profile == DLPERF_DEFAULT ? machine->dlperf_milli
                                                     : machine->profiles_milli[profile]);

    if (count <= 1 || machine->link_loss_ppm == 0)
        return all;
    /* In 128 bits anything fits, and whoever divides alike gets the same. */
    return (int64_t)((numerator)all * ppm /
                     (ppm + (numerator)machine->link_loss_ppm * (count - 1)));
}

static double dlperf(const struct offer *offer, enum dlperf_profile profile)
{
    return (double)offer_dlperf_milli(offer, profile) / 1e3;
}

static double tflops(const struct offer *offer)
{
    return (double)(offer->machine->fp32_gflops * offer->terms.num_gpus) / 1e3;
}

static double merit_for(const struct offer *offer, enum dlperf_profile profile)
{
    const struct machine *machine = offer->machine;
    /* Until a machine is measured, what its maker says stands in for it. */
    double speed = machine->dlperf_milli > 0 ? dlperf(offer, profile) : tflops(offer);
    double down = (double)machine->inet_down_kbps / 1e3, up = (double)machine->inet_up_kbps / 1e3;

    return speed * pow((double)machine->gpu_ram_mb / 1e3, 0.35) * pow((down + 4) * (up + 4), 0.1);
}

double offer_merit(const struct offer *offer)
{
    return merit_for(offer, DLPERF_DEFAULT);
}

void offer_prepare(struct offer *offer)
{
    offer->merit = offer_merit(offer);
    offer->lasting = offer_lasts(offer->machine, 0);
}

double offer_traffic(const struct offer *offer)
{
    /* A GB is 2^-10 of the TB that is priced; count on 1.25 of them an hour. */
    return 1.25 * offer_dollars(offer->terms.down_tb) / OFFER_GB_PER_TB;
}

double offer_score(double merit, double reliability, struct money total, double traffic)
{
    double price = offer_dollars(total) + traffic;

    return merit * reliability / (price > 1e-6 ? price : 1e-6);
}

static double score(const struct offer *offer, const struct quote *quote,
                    const struct offer_ask *ask)
{
    bool is_prepared = offer->merit > 0;
    double merit = is_prepared && ask->profile == DLPERF_DEFAULT ? offer->merit
                                                                 : merit_for(offer, ask->profile);
    double reliability = is_prepared && ask->duration_us == 0
                             ? offer->lasting
                             : offer_lasts(offer->machine, ask->duration_us);

    return offer_score(merit, reliability, quote->total, offer_traffic(offer));
}

static struct money discounted(struct money total, int64_t discount_ppm)
{
    int64_t product;

    /* Again nearly all fit in 64 bits. */
    if (!__builtin_mul_overflow(total.nanodollars, discount_ppm, &product))
        return (struct money){ total.nanodollars - product / 1000000 };
    numerator off = (numerator)total.nanodollars * discount_ppm / 1000000;

    return (struct money){ total.nanodollars - (int64_t)off };
}

/* Where no bid would run, only on demand does. */
static struct money min_bid(const struct offer *offer)
{
    struct money run_bid = offer->run_bid_hour;

    if (run_bid.nanodollars < 0)
        return offer->terms.gpu_hour;
    return run_bid.nanodollars == 0 ? offer->terms.min_bid_hour : run_bid;
}

struct quote offer_quote(const struct offer *offer, const struct offer_ask *ask)
{
    const struct offer_terms *terms = &offer->terms;
    struct quote quote = {
        .base = ask->type == OFFER_BID ? min_bid(offer) : terms->gpu_hour,
        .storage = offer_storage_hour(terms->disk_month, ask->disk_milligb),
        .min_bid = min_bid(offer),
        .dlperf = dlperf(offer, ask->profile),
        .total_tflops = tflops(offer),
    };

    quote.total = offer_total(quote.base, quote.storage);
    quote.discounted = discounted(quote.total, offer->discount_max_ppm);
    quote.dlperf_per_dollar = offer_per_dollar(quote.dlperf, quote.total);
    quote.tflops_per_dollar = offer_per_dollar(quote.total_tflops, quote.total);
    quote.score = score(offer, &quote, ask);
    return quote;
}
