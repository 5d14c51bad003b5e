/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/pay_paypal.h"

#include <string.h>

#include "flow/bill.h"
#include "market/billing.h"
#include "support_pay.h"

#define HOUR_US (3600 * US_PER_SECOND)
#define DAY_US  (24 * HOUR_US)

/* The first Friday after WORLD_START. */
#define CUT ((struct instant){ INT64_C(1795737600000000) })

#define OWED "SELECT COALESCE(sum(cr_posted - dr_posted), 0) FROM account WHERE code = 2120"

enum { HOSTS = 2, FEE_CENTS = 2 };

/* Two hosts outside of the US whose three hours were invoiced. */
struct scene {
    struct pay_world pay;
    struct world_machine machines[HOSTS];
    int64_t payouts[HOSTS];
    int64_t batch;
    int64_t rest; /* of less than a cent, that waits for the next week */
};

static int64_t number(struct scene *scene, const char *sql)
{
    return world_number(&scene->pay.world, sql);
}

static void become_ready(struct scene *scene, const struct caller *host, const char *receiver)
{
    enum pay_out_outcome outcome;
    struct error err;

    CHECK_OK(flow_pay_out_set(&scene->pay.world.flow, host,
                              &(struct pay_out_where){ "DE", receiver }, &outcome, &err),
             &err);
    CHECK_INT(outcome, PAY_OUT_DONE);
}

static size_t gather(struct scene *scene)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_paypal_gather(&scene->pay.world.flow, &count, &err), &err);
    return count;
}

static void open_scene(struct scene *scene, void **state)
{
    struct world *world = &scene->pay.world;
    struct error err;
    size_t count;

    pay_world_open(&scene->pay, *state);
    scene->pay.settings.has_paypal = true;
    world->flow.payout_min = (struct money){ NANODOLLARS_PER_DOLLAR / 2 };
    world_pass(world, instant_until(WORLD_START, CUT) - 3 * HOSTS * HOUR_US);
    struct caller ada = world_user(world, "ada@berth.test", 1000);
    for (int i = 0; i < HOSTS; i++) {
        world_host(world, &scene->machines[i], i == 0 ? "a" : "b", 1);
        (void)world_running(world, &scene->machines[i], ada, 1);
        become_ready(scene, &scene->machines[i].host, i == 0 ? "a@pay.test" : "b@pay.test");
        world_run(world, &scene->machines[i], 3 * HOUR_US);
    }
    world_run(world, &scene->machines[HOSTS - 1], 700 * US_PER_SECOND);
    CHECK_OK(flow_bill_hosts(&world->flow, &count, &err), &err);
    CHECK_INT(number(scene, "SELECT count(*) FROM payout WHERE provider = 'paypal'"), HOSTS);
    scene->payouts[0] = number(scene, "SELECT min(id) FROM payout");
    scene->payouts[1] = number(scene, "SELECT max(id) FROM payout");
    scene->batch = 1;
    scene->rest = number(scene, OWED);
}

static void close_scene(struct scene *scene)
{
    CHECK_INT(number(scene, "SELECT COALESCE(sum(p.amount), 0) FROM provider_txn p"),
              number(scene, "SELECT COALESCE((SELECT sum(t.amount) FROM transfer t JOIN account a "
                            "ON a.id = t.dr WHERE a.code = 1120), 0) - "
                            "COALESCE((SELECT sum(t.amount) FROM transfer t JOIN account a "
                            "ON a.id = t.cr WHERE a.code = 1120), 0)"));
    pay_world_close(&scene->pay);
}

static int64_t state_of(struct scene *scene, int i)
{
    return world_number_of(&scene->pay.world, "SELECT state FROM payout WHERE id = $1",
                           scene->payouts[i]);
}

static int64_t cents_of(struct scene *scene, int i)
{
    return world_number_of(&scene->pay.world, "SELECT amount FROM payout WHERE id = $1",
                           scene->payouts[i]) /
           BILLING_CENT;
}

static struct outbox_item call_of(struct scene *scene)
{
    return (struct outbox_item){ .key = arena_printf(&scene->pay.world.arena, "paypal:batch:%lld:1",
                                                     (long long)scene->batch),
                                 .provider = "paypal",
                                 .account = "" };
}

static void take(struct scene *scene)
{
    const struct outbox_item item = call_of(scene);
    struct error err;

    CHECK_OK(flow_paypal_taken(&scene->pay.world.flow, &item, "B1", &err), &err);
}

