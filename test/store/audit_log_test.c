/* SPDX-License-Identifier: Apache-2.0 */
#include "store/audit_log.h"

#include "store/support_rows.h"

static void insert(struct scene *scene, int64_t user_id, const char *address, int64_t second)
{
    const struct audit_log_row row = { .user_id = user_id,
                                       .key_id = 7,
                                       .at = scene_at(second),
                                       .address = address,
                                       .route = "api.test",
                                       .args = "{}" };

    CHECK_OK(audit_log_insert(scene->db, &row, &scene->err), &scene->err);
}

static void test_entries_are_their_users_and_newest_first(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    auto_arena struct arena arena = arena_of(1 << 16);
    struct audit_log_row *rows;
    size_t count;

    insert(&scene, scene.ada, "192.0.2.1", 1);
    insert(&scene, scene.host, "192.0.2.2", 2);
    insert(&scene, scene.ada, "192.0.2.3", 3);
    CHECK_OK(audit_log_list(scene.db, scene.ada, 9, &arena, &rows, &count, &scene.err), &scene.err);
    CHECK_INT((int64_t)count, 2);
    CHECK_TEXT(rows[0].address, "192.0.2.3");
    CHECK_INT(rows[0].key_id, 7);
    CHECK_OK(audit_log_list(scene.db, 0, 2, &arena, &rows, &count, &scene.err), &scene.err);
    CHECK_INT((int64_t)count, 2);
    CHECK_TEXT(rows[1].address, "192.0.2.2");
    CHECK_OK(audit_log_forget(scene.db, scene_at(3), &scene.err), &scene.err);
    CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM audit_log"), 1);
}

static void test_an_address_is_known_since_it_first_came(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    auto_arena struct arena arena = arena_of(1 << 16);
    struct user_address_row *rows;
    size_t count;

    insert(&scene, scene.ada, "192.0.2.1", 1);
    insert(&scene, scene.ada, "192.0.2.2", 2);
    insert(&scene, scene.ada, "192.0.2.1", 3);
    insert(&scene, scene.host, "192.0.2.9", 3);
    CHECK_OK(user_address_list(scene.db, scene.ada, 9, &arena, &rows, &count, &scene.err),
             &scene.err);
    CHECK_INT((int64_t)count, 2);
    CHECK_TEXT(rows[1].address, "192.0.2.1");
    CHECK_INT(rows[1].first.microseconds, scene_at(1).microseconds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries_are_their_users_and_newest_first),
        cmocka_unit_test(test_an_address_is_known_since_it_first_came),
    };
    return SUPPORT_RUN(tests);
}
