/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/close_account.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "flow/account.h"
#include "flow/admin.h"
#include "flow/bill.h"
#include "flow/credentials.h"
#include "flow/enroll.h"
#include "flow/instance_change.h"
#include "flow/login.h"
#include "flow/payout.h"
#include "flow/post_usage.h"
#include "flow/remove_machine.h"
#include "flow/transfer.h"
#include "flow/update_user.h"
#include "market/billing.h"
#include "support_teams.h"
#include "sys/crypto.h"
#include "sys/password.h"

#define PASSWORD "correct horse battery"
#define ADA      "ada@berth.test"

/* Somebody with a password and a session, who calls by it. */
static struct caller somebody(struct world *world, const char *email, int64_t dollars)
{
    const struct login_client client = { "192.0.2.1", "a test" };
    const struct credentials_change change = { NULL, PASSWORD, "192.0.2.1" };
    struct caller caller = world_user(world, email, dollars);
    enum credentials_outcome outcome;
    struct login_reply login;
    int64_t wait_us;
    struct error err;

    CHECK_OK(flow_credentials_change(&world->flow, &caller, &change, &outcome, &wait_us, &err),
             &err);
    CHECK_OK(flow_login(&world->flow, email, PASSWORD, &client, &login, &err), &err);
    CHECK_INT(login.outcome, LOGIN_DONE);
    caller.login_id = login.session_id;
    return caller;
}

static struct close_account_reply close_with(struct world *world, struct caller caller,
                                             const char *password, int64_t given_up)
{
    const struct close_account_request request = { .password = password,
                                                   .email = "Ada@Berth.test",
                                                   .address = "192.0.2.1",
                                                   .given_up = { given_up } };
    struct close_account_reply reply;
    struct error err;

    CHECK_OK(flow_close_account(&world->flow, &caller, &request, &reply, &err), &err);
    return reply;
}

static enum close_account_outcome outcome_of(struct world *world, struct caller caller,
                                             int64_t given_up)
{
    return close_with(world, caller, PASSWORD, given_up).outcome;
}

static void deposit(struct world *world, struct caller who, int64_t dollars)
{
    enum admin_outcome outcome;
    struct error err;

    CHECK_OK(flow_deposit(&world->flow, who.user_id,
                          (struct money){ dollars * NANODOLLARS_PER_DOLLAR }, "wire", &outcome,
                          &err),
             &err);
    CHECK_INT(outcome, ADMIN_DONE);
}

static enum login_outcome log_in(struct world *world, const char *email)
{
    const struct login_client client = { "192.0.2.1", "a test" };
    struct login_reply reply;
    struct error err;

    CHECK_OK(flow_login(&world->flow, email, PASSWORD, &client, &reply, &err), &err);
    return reply.outcome;
}

static void test_an_account_goes_and_its_email_comes_again(void **state)
{
    struct world world;

    world_open(&world, *state);
    struct caller ada = somebody(&world, ADA, 0);
    CHECK_INT(outcome_of(&world, ada, 0), CLOSE_ACCOUNT_DONE);
    CHECK_INT(log_in(&world, ADA), LOGIN_FAILED);
    CHECK_INT(log_in(&world, "deleted-1@deleted.invalid"), LOGIN_FAILED);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM login_session"), 0);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM api_key WHERE revoked_us IS NULL"), 0);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM users WHERE email LIKE '%ada%' OR "
                                   "username LIKE '%ada%' OR password <> ''"),
              0);
    CHECK_INT(world_number(&world,
                           "SELECT COUNT(*) FROM outbox WHERE body LIKE '%account_deleted%' "
                           "AND path = 'ada@berth.test'"),
              1);
    world_check(&world);
    struct caller again = somebody(&world, ADA, 0);
    CHECK(again.user_id != ada.user_id);
    CHECK_INT(log_in(&world, ADA), LOGIN_DONE);
    world_close(&world);
}