/* Sent from its Friday's morning on, and taken; twice is once. */
static void send_all(struct scene *scene)
{
    CHECK_INT((int64_t)gather(scene), 0);
    world_pass(&scene->pay.world, PAY_OUT_SUBMIT_US);
    CHECK_INT((int64_t)gather(scene), HOSTS);
    CHECK_INT((int64_t)gather(scene), 0);
    CHECK_INT(number(scene, "SELECT count(*) FROM outbox WHERE path = '/v1/payments/payouts'"), 1);
    take(scene);
    take(scene);
    CHECK_INT(state_of(scene, 0), PAYOUT_SUBMITTED);
    CHECK_INT(state_of(scene, 1), PAYOUT_SUBMITTED);
}

static struct paypal_item_seen item_of(struct scene *scene, int i, enum paypal_item_status status)
{
    return (struct paypal_item_seen){ .id = i == 0 ? "I0" : "I1",
                                      .txn = i == 0 ? "T0" : "T1",
                                      .payout_id = scene->payouts[i],
                                      .cents = cents_of(scene, i),
                                      .fee_cents = FEE_CENTS,
                                      .status = status,
                                      .status_text = "STATUS",
                                      .reason = "" };
}

static size_t tell(struct scene *scene, const struct paypal_item_seen *item)
{
    size_t strange = 0;
    struct error err;

    CHECK_OK(flow_paypal_items(&scene->pay.world.flow, scene->batch, item, 1, &strange, &err),
             &err);
    return strange;
}

/* What is said again changes nothing. */
static void tell_twice(struct scene *scene, int i, enum paypal_item_status status)
{
    const struct paypal_item_seen item = item_of(scene, i, status);

    CHECK_INT((int64_t)tell(scene, &item), 0);
    struct hash before = world_dump(&scene->pay.world);
    CHECK_INT((int64_t)tell(scene, &item), 0);
    CHECK_UNCHANGED(&scene->pay.world, before);
}

static int64_t owed(struct scene *scene)
{
    return (number(scene, OWED) - scene->rest) / BILLING_CENT;
}

static int64_t mails(struct scene *scene, const char *kind)
{
    return world_number(&scene->pay.world,
                        strcmp(kind, "paid") == 0
                            ? "SELECT count(*) FROM outbox WHERE body LIKE '%payout_paid%'"
                            : "SELECT count(*) FROM outbox WHERE body LIKE '%payout_failed%'");
}

static void test_a_batch_pays_each_by_itself(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    send_all(&scene);
    tell_twice(&scene, 0, PAYPAL_ITEM_WAITS);
    CHECK_INT(state_of(&scene, 0), PAYOUT_IN_TRANSIT);
    tell_twice(&scene, 0, PAYPAL_ITEM_PAID);
    CHECK_INT(state_of(&scene, 0), PAYOUT_PAID);
    CHECK_INT(state_of(&scene, 1), PAYOUT_SUBMITTED);
    CHECK_INT(number(&scene, "SELECT amount FROM provider_txn") / BILLING_CENT,
              -cents_of(&scene, 0) - FEE_CENTS);
    tell_twice(&scene, 1, PAYPAL_ITEM_FAILED);
    CHECK_INT(state_of(&scene, 1), PAYOUT_FAILED);
    CHECK_INT(owed(&scene), cents_of(&scene, 1));
    CHECK_INT(mails(&scene, "paid"), 1);
    CHECK_INT(mails(&scene, "failed"), 1);
    close_scene(&scene);
}

static void test_what_nobody_claims_comes_back(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    send_all(&scene);
    tell_twice(&scene, 0, PAYPAL_ITEM_WAITS);
    tell_twice(&scene, 0, PAYPAL_ITEM_UNCLAIMED);
    CHECK_INT(state_of(&scene, 0), PAYOUT_IN_TRANSIT);
    CHECK_INT(mails(&scene, "failed"), 1);
    tell_twice(&scene, 1, PAYPAL_ITEM_UNCLAIMED);
    tell_twice(&scene, 1, PAYPAL_ITEM_PAID); /* somebody did */
    tell_twice(&scene, 0, PAYPAL_ITEM_RETURNED);
    CHECK_INT(state_of(&scene, 0), PAYOUT_RETURNED);
    CHECK_INT(state_of(&scene, 1), PAYOUT_PAID);
    CHECK_INT(owed(&scene), cents_of(&scene, 0));
    CHECK_INT(number(&scene, "SELECT count(*) FROM provider_txn"), 1);
    close_scene(&scene);
}

