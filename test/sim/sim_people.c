/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "flow/admin.h"
#include "flow/instance_change.h"
#include "flow/list_machine.h"
#include "flow/offers.h"
#include "flow/ssh_keys.h"
#include "market/auction.h"
#include "sim.h"

static struct sim_user *some_user(struct sim *sim)
{
    return &sim->users[check_random(sim->user_count)];
}

static struct sim_host *some_host(struct sim *sim)
{
    return &sim->hosts[check_random(sim->host_count)];
}

static int64_t some_contract(const struct sim_user *user)
{
    return user->contract_count > 0 ? user->contracts[check_random(user->contract_count)] : 0;
}

static void rent(struct sim *sim)
{
    struct sim_user *user = some_user(sim);
    struct sim_host *host = some_host(sim);
    struct offer *offers;
    struct rental_reply reply;
    struct error err;
    size_t count;

    CHECK_OK(flow_offers_of_machine(&sim->world.flow, host->machine.id, &sim->world.arena, &offers,
                                    &count, &err),
             &err);
    if (count == 0)
        return;
    const struct offer *offer = &offers[check_random(count)];
    struct rental_request request = {
        .offer_id = offer->id,
        .spec = { .image = "ubuntu:24.04",
                  .runtype = "ssh",
                  .disk_gb = sim_chance(9) ? sim_between(1, 2000) : sim_between(1, 60) },
        .starts_stopped = sim_chance(10),
    };
    if (sim_chance(2))
        sim_bid_terms(offer, &request);
    if (!sim_did(sim, flow_rent(&sim->world.flow, &user->caller, &request, &reply, &err), &err)) {
        sim->unsure_rentals += sim->has_lost_power;
        return;
    }
    sim_trace(sim, "user %" PRId64 " rents offer %" PRId64 ": outcome %d, %d, instance %" PRId64,
              user->caller.user_id, request.offer_id, (int)reply.outcome, (int)reply.refusal,
              reply.instance_id);
    CHECK(reply.outcome != RENTAL_BAD_SPEC && reply.outcome != RENTAL_BAD_LABEL);
    if (reply.outcome == RENTAL_MADE) {
        CHECK(user->contract_count < SIM_CONTRACTS_MAX);
        user->contracts[user->contract_count++] = reply.instance_id;
        sim->rentals++;
    }
}

typedef bool change_flow(const struct flow *flow, const struct caller *caller, int64_t id,
                         enum change_outcome *ret, struct error *err);

static void change(struct sim *sim, const char *what, change_flow *step)
{
    struct sim_user *user = some_user(sim);
    int64_t id = some_contract(user);
    enum change_outcome outcome;
    struct error err;

    if (id == 0)
        return;
    if (!sim_did(sim, step(&sim->world.flow, &user->caller, id, &outcome, &err), &err))
        return;
    sim_trace(sim, "user %" PRId64 " %s instance %" PRId64 ": outcome %d", user->caller.user_id,
              what, id, (int)outcome);

    /* Nobody else may: to them it does not exist. */
    struct sim_user *other = some_user(sim);
    if (other != user && sim->is_server_up &&
        sim_did(sim, step(&sim->world.flow, &other->caller, id, &outcome, &err), &err))
        CHECK_INT(outcome, CHANGE_NO_INSTANCE);
}

static void change_bid(struct sim *sim)
{
    struct sim_user *user = some_user(sim);
    int64_t id = some_contract(user);

    if (id != 0)
        sim_change_bid(sim, user, id);
}

static void grant(struct sim *sim)
{
    struct sim_user *user = some_user(sim);
    bool is_little = sim_chance(3) ? user->is_poor && !sim_chance(10) : true;
    struct money amount = { sim_between(1, !is_little      ? 20000000000
                                           : user->is_poor ? 100000000
                                                           : 500000000) };
    enum admin_outcome outcome;
    struct error err;
    char ticket[64];

    (void)snprintf(ticket, sizeof ticket, "%" PRId64 "-%" PRId64, user->caller.user_id,
                   user->grants++);
    for (int repeat = 0; repeat < 2; repeat++) { /* asked twice, given once */
        if (!sim->is_server_up || !sim_did(sim,
                                           flow_grant_credit(&sim->world.flow, user->caller.user_id,
                                                             amount, ticket, &outcome, &err),
                                           &err))
            return;
        CHECK_INT(outcome, ADMIN_DONE);
    }
    sim_trace(sim, "user %" PRId64 " gets %" PRId64, user->caller.user_id, amount.nanodollars);
}

static void set_limit(struct sim *sim)
{
    struct sim_user *user = some_user(sim);
    struct money limit = { sim_chance(2) ? 0 : sim_between(0, 3000000000) };
    enum admin_outcome outcome;
    struct error err;

    user->has_limit |= limit.nanodollars > 0;
    if (!sim_did(
            sim,
            flow_set_credit_limit(&sim->world.flow, user->caller.user_id, limit, &outcome, &err),
            &err))
        return;
    sim_trace(sim, "user %" PRId64 " may owe %" PRId64, user->caller.user_id, limit.nanodollars);
}

