/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/autopay.h"

#include "market/billing.h"
#include "store/deposit.h"
#include "store/ledger.h"
#include "support_pay.h"

/* A renter with a card, who owes so many cents. */
struct scene {
    struct pay_world pay;
    struct caller ada;
};

static int64_t number(struct scene *scene, const char *sql)
{
    return world_number(&scene->pay.world, sql);
}

static void leave_card(struct scene *scene, const char *id)
{
    struct stripe_object card = pay_object(&scene->pay, STRIPE_CARD, id, STRIPE_UNKNOWN);
    struct error err;

    card.brand = "visa";
    card.last4 = "4242";
    card.fingerprint = id;
    CHECK_OK(flow_pay_cards(&scene->pay.world.flow, "cus_ada", &card, 1, &err), &err);
}

struct owe {
    int64_t user_id, cents;
    struct instant now;
};

static bool owe_work(struct db *db, void *context, struct error *err)
{
    const struct owe *owe = context;
    char key[JOURNAL_KEY_SIZE];
    const struct leg leg = { { LEDGER_RENTER_RECEIVABLE, owe->user_id, 0 },
                             { .code = LEDGER_BANK },
                             { owe->cents * BILLING_CENT },
                             LEG_TRANSFER };
    const struct journal_moves moves = {
        key, JOURNAL_ADJUSTMENT, JOURNAL_REF_USER, owe->user_id, owe->now, &leg, 1
    };
    struct journal journal;
    enum ledger_outcome outcome;

    (void)snprintf(key, sizeof key, "adj:owe %lld", (long long)owe->now.microseconds);
    return journal_moves(&moves, &journal) == JOURNAL_BUILT &&
           ledger_post(db, &journal, owe->now, &outcome, err);
}

static void open_scene(struct scene *scene, void **state, int64_t cents)
{
    char key[64];

    pay_world_open(&scene->pay, *state);
    scene->pay.settings.test_credit.nanodollars = 0;
    scene->ada = world_user(&scene->pay.world, "ada@berth.test", 0);
    struct stripe_object customer =
        pay_object(&scene->pay, STRIPE_CUSTOMER, "cus_ada", STRIPE_DONE);
    (void)snprintf(key, sizeof key, "stripe:customer:%lld:1", (long long)scene->ada.user_id);
    CHECK_INT(pay_answer(&scene->pay, key, &customer), PAY_DONE);
    leave_card(scene, "pm_1");
    struct owe owe = { scene->ada.user_id, cents, clock_now(&scene->pay.world.clock) };
    if (cents > 0)
        support_write(scene->pay.world.support, owe_work, &owe);
}

static void run(struct scene *scene)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_autopay(&scene->pay.world.flow, &count, &err), &err);
}

/* How many charges there have been, and the newest. */
static int64_t charges(struct scene *scene, int64_t *ret_id)
{
    *ret_id = number(scene, "SELECT COALESCE(max(id), 0) FROM deposit WHERE is_automatic = 1");
    return number(scene, "SELECT count(*) FROM outbox WHERE idem_key LIKE 'stripe:charge:%'");
}

static void decline(struct scene *scene, int64_t id, const char *reason)
{
    const char *key = arena_printf(&scene->pay.world.arena, "stripe:charge:%lld:1", (long long)id);

    for (int i = 0; i < 2; i++)
        pay_refuse(&scene->pay, key, reason);
    CHECK_INT(world_number_of(&scene->pay.world, "SELECT state FROM deposit WHERE id = $1", id),
              DEPOSIT_FAILED);
}

static void test_a_debt_is_collected_once(void **state)
{
    struct scene scene;
    int64_t id;

    open_scene(&scene, state, 1234);
    run(&scene);
    run(&scene);
    CHECK_INT(charges(&scene, &id), 1);
    world_pass(&scene.pay.world, BILLING_DAY_US);
    run(&scene); /* one is open still */
    CHECK_INT(charges(&scene, &id), 1);
    CHECK_INT(number(&scene, "SELECT amount FROM deposit WHERE is_automatic = 1"),
              1234 * BILLING_CENT);
    struct stripe_object intent = pay_intent(&scene.pay, id, "pi_1", "txn_1", 1234);
    for (int i = 0; i < 2; i++)
        CHECK_INT(pay_take(&scene.pay, &intent), PAY_DONE);
    CHECK_INT(world_credit(&scene.pay.world, scene.ada), 0);
    world_pass(&scene.pay.world, BILLING_DAY_US);
    run(&scene);
    CHECK_INT(charges(&scene, &id), 1);
    pay_world_close(&scene.pay);
}

