/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/hold.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "flow/admin.h"
#include "flow/bill.h"
#include "flow/no_credit.h"
#include "flow/post_usage.h"
#include "flow/show_user.h"
#include "flow/support_check.h"
#include "flow/transfer.h"
#include "store/ledger.h"

#define CENT    INT64_C(10000000)
#define HOUR_US (3600 * US_PER_SECOND)

/* A GPU at $0.36 an hour for Ada, who has so many dollars of bought credit, and nothing else. */
struct scene {
    struct world world;
    struct world_machine machine;
    struct caller ada;
    int64_t contract; /* running; 0: none */
};

static void deposit(struct scene *scene, int64_t amount, const char *ticket)
{
    enum admin_outcome outcome;
    struct error err;

    CHECK_OK(flow_deposit(&scene->world.flow, scene->ada.user_id, (struct money){ amount }, ticket,
                          &outcome, &err),
             &err);
    CHECK_INT(outcome, ADMIN_DONE);
}

static void open_scene(struct scene *scene, void **state, int64_t dollars)
{
    world_open(&scene->world, *state);
    scene->contract = 0;
    scene->ada = world_user(&scene->world, "ada@berth.test", 0);
    deposit(scene, dollars * NANODOLLARS_PER_DOLLAR, "first");
}

static void close_scene(struct scene *scene)
{
    check_is_clean(scene->world.support);
    world_check(&scene->world);
    world_close(&scene->world);
}

static void run_something(struct scene *scene)
{
    world_host(&scene->world, &scene->machine, "a", 1);
    scene->contract = world_running(&scene->world, &scene->machine, scene->ada, 1);
}

static enum hold_outcome place(struct scene *scene, struct hold_request request, int64_t *ret_id)
{
    enum hold_outcome outcome;
    struct error err;

    CHECK_OK(flow_hold_place(&scene->world.flow, &request, &outcome, ret_id, &err), &err);
    return outcome;
}

static struct hold_request of_credit(const struct scene *scene, int64_t amount)
{
    return (struct hold_request){ .kind = HOLD_CREDIT,
                                  .user_id = scene->ada.user_id,
                                  .amount = { amount },
                                  .ticket = "t1",
                                  .note = "card looks stolen",
                                  .until = INSTANT_NEVER };
}

static enum hold_outcome release(struct scene *scene, int64_t id)
{
    enum hold_outcome outcome;
    struct error err;

    CHECK_OK(flow_hold_release(&scene->world.flow, id, &outcome, &err), &err);
    return outcome;
}

static enum hold_outcome take(struct scene *scene, int64_t id, int64_t amount)
{
    enum hold_outcome outcome;
    struct error err;

    CHECK_OK(flow_hold_take(&scene->world.flow, &(struct hold_taking){ id, { amount }, 0 },
                            &outcome, &err),
             &err);
    return outcome;
}

static int64_t expire(struct scene *scene)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_hold_expire(&scene->world.flow, &count, &err), &err);
    return (int64_t)count;
}

static struct user_view view(struct scene *scene, struct caller caller)
{
    struct user_view found;
    struct error err;

    CHECK_OK(flow_show_user(&scene->world.flow, &caller, &scene->world.arena, &found, &err), &err);
    return found;
}

static int64_t prepaid(struct scene *scene)
{
    return world_number(&scene->world,
                        "SELECT cr_posted - dr_posted - dr_pending FROM account WHERE code = 2010");
}

static int64_t debt(struct scene *scene)
{
    return world_number(&scene->world,
                        "SELECT dr_posted - cr_posted FROM account WHERE code = 1210");
}

static void test_held_credit_is_not_to_be_spent(void **state)
{
    struct scene scene;
    enum transfer_outcome given;
    struct error err;
    int64_t id;

    open_scene(&scene, state, 10);
    struct caller bob = world_user(&scene.world, "bob@berth.test", 0);
    CHECK_INT(place(&scene, of_credit(&scene, 7 * NANODOLLARS_PER_DOLLAR), &id), HOLD_DONE);
    CHECK_INT(world_credit(&scene.world, scene.ada), 3 * NANODOLLARS_PER_DOLLAR);
    CHECK_INT(view(&scene, scene.ada).held_credit.nanodollars, 7 * NANODOLLARS_PER_DOLLAR);
    CHECK_OK(flow_transfer(&scene.world.flow, &scene.ada, "bob@berth.test",
                           (struct money){ 3 * NANODOLLARS_PER_DOLLAR + 1 }, &given, &err),
             &err);
    CHECK_INT(given, TRANSFER_NO_CREDIT);
    CHECK_OK(flow_transfer(&scene.world.flow, &scene.ada, "bob@berth.test",
                           (struct money){ 3 * NANODOLLARS_PER_DOLLAR }, &given, &err),
             &err);
    CHECK_INT(given, TRANSFER_DONE);
    CHECK_INT(world_credit(&scene.world, bob), 3 * NANODOLLARS_PER_DOLLAR);
    CHECK_INT(release(&scene, id), HOLD_DONE);
    CHECK_INT(world_credit(&scene.world, scene.ada), 7 * NANODOLLARS_PER_DOLLAR);
    CHECK_INT(view(&scene, scene.ada).held_credit.nanodollars, 0);
    close_scene(&scene);
}