static void test_what_was_paid_may_be_taken_back(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    send_all(&scene);
    tell_twice(&scene, 0, PAYPAL_ITEM_PAID);
    tell_twice(&scene, 0, PAYPAL_ITEM_REVERSED);
    tell_twice(&scene, 1, PAYPAL_ITEM_REVERSED); /* nobody had looked meanwhile */
    CHECK_INT(state_of(&scene, 0), PAYOUT_RETURNED);
    CHECK_INT(state_of(&scene, 1), PAYOUT_RETURNED);
    CHECK_INT(owed(&scene), cents_of(&scene, 0) + cents_of(&scene, 1));
    CHECK_INT(number(&scene, "SELECT count(*) FROM provider_txn"), 4);
    /* The fees are gone. */
    CHECK_INT(number(&scene, "SELECT sum(amount) FROM provider_txn") / BILLING_CENT,
              -2 * FEE_CENTS);
    close_scene(&scene);
}

static void test_what_does_not_fit_moves_nothing(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    send_all(&scene);
    tell_twice(&scene, 0, PAYPAL_ITEM_PAID);
    tell_twice(&scene, 1, PAYPAL_ITEM_FAILED);
    struct hash before = world_dump(&scene.pay.world);
    struct paypal_item_seen rows[6];
    for (size_t i = 0; i < 6; i++)
        rows[i] = item_of(&scene, i == 5, i == 4 ? PAYPAL_ITEM_UNKNOWN : PAYPAL_ITEM_PAID);
    rows[0].cents++;
    rows[1].id = "I9"; /* a second payment for one payout */
    rows[2].payout_id = 4711;
    rows[3].payout_id = 0;
    /* rows[4]: a status that is not known; rows[5]: paid, after it had failed. */
    for (size_t i = 0; i < 6; i++) {
        check_row("%zu", i);
        CHECK_INT((int64_t)tell(&scene, &rows[i]), 1);
        CHECK_UNCHANGED(&scene.pay.world, before);
    }
    scene.batch = 99;
    rows[0].cents--;
    CHECK_INT((int64_t)tell(&scene, &rows[0]), 1);
    CHECK_UNCHANGED(&scene.pay.world, before);
    close_scene(&scene);
}

static void refuse(struct scene *scene, const char *name, size_t bad_count)
{
    const struct outbox_item item = call_of(scene);
    const struct paypal_failure failure = {
        .name = name, .batch = "", .bad = { 1 }, .bad_count = bad_count
    };
    struct error err;

    for (int i = 0; i < 2; i++)
        CHECK_OK(flow_paypal_refused(&scene->pay.world.flow, &item, &failure, &err), &err);
}

/* Where our balance is short they wait; who is at fault comes to nothing, and the others go again.
 */
static void test_a_batch_that_is_refused_goes_again_without_whom_it_was_for(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    world_pass(&scene.pay.world, PAY_OUT_SUBMIT_US);
    CHECK_INT((int64_t)gather(&scene), HOSTS);
    refuse(&scene, "INSUFFICIENT_FUNDS", 0);
    CHECK_INT((int64_t)gather(&scene), 0);
    world_pass(&scene.pay.world, PAY_OUT_SHORT_US);
    CHECK_INT((int64_t)gather(&scene), HOSTS);
    scene.batch = 2;
    refuse(&scene, "VALIDATION_ERROR", 1);
    CHECK_INT(state_of(&scene, 0), PAYOUT_CREATED);
    CHECK_INT(state_of(&scene, 1), PAYOUT_FAILED);
    world_pass(&scene.pay.world, PAY_OUT_SHORT_US);
    CHECK_INT((int64_t)gather(&scene), 1);
    scene.batch = 3;
    take(&scene);
    tell_twice(&scene, 0, PAYPAL_ITEM_PAID);
    CHECK_INT(state_of(&scene, 0), PAYOUT_PAID);
    CHECK_INT(number(&scene, "SELECT count(*) FROM payout_batch"), 3);
    close_scene(&scene);
}

static void test_a_batch_that_is_refused_whole_comes_to_nothing(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    world_pass(&scene.pay.world, PAY_OUT_SUBMIT_US);
    CHECK_INT((int64_t)gather(&scene), HOSTS);
    refuse(&scene, "SENDER_RESTRICTED", 0);
    CHECK_INT(state_of(&scene, 0), PAYOUT_FAILED);
    CHECK_INT(state_of(&scene, 1), PAYOUT_FAILED);
    CHECK_INT(owed(&scene), cents_of(&scene, 0) + cents_of(&scene, 1));
    take(&scene); /* too late */
    CHECK_INT(state_of(&scene, 0), PAYOUT_FAILED);
    close_scene(&scene);
}

static void look(struct scene *scene, enum paypal_batch_status status)
{
    const struct paypal_batch_seen seen = {
        .id = "B1", .sender_id = "", .status = status, .pages = 1, .reason = ""
    };
    struct error err;

    CHECK_OK(flow_paypal_looked(&scene->pay.world.flow, scene->batch, &seen, &err), &err);
}

