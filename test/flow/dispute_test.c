/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/dispute.h"

#include <stdio.h>
#include <string.h>

#include "flow/review.h"
#include "support_pay.h"

enum { DUE_S = 7 * 24 * 3600 };

struct scene {
    struct pay_world pay;
    struct caller ada, op;
    struct stripe_object dispute;
    int64_t id;
};

/* A payment of $50 that has arrived, and is disputed: evidence is due in a week. */
static void scene_open(struct scene *scene, struct support *support)
{
    struct pay_world *pay = &scene->pay;
    struct deposit_row deposit = { .id = 0 };
    enum pay_in_outcome outcome;
    struct error err;

    pay_world_open(pay, support);
    scene->ada = world_user(&pay->world, "ada@berth.test", 0);
    scene->op = world_user(&pay->world, "op@berth.test", 0);
    support_script(support, "UPDATE users SET is_admin = 1, email_verified_us = 1 "
                            "WHERE email = 'op@berth.test';");
    CHECK_OK(flow_pay_in(&pay->world.flow, &scene->ada, (struct money){ 50 * 1000000000LL },
                         &pay->world.arena, &deposit, &outcome, &err),
             &err);
    struct stripe_object intent = pay_intent(pay, deposit.id, "pi_1", "txn_1", 5000);
    CHECK_INT(pay_take(pay, &intent), PAY_DONE);
    scene->dispute = pay_object(pay, STRIPE_DISPUTE, "dp_1", STRIPE_WAITS);
    scene->dispute.installation = "";
    scene->dispute.intent = "pi_1";
    scene->dispute.cents = 5000;
    scene->dispute.reason = "fraudulent";
    scene->dispute.txns[0] = (struct stripe_txn){ "txn_out", -5000, 1500 };
    scene->dispute.is_asked = true;
    scene->dispute.due_s = clock_now(&pay->world.clock).microseconds / US_PER_SECOND + DUE_S;
}

static void hear(struct scene *scene)
{
    CHECK_INT(pay_take(&scene->pay, &scene->dispute), PAY_DONE);
    scene->id = world_number(&scene->pay.world, "SELECT max(id) FROM dispute");
}

static struct dispute_view show(struct scene *scene)
{
    struct dispute_view view;
    struct error err;
    bool has;

    CHECK_OK(flow_dispute_show(&scene->pay.world.flow, scene->id, &scene->pay.world.arena, &view,
                               &has, &err),
             &err);
    CHECK(has);
    return view;
}

static enum dispute_outcome note(struct scene *scene, const char *text)
{
    enum dispute_outcome outcome;
    struct error err;

    CHECK_OK(flow_dispute_note(&scene->pay.world.flow, scene->id, text, &outcome, &err), &err);
    return outcome;
}

static enum dispute_outcome submit(struct scene *scene)
{
    enum dispute_outcome outcome;
    struct error err;

    CHECK_OK(
        flow_dispute_submit(&scene->pay.world.flow, scene->id, scene->op.user_id, &outcome, &err),
        &err);
    return outcome;
}

static int64_t mails(struct scene *scene, const char *template)
{
    char sql[200];

    (void)snprintf(sql, sizeof sql,
                   "SELECT count(*) FROM outbox WHERE provider = 'mail' AND "
                   "path = 'op@berth.test' AND body LIKE '%%\"%s\"%%'",
                   template);
    return world_number(&scene->pay.world, sql);
}

static int64_t calls(struct scene *scene)
{
    return world_number(&scene->pay.world,
                        "SELECT count(*) FROM outbox WHERE idem_key LIKE 'stripe:evidence:%'");
}

static void test_a_draft_is_made_once_when_a_dispute_arrives(void **state)
{
    struct scene scene;

    scene_open(&scene, *state);
    for (int i = 0; i < 3; i++)
        hear(&scene);
    struct dispute_view view = show(&scene);
    CHECK(view.has_answer && view.dispute.asks);
    CHECK_INT(view.dispute.due.microseconds, scene.dispute.due_s * US_PER_SECOND);
    CHECK_INT(view.answer.state, DISPUTE_ANSWER_DRAFT);
    CHECK_TEXT(view.answer.facts.email, "ada@berth.test");
    CHECK(strstr(view.answer.facts.record, "pi_1") != NULL);
    CHECK_INT(mails(&scene, "dispute_asks"), 1);
    CHECK_INT(calls(&scene), 0);
    pay_world_close(&scene.pay);
}

