/* SPDX-License-Identifier: Apache-2.0 */
/* What bidders do, and hosts about the lowest bid that they take. */
#include <inttypes.h>

#include "flow/bid.h"
#include "flow/idle_job.h"
#include "flow/reclaim.h"
#include "flow/reserve.h"
#include "market/auction.h"
#include "sim.h"

/* By the hour, for the slice: mostly near what others bid, in whole ticks and between them. */
static struct money some_price(int64_t num_gpus)
{
    int64_t ticks = sim_chance(4) ? sim_between(1, 900) : sim_between(95, 105);
    struct money price = auction_price(ticks, num_gpus);

    price.nanodollars += sim_chance(3) ? sim_between(0, AUCTION_TICK - 1) : 0;
    return price;
}

void sim_bid_terms(const struct offer *offer, struct rental_request *request)
{
    request->is_bid = true;
    request->price = some_price(offer->terms.num_gpus);
    if (sim_chance(3))
        request->max_price = (struct money){ request->price.nanodollars * sim_between(1, 3) };
    request->grace_s =
        sim_chance(2) ? AUCTION_GRACE_S_DEFAULT : sim_between(0, AUCTION_GRACE_S_MAX);
    request->stays_stopped = sim_chance(6);
    request->must_run = sim_chance(6);
    request->starts_stopped = false;
}

void sim_change_bid(struct sim *sim, struct sim_user *user, int64_t contract_id)
{
    struct bid_request request = {
        .instance_id = contract_id,
        .has_price = !sim_chance(5),
        .price = some_price(1),
        .has_max_price = sim_chance(3),
        .max_price = some_price(2),
        .has_resumes = sim_chance(5),
        .resumes = sim_chance(2),
    };
    struct bid_reply reply;
    struct error err;

    if (!sim_did(sim, flow_bid_change(&sim->world.flow, &user->caller, &request, &reply, &err),
                 &err))
        return;
    sim_trace(sim,
              "user %" PRId64 " changes the bid of instance %" PRId64 ": outcome %d, %" PRId64
              " ticks",
              user->caller.user_id, contract_id, (int)reply.outcome, reply.ticks);
}

void sim_set_reserve(struct sim *sim, struct sim_host *host)
{
    enum reserve_outcome outcome;
    struct money price = { sim_between(0, 120) * AUCTION_TICK };
    struct error err;

    if (!sim_did(sim,
                 flow_reserve(&sim->world.flow, &host->machine.host, host->machine.id, price,
                              &outcome, &err),
                 &err))
        return;
    sim_trace(sim, "host of machine %" PRId64 " takes no bid below %" PRId64 ": outcome %d",
              host->machine.id, price.nanodollars, (int)outcome);
}

void sim_set_idle_job(struct sim *sim, struct sim_host *host)
{
    const char *args[] = { "bash" };
    struct instance_spec spec = {
        .image = "ubuntu", .runtype = "args", .arg_count = 1, .args = args
    };
    struct idle_job_request request = { .machine_id = host->machine.id,
                                        .gpu_hour = { sim_between(1, 120) * AUCTION_TICK },
                                        .spec = &spec };
    struct idle_job_reply reply;
    struct error err;

    if (sim_chance(2))
        spec.image = "miner:1";
    if (sim_chance(3))
        request.gpus = sim_between(1, 4);
    bool is_ok = sim_chance(3) ? flow_idle_job_remove(&sim->world.flow, &host->machine.host,
                                                      host->machine.id, &reply, &err)
                               : flow_idle_job_set(&sim->world.flow, &host->machine.host, &request,
                                                   &reply, &err);
    if (!sim_did(sim, is_ok, &err))
        return;
    sim_trace(sim, "host of machine %" PRId64 " changes its idle job: outcome %d", host->machine.id,
              (int)reply.outcome);
}

void sim_reclaim(struct sim *sim, struct sim_host *host)
{
    struct reclaim_request request = {
        .machine_id = host->machine.id,
        .has_due = sim_chance(2),
        .due = { sim_book_now(sim) + sim_between(0, 3 * 24 * US_PER_HOUR) },
        .reason = "its host wants it",
    };
    struct reclaim_reply reply;
    struct error err;

    if (!sim_did(sim, flow_reclaim(&sim->world.flow, &host->machine.host, &request, &reply, &err),
                 &err))
        return;
    sim_trace(sim, "host of machine %" PRId64 " takes it back: outcome %d, %" PRId64 " told",
              host->machine.id, (int)reply.outcome, reply.told);
}
