/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/accrued.h"

#include "flow/contact_lost.h"
#include "flow/funds.h"
#include "flow/instance_change.h"
#include "flow/post_usage.h"
#include "flow/support_check.h"
#include "flow/usage.h"

enum { MACHINES = 2, GPUS = 4, INSTANCES_MAX = 6, STEPS = 60 };

struct market {
    struct world world;
    struct world_machine machines[MACHINES];
    struct caller ada;
    int64_t ids[INSTANCES_MAX]; /* 0: none */
    size_t on[INSTANCES_MAX];
};

static void open_market(struct market *market, void **state)
{
    world_open(&market->world, *state);
    support_script(*state, "DELETE FROM posting_guard;");
    market->ada = world_user(&market->world, "ada@berth.test", 100000);
    for (size_t i = 0; i < MACHINES; i++) {
        char name[2] = { (char)('a' + i), '\0' };

        world_host(&market->world, &market->machines[i], name, GPUS);
    }
}

static void beat_all(struct market *market)
{
    for (size_t i = 0; i < MACHINES; i++)
        CHECK_INT(world_beat(&market->world, &market->machines[i]), TAKE_DONE);
}

/* What is kept, beside the sum of everything. */
struct both {
    int64_t user_id;
    struct instant now;
    struct accrual read, kept, summed;
    struct credit credit_kept, credit_summed;
};

