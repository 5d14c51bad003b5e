/* SPDX-License-Identifier: Apache-2.0 */
#include "server/key_uses.h"

#include <pthread.h>
#include <string.h>

#include "flow/account.h"
#include "flow/support.h"

enum { KEYS = 5, STEPS = 400, THREADS = 4, NOTES = 20000 };
#define STEP_US (KEY_USES_STEP_SECONDS * US_PER_SECOND)

static struct world world;

/* The key of a new account, and so many others of it. */
static void make_keys(int64_t ids[static KEYS])
{
    struct caller ada = world_user(&world, "ada@berth.test", 0);
    struct key_reply reply;
    struct error err;

    ids[0] = ada.key_id;
    for (int i = 1; i < KEYS; i++) {
        CHECK_OK(flow_key_create(&world.flow, &ada, "another", NULL, &reply, &err), &err);
        CHECK_INT(reply.outcome, KEY_DONE);
        ids[i] = reply.key_id;
    }
}

static int64_t written(int64_t id)
{
    return world_number_of(&world, "SELECT used_us FROM api_key WHERE id = $1", id);
}

static void note(struct key_uses *uses, int64_t id)
{
    key_uses_note(uses, id, clock_now(&world.clock));
}

static void write_due(struct key_uses *uses)
{
    struct error err;

    CHECK_OK(key_uses_write(uses, &world.flow, &err), &err);
}

static uint64_t writes(void)
{
    return store_totals(world.support->store).writes;
}

static void test_a_note_writes_nothing(void **state)
{
    int64_t ids[KEYS];

    world_open(&world, *state);
    make_keys(ids);
    struct key_uses *uses = key_uses_open();
    struct hash before = world_dump(&world);
    uint64_t writes_before = writes();
    write_due(uses);
    for (int i = 0; i < 100; i++)
        note(uses, ids[i % KEYS]);
    CHECK_UNCHANGED(&world, before);
    CHECK_INT((int64_t)(writes() - writes_before), 0);

    /* All of them by one transaction, and then none until the hour is over. */
    write_due(uses);
    CHECK_INT((int64_t)(writes() - writes_before), 1);
    for (int i = 0; i < KEYS; i++)
        CHECK_INT(written(ids[i]), clock_now(&world.clock).microseconds);
    write_due(uses);
    CHECK_INT((int64_t)(writes() - writes_before), 1);
    key_uses_close(&uses);
    world_close(&world);
}

/* Both sides of the hour, counted from the use that is written. */
static void test_the_next_is_written_an_hour_later(void **state)
{
    int64_t ids[KEYS], start_us;

    world_open(&world, *state);
    make_keys(ids);
    struct key_uses *uses = key_uses_open();
    note(uses, ids[0]);
    write_due(uses);
    start_us = written(ids[0]);
    clock_advance(&world.clock, US_PER_SECOND);
    note(uses, ids[0]);
    clock_advance(&world.clock, STEP_US - US_PER_SECOND - 1);
    write_due(uses);
    CHECK_INT(written(ids[0]), start_us);
    clock_advance(&world.clock, 1);
    write_due(uses);
    CHECK_INT(written(ids[0]), start_us + US_PER_SECOND);

    /* After a rest, at once. The clock that went back is not believed. */
    clock_advance(&world.clock, 2 * STEP_US);
    write_due(uses);
    note(uses, ids[0]);
    key_uses_note(uses, ids[0], WORLD_START);
    write_due(uses);
    CHECK_INT(written(ids[0]), start_us + 3 * STEP_US);
    key_uses_close(&uses);
    world_close(&world);
}

/* Whoever calls whenever: what is written is never more than an hour behind, nor ahead; no key
 * costs more than two rows an hour; and at the end every use is written as it was. */
static void test_what_is_written_is_true_to_the_hour(void **state)
{
    int64_t ids[KEYS], last[KEYS] = { 0 }, before[KEYS] = { 0 }, rows = 0;
    struct error err;

    world_open(&world, *state);
    make_keys(ids);
    struct key_uses *uses = key_uses_open();
    int64_t begin_us = clock_now(&world.clock).microseconds;
    for (int step = 0; step < STEPS; step++) {
        clock_advance(&world.clock, (int64_t)check_random(30 * 60) * US_PER_SECOND);
        size_t key = check_random(KEYS);
        note(uses, ids[key]);
        last[key] = clock_now(&world.clock).microseconds;
        write_due(uses);
        for (size_t i = 0; i < KEYS; i++) {
            int64_t now_written = written(ids[i]);

            check_row("step %d, key %zu", step, i);
            CHECK(now_written <= last[i] && last[i] - now_written < STEP_US);
            rows += now_written != before[i];
            before[i] = now_written;
        }
    }
    int64_t hours = (clock_now(&world.clock).microseconds - begin_us) / US_PER_HOUR + 1;
    CHECK(rows <= 2 * KEYS * hours);
    CHECK_OK(key_uses_write_all(uses, &world.flow, &err), &err);
    for (size_t i = 0; i < KEYS; i++)
        CHECK_INT(written(ids[i]), last[i]);
    key_uses_close(&uses);
    world_close(&world);
}

