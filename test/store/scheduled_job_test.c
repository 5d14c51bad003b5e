/* SPDX-License-Identifier: Apache-2.0 */
#include "store/scheduled_job.h"

#include "store/support_rows.h"

static struct job_row job_of(const struct scene *scene, enum job_deed deed, int64_t next)
{
    return (struct job_row){ .owner_id = scene->ada,
                             .contract_id = scene->contract,
                             .deed = deed,
                             .body = "ls",
                             .frequency = "WEEKLY",
                             .schedule = { 6, 23, scene_at(1), scene_at(9000) },
                             .next = scene_at(next) };
}

static int64_t insert(struct scene *scene, struct job_row job)
{
    int64_t id;

    CHECK_OK(job_insert(scene->db, &job, &id, &scene->err), &scene->err);
    return id;
}

static void test_every_field_comes_back(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct job_row job = job_of(&scene, JOB_COMMAND, 70), found;
    int64_t id = insert(&scene, job), count;
    bool has;

    CHECK_OK(job_load_owned(scene.db, scene.ada, id, &scene.arena, &found, &has, &scene.err),
             &scene.err);
    CHECK(has);
    CHECK_INT(found.id, id);
    CHECK_INT(found.owner_id, scene.ada);
    CHECK_INT(found.contract_id, scene.contract);
    CHECK_INT(found.deed, JOB_COMMAND);
    CHECK_TEXT(found.body, "ls");
    CHECK_TEXT(found.frequency, "WEEKLY");
    CHECK_INT(found.schedule.day, 6);
    CHECK_INT(found.schedule.hour, 23);
    CHECK_INT(found.schedule.start.microseconds, scene_at(1).microseconds);
    CHECK_INT(found.schedule.end.microseconds, scene_at(9000).microseconds);
    CHECK_INT(found.next.microseconds, scene_at(70).microseconds);
    found.body = "pwd";
    found.schedule = (struct schedule){ SCHEDULE_ANY, 0, scene_at(2), scene_at(3) };
    CHECK_OK(job_update(scene.db, &found, &count, &scene.err), &scene.err);
    CHECK_INT(count, 1);
    CHECK_OK(job_find(scene.db, scene.ada, scene.contract, JOB_COMMAND, &scene.arena, &found, &has,
                      &scene.err),
             &scene.err);
    CHECK_TEXT(found.body, "pwd");
    CHECK_INT(found.schedule.day, SCHEDULE_ANY);
    CHECK_REFUSED(&scene, job_insert(scene.db, &job, &id, &scene.err));
}

static void test_a_job_is_its_owners_alone(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t id = insert(&scene, job_of(&scene, JOB_REBOOT, 70)), count = -1;
    struct job_row found, *all;
    size_t many;
    bool has = true;

    CHECK_OK(job_load_owned(scene.db, scene.bob, id, &scene.arena, &found, &has, &scene.err),
             &scene.err);
    CHECK(!has);
    CHECK_OK(job_find(scene.db, scene.bob, scene.contract, JOB_REBOOT, &scene.arena, &found, &has,
                      &scene.err),
             &scene.err);
    CHECK(!has);
    CHECK_OK(job_list(scene.db, scene.bob, 9, &scene.arena, &all, &many, &scene.err), &scene.err);
    CHECK_COUNT(many, 0);
    CHECK_OK(job_delete(scene.db, scene.bob, id, &count, &scene.err), &scene.err);
    CHECK_INT(count, 0);
    CHECK_OK(job_delete(scene.db, scene.ada, id, &count, &scene.err), &scene.err);
    CHECK_INT(count, 1);
}

static void test_a_run_is_claimed_once(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t count;
    struct job_row *due;
    size_t many;

    (void)insert(&scene, job_of(&scene, JOB_REBOOT, 70));
    (void)insert(&scene, job_of(&scene, JOB_BID, 71));
    CHECK_OK(job_due(scene.db, scene_at(70), 9, &scene.arena, &due, &many, &scene.err), &scene.err);
    CHECK_COUNT(many, 1);
    CHECK_INT(due[0].deed, JOB_REBOOT);
    CHECK_OK(job_claim(scene.db, &due[0], scene_at(80), &count, &scene.err), &scene.err);
    CHECK_INT(count, 1);
    CHECK_OK(job_claim(scene.db, &due[0], scene_at(80), &count, &scene.err), &scene.err);
    CHECK_INT(count, 0);
    CHECK_OK(job_due(scene.db, scene_at(79), 9, &scene.arena, &due, &many, &scene.err), &scene.err);
    CHECK_COUNT(many, 1);
    CHECK_INT(due[0].deed, JOB_BID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_comes_back),
        cmocka_unit_test(test_a_job_is_its_owners_alone),
        cmocka_unit_test(test_a_run_is_claimed_once),
    };

    return SUPPORT_RUN(tests);
}
