/* SPDX-License-Identifier: Apache-2.0 */
#include "store/cloud.h"

#include "store/support_rows.h"

static void test_every_field_comes_back_to_its_owner_alone(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct cloud_row row = {
        .user_id = scene.ada, .name = "bk", .kind = "s3", .config = "sealed", .created = scene_at(1)
    };
    struct cloud_row read, *rows;
    int64_t count;
    size_t listed;
    bool has;

    CHECK_OK(cloud_insert(scene.db, &row, &row.id, &scene.err), &scene.err);
    CHECK_OK(cloud_load(scene.db, scene.bob, row.id, &scene.arena, &read, &has, &scene.err),
             &scene.err);
    CHECK(!has);
    CHECK_OK(cloud_load(scene.db, scene.ada, row.id, &scene.arena, &read, &has, &scene.err),
             &scene.err);
    CHECK(has);
    CHECK_INT(read.id, row.id);
    CHECK_INT(read.user_id, scene.ada);
    CHECK_TEXT(read.name, "bk");
    CHECK_TEXT(read.kind, "s3");
    CHECK_TEXT(read.config, "sealed");
    CHECK_INT(read.created.microseconds, scene_at(1).microseconds);
    CHECK_OK(cloud_list(scene.db, scene.bob, &scene.arena, &rows, &listed, &scene.err), &scene.err);
    CHECK_INT((int64_t)listed, 0);
    CHECK_OK(cloud_list(scene.db, scene.ada, &scene.arena, &rows, &listed, &scene.err), &scene.err);
    CHECK_INT((int64_t)listed, 1);
    CHECK_OK(cloud_delete(scene.db, scene.bob, row.id, &count, &scene.err), &scene.err);
    CHECK_INT(count, 0);
    CHECK_OK(cloud_delete(scene.db, scene.ada, row.id, &count, &scene.err), &scene.err);
    CHECK_INT(count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_comes_back_to_its_owner_alone),
    };
    return SUPPORT_RUN(tests);
}