static size_t due(struct scene *scene)
{
    struct payout_batch_row *rows;
    struct error err;
    size_t count;

    CHECK_OK(
        flow_paypal_due(&scene->pay.world.flow, 10, &scene->pay.world.arena, &rows, &count, &err),
        &err);
    return count;
}

static void test_a_batch_is_looked_at_less_and_less_often_and_then_no_more(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    send_all(&scene);
    CHECK_INT((int64_t)due(&scene), 0);
    for (int i = 0; i < 4; i++) {
        world_pass(&scene.pay.world, (PAY_PAYPAL_LOOK_US << (i > 0 ? i - 1 : 0)) - 1);
        CHECK_INT((int64_t)due(&scene), 0);
        world_pass(&scene.pay.world, 1);
        CHECK_INT((int64_t)due(&scene), 1);
        look(&scene, PAYPAL_BATCH_DONE);
    }
    struct error err;
    CHECK_OK(flow_paypal_look_now(&scene.pay.world.flow, "B1", &err), &err);
    CHECK_INT((int64_t)due(&scene), 1);
    CHECK_OK(flow_paypal_look_now(&scene.pay.world.flow, "B9", &err), &err);
    tell_twice(&scene, 0, PAYPAL_ITEM_PAID);
    look(&scene, PAYPAL_BATCH_DENIED); /* a lie: of whom is known what became of them */
    CHECK_INT(state_of(&scene, 0), PAYOUT_PAID);
    CHECK_INT(state_of(&scene, 1), PAYOUT_FAILED);
    CHECK_INT((int64_t)due(&scene), 0);
    close_scene(&scene);
}

static void test_only_events_about_our_batches_are_kept(void **state)
{
    struct psp_event_row event = { "paypal", "WH-1", "X", "B9", "", "{}", 0 };
    struct scene scene;
    struct error err;
    bool is_new;

    open_scene(&scene, state);
    send_all(&scene);
    CHECK_OK(flow_paypal_event(&scene.pay.world.flow, &event, &is_new, &err), &err);
    CHECK(!is_new);
    event.object_id = "B1";
    CHECK_OK(flow_paypal_event(&scene.pay.world.flow, &event, &is_new, &err), &err);
    CHECK(is_new);
    CHECK_OK(flow_paypal_event(&scene.pay.world.flow, &event, &is_new, &err), &err);
    CHECK(!is_new);
    CHECK_INT(number(&scene, "SELECT count(*) FROM psp_event"), 1);
    close_scene(&scene);
}

static void test_who_is_paid_is_an_address_of_mail(void **state)
{
    struct pay_out_where where = { "DE", "no address" };
    enum pay_out_outcome outcome;
    struct pay_out_view view;
    struct scene scene;
    struct error err;

    open_scene(&scene, state);
    struct flow *flow = &scene.pay.world.flow;
    struct caller hal = scene.machines[0].host;
    struct hash before = world_dump(&scene.pay.world);
    CHECK_OK(flow_pay_out_set(flow, &hal, &where, &outcome, &err), &err);
    CHECK_INT(outcome, PAY_OUT_BAD_RECEIVER);
    where.receiver = "a@pay.test";
    CHECK_OK(flow_pay_out_set(flow, &hal, &where, &outcome, &err), &err);
    CHECK_INT(outcome, PAY_OUT_DONE);
    CHECK_UNCHANGED(&scene.pay.world, before);
    where.receiver = "b@pay.test"; /* another host has that one, too */
    CHECK_OK(flow_pay_out_set(flow, &hal, &where, &outcome, &err), &err);
    CHECK_OK(flow_pay_out_show(flow, &hal, &scene.pay.world.arena, &view, &err), &err);
    CHECK_TEXT(view.method.account, "b@pay.test");
    where.country = "US";
    CHECK_OK(flow_pay_out_set(flow, &hal, &where, &outcome, &err), &err);
    CHECK_OK(flow_pay_out_show(flow, &hal, &scene.pay.world.arena, &view, &err), &err);
    CHECK_TEXT(view.method.provider, "stripe");
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_batch_pays_each_by_itself),
        cmocka_unit_test(test_what_nobody_claims_comes_back),
        cmocka_unit_test(test_what_was_paid_may_be_taken_back),
        cmocka_unit_test(test_what_does_not_fit_moves_nothing),
        cmocka_unit_test(test_a_batch_that_is_refused_goes_again_without_whom_it_was_for),
        cmocka_unit_test(test_a_batch_that_is_refused_whole_comes_to_nothing),
        cmocka_unit_test(test_a_batch_is_looked_at_less_and_less_often_and_then_no_more),
        cmocka_unit_test(test_only_events_about_our_batches_are_kept),
        cmocka_unit_test(test_who_is_paid_is_an_address_of_mail),
    };

    return SUPPORT_RUN(tests);
}
