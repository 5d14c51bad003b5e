/* SPDX-License-Identifier: Apache-2.0 */
/* The ways out of a copy's own network. rclone speaks with stores that strangers name, from where
 * this host stands: beside its neighbours and its own services. So it gets a network of its own, in
 * which nothing is but two ports on the loopback: one leads to the instance's SSH, and one is a
 * SOCKS proxy (RFC 1928) that connects by name to public addresses alone (sys/address.h), and to
 * what the host's owner has named: --private-clouds. Each connection is a process of nobody's, that
 * looks at the address it is about to connect to, after the name was resolved. */

#ifndef BERTH_AGENT_CLOUD_WAYS_H
#define BERTH_AGENT_CLOUD_WAYS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "base/error.h"

#define CLOUD_WAYS_ALL "all"
enum { CLOUD_WAYS_MAX = 64, CLOUD_WAYS_PORT_SOCKS = 1080, CLOUD_WAYS_PORT_FILES = 22 };

struct cloud_ways {
    int network;         /* of rclone: for setns() */
    int socks, files;    /* listening in there */
    int64_t ssh_port;    /* of the instance, at this host's loopback */
    const char *allowed; /* private stores, HOST:PORT with commas between; CLOUD_WAYS_ALL; NULL */
    uid_t uid;           /* whose the processes are */
    int count;           /* of them that run: the owner takes off those that it reaps */
};

#define CLOUD_WAYS_NONE ((struct cloud_ways){ .network = -1, .socks = -1, .files = -1 })
#define auto_cloud_ways __attribute__((cleanup(cloud_ways_close)))
void cloud_ways_close(struct cloud_ways *ways);

/* Only for programs of one thread; as root. */
NODISCARD bool cloud_ways_open(struct cloud_ways *ways, struct error *err);

/* Take what has come to a listener (ways->socks or ways->files), in a process of its own that ends
 * with its connection, and with the caller. Past CLOUD_WAYS_MAX it is closed again. */
void cloud_ways_take(struct cloud_ways *ways, int listener);

/* Whether `allowed` names that place. */
bool cloud_ways_allow(const char *allowed, const char *host, uint16_t port);

/* Speak SOCKS with `client` up to the connection that it asks for. -1: it was refused, and told. */
int cloud_ways_answer(int client, const char *allowed);

#endif
