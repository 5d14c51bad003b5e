/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/prepay.h"

#include "flow/admin.h"
#include "flow/extend.h"
#include "flow/instance_change.h"
#include "flow/lifetime.h"
#include "flow/machines.h"
#include "flow/no_credit.h"
#include "flow/post_usage.h"
#include "flow/reclaim.h"
#include "flow/statement.h"
#include "flow/support_check.h"
#include "market/reclaim.h"

#define DOLLAR ((int64_t)NANODOLLARS_PER_DOLLAR)
#define HOUR   ((int64_t)US_PER_HOUR)

/* $0.36 an hour and 10 GB at $0.15 a month, for a month: less a fifth. */
#define MONTH (INT64_C(208560000000))

struct scene {
    struct world world;
    struct world_machine machine;
    struct caller ada;
    int64_t id;
};

static void deposit(struct scene *scene, int64_t dollars, const char *ticket)
{
    enum admin_outcome outcome;
    struct error err;

    CHECK_OK(flow_deposit(&scene->world.flow, scene->ada.user_id,
                          (struct money){ dollars * DOLLAR }, ticket, &outcome, &err),
             &err);
}

/* Ada has $5 given and so much bought, and something that runs on one GPU of two. */
static void open_scene(struct scene *scene, void **state, int64_t bought)
{
    world_open(&scene->world, *state);
    scene->ada = world_user(&scene->world, "ada@berth.test", 5);
    if (bought > 0)
        deposit(scene, bought, "w");
    world_host(&scene->world, &scene->machine, "a", 2);
    scene->id = world_running(&scene->world, &scene->machine, scene->ada, 1);
}

static void close_scene(struct scene *scene)
{
    world_check(&scene->world);
    check_is_clean(scene->world.support);
    world_close(&scene->world);
}

static struct prepay_reply prepay(struct scene *scene, int64_t nanodollars)
{
    struct prepay_reply reply;
    struct error err;

    CHECK_OK(flow_prepay(&scene->world.flow, &scene->ada, scene->id, (struct money){ nanodollars },
                         &reply, &err),
             &err);
    return reply;
}

static struct deposit_view view_of(struct scene *scene)
{
    struct deposit_view view;
    struct error err;
    bool has;

    CHECK_OK(flow_deposit_view(&scene->world.flow, &scene->ada, scene->id, &view, &has, &err),
             &err);
    CHECK(has);
    return view;
}

static void post(struct scene *scene)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_post_usage(&scene->world.flow, &count, &err), &err);
}

static size_t look(struct scene *scene)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_reservations(&scene->world.flow, &count, &err), &err);
    return count;
}

static size_t stop_broke(struct scene *scene)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_no_credit(&scene->world.flow, &count, &err), &err);
    return count;
}

typedef bool change_call(const struct flow *flow, const struct caller *caller, int64_t id,
                         enum change_outcome *ret, struct error *err);

static void change(struct scene *scene, change_call *call)
{
    enum change_outcome outcome;
    struct error err;

    CHECK_OK(call(&scene->world.flow, &scene->ada, scene->id, &outcome, &err), &err);
}

static struct contract_row row_of(struct scene *scene)
{
    return world_contract(&scene->world, scene->id);
}

static int64_t bought(struct scene *scene)
{
    return world_number_of(&scene->world,
                           "SELECT cr_posted - dr_posted FROM account WHERE code = 2010 "
                           "AND owner_id = $1",
                           scene->ada.user_id);
}

static int64_t earned(struct scene *scene)
{
    return world_number_of(&scene->world,
                           "SELECT cr_posted - dr_posted FROM account WHERE code = 2110 "
                           "AND owner_id = $1",
                           scene->machine.host.user_id);
}

