/* SPDX-License-Identifier: Apache-2.0 */
/* The walls around guests: what their networks may reach, and what may reach them.
 *
 * A guest is a network (agent/slots.h): a bridge bt<N> with a subnet of its own. Guests reach the
 * internet, and nothing else: not the host, its neighbours or their router, not each other or each
 * other's published ports, no metadata service, no mail port. What comes in comes by a published
 * port. IPv6 is closed both ways, since the networks have none.
 *
 * The rules are nftables', in one table of our own, named after the host's identity: the engine
 * never touches it, a restart of either leaves it, and two agents on one machine each wall off
 * their own guests. It hooks in before the engine's rules; what it drops is dropped, what it lets
 * through the engine may still refuse. A guest is named in the table before anything starts in it,
 * and until after its bridge is gone, so that no packet ever meets an open door. */

#ifndef BERTH_AGENT_ISOLATE_H
#define BERTH_AGENT_ISOLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define ISOLATE_NOTE "walls" /* in the agent's folder: the table's name */

enum { ISOLATE_TABLE_SIZE = 32, ISOLATE_MBIT_MAX = 100000 };

struct isolate {
    char table[ISOLATE_TABLE_SIZE];
    char public_ip[64];         /* of the router that we are behind, perhaps; "" unknown */
    int64_t up_mbit, down_mbit; /* that each guest may use; 0: all there is */
};

/* Named after a host; see struct container_host. */
void isolate_name(struct isolate *isolate, const char *host);

/* Make the table what it should be, in one step. Guests that it has stay in it. */
NODISCARD bool isolate_build(const struct isolate *isolate, struct error *err);

/* Name a guest, or take its name out. Either may be repeated. The kernel takes some 15 ms for a
 * change, which it lets nobody see halfway. */
NODISCARD bool isolate_admit(const struct isolate *isolate, int64_t slot, struct error *err);
NODISCARD bool isolate_dismiss(const struct isolate *isolate, int64_t slot, struct error *err);

/* The same as admitting it, where it is not named: quicker where it is, but leaves its limits. */
NODISCARD bool isolate_ensure(const struct isolate *isolate, int64_t slot, struct error *err);

/* Who is named, at most `max`. */
NODISCARD bool isolate_guests(const struct isolate *isolate, int64_t *slots, size_t max,
                              size_t *ret_count, struct error *err);

/* Whether the table is there, with its rules: others may clear all there is. */
bool isolate_stands(const struct isolate *isolate);

/* Take it all away. A table that is not there is fine. */
NODISCARD bool isolate_remove(const char *table, struct error *err);

/* The same for the table that the agent with folder `data` noted there, when it has ended. */
NODISCARD bool isolate_forget(const char *data, struct error *err);

/* Whether this kernel would take the table; changes nothing. */
NODISCARD bool isolate_try(struct error *err);

#endif
