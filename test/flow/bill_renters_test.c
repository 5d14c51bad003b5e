/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/bill_renters.h"

#include "flow/contact_lost.h"
#include "flow/post_usage.h"
#include "flow/refund.h"
#include "flow/statement.h"
#include "market/billing.h"
#include "support.h"

#define HOUR_US (3600 * US_PER_SECOND)

enum { NOVEMBER = 24322 }; /* 2026 */

struct scene {
    struct world world;
    struct world_machine machine;
    struct caller ada, bob;
    int64_t id;
};

static struct instant month_end(int64_t month)
{
    return billing_midnight(billing_month_start(month + 1));
}

/* Ada's instance runs since an hour before the month ends; Bob has nothing. */
static void open_scene(struct scene *scene, void **state)
{
    world_open(&scene->world, *state);
    scene->ada = world_user(&scene->world, "ada@berth.test", 1000);
    scene->bob = world_user(&scene->world, "bob@berth.test", 1000);
    world_pass(&scene->world, instant_until(WORLD_START, month_end(NOVEMBER)) - HOUR_US);
    world_host(&scene->world, &scene->machine, "a", 1);
    scene->id = world_running(&scene->world, &scene->machine, scene->ada, 1);
    world_run(&scene->world, &scene->machine, HOUR_US);
}

static int64_t number(struct scene *scene, const char *sql)
{
    return world_number(&scene->world, sql);
}

static void post(struct scene *scene)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_post_usage(&scene->world.flow, &count, &err), &err);
}

/* How many accounts were due. */
static size_t bill(struct scene *scene)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_bill_renters(&scene->world.flow, &count, &err), &err);
    return count;
}

static struct statement statement_of(struct scene *scene, struct caller caller, int64_t month)
{
    struct statement statement;
    struct error err;

    CHECK_OK(flow_month_statement(&scene->world.flow, &caller, month, &scene->world.arena,
                                  &statement, &err),
             &err);
    return statement;
}

