/* SPDX-License-Identifier: Apache-2.0 */
#include "store/quiet_hello.h"

#include <string.h>

#include "store/session.h"
#include "store/support_rows.h"

enum { OLD = 50, NOW = 60 };

static const char facts[] = "{\"cpu_name\":\"Some \\\"CPU\\\"\",\"gpus\":[]}";

/* A machine with two GPUs, in epoch 3 of which some numbers were used. */
static void settle(struct scene *scene, int64_t machine_id)
{
    struct hash fingerprint = scene_hash(9);
    struct session_row session = { .machine_id = machine_id,
                                   .epoch = 3,
                                   .server_proc = "server-1",
                                   .boot_id = "boot-1",
                                   .agent_incarnation = 1,
                                   .opened = scene_at(1),
                                   .last_heartbeat = scene_at(OLD) };
    int64_t count = 0;

    memcpy(session.fingerprint, fingerprint.bytes, sizeof session.fingerprint);
    CHECK_OK(session_replace(scene->db, &session, &scene->err), &scene->err);
    for (enum session_stream stream = STREAM_HEARTBEAT; stream <= STREAM_OP; stream++) {
        CHECK_OK(session_take(scene->db, machine_id, 3, stream, 7, &count, &scene->err),
                 &scene->err);
        CHECK_INT(count, 1);
    }
    scene_run(scene,
              "UPDATE machine SET facts = $2, is_quarantined = 0, removed_us = 0, "
              "key_revoked_us = 0 WHERE id = $1",
              DB_ARGS(db_int(machine_id), db_text(facts)));
    scene_run(scene, "UPDATE gpu SET retired_us = 1 WHERE machine_id = $1 AND retired_us IS NULL",
              DB_ARGS(db_int(machine_id)));
    scene_gpu(scene, machine_id, machine_id == scene->machine ? "b-2" : "d-2", 0);
    scene_gpu(scene, machine_id, machine_id == scene->machine ? "B-10" : "D-10", 1);
}

static struct quiet_hello hello_of(struct scene *scene, int64_t machine_id)
{
    const char *gpus = machine_id == scene->machine ? "B-10\nb-2\n" : "D-10\nd-2\n";

    return (struct quiet_hello){ .machine_id = machine_id,
                                 .epoch = 3,
                                 .now = scene_at(NOW),
                                 .agent_incarnation = 2,
                                 .boot_id = "boot,{\"\\2",
                                 .fingerprint = scene_hash(9),
                                 .facts = crypto_sha256(facts, strlen(facts)),
                                 .gpus = crypto_sha256(gpus, strlen(gpus)) };
}

static struct session_row stored(struct scene *scene, int64_t machine_id)
{
    struct session_row session;
    bool has = false;

    CHECK_OK(session_load(scene->db, machine_id, &scene->arena, &session, &has, &scene->err),
             &scene->err);
    CHECK(has);
    CHECK_INT(session.last_heartbeat.microseconds, scene_at(OLD).microseconds);
    return session;
}

static void take(struct scene *scene, struct quiet_hello *hellos, size_t count)
{
    CHECK_OK(quiet_hello_take(scene->db, "server-2", hellos, count, &scene->err), &scene->err);
}

static void check_taken(struct scene *scene, int64_t machine_id, const char *boot_id)
{
    struct session_row session = stored(scene, machine_id);

    CHECK_INT(session.epoch, 4);
    CHECK_TEXT(session.server_proc, "server-2");
    CHECK_TEXT(session.boot_id, boot_id);
    CHECK_INT(session.agent_incarnation, 2);
    CHECK_INT(session.opened.microseconds, scene_at(NOW).microseconds);
    for (int stream = 0; stream < SESSION_STREAMS; stream++)
        CHECK_INT(session.seq[stream], 0);
    CHECK_INT(memcmp(session.fingerprint, scene_hash(9).bytes, 32), 0);
}

static void test_many_are_opened_by_one_statement(void **state)
{
    auto_scene struct scene scene = scene_open(*state);

    settle(&scene, scene.machine);
    settle(&scene, scene.other_machine);
    struct quiet_hello hellos[] = { hello_of(&scene, scene.other_machine), hello_of(&scene, 99999),
                                    hello_of(&scene, scene.machine) };
    hellos[0].boot_id = "";
    hellos[2].boot_id = "boot-1";
    take(&scene, hellos, 3);
    CHECK(hellos[0].has_rebooted && !hellos[2].has_rebooted);
    CHECK(hellos[0].is_taken && !hellos[1].is_taken && hellos[2].is_taken);
    CHECK(!hellos[0].is_relayed && !hellos[2].is_relayed);
    check_taken(&scene, scene.other_machine, "");
    CHECK_TEXT(stored(&scene, scene.other_machine).boot_before, "boot-1");
    CHECK_TEXT(stored(&scene, scene.machine).boot_before, "");
    check_taken(&scene, scene.machine, "boot-1");
    take(&scene, hellos, 0);
}

