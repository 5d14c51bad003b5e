/* SPDX-License-Identifier: Apache-2.0 */
#include "store/throttle.h"

#include "store/support_rows.h"

static const struct throttle_rule rule = { 3, 10 * US_PER_SECOND };

static int64_t take(struct scene *scene, uint8_t number, int64_t second)
{
    struct hash name = scene_hash(number);
    int64_t wait_us = -1;

    CHECK_OK(throttle_take(scene->db, &name, &rule, scene_at(second), &wait_us, &scene->err),
             &scene->err);
    return wait_us;
}

static void test_a_bucket_runs_dry_and_fills_again(void **state)
{
    auto_scene struct scene scene = scene_open(*state);

    for (int i = 0; i < 3; i++)
        CHECK_INT(take(&scene, 1, 0), 0);
    CHECK_INT(take(&scene, 1, 0), 10 * US_PER_SECOND);
    CHECK_INT(take(&scene, 1, 9), US_PER_SECOND);
    CHECK_INT(take(&scene, 1, 10), 0);
    CHECK_INT(take(&scene, 1, 10), 10 * US_PER_SECOND);
    /* Another's is another's; and full is as much as it gets. */
    CHECK_INT(take(&scene, 2, 10), 0);
    for (int i = 0; i < 3; i++)
        CHECK_INT(take(&scene, 1, 9999), 0);
    CHECK(take(&scene, 1, 9999) > 0);
}

static void test_what_was_right_is_given_back(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct hash name = scene_hash(1);

    for (int i = 0; i < 20; i++) {
        CHECK_INT(take(&scene, 1, 0), 0);
        CHECK_OK(throttle_give_back(scene.db, &name, &rule, scene_at(0), &scene.err), &scene.err);
    }
    for (int i = 0; i < 3; i++)
        CHECK_INT(take(&scene, 1, 0), 0);
    CHECK(take(&scene, 1, 0) > 0);
    /* Nothing is given to who has all. */
    for (int i = 0; i < 5; i++)
        CHECK_OK(throttle_give_back(scene.db, &name, &rule, scene_at(99), &scene.err), &scene.err);
    for (int i = 0; i < 3; i++)
        CHECK_INT(take(&scene, 1, 99), 0);
    CHECK(take(&scene, 1, 99) > 0);
}

static void test_full_buckets_are_no_rows(void **state)
{
    auto_scene struct scene scene = scene_open(*state);

    CHECK_INT(take(&scene, 1, 0), 0);
    CHECK_INT(take(&scene, 2, 5), 0);
    CHECK_OK(throttle_forget(scene.db, scene_at(10), &scene.err), &scene.err);
    CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM throttle"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_bucket_runs_dry_and_fills_again),
        cmocka_unit_test(test_what_was_right_is_given_back),
        cmocka_unit_test(test_full_buckets_are_no_rows),
    };
    return SUPPORT_RUN(tests);
}
