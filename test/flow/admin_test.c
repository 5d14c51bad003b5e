/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/admin.h"

#include <string.h>

#include "market/journal.h"
#include "support.h"

static enum admin_outcome grant(struct world *world, int64_t user_id, int64_t nanodollars,
                                const char *ticket)
{
    enum admin_outcome outcome;
    struct error err;

    CHECK_OK(flow_grant_credit(&world->flow, user_id, (struct money){ nanodollars }, ticket,
                               &outcome, &err),
             &err);
    return outcome;
}

static void test_a_ticket_grants_once(void **state)
{
    struct world world;
    char long_ticket[JOURNAL_KEY_SIZE];
    enum admin_outcome outcome;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 0);
    CHECK_INT(grant(&world, ada.user_id, 5, "t-1"), ADMIN_DONE);
    CHECK_INT(world_credit(&world, ada), 5);
    struct hash before = world_dump(&world);
    CHECK_INT(grant(&world, ada.user_id, 5, "t-1"), ADMIN_DONE);
    CHECK_UNCHANGED(&world, before);
    /* The same ticket for something else is a mistake that somebody has to look at. */
    CHECK_FAILS(
        flow_grant_credit(&world.flow, ada.user_id, (struct money){ 6 }, "t-1", &outcome, &err),
        &err, ERROR_CONFLICT);
    CHECK_INT(grant(&world, ada.user_id, 0, "t-2"), ADMIN_BAD_AMOUNT);
    CHECK_INT(grant(&world, ada.user_id, -1, "t-2"), ADMIN_BAD_AMOUNT);
    CHECK_INT(grant(&world, 99999, 5, "t-2"), ADMIN_NOT_FOUND);
    memset(long_ticket, 'x', sizeof long_ticket);
    long_ticket[sizeof long_ticket - 1] = '\0';
    CHECK_INT(grant(&world, ada.user_id, 5, long_ticket), ADMIN_BAD_AMOUNT);
    CHECK_UNCHANGED(&world, before);
    CHECK_INT(grant(&world, ada.user_id, 7, "t-2"), ADMIN_DONE);
    CHECK_INT(world_credit(&world, ada), 12);
    world_check(&world);
    world_close(&world);
}

static void test_a_deposit_is_bought_credit_once(void **state)
{
    struct world world;
    enum admin_outcome outcome;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 0);
    struct caller bob = world_user(&world, "bob@berth.test", 0);
    struct money amount = { 25 * NANODOLLARS_PER_DOLLAR };
    CHECK_OK(flow_deposit(&world.flow, ada.user_id, amount, "wire 1", &outcome, &err), &err);
    CHECK_INT(outcome, ADMIN_DONE);
    struct hash before = world_dump(&world);
    CHECK_OK(flow_deposit(&world.flow, ada.user_id, amount, "wire 1", &outcome, &err), &err);
    CHECK_INT(outcome, ADMIN_DONE);
    CHECK_UNCHANGED(&world, before);
    CHECK_FAILS(flow_deposit(&world.flow, bob.user_id, amount, "wire 1", &outcome, &err), &err,
                ERROR_CONFLICT);
    CHECK_OK(flow_deposit(&world.flow, 99999, amount, "wire 2", &outcome, &err), &err);
    CHECK_INT(outcome, ADMIN_NOT_FOUND);
    CHECK_INT(world_number(&world, "SELECT cr_posted FROM account WHERE code = 2010"),
              amount.nanodollars);
    CHECK_INT(world_credit(&world, ada), amount.nanodollars);
    world_check(&world);
    world_close(&world);
}

