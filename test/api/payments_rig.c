/* SPDX-License-Identifier: Apache-2.0 */
/* All money flows of payment providers at once, with a clock that is turned by hand: for
 * payments_faults.py, which stands where the providers are.
 *
 *     payments_rig STRIPE_URL PAYPAL_URL CLOCK_FILE ROUNDS
 *
 * Renters buy credit on pages, leave cards, are charged with nobody there and get a part of it
 * back; hosts in the US and elsewhere are owed a week, are invoiced and paid. The clock goes on a
 * minute a round, now and then by a day, until nothing is under way any more, or so many rounds are
 * over. Says what there is at the end, and whether the books are sound. CLOCK_FILE has the seconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/parse.h"
#include "flow/autopay.h"
#include "flow/bill.h"
#include "flow/check.h"
#include "flow/pay_back.h"
#include "flow/pay_in.h"
#include "flow/pay_paypal.h"
#include "flow/support_pay.h"
#include "market/billing.h"
#include "server/payments.h"

enum {
    RENTERS = 4,
    HOSTS = 8,
    SWEEP_EVERY = 2,
    LOOK_US = 2000,
    SETTLE_US_MAX = 200000,
    CLOCK_PATH_SIZE = 512
};

static char *const *words;

struct rig {
    struct pay_world pay;
    struct caller renters[RENTERS];
    struct stripe_wire stripe;
    struct paypal_wire paypal;
    struct metrics *metrics;
    struct payments *payments;
};

static void write_clock(struct rig *rig)
{
    char path[CLOCK_PATH_SIZE];

    (void)snprintf(path, sizeof path, "%s.new", words[3]);
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    (void)fprintf(file, "%lld\n",
                  (long long)(clock_now(&rig->pay.world.clock).microseconds / US_PER_SECOND));
    CHECK(fclose(file) == 0);
    CHECK(rename(path, words[3]) == 0);
}

/* Each with a disk that a renter has rented since, and so with something to be paid. */
static void open_hosts(struct rig *rig)
{
    struct world *world = &rig->pay.world;
    struct caller guest = world_user(world, "guest@berth.test", 1000000);

    for (int i = 0; i < HOSTS; i++) {
        struct world_machine machine;
        char name[32];

        (void)snprintf(name, sizeof name, "host%d", i);
        world_host(world, &machine, name, 1);
        CHECK_INT(world_rent(world, guest, world_offer(world, machine.id, 1)).outcome, RENTAL_MADE);
        arena_release(&world->arena);
    }
    support_script(world->support,
                   "INSERT INTO payout_method (user_id, provider, country, account, is_ready, "
                   "created_us, updated_us) SELECT owner_id, CASE WHEN id % 2 = 0 THEN 'stripe' "
                   "ELSE 'paypal' END, CASE WHEN id % 2 = 0 THEN 'US' ELSE 'DE' END, "
                   "CASE WHEN id % 2 = 0 THEN 'acct_9' || owner_id ELSE 'h' || owner_id || "
                   "'@pay.test' END, 1, 0, 0 FROM machine;");
}

static void bill(struct rig *rig)
{
    struct flow *flow = &rig->pay.world.flow;
    struct instant now = clock_now(&rig->pay.world.clock);
    struct error err;
    size_t count;

    clock_advance(&rig->pay.world.clock,
                  instant_until(now, instant_add(billing_cut(now), BILLING_WEEK_US)) +
                      PAY_OUT_SUBMIT_US + US_PER_SECOND);
    CHECK_OK(flow_bill_hosts(flow, &count, &err), &err);
    CHECK_INT(world_number(&rig->pay.world, "SELECT count(*) FROM payout"), HOSTS);
}

static void buy(struct rig *rig)
{
    for (int i = 0; i < RENTERS; i++) {
        enum pay_in_outcome outcome;
        struct deposit_row deposit;
        struct error err;
        char name[32];

        (void)snprintf(name, sizeof name, "renter%d@berth.test", i);
        rig->renters[i] = world_user(&rig->pay.world, name, 0);
        CHECK_OK(flow_pay_in(&rig->pay.world.flow, &rig->renters[i],
                             (struct money){ 25 * NANODOLLARS_PER_DOLLAR }, &rig->pay.world.arena,
                             &deposit, &outcome, &err),
                 &err);
        CHECK_INT(outcome, PAY_IN_DONE);
    }
}

/* Who has paid sends a part back, and has the card charged when less than that is left. */
static void go_on(struct rig *rig, int64_t paid)
{
    struct flow *flow = &rig->pay.world.flow;
    struct error err;

    for (int i = 0; i < RENTERS && paid == RENTERS; i++) {
        struct pay_back_request request = { .amount = { 5 * NANODOLLARS_PER_DOLLAR } };
        enum pay_back_outcome outcome;
        char ticket[16];
        bool is_good;

        (void)snprintf(ticket, sizeof ticket, "rig%d", i);
        request.ticket = ticket;
        request.deposit_id = world_number_of(
            &rig->pay.world, "SELECT min(id) FROM deposit WHERE user_id = $1 AND state = 2",
            rig->renters[i].user_id);
        CHECK_OK(flow_pay_back(flow, &request, &outcome, &err), &err);
        CHECK(outcome == PAY_BACK_DONE || outcome == PAY_BACK_BEFORE);
        CHECK_OK(flow_autopay_set(flow, &rig->renters[i],
                                  (struct money){ 30 * NANODOLLARS_PER_DOLLAR },
                                  (struct money){ 25 * NANODOLLARS_PER_DOLLAR }, &is_good, &err),
                 &err);
        CHECK(is_good);
    }
}

