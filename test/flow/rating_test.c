/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/rating.h"

#include <string.h>

#include "flow/instance_change.h"
#include "flow/upkeep.h"
#include "support_scene.h"

static enum rating_outcome rate(struct scene *scene, struct caller caller, int64_t id,
                                int64_t stars, const char *message)
{
    const struct rating_request request = { id, stars, message };
    enum rating_outcome outcome;
    struct error err;

    CHECK_OK(flow_rate(&scene->world.flow, &caller, &request, &outcome, &err), &err);
    return outcome;
}

static struct rating_page page_of(struct scene *scene, int64_t host_id)
{
    struct rating_page page;
    struct error err;

    CHECK_OK(flow_host_ratings(&scene->world.flow, host_id, &scene->world.arena, &page, &err),
             &err);
    return page;
}

static int64_t asked_at(struct scene *scene)
{
    return world_number_of(&scene->world, "SELECT audit_us FROM machine WHERE id = $1",
                           scene->machine.id);
}

static bool set_work(struct db *db, void *context, struct error *err)
{
    const int64_t *at_us = context;

    return db_exec(db, "UPDATE machine SET audit_us = $1", DB_ARGS(db_int(*at_us)), err);
}

static void set_asked_at(struct scene *scene, int64_t at_us)
{
    support_write(scene->world.support, set_work, &at_us);
}

static void test_who_rented_rates_once(void **state)
{
    struct scene scene;
    char long_message[RATING_MESSAGE_MAX + 2];

    scene_begin(&scene, state);
    int64_t host = scene.machine.host.user_id;
    struct hash before = world_dump(&scene.world);
    memset(long_message, 'x', sizeof long_message - 1);
    long_message[sizeof long_message - 1] = '\0';
    CHECK_INT(rate(&scene, scene.bob, scene.id, 5, ""), RATING_NO_INSTANCE);
    CHECK_INT(rate(&scene, scene.ada, scene.id + 1000, 5, ""), RATING_NO_INSTANCE);
    CHECK_INT(rate(&scene, scene.ada, scene.id, 0, ""), RATING_BAD);
    CHECK_INT(rate(&scene, scene.ada, scene.id, 6, ""), RATING_BAD);
    CHECK_INT(rate(&scene, scene.ada, scene.id, 5, "\033[2J"), RATING_BAD);
    CHECK_INT(rate(&scene, scene.ada, scene.id, 5, long_message), RATING_BAD);
    CHECK_UNCHANGED(&scene.world, before);
    CHECK(page_of(&scene, host).has_host);
    CHECK_INT(page_of(&scene, host).count, 0);
    CHECK(!page_of(&scene, scene.bob.user_id).has_host);

    CHECK_INT(rate(&scene, scene.ada, scene.id, 4, "It ran."), RATING_DONE);
    CHECK_INT(rate(&scene, scene.ada, scene.id, 1, "Not."), RATING_TWICE);
    struct rating_page page = page_of(&scene, host);
    CHECK_INT(page.count, 1);
    CHECK_INT(page.stars, 4);
    CHECK_INT(page.machines, 1);
    CHECK_TEXT(page.ratings[0].message, "It ran.");
    CHECK_INT(page.ratings[0].created.microseconds, clock_now(&scene.world.clock).microseconds);
    scene_end(&scene);
}

/* Also when it is over; and not what never ran, nor on one's own machine. */
static void test_what_can_be_rated(void **state)
{
    struct world_machine other, own;
    enum change_outcome outcome;
    struct scene scene;
    struct error err;

    scene_begin(&scene, state);
    world_host(&scene.world, &other, "b", 1);
    int64_t new =
        world_rent(&scene.world, scene.ada, world_offer(&scene.world, other.id, 1)).instance_id;
    CHECK_INT(rate(&scene, scene.ada, new, 5, ""), RATING_NEVER_RAN);
    world_machine(&scene.world, &own, scene.ada, "c", 1);
    CHECK_INT(world_beat(&scene.world, &own), TAKE_DONE);
    world_list(&scene.world, &own);
    int64_t mine =
        world_rent(&scene.world, scene.ada, world_offer(&scene.world, own.id, 1)).instance_id;
    CHECK_INT(rate(&scene, scene.ada, mine, 5, ""), RATING_OWN);
    CHECK_OK(flow_destroy(&scene.world.flow, &scene.ada, scene.id, &outcome, &err), &err);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(rate(&scene, scene.ada, scene.id, 3, ""), RATING_DONE);
    scene_end(&scene);
}

