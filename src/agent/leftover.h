/* SPDX-License-Identifier: Apache-2.0 */
/* Processes of a container that the engine does not know to be running.
 *
 * An engine that is killed while it starts a container forgets that it did: after its restart the
 * container shows as never started, while containerd runs its processes. They would hold a GPU that
 * nobody sees in use, outlive the container, and every further start would be refused ("task ...:
 * already exists"). Their control group carries the container's id, so they can be found and ended
 * without the engine; the container is then made anew, under another id. */

#ifndef BERTH_AGENT_LEFTOVER_H
#define BERTH_AGENT_LEFTOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "agent/docker.h"
#include "base/error.h"

/* Remove the container, running or not, and end what is left of it. One that is not there is
 * fine. */
NODISCARD bool leftover_remove(struct docker *docker, const char *container, struct error *err);

/* SIGKILL for that process, if it runs in the container: its number may be another's by the time
 * that it is used. Whether it was sent. */
bool leftover_end(pid_t pid, const char *container_id);

/* Whether a /proc/PID/cgroup names the container of this full id. */
bool leftover_is_in(const char *cgroup_text, const char *container_id);

/* Whether a /proc/PID/cmdline of that length is the engine's shim for the container of this id. */
bool leftover_is_shim(const char *command_line, size_t length, const char *container_id);

/* SIGKILL whatever runs in its control groups, and its shim where that does not end by itself,
 * until there is nothing, a few seconds at most. Only for a container that the engine says is not
 * running, or does not know any more. */
NODISCARD bool leftover_kill(const char *container_id, size_t *ret_count, struct error *err);

#endif
