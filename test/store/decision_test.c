/* SPDX-License-Identifier: Apache-2.0 */
#include "store/decision.h"

#include <string.h>

#include "check.h"
#include "support_rows.h"

static void test_the_last_one_of_a_machine_comes_back(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct decision_row row = { .machine_id = scene.machine,
                                .at = scene_at(1),
                                .rule_version = 1,
                                .cause = "a bid was made",
                                .inputs = scene_hash(3),
                                .value_before = 100,
                                .value_after = 200,
                                .ran_before = "7 9",
                                .runs_after = "9" };
    struct decision_row found;
    int64_t first, second, other;
    bool has;

    CHECK_OK(decision_last(scene.db, scene.machine, &scene.arena, &found, &has, &scene.err),
             &scene.err);
    CHECK(!has);
    CHECK_OK(decision_insert(scene.db, &row, &first, &scene.err), &scene.err);
    row.cause = "outbid";
    CHECK_OK(decision_insert(scene.db, &row, &second, &scene.err), &scene.err);
    row.machine_id = scene.other_machine;
    CHECK_OK(decision_insert(scene.db, &row, &other, &scene.err), &scene.err);
    CHECK_OK(decision_last(scene.db, scene.machine, &scene.arena, &found, &has, &scene.err),
             &scene.err);
    CHECK(has);
    CHECK_INT(found.id, second);
    CHECK_TEXT(found.cause, "outbid");
    CHECK_OK(decision_load(scene.db, first, &scene.arena, &found, &has, &scene.err), &scene.err);
    CHECK(has);
    CHECK_INT(found.machine_id, scene.machine);
    CHECK_INT(found.at.microseconds, scene_at(1).microseconds);
    CHECK_INT(found.rule_version, 1);
    CHECK_TEXT(found.cause, "a bid was made");
    CHECK(memcmp(found.inputs.bytes, scene_hash(3).bytes, sizeof found.inputs.bytes) == 0);
    CHECK_INT(found.value_before, 100);
    CHECK_INT(found.value_after, 200);
    CHECK_TEXT(found.ran_before, "7 9");
    CHECK_TEXT(found.runs_after, "9");
    row.value_after = -1;
    CHECK_REFUSED(&scene, decision_insert(scene.db, &row, &other, &scene.err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_last_one_of_a_machine_comes_back),
    };
    return SUPPORT_RUN(tests);
}