static void list(struct sim *sim)
{
    struct sim_host *host = some_host(sim);
    struct list_machine_request request = {
        .machine_id = host->machine.id,
        .has_gpu_hour = true,
        .has_disk_month = true,
        .has_up_tb = true,
        .has_duration = sim_chance(2),
        .duration_s = sim_between(60, 400000),
        .has_min_chunk = host->is_gpu,
        .has_grace_max = sim_chance(4),
        .values = { .gpu_hour = { sim_between(0, 900000000) },
                    .disk_month = { sim_chance(4) ? 0 : sim_between(0, 400000000) },
                    .up_tb = { sim_between(0, 30000000000) },
                    .min_chunk = sim_between(1, 2),
                    .grace_max_s = sim_between(0, AUCTION_GRACE_S_MAX) },
    };
    struct list_machine_reply reply;
    struct error err;

    if (!sim_did(sim,
                 flow_list_machine(&sim->world.flow, &host->machine.host, &request, &reply, &err),
                 &err))
        return;
    sim_trace(sim,
              "host of machine %" PRId64 " lists it: outcome %d, %zu offers, %" PRId64 " extended",
              host->machine.id, (int)reply.outcome, reply.offer_count, reply.extended);
}

static void unlist(struct sim *sim)
{
    struct sim_host *host = some_host(sim);
    enum list_machine_outcome outcome;
    struct error err;

    if (!sim_did(sim,
                 flow_unlist_machine(&sim->world.flow, &host->machine.host, host->machine.id,
                                     &outcome, &err),
                 &err))
        return;
    sim_trace(sim, "host of machine %" PRId64 " unlists it", host->machine.id);
}

/* Who may log in changes: a new generation, and nothing stops for it. */
static void attach_key(struct sim *sim)
{
    struct sim_user *user = some_user(sim);
    int64_t id = some_contract(user);
    struct ssh_keys_reply reply;
    struct error err;

    if (id == 0)
        return;
    if (!sim_did(sim,
                 flow_ssh_key_attach(&sim->world.flow, &user->caller, id,
                                     sim_chance(2) ? KEY_ED25519 : KEY_ED25519_OTHER,
                                     &sim->world.arena, &reply, &err),
                 &err))
        return;
    sim_trace(sim, "user %" PRId64 " attaches a key to instance %" PRId64, user->caller.user_id,
              id);
}

static void upset_host(struct sim *sim)
{
    struct sim_host *host = some_host(sim);

    switch (check_random(6)) {
    case 0:
        sim_trace(sim, "machine %" PRId64 " reboots", host->machine.id);
        sim_host_reboot(sim, host);
        break;
    case 1:
        sim_trace(sim, "machine %" PRId64 " loses its power", host->machine.id);
        sim_host_power_off(sim, host);
        break;
    case 2:
        sim_trace(sim, "the agent of machine %" PRId64 " opens a session", host->machine.id);
        host->has_session = false;
        break;
    case 3:
        if (sim->faults[FAULT_ENGINE_DIES] == 0)
            break;
        sim_host_engine(sim, host);
        sim_trace(sim, "the engine of machine %" PRId64 " is %s", host->machine.id,
                  host->is_engine_ok ? "there" : "gone");
        break;
    default:
        host->is_linked = !host->is_linked;
        sim_trace(sim, "machine %" PRId64 " is %s the net", host->machine.id,
                  host->is_linked ? "on" : "off");
    }
}

/* Hosts that have been away come back before long, so that there is a market. */
static void mend_hosts(struct sim *sim)
{
    for (size_t i = 0; i < sim->host_count; i++) {
        struct sim_host *host = &sim->hosts[i];

        if (!host->is_up && sim_chance(8))
            sim_host_reboot(sim, host);
        if (!host->is_linked && sim_chance(8))
            host->is_linked = true;
        if (!host->is_engine_ok && sim_chance(8))
            sim_host_engine(sim, host);
    }
}

static void act(struct sim *sim)
{
    switch (check_random(30)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 22:
    case 23:
        rent(sim);
        break;
    case 4:
    case 5:
        change(sim, "stops", flow_stop);
        break;
    case 6:
    case 7:
    case 8:
        change(sim, "starts", flow_start);
        break;
    case 9:
        change(sim, "reboots", flow_reboot);
        break;
    case 10:
    case 11:
        change(sim, "destroys", flow_destroy);
        break;
    case 12:
    case 13:
        grant(sim);
        break;
    case 14:
        if (sim_chance(4))
            set_limit(sim);
        break;
    case 15:
        if (sim_chance(3))
            list(sim);
        break;
    case 16:
        if (sim_chance(6))
            unlist(sim);
        else if (sim_chance(12))
            sim_reclaim(sim, some_host(sim));
        break;
    case 17:
        attach_key(sim);
        break;
    case 24:
    case 25:
    case 26:
    case 27:
        change_bid(sim);
        break;
    case 28:
        if (sim_chance(3))
            sim_set_reserve(sim, some_host(sim));
        break;
    case 29:
        if (sim_chance(2))
            sim_set_idle_job(sim, some_host(sim));
        break;
    case 18:
        if (sim_chance(12))
            sim_host_replay(sim, some_host(sim));
        break;
    default:
        break; /* nobody does anything */
    }
}

void sim_people_act(struct sim *sim)
{
    enum { AT_ONCE_MAX = 4 };

    mend_hosts(sim);
    if (sim_fault(sim, FAULT_HOST))
        upset_host(sim);
    for (uint64_t left = check_random(AT_ONCE_MAX + 1); sim->is_server_up && left > 0; left--)
        act(sim);
}
