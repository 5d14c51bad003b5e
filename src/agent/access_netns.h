/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets that live in a container's network.
 *
 * A socket belongs to the network namespace in which it was made, whoever holds it later. So root
 * steps in for as long as socket() takes, and hands the socket to a process that could not go
 * there itself. The container is known by its first process, held by its directory in /proc: once
 * that is gone, the number may be another's, but the directory stays dead. */

#ifndef BERTH_AGENT_ACCESS_NETNS_H
#define BERTH_AGENT_ACCESS_NETNS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "base/error.h"

struct netns {
    int process; /* directory /proc/PID; -1: none is open */
    int network; /* its ns/net */
};

#define NETNS_NONE ((struct netns){ -1, -1 })
#define auto_netns __attribute__((cleanup(netns_close)))
void netns_close(struct netns *netns);

/* The network of process `pid`, if it belongs to the container. ERROR_NOT_FOUND: it has ended, or
 * is another's by now. */
NODISCARD bool netns_open(pid_t pid, const char *container_id, struct netns *ret_netns,
                          struct error *err);

/* Whether the process that it was opened by still runs. */
bool netns_is_alive(const struct netns *netns);

/* A non-blocking socket in there, or -1 with errno. Only for programs of one thread. */
int netns_socket(const struct netns *netns, int domain, int type);

/* Its address there that the host reaches it at: the engine calls its device eth0. ERROR_NOT_FOUND:
 * it has none. */
NODISCARD bool netns_address(const struct netns *netns, struct in_addr *ret_address,
                             struct error *err);

/* Connected to the helper that serves `name` in there, or -1 with errno. */
int netns_connect(const struct netns *netns, const char *name);

/* Listening at `address`: "" or "*" for all, "localhost", or a number of the domain (4 or 6).
 * Port 0 has one chosen. -1 with errno. */
int netns_listen(const struct netns *netns, int version, const char *address, uint16_t port,
                 uint16_t *ret_port);

#endif
