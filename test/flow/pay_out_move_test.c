/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/pay_out_move.h"

#include "flow/bill.h"
#include "flow/payout.h"
#include "market/billing.h"
#include "support_pay.h"

#define HOUR_US (3600 * US_PER_SECOND)

/* The first Friday after WORLD_START. */
#define CUT ((struct instant){ INT64_C(1795737600000000) })

/* A host in the US whose three hours before the cut were invoiced: 81 cents. */
struct scene {
    struct pay_world pay;
    struct world_machine machine;
    struct caller host;
    int64_t payout_id;
};

static void bill(struct scene *scene)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_bill_hosts(&scene->pay.world.flow, &count, &err), &err);
}

static void become_ready(struct scene *scene, bool is_ready)
{
    struct stripe_object account =
        pay_object(&scene->pay, STRIPE_ACCOUNT, "acct_1", STRIPE_UNKNOWN);
    enum pay_out_outcome outcome;
    struct error err;

    CHECK_OK(flow_pay_out_set(&scene->pay.world.flow, &scene->host,
                              &(struct pay_out_where){ "US", NULL }, &outcome, &err),
             &err);
    account.ref = scene->host.user_id;
    account.is_ready = is_ready;
    CHECK_INT(pay_take(&scene->pay, &account), PAY_DONE);
}

static void open_scene(struct scene *scene, void **state, bool is_ready)
{
    struct world *world = &scene->pay.world;

    pay_world_open(&scene->pay, *state);
    world->flow.payout_min = (struct money){ NANODOLLARS_PER_DOLLAR / 2 };
    world_pass(world, instant_until(WORLD_START, CUT) - 3 * HOUR_US);
    struct caller ada = world_user(world, "ada@berth.test", 1000);
    world_host(world, &scene->machine, "a", 1);
    scene->host = scene->machine.host;
    (void)world_running(world, &scene->machine, ada, 1);
    become_ready(scene, is_ready);
    world_run(world, &scene->machine, instant_until(clock_now(&world->clock), CUT));
    world_run(world, &scene->machine, 700 * US_PER_SECOND);
    bill(scene);
    scene->payout_id = world_number(world, "SELECT COALESCE(max(id), 0) FROM payout");
}

static int64_t number(struct scene *scene, const char *sql)
{
    return world_number(&scene->pay.world, sql);
}

static int64_t state_of(struct scene *scene)
{
    return number(scene, "SELECT state FROM payout");
}

/* What is left on an account, as an asset. */
static int64_t cents_on(struct scene *scene, int64_t code)
{
    return world_number_of(&scene->pay.world,
                           "SELECT COALESCE((SELECT sum(t.amount) FROM transfer t JOIN account a "
                           "ON a.id = t.dr WHERE a.code = $1), 0) - COALESCE((SELECT sum(t.amount) "
                           "FROM transfer t JOIN account a ON a.id = t.cr WHERE a.code = $1), 0)",
                           code) /
           BILLING_CENT;
}

static const char *key_of(struct scene *scene, const char *purpose, int64_t group)
{
    return arena_printf(&scene->pay.world.arena, "stripe:%s:%lld:%lld", purpose,
                        (long long)scene->payout_id, (long long)group);
}

static int64_t cents_of(struct scene *scene)
{
    return number(scene, "SELECT amount FROM payout") / BILLING_CENT;
}

static void transferred(struct scene *scene)
{
    struct stripe_object transfer =
        pay_object(&scene->pay, STRIPE_TRANSFER, "tr_1", STRIPE_UNKNOWN);

    transfer.ref = scene->payout_id;
    transfer.cents = cents_of(scene);
    transfer.txns[0] = (struct stripe_txn){ "txn_tr", -transfer.cents, 0 };
    for (int i = 0; i < 2; i++)
        CHECK_INT(pay_answer(&scene->pay, key_of(scene, "transfer", 1), &transfer), PAY_DONE);
    CHECK_INT(pay_take(&scene->pay, &transfer), PAY_DONE);
    CHECK_INT(state_of(scene), PAYOUT_SUBMITTED);
}

