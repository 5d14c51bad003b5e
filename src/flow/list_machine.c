/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/list_machine.h"

#include "flow/change.h"
#include "flow/extend.h"
#include "flow/hardware.h"
#include "flow/limits.h"
#include "flow/offer_cut.h"
#include "flow/volume.h"

/* The market's prices where a host names none: $0.15 for a GB and month of disk, traffic free. */
#define DISK_MONTH_DEFAULT ((struct money){ INT64_C(150000000) })

/* A century. */
#define DURATION_MAX_S (INT64_C(36500) * 86400)

struct list_work {
    const struct caller *caller;
    const struct list_machine_request *request;
    struct instant now;
    struct list_machine_reply reply;
    int64_t machine_id;
};

struct due_listings {
    struct instant now;
    int64_t ids[LISTINGS_DUE_MAX];
    size_t count;
};

static struct listing merge(const struct machine_row *machine,
                            const struct list_machine_request *request, struct instant now)
{
    const struct listing *values = &request->values;
    struct listing listing = machine->listing;

    if (listing.start.microseconds == 0) {
        listing.disk_month = DISK_MONTH_DEFAULT;
        listing.discount_max_ppm = LIST_DISCOUNT_DEFAULT_PPM;
    }
    if (request->has_gpu_hour)
        listing.gpu_hour = values->gpu_hour;
    if (request->has_min_bid)
        listing.min_bid_hour = values->min_bid_hour;
    else if (money_compare(listing.min_bid_hour, listing.gpu_hour) > 0)
        listing.min_bid_hour = listing.gpu_hour;
    if (request->has_disk_month)
        listing.disk_month = values->disk_month;
    if (request->has_up_tb)
        listing.up_tb = values->up_tb;
    if (request->has_down_tb)
        listing.down_tb = values->down_tb;
    if (request->has_min_chunk)
        listing.min_chunk = values->min_chunk;
    if (request->has_discount_max)
        listing.discount_max_ppm = values->discount_max_ppm;
    if (request->has_grace_max)
        listing.grace_max_s = values->grace_max_s;
    listing.start = now;
    listing.end = INSTANT_NEVER;
    listing.roll_us = 0;
    if (request->has_end)
        listing.end = values->end;
    if (request->has_duration) {
        listing.roll_us = request->duration_s > 0 && request->duration_s < DURATION_MAX_S
                              ? request->duration_s * US_PER_SECOND
                              : 0;
        listing.end = instant_add(now, listing.roll_us);
    }
    return listing;
}

static enum list_machine_outcome judge(const struct listing *listing, int64_t gpu_count)
{
    switch (listing_check(listing, gpu_count)) {
    case LISTING_OK:
        return LIST_DONE;
    case LISTING_BAD_PRICE:
        return LIST_BAD_PRICE;
    case LISTING_BAD_CHUNK:
        return LIST_BAD_CHUNK;
    case LISTING_BAD_END:
        return LIST_BAD_END;
    case LISTING_BAD_GRACE:
        return LIST_BAD_GRACE;
    case LISTING_BAD_BID:
        break;
    }
    return LIST_BAD_BID;
}

/* Space for volumes: the one thing that can still be wrong, and is written first. */
static bool offer_volumes(struct change *change, const struct listing *listing,
                          struct list_work *work, struct error *err)
{
    const struct list_machine_request *request = work->request;
    const struct volume_wish wish = { request->has_volume_gb, request->has_volume_month,
                                      request->volume_gb, request->volume_month };
    enum volume_offer_outcome outcome;

    if (!volume_offer_follow(change, listing, &wish, &outcome, err))
        return false;
    if (outcome != VOLUME_OFFER_DONE)
        work->reply.outcome = outcome == VOLUME_OFFER_BAD_PRICE ? LIST_BAD_PRICE : LIST_BAD_VOLUME;
    return true;
}

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct list_work *work = context;
    const struct list_machine_request *request = work->request;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct machine_row owned;
    struct machine_facts facts;
    struct change change;
    int64_t count, dearer;
    bool has;

    work->reply = (struct list_machine_reply){ .outcome = LIST_NO_MACHINE };
    if (!machine_load_owned(db, work->caller->user_id, request->machine_id, &arena, &owned, &has,
                            err))
        return false;
    if (!has)
        return true;
    if (!change_begin(&change, db, owned.id, work->now, &arena, &has, err) ||
        !hardware_facts(change.machine.facts, &facts, err))
        return false;

    struct listing listing = merge(&change.machine, request, work->now);
    work->reply.outcome = LIST_QUARANTINED;
    if (change.machine.is_quarantined)
        return true;
    work->reply.outcome = LIST_BAD_END;
    if (request->has_end && request->has_duration)
        return true;
    work->reply.outcome = LIST_BAD_PRICE;
    if (!request->has_gpu_hour && change.machine.listing.start.microseconds == 0)
        return true;
    work->reply.outcome = judge(&listing, facts.gpu_count);
    if (work->reply.outcome == LIST_DONE && !offer_volumes(&change, &listing, work, err))
        return false;
    if (work->reply.outcome != LIST_DONE)
        return true;

    /* Who bids for an offer that they have seen gets the notice that was on it. */
    if (listing.grace_max_s < change.machine.listing.grace_max_s &&
        !offer_remove_all(db, owned.id, work->now, &arena, err))
        return false;
    work->reply.listing = listing;
    change.machine.listing = listing;
    change.machine.is_listed = true;
    change.decides = true;
    change.cause = "the host listed the machine anew";
    return machine_set_listing(db, work->caller->user_id, owned.id, true, &listing, &count, err) &&
           offer_cut_all(db, &change.machine, work->now, &arena, &work->reply.offer_count, err) &&
           extend_contracts(&change, &listing, &work->reply.extended, &dearer, err) &&
           db_notify(db, TOPIC_MACHINE, owned.id, err) && change_end(&change, err);
}

