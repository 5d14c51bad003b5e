/* SPDX-License-Identifier: Apache-2.0 */
#include "store/due.h"

#include "store/interval.h"
#include "store/session.h"
#include "store/support_rows.h"

static int64_t next(struct scene *scene, enum due_row row)
{
    struct instant at;

    CHECK_OK(due_next(scene->db, row, &at, &scene->err), &scene->err);
    return at.microseconds;
}

static void open_session(struct scene *scene, int64_t machine_id)
{
    const struct session_row session = {
        .machine_id = machine_id, .epoch = 1, .server_proc = "p", .boot_id = "b"
    };

    CHECK_OK(session_replace(scene->db, &session, &scene->err), &scene->err);
}

#define SECOND(n) (scene_at(n).microseconds)

static void test_the_earliest_of_those_that_count_is_told(void **state)
{
    static const struct {
        const char *name;
        enum due_row row;
        const char *set; /* $1: what it is set to, by turns, on two rows */
        const char *set_other;
        const char *silence; /* the earlier one no longer counts */
    } rows[] = {
        { "credit", DUE_CREDIT_END, "UPDATE users SET t_zero_us = $1 WHERE email LIKE 'ada%'",
          "UPDATE users SET t_zero_us = $1 WHERE email LIKE 'bob%'",
          "UPDATE users SET t_zero_us = 9223372036854775807 WHERE email LIKE 'ada%'" },
        { "lifetime", DUE_END,
          "UPDATE contract SET end_us = $1 WHERE id = (SELECT MIN(id) FROM contract)",
          "UPDATE contract SET end_us = $1 WHERE id = (SELECT MAX(id) FROM contract)",
          "UPDATE contract SET state = 7 WHERE id = (SELECT MIN(id) FROM contract)" },
        { "decision", DUE_DECISION,
          "UPDATE machine SET decide_us = $1 WHERE id = (SELECT MIN(id) FROM machine)",
          "UPDATE machine SET decide_us = $1 WHERE id = (SELECT MAX(id) FROM machine)",
          "UPDATE machine SET decide_us = 9223372036854775807 "
          "WHERE id = (SELECT MIN(id) FROM machine)" },
        { "lease", DUE_HEARTBEAT,
          "UPDATE agent_session SET last_heartbeat_us = $1 "
          "WHERE machine_id = (SELECT MIN(id) FROM machine)",
          "UPDATE agent_session SET last_heartbeat_us = $1 "
          "WHERE machine_id = (SELECT MAX(id) FROM machine)",
          "UPDATE machine SET is_online = 0 WHERE id = (SELECT MIN(id) FROM machine)" },
        { "posting", DUE_POST_EXISTS,
          "UPDATE contract SET posted_us = $1, started_us = 1 "
          "WHERE id = (SELECT MIN(id) FROM contract)",
          "UPDATE contract SET posted_us = $1, started_us = 1 "
          "WHERE id = (SELECT MAX(id) FROM contract)",
          "UPDATE contract SET started_us = 0 WHERE id = (SELECT MIN(id) FROM contract)" },
    };

    auto_scene struct scene scene = scene_open(*state);

    open_session(&scene, scene.machine);
    open_session(&scene, scene.other_machine);
    scene_run(&scene, "UPDATE machine SET is_online = 1", DB_NO_ARGS);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s", rows[i].name);
        scene_run(&scene, rows[i].set, DB_ARGS(db_int(SECOND(50))));
        scene_run(&scene, rows[i].set_other, DB_ARGS(db_int(SECOND(70))));
        CHECK_INT(next(&scene, rows[i].row), SECOND(50));
        scene_run(&scene, rows[i].set_other, DB_ARGS(db_int(SECOND(40))));
        CHECK_INT(next(&scene, rows[i].row), SECOND(40));
        scene_run(&scene, rows[i].set_other, DB_ARGS(db_int(SECOND(70))));
        scene_run(&scene, rows[i].silence, DB_NO_ARGS);
        CHECK_INT(next(&scene, rows[i].row), SECOND(70));
    }
}

static int64_t open_run(struct scene *scene, int64_t contract_id)
{
    const struct interval_row run = { .contract_id = contract_id,
                                      .owner_id = scene->ada,
                                      .machine_id = scene->machine,
                                      .start_token = "t",
                                      .start = scene_at(1),
                                      .metered = scene_at(1) };
    struct interval_row opened;
    bool is_found;

    CHECK_OK(interval_open(scene->db, &run, &scene->err), &scene->err);
    CHECK_OK(interval_load(scene->db, contract_id, &scene->arena, &opened, &is_found, &scene->err),
             &scene->err);
    CHECK(is_found);
    return opened.id;
}

