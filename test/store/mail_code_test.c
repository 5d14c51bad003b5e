/* SPDX-License-Identifier: Apache-2.0 */
#include "store/mail_code.h"

#include "store/support_rows.h"

static int64_t insert(struct scene *scene, int64_t kind, int64_t expires)
{
    const struct mail_code_row row = { .kind = kind,
                                       .user_id = scene->ada,
                                       .email = "ada@berth.test",
                                       .payload = "{}",
                                       .expires = scene_at(expires) };
    int64_t id;

    CHECK_OK(mail_code_insert(scene->db, &row, &id, &scene->err), &scene->err);
    return id;
}

static bool has(struct scene *scene, int64_t id, int64_t now)
{
    auto_arena struct arena arena = arena_of(1 << 16);
    struct mail_code_row row;
    bool has_row;

    CHECK_OK(mail_code_load(scene->db, id, scene_at(now), &arena, &row, &has_row, &scene->err),
             &scene->err);
    if (has_row) {
        CHECK_INT(row.id, id);
        CHECK_TEXT(row.email, "ada@berth.test");
        CHECK_TEXT(row.payload, "{}");
    }
    return has_row;
}

static void test_a_code_is_used_once_and_in_time(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t id = insert(&scene, 1, 60);

    CHECK(has(&scene, id, 59));
    CHECK(!has(&scene, id, 60));
    CHECK(!has(&scene, id + 1, 0));
    CHECK_OK(mail_code_take(scene.db, id, &scene.err), &scene.err);
    CHECK(!has(&scene, id, 0));
    CHECK_REFUSED(&scene, mail_code_take(scene.db, id, &scene.err));
}

static void test_those_of_a_kind_go_together_and_the_old_by_themselves(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t one = insert(&scene, 1, 60), two = insert(&scene, 1, 61), other = insert(&scene, 2, 62);

    CHECK_OK(mail_code_forget(scene.db, scene_at(60), &scene.err), &scene.err);
    CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM mail_code"), 2);
    CHECK_OK(mail_code_drop(scene.db, scene.ada, 1, &scene.err), &scene.err);
    CHECK(!has(&scene, one, 0) && !has(&scene, two, 0) && has(&scene, other, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_code_is_used_once_and_in_time),
        cmocka_unit_test(test_those_of_a_kind_go_together_and_the_old_by_themselves),
    };
    return SUPPORT_RUN(tests);
}
