/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent and its tunnel say to each other: datagrams of one socket pair, between a process
 * and its own child, so structs as they are.
 *
 *     agent -> tunnel   TUNNEL_TABLE with a memory file: lines of text
 *                           machine ID EPOCH
 *                           relay ID HOST PORT PIN      PIN "-": plain TCP
 *                           port INSTANCE INSIDE ADDRESS OUTSIDE tcp|udp
 *     tunnel -> agent   TUNNEL_SIGN: relay and nonce
 *     agent -> tunnel   TUNNEL_SIGNED: the same, and the signature */

#ifndef BERTH_AGENT_TUNNEL_WIRE_H
#define BERTH_AGENT_TUNNEL_WIRE_H

#include <stdint.h>

#include "proto/relay.h"

enum tunnel_message_type { TUNNEL_TABLE = 1, TUNNEL_SIGN, TUNNEL_SIGNED };

struct tunnel_message {
    int64_t type, relay_id, epoch;
    uint8_t nonce[RELAY_NONCE_SIZE];
    uint8_t signature[RELAY_SIGNATURE_SIZE];
};

#endif
