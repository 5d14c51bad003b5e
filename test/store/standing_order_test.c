/* SPDX-License-Identifier: Apache-2.0 */
#include "store/standing_order.h"

#include "store/support_rows.h"

static int64_t insert(struct scene *scene, int64_t owner_id, const char *launch, int64_t expires)
{
    struct order_row order = { .owner_id = owner_id,
                               .label = "night",
                               .query = "{\"num_gpus\":2}",
                               .launch = launch,
                               .created = scene_at(3),
                               .expires = scene_at(expires) };
    int64_t id;

    CHECK_OK(order_insert(scene->db, &order, &id, &scene->err), &scene->err);
    return id;
}

static struct order_row load(struct scene *scene, int64_t id)
{
    struct order_row order;
    bool has;

    CHECK_OK(order_load(scene->db, id, &scene->arena, &order, &has, &scene->err), &scene->err);
    CHECK(has);
    return order;
}

static int64_t fire(struct scene *scene, int64_t id, int64_t seconds)
{
    int64_t count = -1;

    CHECK_OK(order_fire(scene->db, id, scene->offer, scene_at(seconds), &count, &scene->err),
             &scene->err);
    return count;
}

static int64_t cancel(struct scene *scene, int64_t owner_id, int64_t id)
{
    int64_t count = -1;

    CHECK_OK(order_cancel(scene->db, owner_id, id, scene_at(7), &count, &scene->err), &scene->err);
    return count;
}

static void test_every_field_comes_back(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t id = insert(&scene, scene.ada, "{\"image\":\"x\"}", 100);
    struct order_row order = load(&scene, id);

    CHECK_INT(order.id, id);
    CHECK_INT(order.owner_id, scene.ada);
    CHECK_TEXT(order.label, "night");
    CHECK_TEXT(order.query, "{\"num_gpus\":2}");
    CHECK_TEXT(order.launch, "{\"image\":\"x\"}");
    CHECK_INT(order.created.microseconds, scene_at(3).microseconds);
    CHECK_INT(order.expires.microseconds, scene_at(100).microseconds);
    CHECK_INT(order.state, ORDER_WAITS);
    CHECK_INT(order.ended.microseconds, 0);
    CHECK_INT(order.offer_id, 0);
    CHECK_INT(order.contract_id, 0);
    CHECK_TEXT(order.note, "");

    CHECK_OK(order_set_note(scene.db, id, "no credit", &scene.err), &scene.err);
    CHECK_TEXT(load(&scene, id).note, "no credit");
    CHECK(load(&scene, insert(&scene, scene.ada, NULL, 100)).launch == NULL);
}

static void test_an_order_fires_once_and_in_time(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t id = insert(&scene, scene.ada, NULL, 100), late = insert(&scene, scene.ada, NULL, 50);

    CHECK_INT(fire(&scene, late, 50), 0);
    CHECK_INT(fire(&scene, id, 99), 1);
    CHECK_INT(fire(&scene, id, 99), 0);
    CHECK_INT(cancel(&scene, scene.ada, id), 0);
    CHECK_OK(order_set_contract(scene.db, id, scene.contract, &scene.err), &scene.err);
    CHECK_OK(order_set_note(scene.db, id, "x", &scene.err), &scene.err);
    struct order_row order = load(&scene, id);
    CHECK_INT(order.state, ORDER_FIRED);
    CHECK_INT(order.offer_id, scene.offer);
    CHECK_INT(order.contract_id, scene.contract);
    CHECK_INT(order.ended.microseconds, scene_at(99).microseconds);
    CHECK_TEXT(order.note, "");
    CHECK(order.launch == NULL);
    id = insert(&scene, scene.ada, "{}", 100);
    CHECK_INT(fire(&scene, id, 5), 1);
    CHECK_TEXT(load(&scene, id).launch, "");
    CHECK_INT(fire(&scene, 999, 1), 0);
}

static void test_orders_end_by_their_owner_or_their_time(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t a = insert(&scene, scene.ada, NULL, 100), b = insert(&scene, scene.ada, NULL, 50);
    int64_t count = -1;

    CHECK_INT(cancel(&scene, scene.bob, a), 0);
    CHECK_INT(cancel(&scene, scene.ada, a), 1);
    CHECK_INT(cancel(&scene, scene.ada, a), 0);
    CHECK_INT(fire(&scene, a, 5), 0);
    CHECK_INT(load(&scene, a).state, ORDER_CANCELLED);
    CHECK_OK(order_expire(scene.db, scene_at(49), &count, &scene.err), &scene.err);
    CHECK_INT(count, 0);
    CHECK_OK(order_expire(scene.db, scene_at(50), &count, &scene.err), &scene.err);
    CHECK_INT(count, 1);
    CHECK_INT(load(&scene, b).state, ORDER_TOO_LATE);
}

static void test_lists(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t a = insert(&scene, scene.ada, NULL, 100), b = insert(&scene, scene.bob, NULL, 100);
    int64_t c = insert(&scene, scene.ada, NULL, 100), waiting;
    struct order_row *orders;
    size_t count;

    CHECK_INT(cancel(&scene, scene.ada, a), 1);
    CHECK_OK(order_list(scene.db, scene.ada, 10, &scene.arena, &orders, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_INT(orders[0].id, c);
    CHECK_INT(orders[1].id, a);
    CHECK_OK(order_list(scene.db, scene.ada, 1, &scene.arena, &orders, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_OK(order_count_waiting(scene.db, scene.ada, &waiting, &scene.err), &scene.err);
    CHECK_INT(waiting, 1);
    CHECK_OK(order_waiting(scene.db, 0, 10, &scene.arena, &orders, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_INT(orders[0].id, b);
    CHECK_OK(order_waiting(scene.db, b, 10, &scene.arena, &orders, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_INT(orders[0].id, c);
}

static void test_what_cannot_be_is_refused(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t id = insert(&scene, scene.ada, NULL, 100), b = insert(&scene, scene.ada, NULL, 100);

    CHECK_INT(fire(&scene, id, 5), 1);
    CHECK_OK(order_set_contract(scene.db, id, scene.contract, &scene.err), &scene.err);
    CHECK_INT(fire(&scene, b, 5), 1);
    /* A rental has one order. */
    CHECK_REFUSED(&scene, order_set_contract(scene.db, b, scene.contract, &scene.err));
    CHECK_REFUSED(&scene,
                  db_exec(scene.db, "UPDATE standing_order SET state = 0", DB_NO_ARGS, &scene.err));
    CHECK_REFUSED(&scene, db_exec(scene.db, "UPDATE standing_order SET offer_id = NULL", DB_NO_ARGS,
                                  &scene.err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_comes_back),
        cmocka_unit_test(test_an_order_fires_once_and_in_time),
        cmocka_unit_test(test_orders_end_by_their_owner_or_their_time),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_what_cannot_be_is_refused),
    };
    return SUPPORT_RUN(tests);
}
