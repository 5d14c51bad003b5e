/* SPDX-License-Identifier: Apache-2.0 */
/* The money flows where everything fails once: the n-th write or sync of the disk, the n-th
 * allocation of the program or of the database engine, the power at the n-th operation. Each life
 * is a process of its own on the same market, which lies on a disk in that process's memory; it may
 * say no, it may end; but what it said yes to is there, and `berthd check` is clean.
 *
 * The program stops where it has no memory (abort()), which is as safe as kill -9; the engine says
 * no. An assertion that fails is never the answer. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/parse.h"
#include "faults_memory.h"
#include "flow/admin.h"
#include "flow/bill.h"
#include "flow/bill_renters.h"
#include "flow/hold.h"
#include "flow/instance_change.h"
#include "flow/payout.h"
#include "flow/post_usage.h"
#include "flow/seal.h"
#include "flow/support_check.h"
#include "sim/sim_disk.h"
#include "store/support_vfs.h"

enum fault { FAULT_IO, FAULT_FULL, FAULT_POWER, FAULT_OWN_MEMORY, FAULT_ENGINE_MEMORY };
enum { FAULT_COUNT = 5 };

/* What one life tried, in order, and how its parent sees that it happened. */
enum { STEP_COUNT = 10 };
static const char *const effects[STEP_COUNT] = {
    "SELECT count(*) FROM journal WHERE idem_key = 'adj:t1'",
    "SELECT count(*) FROM run_interval WHERE contract_id = 1 AND end_us IS NOT NULL",
    "SELECT count(*) FROM contract WHERE id = 2 AND destroyed_us > 0",
    "SELECT count(*) FROM host_invoice",
    "SELECT count(*) FROM renter_invoice",
    "SELECT count(*) FROM journal WHERE idem_key LIKE 'po:1:paid'",
    "SELECT count(*) FROM journal_seal",
    "SELECT count(*) FROM journal WHERE idem_key = 'adj:t2'",
    "SELECT count(*) FROM deposit WHERE state = 2",
    "SELECT count(*) FROM hold WHERE state = 1 AND kind = 2",
};

/* In memory that lives share with the test: what they say of themselves. */
enum { AGAIN_MAX = 512, SEEN_MAX = 1 << 16 };
struct report {
    char text[1000]; /* what is wrong; "": nothing */
    int64_t operations, tried, judged, again[AGAIN_MAX];
    size_t again_count;      /* numbers whose process hung: they want the threads of a whole life */
    bool has_all;            /* every step was done */
    uint64_t seen[SEEN_MAX]; /* what was clean: of many branches the same is left, byte by byte */
};

struct scene {
    struct world *world;
    struct support *support;
    struct report *report;      /* shared */
    char home[256], wreck[160]; /* folders, and the database in each */
    char file[300], wreck_file[200];
    int64_t judged; /* ends that were looked at */
};

/* This process, if it is a life. */
static struct {
    const struct scene *scene;
    enum fault fault;
    int64_t at;
    int step, last_step; /* the one that it takes; the one behind those that it will take */
    bool is_acknowledged[STEP_COUNT], is_branch;
    struct walk walk;
} life;

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

enum { USERS = 2 }; /* one rents, one has the machines */

static bool take_step(const struct flow *flow, int step, struct error *err)
{
    struct caller ada = { .kind = CALLER_USER, .user_id = 1, .scopes = SCOPE_ALL };
    enum change_outcome outcome;
    size_t count;

    switch (step) {
    case 0:
        return grant(flow, "t1", err);
    case 1:
        return flow_stop(flow, &ada, 1, &outcome, err) && outcome == CHANGE_DONE;
    case 2:
        return flow_destroy(flow, &ada, 2, &outcome, err) && outcome == CHANGE_DONE;
    case 3:
        /* What is not posted now, the timer posts when it comes again. */
        return flow_post_usage(flow, &count, err) && flow_bill_hosts(flow, &count, err) &&
               count == 1;
    case 4:
        return flow_bill_renters(flow, &count, err) && count == USERS;
    case 5:
        return move_payout(flow, PAYOUT_SUBMITTED, err) &&
               move_payout(flow, PAYOUT_IN_TRANSIT, err) && move_payout(flow, PAYOUT_PAID, err);
    case 6:
        return flow_seal(flow, &count, err) && count > 0;
    case 7:
        return grant(flow, "t2", err);
    case 8:
        return deposit(flow, err);
    default:
        return send_back(flow, err);
    }
}

static void try_all(const struct flow *flow)
{
    struct error err;

    for (life.step = 0; life.step < life.last_step; life.step++)
        life.is_acknowledged[life.step] = take_step(flow, life.step, &err);
}

static void blame(const char *rule, const char *text)
{
    struct report *report = life.scene->report;
    size_t used = strlen(report->text);

    (void)snprintf(report->text + used, sizeof report->text - used, "fault %d at %lld: %s %s\n",
                   (int)life.fault, (long long)life.at, rule, text);
}

static void note(void *context, const char *rule, const char *text)
{
    (void)context;
    blame(rule, text);
}