static const char one_more[] = "INSERT INTO gpu (machine_id, uuid, is_whole_machine, position) "
                               "SELECT id, 'e-' || id, 0, 2 FROM machine";

static void test_what_is_not_as_before_is_left_to_others(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    static const char *const rows[] = {
        "UPDATE agent_session SET epoch = 4",
        "UPDATE agent_session SET epoch = 2",
        "DELETE FROM agent_session",
        "UPDATE machine SET facts = '{}'",
        "UPDATE machine SET is_quarantined = 1",
        "UPDATE machine SET removed_us = 1",
        "UPDATE machine SET key_revoked_us = 1",
        "UPDATE gpu SET retired_us = 1 WHERE uuid = 'b-2' AND retired_us IS NULL",
        "UPDATE gpu SET uuid = 'b-3' WHERE uuid = 'b-2' AND retired_us IS NULL",
        "UPDATE gpu SET retired_us = 1 WHERE retired_us IS NULL",
        one_more,
        "UPDATE agent_session SET boot_before = 'boot,{\"\\2'",
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%zu", i);
        settle(&scene, scene.machine);
        struct quiet_hello hello = hello_of(&scene, scene.machine);
        hello.is_taken = true;
        scene_run(&scene, rows[i], DB_NO_ARGS);
        take(&scene, &hello, 1);
        CHECK(!hello.is_taken);
    }
    settle(&scene, scene.machine);
    struct quiet_hello hello = hello_of(&scene, scene.machine);
    hello.fingerprint = scene_hash(8);
    take(&scene, &hello, 1);
    CHECK(!hello.is_taken);
    CHECK_INT(stored(&scene, scene.machine).seq[STREAM_POLL], 7);
}

static void test_relays_that_lead_to_it_are_found(void **state)
{
    auto_scene struct scene scene = scene_open(*state);

    settle(&scene, scene.machine);
    scene_run(&scene,
              "INSERT INTO relay (agent_host, agent_port, public_host, port_first, port_last, pin, "
              "has_https, alive_until_us) VALUES ('r', 1, 'r', 10, 20, '', 0, 1)",
              DB_NO_ARGS);
    scene_run(&scene,
              "INSERT INTO relay_port (relay_id, port, contract_id, inside, protocol, asked) "
              "SELECT id, 10, $1, 22, 0, 0 FROM relay",
              DB_ARGS(db_int(scene.contract)));
    struct quiet_hello hello = hello_of(&scene, scene.machine);
    take(&scene, &hello, 1);
    CHECK(hello.is_taken && hello.is_relayed);
    scene_run(&scene, "UPDATE contract SET state = 9, destroyed_us = 1 WHERE id = $1",
              DB_ARGS(db_int(scene.contract)));
    settle(&scene, scene.machine);
    take(&scene, &hello, 1);
    CHECK(hello.is_taken && !hello.is_relayed);
}

static void test_of_two_of_one_machine_one_is_taken(void **state)
{
    auto_scene struct scene scene = scene_open(*state);

    settle(&scene, scene.machine);
    struct quiet_hello hellos[2] = { hello_of(&scene, scene.machine),
                                     hello_of(&scene, scene.machine) };
    hellos[1].boot_id = "boot-3";
    take(&scene, hellos, 2);
    CHECK(hellos[0].is_taken != hellos[1].is_taken);
    check_taken(&scene, scene.machine, hellos[hellos[0].is_taken ? 0 : 1].boot_id);
}

static void test_as_many_as_fit_with_the_longest_fields(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct quiet_hello hellos[QUIET_HELLOS_MAX];
    char boot[QUIET_HELLO_BOOT_MAX + 1] = { 0 };

    settle(&scene, scene.machine);
    memset(boot, '"', QUIET_HELLO_BOOT_MAX);
    for (size_t i = 0; i < QUIET_HELLOS_MAX; i++) {
        hellos[i] = hello_of(&scene, scene.other_machine);
        hellos[i].machine_id = hellos[i].epoch = hellos[i].agent_incarnation = INT64_MIN;
        hellos[i].now = (struct instant){ INT64_MIN };
        hellos[i].boot_id = boot;
    }
    hellos[QUIET_HELLOS_MAX - 1] = hello_of(&scene, scene.machine);
    hellos[QUIET_HELLOS_MAX - 1].boot_id = boot;
    take(&scene, hellos, QUIET_HELLOS_MAX);
    CHECK(hellos[QUIET_HELLOS_MAX - 1].is_taken && !hellos[0].is_taken);
    check_taken(&scene, scene.machine, boot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_are_opened_by_one_statement),
        cmocka_unit_test(test_what_is_not_as_before_is_left_to_others),
        cmocka_unit_test(test_relays_that_lead_to_it_are_found),
        cmocka_unit_test(test_of_two_of_one_machine_one_is_taken),
        cmocka_unit_test(test_as_many_as_fit_with_the_longest_fields),
    };

    crypto_start();
    return SUPPORT_RUN_ON(SUPPORT_POSTGRES, tests);
}
