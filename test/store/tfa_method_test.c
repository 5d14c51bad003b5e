/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tfa_method.h"

#include "store/support_rows.h"

static int64_t insert(struct scene *scene)
{
    const struct tfa_method_row row = {
        .user_id = scene->ada, .label = "", .sealed = "sealed", .length = 6, .created = scene_at(0)
    };
    int64_t id;

    CHECK_OK(tfa_method_insert(scene->db, &row, &id, &scene->err), &scene->err);
    return id;
}

static size_t count(struct scene *scene)
{
    auto_arena struct arena arena = arena_of(1 << 16);
    struct tfa_method_row *rows;
    size_t number;

    CHECK_OK(tfa_method_list(scene->db, scene->ada, &arena, &rows, &number, &scene->err),
             &scene->err);
    return number;
}

static void test_a_step_counts_once_and_forwards(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t id = insert(&scene);

    CHECK_OK(tfa_method_use(scene.db, id, 10, scene_at(1), &scene.err), &scene.err);
    CHECK_REFUSED(&scene, tfa_method_use(scene.db, id, 10, scene_at(1), &scene.err));
    CHECK_REFUSED(&scene, tfa_method_use(scene.db, id, 9, scene_at(1), &scene.err));
    CHECK_OK(tfa_method_use(scene.db, id, 11, scene_at(1), &scene.err), &scene.err);
}

static void test_what_waits_is_no_method_yet(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t one = insert(&scene), two = insert(&scene), changed;

    CHECK_OK(tfa_method_confirm(scene.db, one, "phone", scene_at(2), &scene.err), &scene.err);
    CHECK_OK(tfa_method_delete(scene.db, scene.ada, two, &changed, &scene.err), &scene.err);
    CHECK_INT(changed, 0);
    CHECK_OK(tfa_method_drop_pending(scene.db, scene.ada, &scene.err), &scene.err);
    CHECK_INT((int64_t)count(&scene), 1);
    CHECK_OK(tfa_method_set_label(scene.db, scene.host, one, "x", &changed, &scene.err),
             &scene.err);
    CHECK_INT(changed, 0);
    CHECK_OK(tfa_method_delete(scene.db, scene.host, one, &changed, &scene.err), &scene.err);
    CHECK_INT(changed, 0);
    CHECK_OK(tfa_method_delete(scene.db, scene.ada, one, &changed, &scene.err), &scene.err);
    CHECK_INT(changed, 1);
}

static void test_a_backup_code_is_its_users_and_good_once(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct hash hash = scene_hash(1), other = scene_hash(2);
    int64_t left;

    CHECK_OK(backup_code_insert(scene.db, scene.ada, &hash, &scene.err), &scene.err);
    CHECK_OK(backup_code_insert(scene.db, scene.ada, &other, &scene.err), &scene.err);
    CHECK_OK(backup_code_take(scene.db, scene.host, &hash, &left, &scene.err), &scene.err);
    CHECK_INT(left, 0);
    CHECK_OK(backup_code_take(scene.db, scene.ada, &hash, &left, &scene.err), &scene.err);
    CHECK_INT(left, 1);
    CHECK_OK(backup_code_take(scene.db, scene.ada, &hash, &left, &scene.err), &scene.err);
    CHECK_INT(left, 0);
    CHECK_OK(backup_code_count(scene.db, scene.ada, &left, &scene.err), &scene.err);
    CHECK_INT(left, 1);
    CHECK_OK(backup_code_drop(scene.db, scene.ada, &scene.err), &scene.err);
    CHECK_OK(backup_code_count(scene.db, scene.ada, &left, &scene.err), &scene.err);
    CHECK_INT(left, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_step_counts_once_and_forwards),
        cmocka_unit_test(test_what_waits_is_no_method_yet),
        cmocka_unit_test(test_a_backup_code_is_its_users_and_good_once),
    };
    return SUPPORT_RUN(tests);
}
