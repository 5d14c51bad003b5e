/* SPDX-License-Identifier: Apache-2.0 */
#include "store/payment_back.h"

#include "store/deposit.h"
#include "store/support_rows.h"

static int64_t deposit_of(struct scene *scene, int64_t user_id)
{
    struct deposit_row row = {
        .user_id = user_id, .provider = "stripe", .amount = { 500 }, .created = scene_at(1)
    };

    CHECK_OK(deposit_make(scene->db, &row, &scene->err), &scene->err);
    return row.id;
}

static void test_a_ticket_is_one_refund_and_sums_leave_out_what_failed(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct pay_refund_row row = { .deposit_id = deposit_of(&scene, scene.ada),
                                  .user_id = scene.ada,
                                  .ticket = "T1",
                                  .amount = { 300 },
                                  .created = scene_at(5) };
    struct pay_refund_row found, second = row;
    struct money sum;
    bool has;

    CHECK_OK(pay_refund_used(scene.db, "T1", &has, &scene.err), &scene.err);
    CHECK(!has);
    CHECK_OK(pay_refund_insert(scene.db, &row, &scene.err), &scene.err);
    CHECK_OK(pay_refund_used(scene.db, "T1", &has, &scene.err), &scene.err);
    CHECK(has);
    second.ticket = "T2";
    second.amount.nanodollars = 100;
    CHECK_OK(pay_refund_insert(scene.db, &second, &scene.err), &scene.err);
    CHECK_OK(pay_refund_of_deposit(scene.db, row.deposit_id, &sum, &scene.err), &scene.err);
    CHECK_INT(sum.nanodollars, 400);
    row.state = PAY_REFUND_FAILED;
    row.object_id = "re_1";
    row.reason = "lost_or_stolen_card";
    row.state_at = scene_at(9);
    CHECK_OK(pay_refund_update(scene.db, &row, &scene.err), &scene.err);
    CHECK_OK(pay_refund_load(scene.db, row.id, &scene.arena, &found, &has, &scene.err), &scene.err);
    CHECK(has && found.state == PAY_REFUND_FAILED);
    CHECK_TEXT(found.object_id, "re_1");
    CHECK_TEXT(found.reason, "lost_or_stolen_card");
    CHECK_TEXT(found.ticket, "T1");
    CHECK_INT(found.state_at.microseconds, scene_at(9).microseconds);
    CHECK_OK(pay_refund_of_deposit(scene.db, row.deposit_id, &sum, &scene.err), &scene.err);
    CHECK_INT(sum.nanodollars, 100);
    CHECK_OK(pay_refund_since(scene.db, scene.ada, scene_at(5), &sum, &scene.err), &scene.err);
    CHECK_INT(sum.nanodollars, 100);
    CHECK_OK(pay_refund_since(scene.db, scene.ada, scene_at(6), &sum, &scene.err), &scene.err);
    CHECK_INT(sum.nanodollars, 0);
    CHECK_OK(pay_refund_since(scene.db, scene.bob, scene_at(0), &sum, &scene.err), &scene.err);
    CHECK_INT(sum.nanodollars, 0);
    scene_keep(&scene);
    CHECK_REFUSED(&scene, pay_refund_insert(scene.db, &second, &scene.err));
}

static void test_a_dispute_is_known_by_its_name(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct dispute_row row = { .provider = "stripe",
                               .object_id = "dp_1",
                               .deposit_id = deposit_of(&scene, scene.ada),
                               .user_id = scene.ada,
                               .amount = { 500 },
                               .reason = "fraudulent",
                               .created = scene_at(3) };
    struct dispute_row found;
    bool has;

    CHECK_OK(dispute_insert(scene.db, &row, &scene.err), &scene.err);
    row.state = DISPUTE_TAKEN;
    row.frozen.nanodollars = 200;
    row.state_at = scene_at(4);
    CHECK_OK(dispute_update(scene.db, &row, &scene.err), &scene.err);
    CHECK_OK(dispute_find(scene.db, "stripe", "dp_1", &scene.arena, &found, &has, &scene.err),
             &scene.err);
    CHECK(has && found.state == DISPUTE_TAKEN && found.id == row.id);
    CHECK_INT(found.frozen.nanodollars, 200);
    CHECK_INT(found.amount.nanodollars, 500);
    CHECK_TEXT(found.reason, "fraudulent");
    CHECK_OK(dispute_find(scene.db, "paypal", "dp_1", &scene.arena, &found, &has, &scene.err),
             &scene.err);
    CHECK(!has);
    scene_keep(&scene);
    CHECK_REFUSED(&scene, dispute_insert(scene.db, &row, &scene.err));
}

static void test_disputes_are_listed_by_state(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct dispute_row row = { .provider = "stripe",
                               .deposit_id = deposit_of(&scene, scene.ada),
                               .user_id = scene.ada,
                               .amount = { 500 },
                               .reason = "",
                               .created = scene_at(3),
                               .state_at = scene_at(3) };
    struct dispute_filter filter = { .state = -1, .max = 2 };
    enum dispute_state parsed = DISPUTE_WON;
    struct dispute_row *list;
    size_t count;

    for (int i = 0; i < 3; i++) {
        row.object_id = (const char *[]){ "dp_1", "dp_2", "dp_3" }[i];
        CHECK_OK(dispute_insert(scene.db, &row, &scene.err), &scene.err);
    }
    row.state = DISPUTE_LOST; /* the third */
    CHECK_OK(dispute_update(scene.db, &row, &scene.err), &scene.err);
    CHECK_OK(dispute_list(scene.db, &filter, &scene.arena, &list, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_TEXT(list[0].object_id, "dp_1");
    filter.after = list[1].id;
    CHECK_OK(dispute_list(scene.db, &filter, &scene.arena, &list, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_TEXT(list[0].object_id, "dp_3");
    filter = (struct dispute_filter){ .state = DISPUTE_SAID, .max = 9 };
    CHECK_OK(dispute_list(scene.db, &filter, &scene.arena, &list, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 2);
    for (int i = DISPUTE_SAID; i <= DISPUTE_LOST; i++)
        CHECK(dispute_state_parse(dispute_state_name((enum dispute_state)i), &parsed) &&
              (int)parsed == i);
    CHECK(!dispute_state_parse("open", &parsed) && parsed == DISPUTE_LOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_ticket_is_one_refund_and_sums_leave_out_what_failed),
        cmocka_unit_test(test_a_dispute_is_known_by_its_name),
        cmocka_unit_test(test_disputes_are_listed_by_state),
    };

    return SUPPORT_RUN(tests);
}
