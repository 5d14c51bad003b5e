/* SPDX-License-Identifier: Apache-2.0 */
/* berth-host: lends this machine out. Exit codes: 0 done, 1 failed, 2 wrong usage. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/access.h"
#include "agent/agent.h"
#include "agent/bench.h"
#include "agent/copy_carry.h"
#include "agent/docker.h"
#include "agent/doctor.h"
#include "agent/engine.h"
#include "agent/gpu_nvml.h"
#include "agent/install.h"
#include "agent/isolate.h"
#include "agent/key_turn.h"
#include "agent/launch.h"
#include "agent/options.h"
#include "agent/plan.h"
#include "agent/scrub.h"
#include "agent/status.h"
#include "agent/tunnel.h"
#include "sys/crypto.h"
#include "sys/file.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* The helper for containers lies beside us, or where packages put it. */
static void find_helper(char path[static PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - sizeof "/berth-guest");
    char *slash;

    if (length > 0) {
        path[length] = '\0';
        slash = strrchr(path, '/');
        memcpy(slash + 1, "berth-guest", sizeof "berth-guest");
        if (access(path, R_OK) == 0)
            return;
    }
    (void)snprintf(path, PATH_MAX, "/usr/lib/berth/berth-guest");
}

static int64_t turn_key_every_s(const struct options *options)
{
    return options->turn_key_every_s > 0 ? options->turn_key_every_s : KEY_TURN_EVERY_S;
}

static const char *engine_path(const struct options *options, char path[static PATH_MAX])
{
    if (options->is_engine_private)
        (void)snprintf(path, PATH_MAX, "%s/engine/docker.sock", options->data);
    else
        (void)snprintf(path, PATH_MAX, "%s",
                       options->engine != NULL ? options->engine + strlen("unix://")
                                               : "/var/run/docker.sock");
    return path;
}

/* What this program is told, and what it exits with. */
struct program {
    struct options options;
    char *const *arguments;
    int status;
};

static bool run_agent(struct program *program, int launcher, struct error *err)
{
    const struct options *options = &program->options;
    char helper[PATH_MAX];
    bool wants_again = false;
    struct agent_options agent = {
        .server_url = options->server,
        .data_dir = options->data,
        .token = options->token,
        .engine_url = options->engine,
        .is_engine_private = options->is_engine_private,
        .simulate_gpus = options->simulate_gpus,
        .port_first = options->port_first,
        .port_last = options->port_last,
        .public_ip = options->public_ip,
        .is_behind_nat = options->is_behind_nat,
        .guest_helper = helper,
        .disk_gb = options->disk_gb,
        .pool = options->pool,
        .is_open = options->is_open,
        .up_mbit = options->up_mbit,
        .down_mbit = options->down_mbit,
        .alone_max_us =
            options->alone_max_s > 0 ? options->alone_max_s * US_PER_SECOND : PLAN_ALONE_MAX_US,
        .gpu_scrub = options->gpu_scrub,
        .private_registries = options->private_registries,
        .private_clouds = options->private_clouds,
        .ca_file = options->ca_file,
        .metrics_listen = options->metrics_listen,
        .version = BERTH_VERSION,
        .update_key = options->update_key,
        .update_every_s = options->update_every_s > 0 ? options->update_every_s : UPDATE_EVERY_S,
        .turn_key_every_s = turn_key_every_s(options),
        .launcher = launcher,
    };

    find_helper(helper);
    if (!agent_run(&agent, &wants_again, err))
        return false;
    program->status = wants_again ? LAUNCH_AGAIN : EXIT_SUCCESS;
    return true;
}

/* The agent, or what starts the newest one. */
static bool run(struct program *program, struct error *err)
{
    const struct options *options = &program->options;
    int launcher = launch_descriptor();
    const struct launch launch = {
        .data_dir = options->data,
        .key = options->update_key,
        .version = BERTH_VERSION,
        .trial_s = options->update_trial_s > 0 ? options->update_trial_s : LAUNCH_TRIAL_S,
        .arguments = program->arguments,
    };

    if (launcher >= 0 || options->update_key == NULL)
        return run_agent(program, launcher, err);
    return launch_run(&launch, &program->status, err);
}

static bool examine(const struct options *options)
{
    char helper[PATH_MAX], socket[PATH_MAX];
    struct doctor_finding findings[DOCTOR_FINDINGS_MAX];
    struct doctor_options doctor = {
        .data_dir = options->data,
        .disk_gb = options->disk_gb,
        .engine_socket = engine_path(options, socket),
        .is_engine_private = options->is_engine_private,
        .server_url = options->server,
        .ca_file = options->ca_file,
        .guest_helper = helper,
        .simulate_gpus = options->simulate_gpus,
        .port_first = options->port_first,
        .port_last = options->port_last,
        .is_behind_nat = options->is_behind_nat,
        .is_open = options->is_open,
        .turn_key_every_us = turn_key_every_s(options) * US_PER_SECOND,
    };

    find_helper(helper);
    return doctor_print(stdout, findings, doctor_examine(&doctor, findings));
}

