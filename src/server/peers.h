/* SPDX-License-Identifier: Apache-2.0 */
/* How many connections each address has, and whose word counts for somebody else's.
 *
 * The word of a trusted proxy is the header X-Forwarded-For: the client is the last address in it
 * that is not a trusted proxy itself, since whatever stands before that one is hearsay. From all
 * others the header is ignored. IPv6 clients count by their /64, which is what one customer has.
 *
 * Not thread-safe: the HTTP server calls with its lock held. Parsing addresses needs no lock. */

#ifndef BERTH_SERVER_PEERS_H
#define BERTH_SERVER_PEERS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/compiler.h"
#include "base/error.h"
#include "server/http.h"

struct peers;

/* `trusted`: numeric addresses, NULL-terminated, or NULL. ERROR_INVALID: one of them is none. */
NODISCARD bool peers_open(const char *const *trusted, unsigned per_address_max,
                          struct peers **ret_peers, struct error *err);
void peers_close(struct peers **peers);

/* IPv4 addresses are mapped into IPv6, so that there is one kind. Others than these two are ::. */
struct in6_addr peer_address(const struct sockaddr *address);

/* "192.0.2.1" or "2001:db8::1". Returns `text`. */
char *peer_format(const struct in6_addr *address, char text[static HTTP_ADDRESS_SIZE]);

bool peers_trust(const struct peers *peers, const struct in6_addr *address);

/* Whether one more connection from there would be within the limit. */
bool peers_admit(struct peers *peers, const struct in6_addr *address);

/* One connection more from there. */
void peers_enter(struct peers *peers, const struct in6_addr *address);

/* One connection less from an address that entered. */
void peers_leave(struct peers *peers, const struct in6_addr *address);

/* Who the client is, given the connection's address and X-Forwarded-For, or NULL. */
struct in6_addr peers_client(const struct peers *peers, const struct in6_addr *address,
                             const char *forwarded);

#endif
