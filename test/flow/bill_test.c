/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/bill.h"

#include <pthread.h>

#include "flow/instance_change.h"
#include "flow/payout.h"
#include "flow/post_usage.h"
#include "flow/usage.h"
#include "market/billing.h"
#include "support.h"

#define HOUR_US (3600 * US_PER_SECOND)

/* The first Friday after WORLD_START. */
#define CUT ((struct instant){ INT64_C(1795737600000000) })

struct scene {
    struct world world;
    struct world_machine machine;
    struct caller ada;
    int64_t id;
};

/* One GPU at $0.36 an hour and 10 GB, running since so many hours before the cut. Its share of
 * three hours is $0.81. */
static void open_scene(struct scene *scene, void **state, int64_t hours)
{
    world_open(&scene->world, *state);
    scene->world.flow.payout_min = (struct money){ NANODOLLARS_PER_DOLLAR / 2 };
    world_pass(&scene->world, instant_until(WORLD_START, CUT) - hours * HOUR_US);
    scene->ada = world_user(&scene->world, "ada@berth.test", 1000);
    world_host(&scene->world, &scene->machine, "a", 1);
    scene->id = world_running(&scene->world, &scene->machine, scene->ada, 1);
}

static size_t bill(struct scene *scene)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_bill_hosts(&scene->world.flow, &count, &err), &err);
    return count;
}

static void run_until(struct scene *scene, struct instant at)
{
    while (instant_compare(clock_now(&scene->world.clock), at) < 0) {
        int64_t left_us = instant_until(clock_now(&scene->world.clock), at);

        world_pass(&scene->world, left_us < 25 * US_PER_SECOND ? left_us : 25 * US_PER_SECOND);
        CHECK_INT(world_beat(&scene->world, &scene->machine), TAKE_DONE);
    }
}

static int64_t number(struct scene *scene, const char *sql)
{
    return world_number(&scene->world, sql);
}

static void test_a_week_is_invoiced_to_the_microsecond(void **state)
{
    struct scene scene;
    int64_t lasts_us = 3 * HOUR_US;

    open_scene(&scene, state, 3);
    CHECK_INT((int64_t)bill(&scene), 1); /* the week before: nothing */
    CHECK_INT(number(&scene, "SELECT COUNT(*) FROM host_invoice"), 0);
    run_until(&scene, instant_add(CUT, 59 * US_PER_SECOND));
    CHECK_INT((int64_t)bill(&scene), 0); /* not all has been confirmed */
    run_until(&scene, instant_add(CUT, 60 * US_PER_SECOND));
    CHECK_INT((int64_t)bill(&scene), 1);
    CHECK_INT((int64_t)bill(&scene), 0);

    CHECK_INT(number(&scene, "SELECT COUNT(*) FROM host_invoice"), 1);
    CHECK_INT(number(&scene, "SELECT until_us FROM host_invoice"), CUT.microseconds);
    CHECK_INT(number(&scene, "SELECT used FROM host_invoice_line WHERE comp = 1"), lasts_us);
    CHECK_INT(number(&scene, "SELECT used FROM host_invoice_line WHERE comp = 2"), lasts_us);
    CHECK_INT(number(&scene, "SELECT gross FROM host_invoice_line WHERE comp = 1"), 1080000000);
    CHECK_INT(number(&scene, "SELECT host FROM host_invoice_line WHERE comp = 1"), 810000000);
    CHECK_INT(number(&scene, "SELECT gross FROM host_invoice_line WHERE comp = 2"), 6250000);
    CHECK_INT(number(&scene, "SELECT CAST(SUM(host) AS BIGINT) FROM host_invoice_line"),
              number(&scene, "SELECT total FROM host_invoice"));
    CHECK_INT(number(&scene, "SELECT total FROM host_invoice"),
              number(&scene,
                     "SELECT t.amount FROM transfer t JOIN journal j ON j.id = t.journal_id "
                     "WHERE j.kind = 5"));
    world_check(&scene.world);
    world_close(&scene.world);
}

