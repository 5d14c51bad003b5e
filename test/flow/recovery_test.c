/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/recovery.h"

#include "support.h"

/* A heartbeat that lists these; an engine that answers, unless said otherwise. */
static struct heartbeat beat_of(struct instance_report *reports, int64_t count)
{
    return (
        struct heartbeat){ .is_engine_ok = true, .instance_count = count, .instances = reports };
}

static void note(struct world *world, int64_t machine_id, const struct heartbeat *heartbeat)
{
    struct error err;

    CHECK_OK(flow_recovery_note(&world->flow, machine_id, heartbeat, &err), &err);
}

static struct recovery_view show(struct world *world)
{
    struct recovery_view view;
    struct error err;

    CHECK_OK(flow_recovery_show(&world->flow, &world->arena, &view, &err), &err);
    return view;
}

static enum recovery_outcome end(struct world *world, bool goes_without_silent)
{
    enum recovery_outcome outcome;
    struct error err;

    CHECK_OK(flow_recovery_end(&world->flow, goes_without_silent, &outcome, &err), &err);
    return outcome;
}

static bool is_open(struct world *world)
{
    struct error err;
    bool result;

    CHECK_OK(flow_recovery_is_open(&world->flow, &result, &err), &err);
    return result;
}

static void begin(struct world *world)
{
    struct error err;

    CHECK_OK(flow_recovery_begin(&world->flow, &err), &err);
}

/* What the lost time may have given out is left out. */
static void test_ids_and_revisions_leap(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller renter = world_user(&world, "renter@example.org", 100);
    world_host(&world, &machine, "a", 4);
    int64_t first = world_running(&world, &machine, renter, 1);
    int64_t rev = world_number(&world, "SELECT desired_rev FROM machine");
    CHECK(!is_open(&world) && !show(&world).is_open);

    begin(&world);
    CHECK(is_open(&world));
    CHECK_INT(world_number(&world, "SELECT desired_rev FROM machine"), rev + RECOVERY_LEAP);
    begin(&world); /* once is enough */
    CHECK_INT(world_number(&world, "SELECT desired_rev FROM machine"), rev + RECOVERY_LEAP);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM recovery"), 1);

    CHECK_INT(end(&world, true), RECOVERY_ENDED);
    CHECK(!is_open(&world));
    int64_t second = world_running(&world, &machine, renter, 1);
    CHECK(second > first + RECOVERY_LEAP);
    world_check(&world);
    world_close(&world);
}

/* Books and machines side by side: what both have, what is in no book, what is on no machine. */
static void test_the_difference_is_shown(void **state)
{
    struct world world;
    struct world_machine machine, silent;

    world_open(&world, *state);
    struct caller renter = world_user(&world, "renter@example.org", 100);
    world_host(&world, &machine, "a", 4);
    world_host(&world, &silent, "b", 1);
    int64_t kept = world_running(&world, &machine, renter, 1);
    int64_t destroyed = world_running(&world, &machine, renter, 1);
    world_silence(&world, 600 * US_PER_SECOND);
    begin(&world);

    struct recovery_view view = show(&world);
    CHECK(view.is_open);
    CHECK_INT(view.counts.machines, 2);
    CHECK_INT(view.counts.reported, 0);
    CHECK_INT((int64_t)view.silent_count, 2);
    CHECK_INT((int64_t)view.missing_count,
              0); /* of a machine that has not reported nothing is said */
    /* Back to the last sign of life, at most a beat before the silence. */
    int64_t gap_us = instant_until(view.books_end, view.began);
    CHECK(gap_us >= 600 * US_PER_SECOND && gap_us <= 605 * US_PER_SECOND);

    struct instance_report reports[] = { { .id = kept, .gen = 1, .phase = PHASE_RUNNING },
                                         { .id = 999, .gen = 3, .phase = PHASE_RUNNING },
                                         { .id = 998, .gen = 3, .phase = PHASE_ABSENT } };
    struct heartbeat heartbeat = beat_of(reports, 3);
    heartbeat.is_engine_ok = false;
    note(&world, machine.id, &heartbeat);
    CHECK_INT(show(&world).counts.reported, 0); /* its engine does not answer */
    heartbeat.is_engine_ok = true;
    note(&world, machine.id, &heartbeat);
    view = show(&world);
    CHECK_INT(view.counts.reported, 1);
    CHECK_INT(view.counts.matched, 1);
    CHECK_INT((int64_t)view.unknown_count, 1);
    CHECK_INT(view.unknown[0].instance_id, 999);
    CHECK_INT(view.unknown[0].machine_id, machine.id);
    CHECK_INT((int64_t)view.missing_count, 1);
    CHECK_INT(view.missing[0].instance_id, destroyed);
    CHECK_INT((int64_t)view.silent_count, 1);
    CHECK_INT(view.silent[0], silent.id);

    /* A later report counts once the first is old. */
    reports[1].id = destroyed;
    note(&world, machine.id, &heartbeat);
    CHECK_INT((int64_t)show(&world).unknown_count, 1);
    world_silence(&world, (RECOVERY_REPORT_SECONDS + 1) * US_PER_SECOND);
    note(&world, machine.id, &heartbeat);
    view = show(&world);
    CHECK_INT((int64_t)view.unknown_count, 0);
    CHECK_INT((int64_t)view.missing_count, 0);
    CHECK_INT(view.counts.matched, 2);
    world_close(&world);
}