static void test_it_takes_a_session_the_password_and_the_email(void **state)
{
    struct world world;

    world_open(&world, *state);
    struct caller ada = somebody(&world, ADA, 0), bob = somebody(&world, "bob@berth.test", 0);
    struct caller key = ada, member = ada;
    key.login_id = 0;
    key.key_id = 1;
    member.actor_id = bob.user_id;
    CHECK_INT(outcome_of(&world, key, 0), CLOSE_ACCOUNT_NO_SESSION);
    CHECK_INT(outcome_of(&world, member, 0), CLOSE_ACCOUNT_TEAM);
    CHECK_INT(outcome_of(&world, bob, 0), CLOSE_ACCOUNT_OTHER_EMAIL);
    CHECK_INT(close_with(&world, ada, NULL, 0).outcome, CLOSE_ACCOUNT_WRONG);
    CHECK_INT(close_with(&world, ada, "not the password", 0).outcome, CLOSE_ACCOUNT_WRONG);
    CHECK_INT(log_in(&world, ADA), LOGIN_DONE);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM users WHERE closed_us <> 0"), 0);
    for (int i = 0; i < 10; i++)
        (void)close_with(&world, ada, "not the password", 0);
    CHECK_INT(outcome_of(&world, ada, 0), CLOSE_ACCOUNT_THROTTLED);
    world_close(&world);
}

static void test_what_goes_on_stands_against_it(void **state)
{
    struct world_machine machine;
    enum change_outcome ended;
    struct world world;
    struct error err;

    world_open(&world, *state);
    struct caller ada = somebody(&world, ADA, 0);
    deposit(&world, ada, 10);
    world_host(&world, &machine, "host", 1);
    int64_t instance = world_running(&world, &machine, ada, 1);
    struct close_account_reply reply = close_with(&world, ada, PASSWORD, INT64_MAX);
    CHECK_INT(reply.outcome, CLOSE_ACCOUNT_STANDS);
    CHECK_INT(reply.facts.amount[CLOSING_INSTANCES], 1);
    CHECK_INT(reply.facts.amount[CLOSING_VOLUMES], 0);
    CHECK_OK(flow_destroy(&world.flow, &ada, instance, &ended, &err), &err);
    world_run(&world, &machine, 60 * US_PER_SECOND);
    int64_t left = world_credit(&world, ada);
    CHECK(left > 0);
    CHECK_INT(outcome_of(&world, ada, 0), CLOSE_ACCOUNT_STANDS);
    CHECK_INT(outcome_of(&world, ada, left - 1), CLOSE_ACCOUNT_STANDS);
    CHECK_INT(outcome_of(&world, ada, left), CLOSE_ACCOUNT_DONE);
    CHECK_INT(world_credit(&world, ada), 0);
    world_check(&world);
    world_close(&world);
}

/* On its credit's side, by the journals: the house's own accounts keep no running sum. */
static int64_t balance_of(struct world *world, enum ledger_code code)
{
    return world_number_of(world,
                           "SELECT COALESCE(SUM(CASE WHEN c.code = $1 THEN t.amount ELSE 0 END - "
                           "CASE WHEN d.code = $1 THEN t.amount ELSE 0 END), 0) FROM transfer t "
                           "JOIN account c ON c.id = t.cr JOIN account d ON d.id = t.dr",
                           code);
}

/* Bought credit is given up to an account of its own; given credit was the house's, and lapses. */
static void test_each_kind_of_credit_goes_where_it_belongs(void **state)
{
    const struct money given = { 3 * NANODOLLARS_PER_DOLLAR };
    const int64_t bought = 10 * NANODOLLARS_PER_DOLLAR;
    enum admin_outcome outcome;
    struct world world;
    struct error err;

    world_open(&world, *state);
    struct caller ada = somebody(&world, ADA, 0);
    deposit(&world, ada, 10);
    CHECK_OK(flow_grant_credit(&world.flow, ada.user_id, given, "welcome", &outcome, &err), &err);
    CHECK_INT(outcome, ADMIN_DONE);
    CHECK_INT(world_credit(&world, ada), bought + given.nanodollars);
    CHECK_INT(outcome_of(&world, ada, bought - 1), CLOSE_ACCOUNT_STANDS);
    CHECK_INT(outcome_of(&world, ada, bought), CLOSE_ACCOUNT_DONE);
    CHECK_INT(balance_of(&world, LEDGER_RENTER_PREPAID), 0);
    CHECK_INT(balance_of(&world, LEDGER_RENTER_PROMO), 0);
    CHECK_INT(balance_of(&world, LEDGER_GIVEN_UP), bought);
    CHECK_INT(balance_of(&world, LEDGER_PROMO_EXPIRED), given.nanodollars);
    world_check(&world);
    world_close(&world);
}

