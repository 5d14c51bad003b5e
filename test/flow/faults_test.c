/* SPDX-License-Identifier: Apache-2.0 */
/* The money flows where everything fails once: the n-th write or sync of the disk, the n-th
 * allocation of the program or of the database engine, the power at the n-th operation. Each life
 * is a process of its own on a copy of the same market: it may say no, it may end; but what it said
 * yes to is there, and `berthd check` is clean.
 *
 * The program stops where it has no memory (abort()), which is as safe as kill -9; the engine says
 * no. */
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/parse.h"
#include "flow/admin.h"
#include "flow/bill.h"
#include "flow/hold.h"
#include "flow/instance_change.h"
#include "flow/payout.h"
#include "flow/post_usage.h"
#include "flow/seal.h"
#include "flow/support_check.h"
#include "store/support_vfs.h"

/* The n-th allocation of our own code is refused; the linker sends them here (--wrap). */
static atomic_int_fast64_t own_left, own_count, engine_left, engine_count;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static bool is_refused(atomic_int_fast64_t *left, atomic_int_fast64_t *count)
{
    ++*count;
    return *left > 0 && --*left == 0;
}

void *__wrap_malloc(size_t size)
{
    return is_refused(&own_left, &own_count) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return is_refused(&own_left, &own_count) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return is_refused(&own_left, &own_count) ? NULL : __real_realloc(old, size);
}

static sqlite3_mem_methods engine_memory;

static void *engine_malloc(int size)
{
    return is_refused(&engine_left, &engine_count) ? NULL : engine_memory.xMalloc(size);
}

static void *engine_realloc(void *old, int size)
{
    return is_refused(&engine_left, &engine_count) ? NULL : engine_memory.xRealloc(old, size);
}

enum fault { FAULT_IO, FAULT_FULL, FAULT_POWER, FAULT_OWN_MEMORY, FAULT_ENGINE_MEMORY };
enum { FAULT_COUNT = 5 };

/* What one life tried, in order, and how its parent sees that it happened. */
enum { STEP_COUNT = 9 };
static const char *const effects[STEP_COUNT] = {
    "SELECT count(*) FROM journal WHERE idem_key = 'adj:t1'",
    "SELECT count(*) FROM run_interval WHERE contract_id = 1 AND end_us IS NOT NULL",
    "SELECT count(*) FROM contract WHERE id = 2 AND destroyed_us > 0",
    "SELECT count(*) FROM host_invoice",
    "SELECT count(*) FROM journal WHERE idem_key LIKE 'po:1:paid'",
    "SELECT count(*) FROM journal_seal",
    "SELECT count(*) FROM journal WHERE idem_key = 'adj:t2'",
    "SELECT count(*) FROM deposit WHERE state = 2",
    "SELECT count(*) FROM hold WHERE state = 1 AND kind = 2",
};

/* In memory that a life shares with its parent: what it told before it ended, and how many
 * operations there are to fail. */
struct told {
    bool is_acknowledged[STEP_COUNT];
    int64_t operations, failures;
    bool has_ended; /* by itself */
};

struct life {
    struct world *world;
    const char *location;
    enum fault fault;
    int64_t at; /* 0: nothing fails */
    const char *wreck;
};

static bool move_payout(const struct flow *flow, enum payout_state to, struct error *err)
{
    struct payout_request request = { .payout_id = 1, .to = to, .reference = "", .reason = "" };
    enum payout_outcome outcome;
    enum payout_state state;

    return flow_payout_move(flow, &request, &outcome, &state, err) && outcome == PAYOUT_DONE;
}

static bool grant(const struct flow *flow, const char *ticket, struct error *err)
{
    enum admin_outcome outcome;

    return flow_grant_credit(flow, 1, (struct money){ 5 }, ticket, &outcome, err) &&
           outcome == ADMIN_DONE;
}

/* Announced, and arrived. */
static bool deposit(const struct flow *flow, struct error *err)
{
    struct hold_request request = { .kind = HOLD_DEPOSIT,
                                    .user_id = 1,
                                    .amount = { NANODOLLARS_PER_DOLLAR },
                                    .ticket = "wire",
                                    .note = "",
                                    .until = INSTANT_NEVER };
    enum hold_outcome outcome;
    enum admin_outcome arrived;
    int64_t id;

    return flow_hold_place(flow, &request, &outcome, &id, err) && outcome == HOLD_DONE &&
           flow_deposit(flow, 1, request.amount, "wire", &arrived, err) && arrived == ADMIN_DONE;
}

