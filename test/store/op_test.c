/* SPDX-License-Identifier: Apache-2.0 */
#include "store/op.h"

#include <string.h>

#include "store/support_rows.h"

static struct op_row row_of(const struct scene *scene, const char *op_id, uint8_t token)
{
    return (struct op_row){ .contract_id = scene->contract,
                            .machine_id = scene->machine,
                            .owner_id = scene->ada,
                            .op_id = op_id,
                            .token_hash = scene_hash(token),
                            .is_exec = true,
                            .min_gen = 4,
                            .command = "ls -l",
                            .filter = "error",
                            .tail = 100,
                            .is_daemon_log = true,
                            .since = "0",
                            .created = scene_at(1),
                            .expires = scene_at(60) };
}

static int64_t insert(struct scene *scene, const char *op_id, uint8_t token)
{
    struct op_row op = row_of(scene, op_id, token);
    int64_t id;

    CHECK_OK(op_insert(scene->db, &op, &id, &scene->err), &scene->err);
    return id;
}

static bool find(struct scene *scene, uint8_t token, struct op_row *ret)
{
    struct hash hash = scene_hash(token);
    bool has = false;

    CHECK_OK(op_find(scene->db, &hash, &scene->arena, ret, &has, &scene->err), &scene->err);
    return has;
}

static int64_t finish(struct scene *scene, int64_t machine_id, const char *op_id,
                      enum op_progress progress)
{
    int64_t count = -1;

    const struct op_end end = { progress, "out", 7, scene_at(9) };

    CHECK_OK(op_finish(scene->db, machine_id, op_id, &end, &count, &scene->err), &scene->err);
    return count;
}

static int64_t pending(struct scene *scene, int64_t machine_id)
{
    int64_t count = -1;

    CHECK_OK(op_count_pending(scene->db, machine_id, &count, &scene->err), &scene->err);
    return count;
}

static void test_every_field_comes_back(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t id = insert(&scene, "one", 1);
    struct hash hash = scene_hash(1);
    struct op_row op, logs = row_of(&scene, "two", 2);

    CHECK(find(&scene, 1, &op));
    CHECK_INT(op.id, id);
    CHECK_INT(op.contract_id, scene.contract);
    CHECK_INT(op.machine_id, scene.machine);
    CHECK_INT(op.owner_id, scene.ada);
    CHECK_TEXT(op.op_id, "one");
    CHECK(memcmp(op.token_hash.bytes, hash.bytes, sizeof hash.bytes) == 0);
    CHECK(op.is_exec);
    CHECK_INT(op.min_gen, 4);
    CHECK_TEXT(op.command, "ls -l");
    CHECK_TEXT(op.filter, "error");
    CHECK_INT(op.tail, 100);
    CHECK(op.is_daemon_log);
    CHECK_INT(op.created.microseconds, scene_at(1).microseconds);
    CHECK_INT(op.expires.microseconds, scene_at(60).microseconds);
    CHECK_INT(op.progress, OP_PENDING);
    CHECK(op.output == NULL);
    CHECK_TEXT(op.since, "0");
    CHECK_INT(op.exit_code, -1);
    CHECK(!find(&scene, 2, &op));

    logs.is_exec = logs.is_daemon_log = false;
    logs.command = logs.filter = logs.since = NULL;
    CHECK_OK(op_insert(scene.db, &logs, &id, &scene.err), &scene.err);
    CHECK(find(&scene, 2, &op));
    CHECK(!op.is_exec && !op.is_daemon_log && op.command == NULL && op.filter == NULL &&
          op.since == NULL);
}