static void test_a_host_has_a_machine_and_earnings(void **state)
{
    struct world_machine machine;
    struct closing_facts facts;
    struct world world;
    struct error err;
    size_t posted;

    world_open(&world, *state);
    struct caller bob = world_user(&world, "bob@berth.test", 0);
    deposit(&world, bob, 10);
    world_host(&world, &machine, "host", 1);
    (void)world_running(&world, &machine, bob, 1);
    world_run(&world, &machine, 3 * US_PER_HOUR);
    CHECK_OK(flow_post_usage(&world.flow, &posted, &err), &err);
    CHECK_OK(flow_close_account_look(&world.flow, &machine.host, &facts, &err), &err);
    CHECK_INT(facts.amount[CLOSING_MACHINES], 1);
    CHECK(facts.amount[CLOSING_ACCRUED] > 0);
    CHECK_INT(facts.amount[CLOSING_INSTANCES], 0);
    CHECK(!closing_may(&facts, (struct money){ INT64_MAX }));
    world_check(&world);
    world_close(&world);
}

static void pay(struct world *world, int64_t payout_id)
{
    const enum payout_state way[] = { PAYOUT_SUBMITTED, PAYOUT_PAID };

    for (size_t i = 0; i < sizeof way / sizeof way[0]; i++) {
        const struct payout_request request = { payout_id, way[i], "by hand", "" };
        enum payout_outcome outcome;
        enum payout_state now;
        struct error err;

        CHECK_OK(flow_payout_move(&world->flow, &request, &outcome, &now, &err), &err);
        CHECK_INT(outcome, PAYOUT_DONE);
    }
}

/* What is earned waits for its Friday, and what is paid out for its arrival; what is left after
 * that, a part of a cent, may be given up. */
static void test_a_host_may_give_up_what_was_invoiced(void **state)
{
    enum remove_machine_outcome removed;
    struct world_machine machine;
    enum change_outcome ended;
    struct world world;
    int64_t rentals;
    size_t count;
    struct error err;

    world_open(&world, *state);
    struct caller ada = somebody(&world, ADA, 0);
    struct caller bob = world_user(&world, "bob@berth.test", 0);
    deposit(&world, bob, 10);
    world_machine(&world, &machine, ada, "rack", 1);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    world_list(&world, &machine);
    int64_t instance = world_running(&world, &machine, bob, 1);
    world_run(&world, &machine, US_PER_HOUR);
    CHECK_OK(flow_destroy(&world.flow, &bob, instance, &ended, &err), &err);
    world_run(&world, &machine, 60 * US_PER_SECOND);
    CHECK_OK(flow_remove_machine(&world.flow, &ada, machine.id, &removed, &rentals, &err), &err);
    CHECK_INT(removed, REMOVE_DONE);
    struct close_account_reply reply = close_with(&world, ada, PASSWORD, INT64_MAX);
    CHECK_INT(reply.outcome, CLOSE_ACCOUNT_STANDS);
    CHECK(reply.facts.amount[CLOSING_ACCRUED] > 0);
    world_pass(&world, BILLING_WEEK_US);
    CHECK_OK(flow_bill_hosts(&world.flow, &count, &err), &err);
    reply = close_with(&world, ada, PASSWORD, INT64_MAX);
    CHECK_INT(reply.outcome, CLOSE_ACCOUNT_STANDS);
    CHECK_INT(reply.facts.amount[CLOSING_PAYOUTS], 1);
    CHECK_INT(reply.facts.amount[CLOSING_ACCRUED], 0);
    pay(&world, 1);
    int64_t earned = reply.facts.amount[CLOSING_EARNINGS]; /* what is less than a cent */
    CHECK(earned > 0);
    CHECK_INT(outcome_of(&world, ada, earned - 1), CLOSE_ACCOUNT_STANDS);
    CHECK_INT(outcome_of(&world, ada, earned), CLOSE_ACCOUNT_DONE);
    CHECK_INT(balance_of(&world, LEDGER_HOST_PAYABLE), 0);
    CHECK_INT(balance_of(&world, LEDGER_GIVEN_UP), earned);
    world_check(&world);
    world_close(&world);
}

