/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/options.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>

#include "agent/exporter.h"
#include "agent/isolate.h"
#include "agent/pool.h"
#include "agent/releases.h"
#include "base/parse.h"
#include "market/meter.h"
#include "sys/file.h"

/* What a flag's value is, and so how it is read. */
enum kind {
    KIND_SWITCH,
    KIND_TEXT,
    KIND_PORTS,
    KIND_POOL,
    KIND_GB,
    KIND_MBIT,
    KIND_SECONDS,
    KIND_AGE,
};

enum { SECONDS_MAX = 604800, AGE_MAX = 10 * 365 * 86400, DISK_GB_MAX = METER_QUANTITY_MAX };

struct flag {
    const char *name;       /* without the dashes */
    const char *value_name; /* NULL: a switch */
    const char *help;       /* lines; a newline begins another */
    const char *example;    /* as a configuration file would have it; NULL: not a setting */
    enum kind kind;
    size_t offset; /* of what it sets in struct options */
};

#define AT(member) offsetof(struct options, member)

static const struct flag flags[] = {
    { "server", "URL", "the market's server", "https://berth.example", KIND_TEXT, AT(server) },
    { "data", "DIR", "everything that must be kept (" DATA_DEFAULT ")", DATA_DEFAULT, KIND_TEXT,
      AT(data) },
    { "token", "T", "one-time token to join, or to come back, from `berth host token`", "TOKEN",
      KIND_TEXT, AT(token) },
    { "engine", "unix:///PATH", "the Docker Engine to use (unix:///var/run/docker.sock)",
      "unix:///var/run/docker.sock", KIND_TEXT, AT(engine) },
    { "private-engine", NULL, "start a Docker Engine of its own, in DIR/engine", "", KIND_SWITCH,
      AT(is_engine_private) },
    { "simulate-gpus", "FILE", "list GPUs that do not exist; lines \"name, memory MB, count\"",
      NULL, KIND_TEXT, AT(simulate_gpus) },
    { "ports", "A-B", "host ports for instances, both included (20000-20999)", "20000-20999",
      KIND_PORTS, 0 },
    { "public-ip", "IP", "where renters reach this host (the address on the way to the server)",
      "203.0.113.9", KIND_TEXT, AT(public_ip) },
    { "behind-nat", NULL,
      "it has no open ports: relays of the market lend it theirs (found out by\n"
      "itself where its address is private and the server's is not)",
      "", KIND_SWITCH, AT(is_behind_nat) },
    { "disk-gb", "GB", "how much of the engine's disk is rented out (all that is free at first)",
      "500", KIND_GB, AT(disk_gb) },
    { "pool", "N", "networks kept ready for the next rentals, 0 to 16 (1)", "1", KIND_POOL, 0 },
    { "guest-up", "MBIT", "the most that each instance may send, in Mbit/s (no limit)", "1000",
      KIND_MBIT, AT(up_mbit) },
    { "guest-down", "MBIT", "the most that each may receive (no limit)", "1000", KIND_MBIT,
      AT(down_mbit) },
    { "alone-max", "SECONDS",
      "how long instances run on while the server cannot be reached, up to a week\n"
      "(86400)",
      "86400", KIND_SECONDS, AT(alone_max_s) },
    { "gpu-scrub", "PROGRAM",
      "clears a GPU's memory between two tenants; it gets the GPU's uuid (ours,\n"
      "which writes zeros by CUDA); \"off\": nobody does",
      "/usr/local/sbin/scrub", KIND_TEXT, AT(gpu_scrub) },
    { "private-registries", "LIST",
      "registries in this host's own network that renters' images may go to and\n"
      "come from, as HOST:PORT with commas between; \"all\": any (none)",
      "registry.lan:5000", KIND_TEXT, AT(private_registries) },
    { "private-clouds", "LIST",
      "cloud stores in this host's own network that renters' files may be copied\n"
      "from and to, as HOST:PORT with commas between; \"all\": any (none)",
      "minio.lan:9000", KIND_TEXT, AT(private_clouds) },
    { "open-network", NULL,
      "let instances reach this host and its neighbours; where the kernel\n"
      "lacks nftables, nothing runs without this",
      "", KIND_SWITCH, AT(is_open) },
    { "metrics-listen", "IP:PORT",
      "where Prometheus gets this host's numbers, at /metrics (" EXPORTER_DEFAULT ");\n"
      "\"off\": nowhere",
      EXPORTER_DEFAULT, KIND_TEXT, AT(metrics_listen) },
    { "update-key", "KEY",
      "take newer releases of this program from the server, if they are signed with\n"
      "this key, which the operator publishes (it stays what it is)",
      "KEY", KIND_TEXT, AT(update_key) },
    { "update-every", "SECONDS", "how often it asks for one (3600)", "3600", KIND_SECONDS,
      AT(update_every_s) },
    { "update-trial", "SECONDS",
      "how long a new one may take to its first heartbeat, or the one before comes\n"
      "back (300)",
      "300", KIND_SECONDS, AT(update_trial_s) },
    { "turn-key-every", "SECONDS",
      "how old this machine's key gets before another takes its place (15552000,\n"
      "which is 180 days)",
      "15552000", KIND_AGE, AT(turn_key_every_s) },
    { "ca", "FILE", "certificates to trust for the server, in place of the system's",
      "/etc/berth/ca.pem", KIND_TEXT, AT(ca_file) },
    { "api-key", "KEY", "install: your account's key, with which it gets a token by itself", NULL,
      KIND_TEXT, AT(api_key) },
    { "config", "FILE", "more options, one a line, without dashes; the command line wins", NULL,
      KIND_TEXT, AT(config) },
};
enum { FLAG_COUNT = sizeof flags / sizeof flags[0], HELP_COLUMN = 21 };