static void test_a_decline_is_tried_on_a_ladder_and_then_no_more(void **state)
{
    static const int64_t days[] = { 1, 3, 5, 7 };
    struct scene scene;
    int64_t id;

    open_scene(&scene, state, 1234);
    for (int64_t i = 0; i < 5; i++) {
        run(&scene);
        CHECK_INT(charges(&scene, &id), i + 1);
        decline(&scene, id, "insufficient_funds");
        if (i == 4)
            break;
        world_pass(&scene.pay.world, days[i] * BILLING_DAY_US - US_PER_SECOND);
        run(&scene);
        CHECK_INT(charges(&scene, &id), i + 1);
        world_pass(&scene.pay.world, US_PER_SECOND);
    }
    world_pass(&scene.pay.world, 60 * BILLING_DAY_US);
    run(&scene);
    CHECK_INT(charges(&scene, &id), 5);
    CHECK_INT(number(&scene, "SELECT count(*) FROM outbox WHERE body LIKE '%payment_failed%'"), 5);
    leave_card(&scene, "pm_2"); /* another card is another try, of that card */
    run(&scene);
    CHECK_INT(charges(&scene, &id), 6);
    CHECK_INT(number(&scene, "SELECT count(*) FROM outbox WHERE body LIKE '%payment_method=pm_2%'"),
              1);
    pay_world_close(&scene.pay);
}

static void test_what_will_never_work_is_not_tried_again(void **state)
{
    static const char *const final[] = { "stolen_card", "expired_card", "authentication_required" };

    for (size_t i = 0; i < 1; i++) {
        struct scene scene;
        int64_t id;

        open_scene(&scene, state, 1234);
        for (size_t k = 0; k < sizeof final / sizeof final[0]; k++) {
            run(&scene);
            CHECK_INT(charges(&scene, &id), (int64_t)k + 1);
            decline(&scene, id, final[k]);
            world_pass(&scene.pay.world, 30 * BILLING_DAY_US);
            run(&scene);
            CHECK_INT(charges(&scene, &id), (int64_t)k + 1);
            leave_card(&scene, final[k]);
        }
        pay_world_close(&scene.pay);
    }
}

static void ask_for_owner(void **state, int64_t cents, const char *sql)
{
    struct scene scene;
    int64_t id;

    open_scene(&scene, state, cents);
    world_pass(&scene.pay.world, BILLING_DAY_US);
    run(&scene);
    CHECK_INT(charges(&scene, &id), 1);
    decline(&scene, id, "authentication_required");
    CHECK_INT(number(&scene, sql), 1);
    CHECK_INT(number(&scene, "SELECT count(*) FROM outbox WHERE body LIKE '%payment_failed%'"), 0);
    pay_world_close(&scene.pay);
}

/* They are sent to where they can be there, with what they owe. */
static void test_whose_bank_asks_for_them_is_told_where(void **state)
{
    ask_for_owner(state, 1234,
                  "SELECT count(*) FROM outbox WHERE body LIKE "
                  "'%\"payment_asks\",%\"amount\":\"12.34\"%\"detail\":\"12.34\"%'");
}

/* Or with the least that can be paid. */
static void test_who_owes_less_than_can_be_paid_is_asked_for_that(void **state)
{
    ask_for_owner(state, 499,
                  "SELECT count(*) FROM outbox WHERE body LIKE "
                  "'%\"payment_asks\",%\"amount\":\"4.99\"%\"detail\":\"5%'");
}

static void set(struct scene *scene, int64_t threshold, int64_t topup, bool want)
{
    struct error err;
    bool is_good;

    CHECK_OK(flow_autopay_set(&scene->pay.world.flow, &scene->ada,
                              (struct money){ threshold * BILLING_CENT },
                              (struct money){ topup * BILLING_CENT }, &is_good, &err),
             &err);
    CHECK(is_good == want);
}

static void test_top_ups_are_asked_for(void **state)
{
    struct scene scene;
    struct autopay_row row;
    struct error err;
    int64_t id;

    open_scene(&scene, state, 0);
    run(&scene);
    CHECK_INT(charges(&scene, &id), 0);
    set(&scene, 500, 499, false);
    set(&scene, 1000001, 2500, false);
    set(&scene, -1, 2500, false);
    set(&scene, 500, 2500, true);
    run(&scene);
    CHECK_INT(charges(&scene, &id), 1);
    struct stripe_object intent = pay_intent(&scene.pay, id, "pi_1", "txn_1", 2500);
    CHECK_INT(pay_take(&scene.pay, &intent), PAY_DONE);
    CHECK_INT(world_credit(&scene.pay.world, scene.ada), 2500 * BILLING_CENT);
    world_pass(&scene.pay.world, BILLING_DAY_US);
    run(&scene);
    CHECK_INT(charges(&scene, &id), 1);
    set(&scene, 3000, 2500, true);
    run(&scene);
    CHECK_INT(charges(&scene, &id), 2);
    decline(&scene, id, "insufficient_funds");
    set(&scene, 0, 0, true);
    world_pass(&scene.pay.world, 9 * BILLING_DAY_US);
    run(&scene);
    CHECK_INT(charges(&scene, &id), 2);
    CHECK_OK(flow_autopay_show(&scene.pay.world.flow, &scene.ada, &row, &err), &err);
    CHECK(row.topup.nanodollars == 0 && row.tries == 0);
    pay_world_close(&scene.pay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_debt_is_collected_once),
        cmocka_unit_test(test_a_decline_is_tried_on_a_ladder_and_then_no_more),
        cmocka_unit_test(test_what_will_never_work_is_not_tried_again),
        cmocka_unit_test(test_whose_bank_asks_for_them_is_told_where),
        cmocka_unit_test(test_who_owes_less_than_can_be_paid_is_asked_for_that),
        cmocka_unit_test(test_top_ups_are_asked_for),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