static struct stripe_object payout_of(struct scene *scene, const char *id,
                                      enum stripe_status status)
{
    struct stripe_object payout = pay_object(&scene->pay, STRIPE_PAYOUT, id, status);

    payout.installation = "";
    payout.cents = cents_of(scene);
    payout.reason = status == STRIPE_FAILED ? "account_closed" : "";
    return payout;
}

/* The call for a try is answered, and what comes of it told twice. */
static void pay_out(struct scene *scene, int64_t try, const char *id, enum stripe_status status)
{
    struct stripe_object made = payout_of(scene, id, STRIPE_WAITS);
    struct stripe_object told = payout_of(scene, id, status);

    scene->pay.account = "acct_1";
    for (int i = 0; i < 2; i++) {
        const struct outbox_item item = { .key = key_of(scene, "payout", try),
                                          .provider = "stripe",
                                          .account = "acct_1" };
        enum pay_effect effect;
        struct error err;

        CHECK_OK(flow_pay_answer(&scene->pay.world.flow, &item, &made, &effect, &err), &err);
        CHECK_INT(effect, PAY_DONE);
    }
    for (int i = 0; i < 2; i++)
        CHECK_INT(pay_take(&scene->pay, &told), PAY_DONE);
    scene->pay.account = "";
}

static void test_a_payout_is_moved_then_sent_and_paid_when_it_is_said(void **state)
{
    struct scene scene;
    struct error err;
    bool is_known;

    open_scene(&scene, state, true);
    CHECK(scene.payout_id > 0);
    CHECK_INT(state_of(&scene), PAYOUT_CREATED);
    CHECK_INT(number(&scene, "SELECT next_us FROM outbox WHERE path = '/v1/transfers'"),
              instant_add(CUT, PAY_OUT_SUBMIT_US).microseconds);
    int64_t cents = cents_of(&scene);
    CHECK_INT(cents_on(&scene, LEDGER_PAYOUT_TRANSIT), -cents);
    transferred(&scene);
    CHECK_INT(cents_on(&scene, LEDGER_STRIPE_CONNECTED), cents);
    CHECK_INT(cents_on(&scene, LEDGER_STRIPE), -cents);
    CHECK_INT(number(&scene, "SELECT count(*) FROM outbox WHERE path = '/v1/payouts' AND "
                             "account = 'acct_1'"),
              1);
    CHECK_OK(flow_pay_out_is_known(&scene.pay.world.flow, "acct_1", "po_1", &is_known, &err), &err);
    CHECK(!is_known);
    pay_out(&scene, 1, "po_1", STRIPE_DONE);
    CHECK_OK(flow_pay_out_is_known(&scene.pay.world.flow, "acct_1", "po_1", &is_known, &err), &err);
    CHECK(is_known);
    CHECK_INT(state_of(&scene), PAYOUT_PAID);
    CHECK_INT(cents_on(&scene, LEDGER_STRIPE_CONNECTED), 0);
    CHECK_INT(cents_on(&scene, LEDGER_PAYOUT_TRANSIT), 0);
    bill(&scene);
    CHECK_INT(number(&scene, "SELECT count(*) FROM payout"), 1);
    pay_world_close(&scene.pay);
}

static void test_who_is_not_ready_waits_for_a_week_in_which_they_are(void **state)
{
    struct scene scene;

    open_scene(&scene, state, false);
    CHECK_INT(scene.payout_id, 0);
    CHECK_INT(number(&scene, "SELECT count(*) FROM host_invoice"), 1);
    CHECK_INT(number(&scene, "SELECT count(*) FROM outbox WHERE path = '/v1/transfers'"), 0);
    become_ready(&scene, true);
    world_pass(&scene.pay.world, 7 * 24 * HOUR_US);
    CHECK_INT(world_beat(&scene.pay.world, &scene.machine), TAKE_DONE);
    world_run(&scene.pay.world, &scene.machine, 700 * US_PER_SECOND);
    bill(&scene);
    CHECK_INT(number(&scene, "SELECT count(*) FROM payout"), 1);
    pay_world_close(&scene.pay);
}

