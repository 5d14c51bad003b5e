/* SPDX-License-Identifier: Apache-2.0 */
#include "store/offer.h"

#include "store/support_rows.h"

static struct offer_row row_of(const struct scene *scene, int64_t machine_id)
{
    return (struct offer_row){ .machine_id = machine_id,
                               .host_id = scene->host,
                               .terms = { .num_gpus = GPUS_MAX,
                                          .gpu_hour = { 11 },
                                          .min_bid_hour = { 12 },
                                          .disk_month = { 13 },
                                          .up_tb = { 14 },
                                          .down_tb = { 15 },
                                          .disk_gb = 16,
                                          .start = scene_at(17),
                                          .end = scene_at(18) },
                               .discount_max_ppm = 1000000 };
}

static int64_t insert(struct scene *scene, int64_t machine_id)
{
    struct offer_row offer = row_of(scene, machine_id);
    int64_t id;

    CHECK_OK(offer_insert(scene->db, &offer, &id, &scene->err), &scene->err);
    return id;
}

static bool load(struct scene *scene, int64_t id, struct offer_row *ret)
{
    bool has = false;

    CHECK_OK(offer_load(scene->db, id, ret, &has, &scene->err), &scene->err);
    return has;
}

static void test_every_field_comes_back(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t id = insert(&scene, scene.other_machine);
    struct offer_row offer;

    CHECK(load(&scene, id, &offer));
    CHECK_INT(offer.id, id);
    CHECK_INT(offer.machine_id, scene.other_machine);
    CHECK_INT(offer.host_id, scene.host);
    CHECK_INT(offer.terms.num_gpus, GPUS_MAX);
    CHECK_INT(offer.terms.gpu_hour.nanodollars, 11);
    CHECK_INT(offer.terms.min_bid_hour.nanodollars, 12);
    CHECK_INT(offer.terms.disk_month.nanodollars, 13);
    CHECK_INT(offer.terms.up_tb.nanodollars, 14);
    CHECK_INT(offer.terms.down_tb.nanodollars, 15);
    CHECK_INT(offer.terms.disk_gb, 16);
    CHECK_INT(offer.terms.start.microseconds, scene_at(17).microseconds);
    CHECK_INT(offer.terms.end.microseconds, scene_at(18).microseconds);
    CHECK_INT(offer.discount_max_ppm, 1000000);
    CHECK(!load(&scene, 999, &offer));
}

static void test_a_removed_offer_is_gone_for_good(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t first = insert(&scene, scene.other_machine);
    int64_t second = insert(&scene, scene.other_machine);
    int64_t third = insert(&scene, scene.other_machine);
    struct offer_row offer, *offers;
    size_t count;

    CHECK_OK(offer_remove(scene.db, second, scene_at(20), &scene.err), &scene.err);
    CHECK_OK(offer_remove(scene.db, second, scene_at(30), &scene.err), &scene.err);
    CHECK(!load(&scene, second, &offer));
    CHECK_INT(scene_number(&scene, "SELECT MAX(removed_us) FROM offer"), scene_at(20).microseconds);
    CHECK_OK(offer_list(scene.db, scene.other_machine, &scene.arena, &offers, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_INT(offers[0].id, first);
    CHECK_INT(offers[1].id, third);
    CHECK_OK(offer_list(scene.db, 999, &scene.arena, &offers, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 0);
}

static void test_machines_are_online_trusted_and_have_offers(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t id = insert(&scene, scene.other_machine), ids[4];
    size_t count;

    (void)insert(&scene, scene.other_machine);
    CHECK_OK(offer_machines(scene.db, 0, ids, 4, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 0);
    scene_run(&scene, "UPDATE machine SET is_online = 1", DB_NO_ARGS);
    CHECK_OK(offer_machines(scene.db, 0, ids, 4, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_INT(ids[0], scene.machine);
    CHECK_INT(ids[1], scene.other_machine);
    CHECK_OK(offer_machines(scene.db, 0, ids, 1, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_OK(offer_machines(scene.db, scene.machine, ids, 4, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_INT(ids[0], scene.other_machine);
    CHECK_OK(machine_set_quarantined(scene.db, scene.other_machine, true, &scene.err), &scene.err);
    CHECK_OK(offer_remove(scene.db, scene.offer, scene_at(20), &scene.err), &scene.err);
    CHECK_OK(offer_machines(scene.db, 0, ids, 4, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 0);
    CHECK_OK(machine_set_quarantined(scene.db, scene.other_machine, false, &scene.err), &scene.err);
    CHECK_OK(offer_remove(scene.db, id, scene_at(20), &scene.err), &scene.err);
    CHECK_OK(offer_machines(scene.db, 0, ids, 4, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 1);
}

static void test_what_cannot_be_offered_is_refused(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t id;

    for (int i = 0; i < 9; i++) {
        struct offer_row offer = row_of(&scene, scene.other_machine);
        int64_t *const numbers[] = {
            &offer.terms.num_gpus,
            &offer.terms.gpu_hour.nanodollars,
            &offer.terms.disk_gb,
            &offer.terms.min_bid_hour.nanodollars,
            &offer.discount_max_ppm,
            &offer.terms.disk_month.nanodollars,
            &offer.terms.up_tb.nanodollars,
            &offer.terms.down_tb.nanodollars,
            &offer.machine_id,
        };

        check_row("number %d", i);
        *numbers[i] = -1;
        CHECK_REFUSED(&scene, offer_insert(scene.db, &offer, &id, &scene.err));
    }
    struct offer_row generous = row_of(&scene, scene.other_machine);
    generous.discount_max_ppm = 1000001;
    CHECK_REFUSED(&scene, offer_insert(scene.db, &generous, &id, &scene.err));
    CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM offer"), 1);
}

static void test_a_row_that_cannot_be_is_corrupt(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct offer_row offer;
    bool has;

    scene_run(&scene, "UPDATE offer SET num_gpus = 65", DB_NO_ARGS);
    CHECK_FAILS(offer_load(scene.db, scene.offer, &offer, &has, &scene.err), &scene.err,
                ERROR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_comes_back),
        cmocka_unit_test(test_a_removed_offer_is_gone_for_good),
        cmocka_unit_test(test_machines_are_online_trusted_and_have_offers),
        cmocka_unit_test(test_what_cannot_be_offered_is_refused),
        cmocka_unit_test(test_a_row_that_cannot_be_is_corrupt),
    };
    return SUPPORT_RUN(tests);
}