/* Set aside; half of it sent back. The deposit's was the first. */
static bool send_back(const struct flow *flow, struct error *err)
{
    struct hold_request request = { .kind = HOLD_CREDIT,
                                    .user_id = 1,
                                    .amount = { NANODOLLARS_PER_DOLLAR / 2 },
                                    .ticket = "back",
                                    .note = "",
                                    .until = INSTANT_NEVER };
    enum hold_outcome outcome;
    int64_t id;

    return flow_hold_place(flow, &request, &outcome, &id, err) && outcome == HOLD_DONE &&
           flow_hold_take(flow, &(struct hold_taking){ id, { NANODOLLARS_PER_DOLLAR / 4 }, 0 },
                          &outcome, err) &&
           outcome == HOLD_DONE;
}

static void try_all(const struct flow *flow, struct told *told)
{
    struct caller ada = { .kind = CALLER_USER, .user_id = 1, .scopes = SCOPE_ALL };
    bool *is_done = told->is_acknowledged;
    enum change_outcome outcome;
    struct error err;
    size_t count;

    is_done[0] = grant(flow, "t1", &err);
    is_done[1] = flow_stop(flow, &ada, 1, &outcome, &err) && outcome == CHANGE_DONE;
    is_done[2] = flow_destroy(flow, &ada, 2, &outcome, &err) && outcome == CHANGE_DONE;
    if (!flow_post_usage(flow, &count, &err))
        told->failures++;
    is_done[3] = flow_bill_hosts(flow, &count, &err) && count == 1;
    is_done[4] = move_payout(flow, PAYOUT_SUBMITTED, &err) &&
                 move_payout(flow, PAYOUT_IN_TRANSIT, &err) && move_payout(flow, PAYOUT_PAID, &err);
    is_done[5] = flow_seal(flow, &count, &err) && count > 0;
    is_done[6] = grant(flow, "t2", &err);
    is_done[7] = deposit(flow, &err);
    is_done[8] = send_back(flow, &err);
}

/* In the child. */
static _Noreturn void live(const struct life *life, struct told *told)
{
    struct vfs_plan plan = { .fault_at = life->at,
                             .seed = (uint64_t)life->at,
                             .wreck = life->wreck };
    struct flow flow = life->world->flow;
    struct error err;
    bool is_disk = life->fault <= FAULT_POWER;

    plan.fault = life->fault == FAULT_FULL    ? VFS_FAULT_FULL
                 : life->fault == FAULT_POWER ? VFS_FAULT_POWER
                                              : VFS_FAULT_IO;
    if (freopen("/dev/null", "w", stderr) == NULL)
        abort();
    (void)signal(SIGABRT, SIG_DFL);
    if (is_disk)
        vfs_install(&plan);
    own_count = engine_count = 0;
    own_left = life->fault == FAULT_OWN_MEMORY ? life->at : 0;
    engine_left = life->fault == FAULT_ENGINE_MEMORY ? life->at : 0;
    if (store_open(life->location, &life->world->log, &flow.store, &err)) {
        try_all(&flow, told);
        store_close(&flow.store);
    }
    own_left = engine_left = 0;
    told->operations = life->fault == FAULT_OWN_MEMORY      ? own_count
                       : life->fault == FAULT_ENGINE_MEMORY ? engine_count
                                                            : vfs_operations();
    if (is_disk)
        vfs_remove();
    told->has_ended = true;
    _exit(0);
}

static void copy(const char *from, const char *to)
{
    char command[1024];

    (void)snprintf(command, sizeof command, "rm -rf '%s' && cp -r '%s' '%s'", to, from, to);
    CHECK(system(command) == 0);
}

static void run_life(const struct life *life, struct told *told)
{
    int status;

    *told = (struct told){ .operations = 0 };
    pid_t pid = fork();
    if (pid == 0)
        live(life, told);
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    /* It ends by itself, or where it has no memory, stops; never any other way. */
    CHECK(told->has_ended ? WIFEXITED(status) && WEXITSTATUS(status) == 0
                          : WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
                                life->fault >= FAULT_OWN_MEMORY);
}

/* Open what it left behind: clean, and all that it said yes to is there, once. */
static void look_after(struct support *support, struct world *world, const struct told *told)
{
    support_reopen(support);
    world->flow.store = support->store;
    check_is_clean(support);
    for (int i = 0; i < STEP_COUNT; i++) {
        int64_t count = world_number(world, effects[i]);

        check_row("step %d", i);
        CHECK(count <= 1);
        CHECK(count == 1 || !told->is_acknowledged[i]);
    }
    store_close(&support->store);
}

/* Which points are tried: some, spread over all; or with BERTH_FAULTS=n/m every m-th from the n-th
 * on, so that m runs together try every one there is. */
struct points {
    int64_t first, step;
    bool are_all;
};

static struct points points_of(int64_t operations)
{
    enum { SOME = 8 };
    const char *text = getenv("BERTH_FAULTS");
    int64_t step = operations > SOME ? operations / SOME : 1;
    long first, of;

    if (text != NULL && sscanf(text, "%ld/%ld", &first, &of) == 2 && first >= 1 && of >= first)
        return (struct points){ first, of, true };
    return (struct points){ 1 + (int64_t)check_random((uint64_t)step), step, false };
}

