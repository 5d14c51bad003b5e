/* SPDX-License-Identifier: Apache-2.0 */
#include "store/api_key.h"

#include <string.h>

#include "store/support_rows.h"

static int64_t insert(struct scene *scene, int64_t user_id, uint8_t hash, int64_t contract_id)
{
    struct api_key_row key = { .user_id = user_id,
                               .name = "laptop",
                               .rights = "{\"api\":{}}",
                               .scopes = UINT32_MAX,
                               .contract_id = contract_id,
                               .hash = scene_hash(hash),
                               .created = scene_at(4) };
    int64_t id;

    CHECK_OK(api_key_insert(scene->db, &key, &id, &scene->err), &scene->err);
    return id;
}

/* The id of the live key with that hash, or 0. */
static int64_t find(struct scene *scene, uint8_t number)
{
    struct hash hash = scene_hash(number);
    struct api_key_owned found;
    bool has = false;

    CHECK_OK(api_key_find(scene->db, &hash, &scene->arena, &found, &has, &scene->err), &scene->err);
    return has ? found.key.id : 0;
}

static int64_t list(struct scene *scene, int64_t user_id, struct api_key_row **ret)
{
    size_t count = 99;

    CHECK_OK(api_key_list(scene->db, (struct api_key_owner){ user_id, 0 }, &scene->arena, ret,
                          &count, &scene->err),
             &scene->err);
    return (int64_t)count;
}

static void test_every_field_comes_back(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t id = insert(&scene, scene.ada, 1, scene.contract);
    struct hash hash = scene_hash(1);
    struct api_key_row key;
    bool has;

    CHECK_OK(api_key_load(scene.db, (struct api_key_owner){ scene.ada, 0 }, id, &scene.arena, &key,
                          &has, &scene.err),
             &scene.err);
    CHECK(has);
    CHECK_INT(key.id, id);
    CHECK_INT(key.user_id, scene.ada);
    CHECK_TEXT(key.name, "laptop");
    CHECK_TEXT(key.rights, "{\"api\":{}}");
    CHECK_INT(key.scopes, UINT32_MAX);
    CHECK_INT(key.contract_id, scene.contract);
    CHECK(memcmp(key.hash.bytes, hash.bytes, sizeof hash.bytes) == 0);
    CHECK_INT(key.created.microseconds, scene_at(4).microseconds);
    CHECK_INT(find(&scene, 1), id);
    CHECK_INT(find(&scene, 2), 0);
}

static int64_t used(struct scene *scene, int64_t id)
{
    struct api_key_row key;
    bool has;

    CHECK_OK(api_key_load(scene->db, (struct api_key_owner){ scene->ada, 0 }, id, &scene->arena,
                          &key, &has, &scene->err),
             &scene->err);
    CHECK(has);
    return key.used.microseconds;
}

/* Alone or among others, in any order; and never back. */
static void test_its_use_is_written_down(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    enum { KEYS = 3 };
    int64_t ids[KEYS], last[KEYS] = { 0 };
    static const struct {
        size_t count;
        struct {
            int key, at;
        } uses[KEYS];
    } rows[] = {
        { 0, { { 0, 0 } } },
        { 1, { { 1, 100 } } },
        { 3, { { 2, 90 }, { 0, 95 }, { 1, 90 } } },
        { 1, { { 0, 94 } } },
        { 2, { { 1, 100 }, { 0, 96 } } },
    };

    for (uint8_t i = 0; i < KEYS; i++)
        ids[i] = insert(&scene, scene.ada, (uint8_t)(i + 1), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct api_key_use uses[KEYS];

        check_row("%zu", i);
        for (size_t j = 0; j < rows[i].count; j++) {
            int key = rows[i].uses[j].key;
            struct instant at = scene_at(rows[i].uses[j].at);

            uses[j] = (struct api_key_use){ ids[key], at };
            last[key] = at.microseconds > last[key] ? at.microseconds : last[key];
        }
        CHECK_OK(api_key_use_all(scene.db, uses, rows[i].count, &scene.err), &scene.err);
        for (size_t key = 0; key < KEYS; key++)
            CHECK_INT(used(&scene, ids[key]), last[key]);
    }
}

