/* SPDX-License-Identifier: Apache-2.0 */
#include "market/rent.h"

#include <assert.h>

#include "market/auction.h"

bool rent_place(const struct rent_gpu *gpus, size_t gpu_count, size_t count, int64_t contract_id,
                int64_t ret_ids[static GPUS_MAX])
{
    int64_t ids[GPUS_MAX];
    size_t found = 0;

    assert(gpu_count <= GPUS_MAX && count <= GPUS_MAX);
    for (size_t i = 0; i < gpu_count && found < count; i++) {
        if (contract_id != 0 && gpus[i].holder_id == contract_id)
            ids[found++] = gpus[i].gpu_id;
    }
    for (size_t i = 0; i < gpu_count && found < count; i++) {
        if (gpus[i].holder_id == 0)
            ids[found++] = gpus[i].gpu_id;
    }
    if (found < count)
        return false;
    for (size_t i = 0; i < count; i++)
        ret_ids[i] = ids[i];
    return true;
}

static enum rent_outcome check_offer(const struct rent_facts *facts)
{
    const struct offer *offer = &facts->offer;

    if (!facts->has_offer)
        return RENT_NO_SUCH_OFFER;
    if (offer->renter_id != 0)
        return RENT_OFFER_TAKEN;
    if (!facts->is_listed || instant_until(facts->now, offer->terms.end) < RENT_LIFETIME_MIN_US)
        return RENT_OFFER_OVER;
    if (!offer->machine->is_connected)
        return RENT_MACHINE_OFFLINE;
    if (offer->machine->verification == VERIFICATION_DEVERIFIED)
        return RENT_MACHINE_DEVERIFIED;
    return RENT_OK;
}

static enum rent_outcome check_renter(const struct rent_request *request,
                                      const struct rent_facts *facts)
{
    if (facts->is_barred)
        return RENT_ACCOUNT_BARRED;
    if (facts->contract_count >= RENT_CONTRACTS_MAX)
        return RENT_TOO_MANY_CONTRACTS;
    if (request->disk_gb < 1)
        return RENT_BAD_DISK;
    if (request->workspace_gb < 0 || request->workspace_gb >= request->disk_gb)
        return RENT_BAD_WORKSPACE;
    if (request->workspace_gb > 0 && !facts->offer.machine->encrypts_workspaces)
        return RENT_NO_ENCRYPTION;
    if (request->disk_gb > offer_disk_gb(&facts->offer))
        return RENT_DISK_TOO_LARGE;
    return RENT_OK;
}

/* GPUs that nobody holds; else those that others let go of. */
static bool place(const struct rent_facts *facts, struct rent_plan *plan)
{
    int64_t num_gpus = plan->terms.num_gpus;

    plan->claims_machine = num_gpus == 0 && !facts->is_machine_held;
    plan->gpu_count = (size_t)num_gpus;
    if (plan->claims_machine || (num_gpus > 0 && rent_place(facts->gpus, facts->gpu_count,
                                                            plan->gpu_count, 0, plan->gpu_ids)))
        return true;
    plan->gpu_count = 0;
    plan->state = RENTAL_SCHEDULING;
    plan->reason = REASON_GPUS_CLEARING;
    return facts->offer.machine->gpus_free >= (num_gpus == 0 ? 1 : num_gpus);
}

void rent_meters(const struct offer_terms *terms, int64_t disk_gb, int64_t fee_bps,
                 struct meter ret[static COMPONENT_COUNT])
{
    const struct {
        struct money rate;
        int64_t quantity;
    } rates[COMPONENT_COUNT] = {
        { terms->gpu_hour, 1 },
        { terms->disk_month, disk_gb },
        { terms->up_tb, 1 },
        { terms->down_tb, 1 },
    };

    for (int i = 0; i < COMPONENT_COUNT; i++)
        ret[i] = meter_open((enum component)(i + 1), rates[i].rate, rates[i].quantity, fee_bps);
}

/* With the new contract on top of what the account runs already. */
static enum rent_outcome check_credit(const struct rent_facts *facts, const struct rent_plan *plan)
{
    struct credit credit = facts->credit;
    bool runs = plan->state != RENTAL_STOPPED;

    credit_add(&credit, &plan->meters[COMPONENT_GPU - 1], runs ? &credit.as_of : NULL);
    credit_add(&credit, &plan->meters[COMPONENT_DISK - 1], &credit.as_of);
    credit_add_starting(&credit, facts->starting);
    if (!credit_admits(&credit))
        return RENT_NO_CREDIT;
    struct money hour = credit_hour(&credit);
    bool is_capped =
        facts->spend_cap.nanodollars > 0 &&
        (!money_add(hour, facts->waiting, &hour) || money_compare(hour, facts->spend_cap) > 0);
    return is_capped ? RENT_SPEND_CAP : RENT_OK;
}

