/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the market for newer releases of this program, where the host's configuration says whose
 * signature it takes (--update-key), and this is the child of a launcher (agent/launch.h).
 *
 * A child of ours fetches and checks one: first the manifest, whose signature, system and version
 * are looked at before anything else is asked for, then its files, no byte more of each than was
 * signed. Only a version above the one that runs counts. What is whole lies in the folder
 * (agent/releases.h), and the agent ends, once nothing is under way that cannot be begun again. */

#ifndef BERTH_AGENT_UPDATE_H
#define BERTH_AGENT_UPDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/job.h"
#include "agent/loop.h"
#include "base/compiler.h"
#include "sys/log.h"

enum {
    UPDATE_EVERY_S = 3600,
    UPDATE_SOON_S = 600, /* the first time after a start, at the latest */
};

struct update;

/* All borrowed. */
struct update_options {
    struct loop *loop;
    const char *server_url, *ca_file; /* ca_file may be NULL */
    const char *data_dir, *key;
    const char *version; /* that runs */
    int64_t every_s;
    struct log log;
};

struct update *update_open(const struct update_options *options);
void update_close(struct update **update);

/* Every second. True: a newer release is ready, so this process ought to end when it can. */
bool update_tend(struct update *update, bool is_connected);

/* How that goes. */
struct update_numbers {
    int64_t not_taken; /* answers that failed, or were refused, since this agent started */
    int64_t given_up;  /* releases that failed each of their trials, and are kept out */
};

void update_numbers(const struct update *update, struct update_numbers *ret);

/* What a child does. `ret_version` has "" where there is nothing newer, or nothing that is not
 * given up; else that release is in the folder, whole. */
NODISCARD bool update_fetch(const struct update_options *options, char *ret_version, size_t size,
                            struct error *err);

#endif