static int64_t open_things(struct rig *rig)
{
    return world_number(&rig->pay.world,
                        "SELECT (SELECT count(*) FROM payout WHERE state < 4) + "
                        "(SELECT count(*) FROM deposit WHERE state < 2) + "
                        "(SELECT count(*) FROM pay_refund WHERE state < 2) + "
                        "(SELECT count(*) FROM outbox WHERE state = 0 AND provider IN "
                        "('stripe', 'paypal'))");
}

/* What is due now, or being done: calls, events, batches to be asked for, the look at everything.
 */
static int64_t due_things(struct rig *rig)
{
    return world_number_of(
        &rig->pay.world,
        "SELECT (SELECT count(*) FROM outbox WHERE state = 0 AND provider IN ('stripe', 'paypal') "
        "AND (next_us <= $1 OR lease_until_us > 0)) + "
        "(SELECT count(*) FROM psp_event WHERE state = 0 AND next_us <= $1) + "
        "(SELECT count(*) FROM payout_batch WHERE state = 1 AND next_us <= $1) + "
        "(SELECT count(*) FROM setting WHERE name = 'stripe_swept' AND value = '0')",
        clock_now(&rig->pay.world.clock).microseconds);
}

/* Until it is done, however slow the machine is; or the time is over, for what waits by itself. */
static void settle(struct rig *rig)
{
    for (int64_t waited_us = 0; waited_us < SETTLE_US_MAX; waited_us += LOOK_US) {
        (void)usleep(LOOK_US);
        if (due_things(rig) == 0)
            return;
    }
}

/* Until nothing is under way, and each renter has been charged. */
static int64_t run(struct rig *rig, int64_t rounds)
{
    struct flow *flow = &rig->pay.world.flow;
    bool has_gone_on = false;
    int64_t round = 0;
    struct error err;
    size_t count;

    for (; round < rounds; round++) {
        int64_t paid =
            world_number(&rig->pay.world, "SELECT count(*) FROM deposit WHERE state = 2");

        if (paid == RENTERS && !has_gone_on) {
            go_on(rig, paid);
            has_gone_on = true;
        }
        if (paid == 2 * RENTERS && open_things(rig) == 0)
            break;
        CHECK_OK(flow_autopay(flow, &count, &err), &err);
        CHECK_OK(flow_paypal_gather(flow, &count, &err), &err);
        if (round % SWEEP_EVERY == 0)
            CHECK_OK(flow_pay_sweep(flow, &err), &err);
        clock_advance(&rig->pay.world.clock, 61 * US_PER_SECOND);
        write_clock(rig);
        payments_wake(rig->payments);
        settle(rig);
    }
    return round;
}

static void print_finding(void *context, const char *rule, const char *text)
{
    (void)context;
    print_message("%s: %s\n", rule, text);
}

static void rig_run(void **state)
{
    struct check_counts counts;
    struct rig rig = { .stripe = { .key = "sk_test_fake" },
                       .paypal = { .client = "client_fake", .secret = "secret_fake" } };
    struct error err;
    uint64_t rounds;

    CHECK(parse_u64(words[4], &rounds));
    pay_world_open(&rig.pay, *state);
    rig.pay.settings.has_paypal = true;
    rig.pay.settings.test_credit = (struct money){ 0 };
    rig.pay.world.flow.payout_min = (struct money){ BILLING_CENT };
    (void)snprintf(rig.stripe.base, sizeof rig.stripe.base, "%s", words[1]);
    (void)snprintf(rig.paypal.base, sizeof rig.paypal.base, "%s", words[2]);
    open_hosts(&rig);
    bill(&rig);
    buy(&rig);
    write_clock(&rig);
    rig.metrics = metrics_open(1);
    const struct payments_options options = { &rig.pay.world.flow, rig.metrics, "rig", &rig.stripe,
                                              &rig.paypal };
    CHECK_OK(payments_open(&options, &rig.payments, &err), &err);
    int64_t took = run(&rig, (int64_t)rounds);
    payments_close(&rig.payments);
    CHECK_OK(flow_check(rig.pay.world.flow.store, print_finding, NULL, &counts, &err), &err);
    (void)printf(
        "RIG rounds %lld open %lld paid %lld deposits %lld refunds %lld findings %lld\n",
        (long long)took, (long long)open_things(&rig),
        (long long)world_number(&rig.pay.world, "SELECT count(*) FROM payout WHERE state = 4"),
        (long long)world_number(&rig.pay.world, "SELECT count(*) FROM deposit WHERE state = 2"),
        (long long)world_number(&rig.pay.world, "SELECT count(*) FROM pay_refund WHERE state = 2"),
        (long long)counts.findings);
    metrics_close(&rig.metrics);
    world_close(&rig.pay.world);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(rig_run) };

    CHECK(argc == 5);
    words = argv;
    crypto_start();
    return SUPPORT_RUN_ON(SUPPORT_SQLITE, tests);
}
