/* SPDX-License-Identifier: Apache-2.0 */
#include "store/webhook.h"

#include "store/support_rows.h"

static void test_every_field_comes_back_to_its_owner_alone(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct webhook_row row = { .user_id = scene.ada,
                               .name = "ops",
                               .url = "https://example.org/",
                               .events = "client:low_credit client:reclaim",
                               .secret = "sealed",
                               .is_enabled = true,
                               .created = scene_at(1),
                               .updated = scene_at(2) };
    struct webhook_row read, *rows;
    int64_t count;
    size_t listed;
    bool has;

    CHECK_OK(webhook_insert(scene.db, &row, &row.id, &scene.err), &scene.err);
    CHECK_OK(webhook_load(scene.db, scene.bob, row.id, &scene.arena, &read, &has, &scene.err),
             &scene.err);
    CHECK(!has);
    row.name = "dev";
    row.is_enabled = false;
    row.failing = scene_at(3);
    CHECK_OK(webhook_update(scene.db, &row, &scene.err), &scene.err);
    CHECK_OK(webhook_load_any(scene.db, row.id, &scene.arena, &read, &has, &scene.err), &scene.err);
    CHECK(has);
    CHECK_INT(read.user_id, scene.ada);
    CHECK_TEXT(read.name, "dev");
    CHECK_TEXT(read.url, row.url);
    CHECK_TEXT(read.events, row.events);
    CHECK_TEXT(read.secret, row.secret);
    CHECK(!read.is_enabled);
    CHECK_INT(read.failing.microseconds, scene_at(3).microseconds);
    CHECK_INT(read.created.microseconds, scene_at(1).microseconds);
    CHECK_INT(read.updated.microseconds, scene_at(2).microseconds);
    CHECK_OK(webhook_delete(scene.db, scene.bob, row.id, &count, &scene.err), &scene.err);
    CHECK_INT(count, 0);
    CHECK_OK(webhook_list(scene.db, scene.ada, &scene.arena, &rows, &listed, &scene.err),
             &scene.err);
    CHECK_INT((int64_t)listed, 1);
    CHECK_OK(webhook_delete(scene.db, scene.ada, row.id, &count, &scene.err), &scene.err);
    CHECK_INT(count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_comes_back_to_its_owner_alone),
    };
    return SUPPORT_RUN(tests);
}