bool flow_list_machine(const struct flow *flow, const struct caller *caller,
                       const struct list_machine_request *request, struct list_machine_reply *ret,
                       struct error *err)
{
    struct list_work work = { .caller = caller, .request = request, .now = clock_now(flow->clock) };

    if (!store_write(flow->store, list_work, &work, err))
        return error_context(err, "list machine %lld", (long long)request->machine_id);
    *ret = work.reply;
    return true;
}

static bool unlist_work(struct db *db, void *context, struct error *err)
{
    struct list_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct machine_row machine;
    bool has;

    work->reply.outcome = LIST_NO_MACHINE;
    if (!machine_load_owned(db, work->caller->user_id, work->machine_id, &arena, &machine, &has,
                            err))
        return false;
    if (!has)
        return true;
    work->reply.outcome = LIST_DONE;
    return machine_lock(db, machine.id, err) &&
           offer_take_off(db, machine.id, work->now, &arena, err) &&
           db_notify(db, TOPIC_MACHINE, machine.id, err);
}

bool flow_unlist_machine(const struct flow *flow, const struct caller *caller, int64_t machine_id,
                         enum list_machine_outcome *ret, struct error *err)
{
    struct list_work work = { .caller = caller,
                              .now = clock_now(flow->clock),
                              .machine_id = machine_id };

    if (!store_write(flow->store, unlist_work, &work, err))
        return error_context(err, "unlist machine %lld", (long long)machine_id);
    *ret = work.reply.outcome;
    return true;
}

static bool due_work(struct db *db, void *context, struct error *err)
{
    struct due_listings *due = context;

    return machine_listings_due(db, due->now, due->ids, LISTINGS_DUE_MAX, &due->count, err);
}

/* Looked at again under its lock: it may have been listed anew meanwhile. */
static bool roll_work(struct db *db, void *context, struct error *err)
{
    struct list_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    int64_t count, extended, dearer;
    enum volume_offer_outcome outcome;
    struct change change;
    size_t offer_count;
    bool has;

    if (!change_begin(&change, db, work->machine_id, work->now, &arena, &has, err))
        return false;
    if (!has || !change.machine.is_listed)
        return true;

    struct listing *listing = &change.machine.listing;
    bool is_over = instant_compare(listing->end, work->now) <= 0;
    if (listing->roll_us > 0) {
        listing->end = instant_add(work->now, listing->roll_us);
        return volume_offer_follow(&change, listing, NULL, &outcome, err) &&
               machine_set_listing(db, change.machine.owner_id, work->machine_id, true, listing,
                                   &count, err) &&
               offer_cut_all(db, &change.machine, work->now, &arena, &offer_count, err) &&
               extend_contracts(&change, listing, &extended, &dearer, err) &&
               db_notify(db, TOPIC_MACHINE, work->machine_id, err) && change_end(&change, err);
    }
    return !is_over || (offer_take_off(db, work->machine_id, work->now, &arena, err) &&
                        db_notify(db, TOPIC_MACHINE, work->machine_id, err));
}

bool flow_listings(const struct flow *flow, size_t *ret_count, struct error *err)
{
    struct due_listings due = { .now = clock_now(flow->clock) };

    if (!store_read(flow->store, due_work, &due, err))
        return error_context(err, "look for listings that are due");
    for (size_t i = 0; i < due.count; i++) {
        struct list_work work = { .now = due.now, .machine_id = due.ids[i] };

        if (!store_write(flow->store, roll_work, &work, err))
            return error_context(err, "the listing of machine %lld", (long long)due.ids[i]);
    }
    *ret_count = due.count;
    return true;
}
