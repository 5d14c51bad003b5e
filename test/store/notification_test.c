/* SPDX-License-Identifier: Apache-2.0 */
#include "store/notification.h"

#include "store/support_rows.h"

static size_t list(struct scene *scene, int64_t user_id, struct notification_row **ret)
{
    size_t count = 99;

    CHECK_OK(notification_list(scene->db, user_id, &scene->arena, ret, &count, &scene->err),
             &scene->err);
    return count;
}

static void test_a_choice_is_its_accounts_and_the_last_counts(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct notification_row row = { "client:low_credit", false, true }, *rows;

    CHECK_OK(notification_put(scene.db, scene.ada, &row, &scene.err), &scene.err);
    row.email = true;
    row.webhooks = false;
    CHECK_OK(notification_put(scene.db, scene.ada, &row, &scene.err), &scene.err);
    CHECK_INT((int64_t)list(&scene, scene.ada, &rows), 1);
    CHECK_TEXT(rows[0].kind, "client:low_credit");
    CHECK(rows[0].email && !rows[0].webhooks);
    CHECK_INT((int64_t)list(&scene, scene.bob, &rows), 0);
    CHECK_OK(notification_clear(scene.db, scene.bob, &scene.err), &scene.err);
    CHECK_INT((int64_t)list(&scene, scene.ada, &rows), 1);
    CHECK_OK(notification_clear(scene.db, scene.ada, &scene.err), &scene.err);
    CHECK_INT((int64_t)list(&scene, scene.ada, &rows), 0);
    CHECK_REFUSED(&scene, notification_put(scene.db, 99999, &row, &scene.err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_choice_is_its_accounts_and_the_last_counts),
    };
    return SUPPORT_RUN(tests);
}