static void test_a_credit_limit_is_never_negative(void **state)
{
    struct world world;
    enum admin_outcome outcome;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 0);
    CHECK_OK(flow_set_credit_limit(&world.flow, ada.user_id, (struct money){ -1 }, &outcome, &err),
             &err);
    CHECK_INT(outcome, ADMIN_BAD_AMOUNT);
    CHECK_OK(flow_set_credit_limit(&world.flow, 99999, (struct money){ 1 }, &outcome, &err), &err);
    CHECK_INT(outcome, ADMIN_NOT_FOUND);
    CHECK_OK(flow_set_credit_limit(&world.flow, ada.user_id, (struct money){ 1 }, &outcome, &err),
             &err);
    CHECK_INT(outcome, ADMIN_DONE);
    CHECK_INT(world_number(&world, "SELECT credit_limit FROM users"), 1);
    world_close(&world);
}

static void test_users_and_machines_are_listed_page_by_page(void **state)
{
    struct world world;
    struct world_machine machine;
    struct machine_row *machines;
    struct user_row *users;
    enum admin_outcome outcome;
    struct error err;
    size_t count;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 0);
    struct caller bob = world_user(&world, "bob@berth.test", 0);
    world_host(&world, &machine, "a", 1);
    CHECK_OK(flow_user_list(&world.flow, 0, 1, &world.arena, &users, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_INT(users[0].id, ada.user_id);
    CHECK_OK(flow_user_list(&world.flow, ada.user_id, 100, &world.arena, &users, &count, &err),
             &err);
    CHECK_INT((int64_t)count, 2);
    CHECK_INT(users[0].id, bob.user_id);

    CHECK_OK(
        flow_set_verification(&world.flow, machine.id, VERIFICATION_DEVERIFIED, &outcome, &err),
        &err);
    CHECK_INT(outcome, ADMIN_DONE);
    CHECK_OK(flow_machine_list(&world.flow, 0, 10, &world.arena, &machines, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_INT(machines[0].verification, VERIFICATION_DEVERIFIED);
    CHECK_OK(flow_set_verification(&world.flow, 99999, VERIFICATION_VERIFIED, &outcome, &err),
             &err);
    CHECK_INT(outcome, ADMIN_NOT_FOUND);
    world_close(&world);
}

static void test_where_a_machine_is_ends_in_a_country(void **state)
{
    static const struct {
        const char *place;
        enum admin_outcome outcome;
    } rows[] = { { "Gothenburg, SE", ADMIN_DONE },  { "SE", ADMIN_DONE },
                 { "Sweden", ADMIN_BAD_PLACE },     { "a\nb, SE", ADMIN_BAD_PLACE },
                 { "Kiruna, S1", ADMIN_BAD_PLACE }, { "", ADMIN_DONE } };
    char longest[ADMIN_PLACE_MAX + 2] = "";
    struct world world;
    struct world_machine machine;
    struct machine_row *machines;
    enum admin_outcome outcome;
    struct error err;
    size_t count;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s", rows[i].place);
        CHECK_OK(flow_set_place(&world.flow, machine.id, rows[i].place, &outcome, &err), &err);
        CHECK_INT(outcome, rows[i].outcome);
        CHECK_OK(flow_machine_list(&world.flow, 0, 10, &world.arena, &machines, &count, &err),
                 &err);
        if (outcome == ADMIN_DONE)
            CHECK_TEXT(machines[0].geolocation, rows[i].place);
    }
    memset(longest, 'x', sizeof longest);
    for (size_t length = ADMIN_PLACE_MAX; length <= ADMIN_PLACE_MAX + 1; length++) {
        memcpy(longest + length - 4, ", SE", 5);
        CHECK_OK(flow_set_place(&world.flow, machine.id, longest, &outcome, &err), &err);
        CHECK_INT(outcome, length == ADMIN_PLACE_MAX ? ADMIN_DONE : ADMIN_BAD_PLACE);
    }
    CHECK_OK(flow_set_place(&world.flow, 99999, "SE", &outcome, &err), &err);
    CHECK_INT(outcome, ADMIN_NOT_FOUND);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_ticket_grants_once),
        cmocka_unit_test(test_a_deposit_is_bought_credit_once),
        cmocka_unit_test(test_a_credit_limit_is_never_negative),
        cmocka_unit_test(test_users_and_machines_are_listed_page_by_page),
        cmocka_unit_test(test_where_a_machine_is_ends_in_a_country),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