static void test_what_is_not_asked_for_has_no_draft(void **state)
{
    struct scene scene;

    scene_open(&scene, *state);
    scene.dispute.is_asked = false;
    hear(&scene);
    CHECK(!show(&scene).has_answer);
    CHECK_INT(note(&scene, "x"), DISPUTE_NOT_ASKED);
    CHECK_INT(submit(&scene), DISPUTE_NOT_ASKED);
    CHECK_INT(mails(&scene, "dispute_asks"), 0);
    scene.id += 100;
    CHECK_INT(submit(&scene), DISPUTE_NONE);
    scene.id -= 100;
    scene.dispute.is_asked = true;
    hear(&scene);
    CHECK(show(&scene).has_answer);
    pay_world_close(&scene.pay);
}

static void test_it_is_submitted_once(void **state)
{
    struct scene scene;
    char key[64];

    scene_open(&scene, *state);
    hear(&scene);
    CHECK_INT(note(&scene, "They wrote to us."), DISPUTE_DONE);
    CHECK_TEXT(show(&scene).answer.note, "They wrote to us.");
    CHECK_INT(submit(&scene), DISPUTE_DONE);
    for (int i = 0; i < 3; i++)
        CHECK_INT(submit(&scene), DISPUTE_BEFORE);
    CHECK_INT(note(&scene, "And more."), DISPUTE_BEFORE);
    CHECK_TEXT(show(&scene).answer.note, "They wrote to us.");
    CHECK_INT(calls(&scene), 1);
    CHECK_INT(world_number(&scene.pay.world,
                           "SELECT count(*) FROM outbox WHERE path = '/v1/disputes/dp_1' AND "
                           "body LIKE '%[uncategorized_text]=They%20wrote%20to%20us.%0A%0APayment"
                           "%' AND body LIKE '%&submit=true'"),
              1);
    CHECK_INT(show(&scene).answer.state, DISPUTE_ANSWER_SENT);
    CHECK_INT(show(&scene).answer.by_user, scene.op.user_id);
    (void)snprintf(key, sizeof key, "stripe:evidence:%lld:1", (long long)scene.id);
    scene.dispute.is_asked = false;
    scene.dispute.submissions = 1;
    for (int i = 0; i < 2; i++)
        CHECK_INT(pay_answer(&scene.pay, key, &scene.dispute), PAY_DONE);
    CHECK_INT(show(&scene).answer.state, DISPUTE_ANSWER_TAKEN);
    CHECK_INT(submit(&scene), DISPUTE_BEFORE);
    pay_world_close(&scene.pay);
}

static void test_a_refused_answer_is_a_draft_again(void **state)
{
    struct scene scene;
    char key[64];

    scene_open(&scene, *state);
    hear(&scene);
    CHECK_INT(submit(&scene), DISPUTE_DONE);
    (void)snprintf(key, sizeof key, "stripe:evidence:%lld:1", (long long)scene.id);
    support_script(*state, "UPDATE outbox SET state = 2 WHERE idem_key LIKE 'stripe:evidence:%';");
    for (int i = 0; i < 2; i++)
        pay_refuse(&scene.pay, key, "invalid_characters");
    CHECK_INT(show(&scene).answer.state, DISPUTE_ANSWER_REFUSED);
    CHECK_TEXT(show(&scene).answer.reason, "invalid_characters");
    CHECK_INT(mails(&scene, "dispute_refused"), 1);
    CHECK_INT(note(&scene, "Better."), DISPUTE_DONE);
    CHECK_INT(submit(&scene), DISPUTE_DONE);
    CHECK_INT(submit(&scene), DISPUTE_BEFORE);
    CHECK_INT(calls(&scene), 2);
    CHECK_INT(show(&scene).answer.tries, 2);
    pay_world_close(&scene.pay);
}

static void test_what_was_answered_elsewhere_is_answered(void **state)
{
    struct scene scene;

    scene_open(&scene, *state);
    hear(&scene);
    scene.dispute.submissions = 1;
    hear(&scene);
    CHECK_INT(show(&scene).answer.state, DISPUTE_ANSWER_TAKEN);
    CHECK_INT(show(&scene).answer.by_user, 0);
    CHECK_INT(submit(&scene), DISPUTE_BEFORE);
    CHECK_INT(calls(&scene), 0);
    pay_world_close(&scene.pay);
}

