/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/login.h"

#include <string.h>

#include "flow/account.h"
#include "flow/credentials.h"
#include "support.h"

#define PASSWORD "correct horse battery"

static const struct login_client client = { "192.0.2.1", "a test" };

static struct login_reply login(struct world *world, const char *email, const char *password)
{
    struct login_reply reply;
    struct error err;

    CHECK_OK(flow_login(&world->flow, email, password, &client, &reply, &err), &err);
    return reply;
}

static struct caller with_password(struct world *world, const char *email)
{
    const struct credentials_change change = { NULL, PASSWORD, "192.0.2.1" };
    struct caller caller = world_user(world, email, 0);
    enum credentials_outcome outcome;
    int64_t wait_us;
    struct error err;

    CHECK_OK(flow_credentials_change(&world->flow, &caller, &change, &outcome, &wait_us, &err),
             &err);
    CHECK_INT(outcome, CREDENTIALS_DONE);
    return caller;
}

static bool authenticate(struct world *world, const char *token, struct caller *ret)
{
    struct hash hash = crypto_sha256(token, strlen(token));
    struct error err;
    bool is_known;

    CHECK_OK(flow_authenticate(&world->flow, &hash, ret, &is_known, &err), &err);
    return is_known;
}

static void test_who_knows_the_password_gets_a_session(void **state)
{
    struct world world;
    struct caller caller;

    world_open(&world, *state);
    struct caller ada = with_password(&world, "ada@berth.test");
    struct login_reply good = login(&world, "ADA@berth.test", PASSWORD);
    CHECK_INT(good.outcome, LOGIN_DONE);
    CHECK_INT(good.user_id, ada.user_id);
    CHECK(authenticate(&world, good.token, &caller));
    CHECK(caller.user_id == ada.user_id && caller.scopes == SCOPE_ALL && caller.key_id == 0 &&
          caller.login_id == good.session_id && !caller.is_stepped && !caller.has_tfa);
    /* Sessions end; that there was one stays. */
    CHECK_INT(world_number_of(&world,
                              "SELECT COUNT(*) FROM audit_log WHERE route = 'api.session.create' "
                              "AND args LIKE '{\"agent\":%' AND login_id = $1",
                              good.session_id),
              1);
    CHECK_INT(login(&world, "ada@berth.test", PASSWORD "x").outcome, LOGIN_FAILED);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM audit_log"), 1);
    CHECK_INT(login(&world, "ada@berth.test", "").outcome, LOGIN_FAILED);
    CHECK_INT(login(&world, "bo@berth.test", PASSWORD).outcome, LOGIN_FAILED);
    CHECK_INT(login(&world, "no address", PASSWORD).outcome, LOGIN_FAILED);
    CHECK_TEXT(login(&world, "bo@berth.test", PASSWORD).token, "");
    /* An account without a password has none, not an empty one. */
    (void)world_user(&world, "cy@berth.test", 0);
    CHECK_INT(login(&world, "cy@berth.test", "").outcome, LOGIN_FAILED);
    world_close(&world);
}

static void test_a_session_ends_a_day_after_it_was_last_used(void **state)
{
    struct world world;
    struct caller caller;

    world_open(&world, *state);
    (void)with_password(&world, "ada@berth.test");
    struct login_reply good = login(&world, "ada@berth.test", PASSWORD);
    for (int64_t day = 0; day < 29; day++) {
        clock_advance(&world.clock, 23 * US_PER_HOUR + 50 * 60 * US_PER_SECOND);
        CHECK(authenticate(&world, good.token, &caller));
        /* Wait for what is written down later. */
        CHECK_INT(login(&world, "x@berth.test", "").outcome, LOGIN_FAILED);
    }
    clock_advance(&world.clock, 24 * US_PER_HOUR);
    CHECK(!authenticate(&world, good.token, &caller));
    world_close(&world);
}

static void test_what_has_run_out_is_dropped(void **state)
{
    struct world world;
    struct error err;

    world_open(&world, *state);
    (void)with_password(&world, "ada@berth.test");
    CHECK_INT(login(&world, "ada@berth.test", PASSWORD).outcome, LOGIN_DONE);
    CHECK_OK(flow_login_forget(&world.flow, &err), &err);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM login_session"), 1);
    clock_advance(&world.clock, 25 * US_PER_HOUR);
    CHECK_OK(flow_login_forget(&world.flow, &err), &err);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM login_session"), 0);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM throttle"), 0);
    world_close(&world);
}

static void test_sessions_are_listed_and_ended_by_their_owner(void **state)
{
    struct world world;
    struct login_session_row *rows;
    struct caller caller;
    int64_t ended;
    size_t count;
    struct error err;

    world_open(&world, *state);
    struct caller ada = with_password(&world, "ada@berth.test");
    struct caller bo = with_password(&world, "bo@berth.test");
    struct login_reply one = login(&world, "ada@berth.test", PASSWORD);
    struct login_reply two = login(&world, "ada@berth.test", PASSWORD);
    CHECK_OK(flow_login_list(&world.flow, &ada, &world.arena, &rows, &count, &err), &err);
    CHECK_INT((int64_t)count, 2);
    CHECK_TEXT(rows[0].agent, "a test");
    CHECK_OK(flow_logout(&world.flow, &bo, one.session_id, &ended, &err), &err);
    CHECK_INT(ended, 0);
    CHECK(authenticate(&world, two.token, &caller));
    CHECK_OK(flow_logout(&world.flow, &caller, 0, &ended, &err), &err);
    CHECK_INT(ended, 1);
    CHECK(authenticate(&world, two.token, &caller) && !authenticate(&world, one.token, &caller));
    world_close(&world);
}

static void test_the_eleventh_guess_waits_though_it_be_right(void **state)
{
    struct world world;

    world_open(&world, *state);
    (void)with_password(&world, "ada@berth.test");
    for (int i = 0; i < 10; i++)
        CHECK_INT(login(&world, "ada@berth.test", "wrong").outcome, LOGIN_FAILED);
    struct login_reply slowed = login(&world, "ada@berth.test", PASSWORD);
    CHECK_INT(slowed.outcome, LOGIN_THROTTLED);
    CHECK(slowed.wait_us > 0 && slowed.wait_us <= 360 * US_PER_SECOND);
    clock_advance(&world.clock, slowed.wait_us);
    CHECK_INT(login(&world, "ada@berth.test", PASSWORD).outcome, LOGIN_DONE);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_knows_the_password_gets_a_session),
        cmocka_unit_test(test_a_session_ends_a_day_after_it_was_last_used),
        cmocka_unit_test(test_what_has_run_out_is_dropped),
        cmocka_unit_test(test_sessions_are_listed_and_ended_by_their_owner),
        cmocka_unit_test(test_the_eleventh_guess_waits_though_it_be_right),
    };
    return SUPPORT_RUN(tests);
}
