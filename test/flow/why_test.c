/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/why.h"

#include <string.h>

#include "flow/contact_lost.h"
#include "flow/instance_change.h"
#include "flow/no_credit.h"
#include "support.h"

static struct why why_of(struct world *world, struct caller caller, int64_t id)
{
    struct why why;
    struct error err;
    bool has;

    CHECK_OK(flow_why(&world->flow, &caller, id, &world->arena, &why, &has, &err), &err);
    CHECK(has);
    return why;
}

/* One on demand and two bids wait for what is rented; each hears where it stands. */
static void test_who_waits_is_told_its_place_in_line(void **state)
{
    struct world world;
    struct world_machine machine;
    enum change_outcome outcome;
    struct error err;
    char end[INSTANT_TEXT_SIZE];

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 100);
    struct caller bob = world_user(&world, "bob@berth.test", 100);
    world_host(&world, &machine, "a", 1);
    int64_t firm = world_running(&world, &machine, ada, 1);
    CHECK_OK(flow_stop(&world.flow, &ada, firm, &outcome, &err), &err);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    int64_t low = world_bid(&world, ada, machine.id, 1, 100).instance_id;
    int64_t high = world_bid(&world, ada, machine.id, 1, 200).instance_id;
    int64_t holder = world_rent(&world, bob, world_offer(&world, machine.id, 1)).instance_id;
    for (int i = 0; i < 4; i++) {
        world_pass(&world, 20 * US_PER_SECOND);
        CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    }
    CHECK_INT(world_contract(&world, holder).state, RENTAL_RUNNING);
    CHECK_OK(flow_start(&world.flow, &ada, firm, &outcome, &err), &err);
    CHECK_INT(outcome, CHANGE_WAITS);

    (void)instant_format(world_contract(&world, holder).terms.end, end);
    bool has_end = instant_compare(world_contract(&world, holder).terms.end, INSTANT_NEVER) != 0;
    const struct {
        int64_t id;
        const char *place;
    } rows[] = { { firm, "Place 1 of 3 in line, behind 1 on-demand rental" },
                 { high, "Place 2 of 3 in line, behind 1 on-demand rental" },
                 { low, "Place 3 of 3 in line, behind 1 on-demand rental" } };
    for (size_t i = 0; i < 3; i++) {
        struct why why = why_of(&world, ada, rows[i].id);
        const char *by = strstr(why.advice, "free by ");

        check_row("%s", why.advice);
        CHECK(strncmp(why.advice, rows[i].place, strlen(rows[i].place)) == 0);
        CHECK(strstr(why.advice, "Wait") != NULL);
        CHECK((by != NULL) == has_end);
        if (by != NULL)
            CHECK(strncmp(by + strlen("free by "), end, 19) == 0);
    }
    check_row(" ");
    world_close(&world);
}

static void test_every_stop_has_a_code_a_sentence_and_advice(void **state)
{
    struct world world;
    struct world_machine machine;
    enum change_outcome outcome;
    struct error err;
    size_t count;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 1);
    world_host(&world, &machine, "a", 1);
    int64_t id = world_running(&world, &machine, ada, 1);
    CHECK_TEXT(why_of(&world, ada, id).code, "running");
    CHECK_TEXT(why_of(&world, ada, id).advice, "");

    CHECK_OK(flow_stop(&world.flow, &ada, id, &outcome, &err), &err);
    struct why why = why_of(&world, ada, id);
    CHECK_TEXT(why.code, "user_stop");
    CHECK_TEXT(why.sentence, "Its owner stopped it.");
    CHECK(strstr(why.advice, "Start it") != NULL);
    CHECK_INT(instant_compare(why.since, clock_now(&world.clock)), 0);

    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK_OK(flow_start(&world.flow, &ada, id, &outcome, &err), &err);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    world_container(&machine, id)->has_exited = true;
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    why = why_of(&world, ada, id);
    CHECK_TEXT(why.code, "exited");
    CHECK(strstr(why.sentence, "exit status 3") != NULL);

    world_container(&machine, id)->has_exited = false;
    CHECK_OK(flow_start(&world.flow, &ada, id, &outcome, &err), &err);
    CHECK_INT(outcome, CHANGE_DONE);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    world_run(&world, &machine, 10000 * US_PER_SECOND);
    CHECK_OK(flow_no_credit(&world.flow, &count, &err), &err);
    why = why_of(&world, ada, id);
    CHECK_TEXT(why.code, "no_credit");
    CHECK(strstr(why.advice, "Add credit") != NULL);
    /* All of its life, newest first, each with what it was for. */
    CHECK(why.event_count > 6);
    CHECK_TEXT(why.events[0].code, "no_credit");
    CHECK_TEXT(why.events[0].sentence, why.sentence);
    CHECK_TEXT(why.events[0].state, "stopping");
    CHECK(why.events[why.event_count - 1].code == NULL);
    CHECK_TEXT(why.events[why.event_count - 1].state, "created");
    for (size_t i = 1; i < why.event_count; i++)
        CHECK(instant_compare(why.events[i].at, why.events[i - 1].at) <= 0);

    world_pass(&world, 31 * US_PER_SECOND);
    CHECK_OK(flow_contact_lost(&world.flow, &count, &err), &err);
    CHECK(strstr(why_of(&world, ada, id).advice, "out of contact") != NULL);
    world_close(&world);
}

static void test_nobody_else_is_told(void **state)
{
    struct world world;
    struct world_machine machine;
    struct why why;
    struct error err;
    bool has;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    struct caller eve = world_user(&world, "eve@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    int64_t id = world_running(&world, &machine, ada, 1);
    CHECK_OK(flow_why(&world.flow, &eve, id, &world.arena, &why, &has, &err), &err);
    CHECK(!has);
    CHECK_OK(flow_why(&world.flow, &ada, 99999, &world.arena, &why, &has, &err), &err);
    CHECK(!has);
    ada.instance_id = id + 1;
    CHECK_OK(flow_why(&world.flow, &ada, id, &world.arena, &why, &has, &err), &err);
    CHECK(!has);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_waits_is_told_its_place_in_line),
        cmocka_unit_test(test_every_stop_has_a_code_a_sentence_and_advice),
        cmocka_unit_test(test_nobody_else_is_told),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
