/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/write_off.h"

#include "flow/admin.h"
#include "market/billing.h"
#include "market/debt.h"
#include "market/journal.h"
#include "store/ledger.h"
#include "support.h"

#define DAY_US BILLING_DAY_US

struct owe {
    int64_t user_id;
    struct money amount;
    struct instant now;
};

static bool owe_work(struct db *db, void *context, struct error *err)
{
    const struct owe *owe = context;
    char key[JOURNAL_KEY_SIZE];
    const struct leg leg = { { LEDGER_RENTER_RECEIVABLE, owe->user_id, 0 },
                             { .code = LEDGER_BANK },
                             owe->amount,
                             LEG_TRANSFER };
    const struct journal_moves moves = {
        key, JOURNAL_ADJUSTMENT, JOURNAL_REF_USER, owe->user_id, owe->now, &leg, 1
    };
    struct journal journal;
    enum ledger_outcome outcome;

    (void)snprintf(key, sizeof key, "adj:owe:%lld:%lld", (long long)owe->user_id,
                   (long long)owe->now.microseconds);
    return journal_moves(&moves, &journal) == JOURNAL_BUILT &&
           ledger_post(db, &journal, owe->now, &outcome, err);
}

/* That many cents more. */
static void owe(struct world *world, struct caller who, int64_t cents)
{
    struct owe owe = { who.user_id, { cents * BILLING_CENT }, clock_now(&world->clock) };

    support_write(world->support, owe_work, &owe);
}

static void pay(struct world *world, struct caller who, int64_t cents, const char *ticket)
{
    enum admin_outcome outcome;
    struct error err;

    CHECK_OK(flow_deposit(&world->flow, who.user_id, (struct money){ cents * BILLING_CENT }, ticket,
                          &outcome, &err),
             &err);
    CHECK_INT(outcome, ADMIN_DONE);
}

static int64_t write_off(struct world *world)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_write_off(&world->flow, &count, &err), &err);
    return (int64_t)count;
}

/* What is owed, in cents. */
static int64_t debt(struct world *world, struct caller who)
{
    return world_number_of(world,
                           "SELECT dr_posted - cr_posted FROM account WHERE code = 1210 AND "
                           "owner_id = $1",
                           who.user_id) /
           BILLING_CENT;
}

#define BAD                                                                                        \
    "SELECT COALESCE(CAST(SUM(t.amount) AS BIGINT), 0) FROM transfer t "                           \
    "JOIN account a ON a.id = t.dr WHERE a.code = 5030 AND t.code = 68"

static void test_a_debt_is_given_up_after_180_days_and_no_sooner(void **state)
{
    struct world world;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 0);
    owe(&world, ada, 1234);
    clock_advance(&world.clock, 179 * DAY_US);
    CHECK_INT(write_off(&world), 0);
    clock_advance(&world.clock, DAY_US - 1);
    struct hash before = world_dump(&world);
    CHECK_INT(write_off(&world), 0);
    CHECK_UNCHANGED(&world, before);
    CHECK_INT(debt(&world, ada), 1234);
    clock_advance(&world.clock, 1); /* 180 days to the microsecond */
    CHECK_INT(write_off(&world), 1);
    CHECK_INT(debt(&world, ada), 0);
    CHECK_INT(world_number(&world, BAD), 1234 * BILLING_CENT);
    CHECK_INT(world_credit(&world, ada), 0);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM outbox WHERE path = 'ada@berth.test' AND "
                                   "body LIKE '%\"written_off\",\"amount\":\"12.34\"%'"),
              1);
    before = world_dump(&world);
    CHECK_INT(write_off(&world), 0);
    CHECK_UNCHANGED(&world, before);
    world_check(&world);
    world_close(&world);
}

/* What is paid settles the oldest first. */
static void test_a_payment_in_time_is_of_what_is_oldest(void **state)
{
    struct world world;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 0);
    owe(&world, ada, 1000);
    clock_advance(&world.clock, 90 * DAY_US);
    owe(&world, ada, 700);
    pay(&world, ada, 1000, "in time");
    clock_advance(&world.clock, 90 * DAY_US);
    CHECK_INT(write_off(&world), 0);
    CHECK_INT(debt(&world, ada), 700);
    clock_advance(&world.clock, 90 * DAY_US);
    CHECK_INT(write_off(&world), 1);
    CHECK_INT(world_number(&world, BAD), 700 * BILLING_CENT);
    world_check(&world);
    world_close(&world);
}

