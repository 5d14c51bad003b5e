/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/account.h"

#include <string.h>

#include "support.h"

static struct account_reply create(struct world *world, const char *email, int64_t credit)
{
    struct account_request request = { .email = email, .credit = { credit } };
    struct account_reply reply;
    struct error err;

    CHECK_OK(flow_account_create(&world->flow, &request, &reply, &err), &err);
    return reply;
}

static bool authenticate(struct world *world, const char *api_key, struct caller *ret)
{
    struct hash hash = crypto_sha256(api_key, strlen(api_key));
    struct error err;
    bool is_known;

    CHECK_OK(flow_authenticate(&world->flow, &hash, ret, &is_known, &err), &err);
    return is_known;
}

static void test_an_account_has_its_credit_and_a_key_that_may_do_all(void **state)
{
    struct world world;
    struct caller caller;

    world_open(&world, *state);
    struct account_reply reply = create(&world, "Ada@Berth.test", INT64_C(25000000001));
    CHECK_INT(reply.outcome, ACCOUNT_CREATED);
    CHECK_INT((int64_t)strlen(reply.api_key), 64);
    CHECK(authenticate(&world, reply.api_key, &caller));
    CHECK_INT(caller.user_id, reply.user_id);
    CHECK_INT(caller.scopes, SCOPE_ALL);
    CHECK(!caller.is_admin);
    CHECK_INT(world_credit(&world, caller), INT64_C(25000000001));
    /* Only its hash is kept. */
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM api_key"), 1);
    CHECK(!authenticate(&world, "0123", &caller));
    world_check(&world);
    world_close(&world);
}

static void test_an_email_has_one_account_in_whatever_case(void **state)
{
    struct world world;

    world_open(&world, *state);
    CHECK_INT(create(&world, "ada@berth.test", 0).outcome, ACCOUNT_CREATED);
    struct hash before = world_dump(&world);
    struct account_reply again = create(&world, "ADA@berth.TEST", NANODOLLARS_PER_DOLLAR);
    CHECK_INT(again.outcome, ACCOUNT_EXISTS);
    CHECK_TEXT(again.api_key, "");
    CHECK_UNCHANGED(&world, before);
    world_close(&world);
}

static void test_emails_and_credits_that_are_none_are_refused(void **state)
{
    static const char *const emails[] = {
        "",          "ada",       "@berth.test",        "ada@",     "a@b@c", "a da@berth.test",
        "ada@.test", "ada@test.", "\"ada\"@berth.test", "ada@b\nt",
    };
    char long_email[EMAIL_LENGTH_MAX + 2];
    struct world world;

    world_open(&world, *state);
    struct hash before = world_dump(&world);
    for (size_t i = 0; i < sizeof emails / sizeof emails[0]; i++) {
        check_row("%s", emails[i]);
        CHECK_INT(create(&world, emails[i], 0).outcome, ACCOUNT_BAD_EMAIL);
    }
    CHECK_INT(create(&world, "ada@berth.test", -1).outcome, ACCOUNT_BAD_CREDIT);
    CHECK_UNCHANGED(&world, before);

    memset(long_email, 'a', sizeof long_email);
    memcpy(long_email + sizeof long_email - 7, "@b.com", 7);
    CHECK_INT(create(&world, long_email, 0).outcome, ACCOUNT_BAD_EMAIL);
    CHECK_INT(create(&world, long_email + 1, 0).outcome, ACCOUNT_CREATED);
    world_close(&world);
}

static void test_a_key_can_do_no_more_than_the_one_that_made_it(void **state)
{
    static const struct {
        const char *rights;
        enum key_outcome outcome;
        int64_t scopes;
    } rows[] = {
        { NULL, KEY_DONE, SCOPE_INSTANCE_READ | SCOPE_USER_READ },
        { "{\"api\":{\"user_read\":{}}}", KEY_DONE, SCOPE_USER_READ },
        { "{\"api\":{\"user_read\":{\"api.user.show\":{}}}}", KEY_DONE, 0 },
        { "{\"api\":{}}", KEY_DONE, 0 },
        { "{\"api\":{\"user_write\":{}}}", KEY_EXCEEDS_CALLER, 0 },
        { "{\"api\":{\"user_write\":{\"api.user.x\":{}}}}", KEY_EXCEEDS_CALLER, 0 },
        { "{\"api\":{\"everything\":{}}}", KEY_BAD_RIGHTS, 0 },
        { "{\"api\":{\"user_read\":true}}", KEY_BAD_RIGHTS, 0 },
        { "{\"apis\":{}}", KEY_BAD_RIGHTS, 0 },
        { "[]", KEY_BAD_RIGHTS, 0 },
        { "{", KEY_BAD_RIGHTS, 0 },
    };
    struct world world;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 0);
    ada.scopes = SCOPE_INSTANCE_READ | SCOPE_USER_READ;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct key_reply reply;
        struct caller caller;

        check_row("%s", rows[i].rights == NULL ? "none" : rows[i].rights);
        CHECK_OK(flow_key_create(&world.flow, &ada, "ci", rows[i].rights, &reply, &err), &err);
        CHECK_INT(reply.outcome, rows[i].outcome);
        if (reply.outcome != KEY_DONE) {
            CHECK_TEXT(reply.api_key, "");
            continue;
        }
        CHECK(authenticate(&world, reply.api_key, &caller));
        CHECK_INT(caller.scopes, rows[i].scopes);
        CHECK_INT(caller.narrowed, i == 2 ? SCOPE_USER_READ : 0);
        CHECK_INT(caller.user_id, ada.user_id);
        struct key_rights rights;
        CHECK_OK(flow_key_rights(&world.flow, &caller, &world.arena, &rights, &err), &err);
        CHECK_TEXT(rights.key, rows[i].rights == NULL ? "" : rows[i].rights);
    }
    world_close(&world);
}