/* Each by itself, as a statement that brings it about for account 1, and what takes it away. */
static void test_each_row_stands_against_it_alone(void **state)
{
    static const struct {
        enum closing_reason reason;
        const char *begin, *end;
    } rows[] = {
        { CLOSING_OPERATOR, "UPDATE users SET is_admin = 1 WHERE id = 1",
          "UPDATE users SET is_admin = 0 WHERE id = 1" },
        { CLOSING_DEPOSITS,
          "INSERT INTO deposit (user_id, provider, amount, created_us) VALUES (1, 'x', 5, 1)",
          "UPDATE deposit SET state = 3, settled_us = 2" },
        { CLOSING_REFUNDS,
          "INSERT INTO pay_refund (deposit_id, user_id, ticket, amount, state, created_us, "
          "state_us) VALUES (1, 1, 't', 5, 1, 1, 1)",
          "UPDATE pay_refund SET state = 2" },
        { CLOSING_DISPUTES,
          "INSERT INTO dispute (provider, object_id, deposit_id, user_id, amount, state, "
          "created_us, state_us) VALUES ('x', 'd', 1, 1, 5, 1, 1, 1)",
          "UPDATE dispute SET state = 2" },
        { CLOSING_PAYOUTS,
          "INSERT INTO payout (host_id, cut_us, amount, state, provider, created_us, state_us) "
          "VALUES (1, 1, 5, 3, 'manual', 1, 1)",
          "UPDATE payout SET state = 4" },
        { CLOSING_SUBACCOUNTS, "UPDATE users SET parent_id = 1 WHERE id = 2",
          "UPDATE users SET parent_id = 0 WHERE id = 2" },
        { CLOSING_TEAMS,
          "INSERT INTO team (id, name, owner_id, created_us) VALUES (2, 'crew', 1, 1)",
          "UPDATE team SET deleted_us = 2" },
    };
    struct world world;

    world_open(&world, *state);
    struct caller ada = somebody(&world, ADA, 0);
    (void)world_user(&world, "bob@berth.test", 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s", closing_code(rows[i].reason));
        support_script(world.support, rows[i].begin);
        struct close_account_reply reply = close_with(&world, ada, PASSWORD, INT64_MAX);
        CHECK_INT(reply.outcome, CLOSE_ACCOUNT_STANDS);
        for (int other = 0; other < CLOSING_REASON_COUNT; other++)
            CHECK_INT(reply.facts.amount[other], other == (int)rows[i].reason);
        support_script(world.support, rows[i].end);
    }
    CHECK_INT(outcome_of(&world, ada, 0), CLOSE_ACCOUNT_DONE);
    world_close(&world);
}

struct racer {
    struct world *world;
    struct caller from;
    const char *to;
    enum transfer_outcome sent;
    bool is_answered;
};

static void *send_one(void *context)
{
    struct racer *racer = context;
    const struct money dollar = { NANODOLLARS_PER_DOLLAR };
    struct error err;

    racer->is_answered =
        flow_transfer(&racer->world->flow, &racer->from, racer->to, dollar, &racer->sent, &err);
    return NULL;
}

