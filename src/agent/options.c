/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/options.h"

#include <stddef.h>
#include <string.h>

#include "agent/isolate.h"
#include "agent/pool.h"
#include "base/parse.h"

const char options_help[] =
    "berth-host lends this machine out on a Berth market.\n"
    "\n"
    "berth-host run --server URL [options]   join, and stay\n"
    "berth-host doctor [options]             what this machine needs, measured\n"
    "berth-host status [--data DIR]          who it is, and what it runs\n"
    "berth-host stop-engine [--data DIR]     end the private engine and all that it runs\n"
    "berth-host version\n"
    "\n"
    "  --server URL          the market's server\n"
    "  --data DIR            everything that must be kept (" DATA_DEFAULT ")\n"
    "  --token T             one-time token for joining, from `berth host token`; needed once\n"
    "  --engine unix:///PATH the Docker Engine to use (unix:///var/run/docker.sock)\n"
    "  --private-engine      start a Docker Engine of its own, in DIR/engine\n"
    "  --simulate-gpus FILE  list GPUs that do not exist; lines \"name, memory MB, count\"\n"
    "  --ports A-B           host ports for instances, both included (20000-20999)\n"
    "  --public-ip IP        where renters reach this host (the address on the way to the server)\n"
    "  --behind-nat          it has no open ports: relays of the market lend it theirs (found out "
    "by\n"
    "                        itself where its address is private and the server's is not)\n"
    "  --pool N              networks kept ready for the next rentals, 0 to 16 (1)\n"
    "  --guest-up MBIT       the most that each instance may send, in Mbit/s (no limit)\n"
    "  --guest-down MBIT     the most that each may receive (no limit)\n"
    "  --gpu-scrub PROGRAM   clears a GPU's memory between two tenants; it gets the GPU's uuid "
    "(ours,\n"
    "                        which writes zeros by CUDA); \"off\": nobody does\n"
    "  --open-network        let instances reach this host and its neighbours; where the kernel\n"
    "                        lacks nftables, nothing runs without this\n"
    "  --ca FILE             certificates to trust for the server, in place of the system's\n"
    "\n"
    "BERTH_LOG=debug shows every step. SIGTERM ends berth-host; instances run on.\n";

struct flag {
    const char *name;
    size_t offset; /* of a const char * in struct options */
};

static const struct flag flags[] = {
    { "--server", offsetof(struct options, server) },
    { "--data", offsetof(struct options, data) },
    { "--token", offsetof(struct options, token) },
    { "--engine", offsetof(struct options, engine) },
    { "--simulate-gpus", offsetof(struct options, simulate_gpus) },
    { "--public-ip", offsetof(struct options, public_ip) },
    { "--ca", offsetof(struct options, ca_file) },
    { "--gpu-scrub", offsetof(struct options, gpu_scrub) },
};

static const struct {
    const char *name;
    enum command command;
} commands[] = {
    { "run", COMMAND_RUN },         { "doctor", COMMAND_DOCTOR },
    { "status", COMMAND_STATUS },   { "stop-engine", COMMAND_STOP_ENGINE },
    { "version", COMMAND_VERSION }, { "--version", COMMAND_VERSION },
    { "help", COMMAND_HELP },       { "--help", COMMAND_HELP },
    { "-h", COMMAND_HELP },
};

static bool parse_command(const char *text, enum command *ret, struct error *err)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, text) == 0) {
            *ret = commands[i].command;
            return true;
        }
    }
    return error_set(err, ERROR_INVALID, "there is no command '%.64s'; see berth-host --help",
                     text);
}

/* "40000-40099". */
static bool parse_ports(const char *text, struct options *options, struct error *err)
{
    const char *dash = strchr(text, '-');
    char first_text[8] = "";
    uint64_t first, last;

    if (dash != NULL && (size_t)(dash - text) < sizeof first_text) {
        memcpy(first_text, text, (size_t)(dash - text));
        if (parse_u64(first_text, &first) && parse_u64(dash + 1, &last) && first >= 1 &&
            last <= 65535 && first <= last) {
            options->port_first = (int64_t)first;
            options->port_last = (int64_t)last;
            return true;
        }
    }
    return error_set(err, ERROR_INVALID, "--ports takes A-B with 1 <= A <= B <= 65535, not '%.64s'",
                     text);
}

static bool parse_pool(const char *text, struct options *options, struct error *err)
{
    uint64_t count;

    if (!parse_u64(text, &count) || count > POOL_TARGET_MAX)
        return error_set(err, ERROR_INVALID, "--pool takes 0 to %d, not '%.64s'", POOL_TARGET_MAX,
                         text);
    options->pool = (int64_t)count;
    return true;
}

