/* SPDX-License-Identifier: Apache-2.0 */
#include "store/approval.h"

#include "store/support_rows.h"

static struct approval_row a_request(const struct scene *scene, const char *what)
{
    return (struct approval_row){ .what = what,
                                  .body = "all of it",
                                  .amount = { 500 },
                                  .asked_by = scene->ada,
                                  .asked = scene_at(3) };
}

static void ask(struct scene *scene, const struct approval_row *row)
{
    CHECK_OK(approval_ask(scene->db, row, &scene->err), &scene->err);
}

static struct approval_row find(struct scene *scene, const char *what)
{
    struct approval_row row;
    bool has;

    CHECK_OK(approval_find(scene->db, what, &scene->arena, &row, &has, &scene->err), &scene->err);
    CHECK(has);
    return row;
}

static void test_every_field_comes_back(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct approval_row row = a_request(&scene, "take:7"), back;
    bool has;

    CHECK_OK(approval_find(scene.db, "take:7", &scene.arena, &back, &has, &scene.err), &scene.err);
    CHECK(!has);
    ask(&scene, &row);
    back = find(&scene, "take:7");
    CHECK_TEXT(back.what, "take:7");
    CHECK_TEXT(back.body, "all of it");
    CHECK_INT(back.amount.nanodollars, 500);
    CHECK_INT(back.asked_by, scene.ada);
    CHECK_INT(back.asked.microseconds, scene_at(3).microseconds);
    CHECK_INT(back.given_by, 0);
    CHECK_OK(approval_give(scene.db, back.id, scene.bob, scene_at(4), &scene.err), &scene.err);
    back = find(&scene, "take:7");
    CHECK_INT(back.given_by, scene.bob);
    CHECK_INT(back.given.microseconds, scene_at(4).microseconds);
}

static void test_another_request_takes_the_place_of_one_that_waits(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct approval_row row = a_request(&scene, "take:7");

    ask(&scene, &row);
    int64_t id = find(&scene, "take:7").id;
    row.body = "half";
    row.amount.nanodollars = 250;
    row.asked_by = scene.bob;
    row.asked = scene_at(5);
    ask(&scene, &row);
    struct approval_row back = find(&scene, "take:7");
    CHECK_INT(back.id, id);
    CHECK_TEXT(back.body, "half");
    CHECK_INT(back.amount.nanodollars, 250);
    CHECK_INT(back.asked_by, scene.bob);
    CHECK_INT(back.asked.microseconds, scene_at(5).microseconds);
}

static void test_it_is_given_once_and_by_another(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct approval_row row = a_request(&scene, "take:7");

    ask(&scene, &row);
    int64_t id = find(&scene, "take:7").id;
    CHECK_REFUSED(&scene, approval_give(scene.db, id, scene.ada, scene_at(4), &scene.err));
    CHECK_OK(approval_give(scene.db, id, scene.bob, scene_at(4), &scene.err), &scene.err);
    CHECK_REFUSED(&scene, approval_give(scene.db, id, scene.host, scene_at(5), &scene.err));
    CHECK_REFUSED(&scene, approval_ask(scene.db, &row, &scene.err));
    CHECK_REFUSED(&scene, db_exec(scene.db, "UPDATE approval SET amount = amount + 1", DB_NO_ARGS,
                                  &scene.err));
    CHECK_REFUSED(&scene, db_exec(scene.db, "DELETE FROM approval", DB_NO_ARGS, &scene.err));
    CHECK_INT(find(&scene, "take:7").given_by, scene.bob);
}

static void test_lists_are_filtered(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct approval_row *rows;
    int64_t ids[3];
    size_t count;

    for (size_t i = 0; i < 3; i++) {
        struct approval_row row = a_request(&scene, arena_printf(&scene.arena, "take:%zu", i));

        ask(&scene, &row);
        ids[i] = find(&scene, row.what).id;
    }
    CHECK_OK(approval_give(scene.db, ids[1], scene.bob, scene_at(4), &scene.err), &scene.err);
    const struct {
        struct approval_filter filter;
        int64_t count, first;
    } cases[] = {
        { { .max = 9 }, 3, ids[0] },
        { { .max = 2 }, 2, ids[0] },
        { { .max = 9, .after = ids[0] }, 2, ids[1] },
        { { .max = 9, .is_waiting = true }, 2, ids[0] },
        { { .max = 9, .after = ids[0], .is_waiting = true }, 1, ids[2] },
        { { .max = 9, .after = ids[2] }, 0, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_row("row %zu", i);
        CHECK_OK(approval_list(scene.db, &cases[i].filter, &scene.arena, &rows, &count, &scene.err),
                 &scene.err);
        CHECK_COUNT(count, cases[i].count);
        CHECK(count == 0 || rows[0].id == cases[i].first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_comes_back),
        cmocka_unit_test(test_another_request_takes_the_place_of_one_that_waits),
        cmocka_unit_test(test_it_is_given_once_and_by_another),
        cmocka_unit_test(test_lists_are_filtered),
    };

    return SUPPORT_RUN(tests);
}