static void test_a_bank_that_refuses_is_asked_for_two_weeks(void **state)
{
    struct scene scene;
    struct stripe_object reversal;
    int64_t try = 1;

    open_scene(&scene, state, true);
    int64_t cents = cents_of(&scene);
    transferred(&scene);
    for (;
         number(&scene, "SELECT count(*) FROM outbox WHERE idem_key LIKE 'stripe:reversal:%'") == 0;
         try++) {
        const char *id = arena_printf(&scene.pay.world.arena, "po_%lld", (long long)try);

        CHECK(try < 20);
        pay_out(&scene, try, id, STRIPE_FAILED);
        CHECK_INT(state_of(&scene), PAYOUT_IN_TRANSIT);
        CHECK_INT(cents_on(&scene, LEDGER_STRIPE_CONNECTED), cents);
        world_pass(&scene.pay.world, PAY_OUT_RETRY_US);
    }
    CHECK_INT(try, 16); /* each day of fourteen, and the day that ends them */
    reversal = pay_object(&scene.pay, STRIPE_REVERSAL, "trr_1", STRIPE_UNKNOWN);
    reversal.cents = cents;
    reversal.txns[0] = (struct stripe_txn){ "txn_trr", cents, 0 };
    for (int i = 0; i < 2; i++)
        CHECK_INT(pay_answer(&scene.pay, key_of(&scene, "reversal", 1), &reversal), PAY_DONE);
    CHECK_INT(state_of(&scene), PAYOUT_FAILED);
    CHECK_INT(cents_on(&scene, LEDGER_STRIPE_CONNECTED), 0);
    CHECK_INT(cents_on(&scene, LEDGER_STRIPE), 0);
    CHECK_INT(cents_on(&scene, LEDGER_PAYOUT_TRANSIT), 0);
    CHECK_INT(-cents_on(&scene, LEDGER_HOST_PAYABLE), cents);
    /* One mail, not one a day. */
    CHECK_INT(number(&scene, "SELECT count(*) FROM outbox WHERE body LIKE '%payout_failed%'"), 1);
    pay_world_close(&scene.pay);
}

static void test_what_came_back_after_it_was_paid_is_owed_again(void **state)
{
    struct scene scene;
    struct stripe_object reversal;

    open_scene(&scene, state, true);
    int64_t cents = cents_of(&scene);
    transferred(&scene);
    pay_out(&scene, 1, "po_1", STRIPE_DONE);
    struct stripe_object failed = payout_of(&scene, "po_1", STRIPE_FAILED);
    scene.pay.account = "acct_1";
    for (int i = 0; i < 2; i++)
        CHECK_INT(pay_take(&scene.pay, &failed), PAY_DONE);
    CHECK_INT(state_of(&scene), PAYOUT_RETURNED);
    CHECK_INT(cents_on(&scene, LEDGER_STRIPE_CONNECTED), cents);
    reversal = pay_object(&scene.pay, STRIPE_REVERSAL, "trr_1", STRIPE_UNKNOWN);
    reversal.cents = cents;
    reversal.txns[0] = (struct stripe_txn){ "txn_trr", cents, 0 };
    CHECK_INT(pay_answer(&scene.pay, key_of(&scene, "reversal", 1), &reversal), PAY_DONE);
    CHECK_INT(cents_on(&scene, LEDGER_STRIPE_CONNECTED), 0);
    CHECK_INT(-cents_on(&scene, LEDGER_HOST_PAYABLE), cents);
    pay_world_close(&scene.pay);
}

