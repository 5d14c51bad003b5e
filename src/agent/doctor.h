/* SPDX-License-Identifier: Apache-2.0 */
/* berth-host doctor: every requirement of a host, with what was measured, what is needed, and the
 * command that mends it. */

#ifndef BERTH_AGENT_DOCTOR_H
#define BERTH_AGENT_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

struct doctor_options {
    const char *data_dir;
    int64_t disk_gb;           /* to rent out; 0: all there is */
    const char *engine_socket; /* path */
    bool is_engine_private;    /* then no engine need run yet */
    const char *server_url;    /* or NULL: not asked */
    const char *ca_file;       /* whom to trust for it; NULL: the system's */
    const char *guest_helper;
    const char *simulate_gpus; /* or NULL */
    int64_t port_first, port_last;
    int64_t turn_key_every_us; /* how old a machine's key gets */
    bool is_behind_nat;        /* said so */
    bool is_open;              /* guests shall have no walls */
};

enum doctor_state {
    DOCTOR_GOOD,
    DOCTOR_WARNING, /* works, and could be better */
    DOCTOR_BAD,     /* must be mended */
};

struct doctor_finding {
    const char *requirement;
    bool is_of_market; /* a line of market/requirement.h */
    enum doctor_state state;
    char measured[160], needed[96], mend[192]; /* "" where there is nothing to mend */
};

enum { DOCTOR_FINDINGS_MAX = 64 };

/* All of them, in a fixed order. Returns how many. */
int doctor_examine(const struct doctor_options *options,
                   struct doctor_finding findings[static DOCTOR_FINDINGS_MAX]);

/* As a table. True: nothing must be mended. */
bool doctor_print(FILE *out, const struct doctor_finding *findings, int count);

#endif
