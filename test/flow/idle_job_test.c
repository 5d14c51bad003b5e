/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/idle_job.h"

#include "flow/desired.h"
#include "flow/instance_change.h"
#include "support.h"

static struct idle_job_reply ask(struct world *world, struct caller caller,
                                 struct idle_job_request request)
{
    struct idle_job_reply reply;
    struct error err;

    CHECK_OK(flow_idle_job_set(&world->flow, &caller, &request, &reply, &err), &err);
    return reply;
}

static struct idle_job_reply set(struct world *world, struct caller caller, int64_t machine_id,
                                 int64_t gpu_hour, const char *image, const char *arg)
{
    const char *args[] = { arg };
    const struct instance_spec spec = { .image = image, .arg_count = 1, .args = args };

    return ask(world, caller,
               (struct idle_job_request){
                   .machine_id = machine_id, .gpu_hour = { gpu_hour }, .spec = &spec });
}

/* At $0.10 an hour and GPU, on so many of the GPUs. */
static struct idle_job_reply set_on(struct world *world, struct world_machine *machine,
                                    int64_t gpus)
{
    const char *args[] = { "--quiet" };
    const struct instance_spec spec = { .image = "miner:1", .arg_count = 1, .args = args };

    return ask(world, machine->host,
               (struct idle_job_request){ .machine_id = machine->id,
                                          .gpu_hour = { INT64_C(100000000) },
                                          .gpus = gpus,
                                          .spec = &spec });
}

static struct idle_job_reply take_back(struct world *world, struct caller caller,
                                       int64_t machine_id)
{
    struct idle_job_reply reply;
    struct error err;

    CHECK_OK(flow_idle_job_remove(&world->flow, &caller, machine_id, &reply, &err), &err);
    return reply;
}

/* Places of idle jobs in a state. */
static int64_t places(struct world *world, int64_t state)
{
    return world_number_of(world, "SELECT COUNT(*) FROM contract WHERE kind = 4 AND state = $1",
                           state);
}

static void beat(struct world *world, struct world_machine *machine)
{
    world_pass(world, US_PER_SECOND);
    CHECK_INT(world_beat(world, machine), TAKE_DONE);
}

static int64_t rows(struct world *world, const char *table)
{
    if (table[0] == 'm')
        return world_number(world, "SELECT COUNT(*) FROM meter");
    return world_number(world, "SELECT COUNT(*) FROM journal");
}

static void test_it_runs_on_what_nobody_rents(void **state)
{
    struct world world;
    struct world_machine machine;
    enum change_outcome outcome;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 3);
    int64_t journals = rows(&world, "journal");
    struct idle_job_reply reply =
        set(&world, machine.host, machine.id, INT64_C(100000000), "miner:1", "--quiet");
    CHECK_INT(reply.outcome, IDLE_JOB_SET);
    CHECK(!reply.is_dummy);
    CHECK_INT(places(&world, RENTAL_CREATED), 3);
    beat(&world, &machine);
    CHECK_INT(places(&world, RENTAL_RUNNING), 3);
    world_run(&world, &machine, 3600 * US_PER_SECOND);
    /* It costs nobody anything. */
    CHECK_INT(rows(&world, "meter"), 0);
    CHECK_INT(rows(&world, "journal"), journals);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM run_interval"), 0);
    world_check(&world);

    /* A renter comes for two: two places make way at once, and the renter starts when their host
     * has said so. */
    int64_t offer = world_offer(&world, machine.id, 1);
    CHECK(offer > 0);
    int64_t first = world_rent(&world, ada, offer).instance_id;
    int64_t second = world_rent(&world, ada, world_offer(&world, machine.id, 1)).instance_id;
    CHECK(first > 0 && second > 0);
    CHECK_INT(places(&world, RENTAL_PAUSING), 2);
    beat(&world, &machine);
    CHECK_INT(places(&world, RENTAL_SCHEDULING), 2);
    CHECK_INT(places(&world, RENTAL_RUNNING), 1);
    beat(&world, &machine);
    CHECK_INT(world_contract(&world, first).state, RENTAL_RUNNING);
    CHECK_INT(world_contract(&world, second).state, RENTAL_RUNNING);
    world_check(&world);

    /* They leave, and it goes on. */
    CHECK_OK(flow_destroy(&world.flow, &ada, first, &outcome, &err), &err);
    CHECK_OK(flow_stop(&world.flow, &ada, second, &outcome, &err), &err);
    beat(&world, &machine);
    beat(&world, &machine);
    CHECK_INT(places(&world, RENTAL_RUNNING), 3);
    world_check(&world);
    world_close(&world);
}

