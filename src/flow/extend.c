/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/extend.h"

#include "flow/hardware.h"
#include "flow/limits.h"
#include "flow/offer_cut.h"
#include "market/lifetime.h"
#include "market/meter.h"

struct extend_work {
    const struct caller *caller;
    const struct extend_request *request;
    struct instant now;
    struct extend_reply reply;
};

/* Idle jobs have no end, and volumes follow the offer of their own (flow/volume.h). */
static bool is_instance(const struct contract_row *contract)
{
    return contract->kind != KIND_IDLE && contract->kind != KIND_VOLUME;
}

static bool is_dearer(const struct contract_row *contract, const struct listing *terms)
{
    int64_t gpus = contract->terms.num_gpus == 0 ? 1 : contract->terms.num_gpus;
    struct money gpu_hour;

    /* A bid is measured by what the slice cost on demand, not by what was bid. */
    return __builtin_mul_overflow(terms->gpu_hour.nanodollars, gpus, &gpu_hour.nanodollars) ||
           money_compare(gpu_hour, contract->list_hour) > 0 ||
           money_compare(terms->disk_month, contract->terms.disk_month) > 0;
}

bool extend_contracts(struct change *change, const struct listing *terms, int64_t *ret_extended,
                      int64_t *ret_dearer, struct error *err)
{
    struct contract_row *contracts;
    size_t count;

    *ret_extended = *ret_dearer = 0;
    if (!contract_list_for(change->db, change->machine.id, change->arena, &contracts, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct contract_row *contract = &contracts[i];

        if (contract->destroyed.microseconds != 0 || !is_instance(contract) ||
            instant_compare(terms->end, contract->terms.end) <= 0)
            continue;
        if (is_dearer(contract, terms)) {
            ++*ret_dearer;
            continue;
        }
        contract->terms.end = terms->end;
        contract->warn = lifetime_next_warning(terms->end, change->now);
        if (!change_touch(change, contract, err))
            return false;
        ++*ret_extended;
    }
    return true;
}

/* The listing goes on for at least as long, so that new rentals may last as long as the old. */
static bool relist(struct change *change, const struct listing *terms, struct error *err)
{
    struct listing listing = change->machine.listing;
    size_t offer_count;
    int64_t count;

    if (!change->machine.is_listed)
        return true;
    if (instant_compare(listing.end, terms->end) < 0)
        listing.end = terms->end;
    change->machine.listing = listing;
    return machine_set_listing(change->db, change->machine.owner_id, change->machine.id, true,
                               &listing, &count, err) &&
           offer_cut_all(change->db, &change->machine, change->now, change->arena, &offer_count,
                         err) &&
           db_notify(change->db, TOPIC_MACHINE, change->machine.id, err);
}

/* Whether any contract would have to pay more than it was made at: then nothing is changed. */
static bool has_dearer(struct change *change, const struct listing *terms, bool *ret_has,
                       struct error *err)
{
    struct contract_row *contracts;
    size_t count;

    *ret_has = false;
    if (!contract_list_for(change->db, change->machine.id, change->arena, &contracts, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        *ret_has |= contracts[i].destroyed.microseconds == 0 && is_instance(&contracts[i]) &&
                    is_dearer(&contracts[i], terms);
    return true;
}

static bool extend_work(struct db *db, void *context, struct error *err)
{
    struct extend_work *work = context;
    const struct extend_request *request = work->request;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    /* A price of nothing is dearer than none: where none is given, everybody keeps their own. */
    struct listing terms = { .end = request->end };
    struct machine_row owned;
    struct change change;
    int64_t dearer;
    bool has;

    work->reply = (struct extend_reply){ .outcome = EXTEND_NO_MACHINE };
    if (!machine_load_owned(db, work->caller->user_id, request->machine_id, &arena, &owned, &has,
                            err))
        return false;
    if (!has)
        return true;
    if (!change_begin(&change, db, owned.id, work->now, &arena, &has, err))
        return false;
    work->reply.outcome = EXTEND_BAD_END;
    if (instant_compare(request->end, work->now) <= 0)
        return true;
    if (request->has_gpu_hour)
        terms.gpu_hour = request->gpu_hour;
    work->reply.outcome = EXTEND_PRICE_HIGHER;
    if (change.machine.is_listed &&
        money_compare(terms.gpu_hour, change.machine.listing.gpu_hour) > 0)
        return true;
    if (!has_dearer(&change, &terms, &has, err))
        return false;
    if (has)
        return true;
    if (request->has_gpu_hour && change.machine.is_listed) {
        change.machine.listing.gpu_hour = request->gpu_hour;
        if (money_compare(change.machine.listing.min_bid_hour, request->gpu_hour) > 0)
            change.machine.listing.min_bid_hour = request->gpu_hour;
    }
    work->reply.outcome = EXTEND_DONE;
    change.decides = true; /* bids whose lifetime was over may run again */
    change.cause = "the host extended its offer";
    return extend_contracts(&change, &terms, &work->reply.extended, &dearer, err) &&
           relist(&change, &terms, err) && change_end(&change, err);
}

bool flow_extend(const struct flow *flow, const struct caller *caller,
                 const struct extend_request *request, struct extend_reply *ret, struct error *err)
{
    struct extend_work work = { .caller = caller,
                                .request = request,
                                .now = clock_now(flow->clock) };

    *ret = (struct extend_reply){ .outcome = EXTEND_BAD_PRICE };
    if (request->has_gpu_hour && !meter_rate_is_valid(request->gpu_hour))
        return true;
    if (!store_write(flow->store, extend_work, &work, err))
        return error_context(err, "extend machine %lld", (long long)request->machine_id);
    *ret = work.reply;
    return true;
}
