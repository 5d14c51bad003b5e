/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/statement.h"

#include "flow/admin.h"
#include "flow/instance_change.h"
#include "support.h"

#define DAYS_ALL 0, 40000

/* Everything of a renter's: two rentals on two machines, one of them destroyed, all of it posted.
 */
static void live(struct world *world, struct caller ada, struct world_machine *machines)
{
    enum change_outcome outcome;
    struct error err;

    for (int i = 0; i < 2; i++) {
        int64_t id = world_running(world, &machines[i], ada, 1);

        world_run(world, &machines[i], 100 * US_PER_SECOND);
        world_container(&machines[i], id)->bytes_up += 1000000;
        world_run(world, &machines[i], 50 * US_PER_SECOND);
        CHECK_OK(flow_destroy(&world->flow, &ada, id, &outcome, &err), &err);
    }
}

static void test_a_bill_is_the_sum_of_its_lines_and_of_the_journals(void **state)
{
    static struct world_machine machines[2];
    struct statement statement;
    struct world world;
    struct error err;
    int64_t sum = 0;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 100);
    world_host(&world, &machines[0], "a", 1);
    world_host(&world, &machines[1], "b", 1);
    live(&world, ada, machines);
    CHECK_OK(flow_statement(&world.flow, &ada, DAYS_ALL, &world.arena, &statement, &err), &err);
    CHECK_INT((int64_t)statement.group_count, 2);
    for (size_t i = 0; i < statement.group_count; i++) {
        const struct statement_group *group = &statement.groups[i];
        int64_t group_sum = 0;

        CHECK_INT((int64_t)group->item_count, 3); /* gpu, disk, up */
        for (size_t k = 0; k < group->item_count; k++) {
            CHECK_INT(group->items[k].component, (int64_t)k + 1);
            CHECK(instant_compare(group->from, group->items[k].from) <= 0);
            CHECK(instant_compare(group->until, group->items[k].until) >= 0);
            group_sum += group->items[k].gross.nanodollars;
        }
        CHECK_INT(group->gross.nanodollars, group_sum);
        sum += group_sum;
    }
    CHECK_INT(statement.gross.nanodollars, sum);
    CHECK_INT(sum, 100 * NANODOLLARS_PER_DOLLAR - world_credit(&world, ada));
    CHECK_INT(sum, world_number(&world, "SELECT CAST(SUM(gross_posted) AS BIGINT) FROM meter"));
    world_check(&world);
    world_close(&world);
}

static void test_earnings_are_three_quarters_by_machine(void **state)
{
    static struct world_machine machines[2];
    struct usage_sum *sums;
    struct world world;
    struct error err;
    int64_t host = 0;
    size_t count;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 100);
    world_host(&world, &machines[0], "a", 1);
    world_host(&world, &machines[1], "b", 1);
    live(&world, ada, machines);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(flow_earnings(&world.flow, &machines[i].host, DAYS_ALL, &world.arena, &sums,
                               &count, &err),
                 &err);
        CHECK_INT((int64_t)count, 3);
        for (size_t k = 0; k < count; k++) {
            CHECK_INT(sums[k].machine_id, machines[i].id);
            CHECK_INT(sums[k].host.nanodollars, sums[k].gross.nanodollars * 3 / 4);
            host += sums[k].host.nanodollars;
        }
    }
    CHECK_INT(host, world_number(&world, "SELECT CAST(SUM(cr_posted) AS BIGINT) FROM account "
                                         "WHERE code = 2110"));
    CHECK_OK(flow_earnings(&world.flow, &ada, DAYS_ALL, &world.arena, &sums, &count, &err), &err);
    CHECK_INT((int64_t)count, 0);
    world_close(&world);
}

static void test_a_wallet_has_all_but_usage(void **state)
{
    struct world world;
    struct wallet_view *views;
    enum admin_outcome outcome;
    struct error err;
    size_t count;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 5);
    CHECK_OK(flow_deposit(&world.flow, ada.user_id, (struct money){ 7 }, "w", &outcome, &err),
             &err);
    CHECK_OK(flow_wallet(&world.flow, &ada, (struct instant){ 0 }, INSTANT_NEVER, &world.arena,
                         &views, &count, &err),
             &err);
    CHECK_INT((int64_t)count, 2);
    CHECK_TEXT(views[0].service, "promo");
    CHECK_TEXT(views[1].service, "bank");
    CHECK_INT(views[1].gross.nanodollars, 7);
    world_close(&world);
}

static void test_labels_are_the_owners_own(void **state)
{
    struct world world;
    struct world_machine machine;
    struct error err;
    size_t count = 3;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 5);
    struct caller bob = world_user(&world, "bob@berth.test", 5);
    world_host(&world, &machine, "a", 1);
    int64_t id = world_running(&world, &machine, ada, 1);
    enum change_outcome outcome;
    CHECK_OK(flow_label(&world.flow, &ada, id, "train", &outcome, &err), &err);
    int64_t ids[] = { id, 999999, id };
    CHECK_OK(flow_contracts_labelled(&world.flow, &ada, "train", ids, &count, &err), &err);
    CHECK_INT((int64_t)count, 2);
    CHECK_INT(ids[0], id);
    CHECK_OK(flow_contracts_labelled(&world.flow, &ada, "other", ids, &count, &err), &err);
    CHECK_INT((int64_t)count, 0);
    count = 1;
    ids[0] = id;
    CHECK_OK(flow_contracts_labelled(&world.flow, &bob, "train", ids, &count, &err), &err);
    CHECK_INT((int64_t)count, 0);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_bill_is_the_sum_of_its_lines_and_of_the_journals),
        cmocka_unit_test(test_earnings_are_three_quarters_by_machine),
        cmocka_unit_test(test_a_wallet_has_all_but_usage),
        cmocka_unit_test(test_labels_are_the_owners_own),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
