/* SPDX-License-Identifier: Apache-2.0 */
/* Starting one process for a channel, with pipes or a terminal of its own. */

#ifndef BERTH_GUEST_SPAWN_H
#define BERTH_GUEST_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "guest/wire.h"

/* A process, leader of its own session, and our ends of what it reads and writes: input, output
 * and error, or a terminal's master alone. */
struct spawned {
    pid_t pid;
    size_t fd_count;
    int fds[WIRE_FDS_MAX];
};

/* Start what a WIRE_RUN says. False, with errno: nothing was started. */
bool spawn(const struct wire_message *message, struct spawned *ret_spawned);

/* Close our ends. */
void spawn_close(struct spawned *spawned);

/* Say how large the terminal on standard input is. */
void spawn_resize(const struct wire_terminal *terminal);

#endif
