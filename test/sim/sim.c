/* SPDX-License-Identifier: Apache-2.0 */
/* sim [--seeds N] [--from S] [--days N] [--turns N] [--seconds N] [--jobs N]
 *     [--trace]
 *
 * Runs markets from so many seeds through so many days each, in so many processes at a time; ends
 * with 1 and the seed where one breaks a law. --turns: end a market after that many; --seconds:
 * begin no further seed after that long. The same seed is the same run, to the byte of its trace.
 */
#include "sim.h"

#include <inttypes.h>
#include <limits.h>
#include <malloc.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/parse.h"
#include "sim_disk.h"
#include "store/support_vfs.h"
#include "sys/crypto.h"

enum { JOBS_MAX = 256, SEEDS_A_PROCESS = 25 };

struct options {
    uint64_t seeds, from, days, turns, seconds, jobs;
    int64_t begun_us;
    bool is_traced;
    char directory[64]; /* of this run of the program */
};

/* The store wants folders; its files are in memory. */
static void make_directory(char *path, size_t size)
{
    const char *base = getenv("TMPDIR");

    (void)snprintf(path, size, "%s/berth-sim-XXXXXX", base == NULL ? "/tmp" : base);
    if (mkdtemp(path) == NULL) {
        perror(path);
        exit(1);
    }
}

static void remove_directory(const char *path)
{
    char command[256];

    (void)snprintf(command, sizeof command, "rm -rf '%s'", path);
    if (system(command) != 0)
        (void)fprintf(stderr, "sim: cannot remove %s\n", path);
}

/* How often each trouble comes where it is quite usual. */
static const uint64_t usual[FAULT_COUNT] = {
    [FAULT_BEAT_LOST] = 12, [FAULT_BEAT_LATE] = 20,  [FAULT_BEAT_TWICE] = 20,
    [FAULT_POLL_LOST] = 4,  [FAULT_STEP_FAILS] = 15, [FAULT_STEP_SLOW] = 6,
    [FAULT_EXIT] = 300,     [FAULT_AGENT_DIES] = 40, [FAULT_ENGINE_DIES] = 1,
    [FAULT_HOST] = 12,      [FAULT_SERVER] = 40,     [FAULT_LIAR] = 4,
    [FAULT_POWER] = 3,      [FAULT_DISK] = 30,       [FAULT_CLOCK] = 25,
    [FAULT_DRIFT] = 2,
};

/* What is rare together hides what is only seen alone: each seed has its own mix. */
static void choose_troubles(struct sim *sim)
{
    for (size_t i = 0; i < FAULT_COUNT; i++) {
        uint64_t in = usual[i] > 1 ? usual[i] / 3 + check_random(usual[i] * 2) : usual[i];

        sim->faults[i] = sim_chance(3) ? 0 : in + 1;
    }
    /* Most seeds see their days in leaps; some spend all their turns on seconds. */
    sim->hurry = sim_chance(12) ? 85 : 10 + check_random(30);
}

static void begin(struct sim *sim, const char *directory)
{
    static const int64_t gpus[SIM_HOSTS_MAX] = { 4, 1, 0, 8 };
    struct support *support = &sim->support;

    support->log = log_silent();
    (void)snprintf(support->directory, sizeof support->directory, "%s", directory);
    choose_troubles(sim);
    sim_server_open(sim);
    world_open(&sim->world, support);
    sim->wall = clock_held(WORLD_START);
    sim_server_start(sim);

    size_t host_count = 1 + check_random(SIM_HOSTS_MAX);
    for (size_t i = 0; i < host_count; i++) {
        char name[32];

        (void)snprintf(name, sizeof name, "h%zu", i);
        sim->hosts[i].is_liar = sim_fault(sim, FAULT_LIAR);
        sim->hosts[i].drift_ppm = sim_fault(sim, FAULT_DRIFT) ? sim_between(-200, 200) : 0;
        sim_host_join(sim, &sim->hosts[i], name, gpus[i]);
        sim->host_count++;
    }
    /* Hours of GPU time pass where turns are seconds, and between leaps hardly any: credit ends
     * there. */
    bool is_hurried = sim->hurry > 50;
    size_t user_count = 1 + check_random(SIM_USERS_MAX);
    for (size_t i = 0; i < user_count; i++) {
        char email[64];

        (void)snprintf(email, sizeof email, "renter-%zu@berth.test", i);
        sim->users[i].is_poor = sim_chance(is_hurried ? 1 : 2);
        sim->users[i].caller =
            world_user(&sim->world, email, sim_between(0, sim->users[i].is_poor ? 2 : 60));
        sim->user_count++;
    }
}

