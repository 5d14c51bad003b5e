/* SPDX-License-Identifier: Apache-2.0 */
/* The pool, on a real engine: what it makes, what it finds, and what is left of it. */
#include "agent/pool.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/slots.h"
#include "check.h"
#include "support_engine.h"
#include "sys/clock.h"
#include "sys/file.h"

enum { PATIENCE_MS = 20000, STEP_MS = 20 };

static struct container_host host = { .machine_id = 7, .host = "me", .cpu_count = 2 };
static char tools_dir[256];
static struct loop *loop;
static int64_t used_slot, first_slot = 1;
static struct pool *pool;

static int start_engine(void **state)
{
    char bin[300];
    struct error err;

    if (engine_setup(state) != 0)
        return -1;
    /* Where containers look for the helper. */
    (void)snprintf(tools_dir, sizeof tools_dir, "%s/tools", engine_dir());
    (void)snprintf(bin, sizeof bin, "%s/bin", tools_dir);
    auto_buf struct buf helper = buf_of(16 << 20);
    if (!file_make_dir(tools_dir, 0755, &err) || !file_make_dir(bin, 0755, &err) ||
        !file_read(AT_FDCWD, "bin/berth-guest", &helper, &err))
        return -1;
    (void)snprintf(bin, sizeof bin, "%s/bin/berth-guest", tools_dir);
    if (!file_replace(AT_FDCWD, bin, 0755, helper.bytes, helper.length, &err))
        return -1;
    host.tools_dir = tools_dir;
    return 0;
}

static bool is_used(void *context, int64_t slot)
{
    (void)context;
    return slot == used_slot;
}

static int64_t next_slot(void *context)
{
    (void)context;
    for (int64_t slot = first_slot; slot < first_slot + 50; slot++) {
        if (slot != used_slot && !pool_has(pool, slot) && slots_has_no_device(slot))
            return slot;
    }
    return 0;
}

static void open_pool(int64_t target)
{
    loop = loop_open(&clock_system);
    pool = pool_open(loop, &(struct pool_options){ .engine_socket = engine_path(),
                                                   .host = &host,
                                                   .target = target,
                                                   .log = log_silent(),
                                                   .is_used = is_used,
                                                   .next_slot = next_slot });
    pool_tend(pool, 1, false);
}

/* As kill -9 would. */
static void lose_pool(void)
{
    pool_tend(pool, 0, false);
    pool_close(&pool);
    loop_close(&loop);
}

static size_t list(struct holder_slot slots[static HOLDER_SLOTS_MAX])
{
    auto_docker struct docker docker = docker_open(engine_path());
    size_t count;
    struct error err;

    CHECK_OK(holder_list(&docker, &host, slots, &count, &err), &err);
    return count;
}

/* What a test that failed has left is not the next one's. */
static int clean(void **state)
{
    static struct holder_slot slots[HOLDER_SLOTS_MAX];
    auto_docker struct docker docker = docker_open(engine_path());
    size_t count;
    struct error err;

    (void)state;
    if (pool != NULL)
        lose_pool();
    used_slot = 0;
    host.tools_dir = tools_dir;
    if (!holder_list(&docker, &host, slots, &count, &err))
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (!holder_remove(&docker, &host, slots[i].slot, &err))
            return -1;
    }
    return 0;
}

/* Until the engine has that many holders and bare networks that nobody uses, and no more. */
static void wait_for(size_t held_want, size_t bare_want)
{
    static struct holder_slot slots[HOLDER_SLOTS_MAX];
    size_t held = 0, bare = 0, count = 0;

    for (int waited_ms = 0; waited_ms < PATIENCE_MS; waited_ms += STEP_MS) {
        loop_step(loop, STEP_MS);
        held = bare = 0;
        count = list(slots);
        for (size_t i = 0; i < count; i++)
            *(slots[i].is_held ? &held : &bare) += slots[i].is_broken ? 0 : 1;
        if (held == held_want && bare == bare_want && held + bare == count &&
            (held == 0 || pool_find(pool, true) > 0) && (bare == 0 || pool_find(pool, false) > 0))
            return;
    }
    print_error("%zu held, %zu bare, %zu in all\n", held, bare, count);
    CHECK(false);
}

static void test_it_fills_and_goes_with_the_agent(void **state)
{
    static struct holder_slot slots[HOLDER_SLOTS_MAX];

    (void)state;
    open_pool(1);
    CHECK_INT(pool_find(pool, true), 0);
    wait_for(1, 1);
    int64_t held = pool_find(pool, true), bare = pool_find(pool, false);
    CHECK(held != bare && pool_has(pool, held) && pool_has(pool, bare) && !pool_has(pool, 999));
    pool_close(&pool);
    CHECK_INT((int64_t)list(slots), 0);
    loop_close(&loop);
}

static void test_what_is_taken_is_replaced_and_left_alone(void **state)
{
    auto_docker struct docker docker = docker_open(engine_path());
    struct error err;

    (void)state;
    open_pool(1);
    wait_for(1, 1);
    used_slot = pool_find(pool, true);
    pool_drop(pool, used_slot);
    CHECK(!pool_has(pool, used_slot));
    pool_tend(pool, 1, false);
    wait_for(2, 1); /* it still has no container, but a record */
    CHECK(pool_find(pool, true) != used_slot);
    lose_pool();

    open_pool(1); /* the next agent sees it by its records too */
    wait_for(2, 1);
    CHECK(!pool_has(pool, used_slot));
    pool_close(&pool);
    loop_close(&loop);
    CHECK_OK(holder_remove(&docker, &host, used_slot, &err), &err);
    used_slot = 0;
}

