/* SPDX-License-Identifier: Apache-2.0 */
#include "server/jobs.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "flow/instance_change.h"
#include "flow/support.h"

/* A market whose jobs run, and are told of what changes. */
static struct world world;
static struct world_machine machine;
static struct metrics *metrics;
static struct jobs *jobs;

static void hear(void *context, enum db_topic topic, int64_t id)
{
    (void)topic;
    (void)id;
    jobs_hint(context);
}

static void open_jobs_slow(struct support *support, int64_t slow_us)
{
    const struct jobs_options options = { .flow = &world.flow,
                                          .metrics = metrics = metrics_open(0),
                                          .server_proc = "test",
                                          .slow_us = slow_us };
    struct error err;

    CHECK_OK(jobs_open(&options, &jobs, &err), &err);
    store_subscribe(support->store, hear, jobs);
}

static void open_jobs(struct support *support)
{
    open_jobs_slow(support, 0);
}

/* The store stops telling before whom it tells goes. */
static void close_jobs(struct support *support)
{
    struct error err;

    jobs_stop(jobs);
    store_close(&support->store);
    jobs_close(&jobs);
    metrics_close(&metrics);
    CHECK_OK(store_open(support->location, &support->log, &support->store, &err), &err);
    world.flow.store = support->store;
}

/* A check that fails ends its test where it stands: the thread must not go on in the next one. */
static int end_jobs(void **state)
{
    if (jobs != NULL)
        close_jobs(*state);
    return 0;
}

static void pause_ms(long ms)
{
    (void)nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static bool is_soon(int64_t id, enum rental_state state)
{
    for (int i = 0; i < 500; i++) {
        if (world_contract(&world, id).state == state)
            return true;
        pause_ms(10);
    }
    return false;
}

static uint64_t reads(struct support *support)
{
    return store_totals(support->store).reads;
}

/* Instances run, and for seconds nothing happens: nobody looks. */
static void test_nothing_due_costs_nothing(void **state)
{
    struct support *support = *state;

    world_open(&world, support);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 4);
    for (int i = 0; i < 4; i++)
        (void)world_running(&world, &machine, ada, 1);
    open_jobs(support);
    pause_ms(600);
    uint64_t before = reads(support);
    pause_ms(3000);
    CHECK(reads(support) - before <= 2);
    close_jobs(support);
    world_close(&world);
}

struct end_work {
    int64_t id;
    struct instant end;
};

static bool set_end_quietly(struct db *db, void *context, struct error *err)
{
    const struct end_work *work = context;

    return db_exec(db, "UPDATE contract SET end_us = $2 WHERE id = $1",
                   DB_ARGS(db_int(work->id), db_instant(work->end)), err);
}

static bool set_end(struct db *db, void *context, struct error *err)
{
    const struct end_work *work = context;

    return set_end_quietly(db, context, err) && db_notify(db, TOPIC_CONTRACT, work->id, err);
}

/* A change brings a nearer instant: it is met when it comes, not a period later. */
static void test_what_falls_due_is_met_when_it_does(void **state)
{
    struct support *support = *state;
    struct error err;

    world_open(&world, support);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    int64_t id = world_running(&world, &machine, ada, 1);
    open_jobs(support);
    pause_ms(300);
    CHECK_INT(world_contract(&world, id).state, RENTAL_RUNNING);

    /* The market's clock is held: what is due half a second on, the thread waits for. */
    struct end_work work = { id, instant_add(clock_now(&world.clock), US_PER_SECOND / 2) };
    CHECK_OK(store_write(support->store, set_end, &work, &err), &err);
    pause_ms(250);
    CHECK_INT(world_contract(&world, id).state, RENTAL_RUNNING);
    clock_advance(&world.clock, US_PER_SECOND / 2);
    int64_t began_us = clock_boot_us(&clock_system);
    CHECK(is_soon(id, RENTAL_STOPPING));
    CHECK(clock_boot_us(&clock_system) - began_us < 2 * US_PER_SECOND);
    close_jobs(support);
    world_close(&world);
}

/* Another process changed the database, and signals it. */
static void test_a_wake_runs_everything(void **state)
{
    struct support *support = *state;
    struct error err;

    world_open(&world, support);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    int64_t id = world_running(&world, &machine, ada, 1);
    open_jobs(support);
    pause_ms(300);
    struct end_work work = { id, clock_now(&world.clock) };
    CHECK_OK(store_write(support->store, set_end_quietly, &work, &err), &err);
    pause_ms(300);
    CHECK_INT(world_contract(&world, id).state, RENTAL_RUNNING);
    jobs_wake(jobs);
    CHECK(is_soon(id, RENTAL_STOPPING));
    close_jobs(support);
    world_close(&world);
}

static void test_stopping_does_not_wait_for_what_is_due(void **state)
{
    struct support *support = *state;

    world_open(&world, support);
    for (int i = 0; i < 5; i++) {
        open_jobs(support);
        int64_t began_us = clock_boot_us(&clock_system);
        close_jobs(support);
        CHECK(clock_boot_us(&clock_system) - began_us < 5 * US_PER_SECOND);
    }
    world_close(&world);
}

static bool counts_slow(void)
{
    static const struct metrics_page page = { 0 };
    auto_buf struct buf out = buf_of(1 << 16);

    metrics_write(metrics, &page, &out);
    CHECK(!out.has_overflowed && strstr(out.bytes, "\nberth_slow_jobs_total ") != NULL);
    return strstr(out.bytes, "\nberth_slow_jobs_total 0\n") == NULL;
}

/* Which of them are too slow is the operator's to say; and that none is. */
static void test_batches_that_take_long_are_told_of(void **state)
{
    static const struct {
        int64_t slow_us;
        bool counts;
    } rows[] = { { 0, false }, { 3600 * US_PER_SECOND, false }, { 1, true } };
    struct support *support = *state;
    char line[4096] = "";
    int pipe_fds[2];

    world_open(&world, support);
    CHECK(pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) == 0);
    world.log = (struct log){ .fd = pipe_fds[1], .level_min = LOG_WARNING };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%d", (int)i);
        CHECK(read(pipe_fds[0], line, sizeof line - 1) < 0);
        open_jobs_slow(support, rows[i].slow_us);
        pause_ms(500);
        CHECK_INT(counts_slow(), rows[i].counts);
        close_jobs(support);
    }
    CHECK(read(pipe_fds[0], line, sizeof line - 1) > 0);
    CHECK(strstr(line, "slow job") != NULL && strstr(line, " ms, ") != NULL);
    world.log = log_silent();
    (void)close(pipe_fds[0]);
    (void)close(pipe_fds[1]);
    world_close(&world);
}

#define WITH_JOBS(test) cmocka_unit_test_teardown(test, end_jobs)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_JOBS(test_nothing_due_costs_nothing),
        WITH_JOBS(test_what_falls_due_is_met_when_it_does),
        WITH_JOBS(test_a_wake_runs_everything),
        WITH_JOBS(test_batches_that_take_long_are_told_of),
        WITH_JOBS(test_stopping_does_not_wait_for_what_is_due),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