static void test_it_has_no_notice(void **state)
{
    struct world world;
    struct world_machine machine;
    struct desired desired;
    struct error err;
    bool has;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    (void)set(&world, machine.host, machine.id, INT64_C(100000000), "miner:1", "x");
    beat(&world, &machine);
    CHECK(world_rent(&world, ada, world_offer(&world, machine.id, 1)).instance_id > 0);
    CHECK_OK(flow_desired(&world.flow, machine.id, &world.arena, &desired, &has, &err), &err);
    CHECK_TEXT(desired.instances[0].spec.image, "miner:1");
    CHECK_INT(desired.instances[0].state, DESIRED_STOPPED);
    CHECK(desired.instances[0].is_kept_running);
    CHECK(!desired.instances[1].is_kept_running);
    CHECK(desired.instances[0].has_notice);
    CHECK_INT(desired.instances[0].notice.after_ms, 0);
    CHECK_TEXT(desired.instances[0].notice.winner, "renter");
    CHECK_INT(desired.instances[0].stop_after_ms, -1); /* no credit of its host's is used up */
    world_close(&world);
}

static void test_no_renter_sees_it_and_none_is_hindered(void **state)
{
    struct world world;
    struct world_machine machine;
    struct instance_view *views;
    size_t count;
    struct error err;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 2);
    int64_t offers = world_number(&world, "SELECT COUNT(*) FROM offer WHERE removed_us IS NULL");
    (void)set(&world, machine.host, machine.id, INT64_C(100000000), "miner:1", "x");
    beat(&world, &machine);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM offer WHERE removed_us IS NULL"), offers);
    CHECK_OK(flow_instance_list(&world.flow, &machine.host, &world.arena, &views, &count, &err),
             &err);
    CHECK_INT((int64_t)count, 0);
    world_close(&world);
}

static void test_it_is_replaced_and_taken_back(void **state)
{
    struct world world;
    struct world_machine machine;
    struct idle_job_row job;
    struct error err;
    bool has;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 2);
    (void)set(&world, machine.host, machine.id, INT64_C(100000000), "miner:1", "x");
    beat(&world, &machine);
    (void)set(&world, machine.host, machine.id, INT64_C(120000000), "miner:2", "y");
    beat(&world, &machine);
    beat(&world, &machine);
    CHECK_INT(places(&world, RENTAL_DESTROYED), 2);
    CHECK_INT(places(&world, RENTAL_RUNNING), 2);
    CHECK_OK(
        flow_idle_job_show(&world.flow, &machine.host, machine.id, &world.arena, &job, &has, &err),
        &err);
    CHECK(has);
    CHECK_TEXT(job.image, "miner:2");
    CHECK_INT(job.ticks, 120);
    CHECK_INT(take_back(&world, machine.host, machine.id).outcome, IDLE_JOB_REMOVED);
    CHECK_INT(take_back(&world, machine.host, machine.id).outcome, IDLE_JOB_REMOVED);
    beat(&world, &machine);
    CHECK_INT(places(&world, RENTAL_DESTROYED), 4);
    CHECK_OK(
        flow_idle_job_show(&world.flow, &machine.host, machine.id, &world.arena, &job, &has, &err),
        &err);
    CHECK(has && job.image == NULL);
    world_check(&world);
    world_close(&world);
}

static void test_a_dummy_is_a_floor_alone(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 2);
    struct idle_job_reply reply =
        set(&world, machine.host, machine.id, INT64_C(100000000), "ubuntu", "bash");
    CHECK_INT(reply.outcome, IDLE_JOB_SET);
    CHECK(reply.is_dummy);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM contract"), 0);
    CHECK_INT(world_number(&world, "SELECT ticks FROM idle_job"), 100);
    world_close(&world);
}

static void test_what_is_refused_changes_nothing(void **state)
{
    struct world world;
    struct world_machine machine, fresh;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 2);
    world_machine(&world, &fresh, ada, "b", 1);
    struct hash before = world_dump(&world);

    CHECK_INT(set(&world, ada, machine.id, INT64_C(100000000), "miner:1", "x").outcome,
              IDLE_JOB_NO_MACHINE);
    CHECK_INT(set(&world, ada, fresh.id, INT64_C(100000000), "miner:1", "x").outcome,
              IDLE_JOB_NOT_LISTED);
    CHECK_INT(set(&world, machine.host, machine.id, INT64_C(360000000), "miner:1", "x").outcome,
              IDLE_JOB_BAD_PRICE);
    CHECK_INT(set(&world, machine.host, machine.id, INT64_C(999999), "miner:1", "x").outcome,
              IDLE_JOB_BAD_PRICE);
    CHECK_INT(set(&world, machine.host, machine.id, INT64_C(100000000), "no image!", "x").outcome,
              IDLE_JOB_BAD_SPEC);
    CHECK_INT(take_back(&world, ada, machine.id).outcome, IDLE_JOB_NO_MACHINE);
    CHECK_UNCHANGED(&world, before);
    CHECK_INT(set(&world, machine.host, machine.id, INT64_C(359999999), "miner:1", "x").outcome,
              IDLE_JOB_SET);
    world_close(&world);
}

