/* SPDX-License-Identifier: Apache-2.0 */
#include "store/login_session.h"

#include "store/support_rows.h"

static int64_t insert(struct scene *scene, uint8_t number, enum login_kind kind)
{
    const struct login_session_row row = { .user_id = scene->ada,
                                           .kind = kind,
                                           .hash = scene_hash(number),
                                           .address = "192.0.2.1",
                                           .agent = "test",
                                           .created = scene_at(0),
                                           .seen = scene_at(0),
                                           .expires = scene_at(100) };
    int64_t id;

    CHECK_OK(login_session_insert(scene->db, &row, &id, &scene->err), &scene->err);
    return id;
}

static int64_t find(struct scene *scene, uint8_t number, enum login_kind kind, int64_t now)
{
    auto_arena struct arena arena = arena_of(1 << 16);
    struct hash hash = scene_hash(number);
    const struct login_session_find wanted = { kind, &hash, scene_at(now), scene_at(now - 50) };
    struct login_session_row row;
    bool has;

    CHECK_OK(login_session_find(scene->db, &wanted, &arena, &row, &has, &scene->err), &scene->err);
    return has ? row.id : 0;
}

static void test_a_session_ends_by_age_and_by_idleness(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t id = insert(&scene, 1, LOGIN_OPEN);

    CHECK_INT(find(&scene, 1, LOGIN_OPEN, 49), id);
    CHECK_INT(find(&scene, 1, LOGIN_OPEN, 50), 0);
    CHECK_INT(find(&scene, 1, LOGIN_HALF, 1), 0);
    CHECK_INT(find(&scene, 2, LOGIN_OPEN, 1), 0);
    CHECK_OK(login_session_touch(scene.db, id, scene_at(60), &scene.err), &scene.err);
    CHECK_OK(login_session_touch(scene.db, id, scene_at(55), &scene.err), &scene.err);
    CHECK_INT(find(&scene, 1, LOGIN_OPEN, 99), id);
    CHECK_INT(find(&scene, 1, LOGIN_OPEN, 100), 0);
}

static void test_a_session_is_its_users_to_end(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t one = insert(&scene, 1, LOGIN_OPEN), two = insert(&scene, 2, LOGIN_OPEN), count;
    int64_t half = insert(&scene, 3, LOGIN_HALF);

    CHECK_OK(login_session_delete(scene.db, scene.host, one, &count, &scene.err), &scene.err);
    CHECK_INT(count, 0);
    CHECK_OK(login_session_delete_others(scene.db, scene.ada, two, &count, &scene.err), &scene.err);
    CHECK_INT(count, 2);
    CHECK_INT(find(&scene, 1, LOGIN_OPEN, 1), 0);
    CHECK_INT(find(&scene, 3, LOGIN_HALF, 1), 0);
    CHECK(half > two);
    CHECK_OK(login_session_delete(scene.db, scene.ada, two, &count, &scene.err), &scene.err);
    CHECK_INT(count, 1);
}

static void test_the_newest_stay(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    auto_arena struct arena arena = arena_of(1 << 16);
    struct login_session_row *rows;
    size_t count;

    for (uint8_t i = 1; i <= 5; i++)
        (void)insert(&scene, i, LOGIN_OPEN);
    CHECK_OK(login_session_trim(scene.db, scene.ada, 3, &scene.err), &scene.err);
    CHECK_OK(
        login_session_list(scene.db, scene.ada, scene_at(1), 10, &arena, &rows, &count, &scene.err),
        &scene.err);
    CHECK_INT((int64_t)count, 3);
    CHECK(rows[0].id > rows[2].id && find(&scene, 2, LOGIN_OPEN, 1) == 0);
    CHECK_OK(login_session_forget(scene.db, scene_at(100), scene_at(-1), &scene.err), &scene.err);
    CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM login_session"), 0);
}

static void test_a_step_is_written_down(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t id = insert(&scene, 1, LOGIN_OPEN);

    CHECK_OK(login_session_step(scene.db, scene.host, id, scene_at(7), &scene.err), &scene.err);
    CHECK_INT(scene_number(&scene, "SELECT stepped_us FROM login_session"), 0);
    CHECK_OK(login_session_step(scene.db, scene.ada, id, scene_at(7), &scene.err), &scene.err);
    CHECK_INT(scene_number(&scene, "SELECT stepped_us FROM login_session"),
              scene_at(7).microseconds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_session_ends_by_age_and_by_idleness),
        cmocka_unit_test(test_a_session_is_its_users_to_end),
        cmocka_unit_test(test_the_newest_stay),
        cmocka_unit_test(test_a_step_is_written_down),
    };
    return SUPPORT_RUN(tests);
}