static void write_flag(const struct flag *flag, struct buf *out)
{
    int length = (int)strlen(flag->name) +
                 (flag->value_name != NULL ? 1 + (int)strlen(flag->value_name) : 0);
    int gap = HELP_COLUMN - 2 - length;

    buf_printf(out, "  --%s%s%s", flag->name, flag->value_name != NULL ? " " : "",
               flag->value_name != NULL ? flag->value_name : "");
    if (gap < 2)
        buf_printf(out, "\n%*s", HELP_COLUMN + 2, "");
    else
        buf_printf(out, "%*s", gap, "");
    for (const char *line = flag->help; *line != '\0';) {
        size_t end = strcspn(line, "\n");
        buf_printf(out, "%*s%.*s\n", line == flag->help ? 0 : HELP_COLUMN + 2, "", (int)end, line);
        line += end + (line[end] == '\n' ? 1 : 0);
    }
}

void options_write_help(struct buf *out)
{
    buf_printf(
        out,
        "berth-host lends this machine out on a Berth market.\n"
        "\n"
        "berth-host install --server URL [options]  set this machine up, and keep the options\n"
        "berth-host run --server URL [options]      join, and stay\n"
        "berth-host doctor [options]                what this machine needs, measured\n"
        "berth-host bench [options]                 how fast this machine is, measured\n"
        "berth-host status [--data DIR]             who it is, and what it runs\n"
        "berth-host turn-key [--data DIR]           give the machine another key, now\n"
        "berth-host stop-engine [--data DIR]        end the private engine and all that it runs\n"
        "berth-host config                          print a configuration file with every option\n"
        "berth-host version\n"
        "\n");
    for (size_t i = 0; i < FLAG_COUNT; i++)
        write_flag(&flags[i], out);
    buf_printf(out, "\nBERTH_LOG=debug shows every step. SIGTERM ends berth-host; instances run "
                    "on.\n");
}

void options_write_sample(struct buf *out)
{
    buf_printf(out, "# Options of berth-host, one a line: \"name value\" or \"name\". "
                    "`berth-host install` writes\n# what it was given above these lines.\n");
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        const struct flag *flag = &flags[i];

        if (flag->example == NULL)
            continue;
        buf_printf(out, "\n");
        for (const char *line = flag->help; *line != '\0';) {
            size_t end = strcspn(line, "\n");
            buf_printf(out, "# %.*s\n", (int)end, line);
            line += end + (line[end] == '\n' ? 1 : 0);
        }
        buf_printf(out, "#%s%s%s\n", flag->name, *flag->example != '\0' ? " " : "", flag->example);
    }
}