static void test_a_ticket_holds_once(void **state)
{
    struct scene scene;
    int64_t id, again = 0;

    open_scene(&scene, state, 10);
    struct hold_request request = of_credit(&scene, 4 * NANODOLLARS_PER_DOLLAR);
    CHECK_INT(place(&scene, request, &id), HOLD_DONE);
    struct hash before = world_dump(&scene.world);
    CHECK_INT(place(&scene, request, &again), HOLD_WAS_DONE);
    CHECK_INT(again, id);
    request.amount.nanodollars++;
    CHECK_INT(place(&scene, request, &again), HOLD_TICKET_USED);
    CHECK_UNCHANGED(&scene.world, before);
    close_scene(&scene);
}

static void test_what_cannot_be_held_is_refused(void **state)
{
    struct scene scene;
    char text[HOLD_NOTE_MAX + 2];
    int64_t id;

    open_scene(&scene, state, 10);
    struct hash before = world_dump(&scene.world);
    memset(text, 'x', sizeof text);
    text[HOLD_TICKET_MAX + 1] = '\0';
    struct hold_request request = of_credit(&scene, 10 * NANODOLLARS_PER_DOLLAR + 1);
    CHECK_INT(place(&scene, request, &id), HOLD_NOT_COVERED);
    request.amount.nanodollars = 0;
    CHECK_INT(place(&scene, request, &id), HOLD_BAD_AMOUNT);
    request.amount.nanodollars = -1;
    CHECK_INT(place(&scene, request, &id), HOLD_BAD_AMOUNT);
    request.amount.nanodollars = 5;
    request.ticket = text;
    CHECK_INT(place(&scene, request, &id), HOLD_TOO_LONG);
    request.ticket = "";
    CHECK_INT(place(&scene, request, &id), HOLD_TOO_LONG);
    request.ticket = "t";
    memset(text, 'x', sizeof text);
    text[HOLD_NOTE_MAX + 1] = '\0';
    request.note = text;
    CHECK_INT(place(&scene, request, &id), HOLD_TOO_LONG);
    request.note = "";
    request.user_id += 100;
    CHECK_INT(place(&scene, request, &id), HOLD_NOT_FOUND);
    request.user_id -= 100;
    request.kind = HOLD_EARNINGS;
    CHECK_INT(place(&scene, request, &id), HOLD_NOT_COVERED);
    CHECK_INT(release(&scene, 99), HOLD_NOT_FOUND);
    CHECK_INT(take(&scene, 99, 0), HOLD_NOT_FOUND);
    CHECK_UNCHANGED(&scene.world, before);
    /* Both sides: all of it can be. */
    text[HOLD_NOTE_MAX] = '\0';
    request = of_credit(&scene, 10 * NANODOLLARS_PER_DOLLAR);
    request.note = text;
    CHECK_INT(place(&scene, request, &id), HOLD_DONE);
    CHECK_INT(world_credit(&scene.world, scene.ada), 0);
    close_scene(&scene);
}

/* Credit that ends sooner stops what runs; what disk costs meanwhile is a debt, which what is
 * let go pays at once. */