static void end(struct sim *sim)
{
    for (size_t i = 0; i < sim->host_count; i++)
        sim_host_release(&sim->hosts[i]);
    world_close(&sim->world);
    store_close(&sim->support.store);
    if (sim_has_vfs(sim))
        vfs_remove();
}

/* How long until somebody does something. */
static void let_time_pass(struct sim *sim)
{
    uint64_t kind = check_random(100);

    if (sim->is_server_up && sim_fault(sim, FAULT_SERVER))
        sim_server_stop(sim);
    else if (!sim->is_server_up && sim_chance(4))
        sim_server_start(sim);

    if (kind < sim->hurry)
        sim_pass(sim, sim_between(1, 10 * US_PER_SECOND));
    else if (kind < sim->hurry + (100 - sim->hurry) / 3)
        sim_pass(sim, sim_between(1, (sim_chance(4) ? 100 : 25) * US_PER_SECOND));
    else if (kind < 99)
        sim_leap(sim, sim_between(1, 8 * US_PER_HOUR));
    else
        sim_leap(sim, sim_between(1, 5 * 24 * US_PER_HOUR));
}

/* Over all money that moved and all that contracts went through: the same seed gives the same. */
static bool digest_work(struct db *db, void *context, struct error *err)
{
    auto_buf struct buf text = buf_of(64 << 20);
    struct hash *digest = context;
    auto_db_rows struct db_rows moved =
        db_query(db,
                 "SELECT j.kind, j.occurred_us, t.code, t.amount FROM transfer t "
                 "JOIN journal j ON j.id = t.journal_id ORDER BY t.journal_id, t.leg",
                 DB_NO_ARGS);
    while (db_next(&moved, err))
        for (int i = 0; i < 4; i++)
            buf_printf(&text, "%" PRId64 " ", db_column_int(&moved, i));
    auto_db_rows struct db_rows went = db_query(
        db, "SELECT contract_id, at_us, state, reason FROM contract_event ORDER BY id", DB_NO_ARGS);
    while (db_next(&went, err))
        for (int i = 0; i < 4; i++)
            buf_printf(&text, "%" PRId64 " ", db_column_int(&went, i));
    *digest = crypto_sha256(text.bytes, text.length);
    return !moved.has_failed && !went.has_failed;
}

static void print_line(struct sim *sim, uint64_t seed)
{
    struct hash digest;

    support_read(&sim->support, digest_work, &digest);
    (void)printf("seed %" PRIu64 ": %.1f days, %zu hosts, %" PRId64 " rentals, %" PRId64
                 " heartbeats, %" PRId64 " server starts, %" PRId64 " journals, %" PRId64
                 " ends of credit, %02x%02x%02x%02x\n",
                 seed, (double)(sim_now(sim) - WORLD_START.microseconds) / 86400e6, sim->host_count,
                 sim->rentals, sim->beats, sim->server_starts,
                 world_number(&sim->world, "SELECT COUNT(*) FROM journal"),
                 world_number(&sim->world, "SELECT COUNT(DISTINCT at_us) FROM contract_event "
                                           "WHERE state = 7 AND reason = 2"),
                 digest.bytes[0], digest.bytes[1], digest.bytes[2], digest.bytes[3]);
    (void)fflush(stdout);
}

/* A database that is migrated and empty, for every seed to begin with. */
static void make_template(const char *directory)
{
    struct support support = { .log = log_silent() };
    struct error err;

    (void)snprintf(support.location, sizeof support.location, "%s/" SIM_TEMPLATE, directory);
    CHECK_OK(store_open(support.location, &support.log, &support.store, &err), &err);
    store_close(&support.store);
}

