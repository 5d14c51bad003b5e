/* SPDX-License-Identifier: Apache-2.0 */
/* What a relay and an agent say to each other, so that a host without open ports is reached.
 *
 *     renter ──TCP──> relay <──TCP or TLS── agent ──> 127.0.0.1, a port of the instance
 *
 * The agent dials, always. One connection is for control; the relay asks on it for a connection
 * back whenever a renter comes, and from the frame BACK on that connection is the renter's alone,
 * byte for byte: nothing is framed, so the kernel can move it (sys/pump.h).
 *
 *     control   CALL -> <- NONCE, PROOF -> <- WELCOME, then OPEN, OPEN_FLOWS, REFUSE, PING and PONG
 *     back      BACK ->, then the renter's bytes both ways
 *
 * PROOF is the machine's Ed25519 signature over relay_signed(): which relay, which nonce, which
 * epoch of its session. An older epoch is turned away. The token in OPEN is what BACK shows; nobody
 * else has seen it.
 *
 * A frame is a head of RELAY_HEAD bytes (mark, version, type, length of the body) and a body whose
 * length follows from its type. Numbers are big-endian. */

#ifndef BERTH_PROTO_RELAY_H
#define BERTH_PROTO_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
    RELAY_HEAD = 4,
    RELAY_NONCE_SIZE = 32,
    RELAY_SIGNATURE_SIZE = 64,
    RELAY_TOKEN_SIZE = 16,
    RELAY_ADDRESS_SIZE = 16, /* IPv6, or IPv4 mapped into it */
    RELAY_FRAME_MAX = RELAY_HEAD + RELAY_SIGNATURE_SIZE,
    RELAY_PING_MS = 5000,  /* each side, whatever else it sends */
    RELAY_DEAD_MS = 16000, /* without a word: three pings were lost */
    RELAY_BACK_MS = 10000, /* from OPEN to BACK */
    RELAY_SSH_PORT = 22,   /* inside: the host's SSH front, whatever the container listens to */
};

enum relay_type {
    RELAY_CALL = 1, /* agent: I am this machine, in this epoch */
    RELAY_NONCE,    /* relay: prove it */
    RELAY_PROOF,    /* agent */
    RELAY_WELCOME,  /* relay */
    RELAY_OPEN,     /* relay: somebody wants that port of that instance */
    RELAY_REFUSE,   /* agent: nothing answers there */
    RELAY_PING,     /* either: say PONG with the same number */
    RELAY_PONG,
    RELAY_BACK,       /* agent, first on a connection of its own: here it is */
    RELAY_OPEN_FLOWS, /* relay: as OPEN, for a port of UDP; what follows is sys/datagrams.h's */
    RELAY_TYPE_LAST = RELAY_OPEN_FLOWS,
};

/* What a frame has depends on its type; the rest is zero. */
struct relay_frame {
    enum relay_type type;
    int64_t machine_id, epoch;               /* CALL */
    int64_t relay_id;                        /* NONCE */
    uint8_t nonce[RELAY_NONCE_SIZE];         /* NONCE */
    uint8_t signature[RELAY_SIGNATURE_SIZE]; /* PROOF */
    uint8_t token[RELAY_TOKEN_SIZE];         /* OPEN, OPEN_FLOWS, REFUSE, BACK */
    int64_t instance_id;                     /* OPEN, OPEN_FLOWS, as what follows */
    uint16_t port;                           /* inside the container */
    uint16_t from_port;                      /* the renter's */
    uint8_t from[RELAY_ADDRESS_SIZE];
    uint64_t number; /* PING, PONG */
};

/* Returns the frame's length. */
size_t relay_frame_write(const struct relay_frame *frame, uint8_t out[static RELAY_FRAME_MAX]);

enum relay_read {
    RELAY_READ_MORE, /* what is there is a beginning */
    RELAY_READ_FRAME,
    RELAY_READ_BAD, /* no such frame: nothing else from there is worth reading */
};

/* The frame at the front of `count` bytes. Only RELAY_READ_FRAME sets the outputs. */
enum relay_read relay_frame_read(const uint8_t *bytes, size_t count, struct relay_frame *ret,
                                 size_t *ret_used);

/* How many bytes the frame at the front has in all, from its head alone; 0: it is no frame. */
size_t relay_frame_size(const uint8_t head[static RELAY_HEAD]);

/* What stands under a proof: domain, relay, nonce, machine, epoch. */
struct relay_claim {
    int64_t relay_id, machine_id, epoch;
    const uint8_t *nonce; /* RELAY_NONCE_SIZE bytes */
};
void relay_signed(struct buf *out, const struct relay_claim *claim);

#endif
