/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/pay_out.h"

#include "flow/bill.h"
#include "market/billing.h"
#include "support_pay.h"

static enum pay_out_outcome set(struct pay_world *pay, struct caller who, const char *country)
{
    enum pay_out_outcome outcome;
    struct error err;

    CHECK_OK(flow_pay_out_set(&pay->world.flow, &who, &(struct pay_out_where){ country, NULL },
                              &outcome, &err),
             &err);
    return outcome;
}

static struct pay_out_view show(struct pay_world *pay, struct caller who)
{
    struct pay_out_view view;
    struct error err;

    CHECK_OK(flow_pay_out_show(&pay->world.flow, &who, &pay->world.arena, &view, &err), &err);
    return view;
}

static enum pay_out_outcome ask_link(struct pay_world *pay, struct caller who, int64_t *ret_number)
{
    enum pay_out_outcome outcome;
    struct error err;

    CHECK_OK(flow_pay_out_link(&pay->world.flow, &who, ret_number, &outcome, &err), &err);
    return outcome;
}

static struct stripe_object account_of(struct pay_world *pay, struct caller who, bool is_ready)
{
    struct stripe_object account = pay_object(pay, STRIPE_ACCOUNT, "acct_1", STRIPE_UNKNOWN);

    account.ref = who.user_id;
    account.is_ready = is_ready;
    account.reason = is_ready ? "" : "onboarding";
    return account;
}

static const char *key_of(struct pay_world *pay, const char *purpose, int64_t ref, int64_t group)
{
    return arena_printf(&pay->world.arena, "stripe:%s:%lld:%lld", purpose, (long long)ref,
                        (long long)group);
}

