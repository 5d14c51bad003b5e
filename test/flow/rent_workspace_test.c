/* SPDX-License-Identifier: Apache-2.0 */
/* An encrypted workspace: who may have one, and who is told its key when. */
#include <string.h>

#include "flow/desired.h"
#include "flow/instance_change.h"
#include "flow/remake.h"
#include "flow/rent.h"
#include "support.h"

struct market {
    struct world world;
    struct world_machine machine;
    struct caller ada;
};

/* A machine that can, or cannot. */
static void market_open(struct market *market, void *state, bool can)
{
    world_open(&market->world, state);
    market->ada = world_user(&market->world, "ada@berth.test", 25);
    world_host(&market->world, &market->machine, "a", 4);
    market->machine.facts.encrypts_workspaces = can ? 1 : 0;
    world_session(&market->world, &market->machine);
    CHECK_INT(world_beat(&market->world, &market->machine), TAKE_DONE);
}

static void market_close(struct market *market)
{
    world_check(&market->world);
    world_close(&market->world);
}

static struct rental_reply rent(struct market *market, int64_t disk_gb, int64_t workspace_gb)
{
    struct rental_request request = {
        .offer_id = world_offer(&market->world, market->machine.id, 1),
        .spec = { .image = "ubuntu:24.04",
                  .runtype = "ssh",
                  .disk_gb = disk_gb,
                  .workspace_gb = workspace_gb },
    };
    struct rental_reply reply;
    struct error err;

    CHECK_OK(flow_rent(&market->world.flow, &market->ada, &request, &reply, &err), &err);
    return reply;
}

static const struct instance_spec *spec_of(struct market *market, int64_t id)
{
    struct desired desired;
    struct error err;
    bool has;

    CHECK_OK(flow_desired(&market->world.flow, market->machine.id, &market->world.arena, &desired,
                          &has, &err),
             &err);
    for (int64_t i = 0; i < desired.instance_count; i++)
        if (desired.instances[i].id == id)
            return &desired.instances[i].spec;
    CHECK(false); /* there is such an instance */
    return NULL;
}

static void test_each_has_a_key_of_its_own_that_is_sealed(void **state)
{
    struct market market;

    market_open(&market, *state, true);
    int64_t one = rent(&market, 10, 4).instance_id, two = rent(&market, 10, 9).instance_id;
    const struct instance_spec *first = spec_of(&market, one), *second = spec_of(&market, two);

    CHECK_INT(first->workspace_gb, 4);
    CHECK_INT(second->workspace_gb, 9);
    CHECK_INT(first->disk_gb, 10); /* it is a part of it */
    CHECK_INT((int64_t)strlen(first->workspace_key), WORKSPACE_KEY_TEXT);
    CHECK(strcmp(first->workspace_key, second->workspace_key) != 0);
    CHECK(strstr(world_contract(&market.world, one).spec, first->workspace_key) == NULL);
    CHECK_INT(spec_of(&market, rent(&market, 10, 0).instance_id)->workspace_gb, 0);
    CHECK(spec_of(&market, rent(&market, 10, 0).instance_id)->workspace_key == NULL);
    market_close(&market);
}

static void change(struct market *market,
                   bool (*flow)(const struct flow *, const struct caller *, int64_t,
                                enum change_outcome *, struct error *),
                   int64_t id)
{
    enum change_outcome outcome;
    struct error err;

    CHECK_OK(flow(&market->world.flow, &market->ada, id, &outcome, &err), &err);
    CHECK_INT(outcome, CHANGE_DONE);
}

/* The host has it while the instance is to run, and the same one each time. */
static void test_the_host_is_told_it_to_start(void **state)
{
    struct market market;
    char key[WORKSPACE_KEY_TEXT + 1];

    market_open(&market, *state, true);
    int64_t id = rent(&market, 10, 4).instance_id;
    (void)snprintf(key, sizeof key, "%s", spec_of(&market, id)->workspace_key);
    world_run(&market.world, &market.machine, 60 * US_PER_SECOND);
    change(&market, flow_stop, id);
    CHECK_INT(spec_of(&market, id)->workspace_gb, 4);
    CHECK(spec_of(&market, id)->workspace_key == NULL);
    world_pass(&market.world, US_PER_SECOND);
    CHECK_INT(world_beat(&market.world, &market.machine), TAKE_DONE);
    change(&market, flow_start, id);
    CHECK_TEXT(spec_of(&market, id)->workspace_key, key);

    /* Made from its image again, it has what it had. */
    struct instance_spec launch = { .image = "debian:12", .runtype = "ssh" };
    struct remake_request remake = { .instance_id = id, .launch = &launch };
    struct remake_reply done;
    struct error err;
    CHECK_OK(flow_remake(&market.world.flow, &market.ada, &remake, &done, &err), &err);
    CHECK_INT(done.outcome, REMAKE_DONE);
    CHECK_TEXT(spec_of(&market, id)->image, "debian:12");
    CHECK_INT(spec_of(&market, id)->workspace_gb, 4);
    CHECK_TEXT(spec_of(&market, id)->workspace_key, key);
    market_close(&market);
}

static void test_who_cannot_is_not_rented_from_for_it(void **state)
{
    struct market market;

    market_open(&market, *state, false);
    struct hash before = world_dump(&market.world);
    struct rental_reply reply = rent(&market, 10, 4);
    CHECK_INT(reply.outcome, RENTAL_REFUSED);
    CHECK_INT(reply.refusal, RENT_NO_ENCRYPTION);
    reply = rent(&market, 10, 10);
    CHECK_INT(reply.refusal, RENT_BAD_WORKSPACE);
    CHECK_UNCHANGED(&market.world, before);
    CHECK_INT(rent(&market, 10, 0).outcome, RENTAL_MADE);
    market_close(&market);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_has_a_key_of_its_own_that_is_sealed),
        cmocka_unit_test(test_the_host_is_told_it_to_start),
        cmocka_unit_test(test_who_cannot_is_not_rented_from_for_it),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