static bool install(const struct options *options, struct error *err)
{
    const struct install_paths paths = install_paths_default();
    struct options with_key = *options;

    if (with_key.api_key == NULL)
        with_key.api_key = getenv("BERTH_API_KEY"); /* which no list of processes shows */
    if (!install_run(&with_key, &paths, stdout, err))
        return false;
    (void)printf("\n");
    if (!examine(options))
        return error_set(err, ERROR_UNAVAILABLE, "mend what is BAD above, and install again");
    (void)printf("Now: systemctl enable --now berth-host\n");
    return true;
}

static bool print_text(void (*write)(struct buf *out), struct error *err)
{
    auto_buf struct buf text = buf_of(OPTIONS_FILE_MAX);

    write(&text);
    return file_write_all(STDOUT_FILENO, text.bytes, text.length, err);
}

static bool measure(const struct options *options, struct error *err)
{
    static struct machine_facts facts; /* large */
    static struct bench_report report;
    struct bench_options bench = { .facts = &facts };
    char socket[PATH_MAX];
    struct docker_info engine = { 0 };
    struct error ignored;

    auto_docker struct docker docker = docker_open(engine_path(options, socket));
    bool has_engine = docker_info(&docker, &engine, &ignored);
    bench.disk = has_engine && access(engine.root, W_OK) == 0 ? engine.root
                 : access(options->data, W_OK) == 0           ? options->data
                                                              : ".";
    if (options->simulate_gpus == NULL && !gpu_nvml_probe(&facts, err))
        return false;
    bench_measure(&bench, &report);
    bench_print(stdout, &report);
    return true;
}

static bool stop_engine(const struct options *options, struct error *err)
{
    char data[PATH_MAX];

    if (realpath(options->data, data) == NULL)
        return true; /* no folder, no engine */
    return engine_stop(data, err) && isolate_forget(data, err);
}

static bool carry_out(struct program *program, struct error *err)
{
    const struct options *options = &program->options;

    switch (options->command) {
    case COMMAND_RUN:
        return run(program, err);
    case COMMAND_BENCH:
        return measure(options, err);
    case COMMAND_DOCTOR:
        if (!examine(options))
            return error_set(err, ERROR_UNAVAILABLE, "this machine cannot be a host yet");
        return true;
    case COMMAND_STATUS:
        return status_print(stdout, options->data, err);
    case COMMAND_TURN_KEY:
        return key_turn_ask(stdout, options->data, err);
    case COMMAND_STOP_ENGINE:
        return stop_engine(options, err);
    case COMMAND_VERSION:
        (void)printf("berth-host %s\n", BERTH_VERSION);
        return true;
    case COMMAND_INSTALL:
        return install(options, err);
    case COMMAND_CONFIG:
        return print_text(options_write_sample, err);
    case COMMAND_HELP:
        return print_text(options_write_help, err);
    }
    return false;
}

/* Where administrators' programs lie, which a plain user's PATH leaves out. */
static void widen_path(void)
{
    const char *path = getenv("PATH");
    char wider[PATH_MAX];

    (void)snprintf(wider, sizeof wider, "%s:/usr/local/sbin:/usr/sbin:/sbin",
                   path != NULL ? path : "/usr/local/bin:/usr/bin:/bin");
    (void)setenv("PATH", wider, 1);
}

int main(int count, char **arguments)
{
    auto_arena struct arena arena = arena_of(2 * OPTIONS_FILE_MAX);
    struct program program = { .arguments = arguments, .status = EXIT_SUCCESS };
    struct error err;

    if (count > 1 && strcmp(arguments[1], ACCESS_BROKER_VERB) == 0)
        return access_broker_main(count, arguments);
    if (count > 1 && strcmp(arguments[1], SCRUB_VERB) == 0)
        scrub_main(count, arguments);
    if (count > 1 && strcmp(arguments[1], TUNNEL_VERB) == 0)
        return tunnel_main(count, arguments);
    if (count > 1 && strcmp(arguments[1], COPY_CARRY_VERB) == 0)
        return copy_carry_main();
    crypto_start();
    (void)umask(022);                /* what is secret says so itself */
    (void)prctl(PR_SET_DUMPABLE, 0); /* no secrets in core files */
    widen_path();
    if (!options_parse(count, (const char *const *)arguments, &arena, &program.options, &err)) {
        (void)fprintf(stderr, "berth-host: %s\n", err.text);
        return EXIT_USAGE;
    }
    if (!carry_out(&program, &err)) {
        (void)fprintf(stderr, "berth-host: %s\n", err.text);
        return EXIT_FAILED;
    }
    return program.status;
}
