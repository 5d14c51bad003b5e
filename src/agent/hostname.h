/* SPDX-License-Identifier: Apache-2.0 */
/* The host name of an instance that joined the network of a holder (agent/holder.h).
 *
 * The engine allows such a container no name of its own and no /etc/hosts: it starts under the
 * holder's name and shares the holder's files. So the files are rewritten before it starts, and
 * the agent, who is root outside, gives its first process the name as soon as there is one; every
 * program in the container has it from then on, and none may change it. The entrypoint waits for
 * the name (berth-guest launch --hostname), so that no program of the renter sees another one. */

#ifndef BERTH_AGENT_HOSTNAME_H
#define BERTH_AGENT_HOSTNAME_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

enum { HOSTNAME_FILE_MAX = 64 * 1024 };

/* Give it to the container with that first process, at once. ERROR_NOT_FOUND: it has ended. Only
 * for programs of one thread. */
NODISCARD bool hostname_give(int64_t pid, const char *container_id, const char *hostname,
                             struct error *err);

/* `hosts`, as the engine wrote it, with `hostname` wherever a line names `holder`. */
void hostname_in_hosts(struct buf *out, const char *hosts, size_t length, const char *holder,
                       const char *hostname);

/* Make the files /etc/hostname and /etc/hosts, at these paths on the host, say so. They are
 * written in place: containers have them mounted. */
NODISCARD bool hostname_write(const char *hostname_path, const char *hosts_path, const char *holder,
                              const char *hostname, struct error *err);

#endif
