/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/pay_card.h"

#include "market/billing.h"
#include "support_pay.h"

static struct card_page_row page_of(struct pay_world *pay, struct caller who)
{
    struct card_page_row page = { .id = 0 };
    enum pay_in_outcome outcome;
    struct error err;

    CHECK_OK(flow_pay_card_page(&pay->world.flow, &who, &pay->world.arena, &page, &outcome, &err),
             &err);
    CHECK_INT(outcome, PAY_IN_DONE);
    return page;
}

/* The user's name at the provider is known. */
static void name(struct pay_world *pay, struct caller who, const char *customer)
{
    struct stripe_object object = pay_object(pay, STRIPE_CUSTOMER, customer, STRIPE_DONE);
    char key[64];

    (void)page_of(pay, who);
    (void)snprintf(key, sizeof key, "stripe:customer:%lld:1", (long long)who.user_id);
    CHECK_INT(pay_answer(pay, key, &object), PAY_DONE);
}

static struct stripe_object card_of(struct pay_world *pay, const char *id, const char *fingerprint)
{
    struct stripe_object card = pay_object(pay, STRIPE_CARD, id, STRIPE_UNKNOWN);

    card.brand = "visa";
    card.last4 = "4242";
    card.fingerprint = fingerprint;
    card.card_month = 12;
    card.card_year = 2031;
    return card;
}

static size_t cards_of(struct pay_world *pay, struct caller who, struct card_row **ret)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_pay_card_list(&pay->world.flow, &who, &pay->world.arena, ret, &count, &err),
             &err);
    return count;
}

static void take(struct pay_world *pay, const char *customer, const struct stripe_object *cards,
                 size_t count)
{
    struct error err;

    CHECK_OK(flow_pay_cards(&pay->world.flow, customer, cards, count, &err), &err);
}

static void test_cards_are_what_the_provider_has(void **state)
{
    struct pay_world pay;
    struct card_row *rows;
    enum pay_in_outcome outcome;
    struct error err;

    pay_world_open(&pay, *state);
    pay.settings.test_credit.nanodollars = 0;
    struct caller ada = world_user(&pay.world, "ada@berth.test", 0);
    CHECK_INT(page_of(&pay, ada).id, page_of(&pay, ada).id);
    name(&pay, ada, "cus_1");
    const struct stripe_object cards[] = { card_of(&pay, "pm_1", "fp_1"),
                                           card_of(&pay, "pm_2", "fp_2") };
    for (int i = 0; i < 2; i++) {
        take(&pay, "cus_1", cards, 2);
        take(&pay, "cus_other", cards, 2); /* not of ours */
        CHECK_INT((int64_t)cards_of(&pay, ada, &rows), 2);
    }
    CHECK_INT(world_credit(&pay.world, ada), 0);
    CHECK_OK(flow_pay_card_remove(&pay.world.flow, &ada, rows[0].id, &outcome, &err), &err);
    CHECK_INT(outcome, PAY_IN_DONE);
    CHECK_OK(flow_pay_card_remove(&pay.world.flow, &ada, rows[0].id, &outcome, &err), &err);
    CHECK_INT(outcome, PAY_IN_NONE);
    take(&pay, "cus_1", cards, 2);
    CHECK_INT((int64_t)cards_of(&pay, ada, &rows), 1);
    CHECK_TEXT(rows[0].object_id, "pm_2");
    take(&pay, "cus_1", cards, 1);
    CHECK_INT((int64_t)cards_of(&pay, ada, &rows), 0);
    pay_world_close(&pay);
}

static void test_test_credit_comes_once_and_runs_out(void **state)
{
    struct pay_world pay;
    struct error err;
    size_t count;

    pay_world_open(&pay, *state);
    struct caller ada = world_user(&pay.world, "ada@berth.test", 0);
    struct caller twin = world_user(&pay.world, "ada+2@berth.test", 0);
    struct caller bo = world_user(&pay.world, "bo@berth.test", 0);
    const struct stripe_object first = card_of(&pay, "pm_1", "fp_1"),
                               second = card_of(&pay, "pm_2", "fp_1"),
                               third = card_of(&pay, "pm_3", "fp_3");
    name(&pay, ada, "cus_ada");
    name(&pay, twin, "cus_twin");
    name(&pay, bo, "cus_bo");
    take(&pay, "cus_ada", &first, 1);
    take(&pay, "cus_ada", &first, 1);
    take(&pay, "cus_bo", &second, 1);  /* the same card */
    take(&pay, "cus_twin", &third, 1); /* the same mailbox */
    CHECK_INT(world_credit(&pay.world, ada), NANODOLLARS_PER_DOLLAR);
    CHECK_INT(world_credit(&pay.world, bo), 0);
    CHECK_INT(world_credit(&pay.world, twin), 0);
    support_script(pay.world.support, "UPDATE users SET email_verified_us = 0;");
    take(&pay, "cus_bo", &third, 1); /* the email is not verified */
    CHECK_INT(world_credit(&pay.world, bo), 0);
    CHECK_OK(flow_test_credit_expire(&pay.world.flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 0);
    world_pass(&pay.world, TEST_CREDIT_DAYS * BILLING_DAY_US);
    CHECK_OK(flow_test_credit_expire(&pay.world.flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_INT(world_credit(&pay.world, ada), 0);
    CHECK_OK(flow_test_credit_expire(&pay.world.flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 0);
    take(&pay, "cus_ada", &first, 1);
    CHECK_INT(world_credit(&pay.world, ada), 0);
    pay_world_close(&pay);
}

static void test_a_mailbox_has_many_addresses(void **state)
{
    static const struct {
        const char *email, *mailbox;
    } rows[] = {
        { "ada@x.io", "ada@x.io" },
        { "Ada+tag@X.io", "ada@x.io" },
        { "a.d.a@x.io", "a.d.a@x.io" },
        { "a.d.a+b+c@gmail.com", "ada@gmail.com" },
        { "a.da@googlemail.com", "ada@googlemail.com" },
        { "+@x.io", "@x.io" },
        { "nobody", "nobody" },
    };
    char mailbox[EMAIL_LENGTH_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        CHECK_TEXT(pay_card_mailbox(rows[i].email, mailbox), rows[i].mailbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cards_are_what_the_provider_has),
        cmocka_unit_test(test_test_credit_comes_once_and_runs_out),
        cmocka_unit_test(test_a_mailbox_has_many_addresses),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