static bool both_work(struct db *db, void *context, struct error *err)
{
    auto_arena struct arena arena = arena_of(WORLD_ARENA);
    struct both *both = context;
    struct burn_row *burns;
    struct user_row user;
    struct instant bend;
    size_t count;
    bool has;

    both->summed = (struct accrual){ 0 };
    if (!user_lock(db, both->user_id, err) ||
        !user_load(db, both->user_id, &arena, &user, &has, err) ||
        !accrued_now(db, both->user_id, both->now, &arena, &both->read, err) ||
        !accrued_keep(db, both->user_id, both->now, &arena, &both->kept, err) ||
        !burn_list(db, both->user_id, &arena, &burns, &count, err) ||
        !funds_credit_kept(db, &user, both->now, &arena, &both->credit_kept, err) ||
        !funds_credit(db, &user, both->now, &arena, &both->credit_summed, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct accrual line = usage_accrual(&burns[i], both->now, &bend);

        CHECK(accrual_move(&both->summed, &line, &(struct accrual){ 0 }));
    }
    return true;
}

static struct both compare(struct market *market)
{
    struct both both = { .user_id = market->ada.user_id, .now = clock_now(&market->world.clock) };

    support_write(market->world.support, both_work, &both);
    CHECK(accrual_equals(&both.kept, &both.summed));
    CHECK(accrual_equals(&both.read, &both.summed));
    return both;
}

static void compare_credit(struct market *market)
{
    struct both both = compare(market);

    CHECK(both.credit_kept.accrued == both.credit_summed.accrued);
    CHECK(both.credit_kept.burn == both.credit_summed.burn);
    CHECK_INT(both.credit_kept.posted.nanodollars, both.credit_summed.posted.nanodollars);
    CHECK_INT(both.credit_kept.floor.nanodollars, both.credit_summed.floor.nanodollars);
}

static int64_t due_parts(struct market *market)
{
    return world_number(&market->world, "SELECT count(*) FROM accrued_part WHERE due_us = 0");
}

static void rent_one(struct market *market, size_t slot)
{
    size_t on = check_random(MACHINES);

    if (world_offer(&market->world, market->machines[on].id, 1) == 0)
        return;
    market->ids[slot] = world_running(&market->world, &market->machines[on], market->ada, 1);
    market->on[slot] = on;
}

typedef bool change_flow(const struct flow *flow, const struct caller *caller, int64_t id,
                         enum change_outcome *ret_outcome, struct error *err);

static void do_to(struct market *market, size_t slot, change_flow *change)
{
    enum change_outcome outcome;
    struct error err;

    CHECK_OK(change(&market->world.flow, &market->ada, market->ids[slot], &outcome, &err), &err);
    if (change == flow_destroy)
        market->ids[slot] = 0;
}

static void step(struct market *market)
{
    size_t slot = check_random(INSTANCES_MAX), count;
    struct error err;

    if (market->ids[slot] == 0) {
        rent_one(market, slot);
        return;
    }
    switch (check_random(6)) {
    case 0:
        return do_to(market, slot, flow_stop);
    case 1:
    case 2:
        return do_to(market, slot, flow_start);
    case 3:
        return do_to(market, slot, flow_destroy);
    case 4:
        support_script(market->world.support, "UPDATE contract SET posted_us = posted_us - "
                                              "3600000000;");
        CHECK_OK(flow_post_usage(&market->world.flow, &count, &err), &err);
        return;
    default:
        world_pass(&market->world, (int64_t)check_random(25000000));
        return beat_all(market);
    }
}

/* Whatever happens to what a renter has, what is kept is what summing up everything gives, and the
 * books say so. */
static void test_what_is_kept_is_the_sum_of_everything(void **state)
{
    static struct market market;
    int compared = 0;

    open_market(&market, state);
    for (int i = 0; i < STEPS; i++) {
        check_row("step %d", i);
        world_pass(&market.world, 1000 + (int64_t)check_random(2000000));
        step(&market);
        beat_all(&market);
        if (check_random(3) == 0)
            continue;
        compare_credit(&market);
        CHECK_INT(due_parts(&market), 0);
        compared++;
    }
    check_is_clean(*state);
    CHECK(compared > STEPS / 4);
    for (size_t i = 0; i < INSTANCES_MAX; i++)
        if (market.ids[i] != 0)
            do_to(&market, i, flow_destroy);
    compare_credit(&market);
    CHECK_INT(world_number(&market.world, "SELECT count(*) FROM accrued_part"), 0);
    CHECK_INT(world_number(&market.world, "SELECT count(*) FROM accrued_sum WHERE burn_high = 0 "
                                          "AND burn_low = 0 AND base_high = 0 AND base_low = 0"),
              1);
    check_is_clean(*state);
    world_close(&market.world);
}

/* A look at one changes that one alone, however many others there are. */
static void test_only_what_changed_is_looked_at(void **state)
{
    static struct market market;

    open_market(&market, state);
    for (size_t i = 0; i < 3; i++) {
        market.ids[i] = world_running(&market.world, &market.machines[0], market.ada, 1);
        world_pass(&market.world, US_PER_SECOND);
    }
    (void)compare(&market);
    support_script(*state, "UPDATE accrued_part SET seen_us = 1;");
    do_to(&market, 1, flow_stop);
    (void)compare(&market);
    CHECK_INT(world_number(&market.world, "SELECT count(*) FROM accrued_part WHERE seen_us = 1"),
              2);
    CHECK_INT(world_number_of(&market.world,
                              "SELECT seen_us FROM accrued_part WHERE contract_id = $1",
                              market.ids[0]),
              1);
    world_close(&market.world);
}

/* Who has nothing that runs is still warned of low credit, and no more is left to look at for it.
 */
static void test_what_is_stopped_is_kept_too(void **state)
{
    static struct market market;

    open_market(&market, state);
    market.ids[0] = world_running(&market.world, &market.machines[0], market.ada, 1);
    support_script(*state, "UPDATE users SET warns_low = 1, low_credit = 1000000000 "
                           "WHERE email = 'ada@berth.test';");
    do_to(&market, 0, flow_stop);
    CHECK_INT(due_parts(&market), 0);
    compare_credit(&market);
    world_close(&market.world);
}

/* Storage of a host that is away is charged for 72 hours; nothing happens when they are over. */
static void test_a_line_bends_where_nothing_happens(void **state)
{
    static struct market market;
    struct error err;
    size_t count;

    open_market(&market, state);
    market.ids[0] = world_running(&market.world, &market.machines[0], market.ada, 1);
    world_pass(&market.world, 40 * US_PER_SECOND);
    CHECK_OK(flow_contact_lost(&market.world.flow, &count, &err), &err);
    CHECK(count > 0);
    struct both away = compare(&market);
    CHECK(away.kept.burn > 0);
    int64_t due = world_number(&market.world, "SELECT due_us FROM accrued_part");
    CHECK_INT(due, world_number(&market.world, "SELECT offline_since_us + 259200000000 FROM "
                                               "machine ORDER BY id LIMIT 1"));
    world_pass(&market.world, due - clock_now(&market.world.clock).microseconds - 1);
    CHECK(compare(&market).kept.burn == away.kept.burn);
    world_pass(&market.world, 1);
    struct both over = compare(&market);
    CHECK(over.kept.burn == 0);
    CHECK(over.kept.base == away.kept.burn * due + away.kept.base);
    world_pass(&market.world, 1000 * US_PER_SECOND);
    compare_credit(&market);
    check_is_clean(*state);
    world_close(&market.world);
}

/* GPU time ends with the contract, whether or not somebody has noticed. */
static void test_a_line_bends_where_its_contract_ends(void **state)
{
    static struct market market;

    open_market(&market, state);
    market.ids[0] = world_running(&market.world, &market.machines[0], market.ada, 1);
    struct instant now = clock_now(&market.world.clock);
    struct both running = compare(&market);
    support_script(*state, "UPDATE contract SET end_us = (SELECT metered_us + 20000000 FROM "
                           "run_interval WHERE end_us IS NULL);");
    int64_t end = world_number(&market.world, "SELECT end_us FROM contract");
    world_pass(&market.world, end - now.microseconds - 1);
    CHECK(compare(&market).kept.burn == running.kept.burn);
    CHECK_INT(world_number(&market.world, "SELECT due_us FROM accrued_part"), end);
    world_pass(&market.world, 1);
    CHECK(compare(&market).kept.burn < running.kept.burn);
    beat_all(&market);
    compare_credit(&market);
    world_close(&market.world);
}

/* Whose credit has ended pays for no GPU time behind that: the sum says how much it is. */
static void test_behind_the_end_of_credit_the_sum_counts(void **state)
{
    static struct market market;

    open_market(&market, state);
    market.ids[0] = world_running(&market.world, &market.machines[0], market.ada, 1);
    world_pass(&market.world, 20 * US_PER_SECOND);
    support_script(*state, "UPDATE users SET t_zero_us = (SELECT metered_us + 5000000 FROM "
                           "run_interval WHERE end_us IS NULL) WHERE email = 'ada@berth.test';");
    struct both both = compare(&market);
    CHECK(both.credit_kept.burn == both.credit_summed.burn);
    CHECK(both.credit_kept.accrued == both.credit_summed.accrued);
    CHECK(both.credit_kept.burn < both.kept.burn);
    world_close(&market.world);
}

static void test_more_than_can_be_counted_is_refused(void **state)
{
    static struct market market;
    struct error err;

    open_market(&market, state);
    market.ids[0] = world_running(&market.world, &market.machines[0], market.ada, 1);
    struct both both = compare(&market);
    support_script(*state, "UPDATE accrued_sum SET burn_high = 4611686018427387904, burn_low = 0;\n"
                           "UPDATE meter SET rate = rate + 1 WHERE comp = 1;");
    CHECK_FAILS(store_write(market.world.support->store, both_work, &both, &err), &err,
                ERROR_OUT_OF_RANGE);
    world_close(&market.world);
}

/* Statement by statement. */
static void test_a_database_that_fails_changes_nothing(void **state)
{
    static struct market market;
    bool is_done = false;
    int statements = 0;
    struct error err;

    open_market(&market, state);
    market.ids[0] = world_running(&market.world, &market.machines[0], market.ada, 1);
    market.ids[1] = world_running(&market.world, &market.machines[1], market.ada, 1);
    do_to(&market, 1, flow_destroy);
    do_to(&market, 0, flow_stop);
    /* As where nobody has looked since the one was destroyed. */
    support_script(*state, "UPDATE accrued_part SET due_us = 0;\n"
                           "INSERT INTO accrued_part (contract_id, owner_id) SELECT id, owner_id "
                           "FROM contract WHERE destroyed_us > 0;");
    struct both both = { .user_id = market.ada.user_id, .now = clock_now(&market.world.clock) };
    for (; !is_done; statements++) {
        world_fail_after(&market.world, statements);
        is_done = store_write(market.world.support->store, both_work, &both, &err);
        world_fail_none(&market.world);
        CHECK_INT(due_parts(&market), is_done ? 0 : 2);
    }
    CHECK_INT(world_number(&market.world, "SELECT count(*) FROM accrued_part"), 1);
    CHECK(statements > 8);
    world_close(&market.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_kept_is_the_sum_of_everything),
        cmocka_unit_test(test_only_what_changed_is_looked_at),
        cmocka_unit_test(test_what_is_stopped_is_kept_too),
        cmocka_unit_test(test_a_line_bends_where_nothing_happens),
        cmocka_unit_test(test_a_line_bends_where_its_contract_ends),
        cmocka_unit_test(test_behind_the_end_of_credit_the_sum_counts),
        cmocka_unit_test(test_more_than_can_be_counted_is_refused),
        cmocka_unit_test(test_a_database_that_fails_changes_nothing),
    };

    return SUPPORT_RUN(tests);
}