/* Both sides of what the machine has; and 0 is all of it, whatever was set before. */
static void test_it_may_have_a_part_of_the_machine(void **state)
{
    static const int64_t wants[] = { 1, 3, 4, 0, 2 };
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 4);
    struct hash before = world_dump(&world);
    static const int64_t bad[] = { 5, -1, INT64_MAX };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct idle_job_reply reply = set_on(&world, &machine, bad[i]);

        CHECK_INT(reply.outcome, IDLE_JOB_BAD_GPUS);
        CHECK_INT(reply.gpu_count, 4);
    }
    CHECK_UNCHANGED(&world, before);
    for (size_t i = 0; i < sizeof wants / sizeof wants[0]; i++) {
        check_row("%zu", i);
        CHECK_INT(set_on(&world, &machine, wants[i]).outcome, IDLE_JOB_SET);
        beat(&world, &machine);
        beat(&world, &machine);
        CHECK_INT(places(&world, RENTAL_RUNNING), wants[i] > 0 ? wants[i] : 4);
        CHECK_INT(world_number(&world, "SELECT gpus FROM idle_job"), wants[i]);
        world_check(&world);
    }
    world_close(&world);
}

/* Whoever comes and goes: it never has more GPUs than it may, nor fewer while others are free. */
static void test_it_never_has_more_and_makes_way_last(void **state)
{
    enum { GPUS = 4, STEPS = 24 };
    int64_t ids[GPUS], count = 0, may = 2;
    struct world world;
    struct world_machine machine;
    enum change_outcome outcome;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 1000);
    world_host(&world, &machine, "a", GPUS);
    (void)set_on(&world, &machine, may);
    for (int step = 0; step < STEPS; step++) {
        if (step % 6 == 5) {
            may = 1 + (int64_t)check_random(GPUS);
            CHECK_INT(set_on(&world, &machine, may).outcome, IDLE_JOB_SET);
        } else if (count < GPUS && check_random(2) == 0) {
            /* What is free is taken first: it goes on undisturbed. */
            int64_t running = places(&world, RENTAL_RUNNING), free = GPUS - count - running;

            ids[count] = world_rent(&world, ada, world_offer(&world, machine.id, 1)).instance_id;
            CHECK(ids[count++] > 0);
            check_row("step %d: %lld rented, it may have %lld", step, (long long)count,
                      (long long)may);
            CHECK_INT(places(&world, RENTAL_PAUSING), free > 0 ? 0 : 1);
        } else if (count > 0) {
            CHECK_OK(flow_destroy(&world.flow, &ada, ids[--count], &outcome, &err), &err);
        }
        for (int i = 0; i < 3; i++) {
            beat(&world, &machine);
            CHECK(places(&world, RENTAL_RUNNING) + places(&world, RENTAL_CREATED) <= may);
        }
        check_row("step %d: %lld rented, it may have %lld", step, (long long)count, (long long)may);
        CHECK_INT(places(&world, RENTAL_RUNNING), GPUS - count < may ? GPUS - count : may);
        world_check(&world);
    }
    world_close(&world);
}

/* The floor is the machine's: a bid is for a number of its GPUs, not for the one or the other. */
static void test_its_price_is_the_floor_of_all_gpus(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 3);
    (void)set_on(&world, &machine, 1);
    beat(&world, &machine);
    beat(&world, &machine);
    CHECK_INT(places(&world, RENTAL_RUNNING), 1);
    struct rental_reply low = world_bid(&world, ada, machine.id, 1, 100);
    CHECK_INT(low.outcome, RENTAL_REFUSED);
    CHECK_INT(low.refusal, RENT_BID_TOO_LOW);
    CHECK_INT(low.lowest_bid, 101);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(world_bid(&world, ada, machine.id, 1, 101).outcome, RENTAL_MADE);
        CHECK_INT(places(&world, RENTAL_RUNNING), 1);
    }
    CHECK_INT(world_bid(&world, ada, machine.id, 1, 101).outcome, RENTAL_MADE);
    CHECK_INT(places(&world, RENTAL_PAUSING), 1);
    world_check(&world);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_runs_on_what_nobody_rents),
        cmocka_unit_test(test_it_has_no_notice),
        cmocka_unit_test(test_no_renter_sees_it_and_none_is_hindered),
        cmocka_unit_test(test_it_is_replaced_and_taken_back),
        cmocka_unit_test(test_a_dummy_is_a_floor_alone),
        cmocka_unit_test(test_what_is_refused_changes_nothing),
        cmocka_unit_test(test_it_may_have_a_part_of_the_machine),
        cmocka_unit_test(test_it_never_has_more_and_makes_way_last),
        cmocka_unit_test(test_its_price_is_the_floor_of_all_gpus),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