/* Either it came in time and stands against it, or there is nobody to send it to. */
static void test_credit_that_is_sent_meanwhile_is_never_lost(void **state)
{
    enum { ROUNDS = 12 };
    struct world world;

    world_open(&world, *state);
    struct caller bob = world_user(&world, "bob@berth.test", 0);
    deposit(&world, bob, ROUNDS + 1);
    struct caller ada = somebody(&world, ADA, 0);
    for (int i = 0; i < ROUNDS; i++) {
        char number[32];
        pthread_t thread;

        (void)snprintf(number, sizeof number, "%lld", (long long)ada.user_id);
        struct racer racer = { .world = &world, .from = bob, .to = number };
        CHECK_INT(pthread_create(&thread, NULL, send_one, &racer), 0);
        enum close_account_outcome outcome = outcome_of(&world, ada, 0);
        CHECK_INT(pthread_join(thread, NULL), 0);
        bool is_sent = racer.is_answered && racer.sent == TRANSFER_DONE;
        check_row("round %d: sent %d, closed %d", i, is_sent, outcome == CLOSE_ACCOUNT_DONE);
        CHECK_INT(outcome, is_sent ? CLOSE_ACCOUNT_STANDS : CLOSE_ACCOUNT_DONE);
        CHECK_INT(world_credit(&world, ada), is_sent ? NANODOLLARS_PER_DOLLAR : 0);
        if (is_sent)
            CHECK_INT(outcome_of(&world, ada, NANODOLLARS_PER_DOLLAR), CLOSE_ACCOUNT_DONE);
        ada = somebody(&world, ADA, 0);
    }
    world_check(&world);
    world_close(&world);
}

static void test_teams_stand_against_their_owner_and_not_their_members(void **state)
{
    struct teams scene;
    struct closing_facts facts;
    struct error err;

    teams_open(&scene, state);
    CHECK_OK(flow_close_account_look(&scene.world.flow, &scene.ada, &facts, &err), &err);
    CHECK_INT(facts.amount[CLOSING_TEAMS], 1);
    CHECK_OK(flow_close_account_look(&scene.world.flow, &scene.bob, &facts, &err), &err);
    CHECK_INT(facts.amount[CLOSING_TEAMS], 0);
    teams_close(&scene);
}

/* Calls that were let in before, and write after. */
static void test_what_was_under_way_finds_no_account(void **state)
{
    struct update_user_request names = { .username = "ada", .fullname = "Ada L." };
    struct enroll_token_reply token;
    enum update_user_outcome updated;
    enum transfer_outcome moved;
    struct world_machine machine;
    struct rental_reply rented;
    struct key_reply key;
    struct world world;
    struct error err;

    world_open(&world, *state);
    struct caller ada = somebody(&world, ADA, 0);
    struct caller bob = world_user(&world, "bob@berth.test", 10);
    world_host(&world, &machine, "host", 1);
    int64_t offer = world_offer(&world, machine.id, 1);
    CHECK_INT(outcome_of(&world, ada, 0), CLOSE_ACCOUNT_DONE);
    struct hash before = world_dump(&world);
    const struct rental_request request = {
        .offer_id = offer, .spec = { .image = "ubuntu:24.04", .runtype = "ssh", .disk_gb = 10 }
    };
    CHECK_FAILS(flow_rent(&world.flow, &ada, &request, &rented, &err), &err, ERROR_NOT_FOUND);
    CHECK_FAILS(flow_update_user(&world.flow, &ada, &names, &updated, &err), &err, ERROR_NOT_FOUND);
    CHECK_FAILS(flow_enroll_token(&world.flow, &ada, 0, &token, &err), &err, ERROR_NOT_FOUND);
    CHECK_FAILS(flow_key_create(&world.flow, &ada, "more", NULL, &key, &err), &err,
                ERROR_NOT_FOUND);
    char number[32];
    (void)snprintf(number, sizeof number, "%lld", (long long)ada.user_id);
    CHECK_OK(flow_transfer(&world.flow, &bob, number, (struct money){ 1 }, &moved, &err), &err);
    CHECK_INT(moved, TRANSFER_NOBODY);
    CHECK_UNCHANGED(&world, before);
    /* Twice is no more than once: its password is nobody's. */
    const struct close_account_request again = { .password = PASSWORD, .email = ADA };
    struct close_account_reply reply;
    CHECK_FAILS(flow_close_account(&world.flow, &ada, &again, &reply, &err), &err, ERROR_NOT_FOUND);
    CHECK_UNCHANGED(&world, before);
    enum admin_outcome given;
    CHECK_OK(flow_deposit(&world.flow, ada.user_id, (struct money){ 1 }, "late", &given, &err),
             &err);
    CHECK_INT(given, ADMIN_NOT_FOUND);
    world_close(&world);
}

