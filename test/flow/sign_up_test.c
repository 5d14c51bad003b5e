/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sign_up.h"

#include <string.h>

#include "flow/mail_code.h"
#include "support.h"

#define PASSWORD "correct horse battery"

static enum sign_up_outcome sign_up(struct world *world, const char *email, const char *password)
{
    const struct sign_up_request request = { .email = email,
                                             .password = password,
                                             .address = "192.0.2.1" };
    struct sign_up_reply reply;
    struct error err;

    CHECK_OK(flow_sign_up(&world->flow, &request, &reply, &err), &err);
    return reply.outcome;
}

static struct sign_up_reply verify(struct world *world, int64_t code_id)
{
    char code[MAIL_CODE_SIZE];
    struct sign_up_reply reply;
    struct error err;
    bool has;

    CHECK_OK(flow_mail_code(&world->flow, code_id, code, &has, &err), &err);
    CHECK_OK(flow_verify(&world->flow, has ? code : "1-0", "192.0.2.1", &reply, &err), &err);
    return reply;
}

static void test_what_is_no_sign_up_leaves_nothing(void **state)
{
    static const struct {
        const char *email, *password;
        enum sign_up_outcome outcome;
    } rows[] = {
        { "ada", PASSWORD, SIGN_UP_BAD_EMAIL },
        { "a@b@c", PASSWORD, SIGN_UP_BAD_EMAIL },
        { "a\r\nBcc: x@y", PASSWORD, SIGN_UP_BAD_EMAIL },
        { "ada@berth.test", "123456789", SIGN_UP_BAD_PASSWORD },
        { "ada@berth.test", "1234567890", SIGN_UP_DONE },
    };
    struct world world;

    world_open(&world, *state);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%zu", i);
        CHECK_INT(sign_up(&world, rows[i].email, rows[i].password), rows[i].outcome);
    }
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM mail_code"), 1);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM users"), 0);
    world_close(&world);
}

static void test_an_account_is_made_by_its_code_once(void **state)
{
    struct world world;

    world_open(&world, *state);
    CHECK_INT(sign_up(&world, "ada@berth.test", PASSWORD), SIGN_UP_DONE);
    CHECK_INT(sign_up(&world, "Ada@berth.test", "another password"), SIGN_UP_DONE);
    struct sign_up_reply made = verify(&world, 2);
    CHECK_INT(made.outcome, SIGN_UP_DONE);
    CHECK_INT(made.account.outcome, ACCOUNT_CREATED);
    CHECK_INT((int64_t)strlen(made.account.api_key), 64);
    /* Of two that signed up with it, who was second comes too late, and changes nothing. */
    CHECK_INT(verify(&world, 1).outcome, SIGN_UP_BAD_CODE);
    CHECK_INT(verify(&world, 2).outcome, SIGN_UP_BAD_CODE);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM users WHERE email_verified_us > 0"), 1);
    /* Whoever tries again causes another mail, and no account. */
    CHECK_INT(sign_up(&world, "ada@berth.test", PASSWORD), SIGN_UP_DONE);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM outbox WHERE body LIKE '%exists%'"), 1);
    world_close(&world);
}

/* When it was asked for, not when the code came back. */
static void test_which_terms_were_accepted_stays_with_the_account(void **state)
{
    struct world world;
    struct sign_up_request request = { .email = "ada@berth.test",
                                       .password = PASSWORD,
                                       .address = "192.0.2.1" };
    struct sign_up_reply reply;
    struct error err;

    world_open(&world, *state);
    world.flow.terms = "2026-11";
    world.flow.terms_url = "https://market.test/terms";
    for (int i = 0; i < 3; i++) {
        request.terms = (const char *[]){ NULL, "", "2026-12" }[i];
        CHECK_OK(flow_sign_up(&world.flow, &request, &reply, &err), &err);
        CHECK_INT(reply.outcome, SIGN_UP_TERMS);
    }
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM mail_code"), 0);
    request.terms = "2026-11";
    CHECK_OK(flow_sign_up(&world.flow, &request, &reply, &err), &err);
    CHECK_INT(reply.outcome, SIGN_UP_DONE);
    int64_t asked_us = clock_now(&world.clock).microseconds;
    clock_advance(&world.clock, 3600 * US_PER_SECOND);
    world.flow.terms = "2026-12"; /* whose code comes back has accepted what there was */
    CHECK_INT(verify(&world, 1).outcome, SIGN_UP_DONE);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM users WHERE terms = '2026-11'"), 1);
    CHECK_INT(world_number(&world, "SELECT terms_us FROM users"), asked_us);
    world_close(&world);
}

static void test_a_code_runs_out(void **state)
{
    struct world world;

    world_open(&world, *state);
    CHECK_INT(sign_up(&world, "ada@berth.test", PASSWORD), SIGN_UP_DONE);
    clock_advance(&world.clock, SIGN_UP_SECONDS * US_PER_SECOND);
    CHECK_INT(verify(&world, 1).outcome, SIGN_UP_BAD_CODE);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM users"), 0);
    world_close(&world);
}

static void test_subaccounts_have_a_limit_and_a_parent(void **state)
{
    struct world world;
    struct sign_up_request request = { .email = "sub@berth.test", .password = PASSWORD };
    struct sign_up_reply reply;
    struct user_row *rows;
    size_t count;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 0);
    CHECK_OK(flow_subaccount(&world.flow, &ada, &request, &reply, &err), &err);
    CHECK_INT(reply.outcome, SIGN_UP_DONE);
    CHECK_TEXT(reply.account.api_key, "");
    CHECK_OK(flow_subaccount(&world.flow, &ada, &request, &reply, &err), &err);
    CHECK_INT(reply.outcome, SIGN_UP_EXISTS);
    CHECK_OK(flow_subaccount_list(&world.flow, &ada, &world.arena, &rows, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    CHECK(!rows[0].is_verified && rows[0].parent_id == ada.user_id);
    CHECK_INT(verify(&world, 1).outcome, SIGN_UP_DONE);
    CHECK_OK(flow_subaccount_list(&world.flow, &ada, &world.arena, &rows, &count, &err), &err);
    CHECK(rows[0].is_verified);
    world_close(&world);
}

static void test_an_email_changes_when_its_code_comes_back(void **state)
{
    struct world world;
    struct sign_up_request request = { .email = "new@berth.test", .address = "192.0.2.1" };
    struct sign_up_reply reply;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 0);
    CHECK_OK(flow_change_email(&world.flow, &ada, &request, &reply, &err), &err);
    CHECK_INT(reply.outcome, SIGN_UP_DONE);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM users WHERE email = 'new@berth.test'"), 0);
    /* Somebody else takes it first. */
    (void)world_user(&world, "new@berth.test", 0);
    CHECK_INT(verify(&world, 1).outcome, SIGN_UP_BAD_CODE);
    request.email = "other@berth.test";
    CHECK_OK(flow_change_email(&world.flow, &ada, &request, &reply, &err), &err);
    CHECK_INT(verify(&world, 2).outcome, SIGN_UP_DONE);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM users WHERE email = 'other@berth.test'"),
              1);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_no_sign_up_leaves_nothing),
        cmocka_unit_test(test_an_account_is_made_by_its_code_once),
        cmocka_unit_test(test_which_terms_were_accepted_stays_with_the_account),
        cmocka_unit_test(test_a_code_runs_out),
        cmocka_unit_test(test_subaccounts_have_a_limit_and_a_parent),
        cmocka_unit_test(test_an_email_changes_when_its_code_comes_back),
    };
    return SUPPORT_RUN(tests);
}
