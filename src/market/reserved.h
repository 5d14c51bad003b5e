/* SPDX-License-Identifier: Apache-2.0 */
/* Reserved rentals: paying ahead for a discount (api.md 3.5).
 *
 * A deposit is set aside for one contract and pays its GPU time and disk, at prices lowered by a
 * discount that grows with the time that it covers, up to what the host allowed when the contract
 * was made. While it lasts the meters run at the lowered prices, so every charge is split between
 * host and house as always. Whoever ends the rental early gets the rest back, less the discount
 * that they had: what is kept of it is a charge, and shared out like one. Nothing else is lost or
 * made: what was paid is what was drawn, kept and given back, to the nanodollar. Pure. */

#ifndef BERTH_MARKET_RESERVED_H
#define BERTH_MARKET_RESERVED_H

#include "market/journal.h"
#include "market/meter.h"

#define RESERVED_PPM INT64_C(1000000) /* of a discount: all of the price */

enum {
    RESERVED_MONTH_HOURS = 720,
    RESERVED_HOURS_MAX = 12 * RESERVED_MONTH_HOURS,
};

/* For covering so many hours, where the host allows at most `max_ppm`. Never falls as they grow. */
int64_t reserved_discount_ppm(int64_t hours, int64_t max_ppm);

/* The largest that any deposit gets. */
int64_t reserved_most_ppm(int64_t max_ppm);

/* A price lowered so, rounded up. */
struct money reserved_rate(struct money rate, int64_t discount_ppm);

/* A contract's prices without a discount. */
struct reserved_list {
    struct money gpu_hour, disk_month;
    int64_t disk_gb;
};

/* What so many hours of running cost at that discount, rounded up. At most RESERVED_HOURS_MAX. */
struct money reserved_cost(const struct reserved_list *list, int64_t hours, int64_t discount_ppm);

struct reserved_plan {
    int64_t hours;      /* of running that the deposit covers, rounded down */
    int64_t months_ppm; /* the same in millionths of a month, exactly */
    int64_t discount_ppm;
};

enum reserved_outcome {
    RESERVED_OK,
    RESERVED_FREE,       /* it costs nothing: there is nothing to pay ahead for */
    RESERVED_TOO_LITTLE, /* not even an hour */
    RESERVED_TOO_MUCH,   /* more than can be used up in `hours_max`; then `most` is set */
};

/* What a deposit of `amount` gets. `hours_max`: the contract's lifetime ends then. */
NODISCARD enum reserved_outcome reserved_plan(const struct reserved_list *list, struct money amount,
                                              int64_t hours_max, int64_t max_ppm,
                                              struct reserved_plan *ret, struct money *ret_most);

/* What a meter that has run at `epochs` (all of them, oldest first), up to `total`, would have
 * charged more at `list`, since its total was `from_total`: the discount. Rounded down. */
struct money reserved_given(enum component component, struct money list,
                            const struct meter_epoch *epochs, size_t count, int64_t from_total,
                            int64_t total);

/* The end of a deposit before it is used up. */
struct reserved_end {
    struct meter_charge kept[2]; /* for GPU time and disk */
    struct money back;
};

/* `left` of it, after discounts of `given` on GPU time and disk. `is_whole`: its renter did not end
 * it, so nothing is kept. kept + back = left. */
struct reserved_end reserved_end(struct money left, const struct money given[static 2],
                                 bool is_whole, int64_t fee_bps);

struct reserved_event {
    const char *key; /* "res:17:1" */
    int64_t contract_id, renter_id, host_id;
    struct instant occurred;
};

/* Bought credit is set aside: `amount` is not more than there is. */
NODISCARD enum journal_outcome reserved_journal_pay(const struct reserved_event *event,
                                                    struct money amount,
                                                    struct journal *ret_journal);

/* What is left leaves the deposit. What goes back settles the renter's debt first. */
NODISCARD enum journal_outcome reserved_journal_end(const struct reserved_event *event,
                                                    const struct reserved_end *end,
                                                    const struct renter_funds *funds,
                                                    struct journal *ret_journal);

#endif
