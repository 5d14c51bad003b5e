/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/pay_back.h"

#include "flow/review.h"
#include "support_pay.h"

/* One that has arrived, of so many cents; its payment and entry are named after it. */
static int64_t paid(struct pay_world *pay, struct caller who, int64_t cents, const char *intent,
                    const char *txn)
{
    struct deposit_row deposit = { .id = 0 };
    enum pay_in_outcome outcome;
    struct error err;

    CHECK_OK(flow_pay_in(&pay->world.flow, &who, (struct money){ cents * 10000000 },
                         &pay->world.arena, &deposit, &outcome, &err),
             &err);
    struct stripe_object object = pay_intent(pay, deposit.id, intent, txn, cents);
    CHECK_INT(pay_take(pay, &object), PAY_DONE);
    return deposit.id;
}

static enum pay_back_outcome back(struct pay_world *pay, int64_t deposit_id, int64_t cents,
                                  const char *ticket)
{
    const struct pay_back_request request = { deposit_id, { cents * 10000000 }, ticket, 0 };
    enum pay_back_outcome outcome;
    struct error err;

    CHECK_OK(flow_pay_back(&pay->world.flow, &request, &outcome, &err), &err);
    return outcome;
}

static struct stripe_object refund_of(struct pay_world *pay, int64_t refund_id, int64_t cents,
                                      enum stripe_status status)
{
    struct stripe_object refund = pay_object(pay, STRIPE_REFUND, "re_1", status);

    refund.ref = refund_id;
    refund.cents = cents;
    if (status == STRIPE_DONE)
        refund.txns[0] = (struct stripe_txn){ "txn_re", -cents, 0 };
    return refund;
}

static int64_t dollars(struct pay_world *pay, struct caller who)
{
    return world_credit(&pay->world, who) / NANODOLLARS_PER_DOLLAR;
}

static void test_only_what_is_left_goes_back(void **state)
{
    struct pay_world pay;

    pay_world_open(&pay, *state);
    struct caller ada = world_user(&pay.world, "ada@berth.test", 0);
    int64_t id = paid(&pay, ada, 5000, "pi_1", "txn_1");
    CHECK_INT(back(&pay, id, 5001, "T1"), PAY_BACK_BAD_AMOUNT);
    CHECK_INT(back(&pay, id, 0, "T1"), PAY_BACK_BAD_AMOUNT);
    CHECK_INT(back(&pay, id + 99, 100, "T1"), PAY_BACK_NO_DEPOSIT);
    CHECK_INT(back(&pay, id, 100, ""), PAY_BACK_BAD_TICKET);
    CHECK_INT(back(&pay, id, 2000, "T1"), PAY_BACK_DONE);
    CHECK_INT(back(&pay, id, 2000, "T1"), PAY_BACK_BEFORE);
    CHECK_INT(dollars(&pay, ada), 30);
    CHECK_INT(back(&pay, id, 3001, "T2"), PAY_BACK_BAD_AMOUNT);
    CHECK_INT(world_number(&pay.world, "SELECT count(*) FROM outbox WHERE "
                                       "idem_key LIKE 'stripe:refund:%'"),
              1);
    int64_t other = paid(&pay, world_user(&pay.world, "bo@berth.test", 0), 50000, "pi_2", "txn_2");
    CHECK_INT(back(&pay, other, 20000, "T3"), PAY_BACK_NOBODY); /* it takes two operators */
    pay.world.flow.pay = NULL;
    CHECK_INT(back(&pay, id, 100, "T4"), PAY_BACK_OFF);
    pay_world_close(&pay);
}

static void test_a_refund_is_told_in_any_order_and_moves_once(void **state)
{
    struct pay_world pay;

    pay_world_open(&pay, *state);
    struct caller ada = world_user(&pay.world, "ada@berth.test", 0);
    int64_t id = paid(&pay, ada, 5000, "pi_1", "txn_1");
    CHECK_INT(back(&pay, id, 2000, "T1"), PAY_BACK_DONE);
    int64_t refund_id = world_number(&pay.world, "SELECT max(id) FROM pay_refund");
    struct stripe_object waits = refund_of(&pay, refund_id, 2000, STRIPE_WAITS);
    struct stripe_object done = refund_of(&pay, refund_id, 2000, STRIPE_DONE), odd = done;
    struct stripe_object failed = refund_of(&pay, refund_id, 2000, STRIPE_FAILED);
    odd.cents = 1999;
    CHECK_INT(pay_take(&pay, &odd), PAY_STRANGE);
    odd = done;
    odd.txns[0].id = "";
    CHECK_INT(pay_take(&pay, &odd), PAY_LATER);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(pay_take(&pay, &waits), PAY_DONE);
        CHECK_INT(pay_take(&pay, &done), PAY_DONE);
    }
    CHECK_INT(world_number(&pay.world, "SELECT state FROM pay_refund"), PAY_REFUND_DONE);
    CHECK_INT(world_number(&pay.world, "SELECT count(*) FROM journal WHERE kind = 8"), 2);
    CHECK_INT(dollars(&pay, ada), 30);
    /* And a bank may say no days later. */
    for (int i = 0; i < 2; i++)
        CHECK_INT(pay_take(&pay, &failed), PAY_DONE);
    CHECK_INT(dollars(&pay, ada), 50);
    CHECK_INT(world_number(&pay.world, "SELECT state FROM pay_refund"), PAY_REFUND_FAILED);
    pay_world_close(&pay);
}

