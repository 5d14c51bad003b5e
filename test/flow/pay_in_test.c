/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/pay_in.h"

#include "support_pay.h"

static struct deposit_row buy(struct pay_world *pay, struct caller who, int64_t cents,
                              enum pay_in_outcome want)
{
    struct deposit_row deposit = { .id = 0 };
    enum pay_in_outcome outcome;
    struct error err;

    CHECK_OK(flow_pay_in(&pay->world.flow, &who, (struct money){ cents * 10000000 },
                         &pay->world.arena, &deposit, &outcome, &err),
             &err);
    CHECK_INT(outcome, want);
    return deposit;
}

static struct deposit_row show(struct pay_world *pay, struct caller who, int64_t id,
                               enum pay_in_outcome want)
{
    struct deposit_row deposit = { .id = 0 };
    enum pay_in_outcome outcome;
    struct error err;

    CHECK_OK(
        flow_pay_in_show(&pay->world.flow, &who, id, &pay->world.arena, &deposit, &outcome, &err),
        &err);
    CHECK_INT(outcome, want);
    return deposit;
}

static void test_amounts_are_whole_cents_within_limits(void **state)
{
    struct pay_world pay;
    struct money odd = { PAY_CREDIT_MIN + 1 };
    struct deposit_row deposit;
    enum pay_in_outcome outcome;
    struct error err;

    pay_world_open(&pay, *state);
    struct caller ada = world_user(&pay.world, "ada@berth.test", 0);
    (void)buy(&pay, ada, 499, PAY_IN_BAD_AMOUNT);
    (void)buy(&pay, ada, 1000001, PAY_IN_BAD_AMOUNT);
    CHECK_OK(flow_pay_in(&pay.world.flow, &ada, odd, &pay.world.arena, &deposit, &outcome, &err),
             &err);
    CHECK_INT(outcome, PAY_IN_BAD_AMOUNT);
    CHECK_INT(world_number(&pay.world, "SELECT count(*) FROM deposit WHERE provider = 'stripe'"),
              0);
    (void)buy(&pay, ada, 500, PAY_IN_DONE);
    (void)buy(&pay, ada, 1000000, PAY_IN_DONE);
    pay.world.flow.pay = NULL;
    (void)buy(&pay, ada, 500, PAY_IN_OFF);
    pay_world_close(&pay);
}

/* The name at the provider first, then the page, then the money: each said twice. */
static void test_a_payment_is_one_journal_however_often_it_is_told(void **state)
{
    struct pay_world pay;

    pay_world_open(&pay, *state);
    struct caller ada = world_user(&pay.world, "ada@berth.test", 0);
    struct caller bo = world_user(&pay.world, "bo@berth.test", 0);
    struct deposit_row made = buy(&pay, ada, 2500, PAY_IN_DONE);
    CHECK_INT(buy(&pay, ada, 2500, PAY_IN_DONE).id, made.id);
    CHECK_INT(world_number(&pay.world, "SELECT count(*) FROM outbox WHERE provider = 'stripe'"), 1);
    char customer_key[64], page_key[64];
    (void)snprintf(customer_key, sizeof customer_key, "stripe:customer:%lld:1",
                   (long long)ada.user_id);
    (void)snprintf(page_key, sizeof page_key, "stripe:page:%lld:1", (long long)made.id);
    struct stripe_object customer = pay_object(&pay, STRIPE_CUSTOMER, "cus_1", STRIPE_DONE);
    struct stripe_object page = pay_object(&pay, STRIPE_PAGE_OBJECT, "cs_1", STRIPE_WAITS);
    page.url = "https://pay.test/cs_1";
    for (int i = 0; i < 2; i++) {
        CHECK_INT(pay_answer(&pay, customer_key, &customer), PAY_DONE);
        CHECK_INT(pay_answer(&pay, page_key, &page), PAY_DONE);
    }
    CHECK_INT(pay_answer(&pay, page_key, &customer), PAY_STRANGE);
    CHECK_INT(world_number(&pay.world, "SELECT count(*) FROM outbox WHERE provider = 'stripe'"), 2);
    CHECK_TEXT(show(&pay, ada, made.id, PAY_IN_DONE).url, page.url);
    (void)show(&pay, bo, made.id, PAY_IN_NONE);
    struct stripe_object intent = pay_intent(&pay, made.id, "pi_1", "txn_1", 2500);
    intent.is_expanded = false; /* the money has not come through yet */
    CHECK_INT(pay_take(&pay, &intent), PAY_LATER);
    CHECK_INT(world_credit(&pay.world, ada), 0);
    intent.is_expanded = true;
    for (int i = 0; i < 3; i++) {
        CHECK_INT(pay_take(&pay, &intent), PAY_DONE);
        CHECK_INT(world_credit(&pay.world, ada), INT64_C(25000000000));
    }
    CHECK_INT(show(&pay, ada, made.id, PAY_IN_DONE).state, DEPOSIT_ARRIVED);
    CHECK_INT(world_number(&pay.world, "SELECT count(*) FROM journal WHERE kind = 2"), 1);
    CHECK_INT(world_number(&pay.world, "SELECT sum(amount) FROM provider_txn"),
              INT64_C(23970000000));
    CHECK_INT(world_number(&pay.world, "SELECT count(*) FROM outbox WHERE provider = 'mail'"), 1);
    pay_world_close(&pay);
}

