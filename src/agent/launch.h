/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher: `berth-host run` on a host that was told to update itself (--update-key).
 *
 * It is the program that was installed, stays as it is, and runs the agent as a child: itself, or
 * the newest release that this host has taken (agent/releases.h). A release that is new is on
 * trial: until its first heartbeat has been accepted, it may end only because somebody stops the
 * service, and it has so many seconds. Else what ran before is started again at once, and after
 * RELEASES_TRIES such trials that release is given up. Instances go on in all of this, as whenever
 * an agent is restarted.
 *
 * Between the two: the child finds a descriptor's number in LAUNCH_VARIABLE, writes one byte there
 * with its first accepted heartbeat, and exits with LAUNCH_AGAIN to be started anew. SIGTERM and
 * SIGINT are passed on. A child whose launcher dies is killed, so that there is never a second
 * agent. Both may be of different versions: none of this may ever change. */

#ifndef BERTH_AGENT_LAUNCH_H
#define BERTH_AGENT_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define LAUNCH_VARIABLE "BERTH_HOST_LAUNCHER"

enum { LAUNCH_AGAIN = 75, LAUNCH_TRIAL_S = 300 };

struct launch {
    const char *data_dir, *key; /* of releases; base64url */
    const char *version;        /* this program's */
    int64_t trial_s;
    char *const *arguments; /* of main(): the child gets the same */
};

/* Whether this process is the child of a launcher; its descriptor, for launch_report(), or -1. */
int launch_descriptor(void);

/* The first heartbeat was accepted. Closes the descriptor; harmless with -1. */
void launch_report(int *descriptor);

/* Until the agent ends and nothing is left to be tried, or a signal. `*ret_status`: to exit with.
 */
NODISCARD bool launch_run(const struct launch *launch, int *ret_status, struct error *err);

#endif