static void test_a_month_is_billed_when_all_of_it_is_posted(void **state)
{
    struct renter_invoice_row *rows;
    struct scene scene;
    struct error err;
    size_t count;

    open_scene(&scene, state);
    int64_t users = number(&scene, "SELECT COUNT(*) FROM users");
    world_run(&scene.world, &scene.machine, 59 * US_PER_SECOND);
    CHECK_INT((int64_t)bill(&scene), 0); /* midnight is not settled yet */
    world_run(&scene.world, &scene.machine, US_PER_SECOND);
    CHECK_INT((int64_t)bill(&scene), users - 1); /* Ada's last hour is not posted */
    CHECK_INT(number(&scene, "SELECT COUNT(*) FROM renter_invoice"), 0);
    CHECK(statement_of(&scene, scene.ada, NOVEMBER).number == NULL);
    world_run(&scene.world, &scene.machine, 600 * US_PER_SECOND);
    post(&scene);
    CHECK_INT((int64_t)bill(&scene), 1);
    CHECK_INT((int64_t)bill(&scene), 0);

    struct statement november = statement_of(&scene, scene.ada, NOVEMBER);
    CHECK_TEXT(november.number, "INV-2026-000001");
    CHECK_OK(
        flow_statements(&scene.world.flow, &scene.ada, &scene.world.arena, &rows, &count, &err),
        &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_INT(rows[0].month, NOVEMBER);
    /* An hour at $0.36 and 10 GB at $0.15 a month, and not a second of December. */
    CHECK_INT(rows[0].gross.nanodollars, 360000000 + 2083333);
    CHECK_INT(november.gross.nanodollars, rows[0].gross.nanodollars);
    CHECK_INT(rows[0].total.nanodollars, 360000000);
    CHECK(statement_of(&scene, scene.ada, NOVEMBER + 1).gross.nanodollars > 0);
    CHECK(statement_of(&scene, scene.ada, NOVEMBER + 1).number == NULL);
    CHECK(statement_of(&scene, scene.bob, NOVEMBER).number == NULL);
    world_check(&scene.world);
    world_close(&scene.world);
}

/* Who was due is looked at again under the account's lock: between the two, another server may have
 * been there. Here it comes with the lock. */
static void test_what_another_server_has_billed_is_billed_once(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    world_run(&scene.world, &scene.machine, 700 * US_PER_SECOND);
    post(&scene);
    support_script(*state, "-- sqlite:\n"
                           "CREATE TRIGGER other_server AFTER UPDATE OF t_zero_us ON users\n"
                           "BEGIN UPDATE users SET billed_month = 24322 WHERE id = NEW.id; END;\n"
                           "-- postgres:\n"
                           "CREATE FUNCTION bill_first() RETURNS trigger LANGUAGE plpgsql AS $$\n"
                           "BEGIN NEW.billed_month = 24322; RETURN NEW; END $$;\n"
                           "CREATE TRIGGER other_server BEFORE UPDATE OF t_zero_us ON users\n"
                           "FOR EACH ROW EXECUTE FUNCTION bill_first();\n"
                           "-- end\n");
    CHECK(bill(&scene) > 0);
    CHECK_INT(number(&scene, "SELECT COUNT(*) FROM renter_invoice"), 0);
    CHECK_INT((int64_t)bill(&scene), 0);
    world_close(&scene.world);
}

/* Numbers go on without gaps from account to account and month to month, and begin anew each year;
 * who was billed by nobody for two months gets two. */
static void test_every_month_has_a_number(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    world_pass(&scene.world,
               instant_until(clock_now(&scene.world.clock), month_end(NOVEMBER + 2)) + 2 * HOUR_US);
    post(&scene);
    (void)bill(&scene);
    CHECK_TEXT(statement_of(&scene, scene.ada, NOVEMBER).number, "INV-2026-000001");
    CHECK_TEXT(statement_of(&scene, scene.ada, NOVEMBER + 1).number, "INV-2026-000002");
    CHECK_TEXT(statement_of(&scene, scene.ada, NOVEMBER + 2).number, "INV-2027-000001");
    CHECK(statement_of(&scene, scene.ada, NOVEMBER + 3).number == NULL);
    CHECK_INT(number(&scene, "SELECT COUNT(*) FROM renter_invoice"), 3);
    world_check(&scene.world);
    world_close(&scene.world);
}

/* What is taken back after a month was billed is on the next statement; that of the month stands.
 */
static void test_what_is_taken_back_later_is_on_a_later_statement(void **state)
{
    struct refund_request request = { .component = COMPONENT_GPU,
                                      .used = HOUR_US / 2,
                                      .ticket = "t1" };
    struct refund_reply reply;
    struct scene scene;
    struct error err;

    open_scene(&scene, state);
    world_run(&scene.world, &scene.machine, 660 * US_PER_SECOND);
    post(&scene);
    (void)bill(&scene);
    struct money before = statement_of(&scene, scene.ada, NOVEMBER).gross;
    request.contract_id = scene.id;
    CHECK_OK(flow_refund(&scene.world.flow, &request, &reply, &err), &err);
    CHECK_INT(reply.outcome, REFUNDED);
    CHECK_INT(statement_of(&scene, scene.ada, NOVEMBER).gross.nanodollars, before.nanodollars);
    world_check(&scene.world);
    world_pass(&scene.world,
               instant_until(clock_now(&scene.world.clock), month_end(NOVEMBER + 1)) + 2 * HOUR_US);
    post(&scene);
    (void)bill(&scene);
    CHECK_TEXT(statement_of(&scene, scene.ada, NOVEMBER + 1).number, "INV-2026-000002");
    world_check(&scene.world);
    world_close(&scene.world);
}

/* Whichever statement it is: no number is lost, and a month has none or its own. */
static void test_a_database_that_fails_leaves_no_gap(void **state)
{
    int statements = 0;
    bool is_done = false;
    struct scene scene;
    struct error err;
    size_t count;

    open_scene(&scene, state);
    world_run(&scene.world, &scene.machine, 660 * US_PER_SECOND);
    post(&scene);
    for (; !is_done; statements++) {
        check_row("statement %d", statements);
        world_fail_after(&scene.world, statements);
        is_done = flow_bill_renters(&scene.world.flow, &count, &err);
        world_fail_none(&scene.world);
        CHECK(is_done || err.code == ERROR_IO);
        CHECK_INT(number(&scene, "SELECT COUNT(*) FROM renter_invoice"),
                  number(&scene, "SELECT COUNT(*) FROM bill_series WHERE series = 'INV'"));
        CHECK_INT(number(&scene, "SELECT COUNT(*) FROM renter_invoice"),
                  number(&scene, "SELECT COUNT(*) FROM users u WHERE billed_month > 0 AND EXISTS "
                                 "(SELECT 1 FROM usage_line l WHERE l.owner_id = u.id)"));
    }
    check_row(" ");
    CHECK(statements > 6);
    CHECK_TEXT(statement_of(&scene, scene.ada, NOVEMBER).number, "INV-2026-000001");
    CHECK_INT(number(&scene, "SELECT COUNT(*) FROM users WHERE billed_month = 0"), 0);
    world_check(&scene.world);
    world_close(&scene.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_month_is_billed_when_all_of_it_is_posted),
        cmocka_unit_test(test_what_another_server_has_billed_is_billed_once),
        cmocka_unit_test(test_every_month_has_a_number),
        cmocka_unit_test(test_what_is_taken_back_later_is_on_a_later_statement),
        cmocka_unit_test(test_a_database_that_fails_leaves_no_gap),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