static void test_a_month_ahead_costs_a_fifth_less(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 300);
    CHECK_INT(row_of(&scene).kind, KIND_ON_DEMAND);
    CHECK(!view_of(&scene).is_reserved);
    CHECK_INT(view_of(&scene).max_ppm, 400000);
    CHECK_INT(view_of(&scene).plans[0].amount.nanodollars, MONTH);
    CHECK_INT(view_of(&scene).plans[2].discount_ppm, 400000);
    struct prepay_reply reply = prepay(&scene, MONTH);
    CHECK_INT(reply.outcome, PREPAY_DONE);
    CHECK_INT(reply.plan.hours, 720);
    CHECK_INT(reply.plan.months_ppm, 1000000);
    CHECK_INT(reply.plan.discount_ppm, 200000);
    CHECK_INT(row_of(&scene).kind, KIND_RESERVED);
    CHECK_INT(row_of(&scene).terms.gpu_hour.nanodollars, 288000000);
    CHECK_INT(bought(&scene), 300 * DOLLAR - MONTH);

    /* An hour of it costs the deposit alone, at $0.288 and $1.2 a month. */
    int64_t credit = world_credit(&scene.world, scene.ada), host = earned(&scene);
    world_run(&scene.world, &scene.machine, HOUR);
    CHECK_INT(world_credit(&scene.world, scene.ada), credit);
    struct deposit_view view = view_of(&scene);
    CHECK_INT(view.left.nanodollars, MONTH - 288000000 - 1666666);
    CHECK_INT(view.given.nanodollars, 72000000 + 416666);
    CHECK_INT(view.back.nanodollars, view.left.nanodollars - view.given.nanodollars);
    CHECK_INT(view.hours, 720);
    post(&scene);
    CHECK_INT(world_credit(&scene.world, scene.ada), credit);
    CHECK_INT(earned(&scene) - host, 216000000 + 1249999); /* three quarters, rounded down */
    struct instance_view instance = world_instance(&scene.world, scene.ada, scene.id);
    CHECK(instance.deposit.is_reserved);
    CHECK_INT(instance.total_hour.nanodollars, 288000000 + 1666667);
    close_scene(&scene);
}

static void test_refusals_write_nothing(void **state)
{
    struct scene scene;
    struct prepay_reply reply;

    open_scene(&scene, state, 300);
    world_run(&scene.world, &scene.machine, 600 * US_PER_SECOND);
    struct hash before = world_dump(&scene.world);
    CHECK_INT(prepay(&scene, 0).outcome, PREPAY_BAD_AMOUNT);
    CHECK_INT(prepay(&scene, -1).outcome, PREPAY_BAD_AMOUNT);
    CHECK_INT(prepay(&scene, DOLLAR / 3).outcome, PREPAY_TOO_LITTLE);
    /* What is given cannot be paid: $305 less ten minutes are there. */
    CHECK_INT(prepay(&scene, 300 * DOLLAR + 1).outcome, PREPAY_NO_CREDIT);
    reply = prepay(&scene, 3000 * DOLLAR);
    CHECK_INT(reply.outcome, PREPAY_TOO_MUCH);
    CHECK_INT(reply.most.nanodollars, INT64_C(1877040000000)); /* a year at 60 % */
    struct caller ada = scene.ada;
    scene.ada = scene.machine.host;
    CHECK_INT(prepay(&scene, MONTH).outcome, PREPAY_NO_INSTANCE);
    scene.ada = ada;
    CHECK_UNCHANGED(&scene.world, before);
    CHECK_INT(prepay(&scene, 300 * DOLLAR).outcome, PREPAY_DONE);
    CHECK_INT(bought(&scene), 0);
    close_scene(&scene);
}

static void test_a_bid_cannot_be_reserved(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 300);
    struct rental_reply bid = world_bid(&scene.world, scene.ada, scene.machine.id, 1, 100);
    CHECK_INT(bid.outcome, RENT_OK);
    int64_t id = scene.id;
    scene.id = bid.instance_id;
    CHECK_INT(prepay(&scene, MONTH).outcome, PREPAY_IS_BID);
    scene.id = id;
    close_scene(&scene);
}