static void test_postings_of_time_are_of_those_that_run_now(void **state)
{
    auto_scene struct scene scene = scene_open(*state);

    scene_run(&scene, "UPDATE contract SET started_us = 1, posted_us = $1",
              DB_ARGS(db_int(SECOND(50))));
    scene_run(&scene, "UPDATE contract SET posted_us = $2 WHERE id = $1",
              DB_ARGS(db_int(scene.contract), db_int(SECOND(20))));
    CHECK_INT(next(&scene, DUE_POST_RUNS), INSTANT_NEVER.microseconds);

    int64_t bobs = open_run(&scene, scene.contract_bob);
    CHECK_INT(next(&scene, DUE_POST_RUNS), SECOND(50));
    int64_t adas = open_run(&scene, scene.contract);
    CHECK_INT(next(&scene, DUE_POST_RUNS), SECOND(20));
    CHECK_OK(interval_meter(scene.db, adas, scene_at(2), &scene.err), &scene.err);
    CHECK_INT(next(&scene, DUE_POST_RUNS), SECOND(20));
    CHECK_OK(interval_close(scene.db, adas, scene_at(3), &scene.err), &scene.err);
    CHECK_INT(next(&scene, DUE_POST_RUNS), SECOND(50));
    adas = open_run(&scene, scene.contract);
    CHECK_INT(next(&scene, DUE_POST_RUNS), SECOND(20));
    scene_run(&scene, "UPDATE contract SET state = 8, destroyed_us = 9 WHERE id = $1",
              DB_ARGS(db_int(scene.contract)));
    CHECK_INT(next(&scene, DUE_POST_RUNS), SECOND(50));
    CHECK_OK(interval_close(scene.db, bobs, scene_at(3), &scene.err), &scene.err);
    CHECK_INT(next(&scene, DUE_POST_RUNS), INSTANT_NEVER.microseconds);
    CHECK_INT(next(&scene, DUE_POST_EXISTS), SECOND(50));
}

/* However its row came to be open, or closed: by hand, or from books that are read in. */
static void test_an_interval_says_of_its_contract_whether_it_runs(void **state)
{
    auto_scene struct scene scene = scene_open(*state);

    scene_run(&scene, "UPDATE contract SET started_us = 1, posted_us = $1",
              DB_ARGS(db_int(SECOND(50))));
    scene_run(&scene,
              "INSERT INTO run_interval (contract_id, owner_id, machine_id, start_token, run_ms, "
              "start_us, metered_us, end_us) VALUES ($1, $2, $3, 't', 0, 1, 1, 1)",
              DB_ARGS(db_int(scene.contract), db_int(scene.ada), db_int(scene.machine)));
    CHECK_INT(next(&scene, DUE_POST_RUNS), INSTANT_NEVER.microseconds);
    scene_run(&scene, "UPDATE run_interval SET end_us = NULL", DB_NO_ARGS);
    CHECK_INT(next(&scene, DUE_POST_RUNS), SECOND(50));
    scene_run(&scene, "UPDATE run_interval SET metered_us = 2, end_us = 2", DB_NO_ARGS);
    CHECK_INT(next(&scene, DUE_POST_RUNS), INSTANT_NEVER.microseconds);

    /* One that ended long ago says nothing of one that runs. */
    int64_t id = open_run(&scene, scene.contract);
    scene_run(&scene, "UPDATE run_interval SET metered_us = 3, end_us = 3 WHERE end_us = 2",
              DB_NO_ARGS);
    CHECK_INT(next(&scene, DUE_POST_RUNS), SECOND(50));
    CHECK_OK(interval_close(scene.db, id, scene_at(3), &scene.err), &scene.err);
    CHECK_INT(next(&scene, DUE_POST_RUNS), INSTANT_NEVER.microseconds);
}

/* An idle job runs and is never posted; nor is a bid that waits for its first turn. */
static void test_what_is_never_posted_is_never_due(void **state)
{
    static const char *const changes[] = { "UPDATE contract SET kind = 4",
                                           "UPDATE contract SET kind = 1, started_us = 0" };
    auto_scene struct scene scene = scene_open(*state);

    scene_run(&scene, "UPDATE contract SET started_us = 1, posted_us = $1",
              DB_ARGS(db_int(SECOND(50))));
    (void)open_run(&scene, scene.contract);
    CHECK_INT(next(&scene, DUE_POST_RUNS), SECOND(50));
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        check_row("%s", changes[i]);
        CHECK_OK(db_exec(scene.db, changes[i], DB_NO_ARGS, &scene.err), &scene.err);
        CHECK_INT(next(&scene, DUE_POST_RUNS), INSTANT_NEVER.microseconds);
        CHECK_INT(next(&scene, DUE_POST_EXISTS), INSTANT_NEVER.microseconds);
    }
}

static void test_what_is_not_there_is_never_due(void **state)
{
    static const enum due_row rows[] = { DUE_HEARTBEAT, DUE_POST_RUNS, DUE_OP_EXPIRES,
                                         DUE_OP_CREATED, DUE_DECISION };
    auto_scene struct scene scene = scene_open(*state);

    open_session(&scene, scene.machine); /* which was never heard of */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%zu", i);
        CHECK_INT(next(&scene, rows[i]), INSTANT_NEVER.microseconds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_earliest_of_those_that_count_is_told),
        cmocka_unit_test(test_postings_of_time_are_of_those_that_run_now),
        cmocka_unit_test(test_an_interval_says_of_its_contract_whether_it_runs),
        cmocka_unit_test(test_what_is_never_posted_is_never_due),
        cmocka_unit_test(test_what_is_not_there_is_never_due),
    };

    return SUPPORT_RUN(tests);
}
