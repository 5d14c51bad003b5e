/* SPDX-License-Identifier: Apache-2.0 */
#include "store/payout_batch.h"

#include "store/payout.h"
#include "store/payout_method.h"
#include "store/support_rows.h"

/* A payout by PayPal of that week, with its route. */
static int64_t insert(struct scene *scene, int64_t host_id, int64_t cut_s)
{
    struct payout_row payout = { .host_id = host_id,
                                 .cut = scene_at(cut_s),
                                 .amount = { 500 },
                                 .state = PAYOUT_CREATED,
                                 .provider = "paypal",
                                 .reference = "",
                                 .reason = "",
                                 .created = scene_at(1),
                                 .state_at = scene_at(1) };
    struct payout_route_row route = { 0, "a@x.io", "", "", 0, { 0 }, 0 };

    CHECK_OK(payout_insert_later(scene->db, &payout, &route.payout_id, &scene->err) &&
                 db_settle(scene->db, &scene->err),
             &scene->err);
    CHECK_OK(payout_route_put(scene->db, &route, &scene->err), &scene->err);
    return route.payout_id;
}

static size_t waiting(struct scene *scene, int64_t cut_s, int64_t now_s, size_t max)
{
    struct payout_batch_item *rows;
    size_t count;

    CHECK_OK(payout_batch_waiting(scene->db, "paypal", scene_at(cut_s), scene_at(now_s), max,
                                  &scene->arena, &rows, &count, &scene->err),
             &scene->err);
    return count;
}

static void test_a_payout_is_in_one_batch(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t first = insert(&scene, scene.ada, 10), second = insert(&scene, scene.bob, 20);
    struct payout_batch_move move = { first, 0, 7, { 0 } };
    struct payout_batch_item *rows;
    struct payout_route_row route;
    size_t count;
    bool has;

    CHECK_COUNT(waiting(&scene, 9, 100, 9), 0);
    CHECK_COUNT(waiting(&scene, 10, 100, 9), 1);
    CHECK_COUNT(waiting(&scene, 20, 100, 9), 2);
    CHECK_COUNT(waiting(&scene, 20, 100, 1), 1);
    CHECK_OK(payout_batch_put(scene.db, &move, &scene.err), &scene.err);
    CHECK_COUNT(waiting(&scene, 20, 100, 9), 1);
    CHECK_OK(payout_batch_items(scene.db, 7, &scene.arena, &rows, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_INT(rows[0].payout_id, first);
    CHECK_INT(rows[0].amount.nanodollars, 500);
    CHECK_TEXT(rows[0].account, "a@x.io");
    CHECK_OK(payout_route_load(scene.db, first, &scene.arena, &route, &has, &scene.err),
             &scene.err);
    CHECK_INT(route.batch_id, 7);
    /* Saying how far it is does not take it out. */
    CHECK_OK(payout_route_put(scene.db, &route, &scene.err), &scene.err);
    CHECK_COUNT(waiting(&scene, 20, 100, 9), 1);
    move = (struct payout_batch_move){ first, 7, 0, scene_at(50) };
    CHECK_OK(payout_batch_put(scene.db, &move, &scene.err), &scene.err);
    CHECK_COUNT(waiting(&scene, 20, 49, 9), 1);
    CHECK_COUNT(waiting(&scene, 20, 50, 9), 2);
    scene_keep(&scene);
    move = (struct payout_batch_move){ second, 7, 8, { 0 } };
    CHECK_REFUSED(&scene, payout_batch_put(scene.db, &move, &scene.err));
}

static void test_a_batch_is_found_when_it_is_due(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct payout_batch_row row = { .provider = "paypal", .object_id = "", .made = scene_at(1) };
    struct payout_batch_row found, *due;
    struct instant next;
    size_t count;
    bool has;

    CHECK_OK(payout_batch_insert(scene.db, &row, &row.id, &scene.err), &scene.err);
    CHECK_OK(payout_batch_next(scene.db, &next, &has, &scene.err), &scene.err);
    CHECK(!has);
    row.object_id = "B1";
    row.state = PAYOUT_BATCH_TAKEN;
    row.looks = 3;
    row.next = scene_at(60);
    CHECK_OK(payout_batch_update(scene.db, &row, &scene.err), &scene.err);
    CHECK_OK(payout_batch_next(scene.db, &next, &has, &scene.err), &scene.err);
    CHECK(has && instant_compare(next, scene_at(60)) == 0);
    CHECK_OK(payout_batch_due(scene.db, "paypal", scene_at(59), 9, &scene.arena, &due, &count,
                              &scene.err),
             &scene.err);
    CHECK_COUNT(count, 0);
    CHECK_OK(payout_batch_due(scene.db, "paypal", scene_at(60), 9, &scene.arena, &due, &count,
                              &scene.err),
             &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_INT(due[0].looks, 3);
    CHECK_OK(payout_batch_find(scene.db, "paypal", "B1", &scene.arena, &found, &has, &scene.err),
             &scene.err);
    CHECK(has && found.id == row.id && found.state == PAYOUT_BATCH_TAKEN);
    CHECK_OK(payout_batch_load(scene.db, row.id + 1, &scene.arena, &found, &has, &scene.err),
             &scene.err);
    CHECK(!has);
    row.state = PAYOUT_BATCH_OVER;
    CHECK_OK(payout_batch_update(scene.db, &row, &scene.err), &scene.err);
    CHECK_OK(payout_batch_next(scene.db, &next, &has, &scene.err), &scene.err);
    CHECK(!has);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_payout_is_in_one_batch),
        cmocka_unit_test(test_a_batch_is_found_when_it_is_due),
    };

    return SUPPORT_RUN(tests);
}
