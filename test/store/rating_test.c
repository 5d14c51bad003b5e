/* SPDX-License-Identifier: Apache-2.0 */
#include "store/rating.h"

#include "store/support_rows.h"

static struct rating_row rating_of(struct scene *scene, int64_t contract_id, int64_t stars)
{
    return (struct rating_row){ .contract_id = contract_id,
                                .machine_id = scene->machine,
                                .host_id = scene->ada,
                                .user_id = scene->bob,
                                .stars = stars,
                                .message = "fine",
                                .created = scene_at(stars) };
}

static void test_one_for_a_contract(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t first = scene.contract, second = scene.contract_bob;
    struct rating_row rating = rating_of(&scene, first, 5), *list;
    int64_t all, stars;
    size_t count;
    bool has;

    CHECK_OK(rating_sum(scene.db, scene.ada, &all, &stars, &scene.err), &scene.err);
    CHECK_INT(all, 0);
    CHECK_INT(stars, 0);
    CHECK_OK(rating_insert(scene.db, &rating, &scene.err), &scene.err);
    rating = rating_of(&scene, second, 2);
    CHECK_OK(rating_insert(scene.db, &rating, &scene.err), &scene.err);
    CHECK_OK(rating_has(scene.db, first, &has, &scene.err), &scene.err);
    CHECK(has);
    CHECK_OK(rating_has(scene.db, second + 1000, &has, &scene.err), &scene.err);
    CHECK(!has);
    CHECK_OK(rating_sum(scene.db, scene.ada, &all, &stars, &scene.err), &scene.err);
    CHECK_INT(all, 2);
    CHECK_INT(stars, 7);
    CHECK_OK(rating_list(scene.db, scene.ada, 9, &scene.arena, &list, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_INT(list[0].stars, 2);
    CHECK_INT(list[1].contract_id, first);
    CHECK_INT(list[1].created.microseconds, scene_at(5).microseconds);
    CHECK_TEXT(list[1].message, "fine");
    CHECK_OK(rating_list(scene.db, scene.bob, 9, &scene.arena, &list, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_one_for_a_contract) };

    return SUPPORT_RUN(tests);
}
