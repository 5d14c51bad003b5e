/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/dispute_facts.h"

#include <stdio.h>
#include <string.h>

#include "flow/dispute.h"
#include "flow/post_usage.h"
#include "support_pay.h"

struct scene {
    struct pay_world pay;
    struct caller ada;
    struct dispute_row dispute;
    struct dispute_facts facts;
};

static void scene_open(struct scene *scene, struct support *support)
{
    struct pay_world *pay = &scene->pay;
    struct deposit_row deposit = { .id = 0 };
    enum pay_in_outcome outcome;
    struct error err;

    pay_world_open(pay, support);
    scene->ada = world_user(&pay->world, "ada@berth.test", 0);
    CHECK_OK(flow_pay_in(&pay->world.flow, &scene->ada, (struct money){ 50 * 1000000000LL },
                         &pay->world.arena, &deposit, &outcome, &err),
             &err);
    struct stripe_object intent = pay_intent(pay, deposit.id, "pi_1", "txn_1", 5000);
    CHECK_INT(pay_take(pay, &intent), PAY_DONE);
    scene->dispute =
        (struct dispute_row){ .id = 1, .user_id = scene->ada.user_id, .deposit_id = deposit.id };
}

static bool facts_work(struct db *db, void *context, struct error *err)
{
    struct scene *scene = context;
    const struct pay pay = { db, &scene->pay.world.flow, clock_now(&scene->pay.world.clock),
                             &scene->pay.world.arena };

    return dispute_facts(&pay, &scene->dispute, &scene->facts, err);
}

static const struct dispute_facts *facts(struct scene *scene)
{
    struct error err;

    CHECK_OK(store_read(scene->pay.world.flow.store, facts_work, scene, &err), &err);
    return &scene->facts;
}

static bool says(const char *text, const char *what)
{
    return strstr(text, what) != NULL;
}

static void called(struct scene *scene, int64_t after_s, const char *address, const char *route)
{
    char sql[300];

    (void)snprintf(
        sql, sizeof sql,
        "INSERT INTO audit_log (user_id, key_id, login_id, at_us, address, route, args) "
        "SELECT id, 1, 0, %lld, '%s', '%s', 'SECRET' FROM users "
        "WHERE email = 'ada@berth.test';",
        (long long)(clock_now(&scene->pay.world.clock).microseconds + after_s * US_PER_SECOND),
        address, route);
    support_script(scene->pay.world.support, sql);
}

static void test_the_payment_and_its_account_are_named(void **state)
{
    struct scene scene;

    scene_open(&scene, *state);
    support_script(*state, "UPDATE users SET fullname = 'Ada L', bill_line1 = '1 Way', "
                           "bill_city = 'Umea', bill_country = 'SE', bill_taxinfo = 'T9';");
    CHECK_TEXT(facts(&scene)->email, "ada@berth.test");
    CHECK_TEXT(scene.facts.name, "Ada L");
    CHECK_TEXT(scene.facts.billing, "1 Way, Umea, SE");
    CHECK(says(scene.facts.product, "$50 of prepaid credit") ||
          says(scene.facts.product, "$50.00 of prepaid credit"));
    CHECK(says(scene.facts.product, "https://market.test"));
    CHECK(says(scene.facts.record, "as pi_1 of stripe"));
    CHECK(says(scene.facts.record, "Receipt: REC-"));
    CHECK(says(scene.facts.record, "Nothing was rented with it yet."));
    CHECK(!says(scene.facts.record, "terms"));
    CHECK_TEXT(scene.facts.served, "");
    CHECK_TEXT(scene.facts.activity, "");
    CHECK_TEXT(scene.facts.address, "");
    pay_world_close(&scene.pay);
}

/* The last call before it was ordered, or that which ordered it; later ones say nothing of it. */
static void test_it_was_ordered_from_where_the_account_was_used(void **state)
{
    struct scene scene;

    scene_open(&scene, *state);
    called(&scene, -3600, "192.0.2.1", "api.session.create");
    called(&scene, -60, "192.0.2.2", "api.session.create");
    CHECK_TEXT(facts(&scene)->address, "192.0.2.2");
    called(&scene, 60, "192.0.2.3", "api.deposit.create");
    CHECK_TEXT(facts(&scene)->address, "192.0.2.3");
    called(&scene, 61, "192.0.2.4", "api.instance.create");
    CHECK_TEXT(facts(&scene)->address, "192.0.2.3");
    CHECK(says(scene.facts.activity, " UTC from 192.0.2.4: api.instance.create\n"));
    CHECK(!says(scene.facts.activity, "SECRET"));
    pay_world_close(&scene.pay);
}

static void test_which_terms_were_accepted_is_told(void **state)
{
    struct scene scene;

    scene_open(&scene, *state);
    support_script(*state, "UPDATE users SET terms = '2026-11', terms_us = 1795356000000000;");
    CHECK(says(facts(&scene)->record, "the market's terms, version 2026-11, on 2026-11-22 "
                                      "14:00:00 UTC, signing up.\n"));
    pay_world_close(&scene.pay);
}

