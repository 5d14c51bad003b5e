/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of what is stopped. Whoever comes to the SSH port of a stopped instance with its key finds
 * its files: the plan makes a container over them in which nothing of the renter's is started
 * (PLAN_OPEN), without network and without GPUs, and the SSH front lets rsync, scp and sftp in, and
 * nothing else. It goes when nobody has copied for a while, or when the instance is to run again.
 * To the server the instance is stopped all the while: what it costs is its disk, and the bytes. */

#ifndef BERTH_AGENT_COPIES_H
#define BERTH_AGENT_COPIES_H

#include <stdbool.h>

#include "base/arena.h"

struct agent;
struct instance;

enum { COPIES_LINGER_S = 30 };

/* From the agent's loop, about every second: who has come, and who has gone. */
void copies_tend(struct agent *agent);

/* Its files can be opened, or are about to be. */
bool copies_may_open(const struct instance *instance);
bool copies_are_open(const struct instance *instance);

/* What to say to whoever wants more than a copy; in the arena. */
const char *copies_text(struct arena *arena, const struct instance *instance);

#endif
