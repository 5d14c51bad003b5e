/* SPDX-License-Identifier: Apache-2.0 */
#include "store/contender.h"

#include "check.h"
#include "store/contract.h"
#include "support_rows.h"

static size_t list(struct scene *scene, struct contender_row **ret)
{
    size_t count;

    CHECK_OK(contender_list(scene->db, scene->machine, scene_at(50), &scene->arena, ret, &count,
                            &scene->err),
             &scene->err);
    return count;
}

static void test_those_who_have_or_want_gpus_are_listed(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct contender_row *rows;

    CHECK_COUNT(list(&scene, &rows), 2);
    CHECK_INT(rows[0].id, scene.contract);
    CHECK_INT(rows[0].owner_id, scene.ada);
    CHECK_INT(rows[0].kind, KIND_ON_DEMAND);
    CHECK_INT(rows[0].state, RENTAL_CREATED);
    CHECK_INT(rows[0].num_gpus, 2);
    CHECK_INT(rows[0].disk_gb, 11);
    CHECK_INT(rows[0].state_at.microseconds, scene_at(10).microseconds);
    CHECK_INT(rows[0].end.microseconds, scene_at(1000).microseconds);
    CHECK_INT(rows[0].t_zero.microseconds, INSTANT_NEVER.microseconds);
    CHECK_INT(rows[1].id, scene.contract_bob);

    static const struct {
        const char *sql;
        int64_t count;
    } rest[] = {
        { "UPDATE contract SET state = 5", 2 },
        { "UPDATE contract SET state = 10", 2 },
        { "UPDATE contract SET state = 6", 0 },
        { "UPDATE contract SET state = 7, reason = 3", 0 },
        { "UPDATE contract SET state = 8, destroyed_us = 1", 0 },
    };
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++) {
        check_row("%s", rest[i].sql);
        scene_run(&scene, rest[i].sql, DB_NO_ARGS);
        CHECK_COUNT(list(&scene, &rows), rest[i].count);
    }
}

static void test_a_bid_that_has_lifetime_again_is_listed(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct bid_row bid = { .contract_id = scene.contract,
                           .ticks = 231,
                           .max_ticks = 300,
                           .floor_ticks = 100,
                           .grace_s = 12,
                           .resumes = true,
                           .placed = scene_at(20),
                           .lowered = scene_at(21),
                           .keep_ticks = 232 };
    struct contender_row *rows;

    CHECK_OK(bid_insert(scene.db, &bid, &scene.err), &scene.err);
    scene_run(&scene, "UPDATE contract SET kind = 2, state = 7, reason = 3 WHERE id = $1",
              DB_ARGS(db_int(scene.contract)));
    scene_run(&scene, "UPDATE contract SET state = 7 WHERE id = $1",
              DB_ARGS(db_int(scene.contract_bob)));
    CHECK_COUNT(list(&scene, &rows), 1);
    CHECK_INT(rows[0].bid.contract_id, scene.contract);
    CHECK_INT(rows[0].bid.ticks, 231);
    CHECK_INT(rows[0].bid.max_ticks, 300);
    CHECK_INT(rows[0].bid.floor_ticks, 100);
    CHECK_INT(rows[0].bid.grace_s, 12);
    CHECK(rows[0].bid.resumes);
    CHECK_INT(rows[0].bid.placed.microseconds, scene_at(20).microseconds);
    CHECK_INT(rows[0].bid.lowered.microseconds, scene_at(21).microseconds);
    CHECK_INT(rows[0].bid.keep_ticks, 232);
    static const char *const silence[] = {
        "UPDATE contract SET end_us = 1",
        "UPDATE contract SET end_us = 9223372036854775807, reason = 2",
        "UPDATE contract SET reason = 1",
    };
    for (size_t i = 0; i < sizeof silence / sizeof silence[0]; i++) {
        check_row("%s", silence[i]);
        scene_run(&scene, silence[i], DB_NO_ARGS);
        CHECK_COUNT(list(&scene, &rows), 0);
    }
    scene_run(&scene, "UPDATE contract SET reason = 3", DB_NO_ARGS);
    CHECK_COUNT(list(&scene, &rows), 1);
    scene_run(&scene, "UPDATE bid SET resumes = 0", DB_NO_ARGS);
    CHECK_COUNT(list(&scene, &rows), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_those_who_have_or_want_gpus_are_listed),
        cmocka_unit_test(test_a_bid_that_has_lifetime_again_is_listed),
    };
    return SUPPORT_RUN(tests);
}
