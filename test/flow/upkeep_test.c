/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/upkeep.h"

#include "flow/instance_change.h"
#include "flow/list_machine.h"
#include "market/lifetime.h"
#include "support_scene.h"

static enum upkeep_outcome report(struct scene *scene, struct caller caller, const char *message)
{
    enum upkeep_outcome outcome;
    struct error err;

    CHECK_OK(flow_report_machine(&scene->world.flow, &caller, scene->machine.id, "gpu", message,
                                 &outcome, &err),
             &err);
    return outcome;
}

static int64_t clean_up(struct scene *scene, struct caller caller, enum upkeep_outcome want)
{
    enum upkeep_outcome outcome;
    int64_t deleted = 0;
    struct error err;

    CHECK_OK(
        flow_clean_up(&scene->world.flow, &caller, scene->machine.id, &deleted, &outcome, &err),
        &err);
    CHECK_INT(outcome, want);
    return deleted;
}

static void test_who_rents_there_reports_once_a_day(void **state)
{
    struct machine_report_row *reports;
    enum upkeep_outcome outcome;
    struct scene scene;
    size_t count;
    struct error err;

    scene_begin(&scene, state);
    CHECK_INT(report(&scene, scene.bob, "slow"), UPKEEP_NO_MACHINE);
    CHECK_INT(report(&scene, scene.ada, ""), UPKEEP_BAD_REPORT);
    CHECK_INT(report(&scene, scene.ada, "\033[2J"), UPKEEP_BAD_REPORT);
    CHECK_INT(report(&scene, scene.ada, "slow"), UPKEEP_DONE);
    CHECK_INT(report(&scene, scene.ada, "slow"), UPKEEP_TOO_SOON);
    world_pass(&scene.world, 25 * US_PER_HOUR);
    CHECK_INT(report(&scene, scene.ada, "still"), UPKEEP_DONE);
    CHECK_OK(flow_machine_reports(&scene.world.flow, &scene.machine.host, scene.machine.id,
                                  &scene.world.arena, &reports, &count, &outcome, &err),
             &err);
    CHECK_INT((int64_t)count, 2);
    CHECK_TEXT(reports[0].message, "still");
    CHECK_OK(flow_machine_reports(&scene.world.flow, &scene.ada, scene.machine.id,
                                  &scene.world.arena, &reports, &count, &outcome, &err),
             &err);
    CHECK_INT(outcome, UPKEEP_NO_MACHINE);
    scene_end(&scene);
}

/* What is rented now is over tomorrow. */
static void list_for_a_day(struct scene *scene)
{
    struct list_machine_request request = {
        .machine_id = scene->machine.id,
        .has_end = true,
        .values.end = instant_add(clock_now(&scene->world.clock), 24 * US_PER_HOUR),
    };
    struct list_machine_reply reply;
    struct error err;

    CHECK_OK(flow_list_machine(&scene->world.flow, &scene->machine.host, &request, &reply, &err),
             &err);
    CHECK_INT(reply.outcome, LIST_DONE);
}

static void test_data_goes_when_its_time_is_over_and_not_before(void **state)
{
    enum change_outcome outcome;
    struct scene scene;
    struct error err;

    world_open(&scene.world, *state);
    scene.ada = world_user(&scene.world, "ada@berth.test", 25);
    world_host(&scene.world, &scene.machine, "a", 1);
    list_for_a_day(&scene);
    scene.id = world_rent(&scene.world, scene.ada, world_offer(&scene.world, scene.machine.id, 1))
                   .instance_id;
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(clean_up(&scene, scene.machine.host, UPKEEP_DONE), 0);
    CHECK_OK(flow_stop(&scene.world.flow, &scene.ada, scene.id, &outcome, &err), &err);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    struct instant kept = lifetime_retention(world_contract(&scene.world, scene.id).terms.end);
    world_silence(&scene.world, instant_until(clock_now(&scene.world.clock), kept) - 1);
    CHECK_INT(clean_up(&scene, scene.machine.host, UPKEEP_DONE), 0);
    world_silence(&scene.world, 1);
    CHECK_INT(clean_up(&scene, scene.ada, UPKEEP_NO_MACHINE), 0);
    CHECK_INT(clean_up(&scene, scene.machine.host, UPKEEP_DONE), 1);
    CHECK_INT(world_contract(&scene.world, scene.id).state, RENTAL_DESTROYING);
    CHECK_INT(world_contract(&scene.world, scene.id).reason, REASON_CLEANED_UP);
    CHECK_INT(clean_up(&scene, scene.machine.host, UPKEEP_DONE), 0);
    scene_end(&scene);
}

static void test_offers_are_cut_anew_by_their_host_alone(void **state)
{
    enum upkeep_outcome outcome;
    enum change_outcome changed;
    struct scene scene;
    struct error err;

    scene_begin(&scene, state);
    CHECK_OK(flow_destroy(&scene.world.flow, &scene.ada, scene.id, &changed, &err), &err);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    int64_t before = world_offer(&scene.world, scene.machine.id, 1);
    CHECK(before != 0);
    CHECK_OK(flow_recut(&scene.world.flow, &scene.ada, scene.machine.id, &outcome, &err), &err);
    CHECK_INT(outcome, UPKEEP_NO_MACHINE);
    CHECK_INT(world_offer(&scene.world, scene.machine.id, 1), before);
    CHECK_OK(flow_recut(&scene.world.flow, &scene.machine.host, scene.machine.id, &outcome, &err),
             &err);
    CHECK_INT(outcome, UPKEEP_DONE);
    int64_t after = world_offer(&scene.world, scene.machine.id, 1);
    CHECK(after != 0 && after != before);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_rents_there_reports_once_a_day),
        cmocka_unit_test(test_data_goes_when_its_time_is_over_and_not_before),
        cmocka_unit_test(test_offers_are_cut_anew_by_their_host_alone),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
