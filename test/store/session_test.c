/* SPDX-License-Identifier: Apache-2.0 */
#include "store/session.h"

#include <string.h>

#include "store/support_rows.h"

static void replace(struct scene *scene, int64_t machine_id, int64_t epoch, int64_t heartbeat)
{
    struct session_row session = { .machine_id = machine_id,
                                   .epoch = epoch,
                                   .server_proc = "server-1",
                                   .boot_id = "boot-1",
                                   .agent_incarnation = 77,
                                   .opened = scene_at(1),
                                   .last_heartbeat = scene_at(heartbeat) };

    memset(session.fingerprint, 0xf1, sizeof session.fingerprint);
    CHECK_OK(session_replace(scene->db, &session, &scene->err), &scene->err);
}

static struct session_row load(struct scene *scene, int64_t machine_id)
{
    struct session_row session;
    bool has = false;

    CHECK_OK(session_load(scene->db, machine_id, &scene->arena, &session, &has, &scene->err),
             &scene->err);
    CHECK(has);
    return session;
}

static int64_t take(struct scene *scene, int64_t epoch, enum session_stream stream, int64_t seq)
{
    int64_t count = -1;

    CHECK_OK(session_take(scene->db, scene->machine, epoch, stream, seq, &count, &scene->err),
             &scene->err);
    return count;
}

static void test_every_field_comes_back(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    bool has = true;

    replace(&scene, scene.machine, 3, 2);
    struct session_row session = load(&scene, scene.machine);
    CHECK_INT(session.machine_id, scene.machine);
    CHECK_INT(session.epoch, 3);
    CHECK_TEXT(session.server_proc, "server-1");
    CHECK_TEXT(session.boot_id, "boot-1");
    CHECK_INT(session.agent_incarnation, 77);
    CHECK_INT(session.fingerprint[0], 0xf1);
    CHECK_INT(session.fingerprint[31], 0xf1);
    CHECK_INT(session.opened.microseconds, scene_at(1).microseconds);
    CHECK_INT(session.last_heartbeat.microseconds, scene_at(2).microseconds);
    for (size_t stream = 0; stream < SESSION_STREAMS; stream++)
        CHECK_INT(session.seq[stream], 0);
    CHECK_OK(session_load(scene.db, scene.other_machine, &scene.arena, &session, &has, &scene.err),
             &scene.err);
    CHECK(!has);
}

static void test_a_number_is_taken_once_in_its_stream_and_epoch(void **state)
{
    auto_scene struct scene scene = scene_open(*state);

    replace(&scene, scene.machine, 3, 2);
    replace(&scene, scene.other_machine, 3, 2);
    for (int stream = 0; stream < SESSION_STREAMS; stream++) {
        check_row("stream %d", stream);
        CHECK_INT(load(&scene, scene.machine).seq[stream], 0);
        CHECK_INT(take(&scene, 3, (enum session_stream)stream, 5 + stream), 1);
        CHECK_INT(take(&scene, 3, (enum session_stream)stream, 5 + stream), 0);
        CHECK_INT(take(&scene, 3, (enum session_stream)stream, 4 + stream), 0);
        CHECK_INT(take(&scene, 2, (enum session_stream)stream, 9), 0);
        CHECK_INT(take(&scene, 4, (enum session_stream)stream, 9), 0);
        CHECK_INT(load(&scene, scene.machine).seq[stream], 5 + stream);
        CHECK_INT(load(&scene, scene.other_machine).seq[stream], 0);
    }
    replace(&scene, scene.machine, 4, 6);
    CHECK_INT(take(&scene, 3, STREAM_POLL, 100), 0);
    CHECK_INT(take(&scene, 4, STREAM_POLL, 1), 1);
    struct session_row session = load(&scene, scene.machine);
    CHECK_INT(session.seq[STREAM_HEARTBEAT], 0);
    CHECK_INT(session.seq[STREAM_POLL], 1);
    CHECK_INT(session.last_heartbeat.microseconds, scene_at(6).microseconds);
}

static void test_a_beat_is_of_the_present_epoch(void **state)
{
    auto_scene struct scene scene = scene_open(*state);

    replace(&scene, scene.machine, 3, 2);
    replace(&scene, scene.other_machine, 3, 2);
    CHECK_OK(session_beat(scene.db, scene.machine, 2, scene_at(8), &scene.err), &scene.err);
    CHECK_INT(load(&scene, scene.machine).last_heartbeat.microseconds, scene_at(2).microseconds);
    CHECK_OK(session_beat(scene.db, scene.machine, 3, scene_at(8), &scene.err), &scene.err);
    CHECK_INT(load(&scene, scene.machine).last_heartbeat.microseconds, scene_at(8).microseconds);
    CHECK_INT(load(&scene, scene.other_machine).last_heartbeat.microseconds,
              scene_at(2).microseconds);
}