/* A market just after its Friday cut, with two instances that run and a week to be billed. */
static void build(struct world *world, struct support *support)
{
    static struct world_machine machine;
    struct instant cut = { INT64_C(1795737600000000) };

    world_open(world, support);
    world->flow.payout_min = (struct money){ NANODOLLARS_PER_DOLLAR / 2 };
    world_pass(world, instant_until(WORLD_START, cut) - US_PER_HOUR);
    struct caller ada = world_user(world, "ada@berth.test", 100);
    CHECK_INT(ada.user_id, 1);
    world_host(world, &machine, "a", 4);
    CHECK_INT(world_running(world, &machine, ada, 2), 1);
    CHECK_INT(world_running(world, &machine, ada, 2), 2);
    world_run(world, &machine, US_PER_HOUR + 70 * US_PER_SECOND);
    check_is_clean(support);
    store_close(&support->store);
}

/* BERTH_FAULT=k: that kind alone; -1: all. */
static int only_fault(void)
{
    const char *text = getenv("BERTH_FAULT");
    uint64_t fault;

    return text != NULL && parse_u64(text, &fault) && fault < FAULT_COUNT ? (int)fault : -1;
}

struct scene {
    struct world *world;
    struct support *support;
    struct told *told; /* shared */
    char home[256], first[160], wreck[160];
};

/* One life, and what it left. Returns whether its fault came. */
static bool try_life(struct scene *scene, const struct life *life)
{
    bool is_power = life->fault == FAULT_POWER;

    copy(scene->first, scene->home);
    if (is_power)
        copy(scene->first, scene->wreck);
    run_life(life, scene->told);
    if (is_power)
        (void)snprintf(scene->support->location, sizeof scene->support->location, "%s",
                       scene->wreck);
    look_after(scene->support, scene->world, scene->told);
    (void)snprintf(scene->support->location, sizeof scene->support->location, "%s", scene->home);
    return !scene->told->has_ended || scene->told->operations >= life->at;
}

/* The first one where nothing fails says how many operations there are; the last ones, past them,
 * find nothing to fail. */
static void try_fault(struct scene *scene, enum fault fault)
{
    struct life life = {
        .world = scene->world, .location = scene->home, .fault = fault, .wreck = scene->wreck
    };
    int64_t tried = 0, missed = 0;

    check_row("fault %d, none", (int)fault);
    (void)try_life(scene, &life);
    for (int i = 0; i < STEP_COUNT; i++)
        CHECK(scene->told->is_acknowledged[i]);
    int64_t operations = scene->told->operations;
    struct points points = points_of(operations);
    CHECK(operations > 20);
    /* The very first is like no other: there is nothing yet that could be told of it. */
    life.at = 1;
    check_row("fault %d, the first", (int)fault);
    CHECK(try_life(scene, &life));
    for (life.at = points.first; points.are_all || life.at <= operations; life.at += points.step) {
        check_row("fault %d at %lld of %lld", (int)fault, (long long)life.at,
                  (long long)operations);
        bool has_come = try_life(scene, &life);
        tried += has_come;
        missed += !has_come;
        /* Threads may run so that one life has an operation less than another. */
        if (points.are_all && missed == 3)
            break;
    }
    if (points.are_all)
        print_message("fault %d: %lld of %lld points\n", (int)fault, (long long)tried,
                      (long long)operations);
}

static void test_whatever_fails_nothing_is_half_done(void **state)
{
    static struct world world;
    struct support *support = *state;
    struct scene scene = { .world = &world, .support = support };

    scene.told =
        mmap(NULL, sizeof *scene.told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(scene.told != MAP_FAILED);
    (void)snprintf(scene.home, sizeof scene.home, "%s", support->location);
    (void)snprintf(scene.first, sizeof scene.first, "%s/first", support->directory);
    (void)snprintf(scene.wreck, sizeof scene.wreck, "%s/wreck", support->directory);
    build(&world, support);
    copy(scene.home, scene.first);
    for (int fault = 0; fault < FAULT_COUNT; fault++)
        if (only_fault() < 0 || only_fault() == fault)
            try_fault(&scene, (enum fault)fault);
    support_reopen(support);
    world_close(&world);
    (void)munmap(scene.told, sizeof *scene.told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whatever_fails_nothing_is_half_done),
    };
    sqlite3_mem_methods failing;

    crypto_start();
    CHECK(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &engine_memory) == SQLITE_OK);
    failing = engine_memory;
    failing.xMalloc = engine_malloc;
    failing.xRealloc = engine_realloc;
    CHECK(sqlite3_config(SQLITE_CONFIG_MALLOC, &failing) == SQLITE_OK);
    return SUPPORT_RUN_ON(SUPPORT_SQLITE, tests);
}