static void test_pending_ones_are_of_one_machine_oldest_first(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct op_row elsewhere = row_of(&scene, "d", 4), *ops;
    int64_t first = insert(&scene, "b", 1), second = insert(&scene, "a", 2), id;
    size_t count;

    (void)insert(&scene, "c", 3);
    elsewhere.machine_id = scene.other_machine;
    CHECK_OK(op_insert(scene.db, &elsewhere, &id, &scene.err), &scene.err);
    CHECK_INT(pending(&scene, scene.machine), 3);
    CHECK_OK(op_list_pending(scene.db, scene.machine, scene_at(59), 2, &scene.arena, &ops, &count,
                             &scene.err),
             &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_INT(ops[0].id, first);
    CHECK_INT(ops[1].id, second);
    CHECK_INT(finish(&scene, scene.machine, "b", OP_WAS_DONE), 1);
    CHECK_OK(op_list_pending(scene.db, scene.machine, scene_at(59), 9, &scene.arena, &ops, &count,
                             &scene.err),
             &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_INT(ops[0].id, second);
    CHECK_OK(op_list_pending(scene.db, scene.machine, scene_at(60), 9, &scene.arena, &ops, &count,
                             &scene.err),
             &scene.err);
    CHECK_COUNT(count, 0);
}

static void test_one_is_finished_once_and_by_its_machine(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct op_row op;

    (void)insert(&scene, "one", 1);
    (void)insert(&scene, "two", 2);
    CHECK_INT(finish(&scene, scene.other_machine, "one", OP_WAS_DONE), 0);
    CHECK(find(&scene, 1, &op));
    CHECK_INT(op.progress, OP_PENDING);
    CHECK_INT(finish(&scene, scene.machine, "one", OP_HAS_FAILED), 1);
    CHECK_INT(finish(&scene, scene.machine, "one", OP_WAS_DONE), 0);
    CHECK(find(&scene, 1, &op));
    CHECK_INT(op.progress, OP_HAS_FAILED);
    CHECK_TEXT(op.output, "out");
    CHECK_INT(op.exit_code, 7);
    CHECK_INT(scene_number(&scene, "SELECT finished_us FROM op WHERE progress = 2"),
              scene_at(9).microseconds);
    CHECK(find(&scene, 2, &op));
    CHECK_INT(op.progress, OP_PENDING);
}

static void test_what_nobody_began_is_given_up_and_old_ones_dropped(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct op_row op;

    (void)insert(&scene, "one", 1);
    (void)insert(&scene, "two", 2);
    CHECK_INT(finish(&scene, scene.machine, "two", OP_WAS_DONE), 1);
    CHECK_OK(op_expire(scene.db, scene_at(59), scene_at(1), &scene.err), &scene.err);
    CHECK_INT(pending(&scene, scene.machine), 1);
    CHECK_OK(op_expire(scene.db, scene_at(60), scene_at(1), &scene.err), &scene.err);
    CHECK_INT(pending(&scene, scene.machine), 0);
    CHECK(find(&scene, 1, &op));
    CHECK_INT(op.progress, OP_HAS_FAILED);
    CHECK_TEXT(op.output, "The host did not begin it in time.");
    CHECK(find(&scene, 2, &op));
    CHECK_TEXT(op.output, "out");
    CHECK_OK(op_expire(scene.db, scene_at(60), scene_at(2), &scene.err), &scene.err);
    CHECK(!find(&scene, 1, &op));
    CHECK(!find(&scene, 2, &op));
}

static void test_names_and_tokens_are_unique_and_progress_has_output(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct op_row name = row_of(&scene, "one", 2), token = row_of(&scene, "two", 1);
    int64_t id = insert(&scene, "one", 1), count;

    CHECK_REFUSED(&scene, op_insert(scene.db, &name, &id, &scene.err));
    CHECK_REFUSED(&scene, op_insert(scene.db, &token, &id, &scene.err));
    const struct op_end ends[] = { { OP_WAS_DONE, NULL, -1, scene_at(9) },
                                   { OP_PENDING, "", -1, scene_at(9) },
                                   { (enum op_progress)4, "", -1, scene_at(9) },
                                   { OP_WAS_DONE, "", -2, scene_at(9) },
                                   { OP_WAS_DONE, "", 256, scene_at(9) } };
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        check_row("%zu", i);
        CHECK_REFUSED(&scene,
                      op_finish(scene.db, scene.machine, "one", &ends[i], &count, &scene.err));
    }
    CHECK_INT(pending(&scene, scene.machine), 1);
    CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM op"), 1);
}

static void test_a_row_that_cannot_be_is_corrupt(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct hash hash = scene_hash(1);
    struct op_row op;
    bool has;

    (void)insert(&scene, "one", 1);
    scene_run(&scene, "UPDATE op SET min_gen = 0", DB_NO_ARGS);
    CHECK_FAILS(op_find(scene.db, &hash, &scene.arena, &op, &has, &scene.err), &scene.err,
                ERROR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_comes_back),
        cmocka_unit_test(test_pending_ones_are_of_one_machine_oldest_first),
        cmocka_unit_test(test_one_is_finished_once_and_by_its_machine),
        cmocka_unit_test(test_what_nobody_began_is_given_up_and_old_ones_dropped),
        cmocka_unit_test(test_names_and_tokens_are_unique_and_progress_has_output),
        cmocka_unit_test(test_a_row_that_cannot_be_is_corrupt),
    };
    return SUPPORT_RUN(tests);
}