static const struct {
    const char *name;
    enum command command;
} commands[] = {
    { "run", COMMAND_RUN },           { "doctor", COMMAND_DOCTOR },
    { "bench", COMMAND_BENCH },       { "install", COMMAND_INSTALL },
    { "config", COMMAND_CONFIG },     { "status", COMMAND_STATUS },
    { "turn-key", COMMAND_TURN_KEY }, { "stop-engine", COMMAND_STOP_ENGINE },
    { "version", COMMAND_VERSION },   { "--version", COMMAND_VERSION },
    { "help", COMMAND_HELP },         { "--help", COMMAND_HELP },
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

/* From 1 to so many. */
static bool parse_number(const struct flag *flag, const char *text, int64_t *ret, struct error *err)
{
    int max = flag->kind == KIND_MBIT  ? (int)ISOLATE_MBIT_MAX
              : flag->kind == KIND_AGE ? (int)AGE_MAX
              : flag->kind == KIND_GB  ? (int)DISK_GB_MAX
                                       : (int)SECONDS_MAX;
    uint64_t number;

    if (!parse_u64(text, &number) || number < 1 || number > (uint64_t)max)
        return error_set(err, ERROR_INVALID, "--%s takes 1 to %d, not '%.64s'", flag->name, max,
                         text);
    *ret = (int64_t)number;
    return true;
}

void options_write_given(const struct options *options, struct buf *out)
{
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        const void *value = (const char *)options + flags[i].offset;
        const char *text;
        int64_t number;

        if (flags[i].example == NULL)
            continue;
        switch (flags[i].kind) {
        case KIND_SWITCH:
            if (*(const bool *)value)
                buf_printf(out, "%s\n", flags[i].name);
            break;
        case KIND_TEXT:
            memcpy(&text, value, sizeof text);
            if (text != NULL)
                buf_printf(out, "%s %s\n", flags[i].name, text);
            break;
        case KIND_PORTS:
            buf_printf(out, "%s %d-%d\n", flags[i].name, (int)options->port_first,
                       (int)options->port_last);
            break;
        case KIND_POOL:
            buf_printf(out, "%s %d\n", flags[i].name, (int)options->pool);
            break;
        case KIND_GB:
        case KIND_MBIT:
        case KIND_SECONDS:
        case KIND_AGE:
            memcpy(&number, value, sizeof number);
            if (number > 0)
                buf_printf(out, "%s %d\n", flags[i].name, (int)number);
            break;
        }
    }
}

/* `text` into what the flag sets. */
static bool set_value(const struct flag *flag, const char *text, struct options *options,
                      struct error *err)
{
    void *target = (char *)options + flag->offset;

    if (*text == '\0')
        return error_set(err, ERROR_INVALID, "--%s needs a value", flag->name);
    switch (flag->kind) {
    case KIND_PORTS:
        return parse_ports(text, options, err);
    case KIND_POOL:
        return parse_pool(text, options, err);
    case KIND_GB:
    case KIND_MBIT:
    case KIND_SECONDS:
    case KIND_AGE:
        return parse_number(flag, text, target, err);
    case KIND_TEXT:
        memcpy(target, &text, sizeof text);
        return true;
    case KIND_SWITCH:
        break;
    }
    return false;
}

static const struct flag *find_flag(const char *name, size_t length)
{
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        if (strlen(flags[i].name) == length && memcmp(flags[i].name, name, length) == 0)
            return &flags[i];
    }
    return NULL;
}

/* "--name", "--name value" or "--name=value"; `*ret_used` words were used. */
static bool parse_flag(const char *const *argument, struct options *options, int *ret_used,
                       struct error *err)
{
    const char *name = argument[0] + 2;
    const struct flag *flag;

    *ret_used = 1;
    if (strcmp(argument[0], "--help") == 0 || strcmp(argument[0], "-h") == 0) {
        options->command = COMMAND_HELP;
        return true;
    }
    size_t length = strncmp(argument[0], "--", 2) == 0 ? strcspn(name, "=") : 0;
    flag = length > 0 ? find_flag(name, length) : NULL;
    if (flag == NULL)
        return error_set(err, ERROR_INVALID, "there is no option '%.64s'; see berth-host --help",
                         argument[0]);
    if (flag->kind == KIND_SWITCH) {
        if (name[length] == '=')
            return error_set(err, ERROR_INVALID, "--%s takes no value", flag->name);
        *((bool *)((char *)options + flag->offset)) = true;
        return true;
    }
    if (name[length] == '=')
        return set_value(flag, name + length + 1, options, err);
    if (argument[1] == NULL)
        return error_set(err, ERROR_INVALID, "--%s needs a value", flag->name);
    *ret_used = 2;
    return set_value(flag, argument[1], options, err);
}

static const char blanks[] = " \t\r";

/* A comment begins with the line, or behind a blank: there may be a '#' in an address. */
static void cut_comment(char *line)
{
    for (char *at = line; (at = strchr(at, '#')) != NULL; at++) {
        if (at == line || strchr(blanks, at[-1]) != NULL) {
            *at = '\0';
            return;
        }
    }
}