static void test_what_does_not_fit_moves_nothing(void **state)
{
    struct pay_world pay;

    pay_world_open(&pay, *state);
    struct caller ada = world_user(&pay.world, "ada@berth.test", 0);
    struct deposit_row made = buy(&pay, ada, 2500, PAY_IN_DONE);
    struct stripe_object right = pay_intent(&pay, made.id, "pi_1", "txn_1", 2500), wrong = right;
    struct hash before = world_dump(&pay.world);

    wrong.installation = "another";
    CHECK_INT(pay_take(&pay, &wrong), PAY_DONE); /* somebody else's: not ours to judge */
    wrong = right;
    wrong.ref = 0;
    CHECK_INT(pay_take(&pay, &wrong), PAY_DONE);
    wrong.ref = made.id + 100;
    CHECK_INT(pay_take(&pay, &wrong), PAY_STRANGE);
    wrong = right;
    wrong.cents = 2501;
    CHECK_INT(pay_take(&pay, &wrong), PAY_STRANGE);
    wrong = right;
    wrong.txns[0].cents = 2499;
    CHECK_INT(pay_take(&pay, &wrong), PAY_STRANGE);
    wrong = right;
    wrong.txns[0].fee_cents = -1;
    CHECK_INT(pay_take(&pay, &wrong), PAY_STRANGE);
    wrong = right;
    wrong.status = STRIPE_UNKNOWN;
    CHECK_INT(pay_take(&pay, &wrong), PAY_STRANGE);
    wrong.status = STRIPE_ASKS;
    CHECK_INT(pay_take(&pay, &wrong), PAY_DONE);
    wrong.status = STRIPE_FAILED; /* on a page another card is tried */
    CHECK_INT(pay_take(&pay, &wrong), PAY_DONE);
    CHECK_UNCHANGED(&pay.world, before);
    CHECK_INT(pay_take(&pay, &right), PAY_DONE);
    wrong = pay_intent(&pay, made.id, "pi_2", "txn_2", 2500); /* paid twice? */
    CHECK_INT(pay_take(&pay, &wrong), PAY_STRANGE);
    CHECK_INT(world_credit(&pay.world, ada), INT64_C(25000000000));
    pay_world_close(&pay);
}

static void test_one_that_was_given_up_may_still_be_paid(void **state)
{
    struct pay_world pay;

    pay_world_open(&pay, *state);
    struct caller ada = world_user(&pay.world, "ada@berth.test", 0);
    struct deposit_row made = buy(&pay, ada, 2500, PAY_IN_DONE);
    struct stripe_object page = pay_object(&pay, STRIPE_PAGE_OBJECT, "cs_1", STRIPE_ENDED);
    page.ref = made.id;
    CHECK_INT(pay_take(&pay, &page), PAY_DONE);
    CHECK_INT(show(&pay, ada, made.id, PAY_IN_DONE).state, DEPOSIT_CANCELLED);
    CHECK(buy(&pay, ada, 2500, PAY_IN_DONE).id != made.id);
    struct stripe_object intent = pay_intent(&pay, made.id, "pi_1", "txn_1", 2500);
    CHECK_INT(pay_take(&pay, &intent), PAY_DONE);
    CHECK_INT(show(&pay, ada, made.id, PAY_IN_DONE).state, DEPOSIT_ARRIVED);
    CHECK_INT(pay_take(&pay, &page), PAY_DONE); /* and that is not taken back */
    CHECK_INT(show(&pay, ada, made.id, PAY_IN_DONE).state, DEPOSIT_ARRIVED);
    pay_world_close(&pay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_amounts_are_whole_cents_within_limits),
        cmocka_unit_test(test_a_payment_is_one_journal_however_often_it_is_told),
        cmocka_unit_test(test_what_does_not_fit_moves_nothing),
        cmocka_unit_test(test_one_that_was_given_up_may_still_be_paid),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