static void seed_folder(const struct options *options, uint64_t seed, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%s/%" PRIu64, options->directory, seed);
}

static void play(const struct options *options, uint64_t seed, bool reads_rows)
{
    enum { LAWS_EVERY = 100 };
    struct sim *sim = calloc(1, sizeof *sim);
    char directory[96];

    if (sim == NULL)
        abort();
    seed_folder(options, seed, directory, sizeof directory);
    CHECK(mkdir(directory, 0700) == 0);
    sim->seed = seed;
    sim->reads_rows = reads_rows;
    sim->is_traced = options->is_traced;
    begin(sim, directory);
    int64_t until_us = WORLD_START.microseconds + (int64_t)options->days * 24 * US_PER_HOUR;
    for (uint64_t turn = 0; sim_now(sim) < until_us && turn < options->turns; turn++) {
        let_time_pass(sim);
        sim_set_clock(sim);
        sim_disk_trouble(sim);
        sim_people_act(sim);
        if (sim->is_server_up && turn % LAWS_EVERY != 0) {
            sim_laws_soon(sim);
        } else if (sim->is_server_up) {
            /* A leap passes hours in one go, which no timer of a living server sleeps through. */
            sim_jobs(sim);
            sim_laws_all(sim, false);
        }
        arena_release(&sim->world.arena);
        sim->world.arena = arena_of(WORLD_ARENA);
    }
    while (!sim->is_server_up) {
        sim_pass(sim, 600 * US_PER_SECOND);
        sim_server_start(sim);
    }
    sim_jobs(sim);
    sim_laws_all(sim, true);
    print_line(sim, seed);
    end(sim);
    sim_laws_forget();
    sim_disk_clear(directory);
    free(sim);
}

/* A process that plays seeds, one after the other, and says how far it has come. */
struct run {
    pid_t child;
    uint64_t *played; /* shared with it */
    uint64_t from, count;
    bool is_again; /* the first of them is played once more, and all rows are read */
};

/* A store's writer and its caller take turns: on one core, that wakes nobody. */
static void stay_on_one_core(uint64_t seed)
{
    cpu_set_t allowed, one;
    uint64_t skip;

    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return;
    skip = seed % (uint64_t)CPU_COUNT(&allowed);
    for (size_t i = 0; i < CPU_SETSIZE; i++) {
        if (!CPU_ISSET(i, &allowed) || skip-- > 0)
            continue;
        CPU_ZERO(&one);
        CPU_SET(i, &one);
        (void)sched_setaffinity(0, sizeof one, &one);
        return;
    }
}

/* Memory that is given back and asked for again, page by page, costs more than what is in it. */
static void keep_memory(void)
{
    enum { HEAP = 256 << 20, PAGE = 2 << 20 };
    uintptr_t top = ((uintptr_t)sbrk(0) + PAGE - 1) / PAGE * PAGE;

    (void)mallopt(M_ARENA_MAX, 1);
    (void)mallopt(M_TOP_PAD, HEAP);
    (void)mallopt(M_TRIM_THRESHOLD, INT_MAX);
    (void)mallopt(M_MMAP_THRESHOLD, 32 << 20);
    free(malloc(PAGE)); /* the heap grows */
    (void)madvise((void *)top, HEAP - PAGE, MADV_HUGEPAGE);
}

static bool is_late(const struct options *options)
{
    return (uint64_t)(clock_boot_us(&clock_system) - options->begun_us) / 1000000 >=
           options->seconds;
}

/* What one leaves in memory is of use to the next, and to nobody else: the same seed is the same
 * run in whatever company. */
static void play_some(const struct options *options, const struct run *run)
{
    stay_on_one_core(run->from / SEEDS_A_PROCESS);
    keep_memory();
    for (; *run->played < run->count && !is_late(options); ++*run->played) {
        check_seed(run->from + *run->played);
        play(options, run->from + *run->played,
             options->is_traced || (run->is_again && *run->played == 0));
    }
    exit(0);
}

