/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of berth-host. */

#ifndef BERTH_AGENT_OPTIONS_H
#define BERTH_AGENT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum command {
    COMMAND_RUN,
    COMMAND_DOCTOR,
    COMMAND_STATUS,
    COMMAND_STOP_ENGINE,
    COMMAND_VERSION,
    COMMAND_HELP,
};

enum { PORTS_DEFAULT_FIRST = 20000, PORTS_DEFAULT_LAST = 20999 };

#define DATA_DEFAULT "/var/lib/berth-host"

struct options {
    enum command command;
    const char *gpu_scrub; /* "/path/of/program", "off", or NULL: ours */
    const char *server, *data, *token, *engine, *simulate_gpus, *public_ip, *ca_file;
    bool is_engine_private, is_behind_nat;
    bool is_open; /* guests have no walls */
    int64_t port_first, port_last;
    int64_t pool;               /* networks that are made ahead */
    int64_t up_mbit, down_mbit; /* of each guest; 0: all there is */
};

/* Texts stay the caller's. ERROR_INVALID says what is wrong, for a person. */
NODISCARD bool options_parse(int count, const char *const *arguments, struct options *ret,
                             struct error *err);

/* What --help shows. */
extern const char options_help[];

#endif
