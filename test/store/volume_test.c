/* SPDX-License-Identifier: Apache-2.0 */
#include "store/volume.h"

#include "check.h"
#include "support_rows.h"

/* A volume of ada's on the scene's machine, of an offer of 100 GB. */
static int64_t make(struct scene *scene, int64_t *ret_offer)
{
    struct offer_row offer = {
        .machine_id = scene->machine,
        .host_id = scene->host,
        .terms = { .disk_month = { 9 }, .disk_gb = 100, .start = scene_at(1), .end = scene_at(900) }
    };
    struct contract_row volume = scene_contract_row(scene, scene->ada);
    int64_t id;

    CHECK_OK(volume_offer_insert(scene->db, &offer, ret_offer, &scene->err), &scene->err);
    volume.kind = KIND_VOLUME;
    volume.state = RENTAL_STOPPED;
    volume.offer_id = *ret_offer;
    volume.terms.num_gpus = 0;
    volume.terms.gpu_hour = volume.list_hour = (struct money){ 0 };
    CHECK_OK(contract_insert(scene->db, &volume, &id, &scene->err), &scene->err);
    return id;
}

static void test_an_offer_of_space_is_none_of_gpus(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct offer_row found, *offers;
    int64_t offer, ids[4], sold;
    size_t before, count;
    bool has;

    CHECK_OK(offer_list(scene.db, scene.machine, &scene.arena, &offers, &before, &scene.err),
             &scene.err);
    (void)make(&scene, &offer);
    CHECK_OK(offer_list(scene.db, scene.machine, &scene.arena, &offers, &count, &scene.err),
             &scene.err);
    CHECK_INT((int64_t)count, (int64_t)before);
    CHECK_OK(offer_load(scene.db, offer, &found, &has, &scene.err), &scene.err);
    CHECK(!has);
    CHECK_OK(volume_offer_load(scene.db, offer, &found, &has, &scene.err), &scene.err);
    CHECK(has);
    CHECK_INT(found.terms.disk_gb, 100);
    CHECK_INT(found.terms.disk_month.nanodollars, 9);
    CHECK_INT(found.terms.end.microseconds, scene_at(900).microseconds);
    CHECK_OK(volume_offer_on(scene.db, scene.machine, &found, &has, &scene.err), &scene.err);
    CHECK(has && found.id == offer);
    CHECK_OK(volume_offer_load(scene.db, scene.offer, &found, &has, &scene.err), &scene.err);
    CHECK(!has);
    CHECK_OK(volume_offer_sold(scene.db, offer, &sold, &scene.err), &scene.err);
    CHECK_INT(sold, 11);

    /* A machine that is away offers nothing, nor one whose offer is over. */
    CHECK_OK(volume_offer_machines(scene.db, scene_at(2), 0, ids, 4, &count, &scene.err),
             &scene.err);
    CHECK_INT((int64_t)count, 0);
    CHECK_OK(machine_set_online(scene.db, scene.machine, &scene.err), &scene.err);
    CHECK_OK(volume_offer_machines(scene.db, scene_at(2), 0, ids, 4, &count, &scene.err),
             &scene.err);
    CHECK_INT((int64_t)count, 1);
    CHECK_OK(
        volume_offer_machines(scene.db, scene_at(2), scene.machine, ids, 4, &count, &scene.err),
        &scene.err);
    CHECK_INT((int64_t)count, 0);
    CHECK_OK(volume_offer_machines(scene.db, scene_at(900), 0, ids, 4, &count, &scene.err),
             &scene.err);
    CHECK_INT((int64_t)count, 0);
    CHECK_OK(volume_offer_remove(scene.db, scene.machine, scene_at(3), &scene.err), &scene.err);
    CHECK_OK(volume_offer_on(scene.db, scene.machine, &found, &has, &scene.err), &scene.err);
    CHECK(!has);
    CHECK_OK(volume_offer_sold(scene.db, offer, &sold, &scene.err), &scene.err);
    CHECK_INT(sold, 11);
}

static void test_a_volume_is_charged_and_no_instance(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t offer, before, count, disk_gb, ids[8];
    struct contract_row found, *list;
    size_t listed;
    bool has;

    CHECK_OK(contract_count_owned(scene.db, scene.ada, &before, &scene.err), &scene.err);
    int64_t id = make(&scene, &offer);
    CHECK_OK(contract_count_owned(scene.db, scene.ada, &count, &scene.err), &scene.err);
    CHECK_INT(count, before);
    CHECK_OK(contract_load_owned(scene.db, scene.ada, id, &scene.arena, &found, &has, &scene.err),
             &scene.err);
    CHECK(!has);
    CHECK_OK(contract_list_owned(scene.db, scene.ada, &scene.arena, &list, &listed, &scene.err),
             &scene.err);
    CHECK_INT((int64_t)listed, before);
    CHECK_OK(contract_list_charged(scene.db, scene.ada, &scene.arena, &list, &listed, &scene.err),
             &scene.err);
    CHECK_INT((int64_t)listed, before + 1);
    CHECK(contract_is_metered(&list[listed - 1]));
    CHECK_OK(contract_unposted(scene.db, INSTANT_NEVER, INSTANT_NEVER, ids, 8, &listed, &scene.err),
             &scene.err);
    CHECK_INT(ids[listed - 1], id);
    CHECK_OK(contract_disk_on(scene.db, scene.machine, &disk_gb, &scene.err), &scene.err);
    CHECK_INT(disk_gb, 33);

    CHECK_OK(volume_load_owned(scene.db, scene.ada, id, &scene.arena, &found, &has, &scene.err),
             &scene.err);
    CHECK(has && found.kind == KIND_VOLUME);
    CHECK_OK(volume_load_owned(scene.db, scene.bob, id, &scene.arena, &found, &has, &scene.err),
             &scene.err);
    CHECK(!has);
    CHECK_OK(volume_load_owned(scene.db, scene.ada, scene.contract, &scene.arena, &found, &has,
                               &scene.err),
             &scene.err);
    CHECK(!has);
    CHECK_OK(volume_list_owned(scene.db, scene.ada, &scene.arena, &list, &listed, &scene.err),
             &scene.err);
    CHECK_INT((int64_t)listed, 1);
    CHECK_OK(volume_count_owned(scene.db, scene.bob, &count, &scene.err), &scene.err);
    CHECK_INT(count, 0);
}

static void test_who_mounts_it_is_who_exists(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t offer, id = make(&scene, &offer), *users;
    size_t count;

    CHECK_OK(volume_mount(scene.db, scene.contract, id, &scene.err), &scene.err);
    CHECK_OK(volume_mounted_by(scene.db, id, &scene.arena, &users, &count, &scene.err), &scene.err);
    CHECK_INT((int64_t)count, 1);
    CHECK_INT(users[0], scene.contract);
    CHECK_OK(db_exec(scene.db, "UPDATE contract SET state = 8, destroyed_us = 5 WHERE id = $1",
                     DB_ARGS(db_int(scene.contract)), &scene.err),
             &scene.err);
    CHECK_OK(volume_mounted_by(scene.db, id, &scene.arena, &users, &count, &scene.err), &scene.err);
    CHECK_INT((int64_t)count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_offer_of_space_is_none_of_gpus),
        cmocka_unit_test(test_a_volume_is_charged_and_no_instance),
        cmocka_unit_test(test_who_mounts_it_is_who_exists),
    };
    return SUPPORT_RUN(tests);
}