static bool is_known(struct world *world, const char *token)
{
    struct hash hash = crypto_sha256(token, strlen(token));
    struct caller caller;
    struct error err;
    bool is_known;

    CHECK_OK(flow_authenticate(&world->flow, &hash, &caller, &is_known, &err), &err);
    return is_known;
}

static bool revive(struct db *db, void *context, struct error *err)
{
    (void)context;
    return db_exec(db, "UPDATE api_key SET revoked_us = NULL", DB_NO_ARGS, err);
}

/* Nor does a key that stands all the same: one that was made in the very moment. */
static void test_no_key_of_it_opens_anything(void **state)
{
    struct key_reply key;
    struct world world;
    struct error err;

    world_open(&world, *state);
    struct caller ada = somebody(&world, ADA, 0);
    CHECK_OK(flow_key_create(&world.flow, &ada, "more", NULL, &key, &err), &err);
    CHECK(is_known(&world, key.api_key));
    CHECK_INT(outcome_of(&world, ada, 0), CLOSE_ACCOUNT_DONE);
    CHECK(!is_known(&world, key.api_key));
    CHECK_OK(store_write(world.flow.store, revive, NULL, &err), &err);
    CHECK(!is_known(&world, key.api_key));
    world_close(&world);
}

static void test_all_of_it_or_nothing(void **state)
{
    struct close_account_reply reply;
    struct world world;
    struct error err;
    int failures = 0;

    world_open(&world, *state);
    struct caller ada = somebody(&world, ADA, 0);
    deposit(&world, ada, 3);
    const struct close_account_request request = {
        .password = PASSWORD, .email = ADA, .address = "192.0.2.1", .given_up = { INT64_MAX }
    };
    for (int statements = 0; statements < 200; statements++) {
        world_fail_after(&world, statements);
        bool is_done = flow_close_account(&world.flow, &ada, &request, &reply, &err);
        world_fail_none(&world);
        if (is_done && reply.outcome == CLOSE_ACCOUNT_DONE)
            break;
        failures++;
        CHECK_INT(world_credit(&world, ada), 3 * NANODOLLARS_PER_DOLLAR);
        CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM login_session"), 1);
        CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM users WHERE closed_us <> 0"), 0);
        /* Guesses that were counted and not given back. */
        world_pass(&world, US_PER_HOUR);
    }
    CHECK(failures > 20);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM users WHERE closed_us <> 0"), 1);
    world_check(&world);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_account_goes_and_its_email_comes_again),
        cmocka_unit_test(test_it_takes_a_session_the_password_and_the_email),
        cmocka_unit_test(test_what_goes_on_stands_against_it),
        cmocka_unit_test(test_each_kind_of_credit_goes_where_it_belongs),
        cmocka_unit_test(test_a_host_has_a_machine_and_earnings),
        cmocka_unit_test(test_a_host_may_give_up_what_was_invoiced),
        cmocka_unit_test(test_each_row_stands_against_it_alone),
        cmocka_unit_test(test_credit_that_is_sent_meanwhile_is_never_lost),
        cmocka_unit_test(test_teams_stand_against_their_owner_and_not_their_members),
        cmocka_unit_test(test_what_was_under_way_finds_no_account),
        cmocka_unit_test(test_no_key_of_it_opens_anything),
        cmocka_unit_test(test_all_of_it_or_nothing),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
