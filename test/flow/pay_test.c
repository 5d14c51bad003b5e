/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/pay.h"

#include "flow/pay_in.h"
#include "support_pay.h"

static int64_t buy(struct pay_world *pay, struct caller who)
{
    struct deposit_row deposit = { .id = 0 };
    enum pay_in_outcome outcome;
    struct error err;

    CHECK_OK(flow_pay_in(&pay->world.flow, &who, (struct money){ PAY_CREDIT_MIN },
                         &pay->world.arena, &deposit, &outcome, &err),
             &err);
    return deposit.id;
}

static int64_t state_of(struct pay_world *pay, int64_t deposit_id)
{
    return world_number_of(&pay->world, "SELECT state FROM deposit WHERE id = $1", deposit_id);
}

static void test_what_is_refused_fails_and_the_next_try_is_new(void **state)
{
    struct pay_world pay;
    char key[64];

    pay_world_open(&pay, *state);
    struct caller ada = world_user(&pay.world, "ada@berth.test", 0);
    int64_t first = buy(&pay, ada);
    (void)snprintf(key, sizeof key, "stripe:customer:%lld:1", (long long)ada.user_id);
    pay_refuse(&pay, key, "email_invalid");
    CHECK_INT(state_of(&pay, first), DEPOSIT_FAILED);
    support_script(pay.world.support, "UPDATE outbox SET state = 2 WHERE provider = 'stripe';");
    int64_t second = buy(&pay, ada);
    CHECK(second != first);
    CHECK_INT(world_number(&pay.world, "SELECT count(*) FROM outbox WHERE provider = 'stripe' "
                                       "AND state = 0"),
              1);
    (void)snprintf(key, sizeof key, "stripe:page:%lld:1", (long long)second);
    pay_refuse(&pay, key, "amount_too_small");
    pay_refuse(&pay, key, "amount_too_small");
    CHECK_INT(state_of(&pay, second), DEPOSIT_FAILED);
    pay_refuse(&pay, "mail:x", "nothing");
    pay_world_close(&pay);
}

static void test_a_call_is_made_anew_a_few_times(void **state)
{
    struct pay_world pay;
    bool is_left = true;
    struct error err;
    int made = 0;

    pay_world_open(&pay, *state);
    for (int64_t group = 1; is_left; group++, made += is_left) {
        char key[64];

        (void)snprintf(key, sizeof key, "stripe:page:7:%lld", (long long)group);
        const struct outbox_item item = { .key = key,
                                          .provider = "stripe",
                                          .method = "POST",
                                          .path = "/v1/x",
                                          .body = "a=b",
                                          .account = "acct_1" };
        for (int i = 0; i < 2; i++)
            CHECK_OK(flow_pay_again(&pay.world.flow, &item, &is_left, &err), &err);
    }
    CHECK_INT(made, PAY_GROUPS_MAX - 1);
    CHECK_INT(world_number(&pay.world, "SELECT count(*) FROM outbox WHERE path = '/v1/x' AND "
                                       "body = 'a=b' AND account = 'acct_1'"),
              PAY_GROUPS_MAX - 1);
    pay_world_close(&pay);
}

static void sweep(struct pay_world *pay, const struct pay_txn *txn, bool want)
{
    struct error err;
    bool is_new;

    CHECK_OK(flow_pay_txn(&pay->world.flow, txn, &is_new, &err), &err);
    CHECK(is_new == want);
}

static int64_t balance(struct pay_world *pay, int64_t code)
{
    return world_number_of(&pay->world,
                           "SELECT COALESCE((SELECT sum(t.amount) FROM transfer t JOIN account a "
                           "ON a.id = t.dr WHERE a.code = $1), 0) - COALESCE((SELECT sum(t.amount) "
                           "FROM transfer t JOIN account a ON a.id = t.cr WHERE a.code = $1), 0)",
                           code);
}

static void test_what_nobody_can_explain_waits_in_suspense(void **state)
{
    struct pay_world pay;
    const struct pay_txn odd = { "txn_odd", "adjustment", 700, 20, 1 };

    pay_world_open(&pay, *state);
    sweep(&pay, &(struct pay_txn){ "txn_fee", "stripe_fee", -200, 0, 1 }, true);
    sweep(&pay, &(struct pay_txn){ "txn_bank", "payout", -300, 0, 1 }, true);
    sweep(&pay, &odd, true);
    sweep(&pay, &odd, false);
    sweep(&pay, &(struct pay_txn){ "txn_none", "adjustment", 0, 0, 1 }, true);
    CHECK_INT(balance(&pay, LEDGER_STRIPE), (700 - 20 - 200 - 300) * INT64_C(10000000));
    CHECK_INT(balance(&pay, LEDGER_PROVIDER_FEES), 220 * INT64_C(10000000));
    CHECK_INT(balance(&pay, LEDGER_BANK), 300 * INT64_C(10000000));
    CHECK_INT(balance(&pay, LEDGER_SUSPENSE), -700 * INT64_C(10000000));
    pay_world_close(&pay);
}

/* Whoever comes first, the nightly look or the event: the same books in the end, and nothing is
 * left in suspense. */
static void test_money_that_was_found_first_is_explained_later(void **state)
{
    struct pay_world pay;

    pay_world_open(&pay, *state);
    struct caller ada = world_user(&pay.world, "ada@berth.test", 0);
    int64_t id = buy(&pay, ada);
    struct stripe_object intent = pay_intent(&pay, id, "pi_1", "txn_1", 500);
    sweep(&pay, &(struct pay_txn){ "txn_1", "charge", 500, 103, 1 }, true);
    CHECK_INT(balance(&pay, LEDGER_SUSPENSE), -5 * NANODOLLARS_PER_DOLLAR);
    CHECK_INT(pay_take(&pay, &intent), PAY_DONE);
    sweep(&pay, &(struct pay_txn){ "txn_1", "charge", 500, 103, 1 }, false);
    CHECK_INT(balance(&pay, LEDGER_SUSPENSE), 0);
    CHECK_INT(balance(&pay, LEDGER_STRIPE), 397 * INT64_C(10000000));
    CHECK_INT(balance(&pay, LEDGER_PROVIDER_FEES), 103 * INT64_C(10000000));
    CHECK_INT(world_credit(&pay.world, ada), 5 * NANODOLLARS_PER_DOLLAR);
    pay_world_close(&pay);
}

static void test_an_event_is_kept_once(void **state)
{
    const struct psp_event_row event = { "stripe", "evt_1", "x", "pi_1", "", "{}", 0 };
    struct pay_world pay;
    struct error err;
    bool is_new;

    pay_world_open(&pay, *state);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(flow_pay_event(&pay.world.flow, &event, &is_new, &err), &err);
        CHECK(is_new == (i == 0));
    }
    CHECK_OK(flow_pay_sweep(&pay.world.flow, &err), &err);
    pay_world_close(&pay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_refused_fails_and_the_next_try_is_new),
        cmocka_unit_test(test_a_call_is_made_anew_a_few_times),
        cmocka_unit_test(test_what_nobody_can_explain_waits_in_suspense),
        cmocka_unit_test(test_money_that_was_found_first_is_explained_later),
        cmocka_unit_test(test_an_event_is_kept_once),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