static void test_whole_cents_are_paid_and_the_rest_stays(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 3);
    run_until(&scene, instant_add(CUT, 60 * US_PER_SECOND));
    CHECK_INT((int64_t)bill(&scene), 1);
    CHECK_INT(number(&scene, "SELECT total FROM host_invoice"), 814687500);
    CHECK_INT(number(&scene, "SELECT amount FROM payout"), 810000000);
    CHECK_INT(number(&scene, "SELECT cr_posted - dr_posted FROM account WHERE code = 2120"),
              4687500);
    CHECK_INT(number(&scene, "SELECT cr_posted - dr_posted FROM account WHERE code = 2130"),
              810000000);
    world_check(&scene.world);
    world_close(&scene.world);
}

/* Both sides of the edge: a minimum of what is owed, and of a nanodollar more. */
static void test_less_than_the_minimum_is_carried_over(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 3);
    run_until(&scene, instant_add(CUT, 60 * US_PER_SECOND));
    scene.world.flow.payout_min = (struct money){ 814687501 };
    CHECK_INT((int64_t)bill(&scene), 1);
    CHECK_INT(number(&scene, "SELECT COUNT(*) FROM payout"), 0);
    world_pass(&scene.world, BILLING_WEEK_US);
    CHECK_INT((int64_t)bill(&scene), 1);
    CHECK_INT(number(&scene, "SELECT COUNT(*) FROM host_invoice"), 2);
    int64_t both = number(&scene, "SELECT CAST(SUM(total) AS BIGINT) FROM host_invoice");
    CHECK_INT(number(&scene, "SELECT amount FROM payout"), both / BILLING_CENT * BILLING_CENT);
    /* The second begins where the first ended, to the microsecond: the disk of a week. */
    CHECK_INT(
        number(&scene, "SELECT used FROM host_invoice_line WHERE comp = 2 AND invoice_id = 2"),
        BILLING_WEEK_US);
    world_check(&scene.world);
    world_close(&scene.world);
}

static void test_the_minimum_itself_is_paid(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 3);
    run_until(&scene, instant_add(CUT, 60 * US_PER_SECOND));
    scene.world.flow.payout_min = (struct money){ 814687500 };
    CHECK_INT((int64_t)bill(&scene), 1);
    CHECK_INT(number(&scene, "SELECT amount FROM payout"), 810000000);
    world_close(&scene.world);
}

static bool post_now(struct db *db, void *context, struct error *err)
{
    struct scene *scene = context;
    auto_arena struct arena arena = arena_of(WORLD_ARENA);
    struct change change;
    bool has;

    return change_begin(&change, db, scene->machine.id, clock_now(&scene->world.clock), &arena,
                        &has, err) &&
           post_usage_of(&change, scene->id, err) && change_end(&change, err);
}

/* As the job does, where the last posting is so long ago. */
static void scene_post(struct scene *scene, int64_t every_us)
{
    struct instant posted = { number(scene, "SELECT posted_us FROM contract") };
    struct instant now = clock_now(&scene->world.clock);
    struct error err;

    if (instant_until(posted, now) >= every_us && usage_is_settled(now))
        CHECK_OK(store_write(scene->world.flow.store, post_now, scene, &err), &err);
}

static enum payout_outcome move(struct scene *scene, enum payout_state to, const char *reference)
{
    struct payout_request request = { .payout_id = number(scene, "SELECT MAX(id) FROM payout"),
                                      .to = to,
                                      .reference = reference,
                                      .reason = to == PAYOUT_PAID ? "" : "no such account" };
    enum payout_outcome outcome;
    enum payout_state now;
    struct error err;

    CHECK_OK(flow_payout_move(&scene->world.flow, &request, &outcome, &now, &err), &err);
    return outcome;
}