/* Whoever is rated badly, or reported, is asked for a proof soon. */
static void test_what_is_said_against_a_machine_brings_its_proof_forward(void **state)
{
    struct scene scene;
    enum upkeep_outcome outcome;
    struct error err;

    scene_begin(&scene, state);
    int64_t now_us = clock_now(&scene.world.clock).microseconds, late_us = now_us + 9 * US_PER_HOUR;
    set_asked_at(&scene, late_us);
    CHECK_INT(rate(&scene, scene.ada, scene.id, RATING_POOR, "slow"), RATING_DONE);
    int64_t soon_us = asked_at(&scene);
    CHECK(soon_us > now_us && soon_us < now_us + 3 * US_PER_HOUR);
    set_asked_at(&scene, late_us);
    CHECK_OK(flow_report_machine(&scene.world.flow, &scene.ada, scene.machine.id, "gpu", "slow",
                                 &outcome, &err),
             &err);
    CHECK(asked_at(&scene) < now_us + 3 * US_PER_HOUR);
    /* But never later than it would have been. */
    set_asked_at(&scene, now_us + 1);
    world_pass(&scene.world, 25 * US_PER_HOUR);
    CHECK_OK(flow_report_machine(&scene.world.flow, &scene.ada, scene.machine.id, "gpu", "slow",
                                 &outcome, &err),
             &err);
    CHECK_INT(asked_at(&scene), now_us + 1);
    scene_end(&scene);
}

static void test_a_host_answers_a_report_and_its_renter_reads_it(void **state)
{
    struct machine_report_row *reports;
    enum rating_outcome replied;
    enum upkeep_outcome outcome;
    struct scene scene;
    struct error err;
    size_t count;

    scene_begin(&scene, state);
    const struct flow *flow = &scene.world.flow;
    CHECK_OK(flow_report_machine(flow, &scene.ada, scene.machine.id, "gpu", "slow", &outcome, &err),
             &err);
    CHECK_OK(flow_own_reports(flow, &scene.ada, &scene.world.arena, &reports, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_TEXT(reports[0].reply, "");
    int64_t id = reports[0].id;
    CHECK_OK(flow_reply_report(flow, &scene.bob, id, "No.", &replied, &err), &err);
    CHECK_INT(replied, RATING_NO_REPORT);
    CHECK_OK(flow_reply_report(flow, &scene.machine.host, id + 1, "No.", &replied, &err), &err);
    CHECK_INT(replied, RATING_NO_REPORT);
    CHECK_OK(flow_reply_report(flow, &scene.machine.host, id, "", &replied, &err), &err);
    CHECK_INT(replied, RATING_BAD);
    CHECK_OK(flow_reply_report(flow, &scene.machine.host, id, "Mended.", &replied, &err), &err);
    CHECK_INT(replied, RATING_DONE);
    CHECK_OK(flow_own_reports(flow, &scene.ada, &scene.world.arena, &reports, &count, &err), &err);
    CHECK_TEXT(reports[0].reply, "Mended.");
    CHECK_INT(reports[0].replied.microseconds, clock_now(&scene.world.clock).microseconds);
    CHECK_OK(flow_own_reports(flow, &scene.bob, &scene.world.arena, &reports, &count, &err), &err);
    CHECK_INT((int64_t)count, 0);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_rented_rates_once),
        cmocka_unit_test(test_what_can_be_rated),
        cmocka_unit_test(test_what_is_said_against_a_machine_brings_its_proof_forward),
        cmocka_unit_test(test_a_host_answers_a_report_and_its_renter_reads_it),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