static void test_nothing_is_said_behind_its_day_or_the_decision(void **state)
{
    struct scene scene;

    scene_open(&scene, *state);
    hear(&scene);
    clock_advance(&scene.pay.world.clock, DUE_S * US_PER_SECOND - 1);
    CHECK_INT(note(&scene, "In time."), DISPUTE_DONE);
    clock_advance(&scene.pay.world.clock, 1);
    CHECK_INT(note(&scene, "Late."), DISPUTE_TOO_LATE);
    CHECK_INT(submit(&scene), DISPUTE_TOO_LATE);
    scene.dispute.status = STRIPE_FAILED;
    scene.dispute.is_asked = false;
    for (int i = 0; i < 2; i++)
        hear(&scene);
    CHECK_INT(submit(&scene), DISPUTE_DECIDED);
    CHECK_INT(mails(&scene, "dispute_ended"), 1);
    CHECK_INT(calls(&scene), 0);
    pay_world_close(&scene.pay);
}

static void test_notes_have_a_limit_and_a_provider(void **state)
{
    static char long_note[DISPUTE_NOTE_MAX + 2];
    struct scene scene;

    scene_open(&scene, *state);
    hear(&scene);
    memset(long_note, 'x', DISPUTE_NOTE_MAX + 1);
    CHECK_INT(note(&scene, long_note), DISPUTE_BAD_NOTE);
    long_note[DISPUTE_NOTE_MAX] = '\0';
    CHECK_INT(note(&scene, long_note), DISPUTE_DONE);
    scene.pay.settings.has_stripe = false;
    CHECK_INT(submit(&scene), DISPUTE_OFF);
    scene.pay.settings.has_stripe = true;
    CHECK_INT(submit(&scene), DISPUTE_DONE);
    pay_world_close(&scene.pay);
}

static int64_t remind(struct scene *scene)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_dispute_remind(&scene->pay.world.flow, &count, &err), &err);
    return mails(scene, "dispute_due");
}

/* Three days before, and one: once each, whoever asks how often. */
static void test_operators_are_reminded_before_it_is_due(void **state)
{
    struct scene scene;
    struct clock *clock = &scene.pay.world.clock;

    scene_open(&scene, *state);
    hear(&scene);
    CHECK_INT(remind(&scene), 0);
    clock_advance(clock, 4 * 24 * US_PER_HOUR - 1);
    CHECK_INT(remind(&scene), 0);
    clock_advance(clock, 1);
    for (int i = 0; i < 2; i++)
        CHECK_INT(remind(&scene), 1);
    CHECK_INT(show(&scene).answer.reminded, 1);
    clock_advance(clock, 2 * 24 * US_PER_HOUR);
    for (int i = 0; i < 2; i++)
        CHECK_INT(remind(&scene), 2);
    clock_advance(clock, 24 * US_PER_HOUR);
    CHECK_INT(remind(&scene), 2);
    pay_world_close(&scene.pay);
}

static void test_nobody_is_reminded_of_what_is_answered(void **state)
{
    struct scene scene;

    scene_open(&scene, *state);
    hear(&scene);
    CHECK_INT(submit(&scene), DISPUTE_DONE);
    clock_advance(&scene.pay.world.clock, 6 * 24 * US_PER_HOUR + 1);
    CHECK_INT(remind(&scene), 0);
    pay_world_close(&scene.pay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_draft_is_made_once_when_a_dispute_arrives),
        cmocka_unit_test(test_what_is_not_asked_for_has_no_draft),
        cmocka_unit_test(test_it_is_submitted_once),
        cmocka_unit_test(test_a_refused_answer_is_a_draft_again),
        cmocka_unit_test(test_what_was_answered_elsewhere_is_answered),
        cmocka_unit_test(test_nothing_is_said_behind_its_day_or_the_decision),
        cmocka_unit_test(test_notes_have_a_limit_and_a_provider),
        cmocka_unit_test(test_operators_are_reminded_before_it_is_due),
        cmocka_unit_test(test_nobody_is_reminded_of_what_is_answered),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
