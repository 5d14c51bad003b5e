/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/bill_batch.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

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
    struct bill_counts counts;
};

static bool batch_work(struct db *db, void *context, struct error *err)
{
    struct attempt *attempt = context;
    const struct flow *flow = &attempt->scene->world.flow;

    return bill_batch(db, flow, &attempt->range, clock_now(flow->clock), &attempt->counts, err);
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
                               { .billed = 9 } };
    struct hash before = world_dump(&scene.world);
    CHECK_OK(
        store_write_in_turn(scene.world.flow.store, STORE_TURN_BILLS, batch_work, &attempt, &err),
        &err);
    CHECK_INT((int64_t)attempt.counts.billed, 0);
    CHECK_INT((int64_t)attempt.counts.unposted, 4);
    CHECK_UNCHANGED(&scene.world, before);
    support_script(scene.world.support, "UPDATE contract SET started_us = 0 WHERE id = 1;");
    CHECK_OK(
        store_write_in_turn(scene.world.flow.store, STORE_TURN_BILLS, batch_work, &attempt, &err),
        &err);
    CHECK_INT((int64_t)attempt.counts.billed, 1);
    CHECK_INT((int64_t)attempt.counts.unposted, 3);
    CHECK_INT(number(&scene, "SELECT COUNT(*) FROM host_invoice"), 0); /* it has earned nothing */
    CHECK_INT((int64_t)bill(&scene), 3);
    CHECK_INT(number(&scene, "SELECT COUNT(*) FROM host_invoice"), 3);
    world_close(&scene.world);
}

/* What is posted of the contract of machine 2 is not noted, however often one tries. */
static void hold_posted(struct support *support)
{
    support_script(support, support->is_postgres
                                ? "CREATE RULE held AS ON UPDATE TO contract WHERE old.id = 2 "
                                  "DO INSTEAD NOTHING;"
                                : "CREATE TRIGGER held BEFORE UPDATE ON contract WHEN old.id = 2 "
                                  "BEGIN SELECT RAISE(IGNORE); END;");
}

/* One that stays behind is passed over and said, and is nothing that was done: whoever is told of
 * nothing more may rest. */
static void test_one_that_cannot_be_posted_is_said(void **state)
{
    struct scene scene;
    char said[512] = "";
    FILE *file = tmpfile();

    CHECK(file != NULL);
    open_scene(&scene, state, HOSTS);
    pass_cut(&scene);
    int64_t host = number(&scene, "SELECT owner_id FROM machine WHERE id = 2");
    hold_posted(scene.world.support);
    scene.world.log = (struct log){ .fd = fileno(file) };
    CHECK_INT((int64_t)bill(&scene), HOSTS - 1);
    CHECK_INT(number(&scene, "SELECT COUNT(*) FROM host_invoice"), HOSTS - 1);
    rewind(file);
    CHECK(fgets(said, sizeof said, file) != NULL);
    CHECK(strstr(said, "hosts not billed") != NULL);
    char *name = arena_printf(&scene.world.arena, "among them host %lld\"", (long long)host);
    CHECK(strstr(said, name) != NULL);
    scene.world.log = log_silent();
    (void)fclose(file);
    world_close(&scene.world);
}

static void break_books(struct scene *scene, int64_t machine_id)
{
    struct instant cut = billing_cut(clock_now(&scene->world.clock));
    char date[BILLING_DATE_SIZE], sql[256];

    (void)billing_date_format(billing_day(instant_add(cut, 1)), date);
    (void)snprintf(sql, sizeof sql,
                   "INSERT INTO journal (idem_key, body_hash, kind, occurred_us, posted_us, "
                   "ref_kind, ref_id) SELECT 'hinv:' || owner_id || ':%s', '', 5, 0, 0, 4, 1 "
                   "FROM machine WHERE id = %lld;",
                   date, (long long)machine_id);
    support_script(scene->world.support, sql);
}

/* One whose books are broken: it says so, and everybody else is billed, in its batch and in those
 * after it. */
static void test_one_that_fails_keeps_nobody_waiting(void **state)
{
    struct scene scene;
    struct error err;
    size_t count;

    open_scene(&scene, state, HOSTS);
    pass_cut(&scene);
    break_books(&scene, 2);
    for (int i = 0; i < 2; i++) {
        CHECK(!flow_bill_hosts(&scene.world.flow, &count, &err));
        CHECK_INT(err.code, ERROR_CORRUPT);
        CHECK_INT((int64_t)count, i == 0 ? HOSTS - 1 : 0);
        CHECK_INT(number(&scene, "SELECT COUNT(*) FROM host_invoice"), HOSTS - 1);
        CHECK_INT(number(&scene, "SELECT last FROM bill_series WHERE series = 'HINV'"), HOSTS - 1);
        CHECK_INT(number(&scene, "SELECT COUNT(*) FROM payout"), HOSTS - 1);
    }
    world_close(&scene.world);
}

enum { SERVERS = 3 };

struct server {
    struct flow flow;
    pthread_t thread;
    size_t count;
    bool is_done;
};

static void *serve(void *context)
{
    struct server *server = context;
    struct error err;

    server->is_done = flow_bill_hosts(&server->flow, &server->count, &err);
    return NULL;
}

/* Servers that begin at the same moment part ways: each host is billed by one of them, and nobody
 * leaves before all are. */
static void test_servers_share_the_hosts(void **state)
{
    struct server servers[SERVERS] = { 0 };
    struct scene scene;
    size_t sum = 0;

    open_scene(&scene, state, 2 * HOSTS);
    pass_cut(&scene);
    for (int i = 0; i < SERVERS; i++) {
        servers[i].flow = scene.world.flow;
        CHECK_INT(pthread_create(&servers[i].thread, NULL, serve, &servers[i]), 0);
    }
    for (int i = 0; i < SERVERS; i++) {
        CHECK_INT(pthread_join(servers[i].thread, NULL), 0);
        CHECK(servers[i].is_done);
        sum += servers[i].count;
    }
    CHECK_INT((int64_t)sum, 2 * HOSTS);
    CHECK_INT(number(&scene, "SELECT COUNT(*) FROM host_invoice"), 2 * HOSTS);
    CHECK_INT(number(&scene, "SELECT COUNT(DISTINCT host_id) FROM payout"), 2 * HOSTS);
    CHECK_INT(number(&scene, "SELECT COUNT(*) FROM payout"), 2 * HOSTS);
    CHECK_INT(number(&scene, "SELECT last FROM bill_series WHERE series = 'HINV'"), 2 * HOSTS);
    world_check(&scene.world);
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
        cmocka_unit_test(test_one_that_cannot_be_posted_is_said),
        cmocka_unit_test(test_servers_share_the_hosts),
        cmocka_unit_test(test_one_that_fails_keeps_nobody_waiting),
        cmocka_unit_test(test_one_payout_a_host_and_week),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