static void test_a_refused_refund_is_credit_again(void **state)
{
    struct pay_world pay;
    char key[64];

    pay_world_open(&pay, *state);
    struct caller ada = world_user(&pay.world, "ada@berth.test", 0);
    int64_t id = paid(&pay, ada, 5000, "pi_1", "txn_1");
    CHECK_INT(back(&pay, id, 5000, "T1"), PAY_BACK_DONE);
    CHECK_INT(dollars(&pay, ada), 0);
    (void)snprintf(key, sizeof key, "stripe:refund:%lld:1",
                   (long long)world_number(&pay.world, "SELECT max(id) FROM pay_refund"));
    for (int i = 0; i < 2; i++)
        pay_refuse(&pay, key, "charge_disputed");
    CHECK_INT(dollars(&pay, ada), 50);
    CHECK_INT(world_number(&pay.world, "SELECT count(*) FROM outbox WHERE provider = 'mail' "
                                       "AND body LIKE '%refund_failed%'"),
              1);
    CHECK_INT(back(&pay, id, 5000, "T2"), PAY_BACK_DONE);
    pay_world_close(&pay);
}

static struct stripe_object dispute_of(struct pay_world *pay, enum stripe_status status,
                                       bool is_back)
{
    struct stripe_object dispute = pay_object(pay, STRIPE_DISPUTE, "dp_1", status);

    dispute.installation = "";
    dispute.intent = "pi_1";
    dispute.cents = 5000;
    dispute.txns[0] = (struct stripe_txn){ "txn_out", -5000, 1500 };
    if (is_back)
        dispute.txns[1] = (struct stripe_txn){ "txn_back", 5000, 0 };
    return dispute;
}

static void dispute(void **state, bool is_won)
{
    struct pay_world pay;

    pay_world_open(&pay, *state);
    struct caller ada = world_user(&pay.world, "ada@berth.test", 0);
    int64_t id = paid(&pay, ada, 5000, "pi_1", "txn_1");
    CHECK_INT(back(&pay, id, 2000, "T1"), PAY_BACK_DONE);
    struct stripe_object said = dispute_of(&pay, STRIPE_WAITS, false);
    said.txns[0].id = "";
    struct stripe_object taken = dispute_of(&pay, STRIPE_WAITS, false);
    struct stripe_object ended = dispute_of(&pay, is_won ? STRIPE_DONE : STRIPE_FAILED, is_won);
    CHECK_INT(pay_take(&pay, &said), PAY_DONE);
    CHECK_INT(dollars(&pay, ada), 30);
    for (int i = 0; i < 2; i++)
        CHECK_INT(pay_take(&pay, &taken), PAY_DONE);
    CHECK_INT(dollars(&pay, ada), 0);
    CHECK_INT(back(&pay, id, 100, "T2"), PAY_BACK_SPENT);
    for (int i = 0; i < 2; i++)
        CHECK_INT(pay_take(&pay, &ended), PAY_DONE);
    CHECK_INT(pay_take(&pay, &taken), PAY_DONE); /* late */
    CHECK_INT(dollars(&pay, ada), is_won ? 30 : -20);
    CHECK_INT(world_number(&pay.world, "SELECT count(*) FROM journal WHERE kind = 9"), 2);
    CHECK_INT(world_number(&pay.world, "SELECT count(*) FROM outbox WHERE provider = 'mail' "
                                       "AND body LIKE '%dispute_won%'"),
              is_won);
    CHECK_INT(world_number(&pay.world, "SELECT count(*) FROM outbox WHERE provider = 'mail' "
                                       "AND body LIKE '%dispute_lost%'"),
              !is_won);

    struct dispute_filter filter = { .state = is_won ? DISPUTE_WON : DISPUTE_LOST, .max = 9 };
    struct dispute_row *listed;
    struct error err;
    size_t count;
    CHECK_OK(flow_dispute_list(&pay.world.flow, &filter, &pay.world.arena, &listed, &count, &err),
             &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_INT(listed[0].user_id, ada.user_id);
    CHECK_TEXT(listed[0].object_id, "dp_1");
    pay_world_close(&pay);
}

static void test_a_dispute_that_is_won_frees_what_was_frozen(void **state)
{
    dispute(state, true);
}

static void test_a_dispute_that_is_lost_is_paid_by_its_renter(void **state)
{
    dispute(state, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_is_left_goes_back),
        cmocka_unit_test(test_a_refund_is_told_in_any_order_and_moves_once),
        cmocka_unit_test(test_a_refused_refund_is_credit_again),
        cmocka_unit_test(test_a_dispute_that_is_won_frees_what_was_frozen),
        cmocka_unit_test(test_a_dispute_that_is_lost_is_paid_by_its_renter),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
