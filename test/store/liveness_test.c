/* SPDX-License-Identifier: Apache-2.0 */
#include "store/liveness.h"

#include "store/support_rows.h"

static void say(struct scene *scene, const char *process, int64_t now)
{
    struct liveness liveness = { .server_proc = process,
                                 .since = scene_at(now - 10),
                                 .now = scene_at(now),
                                 .until = scene_at(now + 5) };

    CHECK_OK(liveness_say(scene->db, &liveness, &scene->err), &scene->err);
}

static int64_t list(struct scene *scene, int64_t after, struct span **ret)
{
    size_t count = 99;

    CHECK_OK(liveness_list(scene->db, scene_at(after), &scene->arena, ret, &count, &scene->err),
             &scene->err);
    return (int64_t)count;
}

static void check_span(const struct span *span, int64_t from, int64_t until)
{
    CHECK_INT(span->from.microseconds, scene_at(from).microseconds);
    CHECK_INT(span->until.microseconds, scene_at(until).microseconds);
}

static void test_a_life_goes_on_unless_it_ended(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct span *spans;

    say(&scene, "a", 100);
    CHECK_INT(list(&scene, 0, &spans), 1);
    check_span(&spans[0], 100, 105);
    say(&scene, "a", 104);
    /* To 119, the last span ended no longer ago than is forgiven; at 130 it has. */
    say(&scene, "a", 119);
    CHECK_INT(list(&scene, 0, &spans), 1);
    check_span(&spans[0], 100, 124);
    say(&scene, "a", 135);
    CHECK_INT(list(&scene, 0, &spans), 2);
    check_span(&spans[0], 100, 124);
    check_span(&spans[1], 135, 140);
}

static void test_processes_live_for_themselves(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct span *spans;

    say(&scene, "b", 103);
    say(&scene, "a", 100);
    say(&scene, "b", 107);
    CHECK_INT(list(&scene, 0, &spans), 2);
    check_span(&spans[0], 100, 105);
    check_span(&spans[1], 103, 112);
}

static void test_a_list_is_of_those_that_end_after(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct span *spans;

    say(&scene, "a", 100);
    say(&scene, "a", 200);
    CHECK_INT(list(&scene, 104, &spans), 2);
    CHECK_INT(list(&scene, 105, &spans), 1);
    check_span(&spans[0], 200, 205);
    CHECK_INT(list(&scene, 205, &spans), 0);
}

static void test_the_forgotten_ended_before(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct span *spans;

    say(&scene, "a", 100);
    say(&scene, "a", 200);
    CHECK_OK(liveness_forget(scene.db, scene_at(105), &scene.err), &scene.err);
    CHECK_INT(list(&scene, 0, &spans), 2);
    CHECK_OK(liveness_forget(scene.db, scene_at(106), &scene.err), &scene.err);
    CHECK_INT(list(&scene, 0, &spans), 1);
    check_span(&spans[0], 200, 205);
}

/* A clock that was set back: the span of the future stays as it is, and another begins. */
static void test_a_life_does_not_end_before_it_began(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct span *spans;

    say(&scene, "a", 200);
    say(&scene, "a", 100);
    CHECK_INT(list(&scene, 0, &spans), 2);
    check_span(&spans[0], 100, 105);
    check_span(&spans[1], 200, 205);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_life_goes_on_unless_it_ended),
        cmocka_unit_test(test_processes_live_for_themselves),
        cmocka_unit_test(test_a_list_is_of_those_that_end_after),
        cmocka_unit_test(test_the_forgotten_ended_before),
        cmocka_unit_test(test_a_life_does_not_end_before_it_began),
    };
    return SUPPORT_RUN(tests);
}