/* Two servers find the same work; and one that died had not committed. */
static void test_a_week_is_billed_once_whoever_comes_second(void **state)
{
    struct scene scene;
    struct flow other;

    open_scene(&scene, state, 1);
    run_until(&scene, instant_add(CUT, 60 * US_PER_SECOND));
    CHECK_INT((int64_t)bill(&scene), 1);
    struct hash before = world_dump(&scene.world);
    other = scene.world.flow;
    struct error err;
    size_t count;
    CHECK_OK(flow_bill_hosts(&other, &count, &err), &err);
    CHECK_INT((int64_t)count, 0);
    CHECK_UNCHANGED(&scene.world, before);

    /* A machine that joins later brings the week up again, and no second bill. */
    struct world_machine late;
    world_machine(&scene.world, &late, scene.machine.host, "late", 1);
    CHECK_INT((int64_t)bill(&scene), 1);
    CHECK_INT(number(&scene, "SELECT COUNT(*) FROM host_invoice"), 1);
    CHECK(number(&scene, "SELECT COUNT(*) FROM payout") <= 1);
    CHECK_INT((int64_t)bill(&scene), 0);
    world_check(&scene.world);
    world_close(&scene.world);
}

enum { RACERS = 4 };

static void *race(void *context)
{
    struct scene *scene = context;
    struct error err;
    size_t count;

    return flow_bill_hosts(&scene->world.flow, &count, &err) ? scene : NULL;
}

/* As many servers do on PostgreSQL: all at the same moment. */
static void test_of_many_who_bill_at_once_one_does(void **state)
{
    struct scene scene;
    pthread_t threads[RACERS];
    void *is_done;

    open_scene(&scene, state, 1);
    run_until(&scene, instant_add(CUT, 60 * US_PER_SECOND));
    scene.world.flow.payout_min = (struct money){ BILLING_CENT };
    for (int i = 0; i < RACERS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, race, &scene), 0);
    for (int i = 0; i < RACERS; i++) {
        CHECK_INT(pthread_join(threads[i], &is_done), 0);
        CHECK(is_done != NULL);
    }
    CHECK_INT(number(&scene, "SELECT COUNT(*) FROM host_invoice"), 1);
    CHECK_INT(number(&scene, "SELECT COUNT(*) FROM payout"), 1);
    CHECK_INT(number(&scene, "SELECT COUNT(*) FROM journal WHERE kind IN (5, 6)"), 2);
    CHECK_INT(number(&scene, "SELECT last FROM bill_series WHERE series = 'HINV'"), 1);
    world_check(&scene.world);
    world_close(&scene.world);
}

static int64_t mails(struct scene *scene, const char *text)
{
    return number(scene, arena_printf(&scene->world.arena,
                                      "SELECT COUNT(*) FROM outbox WHERE provider = 'mail' AND "
                                      "path = 'host-a@berth.test' AND body LIKE '%%%s%%'",
                                      text));
}

/* The week with its payout once, whoever bills again; and what became of it, each once. */
static void test_a_host_is_told_of_its_payout(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 3);
    run_until(&scene, instant_add(CUT, 60 * US_PER_SECOND));
    CHECK_INT(mails(&scene, "payout"), 0);
    CHECK_INT((int64_t)bill(&scene), 1);
    CHECK_INT((int64_t)bill(&scene), 0);
    CHECK_INT(mails(&scene, "payout"), 1);
    CHECK_INT(mails(&scene, "\"payout_made\",\"amount\":\"0.81\",\"from\":\"2026-11-20\","
                            "\"until\":\"2026-11-26\",\"invoice\":\"HINV-2026-000001\","
                            "\"method\":\"the operator\",\"arrives\":\"2026-11-30\""),
              1);
    CHECK_INT(move(&scene, PAYOUT_SUBMITTED, "wire 1"), PAYOUT_DONE);
    CHECK_INT(mails(&scene, "payout"), 1);
    CHECK_INT(move(&scene, PAYOUT_PAID, "wire 1"), PAYOUT_DONE);
    CHECK_INT(move(&scene, PAYOUT_PAID, "wire 1"), PAYOUT_WAS_DONE);
    CHECK_INT(mails(&scene, "\"payout_paid\",\"amount\":\"0.81\""), 1);
    CHECK_INT(move(&scene, PAYOUT_RETURNED, ""), PAYOUT_DONE);
    CHECK_INT(mails(&scene, "\"payout_back\",\"amount\":\"0.81\",\"reason\":\"no such account\""),
              1);
    CHECK_INT(mails(&scene, "payout"), 3);
    world_close(&scene.world);
}