/* One line of a file: its comment and the blanks around it go. */
static bool take_line(struct options *options, char *line, struct error *err)
{
    const struct flag *flag;

    cut_comment(line);
    line += strspn(line, blanks);
    for (size_t end = strlen(line); end > 0 && strchr(blanks, line[end - 1]) != NULL; end--)
        line[end - 1] = '\0';
    if (*line == '\0')
        return true;
    size_t length = strcspn(line, blanks);
    const char *value = line + length + strspn(line + length, blanks);
    flag = find_flag(line, length);
    if (flag == NULL || flag->example == NULL)
        return error_set(err, ERROR_INVALID, "unknown setting '%.*s'", (int)length, line);
    if (flag->kind != KIND_SWITCH)
        return set_value(flag, value, options, err);
    if (*value != '\0')
        return error_set(err, ERROR_INVALID, "%s takes no value", flag->name);
    *((bool *)((char *)options + flag->offset)) = true;
    return true;
}

bool options_take_file(struct options *options, const char *text, struct arena *arena,
                       struct error *err)
{
    struct options filled = *options;
    int number = 1;

    for (const char *at = text; *at != '\0'; number++) {
        size_t length = strcspn(at, "\n");
        char *line = arena_copy(arena, at, length);
        if (line == NULL)
            return error_set(err, ERROR_OUT_OF_RANGE, "the file is too long");
        if (!take_line(&filled, line, err))
            return error_context(err, "line %d", number);
        at += length + (at[length] == '\n' ? 1 : 0);
    }
    *options = filled;
    return true;
}

/* What --config names, before the other words: they win. */
static bool take_config(int count, const char *const *arguments, struct options *options,
                        struct arena *arena, struct error *err)
{
    auto_buf struct buf text = buf_of(OPTIONS_FILE_MAX);
    const char *path = NULL;

    for (int i = 2; i < count; i++) {
        if (strncmp(arguments[i], "--config=", strlen("--config=")) == 0)
            path = arguments[i] + strlen("--config=");
        else if (strcmp(arguments[i], "--config") == 0 && i + 1 < count)
            path = arguments[i + 1];
    }
    if (path == NULL)
        return true;
    if (!file_read(AT_FDCWD, path, &text, err) ||
        !options_take_file(options, text.length > 0 ? text.bytes : "", arena, err))
        return error_context(err, "%s", path);
    return true;
}

static bool check_together(const struct options *options, struct error *err)
{
    bool needs_server = options->command == COMMAND_RUN || options->command == COMMAND_INSTALL;

    if (needs_server && options->server == NULL)
        return error_set(err, ERROR_INVALID, "%s needs --server URL",
                         options->command == COMMAND_RUN ? "run" : "install");
    if (options->public_ip != NULL && options->is_behind_nat)
        return error_set(err, ERROR_INVALID, "--public-ip and --behind-nat exclude each other");
    if (options->engine != NULL && options->is_engine_private)
        return error_set(err, ERROR_INVALID, "--engine and --private-engine exclude each other");
    if (options->gpu_scrub != NULL && *options->gpu_scrub != '/' &&
        strcmp(options->gpu_scrub, "off") != 0)
        return error_set(err, ERROR_INVALID, "--gpu-scrub takes /PATH/OF/PROGRAM, or off");
    if (options->update_key != NULL && !releases_key_is_valid(options->update_key))
        return error_set(err, ERROR_INVALID,
                         "--update-key takes a public key, as the operator's "
                         "`berthd release key` prints it");
    if (options->engine != NULL && strncmp(options->engine, "unix://", 7) != 0)
        return error_set(err, ERROR_INVALID, "--engine takes unix:///PATH");
    return true;
}

bool options_parse(int count, const char *const *arguments, struct arena *arena,
                   struct options *ret, struct error *err)
{
    struct options options = { .command = COMMAND_HELP,
                               .data = DATA_DEFAULT,
                               .port_first = PORTS_DEFAULT_FIRST,
                               .port_last = PORTS_DEFAULT_LAST,
                               .pool = POOL_TARGET_DEFAULT };
    int used;

    if (count < 2)
        return error_set(err, ERROR_INVALID, "what to do? See berth-host --help");
    if (!parse_command(arguments[1], &options.command, err) ||
        !take_config(count, arguments, &options, arena, err))
        return false;
    for (int i = 2; i < count; i += used) {
        if (!parse_flag(arguments + i, &options, &used, err))
            return false;
    }
    if (!check_together(&options, err))
        return false;
    *ret = options;
    return true;
}
