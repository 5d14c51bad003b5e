/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of berth-host: one table, from which parsing, --help, the configuration file
 * and its sample are made.
 *
 * A configuration file holds the same names without dashes, one a line, "name value" or "name";
 * '#' starts a comment. What the command line says wins. */

#ifndef BERTH_AGENT_OPTIONS_H
#define BERTH_AGENT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

enum command {
    COMMAND_RUN,
    COMMAND_DOCTOR,
    COMMAND_BENCH,
    COMMAND_STATUS,
    COMMAND_TURN_KEY,
    COMMAND_STOP_ENGINE,
    COMMAND_INSTALL,
    COMMAND_CONFIG, /* print a sample */
    COMMAND_VERSION,
    COMMAND_HELP,
};

enum { OPTIONS_FILE_MAX = 64 * 1024 };
enum { PORTS_DEFAULT_FIRST = 20000, PORTS_DEFAULT_LAST = 20999 };

#define DATA_DEFAULT "/var/lib/berth-host"

struct options {
    enum command command;
    const char *gpu_scrub;          /* "/path/of/program", "off", or NULL: ours */
    const char *private_registries; /* see agent/registry.h; or NULL */
    const char *private_clouds;     /* see agent/cloud_ways.h; or NULL */
    const char *server, *data, *token, *engine, *simulate_gpus, *public_ip, *ca_file;
    const char *metrics_listen;   /* "ADDRESS:PORT", "off", or NULL: of the loopback */
    const char *api_key, *config; /* or NULL */
    bool is_engine_private, is_behind_nat;
    bool is_open; /* guests have no walls */
    int64_t port_first, port_last;
    int64_t pool;                           /* networks that are made ahead */
    int64_t up_mbit, down_mbit;             /* of each guest; 0: all there is */
    int64_t disk_gb;                        /* to rent out; 0: all there is */
    int64_t alone_max_s;                    /* 0: as it comes */
    const char *update_key;                 /* base64url; NULL: it does not update itself */
    int64_t update_every_s, update_trial_s; /* 0: as it comes */
    int64_t turn_key_every_s;               /* 0: as it comes */
};

/* Texts stay the caller's, and the arena's where they come from a file. ERROR_INVALID says what is
 * wrong, for a person. */
NODISCARD bool options_parse(int count, const char *const *arguments, struct arena *arena,
                             struct options *ret, struct error *err);

/* Set what the text of a configuration file says; all of it or, where a line is wrong, nothing. */
NODISCARD bool options_take_file(struct options *options, const char *text, struct arena *arena,
                                 struct error *err);

/* The settings that differ from what is taken without them, as lines of a configuration file. */
void options_write_given(const struct options *options, struct buf *out);

/* What --help shows, and a configuration file in which every option is a comment. */
void options_write_help(struct buf *out);
void options_write_sample(struct buf *out);

#endif
