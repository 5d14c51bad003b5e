/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/bid.h"

#include "flow/hall.h"
#include "flow/limits.h"
#include "store/meters.h"

int64_t bid_ticks_below(struct money list_hour, int64_t num_gpus)
{
    return auction_ticks_up(list_hour, num_gpus) - 1;
}

bool bid_reprice(struct change *change, struct contract_row *contract, const struct bid_row *bid,
                 struct error *err)
{
    struct money price = auction_price(bid->ticks, contract->terms.num_gpus);
    struct meters meters;

    if (contract_is_metered(contract) &&
        (!change_split_interval(change, contract, err) ||
         !meters_load(change->db, contract->id, &meters, err) ||
         !meters_reprice(change->db, &meters, COMPONENT_GPU, price, change->now, err) ||
         !meters_save(change->db, &meters, err)))
        return error_context(err, "reprice contract %lld", (long long)contract->id);
    contract->terms.gpu_hour = price;
    return bid_update(change->db, bid, err) &&
           contract_update(change->db, contract, contract->gen, err) &&
           change_user(change, contract->owner_id, err) &&
           db_notify(change->db, TOPIC_CONTRACT, contract->id, err);
}

struct bid_work {
    const struct caller *caller;
    const struct bid_request *request;
    struct instant now;
    struct bid_reply reply;
};

static bool holds(const struct contract_row *contract)
{
    return rental_must_hold_gpus(contract->state) && contract->state != RENTAL_PAUSING &&
           rental_intent(contract->state) == RENTAL_RUN;
}

/* The price that was asked for, or what it takes to run. */
static bool find_ticks(struct change *change, const struct bid_work *work,
                       const struct contract_row *contract, int64_t *ret_ticks, struct error *err)
{
    int64_t num_gpus = contract->terms.num_gpus;
    struct hall hall;

    if (work->request->has_price) {
        *ret_ticks = auction_ticks_down(work->request->price, num_gpus);
        return true;
    }
    if (!hall_load(change->db, &change->machine, change->now, change->arena, &hall, err))
        return false;
    *ret_ticks = hall_quote(&hall, num_gpus, contract->id);
    return true;
}

static enum bid_outcome judge(const struct bid_work *work, const struct contract_row *contract,
                              const struct bid_row *bid, int64_t ticks)
{
    if (ticks < 0)
        return BID_NEVER_WINS;
    if (ticks < 1 || ticks > AUCTION_TICKS_MAX)
        return BID_BAD_PRICE;
    if (ticks < bid->floor_ticks)
        return BID_BELOW_FLOOR;
    if (ticks > bid_ticks_below(contract->list_hour, contract->terms.num_gpus))
        return BID_NOT_BELOW_LIST;
    if (ticks < bid->ticks && holds(contract) && bid->lowered.microseconds != 0 &&
        instant_until(bid->lowered, work->now) < AUCTION_LOWER_AGAIN_US)
        return BID_TOO_SOON;
    return BID_CHANGED;
}

static void apply(const struct bid_work *work, const struct contract_row *contract, int64_t ticks,
                  struct bid_row *bid)
{
    const struct bid_request *request = work->request;
    int64_t num_gpus = contract->terms.num_gpus;
    int64_t most = bid_ticks_below(contract->list_hour, num_gpus);

    if (ticks < bid->ticks && holds(contract))
        bid->lowered = work->now;
    if (ticks != bid->ticks)
        bid->placed = work->now;
    bid->ticks = ticks;
    if (request->has_max_price)
        bid->max_ticks = auction_ticks_down(request->max_price, num_gpus);
    bid->max_ticks = bid->max_ticks < most ? bid->max_ticks : most;
    if (request->has_resumes)
        bid->resumes = request->resumes;
}

static bool change_bid(struct change *change, struct bid_work *work, struct contract_row *contract,
                       struct error *err)
{
    struct bid_row bid;
    int64_t ticks;
    bool has;

    work->reply.outcome = BID_ON_DEMAND;
    if (contract->kind != KIND_BID)
        return true;
    if (!bid_load(change->db, contract->id, &bid, &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "contract %lld is a bid without one",
                         (long long)contract->id);
    if (!find_ticks(change, work, contract, &ticks, err))
        return false;
    work->reply.outcome = judge(work, contract, &bid, ticks);
    work->reply.num_gpus = contract->terms.num_gpus;
    work->reply.lowest = bid.floor_ticks;
    work->reply.again = instant_add(bid.lowered, AUCTION_LOWER_AGAIN_US);
    if (work->reply.outcome != BID_CHANGED)
        return true;
    apply(work, contract, ticks, &bid);
    change->cause = "its bid was changed";
    change->decides = true;
    if (!bid_reprice(change, contract, &bid, err) || !change_end(change, err) ||
        !bid_load(change->db, contract->id, &bid, &has, err) ||
        !contract_load(change->db, contract->id, change->arena, contract, &has, err))
        return false;
    work->reply.ticks = bid.ticks;
    work->reply.waits =
        contract->state == RENTAL_PAUSING ||
        (contract->state == RENTAL_SCHEDULING && contract->reason != REASON_GPUS_CLEARING);
    return true;
}

static bool bid_work(struct db *db, void *context, struct error *err)
{
    struct bid_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    int64_t owner_id = work->caller->user_id, id = work->request->instance_id;
    struct contract_row contract;
    struct change change;
    bool has;

    work->reply = (struct bid_reply){ .outcome = BID_NO_INSTANCE };
    if (!contract_load_owned(db, owner_id, id, &arena, &contract, &has, err))
        return false;
    if (!has)
        return true;
    return change_begin(&change, db, contract.machine_id, work->now, &arena, &has, err) &&
           contract_load_owned(db, owner_id, id, &arena, &contract, &has, err) &&
           (!has || change_bid(&change, work, &contract, err));
}

bool flow_bid_change(const struct flow *flow, const struct caller *caller,
                     const struct bid_request *request, struct bid_reply *ret, struct error *err)
{
    struct bid_work work = { .caller = caller, .request = request, .now = clock_now(flow->clock) };

    *ret = (struct bid_reply){ .outcome = BID_NO_INSTANCE };
    if (caller->instance_id != 0 && caller->instance_id != request->instance_id)
        return true;
    if (!store_write(flow->store, bid_work, &work, err))
        return error_context(err, "change the bid of instance %lld",
                             (long long)request->instance_id);
    *ret = work.reply;
    return true;
}
