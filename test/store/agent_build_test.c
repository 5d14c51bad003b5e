/* SPDX-License-Identifier: Apache-2.0 */
#include "store/agent_build.h"

#include "check.h"
#include "support_rows.h"

#define ONE "1111111111111111111111111111111111111111111111111111111111111111"
#define TWO "2222222222222222222222222222222222222222222222222222222222222222"

static void test_what_was_put_comes_back_until_it_is_removed(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct agent_build_row one = { ONE, "1.0", scene_at(1) }, two = { TWO, "2.0", scene_at(2) };
    struct agent_build_row *builds;
    int64_t all, that, removed;
    size_t count;

    CHECK_OK(agent_build_count(scene.db, "", &all, &that, &scene.err), &scene.err);
    CHECK_INT(all, 0);
    CHECK_OK(agent_build_put(scene.db, &one, &scene.err), &scene.err);
    CHECK_OK(agent_build_put(scene.db, &two, &scene.err), &scene.err);
    one.version = "1.1";
    CHECK_OK(agent_build_put(scene.db, &one, &scene.err), &scene.err);
    CHECK_OK(agent_build_list(scene.db, 9, &scene.arena, &builds, &count, &scene.err), &scene.err);
    CHECK_INT((int64_t)count, 2);
    CHECK_TEXT(builds[0].digest, TWO);
    CHECK_TEXT(builds[1].version, "1.1");
    CHECK_INT(builds[1].added.microseconds, scene_at(1).microseconds);
    CHECK_OK(agent_build_list(scene.db, 1, &scene.arena, &builds, &count, &scene.err), &scene.err);
    CHECK_INT((int64_t)count, 1);
    CHECK_OK(agent_build_count(scene.db, TWO, &all, &that, &scene.err), &scene.err);
    CHECK_INT(all, 2);
    CHECK_INT(that, 1);
    CHECK_OK(agent_build_remove(scene.db, TWO, &removed, &scene.err), &scene.err);
    CHECK_INT(removed, 1);
    CHECK_OK(agent_build_count(scene.db, TWO, &all, &that, &scene.err), &scene.err);
    CHECK_INT(all, 1);
    CHECK_INT(that, 0);
    one.digest = "short";
    CHECK_REFUSED(&scene, agent_build_put(scene.db, &one, &scene.err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_put_comes_back_until_it_is_removed),
    };
    return SUPPORT_RUN(tests);
}
