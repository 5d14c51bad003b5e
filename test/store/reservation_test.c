/* SPDX-License-Identifier: Apache-2.0 */
#include "store/reservation.h"

#include "store/support_rows.h"

static struct reservation_row a_row(const struct scene *scene)
{
    return (struct reservation_row){ .contract_id = scene->contract,
                                     .owner_id = scene->ada,
                                     .begun = scene_at(1),
                                     .gpu_hour = { 360 },
                                     .disk_month = { 150 },
                                     .gpu_from = 7,
                                     .disk_from = 8,
                                     .discount_ppm = 200000,
                                     .hours = 720,
                                     .paid = { 1000 },
                                     .payments = 1,
                                     .last_paid = { 1000 },
                                     .last_paid_at = scene_at(2),
                                     .ends = scene_at(9) };
}

static size_t due_at(struct scene *scene, int64_t second, int64_t ids[static 4])
{
    size_t count;

    CHECK_OK(reservation_due(scene->db, scene_at(second), ids, 4, &count, &scene->err),
             &scene->err);
    return count;
}

static bool load(struct scene *scene, struct reservation_row *ret)
{
    bool has;

    CHECK_OK(reservation_load(scene->db, scene->contract, ret, &has, &scene->err), &scene->err);
    return has;
}

static void test_a_reservation_comes_back_as_it_was_stored(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct reservation_row row = a_row(&scene), back;

    CHECK(!load(&scene, &back));
    CHECK_OK(reservation_insert(scene.db, &row, &scene.err), &scene.err);
    CHECK(load(&scene, &back));
    CHECK_INT(back.id, row.id);
    CHECK_INT(back.owner_id, scene.ada);
    CHECK_INT(back.begun.microseconds, scene_at(1).microseconds);
    CHECK_INT(back.closed.microseconds, 0);
    CHECK_INT(back.gpu_hour.nanodollars, 360);
    CHECK_INT(back.disk_month.nanodollars, 150);
    CHECK_INT(back.gpu_from, 7);
    CHECK_INT(back.disk_from, 8);
    CHECK_INT(back.discount_ppm, 200000);
    CHECK_INT(back.hours, 720);
    CHECK_INT(back.paid.nanodollars, 1000);
    CHECK_INT(back.payments, 1);
    CHECK_INT(back.last_paid.nanodollars, 1000);
    CHECK_INT(back.last_paid_at.microseconds, scene_at(2).microseconds);
    CHECK_INT(back.ends.microseconds, scene_at(9).microseconds);

    row.discount_ppm = 300000;
    row.hours = 2160;
    row.paid.nanodollars = 3000;
    row.payments = 2;
    row.last_paid.nanodollars = 2000;
    row.last_paid_at = scene_at(3);
    row.ends = scene_at(5);
    CHECK_OK(reservation_update(scene.db, &row, &scene.err), &scene.err);
    CHECK(load(&scene, &back));
    CHECK_INT(back.discount_ppm, 300000);
    CHECK_INT(back.hours, 2160);
    CHECK_INT(back.paid.nanodollars, 3000);
    CHECK_INT(back.payments, 2);
    CHECK_INT(back.last_paid.nanodollars, 2000);
    CHECK_INT(back.last_paid_at.microseconds, scene_at(3).microseconds);
    CHECK_INT(back.ends.microseconds, scene_at(5).microseconds);
}

static void test_one_is_open_at_a_time(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct reservation_row row = a_row(&scene), second = row, back;

    CHECK_OK(reservation_insert(scene.db, &row, &scene.err), &scene.err);
    CHECK_REFUSED(&scene, reservation_insert(scene.db, &second, &scene.err));
    row.closed = scene_at(7);
    row.kept.nanodollars = 10;
    row.given_back.nanodollars = 20;
    CHECK_OK(reservation_update(scene.db, &row, &scene.err), &scene.err);
    CHECK(!load(&scene, &back));
    CHECK_OK(reservation_insert(scene.db, &second, &scene.err), &scene.err);
    CHECK(load(&scene, &back));
    CHECK_INT(back.id, second.id);
    /* What is closed stays as it is. */
    row.kept.nanodollars = 0;
    CHECK_OK(reservation_update(scene.db, &row, &scene.err), &scene.err);
    CHECK_INT(scene_number(&scene, "SELECT kept FROM reservation WHERE closed_us <> 0"), 10);
    /* No more can leave it than was paid, and none while it is open. */
    second.kept.nanodollars = 1;
    CHECK_REFUSED(&scene, reservation_update(scene.db, &second, &scene.err));
    second.closed = scene_at(8);
    second.given_back.nanodollars = 1000;
    CHECK_REFUSED(&scene, reservation_update(scene.db, &second, &scene.err));
}

static void test_it_is_due_when_it_ends(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct reservation_row row = a_row(&scene);
    int64_t ids[4];

    CHECK_OK(reservation_insert(scene.db, &row, &scene.err), &scene.err);
    CHECK_COUNT(due_at(&scene, 8, ids), 0);
    CHECK_COUNT(due_at(&scene, 9, ids), 1);
    CHECK_INT(ids[0], scene.contract);
    CHECK_OK(reservation_set_ends(scene.db, scene.contract, scene_at(12), &scene.err), &scene.err);
    CHECK_COUNT(due_at(&scene, 11, ids), 0);
    CHECK_COUNT(due_at(&scene, 12, ids), 1);
    row.closed = scene_at(12);
    row.ends = scene_at(3);
    CHECK_OK(reservation_update(scene.db, &row, &scene.err), &scene.err);
    CHECK_COUNT(due_at(&scene, 12, ids), 0);
}

static void test_a_contract_is_marked(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct contract_row contract, back;
    struct money left = { -7 };
    bool has;

    CHECK_OK(contract_load(scene.db, scene.contract, &scene.arena, &contract, &has, &scene.err),
             &scene.err);
    CHECK_INT(contract.discount_ppm, 0);
    contract.kind = KIND_RESERVED;
    contract.terms.gpu_hour.nanodollars = 5;
    contract.discount_ppm = 250000;
    CHECK_OK(reservation_mark(scene.db, &contract, &scene.err), &scene.err);
    CHECK_OK(contract_load(scene.db, scene.contract, &scene.arena, &back, &has, &scene.err),
             &scene.err);
    CHECK_INT(back.kind, KIND_RESERVED);
    CHECK_INT(back.terms.gpu_hour.nanodollars, 5);
    CHECK_INT(back.discount_ppm, 250000);
    CHECK_INT(contract_disk_month(&back).nanodollars,
              (back.terms.disk_month.nanodollars * 3 + 3) / 4);
    CHECK_OK(reservation_left(scene.db, &back, &left, &scene.err), &scene.err);
    CHECK_INT(left.nanodollars, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_reservation_comes_back_as_it_was_stored),
        cmocka_unit_test(test_one_is_open_at_a_time),
        cmocka_unit_test(test_it_is_due_when_it_ends),
        cmocka_unit_test(test_a_contract_is_marked),
    };

    return SUPPORT_RUN(tests);
}
