/* SPDX-License-Identifier: Apache-2.0 */
/* What a host asks for its machine, the offers cut from it, and what one costs a renter.
 *
 * A machine of G GPUs with chunk c is offered in sizes c, 2c, 4c ... up to G, and G itself: one
 * open offer a size, as long as that many GPUs are free. An offer is rented once; the next of
 * its size is a new one. Listing again replaces all offers and touches no contract. A machine
 * without GPUs is one offer of 0 GPUs: all of it.
 *
 * Prices inside are exact nanodollars; scores and what is derived for sorting are doubles. */

#ifndef BERTH_MARKET_OFFER_H
#define BERTH_MARKET_OFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/instant.h"
#include "base/money.h"
#include "market/dlperf.h"
#include "market/machine.h"

enum { OFFER_SIZES_MAX = 8 }; /* 1, 2, 4 ... 64, and one that is no power of two times the chunk */

#define OFFER_GB_PER_TB INT64_C(1024) /* an API price per GB, times this, is per TB */

#define OFFER_MIN_BID_TICK INT64_C(1000000) /* bids are in steps of $0.001 per GPU-hour */

/* What the host asks. Per GPU; on a CPU machine, for the machine. */
struct listing {
    struct money gpu_hour, min_bid_hour;
    struct money disk_month;     /* for a GB and 30 days */
    struct money up_tb, down_tb; /* for 2^40 bytes */
    int64_t min_chunk;           /* GPUs; 1 on a CPU machine */
    int64_t discount_max_ppm;    /* for paying ahead */
    int64_t grace_max_s;         /* the longest notice of a bid: 0 to AUCTION_GRACE_S_MAX */
    struct instant start, end;   /* no rental outlives `end` */
    int64_t roll_us;             /* `end` is moved to so long ahead, day by day; 0: it stays */
};

enum listing_outcome {
    LISTING_OK,
    LISTING_BAD_PRICE, /* negative, or above $10,000 */
    LISTING_BAD_CHUNK, /* not from 1 to the machine's GPUs */
    LISTING_BAD_END,   /* not after its start */
    LISTING_BAD_BID,   /* the lowest bid is above the price */
    LISTING_BAD_GRACE, /* not from 0 to AUCTION_GRACE_S_MAX */
};
enum listing_outcome listing_check(const struct listing *listing, int64_t gpu_count);

/* The sizes to have on offer, rising: those of at most `gpus_free` GPUs. A CPU machine (gpu_count
 * 0) has the one size 0, free where gpus_free is not 0. Returns how many. */
size_t offer_sizes(int64_t gpu_count, int64_t min_chunk, int64_t gpus_free,
                   int64_t sizes[static OFFER_SIZES_MAX]);

/* An offer's own values, as stored, fixed when it was cut. A contract takes them over. */
struct offer_terms {
    int64_t num_gpus;
    struct money gpu_hour;     /* for the whole slice */
    struct money min_bid_hour; /* likewise */
    struct money disk_month, up_tb, down_tb;
    int64_t disk_gb; /* the slice's part of the disk: the most that can be rented with it */
    struct instant start, end;
};

/* Listing and size are good. */
struct offer_terms offer_cut(const struct listing *listing, const struct machine *machine,
                             int64_t num_gpus);

/* Whether an offer may keep its id where it would now be cut like that: at the same prices, and
 * for as long or longer. Who has seen an id then gets what they saw, or better. */
bool offer_terms_keep(const struct offer_terms *offered, const struct offer_terms *wanted);

struct offer_memo;

struct offer {
    int64_t id, bundle_id;
    const struct machine *machine;
    struct offer_terms terms;
    int64_t discount_max_ppm;
    int64_t renter_id;       /* who has rented it, and then the terms are the contract's; 0: open */
    bool is_bid;             /* held by an interruptible rental */
    bool skips_disk_offline; /* its disk costs nothing while the host is out of contact */
    struct money run_bid_hour; /* what a bid must be to run now; 0: whatever is taken; -1: none */
    const int64_t *gpu_ids; /* borrowed: terms.num_gpus of them, in the machine's order; NULL: which
                             * they would be is decided when it is rented */

    /* What can be worked out before anybody asks (offer_prepare()); nobody has to. */
    double merit;     /* offer_merit(); 0: not yet */
    double lasting;   /* offer_lasts() for no duration, if there is a merit */
    const char *json; /* the members that a search writes of it for everybody; NULL: not yet */
    size_t json_length;
    struct offer_memo
        *memo; /* what it costs those who asked, as text (server/offer_memo.h); or NULL */
};

/* Open, connected, not deverified, not over, and its GPUs and some disk are free. */
bool offer_is_rentable(const struct offer *offer, struct instant now);

/* The largest disk that can be rented with it now. */
int64_t offer_disk_gb(const struct offer *offer);

enum offer_type { OFFER_ON_DEMAND, OFFER_BID, OFFER_RESERVED };

/* What a renter wants it for. */
struct offer_ask {
    enum offer_type type;
    int64_t disk_milligb;        /* thousandths of a GB */
    int64_t duration_us;         /* how long it is meant to last; 0: not said */
    enum dlperf_profile profile; /* the work that DLPerf and score are for */
};

/* What an offer costs one renter, and how it ranks (api.md 2.3.4, 2.3.5). Hourly. */
struct quote {
    struct money base;       /* dph_base: the slice */
    struct money storage;    /* storage_total_cost: this renter's disk, to the nearest nanodollar */
    struct money total;      /* dph_total */
    struct money discounted; /* that with the largest discount for paying ahead */
    struct money min_bid;
    double dlperf; /* of the slice, for this renter's work; 0: not measured */
    double total_tflops;
    double dlperf_per_dollar; /* per dph_total; 0 where either is */
    double tflops_per_dollar;
    double score; /* higher is better (trust.md C3) */
};

/* The larger the disk, the higher the total and the lower what is per dollar; the base stays. */
struct quote offer_quote(const struct offer *offer, const struct offer_ask *ask);

/* DLPerf of the slice, thousandths; 0: not measured. */
int64_t offer_dlperf_milli(const struct offer *offer, enum dlperf_profile profile);

/* What the score takes of an offer besides reliability and price, for the default profile. Never
 * below zero. */
double offer_merit(const struct offer *offer);

/* Works out merit and lasting. */
void offer_prepare(struct offer *offer);

/* Parts of a quote: `total` is what both come to, or the most there is. */
struct money offer_total(struct money base, struct money storage);
double offer_dollars(struct money amount);
double offer_per_dollar(double value, struct money total); /* 0 where it costs nothing */

/* What the score adds to the price: the traffic that it counts on, dollars an hour. */
double offer_traffic(const struct offer *offer);
double offer_score(double merit, double reliability, struct money total, double traffic);

/* The chance that the machine lasts: over `duration_us`, or where that is 0, the mean of those over
 * 1, 3, 9 and 27 days; from what was seen of it (market/reliability.h), or where only its chance of
 * lasting a day is known, with that every day anew. */
double offer_lasts(const struct machine *machine, int64_t duration_us);
double offer_reliability(int64_t reliability_ppm, int64_t duration_us);

/* What a stopped instance costs an hour, and the disk part of a running one. */
struct money offer_storage_hour(struct money disk_month, int64_t disk_milligb);

#endif