static void test_a_balance_that_is_short_waits_and_other_refusals_fail(void **state)
{
    struct scene scene;
    enum payout_outcome outcome;
    enum payout_state now;
    struct error err;

    open_scene(&scene, state, true);
    const struct payout_request by_hand = { scene.payout_id, PAYOUT_PAID, "", "" };
    CHECK_OK(flow_payout_move(&scene.pay.world.flow, &by_hand, &outcome, &now, &err), &err);
    CHECK_INT(outcome, PAYOUT_NO_WAY);
    pay_refuse(&scene.pay, key_of(&scene, "transfer", 1), "balance_insufficient");
    CHECK_INT(state_of(&scene), PAYOUT_CREATED);
    CHECK_INT(number(&scene, "SELECT count(*) FROM outbox WHERE path = '/v1/transfers'"), 2);
    pay_refuse(&scene.pay, key_of(&scene, "transfer", 2), "account_invalid");
    CHECK_INT(state_of(&scene), PAYOUT_FAILED);
    CHECK_INT(cents_on(&scene, LEDGER_PAYOUT_TRANSIT), 0);
    pay_refuse(&scene.pay, key_of(&scene, "transfer", 2), "account_invalid");
    pay_world_close(&scene.pay);
}

/* The refusal of a try that is over says nothing about the next one. */
static void test_a_refusal_counts_for_its_own_try(void **state)
{
    struct scene scene;

    open_scene(&scene, state, true);
    transferred(&scene);
    for (int i = 0; i < 3; i++) {
        pay_refuse(&scene.pay, key_of(&scene, "payout", 1), "balance_insufficient");
        CHECK_INT(number(&scene, "SELECT count(*) FROM outbox WHERE path = '/v1/payouts'"), 2);
        CHECK_INT(number(&scene, "SELECT tries FROM payout_route"), 2);
    }
    pay_refuse(&scene.pay, key_of(&scene, "payout", 2), "balance_insufficient");
    CHECK_INT(number(&scene, "SELECT count(*) FROM outbox WHERE path = '/v1/payouts'"), 3);
    pay_world_close(&scene.pay);
}

static void test_what_does_not_fit_moves_nothing(void **state)
{
    struct scene scene;

    open_scene(&scene, state, true);
    struct stripe_object transfer = pay_object(&scene.pay, STRIPE_TRANSFER, "tr_1", STRIPE_UNKNOWN);
    transfer.ref = scene.payout_id;
    transfer.cents = cents_of(&scene) + 1;
    transfer.txns[0] = (struct stripe_txn){ "txn_tr", -transfer.cents, 0 };
    struct hash before = world_dump(&scene.pay.world);
    CHECK_INT(pay_take(&scene.pay, &transfer), PAY_STRANGE);
    transfer.cents--;
    CHECK_INT(pay_take(&scene.pay, &transfer), PAY_STRANGE); /* the entry says otherwise */
    transfer.ref += 99;
    CHECK_INT(pay_take(&scene.pay, &transfer), PAY_STRANGE);
    struct stripe_object payout = payout_of(&scene, "po_x", STRIPE_DONE);
    CHECK_INT(pay_take(&scene.pay, &payout), PAY_DONE); /* the house's own, or nobody's */
    CHECK_UNCHANGED(&scene.pay.world, before);
    pay_world_close(&scene.pay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_payout_is_moved_then_sent_and_paid_when_it_is_said),
        cmocka_unit_test(test_who_is_not_ready_waits_for_a_week_in_which_they_are),
        cmocka_unit_test(test_a_bank_that_refuses_is_asked_for_two_weeks),
        cmocka_unit_test(test_what_came_back_after_it_was_paid_is_owed_again),
        cmocka_unit_test(test_a_balance_that_is_short_waits_and_other_refusals_fail),
        cmocka_unit_test(test_a_refusal_counts_for_its_own_try),
        cmocka_unit_test(test_what_does_not_fit_moves_nothing),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