/* The linker sends assertions here. */
_Noreturn void __wrap___assert_fail(const char *what, const char *file, unsigned line,
                                    const char *function);
_Noreturn void __wrap___assert_fail(const char *what, const char *file, unsigned line,
                                    const char *function)
{
    (void)fprintf(stderr, "%s:%u: %s: %s\n", file, line, function, what);
    if (life.scene == NULL)
        abort();
    blame(what, function);
    _exit(1);
}

static bool read_count(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(int64_t *)context = db_column_int(row, 0);
    return true;
}

/* All that it said yes to is there, once. */
static bool look_at_effects(struct db *db, void *context, struct error *err)
{
    (void)context;
    for (int i = 0; i < STEP_COUNT; i++) {
        int64_t count = 0;
        bool has;

        if (!db_query_one(db, effects[i], DB_NO_ARGS, read_count, &count, &has, err))
            return false;
        if (count > 1 || (count == 0 && life.is_acknowledged[i]))
            blame(count > 1 ? "more than once:" : "said yes to, and not there:", effects[i]);
    }
    return true;
}

/* Where what this life leaves behind is among what was clean, or would be. What is on the disk and
 * what was said is all that is looked at. */
static uint64_t *seen_place(uint64_t *ret_value)
{
    struct {
        struct hash disk;
        bool is_acknowledged[STEP_COUNT];
    } left = { .disk = sim_disk_hash() };

    memcpy(left.is_acknowledged, life.is_acknowledged, sizeof left.is_acknowledged);
    struct hash hash = crypto_sha256(&left, sizeof left);
    memcpy(ret_value, hash.bytes, sizeof *ret_value);
    size_t at = *ret_value % SEEN_MAX;
    uint64_t *seen = life.scene->report->seen;
    for (size_t i = 0; seen[at] != 0 && seen[at] != *ret_value && i < SEEN_MAX; i++)
        at = (at + 1) % SEEN_MAX;
    return &seen[at];
}

/* Open what this life leaves behind, and end. */
static _Noreturn void look_after(void)
{
    const struct scene *scene = life.scene;
    struct check_counts counts;
    struct store *store;
    struct error err;
    uint64_t value, *place = seen_place(&value);

    if (*place == value)
        _exit(0);
    if (!store_open(life.fault == FAULT_POWER ? scene->wreck : scene->home, &scene->world->log,
                    &store, &err) ||
        !flow_check(store, note, NULL, &counts, &err) ||
        !store_read(store, look_at_effects, NULL, &err))
        blame("cannot be looked after:", err.text);
    if (scene->report->text[0] != '\0')
        _exit(1);
    *place = value;
    scene->report->judged++;
    _exit(0);
}

/* Where there is no memory the program has ended; what is on the disk is looked after. */
static void end_without_memory(int number)
{
    (void)number;
    (void)faults_memory_stop(MEMORY_OWN);
    sim_disk_break();
    look_after();
}

enum { BRANCH_SECONDS = 5 }; /* a usual one takes milliseconds */

/* One process was forked from another: it has none of its threads. It takes the step in which it
 * is to its end, and the next; every so many go on to the end of all. */
static void begin_branch(int64_t number)
{
    enum { WHOLE_EVERY = 64 };

    life.at = number;
    life.is_branch = true;
    if (number % WHOLE_EVERY != 0)
        life.last_step = life.step + 2 < STEP_COUNT ? life.step + 2 : STEP_COUNT;
    (void)signal(SIGABRT, end_without_memory);
    (void)alarm(BRANCH_SECONDS);
}

static void after_branch(void *context, int64_t number, int status)
{
    struct report *report = context;

    report->tried++;
    if (WIFEXITED(status))
        return; /* and has said what was wrong */
    life.at = number;
    if (WTERMSIG(status) != SIGALRM || report->again_count == AGAIN_MAX)
        blame("ended by a signal", "");
    else
        report->again[report->again_count++] = number;
}

static void start_fault(void)
{
    static const enum vfs_fault kinds[] = { VFS_FAULT_IO, VFS_FAULT_FULL, VFS_FAULT_POWER };

    if (life.walk.step > 0)
        faults_memory_walk(&life.walk);
    else if (life.fault > FAULT_POWER)
        faults_memory_refuse(life.fault == FAULT_OWN_MEMORY ? MEMORY_OWN : MEMORY_ENGINE, life.at);
    else
        vfs_install(&(struct vfs_plan){ .fault_at = life.at,
                                        .fault = kinds[life.fault],
                                        .seed = (uint64_t)life.at,
                                        .wreck = life.scene->wreck });
}

static int64_t stop_fault(void)
{
    if (life.fault > FAULT_POWER)
        return faults_memory_stop(life.fault == FAULT_OWN_MEMORY ? MEMORY_OWN : MEMORY_ENGINE);
    int64_t operations = vfs_operations();
    vfs_remove();
    return operations;
}

