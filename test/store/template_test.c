/* SPDX-License-Identifier: Apache-2.0 */
#include "store/template.h"

#include <string.h>

#include "store/support_rows.h"

static int64_t insert(struct scene *scene, int64_t owner_id, const char *hash, bool is_private)
{
    struct template_row row = { .owner_id = owner_id,
                                .hash_id = hash,
                                .form = "{\"name\":\"n\"}",
                                .is_private = is_private,
                                .created = scene_at(3) };
    int64_t id;

    CHECK_OK(template_insert(scene->db, &row, &id, &scene->err), &scene->err);
    return id;
}

static bool load(struct scene *scene, int64_t id, struct template_row *ret)
{
    bool has;

    CHECK_OK(template_load(scene->db, id, &scene->arena, ret, &has, &scene->err), &scene->err);
    return has;
}

static void test_every_field_comes_back(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    static const uint8_t login[] = { 0, 1, 255 };
    struct template_row row, wanted = { .owner_id = scene.ada,
                                        .hash_id = "aa",
                                        .form = "{}",
                                        .login = login,
                                        .login_length = sizeof login,
                                        .is_private = true,
                                        .is_recommended = true,
                                        .created = scene_at(3) };
    int64_t id;

    CHECK_OK(template_insert(scene.db, &wanted, &id, &scene.err), &scene.err);
    CHECK(load(&scene, id, &row));
    CHECK_INT(row.id, id);
    CHECK_INT(row.owner_id, scene.ada);
    CHECK_TEXT(row.hash_id, "aa");
    CHECK_TEXT(row.form, "{}");
    CHECK(row.login_length == sizeof login && memcmp(row.login, login, sizeof login) == 0);
    CHECK(row.is_private && row.is_recommended);
    CHECK_INT(row.created.microseconds, scene_at(3).microseconds);
    CHECK_INT(row.used.microseconds, 0);
    CHECK_INT(row.used_count, 0);

    CHECK_OK(template_use(scene.db, id, scene_at(5), &scene.err), &scene.err);
    CHECK_OK(template_use(scene.db, id, scene_at(6), &scene.err), &scene.err);
    CHECK(load(&scene, id, &row));
    CHECK_INT(row.used_count, 2);
    CHECK_INT(row.used.microseconds, scene_at(6).microseconds);

    wanted = (struct template_row){ .id = id, .hash_id = "bb", .form = "{\"a\":1}" };
    CHECK_OK(template_update(scene.db, &wanted, &scene.err), &scene.err);
    CHECK(load(&scene, id, &row));
    CHECK_TEXT(row.hash_id, "bb");
    CHECK_TEXT(row.form, "{\"a\":1}");
    CHECK(row.login == NULL && !row.is_private && !row.is_recommended);
    CHECK_INT(row.owner_id, scene.ada);
}

static void test_a_hash_is_one_templates_until_it_is_deleted(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t id = insert(&scene, scene.ada, "aa", true), count;
    struct template_row row;
    bool has;

    CHECK_OK(template_find(scene.db, "aa", &scene.arena, &row, &has, &scene.err), &scene.err);
    CHECK(has && row.id == id);
    CHECK_OK(template_find(scene.db, "ab", &scene.arena, &row, &has, &scene.err), &scene.err);
    CHECK(!has);
    CHECK_OK(template_count(scene.db, scene.ada, &count, &scene.err), &scene.err);
    CHECK_INT(count, 1);
    CHECK_OK(template_delete(scene.db, id, scene_at(9), &scene.err), &scene.err);
    CHECK(!load(&scene, id, &row));
    CHECK_OK(template_count(scene.db, scene.ada, &count, &scene.err), &scene.err);
    CHECK_INT(count, 0);
    CHECK(insert(&scene, scene.ada, "aa", true) != id);
}

static void test_others_private_ones_are_not_listed(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t own = insert(&scene, scene.ada, "a1", true);
    int64_t theirs = insert(&scene, scene.bob, "b1", false);
    struct template_row *rows;
    size_t count;

    (void)insert(&scene, scene.bob, "b2", true);
    CHECK_OK(template_list(scene.db, scene.ada, 10, &scene.arena, &rows, &count, &scene.err),
             &scene.err);
    CHECK_INT((int64_t)count, 2);
    CHECK_INT(rows[0].id, own);
    CHECK_INT(rows[1].id, theirs);
    CHECK_OK(template_list(scene.db, scene.ada, 1, &scene.arena, &rows, &count, &scene.err),
             &scene.err);
    CHECK_INT((int64_t)count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_comes_back),
        cmocka_unit_test(test_a_hash_is_one_templates_until_it_is_deleted),
        cmocka_unit_test(test_others_private_ones_are_not_listed),
    };
    return SUPPORT_RUN(tests);
}