/* While the engine is away or steps are under way, nothing is begun. */
static void test_it_keeps_out_of_the_way(void **state)
{
    (void)state;
    open_pool(1);
    pool_tend(pool, 1, true);
    for (int i = 0; i < 20; i++)
        loop_step(loop, STEP_MS);
    CHECK_INT(pool_find(pool, true), 0);
    CHECK(!pool_has(pool, first_slot));
    pool_tend(pool, 0, false);
    for (int i = 0; i < 20; i++)
        loop_step(loop, STEP_MS);
    CHECK_INT(pool_find(pool, false), 0);
    pool_tend(pool, 2, false);
    wait_for(1, 1);
    pool_tend(pool, 0, false); /* what is not known to be there is not given away */
    CHECK_INT(pool_find(pool, true), 0);
    pool_tend(pool, 3, false);
    wait_for(1, 1);
    pool_close(&pool);
    loop_close(&loop);
}

static void test_the_next_agent_takes_over_what_is_good(void **state)
{
    auto_docker struct docker docker = docker_open(engine_path());
    char name[HOLDER_NAME_SIZE];
    struct error err;

    (void)state;
    open_pool(2);
    wait_for(2, 2);
    int64_t broken = pool_find(pool, true);
    CHECK_OK(docker_stop(&docker, holder_name(broken, name), 1, &err), &err);
    lose_pool();

    open_pool(1); /* which wants fewer, and none that is down */
    wait_for(1, 1);
    CHECK(pool_find(pool, true) != broken);
    lose_pool();

    open_pool(0);
    wait_for(0, 0);
    pool_close(&pool);
    loop_close(&loop);
}

/* Killed at any moment, a pool leaves nothing behind but what the next one finds. */
static void test_killed_anywhere_it_leaves_no_orphan(void **state)
{
    enum { KILLS = 8 };

    (void)state;
    for (int i = 0; i < KILLS; i++) {
        check_row("kill %d", i);
        open_pool(2);
        int64_t until_us = loop_now_us(loop) + (int64_t)check_random(600) * US_PER_MS;
        while (loop_now_us(loop) < until_us)
            loop_step(loop, 5);
        lose_pool();
    }
    open_pool(1);
    wait_for(1, 1);
    pool_close(&pool);
    loop_close(&loop);
    open_pool(0);
    wait_for(0, 0);
    pool_close(&pool);
    loop_close(&loop);
}

/* The engine goes on with what a killed agent's worker asked of it, and the next agent may have
 * listed by then. */
static void test_what_comes_late_is_found(void **state)
{
    auto_docker struct docker docker = docker_open(engine_path());
    struct error err;

    (void)state;
    open_pool(1);
    wait_for(1, 1);
    CHECK_OK(holder_network(&docker, &host, 40, &err), &err);
    CHECK_OK(holder_make(&docker, &host, 41, &err), &err);
    wait_for(1, 1);
    pool_close(&pool);
    loop_close(&loop);
}

/* A worker that was cancelled since the engine seemed to be away leaves something as well. */
static void test_the_same_engine_is_listed_again(void **state)
{
    auto_docker struct docker docker = docker_open(engine_path());
    struct error err;

    (void)state;
    open_pool(1);
    wait_for(1, 1);
    pool_tend(pool, 0, false);
    CHECK_OK(holder_network(&docker, &host, 40, &err), &err);
    pool_tend(pool, 1, false);
    CHECK_INT(pool_find(pool, false), 0); /* not before it is known to be there */
    wait_for(1, 1);
    pool_close(&pool);
    loop_close(&loop);
}

static void test_an_engine_that_refuses_is_asked_later(void **state)
{
    static const char bad[] = "no such folder, and no path";

    (void)state;
    host.tools_dir = bad; /* the engine refuses to mount that */
    open_pool(1);
    for (int i = 0; i < 60; i++)
        loop_step(loop, STEP_MS);
    CHECK_INT(pool_find(pool, true), 0);
    host.tools_dir = tools_dir;
    lose_pool();
    open_pool(0);
    wait_for(0, 0);
    pool_close(&pool);
    loop_close(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_it_fills_and_goes_with_the_agent, clean),
        cmocka_unit_test_setup(test_what_is_taken_is_replaced_and_left_alone, clean),
        cmocka_unit_test_setup(test_it_keeps_out_of_the_way, clean),
        cmocka_unit_test_setup(test_the_next_agent_takes_over_what_is_good, clean),
        cmocka_unit_test_setup(test_killed_anywhere_it_leaves_no_orphan, clean),
        cmocka_unit_test_setup(test_what_comes_late_is_found, clean),
        cmocka_unit_test_setup(test_the_same_engine_is_listed_again, clean),
        cmocka_unit_test_setup(test_an_engine_that_refuses_is_asked_later, clean),
    };
    engine_enter();
    return cmocka_run_group_tests(tests, start_engine, engine_teardown);
}