/* In the child. */
static _Noreturn void live(void)
{
    const struct scene *scene = life.scene;
    struct flow flow = scene->world->flow;
    struct error err;

    if (freopen("/dev/null", "w", stderr) == NULL)
        abort();
    (void)signal(SIGABRT, life.fault > FAULT_POWER ? end_without_memory : SIG_DFL);
    if (life.fault == FAULT_POWER)
        sim_disk_copy(scene->file, scene->wreck_file);
    start_fault();
    life.step = -1;
    if (store_open(scene->home, &scene->world->log, &flow.store, &err)) {
        try_all(&flow);
        if (life.is_branch)
            end_without_memory(0); /* a branch: nobody is there for whom closing it waits */
        store_close(&flow.store);
    }
    scene->report->operations = stop_fault();
    scene->report->has_all = true;
    for (int i = 0; i < STEP_COUNT; i++)
        scene->report->has_all = scene->report->has_all && life.is_acknowledged[i];
    look_after();
}

/* One life, and what it left. `step` 0: the fault comes at `at`; else at each step-th from it on.
 */
static void try_life(struct scene *scene, enum fault fault, int64_t at, int64_t step)
{
    int status = 0;

    *scene->report = (struct report){ .text = "" };
    pid_t pid = fork();
    if (pid == 0) {
        life.scene = scene;
        life.fault = fault;
        life.at = at;
        life.last_step = STEP_COUNT;
        life.walk = (struct walk){ .memory = fault == FAULT_OWN_MEMORY ? MEMORY_OWN : MEMORY_ENGINE,
                                   .first = at,
                                   .step = step,
                                   .begin_branch = begin_branch,
                                   .after_branch = after_branch,
                                   .context = scene->report };
        live();
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    check_row("fault %d at %lld", (int)fault, (long long)at);
    CHECK_TEXT(scene->report->text, "");
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    scene->judged += scene->report->judged;
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

/* A market just after a Friday's cut with which a month ends too (2027-01-01): two instances that
 * run, a week to be billed to their host and a month to their renter. */
static void build(struct world *world, struct support *support)
{
    static struct world_machine machine;
    struct instant cut = { INT64_C(1798761600000000) };

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

/* Each life with one fault. The last ones, past all operations, find nothing to fail. */
static int64_t try_each(struct scene *scene, enum fault fault, const struct points *points,
                        int64_t operations)
{
    int64_t tried = 0;

    for (int64_t at = points->first; at <= operations; at += points->step) {
        try_life(scene, fault, at, 0);
        tried++;
    }
    return tried;
}

/* One life in which every allocation is a fork; and whole lives for those that hung, which had to
 * do with threads. */
static int64_t walk(struct scene *scene, enum fault fault, const struct points *points)
{
    static struct report walked;

    try_life(scene, fault, points->first, points->step);
    walked = *scene->report;
    for (size_t i = 0; i < walked.again_count; i++)
        try_life(scene, fault, walked.again[i], 0);
    return walked.tried;
}

/* The first one where nothing fails says how many operations there are. */
static void try_fault(struct scene *scene, enum fault fault)
{
    scene->judged = 0;
    try_life(scene, fault, 0, 0);
    CHECK(scene->report->has_all);
    int64_t operations = scene->report->operations, tried;
    struct points points = points_of(operations);
    CHECK(operations > 20);
    /* The very first is like no other: there is nothing yet that could be told of it. */
    try_life(scene, fault, 1, 0);
    tried = fault > FAULT_POWER ? walk(scene, fault, &points)
                                : try_each(scene, fault, &points, operations);
    CHECK(tried > 0);
    if (points.are_all)
        print_message("fault %d: %lld of %lld points, %lld ends that differ\n", (int)fault,
                      (long long)tried, (long long)operations, (long long)scene->judged);
}

static void test_whatever_fails_nothing_is_half_done(void **state)
{
    static struct world world;
    struct support *support = *state;
    struct scene scene = { .world = &world, .support = support };

    scene.report =
        mmap(NULL, sizeof *scene.report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(scene.report != MAP_FAILED);
    (void)snprintf(scene.home, sizeof scene.home, "%s", support->location);
    (void)snprintf(scene.file, sizeof scene.file, "%s/berth.sqlite", scene.home);
    (void)snprintf(scene.wreck, sizeof scene.wreck, "%s/wreck", support->directory);
    (void)snprintf(scene.wreck_file, sizeof scene.wreck_file, "%s/berth.sqlite", scene.wreck);
    CHECK(mkdir(scene.wreck, 0700) == 0);
    build(&world, support);
    sim_disk_install();
    sim_disk_load(scene.file);
    for (int fault = 0; fault < FAULT_COUNT; fault++)
        if (only_fault() < 0 || only_fault() == fault)
            try_fault(&scene, (enum fault)fault);
    support_reopen(support); /* nothing has happened here */
    world.flow.store = support->store;
    world_close(&world);
    (void)munmap(scene.report, sizeof *scene.report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whatever_fails_nothing_is_half_done),
    };

    crypto_start();
    faults_memory_install();
    return SUPPORT_RUN_ON(SUPPORT_SQLITE, tests);
}
