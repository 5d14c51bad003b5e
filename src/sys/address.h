/* SPDX-License-Identifier: Apache-2.0 */
/* Whether an address is one of the public internet's: what a server may be sent to by a stranger.
 *
 * Not public is what IANA's special-purpose registries (RFC 6890 and its successors) do not give
 * out for use everywhere: this host, private and carrier networks, link-local, documentation,
 * benchmarks, multicast, what is reserved. Of IPv6 only 2000::/3 is given out at all, and what of
 * it wraps IPv4 (6to4, Teredo) is not public either; a mapped IPv4 address counts as what it maps.
 */

#ifndef BERTH_SYS_ADDRESS_H
#define BERTH_SYS_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* Of a family other than IPv4 and IPv6: false. */
bool address_is_public(const struct sockaddr *address);

#endif