static void test_letting_go_pays_the_debt_first(void **state)
{
    struct scene scene;
    struct error err;
    size_t count;
    int64_t id;

    open_scene(&scene, state, 10);
    run_something(&scene);
    world_run(&scene.world, &scene.machine, 60 * US_PER_SECOND);
    /* All that is left: who pays for the minute that has run is settled before. */
    int64_t left = world_credit(&scene.world, scene.ada);
    CHECK_INT(place(&scene, of_credit(&scene, left), &id), HOLD_DONE);
    CHECK_INT(prepaid(&scene), 0);
    CHECK_OK(flow_no_credit(&scene.world.flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    world_run(&scene.world, &scene.machine, 2 * HOUR_US);
    CHECK_INT(world_contract(&scene.world, scene.contract).state, RENTAL_STOPPED);
    CHECK_OK(flow_post_usage(&scene.world.flow, &count, &err), &err);
    CHECK(debt(&scene) > 0);
    check_is_clean(scene.world.support);
    int64_t owed = -world_credit(&scene.world, scene.ada);
    CHECK(owed > 0);
    CHECK_INT(release(&scene, id), HOLD_DONE);
    CHECK_INT(debt(&scene), 0);
    CHECK_INT(world_credit(&scene.world, scene.ada), left - owed);
    close_scene(&scene);
}

static void test_credit_that_was_sent_back_is_gone(void **state)
{
    struct scene scene;
    int64_t id;

    open_scene(&scene, state, 10);
    CHECK_INT(place(&scene, of_credit(&scene, 6 * NANODOLLARS_PER_DOLLAR), &id), HOLD_DONE);
    CHECK_INT(take(&scene, id, 6 * NANODOLLARS_PER_DOLLAR + 1), HOLD_BAD_AMOUNT);
    CHECK_INT(take(&scene, id, -1), HOLD_BAD_AMOUNT);
    CHECK_INT(take(&scene, id, 5 * NANODOLLARS_PER_DOLLAR), HOLD_DONE);
    CHECK_INT(world_credit(&scene.world, scene.ada), 5 * NANODOLLARS_PER_DOLLAR);
    struct hash before = world_dump(&scene.world);
    CHECK_INT(take(&scene, id, 0), HOLD_WAS_DONE);
    CHECK_INT(release(&scene, id), HOLD_NO_WAY);
    CHECK_UNCHANGED(&scene.world, before);
    CHECK_INT(world_number(&scene.world, "SELECT t.amount FROM transfer t JOIN journal j "
                                         "ON j.id = t.journal_id WHERE j.kind = 12"),
              5 * NANODOLLARS_PER_DOLLAR);
    close_scene(&scene);
}

static void test_a_hold_ends_when_its_time_is_over(void **state)
{
    struct scene scene;
    int64_t id;

    open_scene(&scene, state, 10);
    struct hold_request request = of_credit(&scene, 6 * NANODOLLARS_PER_DOLLAR);
    request.until = instant_add(clock_now(&scene.world.clock), HOUR_US);
    CHECK_INT(place(&scene, request, &id), HOLD_DONE);
    world_pass(&scene.world, HOUR_US - 1);
    CHECK_INT(expire(&scene), 0);
    CHECK_INT(world_credit(&scene.world, scene.ada), 4 * NANODOLLARS_PER_DOLLAR);
    world_pass(&scene.world, 1);
    CHECK_INT(expire(&scene), 1);
    CHECK_INT(expire(&scene), 0);
    CHECK_INT(world_credit(&scene.world, scene.ada), 10 * NANODOLLARS_PER_DOLLAR);
    CHECK_INT(release(&scene, id), HOLD_NO_WAY);
    CHECK_INT(take(&scene, id, 0), HOLD_NO_WAY);
    CHECK_INT(world_number(&scene.world, "SELECT state FROM hold"), HOLD_EXPIRED);
    close_scene(&scene);
}

static struct hold_request of_deposit(const struct scene *scene, int64_t amount)
{
    return (struct hold_request){ .kind = HOLD_DEPOSIT,
                                  .user_id = scene->ada.user_id,
                                  .amount = { amount },
                                  .ticket = "wire 2",
                                  .note = "",
                                  .until =
                                      instant_add(clock_now(&scene->world.clock), 24 * HOUR_US) };
}

static void test_what_is_on_its_way_is_told_and_not_spendable(void **state)
{
    struct scene scene;
    int64_t id, again;

    open_scene(&scene, state, 1);
    CHECK_INT(place(&scene, of_deposit(&scene, 500 * CENT), &id), HOLD_DONE);
    CHECK_INT(place(&scene, of_deposit(&scene, 500 * CENT), &again), HOLD_WAS_DONE);
    CHECK_INT(again, id);
    CHECK_INT(world_credit(&scene.world, scene.ada), NANODOLLARS_PER_DOLLAR);
    CHECK_INT(view(&scene, scene.ada).pending_credit.nanodollars, 500 * CENT);
    check_is_clean(scene.world.support);
    CHECK_INT(take(&scene, id, 0), HOLD_NO_WAY);
    deposit(&scene, 500 * CENT, "wire 2");
    deposit(&scene, 500 * CENT, "wire 2");
    CHECK_INT(world_credit(&scene.world, scene.ada), 600 * CENT);
    CHECK_INT(view(&scene, scene.ada).pending_credit.nanodollars, 0);
    CHECK_INT(world_number(&scene.world, "SELECT count(*) FROM deposit WHERE state = 2"), 2);
    CHECK_INT(world_number(&scene.world, "SELECT state FROM hold"), HOLD_CAPTURED);
    CHECK_INT(place(&scene, of_deposit(&scene, 500 * CENT), &again), HOLD_WAS_DONE);
    CHECK_INT(again, id);
    close_scene(&scene);
}

static void give_up(void **state, bool is_by_hand)
{
    struct scene scene;
    int64_t id;

    open_scene(&scene, state, 1);
    CHECK_INT(place(&scene, of_deposit(&scene, 500 * CENT), &id), HOLD_DONE);
    if (is_by_hand) {
        CHECK_INT(release(&scene, id), HOLD_DONE);
    } else {
        world_pass(&scene.world, 24 * HOUR_US);
        CHECK_INT(expire(&scene), 1);
    }
    CHECK_INT(view(&scene, scene.ada).pending_credit.nanodollars, 0);
    CHECK_INT(world_number(&scene.world, "SELECT count(*) FROM deposit WHERE state = 4"), 1);
    check_is_clean(scene.world.support);
    deposit(&scene, 500 * CENT, "wire 2");
    CHECK_INT(world_credit(&scene.world, scene.ada), 600 * CENT);
    close_scene(&scene);
}

static void test_what_is_given_up_may_come_all_the_same(void **state)
{
    give_up(state, true);
}

static void test_what_has_not_come_in_time_may_come_late(void **state)
{
    give_up(state, false);
}

/* What a host is owed and must not get is in no payout; the rest is. */
static void test_held_earnings_are_in_no_payout(void **state)
{
    struct scene scene;
    struct instant cut = { INT64_C(1795737600000000) };
    struct error err;
    size_t count;
    int64_t id;

    open_scene(&scene, state, 100);
    scene.world.flow.payout_min = (struct money){ 1000 * NANODOLLARS_PER_DOLLAR };
    world_pass(&scene.world, instant_until(WORLD_START, cut) - 3 * HOUR_US);
    run_something(&scene);
    world_run(&scene.world, &scene.machine, 3 * HOUR_US + 70 * US_PER_SECOND);
    CHECK_OK(flow_bill_hosts(&scene.world.flow, &count, &err), &err);
    int64_t owed =
        world_number(&scene.world, "SELECT cr_posted - dr_posted FROM account WHERE code = 2120");
    CHECK(owed > 50 * CENT);
    struct hold_request request = { .kind = HOLD_EARNINGS,
                                    .user_id = scene.machine.host.user_id,
                                    .amount = { owed - 20 * CENT },
                                    .ticket = "t1",
                                    .note = "",
                                    .until = INSTANT_NEVER };
    CHECK_INT(place(&scene, request, &id), HOLD_DONE);
    CHECK_INT(view(&scene, scene.machine.host).held_earnings.nanodollars, owed - 20 * CENT);
    scene.world.flow.payout_min = (struct money){ CENT };
    world_run(&scene.world, &scene.machine, 60 * US_PER_SECOND);
    world_pass(&scene.world, 7 * 24 * HOUR_US);
    CHECK_OK(flow_bill_hosts(&scene.world.flow, &count, &err), &err);
    int64_t paid = world_number(&scene.world, "SELECT amount FROM payout");
    int64_t free = world_number(
        &scene.world, "SELECT cr_posted - dr_posted - dr_pending FROM account WHERE code = 2120");
    CHECK(paid >= 20 * CENT);
    CHECK(free >= 0 && free < CENT);
    check_is_clean(scene.world.support);
    CHECK_INT(take(&scene, id, owed - 30 * CENT), HOLD_DONE);
    CHECK_INT(world_number(&scene.world, "SELECT cr_posted - dr_posted - dr_pending FROM account "
                                         "WHERE code = 2120"),
              free + 10 * CENT);
    close_scene(&scene);
}

/* Many at once hold the same credit: as much as there is, once. */
struct holder {
    struct scene *scene;
    pthread_t thread;
    char ticket[16];
    enum hold_outcome outcome;
    bool is_ok;
    struct error err;
};

static void *hold_on(void *context)
{
    struct holder *holder = context;
    struct hold_request request = of_credit(holder->scene, 3 * NANODOLLARS_PER_DOLLAR);
    int64_t id;

    request.ticket = holder->ticket;
    holder->is_ok =
        flow_hold_place(&holder->scene->world.flow, &request, &holder->outcome, &id, &holder->err);
    return NULL;
}

static void test_many_hold_no_more_than_there_is(void **state)
{
    enum { HOLDERS = 6 };
    struct holder holders[HOLDERS];
    struct scene scene;
    int done = 0;

    open_scene(&scene, state, 10);
    for (int i = 0; i < HOLDERS; i++) {
        holders[i] = (struct holder){ .scene = &scene };
        (void)snprintf(holders[i].ticket, sizeof holders[i].ticket, "t%d", i);
        CHECK(pthread_create(&holders[i].thread, NULL, hold_on, &holders[i]) == 0);
    }
    for (int i = 0; i < HOLDERS; i++) {
        CHECK(pthread_join(holders[i].thread, NULL) == 0);
        CHECK_OK(holders[i].is_ok, &holders[i].err);
        CHECK(holders[i].outcome == HOLD_DONE || holders[i].outcome == HOLD_NOT_COVERED);
        done += holders[i].outcome == HOLD_DONE;
    }
    CHECK_INT(done, 3);
    CHECK_INT(world_credit(&scene.world, scene.ada), NANODOLLARS_PER_DOLLAR);
    close_scene(&scene);
}

/* Whatever happens to holds, deposits and usage, in whatever order: the books are clean, and what
 * may be spent is what was deposited less what was charged, sent back and is held. */
static void test_the_laws_hold_after_any_sequence(void **state)
{
    enum { STEPS = 60 };
    struct scene scene;
    struct error err;
    size_t count;

    open_scene(&scene, state, 2);
    run_something(&scene);
    for (int i = 0; i < STEPS; i++) {
        struct hold_request request =
            check_random(2) == 0 ? of_credit(&scene, 1 + (int64_t)check_random(80 * CENT))
                                 : of_deposit(&scene, 1 + (int64_t)check_random(80 * CENT));
        int64_t id = 1 + (int64_t)check_random(12);
        char ticket[16];

        (void)snprintf(ticket, sizeof ticket, "t%d", i);
        request.ticket = ticket;
        request.until =
            instant_add(clock_now(&scene.world.clock), (int64_t)check_random(4 * HOUR_US));
        check_row("step %d", i);
        switch (check_random(6)) {
        case 0:
        case 1:
            (void)place(&scene, request, &id);
            break;
        case 2:
            (void)release(&scene, id);
            break;
        case 3:
            (void)take(&scene, id, (int64_t)check_random(40 * CENT));
            break;
        case 4:
            deposit(&scene, request.amount.nanodollars, ticket);
            break;
        default:
            world_run(&scene.world, &scene.machine, 20 * US_PER_SECOND);
            world_pass(&scene.world, (int64_t)check_random(HOUR_US));
            CHECK_OK(flow_no_credit(&scene.world.flow, &count, &err), &err);
            CHECK_OK(flow_post_usage(&scene.world.flow, &count, &err), &err);
            (void)expire(&scene);
        }
        if (i % 4 == 3)
            check_is_clean(scene.world.support);
    }
    CHECK_OK(flow_post_usage(&scene.world.flow, &count, &err), &err);
    CHECK_INT(prepaid(&scene) - debt(&scene),
              world_number(&scene.world, "SELECT CAST(sum(amount) AS BIGINT) FROM deposit "
                                         "WHERE state = 2") -
                  world_number(&scene.world,
                               "SELECT CAST(COALESCE(sum(gross), 0) AS BIGINT) FROM usage_line") -
                  world_number(&scene.world, "SELECT CAST(COALESCE(sum(t.amount), 0) AS BIGINT) "
                                             "FROM transfer t WHERE t.code = 63") -
                  world_number(&scene.world, "SELECT CAST(COALESCE(sum(amount), 0) AS BIGINT) "
                                             "FROM hold WHERE state = 0 AND kind = 2"));
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_held_credit_is_not_to_be_spent),
        cmocka_unit_test(test_a_ticket_holds_once),
        cmocka_unit_test(test_what_cannot_be_held_is_refused),
        cmocka_unit_test(test_letting_go_pays_the_debt_first),
        cmocka_unit_test(test_credit_that_was_sent_back_is_gone),
        cmocka_unit_test(test_a_hold_ends_when_its_time_is_over),
        cmocka_unit_test(test_what_is_on_its_way_is_told_and_not_spendable),
        cmocka_unit_test(test_what_is_given_up_may_come_all_the_same),
        cmocka_unit_test(test_what_has_not_come_in_time_may_come_late),
        cmocka_unit_test(test_held_earnings_are_in_no_payout),
        cmocka_unit_test(test_many_hold_no_more_than_there_is),
        cmocka_unit_test(test_the_laws_hold_after_any_sequence),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
