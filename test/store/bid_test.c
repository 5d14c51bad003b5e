/* SPDX-License-Identifier: Apache-2.0 */
#include "store/bid.h"

#include "check.h"
#include "support_rows.h"

static struct bid_row a_bid(int64_t contract_id)
{
    return (struct bid_row){ .contract_id = contract_id,
                             .ticks = 231,
                             .max_ticks = 300,
                             .floor_ticks = 100,
                             .grace_s = 120,
                             .resumes = true,
                             .placed = scene_at(20),
                             .lowered = scene_at(21),
                             .keep_ticks = -1 };
}

static void check_same(const struct bid_row *a, const struct bid_row *b)
{
    CHECK_INT(a->contract_id, b->contract_id);
    CHECK_INT(a->ticks, b->ticks);
    CHECK_INT(a->max_ticks, b->max_ticks);
    CHECK_INT(a->floor_ticks, b->floor_ticks);
    CHECK_INT(a->grace_s, b->grace_s);
    CHECK_INT(a->resumes, b->resumes);
    CHECK_INT(a->placed.microseconds, b->placed.microseconds);
    CHECK_INT(a->keep_ticks, b->keep_ticks);
    CHECK_INT(a->lowered.microseconds, b->lowered.microseconds);
}

static void test_a_bid_comes_back_and_changes(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct bid_row bid = a_bid(scene.contract), found;
    bool has;

    CHECK_OK(bid_load(scene.db, scene.contract, &found, &has, &scene.err), &scene.err);
    CHECK(!has);
    CHECK_FAILS(bid_update(scene.db, &bid, &scene.err), &scene.err, ERROR_NOT_FOUND);
    CHECK_OK(bid_insert(scene.db, &bid, &scene.err), &scene.err);
    CHECK_OK(bid_load(scene.db, scene.contract, &found, &has, &scene.err), &scene.err);
    CHECK(has);
    check_same(&found, &bid);

    bid.ticks = 232;
    bid.max_ticks = 0;
    bid.resumes = false;
    bid.keep_ticks = 232;
    bid.placed = scene_at(30);
    bid.lowered = scene_at(31);
    CHECK_OK(bid_update(scene.db, &bid, &scene.err), &scene.err);
    CHECK_OK(bid_load(scene.db, scene.contract, &found, &has, &scene.err), &scene.err);
    check_same(&found, &bid);
}

static void test_what_no_bid_can_be_is_refused(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    static const struct {
        int64_t ticks, max_ticks, floor_ticks, grace_s;
        bool is_good;
    } rows[] = {
        { 0, 0, 0, 0, false },        { 1, 0, 0, 0, true },    { 10000000, 0, 0, 0, true },
        { 10000001, 0, 0, 0, false }, { 1, -1, 0, 0, false },  { 1, 10000000, 0, 0, true },
        { 1, 10000001, 0, 0, false }, { 1, 0, -1, 0, false },  { 1, 0, 10000000, 120, true },
        { 1, 0, 0, -1, false },       { 1, 0, 0, 121, false },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bid_row bid = a_bid(scene.contract);

        check_row("row %zu", i);
        bid.ticks = rows[i].ticks;
        bid.max_ticks = rows[i].max_ticks;
        bid.floor_ticks = rows[i].floor_ticks;
        bid.grace_s = rows[i].grace_s;
        if (rows[i].is_good) {
            CHECK_OK(bid_insert(scene.db, &bid, &scene.err), &scene.err);
            scene_run(&scene, "DELETE FROM bid", DB_NO_ARGS);
        } else {
            CHECK_REFUSED(&scene, bid_insert(scene.db, &bid, &scene.err));
        }
    }
}

static void test_a_machine_lists_the_bids_that_live(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t elsewhere = scene_contract(&scene, scene.ada, scene.other_machine);
    const int64_t ids[] = { scene.contract_bob, scene.contract, elsewhere };
    struct bid_row *bids;
    size_t count;

    for (size_t i = 0; i < 3; i++) {
        struct bid_row bid = a_bid(ids[i]);

        CHECK_OK(bid_insert(scene.db, &bid, &scene.err), &scene.err);
    }
    CHECK_OK(bid_list_on(scene.db, scene.machine, &scene.arena, &bids, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_INT(bids[0].contract_id, scene.contract);
    CHECK_INT(bids[1].contract_id, scene.contract_bob);
    scene_run(&scene, "UPDATE contract SET state = 8, destroyed_us = 1 WHERE id = $1",
              DB_ARGS(db_int(scene.contract)));
    CHECK_OK(bid_list_on(scene.db, scene.machine, &scene.arena, &bids, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_bid_comes_back_and_changes),
        cmocka_unit_test(test_what_no_bid_can_be_is_refused),
        cmocka_unit_test(test_a_machine_lists_the_bids_that_live),
    };
    return SUPPORT_RUN(tests);
}