/* Of a debt that still grows the old part goes, from a dollar on; all of one that does not. */
static void test_what_came_later_stays(void **state)
{
    struct world world;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 0);
    struct caller bob = world_user(&world, "bob@berth.test", 0);
    owe(&world, ada, 100);
    owe(&world, bob, 99);
    clock_advance(&world.clock, DAY_US);
    owe(&world, ada, 50);
    owe(&world, bob, 50);
    clock_advance(&world.clock, 179 * DAY_US);
    CHECK_INT(write_off(&world), 1);
    CHECK_INT(debt(&world, ada), 50);
    CHECK_INT(debt(&world, bob), 149);
    clock_advance(&world.clock, DAY_US);
    CHECK_INT(write_off(&world), 2);
    CHECK_INT(debt(&world, ada) + debt(&world, bob), 0);
    CHECK_INT(world_number(&world, BAD), 299 * BILLING_CENT);
    world_check(&world);
    world_close(&world);
}

/* Nothing is owed any more, so what comes is credit, all of it. */
static void test_a_payment_that_comes_too_late_is_credit(void **state)
{
    struct world world;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 0);
    owe(&world, ada, 1000);
    clock_advance(&world.clock, 180 * DAY_US);
    CHECK_INT(write_off(&world), 1);
    pay(&world, ada, 1500, "late");
    CHECK_INT(world_credit(&world, ada), 1500 * BILLING_CENT);
    CHECK_INT(world_number(&world, BAD), 1000 * BILLING_CENT);
    world_check(&world);
    world_close(&world);
}

static void test_operators_see_what_was_given_up(void **state)
{
    struct world world;
    struct debt_row *rows;
    struct error err;
    size_t count;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 0);
    struct caller bob = world_user(&world, "bob@berth.test", 0);
    owe(&world, ada, 1000);
    owe(&world, bob, 7);
    clock_advance(&world.clock, 180 * DAY_US);
    CHECK_INT(write_off(&world), 2);
    CHECK_OK(flow_written_off(&world.flow, 0, 9, &world.arena, &rows, &count, &err), &err);
    CHECK_INT((int64_t)count, 2);
    CHECK_INT(rows[0].user_id, ada.user_id);
    CHECK_INT(rows[0].amount.nanodollars, 1000 * BILLING_CENT);
    CHECK_INT(rows[0].at.microseconds, clock_now(&world.clock).microseconds);
    CHECK_INT(rows[1].user_id, bob.user_id);
    int64_t first = rows[0].journal_id;
    CHECK_OK(flow_written_off(&world.flow, first, 9, &world.arena, &rows, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_INT(rows[0].user_id, bob.user_id);
    CHECK_OK(flow_written_off(&world.flow, 0, 1, &world.arena, &rows, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_INT(rows[0].journal_id, first);
    world_close(&world);
}

/* Whatever statement fails, nothing is half done, and it is done the next time. */
static void test_a_failure_leaves_the_debt(void **state)
{
    struct world world;
    struct error err;
    size_t count;
    int statements = 0;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 0);
    owe(&world, ada, 1000);
    clock_advance(&world.clock, 180 * DAY_US);
    struct hash before = world_dump(&world);
    for (;; statements++) {
        world_fail_after(&world, statements);
        bool is_done = flow_write_off(&world.flow, &count, &err);
        world_fail_none(&world);
        if (is_done)
            break;
        check_row("statement %d", statements);
        CHECK_INT(err.code, ERROR_IO);
        CHECK_UNCHANGED(&world, before);
    }
    CHECK(statements > 0);
    (void)write_off(&world); /* where the connection that writes is another, it has done so */
    CHECK_INT(debt(&world, ada), 0);
    CHECK_INT(world_number(&world, BAD), 1000 * BILLING_CENT);
    world_check(&world);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_debt_is_given_up_after_180_days_and_no_sooner),
        cmocka_unit_test(test_a_payment_in_time_is_of_what_is_oldest),
        cmocka_unit_test(test_what_came_later_stays),
        cmocka_unit_test(test_a_payment_that_comes_too_late_is_credit),
        cmocka_unit_test(test_operators_see_what_was_given_up),
        cmocka_unit_test(test_a_failure_leaves_the_debt),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