/* Too little to be paid is no payout. */
static void test_of_no_payout_nothing_is_told(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 3);
    run_until(&scene, instant_add(CUT, 60 * US_PER_SECOND));
    scene.world.flow.payout_min = (struct money){ 814687501 };
    CHECK_INT((int64_t)bill(&scene), 1);
    CHECK_INT(mails(&scene, "payout"), 0);
    world_close(&scene.world);
}

static void test_a_payout_is_settled_once(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 3);
    run_until(&scene, instant_add(CUT, 60 * US_PER_SECOND));
    CHECK_INT((int64_t)bill(&scene), 1);
    int64_t amount = number(&scene, "SELECT amount FROM payout");
    CHECK_INT(move(&scene, PAYOUT_PAID, "wire 1"), PAYOUT_DONE);
    struct hash before = world_dump(&scene.world);
    CHECK_INT(move(&scene, PAYOUT_PAID, "wire 1"), PAYOUT_WAS_DONE);
    CHECK_INT(move(&scene, PAYOUT_PAID, ""), PAYOUT_WAS_DONE);
    CHECK_INT(move(&scene, PAYOUT_PAID, "wire 2"), PAYOUT_NO_WAY);
    CHECK_INT(move(&scene, PAYOUT_FAILED, ""), PAYOUT_NO_WAY);
    CHECK_UNCHANGED(&scene.world, before);
    CHECK_INT(number(&scene, "SELECT cr_posted - dr_posted FROM account WHERE code = 2130"), 0);
    CHECK_INT(
        number(&scene,
               "SELECT CAST(SUM(t.amount) AS BIGINT) FROM transfer t JOIN account a ON a.id = t.cr "
               "WHERE a.code = 1010"),
        amount);
    world_check(&scene.world);

    /* It comes back after all, and is owed again: next week pays it. */
    CHECK_INT(move(&scene, PAYOUT_RETURNED, ""), PAYOUT_DONE);
    CHECK(number(&scene, "SELECT cr_posted - dr_posted FROM account WHERE code = 2120") >= amount);
    world_pass(&scene.world, BILLING_WEEK_US);
    CHECK_INT((int64_t)bill(&scene), 1);
    CHECK_INT(number(&scene, "SELECT COUNT(*) FROM payout"), 2);
    CHECK(number(&scene, "SELECT amount FROM payout WHERE id = 2") > amount);
    CHECK_INT(move(&scene, PAYOUT_FAILED, ""), PAYOUT_DONE);
    world_check(&scene.world);
    world_close(&scene.world);
}

/* What comes to light after the cut belongs to the next week: a bill that is made stays as it is.
 */
static void test_a_bill_that_is_made_never_changes(void **state)
{
    struct scene scene;
    struct error err;
    size_t count;

    open_scene(&scene, state, 3);
    run_until(&scene, instant_add(CUT, -HOUR_US));
    world_silence(&scene.world, 2 * HOUR_US); /* no server over the cut: an hour on either side */
    world_pass(&scene.world, 0);
    CHECK_INT((int64_t)bill(&scene), 1);
    int64_t total = number(&scene, "SELECT total FROM host_invoice");
    CHECK_INT(number(&scene, "SELECT used FROM host_invoice_line WHERE comp = 1"), 2 * HOUR_US);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE); /* and tells of the gap */
    CHECK_OK(flow_post_usage(&scene.world.flow, &count, &err), &err);
    CHECK_INT((int64_t)bill(&scene), 0);
    CHECK_INT(number(&scene, "SELECT total FROM host_invoice"), total);
    world_pass(&scene.world, BILLING_WEEK_US);
    CHECK_INT((int64_t)bill(&scene), 1);
    /* The gap is in the second, all of it. */
    CHECK_INT(
        number(&scene, "SELECT used FROM host_invoice_line WHERE comp = 1 AND invoice_id = 2"),
        2 * HOUR_US);
    CHECK_INT(number(&scene, "SELECT CAST(SUM(total) AS BIGINT) FROM host_invoice"),
              number(&scene, "SELECT CAST(SUM(t.amount) AS BIGINT) FROM transfer t JOIN journal j "
                             "ON j.id = t.journal_id WHERE j.kind = 5"));
    world_check(&scene.world);
    world_close(&scene.world);
}