/* Nobody gets the discount of months and then pays by the day. */
static void test_a_payment_never_lowers_the_discount(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 2000);
    CHECK_INT(prepay(&scene, MONTH).outcome, PREPAY_DONE);
    /* The same again at once is the same payment. */
    int64_t left = bought(&scene);
    CHECK_INT(prepay(&scene, MONTH).outcome, PREPAY_DONE);
    CHECK_INT(prepay(&scene, MONTH).plan.discount_ppm, 200000);
    CHECK_INT(bought(&scene), left);
    for (int hour = 0; hour < 2; hour++) {
        world_run(&scene.world, &scene.machine, HOUR);
        post(&scene);
    }
    /* Two hours are gone: that much at least. */
    struct prepay_reply reply = prepay(&scene, DOLLAR / 4);
    CHECK_INT(reply.outcome, PREPAY_LOWERS);
    CHECK_INT(reply.least.nanodollars, MONTH - view_of(&scene).left.nanodollars);
    CHECK_INT(prepay(&scene, reply.least.nanodollars - 1).outcome, PREPAY_LOWERS);
    CHECK_INT(prepay(&scene, reply.least.nanodollars).outcome, PREPAY_DONE);
    CHECK_INT(view_of(&scene).left.nanodollars, MONTH);
    CHECK_INT(view_of(&scene).hours, 720);
    /* And more makes it larger. */
    world_run(&scene.world, &scene.machine, 60 * US_PER_SECOND);
    reply = prepay(&scene, INT64_C(938520000000) - view_of(&scene).left.nanodollars);
    CHECK_INT(reply.outcome, PREPAY_DONE);
    CHECK_INT(reply.plan.discount_ppm, 400000);
    CHECK_INT(row_of(&scene).terms.gpu_hour.nanodollars, 216000000);
    close_scene(&scene);
}

/* The rest comes back, less the discount, which is shared out as the charge that it is. */
static void test_who_ends_it_early_pays_the_full_price(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 300);
    CHECK_INT(prepay(&scene, MONTH).outcome, PREPAY_DONE);
    int64_t host = earned(&scene);
    world_run(&scene.world, &scene.machine, HOUR);
    change(&scene, flow_destroy);
    /* In all an hour at $0.36 and a 720th of $1.5, each rounded down. */
    int64_t paid = 288000000 + 1666666 + 72000000 + 416666;
    CHECK_INT(bought(&scene), 300 * DOLLAR - paid);
    CHECK_INT(earned(&scene) - host, 216000000 + 1249999 + 54000000 + 312499);
    CHECK_INT(row_of(&scene).kind, KIND_ON_DEMAND);
    CHECK_INT(world_number(&scene.world, "SELECT kept FROM reservation"), 72000000 + 416666);
    /* On the bill it is a line of its own. */
    CHECK_INT(
        world_number(&scene.world, "SELECT SUM(gross) FROM usage_line WHERE kind = 4 AND host > 0"),
        72000000 + 416666);
    close_scene(&scene);
}

static struct reclaim_reply reclaim(struct scene *scene)
{
    struct reclaim_request request = { .machine_id = scene->machine.id, .reason = "It is sold." };
    struct reclaim_reply reply;
    struct error err;

    CHECK_OK(flow_reclaim(&scene->world.flow, &scene->machine.host, &request, &reply, &err), &err);
    return reply;
}

static void be_deverified(struct scene *scene)
{
    enum admin_outcome outcome;
    struct error err;

    CHECK_OK(flow_set_verification(&scene->world.flow, scene->machine.id, VERIFICATION_DEVERIFIED,
                                   &outcome, &err),
             &err);
}

static void be_reclaimed(struct scene *scene)
{
    CHECK_INT(reclaim(scene).outcome, RECLAIM_DONE);
}

