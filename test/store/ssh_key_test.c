/* SPDX-License-Identifier: Apache-2.0 */
#include "store/ssh_key.h"

#include "store/support_rows.h"

static int64_t insert(struct scene *scene, int64_t user_id, const char *text, bool is_account)
{
    struct ssh_key_row key = {
        .user_id = user_id, .public_key = text, .is_account = is_account, .created = scene_at(3)
    };
    int64_t id;

    CHECK_OK(ssh_key_insert(scene->db, &key, &id, &scene->err), &scene->err);
    return id;
}

static bool load(struct scene *scene, int64_t user_id, int64_t id, struct ssh_key_row *ret)
{
    bool has = false;

    CHECK_OK(ssh_key_load(scene->db, user_id, id, &scene->arena, ret, &has, &scene->err),
             &scene->err);
    return has;
}

static int64_t list_of(struct scene *scene, int64_t user_id, int64_t contract_id,
                       struct ssh_key_row **ret)
{
    size_t count = 99;

    CHECK_OK(
        ssh_key_list_of(scene->db, user_id, contract_id, &scene->arena, ret, &count, &scene->err),
        &scene->err);
    return (int64_t)count;
}

static int64_t attach(struct scene *scene, int64_t user_id, int64_t contract_id, int64_t key)
{
    int64_t count = -1;

    CHECK_OK(ssh_key_attach(scene->db, user_id, contract_id, key, &count, &scene->err),
             &scene->err);
    return count;
}

static int64_t detach(struct scene *scene, int64_t user_id, int64_t contract_id, int64_t key)
{
    int64_t count = -1;

    CHECK_OK(ssh_key_detach(scene->db, user_id, contract_id, key, &count, &scene->err),
             &scene->err);
    return count;
}

static void test_every_field_comes_back(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t id = insert(&scene, scene.ada, "ssh-ed25519 AAAA ada", true);
    struct ssh_key_row key;

    CHECK(load(&scene, scene.ada, id, &key));
    CHECK_INT(key.id, id);
    CHECK_INT(key.user_id, scene.ada);
    CHECK_TEXT(key.public_key, "ssh-ed25519 AAAA ada");
    CHECK(key.is_account);
    CHECK_INT(key.created.microseconds, scene_at(3).microseconds);
    CHECK(!load(&scene, scene.ada, 999, &key));
}

static void test_a_key_is_its_owners(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t id = insert(&scene, scene.ada, "a", true), count = -1;
    struct ssh_key_row key;

    CHECK(!load(&scene, scene.bob, id, &key));
    CHECK_OK(ssh_key_update(scene.db, scene.bob, id, "x", &count, &scene.err), &scene.err);
    CHECK_INT(count, 0);
    CHECK_OK(ssh_key_delete(scene.db, scene.bob, id, scene_at(5), &count, &scene.err), &scene.err);
    CHECK_INT(count, 0);
    CHECK(load(&scene, scene.ada, id, &key));
    CHECK_TEXT(key.public_key, "a");
    CHECK_OK(ssh_key_update(scene.db, scene.ada, id, "b", &count, &scene.err), &scene.err);
    CHECK_INT(count, 1);
    CHECK(load(&scene, scene.ada, id, &key));
    CHECK_TEXT(key.public_key, "b");
}

static void test_a_deleted_key_admits_nowhere(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t id = insert(&scene, scene.ada, "a", true), count = -1;
    struct ssh_key_row key, *keys;

    CHECK_INT(attach(&scene, scene.ada, scene.contract, id), 1);
    CHECK_OK(ssh_key_delete(scene.db, scene.ada, id, scene_at(5), &count, &scene.err), &scene.err);
    CHECK_INT(count, 1);
    CHECK_OK(ssh_key_delete(scene.db, scene.ada, id, scene_at(6), &count, &scene.err), &scene.err);
    CHECK_INT(count, 0);
    CHECK_OK(ssh_key_update(scene.db, scene.ada, id, "x", &count, &scene.err), &scene.err);
    CHECK_INT(count, 0);
    CHECK(!load(&scene, scene.ada, id, &key));
    CHECK_INT(list_of(&scene, scene.ada, scene.contract, &keys), 0);
    CHECK_INT(detach(&scene, scene.ada, scene.contract, id), 1);
    CHECK_INT(attach(&scene, scene.ada, scene.contract, id), 0);
}

