/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/credentials.h"

#include <string.h>

#include "flow/mail_code.h"
#include "support.h"
#include "sys/password.h"

#define PASSWORD "correct horse battery"
#define OTHER    "staple of another kind"

static enum credentials_outcome change(struct world *world, const struct caller *caller,
                                       const char *old, const char *new)
{
    const struct credentials_change change = { old, new, "192.0.2.1" };
    enum credentials_outcome outcome;
    int64_t wait_us;
    struct error err;

    CHECK_OK(flow_credentials_change(&world->flow, caller, &change, &outcome, &wait_us, &err),
             &err);
    return outcome;
}

static void test_a_password_has_a_length(void **state)
{
    char text[PASSWORD_LENGTH_MAX + 2] = "";

    (void)state;
    memset(text, 'x', PASSWORD_LENGTH_MIN - 1);
    CHECK(!credentials_are_good(text));
    memset(text, 'x', PASSWORD_LENGTH_MIN);
    CHECK(credentials_are_good(text));
    memset(text, 'x', PASSWORD_LENGTH_MAX);
    CHECK(credentials_are_good(text));
    memset(text, 'x', PASSWORD_LENGTH_MAX + 1);
    CHECK(!credentials_are_good(text));
}

static void test_the_first_is_set_by_who_may_do_all_and_others_by_who_knows_it(void **state)
{
    struct world world;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 0), narrow = ada;
    narrow.scopes = SCOPE_USER_WRITE;
    CHECK_INT(change(&world, &narrow, NULL, PASSWORD), CREDENTIALS_WRONG);
    CHECK_INT(change(&world, &ada, NULL, "short"), CREDENTIALS_BAD);
    CHECK_INT(change(&world, &ada, NULL, PASSWORD), CREDENTIALS_DONE);
    CHECK_INT(change(&world, &ada, NULL, OTHER), CREDENTIALS_WRONG);
    CHECK_INT(change(&world, &ada, "wrong", OTHER), CREDENTIALS_WRONG);
    CHECK_INT(change(&world, &narrow, PASSWORD, OTHER), CREDENTIALS_DONE);
    CHECK_INT(
        world_number(&world, "SELECT COUNT(*) FROM outbox WHERE body LIKE '%password_changed%'"),
        2);
    for (int i = 0; i < 10; i++)
        (void)change(&world, &ada, "wrong", OTHER);
    CHECK_INT(change(&world, &ada, OTHER, PASSWORD), CREDENTIALS_THROTTLED);
    world_close(&world);
}

static enum credentials_outcome forgot(struct world *world, const char *email)
{
    enum credentials_outcome outcome;
    int64_t wait_us = 0;
    struct error err;

    CHECK_OK(flow_credentials_forgot(&world->flow, email, "192.0.2.1", &outcome, &wait_us, &err),
             &err);
    return outcome;
}

static enum credentials_outcome reset(struct world *world, int64_t code_id)
{
    enum credentials_outcome outcome;
    char code[MAIL_CODE_SIZE];
    int64_t wait_us = 0;
    struct error err;
    bool has;

    CHECK_OK(flow_mail_code(&world->flow, code_id, code, &has, &err), &err);
    CHECK_OK(flow_credentials_reset(&world->flow, has ? code : "", OTHER, "192.0.2.1", &outcome,
                                    &wait_us, &err),
             &err);
    return outcome;
}

static void test_a_forgotten_one_is_set_by_the_newest_code_once(void **state)
{
    struct world world;

    world_open(&world, *state);
    (void)world_user(&world, "ada@berth.test", 0);
    CHECK_INT(forgot(&world, "no address"), CREDENTIALS_BAD);
    CHECK_INT(forgot(&world, "bo@berth.test"), CREDENTIALS_DONE);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM outbox"), 0);
    CHECK_INT(forgot(&world, "ada@berth.test"), CREDENTIALS_DONE);
    CHECK_INT(forgot(&world, "ADA@berth.test"), CREDENTIALS_DONE);
    CHECK_INT(reset(&world, 1), CREDENTIALS_BAD_CODE);
    CHECK_INT(reset(&world, 2), CREDENTIALS_DONE);
    CHECK_INT(reset(&world, 2), CREDENTIALS_BAD_CODE);
    CHECK_INT(forgot(&world, "ada@berth.test"), CREDENTIALS_DONE);
    clock_advance(&world.clock, RESET_SECONDS * US_PER_SECOND);
    CHECK_INT(reset(&world, 3), CREDENTIALS_BAD_CODE);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_password_has_a_length),
        cmocka_unit_test(test_the_first_is_set_by_who_may_do_all_and_others_by_who_knows_it),
        cmocka_unit_test(test_a_forgotten_one_is_set_by_the_newest_code_once),
    };
    return SUPPORT_RUN(tests);
}