/* As many as go into one statement, and each gets its own. */
static void test_many_uses_are_written_at_once(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    static struct api_key_use uses[API_KEY_USES_MAX];
    int64_t first = insert(&scene, scene.ada, 1, 0), last = insert(&scene, scene.ada, 2, 0);

    for (int i = 0; i < API_KEY_USES_MAX; i++)
        uses[i] = (struct api_key_use){ 1000000 + i, scene_at(9) };
    uses[0] = (struct api_key_use){ first, { INT64_MAX } };
    uses[API_KEY_USES_MAX - 1].id = last;
    CHECK_OK(api_key_use_all(scene.db, uses, API_KEY_USES_MAX, &scene.err), &scene.err);
    CHECK_INT(used(&scene, first), INT64_MAX);
    CHECK_INT(used(&scene, last), scene_at(9).microseconds);
}

/* What makes its caller an operator, or asks for more than the key. */
static void test_a_key_tells_of_its_owner(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t id = insert(&scene, scene.ada, 1, 0);
    struct hash hash = scene_hash(1);

    for (int i = 0; i < 4; i++) {
        struct api_key_owned found;
        bool has;

        check_row("%d", i);
        scene_run(&scene, "UPDATE users SET is_admin = $2, tfa_us = $3 WHERE id = $1",
                  DB_ARGS(db_int(scene.ada), db_int(i % 2), db_int(i / 2 * 7)));
        CHECK_OK(api_key_find(scene.db, &hash, &scene.arena, &found, &has, &scene.err), &scene.err);
        CHECK(has);
        CHECK_INT(found.key.id, id);
        CHECK_INT(found.key.user_id, scene.ada);
        CHECK_INT(found.is_owner_admin, i % 2);
        CHECK_INT(found.has_owner_tfa, i / 2);
    }
}

static void test_a_key_is_its_owners(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t id = insert(&scene, scene.ada, 1, 0), count = -1;
    struct api_key_row key, *keys;
    bool has = true;

    CHECK_OK(api_key_load(scene.db, (struct api_key_owner){ scene.bob, 0 }, id, &scene.arena, &key,
                          &has, &scene.err),
             &scene.err);
    CHECK(!has);
    CHECK_INT(list(&scene, scene.bob, &keys), 0);
    CHECK_OK(api_key_revoke(scene.db, (struct api_key_owner){ scene.bob, 0 }, id, scene_at(5),
                            &count, &scene.err),
             &scene.err);
    CHECK_INT(count, 0);
    CHECK_INT(find(&scene, 1), id);
}

static void test_a_revoked_key_is_gone(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t id = insert(&scene, scene.ada, 1, 0), other = insert(&scene, scene.ada, 2, 0);
    int64_t count = -1;
    struct api_key_row key, *keys;
    bool has = true;

    CHECK_OK(api_key_revoke(scene.db, (struct api_key_owner){ scene.ada, 0 }, id, scene_at(5),
                            &count, &scene.err),
             &scene.err);
    CHECK_INT(count, 1);
    CHECK_OK(api_key_revoke(scene.db, (struct api_key_owner){ scene.ada, 0 }, id, scene_at(6),
                            &count, &scene.err),
             &scene.err);
    CHECK_INT(count, 0);
    CHECK_INT(find(&scene, 1), 0);
    CHECK_OK(api_key_load(scene.db, (struct api_key_owner){ scene.ada, 0 }, id, &scene.arena, &key,
                          &has, &scene.err),
             &scene.err);
    CHECK(!has);
    CHECK_INT(list(&scene, scene.ada, &keys), 1);
    CHECK_INT(keys[0].id, other);
    CHECK_INT(scene_number(&scene, "SELECT MAX(revoked_us) FROM api_key"),
              scene_at(5).microseconds);
}