static void begin_run(const struct options *options, struct run *run)
{
    run->played =
        mmap(NULL, sizeof *run->played, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    (void)fflush(stdout);
    run->child = run->played == MAP_FAILED ? -1 : fork();
    if (run->child == -1) {
        perror("fork");
        exit(1);
    }
    if (run->child == 0)
        play_some(options, run);
}

/* From the seed at which it stopped. */
static void play_again(const struct options *options, struct run *run, uint64_t played)
{
    char folder[128];

    run->from += played;
    run->count -= played;
    run->is_again = true;
    seed_folder(options, run->from, folder, sizeof folder);
    remove_directory(folder);
    begin_run(options, run);
}

/* Wait for any of them, and make room for the next. */
static bool end_run(const struct options *options, struct run *runs, uint64_t *count,
                    uint64_t *ret_played)
{
    int status;
    pid_t child = wait(&status);
    uint64_t i = 0;

    while (i < *count && runs[i].child != child)
        i++;
    if (i == *count) {
        perror("wait");
        exit(1);
    }
    uint64_t played = *runs[i].played, seed = runs[i].from + played;
    (void)munmap(runs[i].played, sizeof *runs[i].played);
    *ret_played += played;
    if (WIFEXITED(status) && WEXITSTATUS(status) == SIM_PLAY_AGAIN) {
        play_again(options, &runs[i], played);
        return true;
    }
    runs[i] = runs[--*count];
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    (void)fprintf(
        stderr, "sim: seed %" PRIu64 " failed: sim --from %" PRIu64 " --days %" PRIu64 " --trace\n",
        seed, seed, options->days);
    return false;
}

static bool run_all(const struct options *options, uint64_t *ret_played)
{
    struct run runs[JOBS_MAX];
    uint64_t count = 0, failures = 0, begun = 0;

    while (failures == 0 && begun < options->seeds && !is_late(options)) {
        uint64_t left = options->seeds - begun;
        uint64_t share = (options->seeds + options->jobs - 1) / options->jobs;
        uint64_t some = share < SEEDS_A_PROCESS ? share : SEEDS_A_PROCESS;

        some = left < some ? left : some;

        runs[count] = (struct run){ .from = options->from + begun, .count = some };
        begin_run(options, &runs[count++]);
        begun += some;
        while (failures == 0 && count == options->jobs)
            failures += end_run(options, runs, &count, ret_played) ? 0 : 1;
    }
    while (count > 0)
        failures += end_run(options, runs, &count, ret_played) ? 0 : 1;
    return failures == 0;
}

static bool read_options(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        uint64_t *number = strcmp(argv[i], "--seeds") == 0     ? &options->seeds
                           : strcmp(argv[i], "--from") == 0    ? &options->from
                           : strcmp(argv[i], "--days") == 0    ? &options->days
                           : strcmp(argv[i], "--turns") == 0   ? &options->turns
                           : strcmp(argv[i], "--jobs") == 0    ? &options->jobs
                           : strcmp(argv[i], "--seconds") == 0 ? &options->seconds
                                                               : NULL;

        if (strcmp(argv[i], "--trace") == 0)
            options->is_traced = true;
        else if (number == NULL || ++i == argc || !parse_u64(argv[i], number))
            return false;
    }
    return options->jobs >= 1 && options->jobs <= JOBS_MAX;
}

int main(int argc, char **argv)
{
    struct options options = {
        .seeds = 1, .from = 1, .days = 30, .turns = UINT64_MAX, .seconds = UINT64_MAX, .jobs = 1
    };
    uint64_t played = 0;

    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* a lock less for each allocation */
    sim_disk_install();
    if (!read_options(argc, argv, &options)) {
        (void)fprintf(stderr,
                      "usage: sim [--seeds N] [--from S] [--days N] [--turns N] [--seconds N] "
                      "[--jobs N] [--trace]\n");
        return 2;
    }
    crypto_start();
    options.begun_us = clock_boot_us(&clock_system);
    make_directory(options.directory, sizeof options.directory);
    make_template(options.directory);
    bool has_held = run_all(&options, &played);
    remove_directory(options.directory);
    if (!has_held)
        return 1;
    (void)printf("sim: %" PRIu64 " seeds, every law held\n", played);
    return 0;
}