static bool parse_mbit(const char *name, const char *text, int64_t *ret, struct error *err)
{
    uint64_t mbit;

    if (!parse_u64(text, &mbit) || mbit < 1 || mbit > ISOLATE_MBIT_MAX)
        return error_set(err, ERROR_INVALID, "%s takes 1 to %d, not '%.64s'", name,
                         ISOLATE_MBIT_MAX, text);
    *ret = (int64_t)mbit;
    return true;
}

/* "--name value" or "--name=value". Sets `*ret_value` to NULL where this is another flag. */
static bool take_value(const char *name, const char *const *argument, const char **ret_value,
                       int *used, struct error *err)
{
    size_t length = strlen(name);

    *ret_value = NULL;
    if (strncmp(argument[0], name, length) != 0)
        return true;
    if (argument[0][length] == '=') {
        *ret_value = argument[0] + length + 1;
        *used = 1;
    } else if (argument[0][length] == '\0') {
        if (argument[1] == NULL)
            return error_set(err, ERROR_INVALID, "%s needs a value", name);
        *ret_value = argument[1];
        *used = 2;
    }
    return true;
}

/* Sets `*ret_is_it` where it is one of those that are numbers. */
static bool parse_number(const char *const *argument, struct options *options, bool *ret_is_it,
                         int *used, struct error *err)
{
    const char *value;

    *ret_is_it = true;
    if (!take_value("--ports", argument, &value, used, err))
        return false;
    if (value != NULL)
        return parse_ports(value, options, err);
    if (!take_value("--pool", argument, &value, used, err))
        return false;
    if (value != NULL)
        return parse_pool(value, options, err);
    if (!take_value("--guest-up", argument, &value, used, err))
        return false;
    if (value != NULL)
        return parse_mbit("--guest-up", value, &options->up_mbit, err);
    if (!take_value("--guest-down", argument, &value, used, err))
        return false;
    if (value != NULL)
        return parse_mbit("--guest-down", value, &options->down_mbit, err);
    *ret_is_it = false;
    return true;
}

static bool parse_flag(const char *const *argument, struct options *options, int *used,
                       struct error *err)
{
    const char *value;
    bool is_number;

    if (strcmp(argument[0], "--private-engine") == 0) {
        options->is_engine_private = true;
        *used = 1;
        return true;
    }
    if (strcmp(argument[0], "--behind-nat") == 0) {
        options->is_behind_nat = true;
        *used = 1;
        return true;
    }
    if (strcmp(argument[0], "--open-network") == 0) {
        options->is_open = true;
        *used = 1;
        return true;
    }
    if (strcmp(argument[0], "--help") == 0 || strcmp(argument[0], "-h") == 0) {
        options->command = COMMAND_HELP;
        *used = 1;
        return true;
    }
    if (!parse_number(argument, options, &is_number, used, err))
        return false;
    if (is_number)
        return true;
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (!take_value(flags[i].name, argument, &value, used, err))
            return false;
        if (value == NULL)
            continue;
        if (*value == '\0')
            return error_set(err, ERROR_INVALID, "%s needs a value", flags[i].name);
        memcpy((char *)options + flags[i].offset, &value, sizeof value);
        return true;
    }
    return error_set(err, ERROR_INVALID, "there is no option '%.64s'; see berth-host --help",
                     argument[0]);
}

bool options_parse(int count, const char *const *arguments, struct options *ret, struct error *err)
{
    struct options options = { .command = COMMAND_HELP,
                               .data = DATA_DEFAULT,
                               .port_first = PORTS_DEFAULT_FIRST,
                               .port_last = PORTS_DEFAULT_LAST,
                               .pool = POOL_TARGET_DEFAULT };
    int used;

    if (count < 2)
        return error_set(err, ERROR_INVALID, "what to do? See berth-host --help");
    if (!parse_command(arguments[1], &options.command, err))
        return false;
    for (int i = 2; i < count; i += used) {
        used = 1;
        if (!parse_flag(arguments + i, &options, &used, err))
            return false;
    }
    if (options.command == COMMAND_RUN && options.server == NULL)
        return error_set(err, ERROR_INVALID, "run needs --server URL");
    if (options.public_ip != NULL && options.is_behind_nat)
        return error_set(err, ERROR_INVALID, "--public-ip and --behind-nat exclude each other");
    if (options.engine != NULL && options.is_engine_private)
        return error_set(err, ERROR_INVALID, "--engine and --private-engine exclude each other");
    if (options.gpu_scrub != NULL && *options.gpu_scrub != '/' &&
        strcmp(options.gpu_scrub, "off") != 0)
        return error_set(err, ERROR_INVALID, "--gpu-scrub takes /PATH/OF/PROGRAM, or off");
    if (options.engine != NULL && strncmp(options.engine, "unix://", 7) != 0)
        return error_set(err, ERROR_INVALID, "--engine takes unix:///PATH");
    *ret = options;
    return true;
}