/* Three that run side by side, posted every ten seconds, every ten minutes, and hardly ever: every
 * line of every day is the same. */
static void test_the_lines_do_not_depend_on_the_postings(void **state)
{
    static const int64_t every_us[] = { 10 * US_PER_SECOND, 600 * US_PER_SECOND, 9 * HOUR_US };
    static struct scene scene;
    static struct world_machine machines[3];
    int64_t ids[3];

    world_open(&scene.world, *state);
    scene.ada = world_user(&scene.world, "ada@berth.test", 1000);
    world_pass(&scene.world, instant_until(WORLD_START, CUT) - 1500 * US_PER_SECOND);
    for (int i = 0; i < 3; i++)
        world_host(&scene.world, &machines[i], (const char *[]){ "a", "b", "c" }[i], 1);
    for (int i = 0; i < 3; i++)
        ids[i] = world_running(&scene.world, &machines[i], scene.ada, 1);
    for (int at = -1500; at <= 900; at += 5) {
        if (at > -1500)
            world_pass(&scene.world, 5 * US_PER_SECOND);
        for (int i = 0; i < 3; i++) {
            scene.machine = machines[i];
            scene.id = ids[i];
            CHECK_INT(world_beat(&scene.world, &machines[i]), TAKE_DONE);
            scene_post(&scene, at < 900 ? every_us[i] : 0);
        }
    }
    for (int i = 1; i < 3; i++) {
        CHECK_INT(world_number_of(&scene.world,
                                  "SELECT CAST(SUM(gross * (day - 20000)) AS BIGINT) "
                                  "FROM usage_line WHERE contract_id = $1",
                                  ids[i]),
                  world_number_of(&scene.world,
                                  "SELECT CAST(SUM(gross * (day - 20000)) AS BIGINT) "
                                  "FROM usage_line WHERE contract_id = $1",
                                  ids[0]));
        CHECK_INT(world_number_of(&scene.world,
                                  "SELECT CAST(SUM(used * (day - 20000)) AS BIGINT) "
                                  "FROM usage_line WHERE contract_id = $1",
                                  ids[i]),
                  world_number_of(&scene.world,
                                  "SELECT CAST(SUM(used * (day - 20000)) AS BIGINT) "
                                  "FROM usage_line WHERE contract_id = $1",
                                  ids[0]));
    }
    CHECK_INT(number(&scene, "SELECT COUNT(*) FROM usage_line"), 12); /* two days, two components */
    CHECK(number(&scene, "SELECT MAX(usage_count) FROM contract") >
          10 * number(&scene, "SELECT MIN(usage_count) FROM contract"));
    world_check(&scene.world);
    world_close(&scene.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_week_is_invoiced_to_the_microsecond),
        cmocka_unit_test(test_whole_cents_are_paid_and_the_rest_stays),
        cmocka_unit_test(test_less_than_the_minimum_is_carried_over),
        cmocka_unit_test(test_the_minimum_itself_is_paid),
        cmocka_unit_test(test_a_week_is_billed_once_whoever_comes_second),
        cmocka_unit_test(test_of_many_who_bill_at_once_one_does),
        cmocka_unit_test(test_a_host_is_told_of_its_payout),
        cmocka_unit_test(test_of_no_payout_nothing_is_told),
        cmocka_unit_test(test_a_payout_is_settled_once),
        cmocka_unit_test(test_a_bill_that_is_made_never_changes),
        cmocka_unit_test(test_the_lines_do_not_depend_on_the_postings),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