static void be_away(struct scene *scene)
{
    support_script(scene->world.support, "UPDATE machine SET is_online = 0, offline_since_us = 1;");
}

static void be_away_briefly(struct scene *scene)
{
    support_script(scene->world.support,
                   "UPDATE machine SET is_online = 0, offline_since_us = 1795356001000000;");
}

static void be_left_alone(struct scene *scene)
{
    (void)scene;
}

/* Whose fault it is. */
static void test_a_host_that_breaks_off_keeps_nothing(void **state)
{
    static const struct {
        void (*happen)(struct scene *scene);
        bool is_whole;
    } rows[] = {
        { be_left_alone, false }, { be_deverified, true },    { be_reclaimed, true },
        { be_away, true },        { be_away_briefly, false },
    };
    struct scene scene;

    open_scene(&scene, state, 2000);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world_machine machine;
        char name[] = { (char)('b' + (char)i), '\0' };

        check_row("row %zu", i);
        world_host(&scene.world, &machine, name, 1);
        scene.machine = machine;
        scene.id = world_running(&scene.world, &scene.machine, scene.ada, 1);
        CHECK_INT(prepay(&scene, MONTH).outcome, PREPAY_DONE);
        world_run(&scene.world, &scene.machine, 600 * US_PER_SECOND);
        post(&scene);
        rows[i].happen(&scene);
        change(&scene, flow_destroy);
        CHECK_INT(world_number_of(&scene.world,
                                  "SELECT CASE WHEN kept > 0 THEN 1 ELSE 0 END FROM reservation "
                                  "WHERE contract_id = $1",
                                  scene.id),
                  !rows[i].is_whole);
        CHECK_INT(world_number_of(&scene.world,
                                  "SELECT cr_posted - dr_posted FROM account WHERE code = 2050 "
                                  "AND sub_id = $1",
                                  scene.id),
                  0);
        support_script(scene.world.support,
                       "UPDATE machine SET is_online = 1 WHERE is_online = 0;");
    }
    world_close(&scene.world);
}

/* Want of other credit stops what runs on it, and not what is paid for. */
static void test_what_is_paid_ahead_runs_on(void **state)
{
    struct scene scene;
    int64_t reserved, other;

    open_scene(&scene, state, 300);
    reserved = scene.id;
    support_script(scene.world.support,
                   "UPDATE account SET dr_posted = cr_posted - 1000000000 WHERE code = 2020;");
    CHECK_INT(prepay(&scene, 300 * DOLLAR).outcome, PREPAY_DONE);
    CHECK_INT(world_number_of(&scene.world,
                              "SELECT CASE WHEN t_zero_us = 9223372036854775807 THEN 1 ELSE 0 END "
                              "FROM users WHERE id = $1",
                              scene.ada.user_id),
              1);
    other = world_running(&scene.world, &scene.machine, scene.ada, 1);
    for (int hour = 0; hour < 3; hour++) { /* what is left lasts for 2.7 */
        world_run(&scene.world, &scene.machine, HOUR);
        post(&scene);
        (void)stop_broke(&scene);
    }
    world_run(&scene.world, &scene.machine, 10 * US_PER_SECOND);
    CHECK_INT(world_contract(&scene.world, other).state, RENTAL_STOPPED);
    CHECK_INT(world_contract(&scene.world, reserved).state, RENTAL_RUNNING);
    /* It can be stopped and started without any. */
    change(&scene, flow_stop);
    world_run(&scene.world, &scene.machine, 60 * US_PER_SECOND);
    CHECK_INT(world_contract(&scene.world, reserved).state, RENTAL_STOPPED);
    change(&scene, flow_start);
    world_run(&scene.world, &scene.machine, 60 * US_PER_SECOND);
    CHECK_INT(world_contract(&scene.world, reserved).state, RENTAL_RUNNING);
    world_close(&scene.world);
}

/* What a contract was charged, and when its deposit ended, with a posting each so many seconds. */
struct life {
    int64_t charged, closed_us, credit;
};

