/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/reserve.h"

#include "flow/change.h"
#include "flow/limits.h"
#include "flow/offer_cut.h"
#include "market/meter.h"

struct reserve_work {
    const struct caller *caller;
    int64_t machine_id;
    struct money price;
    struct instant now;
    enum reserve_outcome outcome;
};

static bool is_good(const struct machine_row *machine, struct money price)
{
    if (price.nanodollars < 0 || !meter_rate_is_valid(price))
        return false;
    /* One that has never been listed has no price yet. */
    return machine->listing.start.microseconds == 0 ||
           money_compare(price, machine->listing.gpu_hour) <= 0;
}

static bool reserve_work(struct db *db, void *context, struct error *err)
{
    struct reserve_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    int64_t owner_id = work->caller->user_id, count;
    struct machine_row owned;
    struct change change;
    bool has;

    work->outcome = RESERVE_NO_MACHINE;
    if (!machine_load_owned(db, owner_id, work->machine_id, &arena, &owned, &has, err))
        return false;
    if (!has)
        return true;
    if (!change_begin(&change, db, owned.id, work->now, &arena, &has, err))
        return false;
    work->outcome = RESERVE_BAD_PRICE;
    if (!has || !is_good(&change.machine, work->price))
        return true;
    work->outcome = RESERVE_SET;
    change.machine.listing.min_bid_hour = work->price;
    change.cuts_offers = true;
    change.cause = "the host changed its lowest bid";
    /* Offers say what the lowest bid is: they are cut anew. */
    return machine_set_listing(db, owner_id, owned.id, change.machine.is_listed,
                               &change.machine.listing, &count, err) &&
           offer_remove_all(db, owned.id, work->now, &arena, err) && change_end(&change, err);
}

bool flow_reserve(const struct flow *flow, const struct caller *caller, int64_t machine_id,
                  struct money price, enum reserve_outcome *ret, struct error *err)
{
    struct reserve_work work = {
        .caller = caller, .machine_id = machine_id, .price = price, .now = clock_now(flow->clock)
    };

    if (!store_write(flow->store, reserve_work, &work, err))
        return error_context(err, "set the lowest bid of machine %lld", (long long)machine_id);
    *ret = work.outcome;
    return true;
}
