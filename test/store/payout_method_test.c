/* SPDX-License-Identifier: Apache-2.0 */
#include "store/payout_method.h"

#include "store/payout.h"
#include "store/support_rows.h"

static void test_a_host_has_one_way_to_be_paid(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct payout_method_row row = { scene.ada, "stripe", "US",        "",          false,      "x",
                                     0,         "",       scene_at(1), scene_at(1), scene_at(7) };
    struct payout_method_row found;
    struct payout_route_row *open;
    size_t count;
    bool has;

    CHECK_OK(payout_method_load(scene.db, scene.ada, &scene.arena, &found, &has, &scene.err),
             &scene.err);
    CHECK(!has);
    CHECK_OK(payout_method_put(scene.db, &row, &scene.err), &scene.err);
    row.account = "acct_1";
    row.links = 2;
    row.link = "https://x/";
    row.updated = scene_at(5);
    CHECK_OK(payout_method_put(scene.db, &row, &scene.err), &scene.err);
    CHECK_OK(
        payout_method_find(scene.db, "stripe", "acct_1", &scene.arena, &found, &has, &scene.err),
        &scene.err);
    CHECK(has && found.user_id == scene.ada && found.links == 2 && !found.is_ready);
    CHECK_TEXT(found.link, "https://x/");
    CHECK_TEXT(found.country, "US");
    CHECK_TEXT(found.reason, "x");
    CHECK_INT(found.created.microseconds, scene_at(1).microseconds);
    CHECK_INT(found.updated.microseconds, scene_at(5).microseconds);
    CHECK_INT(found.held.microseconds, scene_at(7).microseconds);
    CHECK_OK(payout_route_open(scene.db, 9, &scene.arena, &open, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_TEXT(open[0].account, "acct_1");
    scene_keep(&scene);
    row.user_id = scene.bob;
    CHECK_REFUSED(&scene, payout_method_put(scene.db, &row, &scene.err) &&
                              payout_method_find(scene.db, "stripe", "x", &scene.arena, &found,
                                                 &has, &scene.err));
}

static void test_a_payout_has_one_name_on_an_account(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct payout_row payout = { .host_id = scene.ada,
                                 .cut = scene_at(1),
                                 .amount = { 500 },
                                 .state = PAYOUT_SUBMITTED,
                                 .provider = "stripe",
                                 .reference = "",
                                 .reason = "",
                                 .created = scene_at(1),
                                 .state_at = scene_at(1) };
    struct payout_route_row route = { 0, "acct_1", "", "", 0, { 0 }, 0 }, found, *open;
    int64_t second;
    size_t count;
    bool has;

    CHECK_OK(payout_insert_later(scene.db, &payout, &route.payout_id, &scene.err) &&
                 db_settle(scene.db, &scene.err),
             &scene.err);
    payout.cut = scene_at(2);
    CHECK_OK(payout_insert_later(scene.db, &payout, &second, &scene.err) &&
                 db_settle(scene.db, &scene.err),
             &scene.err);
    CHECK_OK(payout_route_put(scene.db, &route, &scene.err), &scene.err);
    route.transfer = "tr_1";
    route.object_id = "po_1";
    route.tries = 3;
    route.failed = scene_at(4);
    CHECK_OK(payout_route_put(scene.db, &route, &scene.err), &scene.err);
    CHECK_OK(payout_route_find(scene.db, "acct_1", "po_1", &scene.arena, &found, &has, &scene.err),
             &scene.err);
    CHECK(has && found.payout_id == route.payout_id && found.tries == 3);
    CHECK_TEXT(found.transfer, "tr_1");
    CHECK_INT(found.failed.microseconds, scene_at(4).microseconds);
    CHECK_OK(payout_route_find(scene.db, "acct_2", "po_1", &scene.arena, &found, &has, &scene.err),
             &scene.err);
    CHECK(!has);
    CHECK_OK(payout_route_load(scene.db, second, &scene.arena, &found, &has, &scene.err),
             &scene.err);
    CHECK(!has);
    CHECK_OK(payout_route_open(scene.db, 9, &scene.arena, &open, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_TEXT(open[0].object_id, "po_1");
    scene_keep(&scene);
    route.payout_id = second;
    CHECK_REFUSED(&scene,
                  payout_route_put(scene.db, &route, &scene.err) &&
                      payout_route_load(scene.db, 1, &scene.arena, &found, &has, &scene.err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_host_has_one_way_to_be_paid),
        cmocka_unit_test(test_a_payout_has_one_name_on_an_account),
    };

    return SUPPORT_RUN(tests);
}
