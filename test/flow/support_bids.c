/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/support_bids.h"

void place_open(struct place *place, void **state, int64_t gpu_count)
{
    world_open(&place->world, *state);
    place->ada = world_user(&place->world, "ada@berth.test", 100);
    place->bob = world_user(&place->world, "bob@berth.test", 100);
    world_host(&place->world, &place->machine, "a", gpu_count);
}

void place_close(struct place *place)
{
    world_check(&place->world);
    world_close(&place->world);
}

int64_t place_bid(struct place *place, struct caller renter, int64_t num_gpus, int64_t ticks)
{
    struct rental_reply reply =
        world_bid(&place->world, renter, place->machine.id, num_gpus, ticks);

    CHECK_INT(reply.outcome, RENTAL_MADE);
    return reply.instance_id;
}

int64_t place_rent(struct place *place, struct caller renter, int64_t num_gpus)
{
    struct rental_reply reply =
        world_rent(&place->world, renter, world_offer(&place->world, place->machine.id, num_gpus));

    CHECK_INT(reply.outcome, RENTAL_MADE);
    return reply.instance_id;
}

void place_run_s(struct place *place, int64_t seconds)
{
    world_run(&place->world, &place->machine, seconds * US_PER_SECOND);
}

void place_destroy(struct place *place, struct caller renter, int64_t id)
{
    enum change_outcome outcome;
    struct error err;

    CHECK_OK(flow_destroy(&place->world.flow, &renter, id, &outcome, &err), &err);
    CHECK_INT(outcome, CHANGE_DONE);
}

enum change_outcome place_start(struct place *place, struct caller renter, int64_t id)
{
    enum change_outcome outcome;
    struct error err;

    CHECK_OK(flow_start(&place->world.flow, &renter, id, &outcome, &err), &err);
    return outcome;
}

void place_stop(struct place *place, struct caller renter, int64_t id)
{
    enum change_outcome outcome;
    struct error err;

    CHECK_OK(flow_stop(&place->world.flow, &renter, id, &outcome, &err), &err);
    CHECK_INT(outcome, CHANGE_DONE);
}

void place_check_state(struct place *place, int64_t id, enum rental_state state,
                       enum rental_reason reason)
{
    struct contract_row contract = world_contract(&place->world, id);

    CHECK_INT(contract.state, state);
    CHECK_INT(contract.reason, reason);
}
