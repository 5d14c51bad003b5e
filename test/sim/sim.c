/* SPDX-License-Identifier: Apache-2.0 */
/* sim [--seeds N] [--from S] [--steps N] [--seconds N] [--trace]
 *
 * Runs markets from N seeds, each in a process of its own; ends with 1 and the seed where one
 * breaks a law. --seconds: begin no further seed after that long. */
#include "sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/parse.h"
#include "sys/crypto.h"

struct options {
    uint64_t seeds, from, steps, seconds;
    bool is_traced;
};

/* Where a sync costs nothing, if there is such a place. */
static void make_directory(char *path, size_t size)
{
    const char *base = getenv("TMPDIR");

    if (base == NULL)
        base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    (void)snprintf(path, size, "%s/berth-sim-XXXXXX", base);
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

static void begin(struct sim *sim, const char *directory)
{
    static const int64_t gpus[SIM_HOSTS_MAX] = { 4, 1, 0, 8 };
    struct support *support = &sim->support;
    struct error err;

    support->log = log_silent();
    (void)snprintf(support->directory, sizeof support->directory, "%s", directory);
    (void)snprintf(support->location, sizeof support->location, "%s/data", directory);
    CHECK_OK(store_open(support->location, &support->log, &support->store, &err), &err);
    world_open(&sim->world, support);
    sim_server_start(sim);

    size_t host_count = 1 + check_random(SIM_HOSTS_MAX);
    for (size_t i = 0; i < host_count; i++) {
        char name[32];

        (void)snprintf(name, sizeof name, "h%zu", i);
        sim->hosts[i].is_liar = sim_chance(8);
        sim_host_join(sim, &sim->hosts[i], name, gpus[i]);
        sim->host_count++;
    }
    size_t user_count = 1 + check_random(SIM_USERS_MAX);
    for (size_t i = 0; i < user_count; i++) {
        char email[64];

        (void)snprintf(email, sizeof email, "renter-%zu@berth.test", i);
        sim->users[i].caller = world_user(&sim->world, email, sim_between(0, 60));
        sim->user_count++;
    }
}

static void end(struct sim *sim)
{
    for (size_t i = 0; i < sim->host_count; i++)
        sim_host_release(&sim->hosts[i]);
    world_close(&sim->world);
    store_close(&sim->support.store);
}

/* How long until somebody does something: mostly seconds, now and then days. */
static void let_time_pass(struct sim *sim)
{
    uint64_t kind = check_random(100);

    if (sim->is_server_up && sim_chance(40))
        sim_server_stop(sim);
    else if (!sim->is_server_up && sim_chance(4))
        sim_server_start(sim);

    if (kind < 60)
        sim_pass(sim, sim_between(1, 10 * US_PER_SECOND));
    else if (kind < 85)
        sim_pass(sim, sim_between(1, 60 * US_PER_SECOND));
    else if (kind < 97)
        sim_pass(sim, sim_between(1, 600 * US_PER_SECOND));
    else if (kind < 99)
        sim_leap(sim, sim_between(1, 8 * US_PER_HOUR));
    else
        sim_leap(sim, sim_between(1, 5 * 24 * US_PER_HOUR));
}

static void play(const struct options *options, uint64_t seed)
{
    enum { LAWS_EVERY = 100 };
    struct sim *sim = calloc(1, sizeof *sim);
    char directory[96];

    if (sim == NULL)
        abort();
    make_directory(directory, sizeof directory);
    sim->is_traced = options->is_traced;
    begin(sim, directory);
    for (uint64_t step = 0; step < options->steps; step++) {
        let_time_pass(sim);
        sim_people_act(sim);
        if (sim->is_server_up)
            step % LAWS_EVERY == 0 ? sim_laws_all(sim) : sim_laws_soon(sim);
        arena_release(&sim->world.arena);
        sim->world.arena = arena_of(WORLD_ARENA);
    }
    if (!sim->is_server_up)
        sim_server_start(sim);
    sim_jobs(sim);
    sim_laws_all(sim);
    (void)printf("seed %" PRIu64 ": %.1f days, %zu hosts, %" PRId64 " rentals, %" PRId64
                 " heartbeats, %" PRId64 " server starts, %" PRId64 " journals\n",
                 seed, (double)(sim_now(sim) - WORLD_START.microseconds) / 86400e6, sim->host_count,
                 sim->rentals, sim->beats, sim->server_starts,
                 world_number(&sim->world, "SELECT COUNT(*) FROM journal"));
    (void)fflush(stdout);
    end(sim);
    free(sim);
    remove_directory(directory);
}

static bool run_seed(const struct options *options, uint64_t seed)
{
    char text[32];
    int status;

    (void)fflush(stdout);
    pid_t child = fork();
    if (child == -1) {
        perror("fork");
        exit(1);
    }
    if (child == 0) {
        (void)snprintf(text, sizeof text, "%" PRIu64, seed);
        (void)setenv("CHECK_SEED", text, 1);
        play(options, seed);
        exit(0);
    }
    if (waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    (void)fprintf(stderr,
                  "sim: seed %" PRIu64 " failed: sim --from %" PRIu64 " --steps %" PRIu64
                  " --trace\n",
                  seed, seed, options->steps);
    return false;
}

static bool read_options(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        uint64_t *number = strcmp(argv[i], "--seeds") == 0     ? &options->seeds
                           : strcmp(argv[i], "--from") == 0    ? &options->from
                           : strcmp(argv[i], "--steps") == 0   ? &options->steps
                           : strcmp(argv[i], "--seconds") == 0 ? &options->seconds
                                                               : NULL;

        if (strcmp(argv[i], "--trace") == 0)
            options->is_traced = true;
        else if (number == NULL || ++i == argc || !parse_u64(argv[i], number))
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options options = { .seeds = 1, .from = 1, .steps = 1500, .seconds = UINT64_MAX };

    if (!read_options(argc, argv, &options)) {
        (void)fprintf(stderr,
                      "usage: sim [--seeds N] [--from S] [--steps N] [--seconds N] [--trace]\n");
        return 2;
    }
    crypto_start();
    int64_t begun_us = clock_boot_us(&clock_system);
    uint64_t played = 0;
    for (; played < options.seeds; played++) {
        if ((uint64_t)(clock_boot_us(&clock_system) - begun_us) / 1000000 >= options.seconds)
            break;
        if (!run_seed(&options, options.from + played))
            return 1;
    }
    (void)printf("sim: %" PRIu64 " seeds, every law held\n", played);
    return 0;
}