static void test_it_ends_when_all_have_reported_or_somebody_says_so(void **state)
{
    struct world world;
    struct world_machine machine, silent;

    world_open(&world, *state);
    CHECK_INT(end(&world, true), RECOVERY_NONE);
    world_host(&world, &machine, "a", 1);
    world_host(&world, &silent, "b", 1);
    begin(&world);
    const struct heartbeat nothing = beat_of(NULL, 0);
    note(&world, machine.id, &nothing);
    CHECK_INT(end(&world, false), RECOVERY_WAITING);
    CHECK(is_open(&world));
    CHECK_INT(end(&world, true), RECOVERY_ENDED);
    CHECK_INT(end(&world, true), RECOVERY_NONE);

    begin(&world);
    note(&world, machine.id, &nothing);
    note(&world, silent.id, &nothing);
    CHECK_INT(end(&world, false), RECOVERY_ENDED);
    CHECK(!is_open(&world));
    world_close(&world);
}

/* A machine believes no generation below the one that it has seen. */
static void test_generations_go_on_behind_what_machines_have_seen(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller renter = world_user(&world, "renter@example.org", 100);
    world_host(&world, &machine, "a", 2);
    int64_t ahead = world_running(&world, &machine, renter, 1);
    int64_t same = world_running(&world, &machine, renter, 1);
    int64_t gen = world_contract(&world, same).gen;
    begin(&world);
    struct instance_report reports[] = { { .id = ahead, .gen = gen + 40, .phase = PHASE_STOPPED },
                                         { .id = same, .gen = gen, .phase = PHASE_RUNNING } };
    const struct heartbeat heartbeat = beat_of(reports, 2);
    note(&world, machine.id, &heartbeat);
    CHECK_INT(world_contract(&world, ahead).gen, gen); /* not before its end */
    CHECK_INT(end(&world, false), RECOVERY_ENDED);
    CHECK_INT(world_contract(&world, ahead).gen, gen + 41);
    CHECK_INT(world_contract(&world, same).gen, gen);
    world_check(&world);
    world_close(&world);
}

/* Outside of a recovery a report is no news. */
static void test_nothing_is_noted_where_none_is_open(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    const struct heartbeat nothing = beat_of(NULL, 0);
    struct hash before = world_dump(&world);
    note(&world, machine.id, &nothing);
    CHECK_UNCHANGED(&world, before);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids_and_revisions_leap),
        cmocka_unit_test(test_the_difference_is_shown),
        cmocka_unit_test(test_it_ends_when_all_have_reported_or_somebody_says_so),
        cmocka_unit_test(test_generations_go_on_behind_what_machines_have_seen),
        cmocka_unit_test(test_nothing_is_noted_where_none_is_open),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