static struct life live(void **state, int64_t post_us, bool looks)
{
    struct scene scene;
    struct life life;

    open_scene(&scene, state, 20);
    CHECK_INT(prepay(&scene, DOLLAR).outcome, PREPAY_DONE);
    for (int64_t gone = 0; gone < 3 * HOUR; gone += post_us) {
        world_run(&scene.world, &scene.machine, post_us);
        post(&scene);
        if (looks)
            (void)look(&scene);
    }
    CHECK_INT(row_of(&scene).kind, KIND_ON_DEMAND);
    CHECK_INT(row_of(&scene).terms.gpu_hour.nanodollars, 360000000);
    life.closed_us = world_number(&scene.world, "SELECT closed_us FROM reservation");
    life.charged = world_charged(&scene.world, scene.ada, scene.id);
    life.credit = world_credit(&scene.world, scene.ada);
    CHECK_INT(
        world_number(&scene.world, "SELECT cr_posted - dr_posted FROM account WHERE code = 2050"),
        0);
    close_scene(&scene);
    return life;
}

/* The deposit ends with the same microsecond, whenever it is looked at, and then the price is full.
 */
static void check_life(void **state, int64_t post_us, bool looks)
{
    static struct life first;
    struct life life = live(state, post_us, looks);

    /* $1 covers two hours and some, at a discount of a part of a percent. */
    CHECK(life.closed_us > WORLD_START.microseconds + 2 * HOUR);
    CHECK(life.closed_us < WORLD_START.microseconds + 3 * HOUR);
    CHECK_INT(life.credit, 25 * DOLLAR - life.charged);
    if (first.charged == 0)
        first = life;
    CHECK_INT(life.charged, first.charged);
    CHECK_INT(life.closed_us, first.closed_us);
}

static void test_a_deposit_ends_to_the_microsecond(void **state)
{
    check_life(state, 300 * US_PER_SECOND, true);
}

static void test_however_seldom_it_is_posted(void **state)
{
    check_life(state, HOUR, false);
}

static void test_or_at_other_moments(void **state)
{
    check_life(state, HOUR / 4, false);
}

/* GPU time takes nobody into debt where a deposit ends without other credit behind it. */
static void test_the_end_of_a_deposit_is_the_end_of_credit(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 1);
    support_script(scene.world.support, "UPDATE users SET spend_cap = 0;");
    CHECK_INT(prepay(&scene, DOLLAR).outcome, PREPAY_DONE);
    /* The given credit goes to somebody else's use: traffic, say. */
    support_script(scene.world.support,
                   "UPDATE account SET dr_posted = cr_posted WHERE code = 2020;");
    for (int64_t gone = 0; gone < 3 * HOUR; gone += 60 * US_PER_SECOND) {
        world_run(&scene.world, &scene.machine, 60 * US_PER_SECOND);
        (void)look(&scene);
        (void)stop_broke(&scene);
    }
    CHECK_INT(row_of(&scene).kind, KIND_ON_DEMAND);
    CHECK_INT(row_of(&scene).state, RENTAL_STOPPED);
    /* Disk alone is owed. */
    CHECK_INT(world_number(&scene.world,
                           "SELECT COALESCE(SUM(t.amount), 0) FROM transfer t "
                           "JOIN account a ON a.id = t.dr WHERE a.code = 1210 AND t.code = 11"),
              0);
    world_close(&scene.world);
}

/* Whatever happens to deposits, what was paid is what was drawn, kept, given back and is there; and
 * the renter has paid what the host and the house have got. */
