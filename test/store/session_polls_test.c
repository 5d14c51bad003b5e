/* SPDX-License-Identifier: Apache-2.0 */
#include "store/session.h"
#include "store/support_rows.h"

static void settle(struct scene *scene, int64_t machine_id)
{
    const struct session_row session = { .machine_id = machine_id,
                                         .epoch = 3,
                                         .server_proc = "server-1",
                                         .boot_id = "boot-1",
                                         .agent_incarnation = 1,
                                         .opened = scene_at(1),
                                         .last_heartbeat = scene_at(2) };
    int64_t count = 0;

    CHECK_OK(session_replace(scene->db, &session, &scene->err), &scene->err);
    CHECK_OK(session_take(scene->db, machine_id, 3, STREAM_POLL, 7, &count, &scene->err),
             &scene->err);
    CHECK_INT(count, 1);
}

static int64_t stored(struct scene *scene, int64_t machine_id)
{
    struct session_row session;
    bool has = false;

    CHECK_OK(session_load(scene->db, machine_id, &scene->arena, &session, &has, &scene->err),
             &scene->err);
    CHECK(has);
    CHECK_INT(session.seq[STREAM_HEARTBEAT], 0);
    CHECK_INT(session.seq[STREAM_OP], 0);
    return session.seq[STREAM_POLL];
}

static void take(struct scene *scene, struct session_poll *polls, size_t count)
{
    CHECK_OK(session_take_polls(scene->db, polls, count, &scene->err), &scene->err);
}

static void test_many_are_taken_by_one_statement(void **state)
{
    auto_scene struct scene scene = scene_open(*state);

    settle(&scene, scene.machine);
    settle(&scene, scene.other_machine);
    struct session_poll polls[] = {
        { scene.other_machine, 3, 1000, false },
        { 99999, 3, 8, true },
        { scene.machine, 3, 8, false },
    };
    take(&scene, polls, 3);
    CHECK(polls[0].is_taken && !polls[1].is_taken && polls[2].is_taken);
    CHECK_INT(stored(&scene, scene.machine), 8);
    CHECK_INT(stored(&scene, scene.other_machine), 1000);
    take(&scene, polls, 0);
}

/* As session_take() has it. */
static void test_one_is_taken_once_in_its_epoch(void **state)
{
    static const struct {
        int64_t epoch, seq;
        bool is_taken;
    } rows[] = {
        { 3, 7, false }, { 3, 6, false },        { 3, 8, true },          { 2, 8, false },
        { 4, 8, false }, { 3, INT64_MAX, true }, { 3, INT64_MIN, false },
    };
    auto_scene struct scene scene = scene_open(*state);

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%zu", i);
        settle(&scene, scene.machine);
        struct session_poll poll = { scene.machine, rows[i].epoch, rows[i].seq, !rows[i].is_taken };
        take(&scene, &poll, 1);
        CHECK_INT(poll.is_taken, rows[i].is_taken);
        CHECK_INT(stored(&scene, scene.machine), rows[i].is_taken ? rows[i].seq : 7);
    }
}

static void test_of_two_of_one_machine_one_is_taken(void **state)
{
    auto_scene struct scene scene = scene_open(*state);

    settle(&scene, scene.machine);
    struct session_poll polls[] = { { scene.machine, 3, 8, false },
                                    { scene.machine, 3, 9, false } };
    take(&scene, polls, 2);
    CHECK(polls[0].is_taken != polls[1].is_taken);
    CHECK_INT(stored(&scene, scene.machine), polls[0].is_taken ? 8 : 9);
}

static void test_as_many_as_fit_with_the_longest_numbers(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct session_poll polls[SESSION_POLLS_MAX];

    settle(&scene, scene.machine);
    for (size_t i = 0; i < SESSION_POLLS_MAX; i++)
        polls[i] = (struct session_poll){ INT64_MIN, INT64_MIN, INT64_MIN, true };
    polls[SESSION_POLLS_MAX - 1] = (struct session_poll){ scene.machine, 3, INT64_MAX, false };
    take(&scene, polls, SESSION_POLLS_MAX);
    CHECK(polls[SESSION_POLLS_MAX - 1].is_taken && !polls[0].is_taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_are_taken_by_one_statement),
        cmocka_unit_test(test_one_is_taken_once_in_its_epoch),
        cmocka_unit_test(test_of_two_of_one_machine_one_is_taken),
        cmocka_unit_test(test_as_many_as_fit_with_the_longest_numbers),
    };
    return SUPPORT_RUN_ON(SUPPORT_POSTGRES, tests);
}