static void test_the_country_says_how(void **state)
{
    static const char *const bad[] = { "", "U", "us", "USA", "U1" };
    struct pay_world pay;
    int64_t number;

    pay_world_open(&pay, *state);
    struct caller hal = world_user(&pay.world, "hal@berth.test", 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_INT(set(&pay, hal, bad[i]), PAY_OUT_BAD_COUNTRY);
    CHECK(!show(&pay, hal).has_method);
    CHECK_INT(ask_link(&pay, hal, &number), PAY_OUT_NONE);
    CHECK_INT(set(&pay, hal, "DE"), PAY_OUT_DONE);
    CHECK_TEXT(show(&pay, hal).method.provider, "manual");
    CHECK(show(&pay, hal).method.is_ready);
    CHECK_INT(ask_link(&pay, hal, &number), PAY_OUT_NONE);
    CHECK_INT(set(&pay, hal, "US"), PAY_OUT_DONE);
    CHECK_TEXT(show(&pay, hal).method.provider, "stripe");
    CHECK(!show(&pay, hal).method.is_ready);
    CHECK_INT(world_number(&pay.world, "SELECT count(*) FROM outbox WHERE path = '/v1/accounts'"),
              1);
    struct hash before = world_dump(&pay.world);
    CHECK_INT(set(&pay, hal, "US"), PAY_OUT_DONE);
    CHECK_UNCHANGED(&pay.world, before);
    CHECK_INT(show(&pay, hal).next_cut.microseconds % BILLING_DAY_US, 0);
    pay.world.flow.pay = NULL;
    CHECK_INT(set(&pay, hal, "US"), PAY_OUT_OFF);
    CHECK_INT(ask_link(&pay, hal, &number), PAY_OUT_OFF);
    pay_world_close(&pay);
}

static void test_a_host_is_ready_when_the_provider_says_so(void **state)
{
    struct pay_world pay;
    struct pay_out_open *open;
    struct error err;
    int64_t number;
    size_t count;

    pay_world_open(&pay, *state);
    struct caller hal = world_user(&pay.world, "hal@berth.test", 0);
    struct stripe_object link = pay_object(&pay, STRIPE_LINK, "", STRIPE_UNKNOWN);
    struct stripe_object other = account_of(&pay, hal, true);
    link.url = "https://connect.test/1";
    other.id = "acct_2";
    CHECK_INT(set(&pay, hal, "US"), PAY_OUT_DONE);
    /* The page is asked for before the name is there: it follows. */
    CHECK_INT(ask_link(&pay, hal, &number), PAY_OUT_DONE);
    struct stripe_object account = account_of(&pay, hal, false);
    for (int i = 0; i < 2; i++)
        CHECK_INT(pay_answer(&pay, key_of(&pay, "account", hal.user_id, 1), &account), PAY_DONE);
    CHECK_INT(pay_answer(&pay, key_of(&pay, "link", hal.user_id, number), &link), PAY_DONE);
    CHECK_TEXT(show(&pay, hal).method.link, link.url);
    CHECK_INT(ask_link(&pay, hal, &number), PAY_OUT_DONE);
    CHECK_INT(number, 2);
    CHECK_TEXT(show(&pay, hal).method.link, "");
    CHECK_INT(pay_answer(&pay, key_of(&pay, "link", hal.user_id, 1), &link), PAY_DONE); /* late */
    CHECK_TEXT(show(&pay, hal).method.link, "");
    CHECK_OK(flow_pay_out_open(&pay.world.flow, 10, &pay.world.arena, &open, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_TEXT(open[0].account, "acct_1");
    CHECK_INT(pay_take(&pay, &other), PAY_DONE); /* not the one that is known */
    CHECK(!show(&pay, hal).method.is_ready);
    account = account_of(&pay, hal, true);
    CHECK_INT(pay_take(&pay, &account), PAY_DONE);
    CHECK(show(&pay, hal).method.is_ready);
    account = account_of(&pay, hal, false); /* and may ask for something again */
    CHECK_INT(pay_take(&pay, &account), PAY_DONE);
    CHECK(!show(&pay, hal).method.is_ready);
    account.installation = "other";
    account.is_ready = true;
    CHECK_INT(pay_take(&pay, &account), PAY_DONE);
    CHECK(!show(&pay, hal).method.is_ready);
    pay_world_close(&pay);
}

static int64_t mails(struct pay_world *pay)
{
    return world_number(&pay->world, "SELECT count(*) FROM outbox WHERE provider = 'mail' AND "
                                     "path = 'hal@berth.test' AND body LIKE '%payout_method%'");
}

/* Told each time; and what worked before is not exchanged for something else at once. */
static void test_another_way_in_place_of_one_that_worked_waits(void **state)
{
    struct pay_world pay;

    pay_world_open(&pay, *state);
    struct caller hal = world_user(&pay.world, "hal@berth.test", 0);
    CHECK_INT(set(&pay, hal, "US"), PAY_OUT_DONE);
    CHECK_INT(mails(&pay), 1);
    CHECK_INT(set(&pay, hal, "US"), PAY_OUT_DONE);
    CHECK_INT(mails(&pay), 1);
    clock_advance(&pay.world.clock, 1);
    CHECK_INT(set(&pay, hal, "DE"), PAY_OUT_DONE); /* in place of one that was not ready */
    CHECK_INT(show(&pay, hal).method.held.microseconds, 0);
    CHECK_INT(mails(&pay), 2);
    CHECK(show(&pay, hal).method.is_ready);
    for (int i = 0; i < 2; i++) { /* and the other way round: whoever it is waits again */
        clock_advance(&pay.world.clock, US_PER_HOUR);
        CHECK_INT(set(&pay, hal, i == 0 ? "US" : "DE"), PAY_OUT_DONE);
        CHECK_INT(instant_until(clock_now(&pay.world.clock), show(&pay, hal).method.held),
                  PAY_OUT_HELD_US);
        CHECK_INT(mails(&pay), 3 + i);
    }
    clock_advance(&pay.world.clock, PAY_OUT_HELD_US);
    struct stripe_object account = account_of(&pay, hal, true);
    CHECK_INT(set(&pay, hal, "US"), PAY_OUT_DONE);
    int64_t held_us = show(&pay, hal).method.held.microseconds;
    CHECK_INT(pay_take(&pay, &account), PAY_DONE); /* being ready ends no wait */
    CHECK(show(&pay, hal).method.is_ready);
    CHECK_INT(show(&pay, hal).method.held.microseconds, held_us);
    pay_world_close(&pay);
}

/* Both edges of the wait, on a Friday: the week is invoiced, and paid with the next one. */
static void test_no_payout_is_made_while_a_way_waits(void **state)
{
    struct pay_world pay;
    struct world *world = &pay.world;
    struct world_machine machine;
    char sql[200];
    struct error err;
    size_t count;

    pay_world_open(&pay, *state);
    world->flow.payout_min = (struct money){ BILLING_CENT };
    struct caller ada = world_user(world, "ada@berth.test", 1000);
    world_host(world, &machine, "m", 1);
    CHECK_INT(world_rent(world, ada, world_offer(world, machine.id, 1)).outcome, RENTAL_MADE);
    support_script(world->support, "INSERT INTO payout_method (user_id, provider, country, "
                                   "account, is_ready, created_us, updated_us) SELECT owner_id, "
                                   "'manual', 'DE', '', 1, 0, 0 FROM machine;");
    for (int week = 0; week < 2; week++) {
        struct instant now = clock_now(&world->clock);
        struct instant cut = instant_add(billing_cut(now), BILLING_WEEK_US);

        clock_advance(&world->clock, instant_until(now, cut) + BILLING_DAY_US / 2);
        (void)snprintf(sql, sizeof sql, "UPDATE payout_method SET held_until_us = %lld;",
                       (long long)clock_now(&world->clock).microseconds + 1 - week);
        support_script(world->support, sql);
        CHECK_OK(flow_bill_hosts(&world->flow, &count, &err), &err);
        CHECK_INT(world_number(world, "SELECT count(*) FROM host_invoice"), week + 1);
        CHECK_INT(world_number(world, "SELECT count(*) FROM payout"), week);
    }
    CHECK(world_number(world, "SELECT amount FROM payout") >
          world_number(world, "SELECT MAX(total) FROM host_invoice"));
    struct pay_out_view view = show(&pay, (struct caller){ .user_id = machine.host.user_id });
    CHECK_INT(view.paid_out.nanodollars, world_number(world, "SELECT amount FROM payout"));
    CHECK_INT(view.paid_out.nanodollars + view.payable.nanodollars + view.accrued.nanodollars,
              world_number(world, "SELECT SUM(t.amount) FROM transfer t JOIN account a ON a.id = "
                                  "t.cr WHERE a.code = 2110"));
    pay_world_close(&pay);
}

/* Page by page each comes once, the newest first, however many a page has. */
static void test_no_payout_is_out_of_reach(void **state)
{
    enum { PAYOUTS = 7 };
    struct pay_world pay;
    struct error err;

    pay_world_open(&pay, *state);
    struct caller hal = world_user(&pay.world, "hal@berth.test", 0);
    struct caller eve = world_user(&pay.world, "eve@berth.test", 0);
    for (int week = 1; week <= PAYOUTS; week++) {
        char sql[256];

        (void)snprintf(sql, sizeof sql,
                       "INSERT INTO payout (host_id, cut_us, amount, state, provider, created_us, "
                       "state_us) VALUES (%lld, %d, %d, 7, 'manual', 1, 1);",
                       (long long)(week == 3 ? eve : hal).user_id, week * 1000, week);
        support_script(pay.world.support, sql);
    }
    for (size_t max = 1; max <= PAYOUTS; max++) {
        struct pay_out_page page = { .before = INSTANT_NEVER, .max = max };
        int64_t week = PAYOUTS;

        do {
            check_row("pages of %zu, at %lld", max, (long long)week);
            CHECK_OK(flow_pay_out_list(&pay.world.flow, &hal, &pay.world.arena, &page, &err), &err);
            CHECK(page.count > 0 && page.count <= max);
            for (size_t i = 0; i < page.count; i++, week -= week == 4 ? 2 : 1)
                CHECK_INT(page.payouts[i].amount.nanodollars, week);
            page.before = page.next;
        } while (instant_compare(page.next, INSTANT_NEVER) < 0);
        CHECK_INT(week, 0);
    }
    pay_world_close(&pay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_country_says_how),
        cmocka_unit_test(test_a_host_is_ready_when_the_provider_says_so),
        cmocka_unit_test(test_another_way_in_place_of_one_that_worked_waits),
        cmocka_unit_test(test_no_payout_is_made_while_a_way_waits),
        cmocka_unit_test(test_no_payout_is_out_of_reach),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