static void test_a_list_is_of_account_keys_in_order(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t first = insert(&scene, scene.ada, "z", true);
    int64_t second =
        (insert(&scene, scene.ada, "own", false), insert(&scene, scene.ada, "a", true));
    struct ssh_key_row *keys;
    size_t count;

    (void)insert(&scene, scene.bob, "b", true);
    CHECK_OK(ssh_key_list(scene.db, scene.ada, &scene.arena, &keys, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_INT(keys[0].id, first);
    CHECK_INT(keys[1].id, second);
}

/* Neither another's key to an instance, nor a key to another's instance. */
static void test_keys_and_instances_of_one_owner_meet(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t adas = insert(&scene, scene.ada, "a", false);
    int64_t bobs = insert(&scene, scene.bob, "b", false);
    struct ssh_key_row *keys;

    CHECK_INT(attach(&scene, scene.ada, scene.contract, bobs), 0);
    CHECK_INT(attach(&scene, scene.ada, scene.contract_bob, adas), 0);
    CHECK_INT(attach(&scene, scene.bob, scene.contract, adas), 0);
    CHECK_INT(attach(&scene, scene.bob, scene.contract, bobs), 0);
    CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM contract_ssh_key"), 0);
    CHECK_INT(attach(&scene, scene.ada, scene.contract, adas), 1);
    CHECK_INT(attach(&scene, scene.ada, scene.contract, adas), 0);
    CHECK_INT(list_of(&scene, scene.ada, scene.contract, &keys), 1);
    CHECK_INT(keys[0].id, adas);
    CHECK_INT(list_of(&scene, scene.bob, scene.contract, &keys), 0);
    CHECK_INT(list_of(&scene, scene.ada, scene.contract_bob, &keys), 0);
    CHECK_INT(detach(&scene, scene.bob, scene.contract, adas), 0);
    CHECK_INT(list_of(&scene, scene.ada, scene.contract, &keys), 1);
    CHECK_INT(detach(&scene, scene.ada, scene.contract, adas), 1);
    CHECK_INT(detach(&scene, scene.ada, scene.contract, adas), 0);
}

static void test_an_account_key_goes_everywhere_of_its_owner(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t second = scene_contract(&scene, scene.ada, scene.machine);
    int64_t gone = scene_contract(&scene, scene.ada, scene.machine);
    int64_t first_key = insert(&scene, scene.ada, "a", true);
    int64_t next_key = insert(&scene, scene.ada, "b", true);
    struct ssh_key_row *keys;

    (void)insert(&scene, scene.ada, "own", false);
    scene_run(&scene, "UPDATE contract SET state = 8, destroyed_us = 1 WHERE id = $1",
              DB_ARGS(db_int(gone)));
    CHECK_OK(ssh_key_attach_everywhere(scene.db, scene.bob, next_key, &scene.err), &scene.err);
    CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM contract_ssh_key"), 0);
    CHECK_OK(ssh_key_attach_everywhere(scene.db, scene.ada, next_key, &scene.err), &scene.err);
    CHECK_OK(ssh_key_attach_everywhere(scene.db, scene.ada, next_key, &scene.err), &scene.err);
    CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM contract_ssh_key"), 2);
    CHECK_OK(ssh_key_attach_all(scene.db, scene.bob, second, &scene.err), &scene.err);
    CHECK_INT(list_of(&scene, scene.ada, second, &keys), 1);
    CHECK_OK(ssh_key_attach_all(scene.db, scene.ada, second, &scene.err), &scene.err);
    CHECK_INT(list_of(&scene, scene.ada, second, &keys), 2);
    CHECK_INT(keys[0].id, first_key);
    CHECK_INT(keys[1].id, next_key);
    CHECK_INT(list_of(&scene, scene.ada, scene.contract, &keys), 1);
    CHECK_INT(attach(&scene, scene.ada, gone, first_key), 0);
}

static void test_a_key_has_an_owner(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct ssh_key_row nobodys = { .user_id = 999, .public_key = "a" };
    int64_t id;

    CHECK_REFUSED(&scene, ssh_key_insert(scene.db, &nobodys, &id, &scene.err));
    CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM ssh_key"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_comes_back),
        cmocka_unit_test(test_a_key_is_its_owners),
        cmocka_unit_test(test_a_deleted_key_admits_nowhere),
        cmocka_unit_test(test_a_list_is_of_account_keys_in_order),
        cmocka_unit_test(test_keys_and_instances_of_one_owner_meet),
        cmocka_unit_test(test_an_account_key_goes_everywhere_of_its_owner),
        cmocka_unit_test(test_a_key_has_an_owner),
    };
    return SUPPORT_RUN(tests);
}