static void test_no_nanodollar_is_lost_or_made(void **state)
{
    struct scene scene;
    int64_t total = 0;

    open_scene(&scene, state, 3000);
    for (int step = 0; step < 60; step++) {
        check_row("step %d", step);
        switch (check_random(7)) {
        case 0:
            (void)prepay(&scene, (int64_t)check_random(400) * DOLLAR + (int64_t)check_random(99));
            break;
        case 1:
            (void)prepay(&scene, (int64_t)check_random((uint64_t)DOLLAR) + DOLLAR / 2);
            break;
        case 2:
            change(&scene, check_random(2) == 0 ? flow_stop : flow_start);
            break;
        case 3:
            if (check_random(3) == 0) {
                change(&scene, flow_destroy);
                world_run(&scene.world, &scene.machine, 10 * US_PER_SECOND);
                scene.id = world_running(&scene.world, &scene.machine, scene.ada, 1);
            }
            break;
        case 4:
            (void)look(&scene);
            break;
        default:
            world_run(&scene.world, &scene.machine,
                      (int64_t)check_random((uint64_t)(8 * 60 * US_PER_SECOND)));
            if (check_random(2) == 0)
                post(&scene);
        }
        if (step % 10 == 9)
            check_is_clean(scene.world.support);
    }
    total = world_number(&scene.world, "SELECT SUM(CASE WHEN code IN (2010, 2020, 2050, 2110) "
                                       "THEN cr_posted - dr_posted ELSE 0 END) FROM account") +
            world_number(&scene.world,
                         "SELECT COALESCE(SUM(t.amount), 0) FROM transfer t "
                         "JOIN account a ON a.id = t.cr WHERE a.code BETWEEN 4010 AND 4040");
    CHECK_INT(total, 3005 * DOLLAR);
    close_scene(&scene);
}

static void test_others_see_that_it_is_reserved(void **state)
{
    struct scene scene;
    struct machine_view *views;
    struct wallet_view *entries;
    struct error err;
    size_t count;

    open_scene(&scene, state, 300);
    CHECK_INT(prepay(&scene, MONTH).outcome, PREPAY_DONE);
    CHECK_OK(flow_machines(&scene.world.flow, &scene.machine.host, scene.machine.id,
                           &scene.world.arena, &views, &count, &err),
             &err);
    CHECK_INT(views[0].reserved_count, 1);
    CHECK_INT(views[0].running_reserved_count, 1);
    CHECK_INT(views[0].firm_count, 0);
    CHECK_INT(views[0].running_count, 1);
    world_run(&scene.world, &scene.machine, HOUR);
    change(&scene, flow_destroy);
    CHECK_OK(flow_wallet(&scene.world.flow, &scene.ada, (struct instant){ 0 }, INSTANT_NEVER,
                         &scene.world.arena, &entries, &count, &err),
             &err);
    int64_t paid = 0, back = 0;
    for (size_t i = 0; i < count; i++)
        if (entries[i].entry.kind == JOURNAL_RESERVATION)
            *(entries[i].entry.is_out ? &paid : &back) += entries[i].entry.amount.nanodollars;
    CHECK_INT(paid, MONTH);
    CHECK_INT(back, world_number(&scene.world, "SELECT given_back FROM reservation"));
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_month_ahead_costs_a_fifth_less),
        cmocka_unit_test(test_refusals_write_nothing),
        cmocka_unit_test(test_a_bid_cannot_be_reserved),
        cmocka_unit_test(test_a_payment_never_lowers_the_discount),
        cmocka_unit_test(test_who_ends_it_early_pays_the_full_price),
        cmocka_unit_test(test_a_host_that_breaks_off_keeps_nothing),
        cmocka_unit_test(test_what_is_paid_ahead_runs_on),
        cmocka_unit_test(test_a_deposit_ends_to_the_microsecond),
        cmocka_unit_test(test_however_seldom_it_is_posted),
        cmocka_unit_test(test_or_at_other_moments),
        cmocka_unit_test(test_the_end_of_a_deposit_is_the_end_of_credit),
        cmocka_unit_test(test_no_nanodollar_is_lost_or_made),
        cmocka_unit_test(test_others_see_that_it_is_reserved),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