/* First, and with what they came by; not again among the calls. */
static void test_logins_are_told_of(void **state)
{
    struct scene scene;
    char sql[200];

    scene_open(&scene, *state);
    called(&scene, 60, "192.0.2.2", "api.instance.create");
    called(&scene, 30, "192.0.2.1", "api.tfa.login");
    called(&scene, 10, "192.0.2.1", "api.session.create");
    (void)snprintf(sql, sizeof sql,
                   "UPDATE audit_log SET args = '{\"agent\":\"Firefox\"}', login_id = 3 "
                   "WHERE route = 'api.tfa.login';");
    support_script(*state, sql);
    const char *text = facts(&scene)->activity;
    const char *second = strstr(text, " UTC from 192.0.2.1: logged in with the password and a "
                                      "second factor, by Firefox\n");
    const char *first = strstr(text, " UTC from 192.0.2.1: logged in with the password\n");
    const char *call = strstr(text, " UTC from 192.0.2.2: api.instance.create\n");
    CHECK(first != NULL && second != NULL && call != NULL);
    CHECK(first < second && second < call); /* the one that was written last comes first */
    CHECK(!says(text, "api.session.create") && !says(text, "api.tfa.login"));
    CHECK(!says(text, "SECRET"));
    pay_world_close(&scene.pay);
}

/* More of them than are told of. */
static void test_of_many_logins_the_newest_are_told(void **state)
{
    struct scene scene;

    scene_open(&scene, *state);
    for (int i = 0; i < DISPUTE_LOGINS_MAX; i++)
        called(&scene, i, "192.0.2.1", "api.session.create");
    CHECK(says(facts(&scene)->activity, "(and earlier logins)\n"));
    support_script(*state, "DELETE FROM audit_log WHERE id = (SELECT MIN(id) FROM audit_log);");
    CHECK(!says(facts(&scene)->activity, "(and earlier logins)\n"));
    pay_world_close(&scene.pay);
}

static void test_what_was_rented_is_listed(void **state)
{
    struct scene scene;
    struct world *world = &scene.pay.world;
    struct world_machine machine;

    scene_open(&scene, *state);
    world_host(world, &machine, "m", 1);
    CHECK_INT(world_rent(world, scene.ada, world_offer(world, machine.id, 1)).outcome, RENTAL_MADE);
    int64_t id = world_number(world, "SELECT max(id) FROM contract");
    world_run(world, &machine, 600 * US_PER_SECOND);
    char line[64];
    (void)snprintf(line, sizeof line, "instance %lld on machine %lld, ", (long long)id,
                   (long long)machine.id);
    struct error err;
    size_t count;
    world_run(world, &machine, 3600 * US_PER_SECOND);
    CHECK_OK(flow_post_usage(&world->flow, &count, &err), &err);
    CHECK(says(facts(&scene)->record, line));
    CHECK(says(scene.facts.record, "Together: $"));
    CHECK_INT((int64_t)strlen(scene.facts.served), 10);
    pay_world_close(&scene.pay);
}

static void test_mails_are_named_and_not_told(void **state)
{
    struct scene scene;

    scene_open(&scene, *state);
    support_script(*state,
                   "INSERT INTO outbox (idem_key, provider, method, path, body, next_us, state, "
                   "first_sent_us) VALUES ('m1', 'mail', 'POST', 'ada@berth.test', "
                   "'{\"template\":\"low_credit\",\"left\":\"a day\"}', 0, 1, 1700000000000000);"
                   "INSERT INTO outbox (idem_key, provider, method, path, body, next_us, state, "
                   "first_sent_us) VALUES ('m2', 'mail', 'POST', 'ada@berth.test', 'no json', 0, "
                   "1, 1700000000000000);");
    CHECK(says(facts(&scene)->record, "2023-11-14 22:13:20 UTC: low_credit\n"));
    CHECK(!says(scene.facts.record, "a day"));
    pay_world_close(&scene.pay);
}

/* However much there is, it fits, in whole lines, and says that there is more. */
static void test_texts_have_a_limit(void **state)
{
    struct scene scene;
    char address[64];

    scene_open(&scene, *state);
    for (int i = 0; i < DISPUTE_CALLS_MAX + 5; i++) {
        (void)snprintf(address, sizeof address, "2001:db8:1111:2222:3333:4444:5555:%04x", i);
        called(&scene, -i, address, "api.a_route.with_a_name_that_is_as_long_as_any_of_them_is");
    }
    size_t length = strlen(facts(&scene)->activity);
    CHECK(length > DISPUTE_TEXT_MAX / 2 && length < STRIPE_EVIDENCE_MAX - DISPUTE_NOTE_MAX);
    CHECK(scene.facts.activity[length - 1] == '\n');
    CHECK(says(scene.facts.activity, "(There is more than fits here.)\n"));
    pay_world_close(&scene.pay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_payment_and_its_account_are_named),
        cmocka_unit_test(test_it_was_ordered_from_where_the_account_was_used),
        cmocka_unit_test(test_which_terms_were_accepted_is_told),
        cmocka_unit_test(test_logins_are_told_of),
        cmocka_unit_test(test_of_many_logins_the_newest_are_told),
        cmocka_unit_test(test_what_was_rented_is_listed),
        cmocka_unit_test(test_mails_are_named_and_not_told),
        cmocka_unit_test(test_texts_have_a_limit),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