static enum rent_outcome check_bid(const struct rent_request *request,
                                   const struct rent_facts *facts, struct rent_plan *plan)
{
    int64_t num_gpus = plan->terms.num_gpus;

    if (facts->is_own)
        return RENT_OWN_MACHINE;
    plan->kind = KIND_BID;
    plan->ticks = auction_ticks_down(request->price, num_gpus);
    if (plan->ticks < facts->lowest_bid)
        return RENT_BID_TOO_LOW;
    if (plan->ticks > AUCTION_TICKS_MAX ||
        money_compare(auction_price(plan->ticks, num_gpus), plan->list_hour) >= 0)
        return RENT_BID_TOO_HIGH;
    plan->terms.gpu_hour = auction_price(plan->ticks, num_gpus);
    if (!request->is_stopped) {
        plan->state = RENTAL_SCHEDULING;
        plan->reason = REASON_BID_WAITS;
    }
    return RENT_OK;
}

enum rent_outcome rent_decide(const struct rent_request *request, const struct rent_facts *facts,
                              struct rent_plan *ret_plan)
{
    enum rent_outcome outcome = check_offer(facts);

    if (outcome == RENT_OK)
        outcome = check_renter(request, facts);
    if (outcome != RENT_OK)
        return outcome;

    const struct offer *offer = &facts->offer;
    struct rent_plan plan = {
        .kind = KIND_ON_DEMAND,
        .state = request->is_stopped ? RENTAL_STOPPED : RENTAL_CREATED,
        .reason = request->is_stopped ? REASON_CREATED_STOPPED : REASON_NONE,
        .terms = offer->terms,
        .list_hour = offer->terms.gpu_hour,
        .share = machine_share(offer->machine, offer->terms.num_gpus),
        .end = offer->terms.end,
    };
    plan.share.disk_gb = request->disk_gb;
    if (request->is_bid)
        outcome = check_bid(request, facts, &plan);
    else if (!request->is_stopped && !place(facts, &plan))
        outcome = RENT_OFFER_TAKEN;
    if (outcome != RENT_OK)
        return outcome;
    rent_meters(&plan.terms, request->disk_gb, facts->fee_bps, plan.meters);
    outcome = check_credit(facts, &plan);
    if (outcome != RENT_OK)
        return outcome;
    *ret_plan = plan;
    return RENT_OK;
}

const char *rent_outcome_sentence(enum rent_outcome outcome)
{
    switch (outcome) {
    case RENT_OK:
        return "The offer is yours.";
    case RENT_NO_SUCH_OFFER:
        return "There is no such offer; offers change, search again.";
    case RENT_OFFER_TAKEN:
        return "Someone else has rented this offer; search again.";
    case RENT_OFFER_OVER:
        return "The host no longer offers this machine.";
    case RENT_MACHINE_OFFLINE:
        return "The machine is offline at the moment.";
    case RENT_MACHINE_DEVERIFIED:
        return "The machine failed a check and is not rented out until that is cleared.";
    case RENT_ACCOUNT_BARRED:
        return "This account may not rent.";
    case RENT_TOO_MANY_CONTRACTS:
        return "This account has as many instances as one may have.";
    case RENT_BAD_DISK:
        return "An instance needs a disk of at least 1 GB.";
    case RENT_DISK_TOO_LARGE:
        return "The disk is larger than what this offer has left.";
    case RENT_NO_CREDIT:
        return "The credit does not cover an hour of everything that would then run, or $0.50.";
    case RENT_SPEND_CAP:
        return "All that would then run costs more in an hour than this account may spend.";
    case RENT_OWN_MACHINE:
        return "Hosts cannot bid on their own machines. Set an idle job: everybody can see that.";
    case RENT_BID_TOO_LOW:
        return "The bid is below the lowest that is taken on this machine.";
    case RENT_BID_TOO_HIGH:
        return "On demand costs the same and cannot be outbid.";
    case RENT_BID_WOULD_WAIT:
        return "The bid would not run now, and it was asked not to wait.";
    case RENT_OTHER_RULES:
        return "Bids are decided by another version of the rules by now; read what has changed.";
    case RENT_UNREACHABLE:
        return "The host has no open ports, and no relay has any left for it; try another host.";
    case RENT_NO_ENCRYPTION:
        return "The host cannot encrypt a workspace: its kernel has no fscrypt. Look for offers "
               "with "
               "encrypted_workspace.";
    case RENT_BAD_WORKSPACE:
        return "The encrypted workspace is a part of the disk, and has to be smaller than it.";
    }
    return "";
}