static void test_a_number_and_a_beat_are_taken_in_one(void **state)
{
    static const struct {
        int64_t epoch, seq, count;
    } rows[] = { { 3, 5, 1 }, { 3, 5, 0 }, { 3, 4, 0 }, { 2, 6, 0 }, { 4, 6, 0 }, { 3, 6, 1 } };
    auto_scene struct scene scene = scene_open(*state);
    int64_t last = 2;

    replace(&scene, scene.machine, 3, last);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t count = -1, at = 10 + (int64_t)i;

        check_row("%zu", i);
        CHECK_OK(session_take_beat(scene.db, scene.machine, rows[i].epoch, rows[i].seq,
                                   scene_at(at), &count, &scene.err),
                 &scene.err);
        CHECK_INT(count, rows[i].count);
        last = count == 1 ? at : last;
        CHECK_INT(load(&scene, scene.machine).last_heartbeat.microseconds,
                  scene_at(last).microseconds);
    }
    CHECK_INT(take(&scene, 3, STREAM_HEARTBEAT, 6), 0);
}

static void test_hardware_is_forgotten_of_one_machine(void **state)
{
    auto_scene struct scene scene = scene_open(*state);

    replace(&scene, scene.machine, 3, 2);
    replace(&scene, scene.other_machine, 3, 2);
    CHECK_OK(session_forget_hardware(scene.db, scene.machine, &scene.err), &scene.err);
    CHECK_INT(load(&scene, scene.machine).fingerprint[9], 0);
    CHECK_INT(load(&scene, scene.machine).epoch, 3);
    CHECK_INT(load(&scene, scene.other_machine).fingerprint[9], 0xf1);
}

static void test_the_silent_are_online_and_come_longest_first(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t ids[2];
    size_t count;

    replace(&scene, scene.machine, 1, 20);
    replace(&scene, scene.other_machine, 1, 10);
    CHECK_OK(session_expired(scene.db, scene_at(99), ids, 2, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 0);
    scene_run(&scene, "UPDATE machine SET is_online = 1", DB_NO_ARGS);
    CHECK_OK(session_expired(scene.db, scene_at(20), ids, 2, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_INT(ids[0], scene.other_machine);
    CHECK_INT(ids[1], scene.machine);
    CHECK_OK(session_expired(scene.db, scene_at(19), ids, 2, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_OK(session_expired(scene.db, scene_at(20), ids, 1, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_INT(ids[0], scene.other_machine);
    /* A session that is opened anew has the lease that the machine had; one that went has none. */
    replace(&scene, scene.machine, 2, 15);
    scene_run(&scene, "UPDATE machine SET is_online = 0 WHERE id = $1",
              DB_ARGS(db_int(scene.other_machine)));
    CHECK_OK(session_expired(scene.db, scene_at(99), ids, 2, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_INT(ids[0], scene.machine);
}

static void test_who_may_speak_for_a_machine(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct session_identity identity = { .epoch = 77 };
    bool has;

    CHECK_OK(session_identity_load(scene.db, scene.machine, &identity, &has, &scene.err),
             &scene.err);
    CHECK(has);
    CHECK_INT(identity.epoch, 0);
    replace(&scene, scene.machine, 3, 2);
    CHECK_OK(session_identity_load(scene.db, scene.machine, &identity, &has, &scene.err),
             &scene.err);
    CHECK_INT(identity.epoch, 3);
    struct machine_row machine;
    CHECK_OK(machine_load(scene.db, scene.machine, &scene.arena, &machine, &has, &scene.err),
             &scene.err);
    CHECK_INT(memcmp(identity.public_key, machine.public_key, 32), 0);

    scene_run(&scene, "UPDATE machine SET removed_us = 5 WHERE id = $1",
              DB_ARGS(db_int(scene.machine)));
    identity.epoch = 77;
    CHECK_OK(session_identity_load(scene.db, scene.machine, &identity, &has, &scene.err),
             &scene.err);
    CHECK(!has);
    CHECK_OK(session_identity_load(scene.db, 99999, &identity, &has, &scene.err), &scene.err);
    CHECK(!has);
    CHECK_INT(identity.epoch, 77);
}

static void test_a_row_that_cannot_be_is_corrupt(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct session_row session;
    bool has;

    replace(&scene, scene.machine, 3, 2);
    scene_run(&scene, "UPDATE agent_session SET epoch = 0", DB_NO_ARGS);
    CHECK_FAILS(session_load(scene.db, scene.machine, &scene.arena, &session, &has, &scene.err),
                &scene.err, ERROR_CORRUPT);
    scene_run(&scene, "UPDATE agent_session SET epoch = 1, fingerprint = $1",
              DB_ARGS(db_bytes("short", 5)));
    CHECK_FAILS(session_load(scene.db, scene.machine, &scene.arena, &session, &has, &scene.err),
                &scene.err, ERROR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_comes_back),
        cmocka_unit_test(test_a_number_is_taken_once_in_its_stream_and_epoch),
        cmocka_unit_test(test_a_beat_is_of_the_present_epoch),
        cmocka_unit_test(test_a_number_and_a_beat_are_taken_in_one),
        cmocka_unit_test(test_hardware_is_forgotten_of_one_machine),
        cmocka_unit_test(test_the_silent_are_online_and_come_longest_first),
        cmocka_unit_test(test_who_may_speak_for_a_machine),
        cmocka_unit_test(test_a_row_that_cannot_be_is_corrupt),
    };
    return SUPPORT_RUN(tests);
}
