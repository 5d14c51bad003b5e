/* SPDX-License-Identifier: Apache-2.0 */
#include "store/rows.h"

#include <stdio.h>

#include "store/support_rows.h"

struct pair {
    int64_t number;
    const char *text;
};

static bool pair_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct pair *pair = item;

    return rows_number(row, 0, 0, INT64_MAX, &pair->number, err) &&
           rows_text_or_null(row, 1, arena, &pair->text, err);
}

static const struct rows_reader pairs = { "pair", sizeof(struct pair), pair_read };

static bool number_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    (void)arena;
    return rows_number(row, 0, -2, 3, item, err);
}

static bool bytes_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    (void)arena;
    return rows_bytes(row, 0, item, 32, err);
}

static void test_a_list_grows_past_every_size(void **state)
{
    static const char *const select = "SELECT id, email FROM users WHERE id <= $1 ORDER BY id";
    auto_scene struct scene scene = scene_open(*state);
    struct pair *items;
    size_t count;

    for (int i = 0; i < 30; i++) {
        char email[32];

        (void)snprintf(email, sizeof email, "%d@example.org", i);
        (void)scene_user(&scene, email);
    }
    int64_t first = scene_number(&scene, "SELECT MIN(id) FROM users");
    static const int counts[] = { 0, 1, 7, 8, 9, 15, 16, 17, 33 };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        check_row("%d rows", counts[i]);
        CHECK_OK(rows_load(scene.db, &pairs, select, DB_ARGS(db_int(first + counts[i] - 1)),
                           &scene.arena, &items, &count, &scene.err),
                 &scene.err);
        CHECK_COUNT(count, counts[i]);
        for (size_t row = 0; row < count; row++)
            CHECK_INT(items[row].number, first + (int64_t)row);
        if (count > 0)
            CHECK_TEXT(items[0].text, "ada@example.org");
    }
}

static void test_null_is_no_text(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct pair pair = { 0 };
    bool has = false;

    CHECK_OK(rows_load_one(scene.db, &pairs,
                           "SELECT num_gpus, label FROM contract ORDER BY id LIMIT 1", DB_NO_ARGS,
                           &scene.arena, &pair, &has, &scene.err),
             &scene.err);
    CHECK(has);
    CHECK_INT(pair.number, 2);
    CHECK_TEXT(pair.text, "label");
    scene_run(&scene, "UPDATE contract SET label = NULL", DB_NO_ARGS);
    CHECK_OK(rows_load_one(scene.db, &pairs,
                           "SELECT num_gpus, label FROM contract ORDER BY id LIMIT 1", DB_NO_ARGS,
                           &scene.arena, &pair, &has, &scene.err),
             &scene.err);
    CHECK(pair.text == NULL);
}

static void test_no_row_leaves_the_item_alone(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct pair pair = { .number = 42 };
    bool has = true;

    CHECK_OK(rows_load_one(scene.db, &pairs, "SELECT id, email FROM users WHERE id = 999",
                           DB_NO_ARGS, &scene.arena, &pair, &has, &scene.err),
             &scene.err);
    CHECK(!has);
    CHECK_INT(pair.number, 42);
}

static void test_a_number_keeps_to_its_bounds(void **state)
{
    static const struct {
        const char *sql;
        bool is_ok;
    } rows[] = {
        { "SELECT -3 FROM users LIMIT 1", false },
        { "SELECT -2 FROM users LIMIT 1", true },
        { "SELECT 3 FROM users LIMIT 1", true },
        { "SELECT 4 FROM users LIMIT 1", false },
    };
    static const struct rows_reader reader = { "number", sizeof(int64_t), number_read };
    auto_scene struct scene scene = scene_open(*state);

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t number = 42;
        bool has = false;
        bool is_ok = rows_load_one(scene.db, &reader, rows[i].sql, DB_NO_ARGS, NULL, &number, &has,
                                   &scene.err);

        check_row("%s", rows[i].sql);
        CHECK(is_ok == rows[i].is_ok);
        CHECK(has == rows[i].is_ok);
        if (is_ok)
            continue;
        CHECK_INT(scene.err.code, ERROR_CORRUPT);
        CHECK_INT(number, 42);
    }
}

static void test_bytes_are_all_there_or_corrupt(void **state)
{
    static const struct rows_reader reader = { "key", 32, bytes_read };
    static const char *const select = "SELECT public_key FROM machine ORDER BY id LIMIT 1";
    auto_scene struct scene scene = scene_open(*state);
    uint8_t key[33] = { 0 };
    bool has;

    CHECK_OK(rows_load_one(scene.db, &reader, select, DB_NO_ARGS, NULL, key, &has, &scene.err),
             &scene.err);
    CHECK_INT(key[0], 1);
    CHECK_INT(key[31], 1);
    for (size_t length = 31; length <= 33; length += 2) {
        uint8_t other[33] = { 9 };

        scene_run(&scene, "UPDATE machine SET public_key = $1 WHERE id = $2",
                  DB_ARGS(db_bytes(other, length), db_int(scene.machine)));
        CHECK_FAILS(
            rows_load_one(scene.db, &reader, select, DB_NO_ARGS, NULL, key, &has, &scene.err),
            &scene.err, ERROR_CORRUPT);
        CHECK_INT(key[0], 1);
    }
}

static void test_ids_stop_at_the_room_there_is(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t ids[3] = { 0, 0, 42 };
    size_t count = 99;

    CHECK_OK(rows_load_ids(scene.db, "SELECT id FROM users ORDER BY id", DB_NO_ARGS, ids, 2, &count,
                           &scene.err),
             &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_INT(ids[1], scene.bob);
    CHECK_INT(ids[2], 42);
}

static void test_more_than_the_arena_holds_is_refused(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    auto_arena struct arena small = arena_of(64);
    struct pair *items = NULL;
    size_t count = 99;

    CHECK_FAILS(rows_load(scene.db, &pairs, "SELECT id, email FROM users", DB_NO_ARGS, &small,
                          &items, &count, &scene.err),
                &scene.err, ERROR_OUT_OF_RANGE);
    CHECK(items == NULL);
    CHECK_COUNT(count, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_list_grows_past_every_size),
        cmocka_unit_test(test_null_is_no_text),
        cmocka_unit_test(test_no_row_leaves_the_item_alone),
        cmocka_unit_test(test_a_number_keeps_to_its_bounds),
        cmocka_unit_test(test_bytes_are_all_there_or_corrupt),
        cmocka_unit_test(test_ids_stop_at_the_room_there_is),
        cmocka_unit_test(test_more_than_the_arena_holds_is_refused),
    };
    return SUPPORT_RUN(tests);
}
