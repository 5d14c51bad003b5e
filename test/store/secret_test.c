/* SPDX-License-Identifier: Apache-2.0 */
#include "store/secret.h"

#include <string.h>

#include "store/support_rows.h"

static struct secret_row secret_of(const char *name, const char *bytes)
{
    return (struct secret_row){ .name = name, .sealed = bytes, .length = strlen(bytes) };
}

static void test_an_account_has_one_data_key(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct data_key_row key = { .user_id = scene.ada, .master_id = 77 }, found;
    bool has = true;

    memset(key.sealed, 0xa5, sizeof key.sealed);
    CHECK_OK(data_key_load(scene.db, scene.ada, &found, &has, &scene.err), &scene.err);
    CHECK(!has);
    CHECK_OK(data_key_insert(scene.db, &key, scene_at(1), &scene.err), &scene.err);
    CHECK_OK(data_key_load(scene.db, scene.ada, &found, &has, &scene.err), &scene.err);
    CHECK(has);
    CHECK_INT(found.user_id, scene.ada);
    CHECK_INT(found.master_id, 77);
    CHECK(memcmp(found.sealed, key.sealed, sizeof key.sealed) == 0);
    CHECK_REFUSED(&scene, data_key_insert(scene.db, &key, scene_at(2), &scene.err));
}

static void test_data_keys_lie_under_a_master_key(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct data_key_row key = { .user_id = scene.ada, .master_id = 77 };
    struct data_key_row other = { .user_id = scene.bob, .master_id = 77 }, found[3];
    int64_t under, all;
    size_t count;
    bool has;

    CHECK_OK(data_key_count(scene.db, 77, &under, &all, &scene.err), &scene.err);
    CHECK(under == 0 && all == 0);
    CHECK_OK(data_key_insert(scene.db, &key, scene_at(1), &scene.err), &scene.err);
    CHECK_OK(data_key_insert(scene.db, &other, scene_at(1), &scene.err), &scene.err);
    CHECK_OK(data_key_list(scene.db, 77, found, 3, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_OK(data_key_list(scene.db, 77, found, 1, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 1);
    found[0].master_id = 78;
    memset(found[0].sealed, 0x5a, sizeof found[0].sealed);
    CHECK_OK(data_key_replace(scene.db, &found[0], 79, &scene.err), &scene.err);
    CHECK_OK(data_key_count(scene.db, 78, &under, &all, &scene.err), &scene.err);
    CHECK(under == 0 && all == 2);
    CHECK_OK(data_key_replace(scene.db, &found[0], 77, &scene.err), &scene.err);
    CHECK_OK(data_key_count(scene.db, 78, &under, &all, &scene.err), &scene.err);
    CHECK(under == 1 && all == 2);
    CHECK_OK(data_key_load(scene.db, found[0].user_id, &key, &has, &scene.err), &scene.err);
    CHECK(has && memcmp(key.sealed, found[0].sealed, sizeof key.sealed) == 0);
}

static void test_secrets_are_their_accounts_and_come_by_name(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct secret_row b = secret_of("B", "bytes"), a = secret_of("A", "more bytes");
    struct secret_row *found;
    int64_t changed = -1;
    size_t count;

    CHECK_OK(secret_insert(scene.db, scene.ada, &b, scene_at(1), &scene.err), &scene.err);
    CHECK_OK(secret_insert(scene.db, scene.ada, &a, scene_at(1), &scene.err), &scene.err);
    CHECK_OK(secret_insert(scene.db, scene.bob, &a, scene_at(1), &scene.err), &scene.err);
    CHECK_REFUSED(&scene, secret_insert(scene.db, scene.ada, &a, scene_at(1), &scene.err));
    CHECK_OK(secret_list(scene.db, scene.ada, &scene.arena, &found, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_TEXT(found[0].name, "A");
    CHECK_COUNT(found[1].length, 5);
    CHECK(memcmp(found[1].sealed, "bytes", 5) == 0);

    struct secret_row news = secret_of("B", "\1\2");
    CHECK_OK(secret_update(scene.db, scene.bob, &news, scene_at(2), &changed, &scene.err),
             &scene.err);
    CHECK_INT(changed, 0);
    CHECK_OK(secret_update(scene.db, scene.ada, &news, scene_at(2), &changed, &scene.err),
             &scene.err);
    CHECK_INT(changed, 1);
    CHECK_OK(secret_delete(scene.db, scene.ada, "A", &changed, &scene.err), &scene.err);
    CHECK_INT(changed, 1);
    CHECK_OK(secret_delete(scene.db, scene.ada, "A", &changed, &scene.err), &scene.err);
    CHECK_INT(changed, 0);
    CHECK_OK(secret_list(scene.db, scene.ada, &scene.arena, &found, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_COUNT(found[0].length, 2);
    CHECK_OK(secret_list(scene.db, scene.bob, &scene.arena, &found, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 1);
}

static void test_a_contract_keeps_what_it_got(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct secret_row found;
    bool has = true;

    CHECK_OK(contract_env_load(scene.db, scene.contract, &scene.arena, &found, &has, &scene.err),
             &scene.err);
    CHECK(!has);
    CHECK_OK(contract_env_insert(scene.db, scene.contract, "a\0b", 3, &scene.err), &scene.err);
    CHECK_OK(contract_env_load(scene.db, scene.contract, &scene.arena, &found, &has, &scene.err),
             &scene.err);
    CHECK(has);
    CHECK_COUNT(found.length, 3);
    CHECK(memcmp(found.sealed, "a\0b", 3) == 0);
    CHECK_OK(
        contract_env_load(scene.db, scene.contract_bob, &scene.arena, &found, &has, &scene.err),
        &scene.err);
    CHECK(!has);
    CHECK_REFUSED(&scene, contract_env_insert(scene.db, scene.contract, "x", 1, &scene.err));
    CHECK_REFUSED(&scene, contract_env_insert(scene.db, 99999, "x", 1, &scene.err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_account_has_one_data_key),
        cmocka_unit_test(test_data_keys_lie_under_a_master_key),
        cmocka_unit_test(test_secrets_are_their_accounts_and_come_by_name),
        cmocka_unit_test(test_a_contract_keeps_what_it_got),
    };

    return SUPPORT_RUN(tests);
}