/* The first of a second is noted, for each key; so too where keys share a place. */
static void test_once_a_second_is_enough(void **state)
{
    int64_t ids[KEYS];
    struct error err;

    world_open(&world, *state);
    make_keys(ids);
    struct key_uses *uses = key_uses_open();
    for (int64_t other = 0; other < 3; other++) {
        clock_advance(&world.clock, US_PER_SECOND);
        int64_t first_us = clock_now(&world.clock).microseconds;
        note(uses, ids[0]);
        note(uses, ids[1]);
        note(uses, ids[0] + other * 1024);
        clock_advance(&world.clock, US_PER_SECOND / 2);
        note(uses, ids[0]);
        CHECK_OK(key_uses_write_all(uses, &world.flow, &err), &err);
        CHECK(written(ids[0]) == first_us + (other > 0 ? US_PER_SECOND / 2 : 0));
        CHECK_INT(written(ids[1]), first_us);
        clock_advance(&world.clock, US_PER_SECOND / 2);
    }
    key_uses_close(&uses);
    world_close(&world);
}

/* Two servers: the newest use stays, whoever writes it first. */
static void test_several_servers_agree_on_the_newest(void **state)
{
    int64_t ids[KEYS];
    struct error err;

    world_open(&world, *state);
    make_keys(ids);
    struct key_uses *one = key_uses_open(), *other = key_uses_open();
    note(one, ids[0]);
    clock_advance(&world.clock, 7);
    note(other, ids[0]);
    CHECK_OK(key_uses_write_all(other, &world.flow, &err), &err);
    CHECK_OK(key_uses_write_all(one, &world.flow, &err), &err);
    CHECK_INT(written(ids[0]), clock_now(&world.clock).microseconds);
    key_uses_close(&one);
    key_uses_close(&other);
    world_close(&world);
}

/* What could not be written is noted still. */
static void test_a_failed_write_is_made_up_for(void **state)
{
    int64_t ids[KEYS];
    struct error err;

    world_open(&world, *state);
    make_keys(ids);
    struct key_uses *uses = key_uses_open();
    note(uses, ids[0]);
    world_fail_after(&world, 0);
    CHECK(!key_uses_write(uses, &world.flow, &err));
    world_fail_none(&world);
    CHECK_INT(written(ids[0]), 0);
    write_due(uses);
    CHECK_INT(written(ids[0]), clock_now(&world.clock).microseconds);
    key_uses_close(&uses);
    world_close(&world);
}

/* More keys than one statement takes; and one more than are kept in mind, which has its turn when
 * others have rested. */
static void test_there_is_room_for_so_many(void **state)
{
    int64_t ids[KEYS];

    world_open(&world, *state);
    make_keys(ids);
    struct key_uses *uses = key_uses_open();
    note(uses, ids[0]);
    for (int64_t i = 1; i < KEY_USES_MAX; i++)
        note(uses, 1000000 + i);
    note(uses, ids[1]);
    write_due(uses);
    CHECK(written(ids[0]) > 0);
    CHECK_INT(written(ids[1]), 0);
    clock_advance(&world.clock, STEP_US);
    write_due(uses);
    note(uses, ids[1]);
    write_due(uses);
    CHECK_INT(written(ids[1]), clock_now(&world.clock).microseconds);
    key_uses_close(&uses);
    world_close(&world);
}

static void *note_all(void *context)
{
    for (int i = 0; i < NOTES; i++)
        note(context, 1 + i % 1000);
    return NULL;
}

/* Callers come from many threads while the job looks. */
static void test_threads_may_note_at_once(void **state)
{
    pthread_t threads[THREADS];
    int64_t ids[KEYS];
    struct error err;

    world_open(&world, *state);
    make_keys(ids);
    struct key_uses *uses = key_uses_open();
    for (int i = 0; i < THREADS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, note_all, uses), 0);
    CHECK_OK(key_uses_write_all(uses, &world.flow, &err), &err);
    for (int i = 0; i < THREADS; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    CHECK_OK(key_uses_write_all(uses, &world.flow, &err), &err);
    for (int i = 0; i < KEYS; i++)
        CHECK_INT(written(ids[i]), clock_now(&world.clock).microseconds);
    key_uses_close(&uses);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_note_writes_nothing),
        cmocka_unit_test(test_the_next_is_written_an_hour_later),
        cmocka_unit_test(test_what_is_written_is_true_to_the_hour),
        cmocka_unit_test(test_once_a_second_is_enough),
        cmocka_unit_test(test_several_servers_agree_on_the_newest),
        cmocka_unit_test(test_a_failed_write_is_made_up_for),
        cmocka_unit_test(test_there_is_room_for_so_many),
        cmocka_unit_test(test_threads_may_note_at_once),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
