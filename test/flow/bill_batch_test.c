/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/bill_batch.h"

#include <stdio.h>

#include "flow/bill.h"
#include "flow/payout.h"
#include "market/billing.h"
#include "support.h"

enum { HOSTS = BILL_BATCH + 3 };

struct scene {
    struct world world;
    struct caller ada;
};

static void add_hosts(struct scene *scene, int from, int until)
{
    for (int i = from; i < until; i++) {
        struct world_machine machine;
        char name[16];

        (void)snprintf(name, sizeof name, "m%d", i);
        world_host(&scene->world, &machine, name, 1);
        CHECK_INT(world_rent(&scene->world, scene->ada, world_offer(&scene->world, machine.id, 1))
                      .outcome,
                  RENTAL_MADE);
        arena_release(&scene->world.arena);
    }
}

static void open_scene(struct scene *scene, void **state, int hosts)
{
    world_open(&scene->world, *state);
    scene->world.flow.payout_min = (struct money){ BILLING_CENT };
    scene->ada = world_user(&scene->world, "ada@berth.test", 100000);
    add_hosts(scene, 0, hosts);
}

static int64_t number(struct scene *scene, const char *sql)
{
    return world_number(&scene->world, sql);
}

static void pass_cut(struct scene *scene)
{
    struct instant now = clock_now(&scene->world.clock);
    struct instant cut = instant_add(billing_cut(now), BILLING_WEEK_US);

    world_pass(&scene->world, instant_until(now, cut) + 3600 * US_PER_SECOND);
}

static size_t bill(struct scene *scene)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_bill_hosts(&scene->world.flow, &count, &err), &err);
    return count;
}

/* Hosts that were invoiced up to different weeks share a batch: each gets the days that it is owed,
 * all of them, and no other's. */
static void test_each_gets_its_own_days(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 3);
    pass_cut(&scene);
    /* One of them is passed over, and has two weeks in its first invoice. */
    support_script(scene.world.support,
                   "UPDATE machine SET billed_us = billed_us + 9000000000000000 WHERE id = 2;");
    CHECK_INT((int64_t)bill(&scene), 2);
    support_script(scene.world.support,
                   "UPDATE machine SET billed_us = billed_us - 9000000000000000 WHERE id = 2;");
    CHECK_INT(number(&scene, "SELECT COUNT(*) FROM host_invoice"), 2);
    add_hosts(&scene, 3, HOSTS);
    pass_cut(&scene);
    CHECK_INT((int64_t)bill(&scene), HOSTS);
    CHECK_INT(number(&scene, "SELECT COUNT(*) FROM host_invoice"), 2 + HOSTS);
    CHECK_INT(number(&scene, "SELECT last FROM bill_series WHERE series = 'HINV'"), 2 + HOSTS);
    CHECK_INT(number(&scene, "SELECT COUNT(DISTINCT number) FROM host_invoice"), 2 + HOSTS);
    CHECK_INT(number(&scene, "SELECT COUNT(*) FROM payout"), 2 + HOSTS);
    CHECK_INT(number(&scene,
                     "SELECT COUNT(*) FROM machine m WHERE (SELECT SUM(l.host) FROM usage_line l "
                     "WHERE l.host_id = m.owner_id AND l.until_us <= m.billed_us) <> "
                     "(SELECT SUM(i.total) FROM host_invoice i WHERE i.host_id = m.owner_id)"),
              0);
    world_check(&scene.world);
    world_close(&scene.world);
}

struct attempt {
    struct scene *scene;
    struct bill_range range;
    size_t count;
};

static bool batch_work(struct db *db, void *context, struct error *err)
{
    struct attempt *attempt = context;
    const struct flow *flow = &attempt->scene->world.flow;

    return bill_batch(db, flow, &attempt->range, clock_now(flow->clock), &attempt->count, err);
}

