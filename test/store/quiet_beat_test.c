/* SPDX-License-Identifier: Apache-2.0 */
#include "store/quiet_beat.h"

#include "store/session.h"
#include "store/support_rows.h"

enum { OLD = 50, NOW = 60 };

/* A machine that is online, rented by nobody, and in epoch 3 with heartbeat 7 taken. */
static void settle(struct scene *scene, int64_t machine_id)
{
    const struct session_row session = { .machine_id = machine_id,
                                         .epoch = 3,
                                         .server_proc = "server-1",
                                         .boot_id = "boot-1",
                                         .agent_incarnation = 1,
                                         .opened = scene_at(1),
                                         .last_heartbeat = scene_at(OLD) };
    int64_t count = 0;

    CHECK_OK(session_replace(scene->db, &session, &scene->err), &scene->err);
    CHECK_OK(session_take(scene->db, machine_id, 3, STREAM_HEARTBEAT, 7, &count, &scene->err),
             &scene->err);
    CHECK_INT(count, 1);
    scene_run(scene,
              "UPDATE machine SET is_online = 1, is_engine_ok = 1, engine_message = '', "
              "disk_free_gb = 100, quarantined_count = 0, desired_rev = 40 + id WHERE id = $1",
              DB_ARGS(db_int(machine_id)));
}

static struct quiet_beat beat_of(int64_t machine_id, int64_t seq)
{
    return (struct quiet_beat){ .machine_id = machine_id,
                                .epoch = 3,
                                .seq = seq,
                                .now = scene_at(NOW),
                                .disk_free_gb = 100,
                                .is_taken = true };
}

static int64_t stored_seq(struct scene *scene, int64_t machine_id)
{
    struct session_row session;
    bool has = false;

    CHECK_OK(session_load(scene->db, machine_id, &scene->arena, &session, &has, &scene->err),
             &scene->err);
    CHECK(has);
    /* Both or neither. */
    CHECK_INT(session.last_heartbeat.microseconds,
              scene_at(session.seq[STREAM_HEARTBEAT] == 7 ? OLD : NOW).microseconds);
    return session.seq[STREAM_HEARTBEAT];
}

static void take(struct scene *scene, struct quiet_beat *beats, size_t count)
{
    CHECK_OK(quiet_beat_take(scene->db, beats, count, &scene->err), &scene->err);
}

static void settle_both(struct scene *scene)
{
    scene_run(scene, "UPDATE contract SET state = 9, destroyed_us = 1", DB_NO_ARGS);
    settle(scene, scene->machine);
    settle(scene, scene->other_machine);
}

static void test_many_are_taken_by_one_statement(void **state)
{
    auto_scene struct scene scene = scene_open(*state);

    settle_both(&scene);
    struct quiet_beat beats[3] = { beat_of(scene.machine, 8), beat_of(scene.other_machine, 1000),
                                   beat_of(0, 0) };
    take(&scene, beats, 3);
    CHECK(beats[0].is_taken && beats[1].is_taken && !beats[2].is_taken);
    CHECK_INT(beats[0].desired_rev, 40 + scene.machine);
    CHECK_INT(beats[1].desired_rev, 40 + scene.other_machine);
    CHECK_INT(stored_seq(&scene, scene.machine), 8);
    CHECK_INT(stored_seq(&scene, scene.other_machine), 1000);
    take(&scene, beats, 0);
}

static void test_what_is_not_as_before_is_left_to_others(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    static const struct row {
        const char *sql; /* what is so of the machine in the books, or NULL */
        struct quiet_beat beat;
    } rows[] = {
        { NULL, { .epoch = 2, .seq = 8, .disk_free_gb = 100 } },
        { NULL, { .epoch = 4, .seq = 8, .disk_free_gb = 100 } },
        { NULL, { .epoch = 3, .seq = 7, .disk_free_gb = 100 } },
        { NULL, { .epoch = 3, .seq = 6, .disk_free_gb = 100 } },
        { NULL, { .epoch = 3, .seq = 8, .disk_free_gb = 99 } },
        { NULL, { .epoch = 3, .seq = 8, .disk_free_gb = 100, .quarantined_count = 1 } },
        { "UPDATE machine SET is_online = 0", { .epoch = 3, .seq = 8, .disk_free_gb = 100 } },
        { "UPDATE machine SET is_engine_ok = 0", { .epoch = 3, .seq = 8, .disk_free_gb = 100 } },
        { "UPDATE machine SET engine_message = 'slow'",
          { .epoch = 3, .seq = 8, .disk_free_gb = 100 } },
        { "UPDATE contract SET state = 3, destroyed_us = 0",
          { .epoch = 3, .seq = 8, .disk_free_gb = 100 } },
    };

    settle_both(&scene);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%zu", i);
        struct quiet_beat beat = rows[i].beat;
        beat.machine_id = scene.machine;
        beat.now = scene_at(NOW);
        beat.is_taken = true;
        settle_both(&scene);
        if (rows[i].sql != NULL)
            scene_run(&scene, rows[i].sql, DB_NO_ARGS);
        take(&scene, &beat, 1);
        CHECK(!beat.is_taken);
        CHECK_INT(stored_seq(&scene, scene.machine), 7);
    }
}

/* Which of the two is taken is the database's choice: what is said of each is what was stored. */
static void test_of_two_of_one_machine_one_is_taken(void **state)
{
    auto_scene struct scene scene = scene_open(*state);

    settle_both(&scene);
    struct quiet_beat beats[2] = { beat_of(scene.machine, 8), beat_of(scene.machine, 9) };
    take(&scene, beats, 2);
    CHECK(beats[0].is_taken != beats[1].is_taken);
    CHECK_INT(stored_seq(&scene, scene.machine), beats[0].is_taken ? 8 : 9);
}

static void test_as_many_as_fit_with_the_longest_numbers(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct quiet_beat beats[QUIET_BEATS_MAX];

    settle_both(&scene);
    for (size_t i = 0; i < QUIET_BEATS_MAX; i++)
        beats[i] = (struct quiet_beat){ INT64_MIN, INT64_MIN, INT64_MIN, { INT64_MIN },
                                        INT64_MIN, INT64_MIN, true,      0 };
    beats[QUIET_BEATS_MAX - 1] = beat_of(scene.machine, INT64_MAX);
    take(&scene, beats, QUIET_BEATS_MAX);
    CHECK(beats[QUIET_BEATS_MAX - 1].is_taken && !beats[0].is_taken);
    CHECK(stored_seq(&scene, scene.machine) == INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_are_taken_by_one_statement),
        cmocka_unit_test(test_what_is_not_as_before_is_left_to_others),
        cmocka_unit_test(test_of_two_of_one_machine_one_is_taken),
        cmocka_unit_test(test_as_many_as_fit_with_the_longest_numbers),
    };
    return SUPPORT_RUN_ON(SUPPORT_POSTGRES, tests);
}
