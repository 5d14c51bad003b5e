/* SPDX-License-Identifier: Apache-2.0 */
#include "store/enroll_token.h"

#include "store/support_rows.h"

static void insert(struct scene *scene, uint8_t number, int64_t now, int64_t expires)
{
    struct hash hash = scene_hash(number);

    CHECK_OK(enroll_token_insert(scene->db, &hash,
                                 &(struct enroll_token_row){ scene->host, number == 3 ? 7 : 0 },
                                 scene_at(now), scene_at(expires), &scene->err),
             &scene->err);
}

/* Whose it is, or 0; the third is for machine 7 alone. */
static int64_t find(struct scene *scene, uint8_t number, int64_t now)
{
    struct hash hash = scene_hash(number);
    struct enroll_token_row token = { 0 };
    bool has = false;

    CHECK_OK(enroll_token_find(scene->db, &hash, scene_at(now), &token, &has, &scene->err),
             &scene->err);
    CHECK_INT(token.machine_id, has && number == 3 ? 7 : 0);
    return token.user_id;
}

static void test_a_token_is_its_users_until_it_expires(void **state)
{
    auto_scene struct scene scene = scene_open(*state);

    insert(&scene, 1, 0, 60);
    CHECK_INT(find(&scene, 1, 0), scene.host);
    CHECK_INT(find(&scene, 1, 59), scene.host);
    CHECK_INT(find(&scene, 1, 60), 0);
    CHECK_INT(find(&scene, 2, 0), 0);
}

static void test_a_token_is_used_once(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct hash hash = scene_hash(1), never = scene_hash(3);

    insert(&scene, 1, 0, 60);
    insert(&scene, 2, 0, 60);
    CHECK_OK(enroll_token_take(scene.db, &hash, &scene.err), &scene.err);
    CHECK_INT(find(&scene, 1, 1), 0);
    CHECK_INT(find(&scene, 2, 1), scene.host);
    CHECK_REFUSED(&scene, enroll_token_take(scene.db, &hash, &scene.err));
    CHECK_REFUSED(&scene, enroll_token_take(scene.db, &never, &scene.err));
}

static void test_a_new_one_drops_the_expired(void **state)
{
    auto_scene struct scene scene = scene_open(*state);

    insert(&scene, 1, 0, 60);
    insert(&scene, 2, 0, 61);
    insert(&scene, 3, 60, 120);
    CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM enroll_token"), 2);
    CHECK_INT(find(&scene, 2, 60), scene.host);
    CHECK_INT(find(&scene, 3, 60), scene.host);
}

static void test_a_token_is_given_once_and_to_somebody(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct hash hash = scene_hash(1), other = scene_hash(2);
    const struct enroll_token_row ada = { scene.ada, 0 }, nobody = { 999, 0 };

    insert(&scene, 1, 0, 60);
    CHECK_REFUSED(
        &scene, enroll_token_insert(scene.db, &hash, &ada, scene_at(1), scene_at(99), &scene.err));
    CHECK_REFUSED(&scene, enroll_token_insert(scene.db, &other, &nobody, scene_at(1), scene_at(99),
                                              &scene.err));
    CHECK_INT(find(&scene, 1, 1), scene.host);
    CHECK_INT(find(&scene, 2, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_token_is_its_users_until_it_expires),
        cmocka_unit_test(test_a_token_is_used_once),
        cmocka_unit_test(test_a_new_one_drops_the_expired),
        cmocka_unit_test(test_a_token_is_given_once_and_to_somebody),
    };
    return SUPPORT_RUN(tests);
}