/* Whose usage is not in the books waits; the others do not wait for it. */
static void test_who_is_not_posted_is_left_out(void **state)
{
    struct scene scene;
    struct error err;

    open_scene(&scene, state, 4);
    pass_cut(&scene);
    struct attempt attempt = { &scene,
                               { 0, 1 << 20, billing_cut(clock_now(&scene.world.clock)) },
                               9 };
    struct hash before = world_dump(&scene.world);
    CHECK_OK(
        store_write_in_turn(scene.world.flow.store, STORE_TURN_BILLS, batch_work, &attempt, &err),
        &err);
    CHECK_INT((int64_t)attempt.count, 0);
    CHECK_UNCHANGED(&scene.world, before);
    support_script(scene.world.support, "UPDATE contract SET started_us = 0 WHERE id = 1;");
    CHECK_OK(
        store_write_in_turn(scene.world.flow.store, STORE_TURN_BILLS, batch_work, &attempt, &err),
        &err);
    CHECK_INT((int64_t)attempt.count, 1);
    CHECK_INT(number(&scene, "SELECT COUNT(*) FROM host_invoice"), 0); /* it has earned nothing */
    CHECK_INT((int64_t)bill(&scene), 3);
    CHECK_INT(number(&scene, "SELECT COUNT(*) FROM host_invoice"), 3);
    world_close(&scene.world);
}

/* One whose books are broken: it says so, and everybody else is billed. */
static void test_one_that_fails_keeps_nobody_waiting(void **state)
{
    struct scene scene;
    char date[BILLING_DATE_SIZE], sql[256];
    struct error err;
    size_t count;

    open_scene(&scene, state, 4);
    pass_cut(&scene);
    struct instant cut = billing_cut(clock_now(&scene.world.clock));
    (void)billing_date_format(billing_day(instant_add(cut, 1)), date);
    (void)snprintf(sql, sizeof sql,
                   "INSERT INTO journal (idem_key, body_hash, kind, occurred_us, posted_us, "
                   "ref_kind, ref_id) SELECT 'hinv:' || owner_id || ':%s', '', 5, 0, 0, 4, 1 "
                   "FROM machine WHERE id = 2;",
                   date);
    support_script(scene.world.support, sql);
    for (int i = 0; i < 2; i++) {
        CHECK(!flow_bill_hosts(&scene.world.flow, &count, &err));
        CHECK_INT(err.code, ERROR_CORRUPT);
        CHECK_INT(number(&scene, "SELECT COUNT(*) FROM host_invoice"), 3);
        CHECK_INT(number(&scene, "SELECT last FROM bill_series WHERE series = 'HINV'"), 3);
        CHECK_INT(number(&scene, "SELECT COUNT(*) FROM payout"), 3);
    }
    world_close(&scene.world);
}

/* What comes back of a payout waits for the next week, though its host is billed again in this one.
 */
static void test_one_payout_a_host_and_week(void **state)
{
    struct scene scene;
    struct world_machine machine, late;
    enum payout_outcome outcome;
    enum payout_state now;
    struct error err;

    open_scene(&scene, state, 0);
    world_host(&scene.world, &machine, "m", 1);
    CHECK_INT(world_rent(&scene.world, scene.ada, world_offer(&scene.world, machine.id, 1)).outcome,
              RENTAL_MADE);
    pass_cut(&scene);
    CHECK_INT((int64_t)bill(&scene), 1);
    const struct payout_request failed = { 1, PAYOUT_FAILED, "", "no such account" };
    CHECK_OK(flow_payout_move(&scene.world.flow, &failed, &outcome, &now, &err), &err);
    CHECK_INT(outcome, PAYOUT_DONE);
    world_machine(&scene.world, &late, machine.host, "late", 1);
    CHECK_INT((int64_t)bill(&scene), 1);
    CHECK_INT((int64_t)bill(&scene), 0);
    CHECK_INT(number(&scene, "SELECT COUNT(*) FROM payout"), 1);
    pass_cut(&scene);
    CHECK_INT((int64_t)bill(&scene), 1);
    CHECK_INT(number(&scene, "SELECT COUNT(*) FROM payout"), 2);
    world_check(&scene.world);
    world_close(&scene.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_gets_its_own_days),
        cmocka_unit_test(test_who_is_not_posted_is_left_out),
        cmocka_unit_test(test_one_that_fails_keeps_nobody_waiting),
        cmocka_unit_test(test_one_payout_a_host_and_week),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