static void test_a_list_is_in_order_and_without_instance_keys(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t first = insert(&scene, scene.ada, 9, 0);
    int64_t second = insert(&scene, scene.ada, 3, 0);
    struct api_key_row *keys;

    (void)insert(&scene, scene.ada, 4, scene.contract);
    CHECK_INT(list(&scene, scene.ada, &keys), 2);
    CHECK_INT(keys[0].id, first);
    CHECK_INT(keys[1].id, second);
}

static void test_an_instances_keys_end_with_it(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t own = insert(&scene, scene.ada, 1, 0);
    int64_t instance = insert(&scene, scene.ada, 2, scene.contract);
    int64_t bobs = insert(&scene, scene.bob, 3, scene.contract_bob);

    CHECK_OK(
        api_key_revoke_of_contract(scene.db, scene.bob, scene.contract, scene_at(5), &scene.err),
        &scene.err);
    CHECK_INT(find(&scene, 2), instance);
    CHECK_OK(
        api_key_revoke_of_contract(scene.db, scene.ada, scene.contract, scene_at(5), &scene.err),
        &scene.err);
    CHECK_INT(find(&scene, 2), 0);
    CHECK_INT(find(&scene, 1), own);
    CHECK_INT(find(&scene, 3), bobs);
}

static void test_a_hash_is_one_key_even_when_revoked(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t id = insert(&scene, scene.ada, 1, 0), count;
    struct api_key_row again = {
        .user_id = scene.bob, .name = "", .rights = "", .hash = scene_hash(1)
    };

    CHECK_REFUSED(&scene, api_key_insert(scene.db, &again, &id, &scene.err));
    CHECK_INT(find(&scene, 1), id);
    CHECK_OK(api_key_revoke(scene.db, (struct api_key_owner){ scene.ada, 0 }, id, scene_at(5),
                            &count, &scene.err),
             &scene.err);
    CHECK_REFUSED(&scene, api_key_insert(scene.db, &again, &id, &scene.err));
    again.hash = scene_hash(2);
    again.user_id = 999;
    CHECK_REFUSED(&scene, api_key_insert(scene.db, &again, &id, &scene.err));
    CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM api_key"), 1);
}

static void test_a_row_that_cannot_be_is_corrupt(void **state)
{
    static const char *const damage[] = {
        "UPDATE api_key SET scopes = 4294967296",
        "UPDATE api_key SET scopes = -1",
        "UPDATE api_key SET contract_id = -1, scopes = 0",
    };
    auto_scene struct scene scene = scene_open(*state);
    int64_t id = insert(&scene, scene.ada, 1, 0);
    struct api_key_row key, *keys;
    size_t count;
    bool has;

    for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        check_row("%s", damage[i]);
        scene_run(&scene, damage[i], DB_NO_ARGS);
        CHECK_FAILS(api_key_load(scene.db, (struct api_key_owner){ scene.ada, 0 }, id, &scene.arena,
                                 &key, &has, &scene.err),
                    &scene.err, ERROR_CORRUPT);
    }
    scene_run(&scene, "UPDATE api_key SET contract_id = 0, hash = $1", DB_ARGS(db_bytes("x", 1)));
    CHECK_FAILS(api_key_list(scene.db, (struct api_key_owner){ scene.ada, 0 }, &scene.arena, &keys,
                             &count, &scene.err),
                &scene.err, ERROR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_comes_back),
        cmocka_unit_test(test_its_use_is_written_down),
        cmocka_unit_test(test_many_uses_are_written_at_once),
        cmocka_unit_test(test_a_key_tells_of_its_owner),
        cmocka_unit_test(test_a_key_is_its_owners),
        cmocka_unit_test(test_a_revoked_key_is_gone),
        cmocka_unit_test(test_a_list_is_in_order_and_without_instance_keys),
        cmocka_unit_test(test_an_instances_keys_end_with_it),
        cmocka_unit_test(test_a_hash_is_one_key_even_when_revoked),
        cmocka_unit_test(test_a_row_that_cannot_be_is_corrupt),
    };
    return SUPPORT_RUN(tests);
}
