/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of what is stopped. Whoever comes to the SSH port of a stopped instance with its key finds
 * its files: the plan makes a container over them in which nothing of the renter's is started
 * (PLAN_OPEN), without network and without GPUs, and the SSH front lets rsync, scp and sftp in, and
 * nothing else. It goes when nobody has copied for a while, or when the instance is to run again.
 * To the server the instance is stopped all the while: what it costs is its disk, and the bytes. */

#ifndef BERTH_AGENT_COPIES_H
#define BERTH_AGENT_COPIES_H

#include <stdbool.h>

#include "agent/access.h"
#include "agent/copy_work.h"
#include "base/arena.h"
#include "proto/desired.h"

struct agent;
struct instance;

enum {
    COPIES_LINGER_S = 30,
    COPIES_TELL_S = 600, /* how one between instances ended */
};

/* From the agent's loop, about every second: who has come, and who has gone. */
void copies_tend(struct agent *agent);

/* Its files can be opened, or are about to be. */
bool copies_may_open(const struct instance *instance);
bool copies_are_open(const struct instance *instance);

/* Its ends of copies between instances that may go on, as the SSH front has them; in the arena. */
const struct access_copy *copies_ends(struct arena *arena, const struct instance *instance,
                                      size_t *ret_count);

/* For agent/ops.h: `context` is the agent. */
NODISCARD bool copies_find(void *context, const struct desired_op *op, struct copy_work *ret,
                           struct error *err);
/* `source_id` 0: a cloud store. */
void copies_say(void *context, int64_t target_id, int64_t source_id, const char *text,
                bool has_ended);

/* What to say to whoever wants more of it than there is; in the arena. */
const char *copies_text(struct arena *arena, const struct instance *instance);

#endif