static void test_an_account_has_so_many_keys_and_no_more(void **state)
{
    struct world world;
    struct key_reply reply;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 0);
    struct caller bob = world_user(&world, "bob@berth.test", 0);
    /* One came with the account. */
    for (int i = 1; i < API_KEYS_MAX; i++) {
        CHECK_OK(flow_key_create(&world.flow, &ada, "ci", NULL, &reply, &err), &err);
        CHECK_INT(reply.outcome, KEY_DONE);
    }
    int64_t last = reply.key_id;
    struct hash before = world_dump(&world);
    CHECK_OK(flow_key_create(&world.flow, &ada, "ci", NULL, &reply, &err), &err);
    CHECK_INT(reply.outcome, KEY_TOO_MANY);
    CHECK_TEXT(reply.api_key, "");
    CHECK_UNCHANGED(&world, before);
    CHECK_OK(flow_key_create(&world.flow, &bob, "ci", NULL, &reply, &err), &err);
    CHECK_INT(reply.outcome, KEY_DONE);
    CHECK_OK(flow_key_revoke(&world.flow, &ada, last, &reply, &err), &err);
    CHECK_OK(flow_key_create(&world.flow, &ada, "ci", NULL, &reply, &err), &err);
    CHECK_INT(reply.outcome, KEY_DONE);
    world_close(&world);
}

static void test_a_revoked_key_is_no_key_and_only_its_owner_revokes_it(void **state)
{
    struct world world;
    struct key_reply key, reply;
    struct caller caller;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 0);
    struct caller bob = world_user(&world, "bob@berth.test", 0);
    CHECK_OK(flow_key_create(&world.flow, &ada, "ci", NULL, &key, &err), &err);

    struct hash before = world_dump(&world);
    CHECK_OK(flow_key_revoke(&world.flow, &bob, key.key_id, &reply, &err), &err);
    CHECK_INT(reply.outcome, KEY_NOT_FOUND);
    CHECK_OK(flow_key_revoke(&world.flow, &bob, 99999, &reply, &err), &err);
    CHECK_INT(reply.outcome, KEY_NOT_FOUND);
    CHECK_UNCHANGED(&world, before);

    /* Whoever has it may be known by heart: see store_read_kept(). */
    for (int i = 0; i < 3; i++)
        CHECK(authenticate(&world, key.api_key, &caller));
    CHECK_OK(flow_key_revoke(&world.flow, &ada, key.key_id, &reply, &err), &err);
    CHECK_INT(reply.outcome, KEY_DONE);
    CHECK(!authenticate(&world, key.api_key, &caller));
    CHECK_OK(flow_key_revoke(&world.flow, &ada, key.key_id, &reply, &err), &err);
    CHECK_INT(reply.outcome, KEY_NOT_FOUND);
    world_close(&world);
}

static void test_a_reset_key_is_another_with_the_same_rights(void **state)
{
    struct world world;
    struct key_reply old, fresh;
    struct caller caller, again;
    struct api_key_row *keys;
    struct error err;
    size_t count;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 0);
    CHECK_OK(flow_key_create(&world.flow, &ada, "ci", "{\"api\":{\"misc\":{}}}", &old, &err), &err);
    CHECK(authenticate(&world, old.api_key, &caller));
    CHECK_OK(flow_key_reset(&world.flow, &caller, &fresh, &err), &err);
    CHECK_INT(fresh.outcome, KEY_DONE);
    CHECK(!authenticate(&world, old.api_key, &again));
    CHECK(authenticate(&world, fresh.api_key, &again));
    CHECK_INT(again.scopes, SCOPE_MISC);
    CHECK_OK(flow_key_list(&world.flow, &ada, &world.arena, &keys, &count, &err), &err);
    CHECK_INT((int64_t)count, 2);
    CHECK_TEXT(keys[0].name, "main");
    CHECK_TEXT(keys[1].name, "ci");
    /* A key that is gone already cannot be reset. */
    CHECK_OK(flow_key_reset(&world.flow, &caller, &fresh, &err), &err);
    CHECK_INT(fresh.outcome, KEY_NOT_FOUND);
    CHECK_TEXT(fresh.api_key, "");
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_account_has_its_credit_and_a_key_that_may_do_all),
        cmocka_unit_test(test_an_email_has_one_account_in_whatever_case),
        cmocka_unit_test(test_emails_and_credits_that_are_none_are_refused),
        cmocka_unit_test(test_a_key_can_do_no_more_than_the_one_that_made_it),
        cmocka_unit_test(test_an_account_has_so_many_keys_and_no_more),
        cmocka_unit_test(test_a_revoked_key_is_no_key_and_only_its_owner_revokes_it),
        cmocka_unit_test(test_a_reset_key_is_another_with_the_same_rights),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
