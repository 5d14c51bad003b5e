/* SPDX-License-Identifier: Apache-2.0 */
/* How a host joins and comes back: enrolment, then a session (control.md 3.6, 4.2).
 *
 *   POST /agent/v1/enroll   {"token","public_key","facts"} -> {"machine_id","server_key"}
 *   POST /agent/v1/nonce    {"machine_id"} -> {"nonce"}                 (60 s, one session)
 *   POST /agent/v1/session  {"machine_id","nonce","boot_id","agent_incarnation","fingerprint",
 *                            "facts","signature"} -> {"session_epoch","heartbeat_ms","lease_ms"}
 *   POST /agent/v1/key      {"public_key","proof","signature"} -> {}    in a session, which it ends
 *
 * Keys, nonces and signatures are base64url. The session's signature is Ed25519 over
 * hello_signed(). Newer agents also sign all of the session's body, facts and nonce and all, in the
 * header Berth-Signature, over hello_whole_signed(); what an agent says of its own program
 * (facts.agent_digest) counts only then. From then on every request of the machine carries the
 * headers
 *
 *   Berth-Machine, Berth-Epoch, Berth-Seq: decimal; Berth-Signature: over request_signed()
 *
 * A sequence number is taken once: heartbeats count in the stream "hb", held polls for the desired
 * state in "poll", results of operations in "op"; each only grows within an epoch. An old epoch
 * gets 409 and the agent opens a new session. */

#ifndef BERTH_PROTO_HELLO_H
#define BERTH_PROTO_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "market/machine.h"

enum {
    PROTO_BODY_MAX = 1 << 20,
    HEARTBEAT_MS = 5000,
    LEASE_MS = 30000,
};

struct enroll_request {
    const char *token;
    uint8_t public_key[32];
    int64_t machine_id; /* that it has been, and is to be again; 0: none */
    struct machine_facts facts;
};

struct enroll_reply {
    int64_t machine_id;
    uint8_t server_key[32]; /* signs destroy instructions (proto/desired.h) */
};

struct nonce_request {
    int64_t machine_id;
};

struct nonce_reply {
    uint8_t nonce[32];
};

struct session_request {
    int64_t machine_id;
    uint8_t nonce[32];
    char boot_id[64];          /* /proc/sys/kernel/random/boot_id */
    int64_t agent_incarnation; /* counts the agent's own starts, kept on its disk */
    uint8_t fingerprint[32];   /* hash over sorted GPU uuids, board serial, MAC addresses */
    struct machine_facts facts;
    uint8_t signature[64];

    /* Beside the body: the signature over all of it, if it has one, and what that is over. */
    bool has_whole_signature;
    uint8_t whole_signature[64];
    const char *body;
    size_t body_length;
};

struct session_reply {
    int64_t session_epoch;
    int64_t heartbeat_ms;
    int64_t lease_ms;
};

/* Another key for the machine: `proof` is the new one's, `signature` the present one's, both over
 * key_signed(). */
struct key_request {
    uint8_t public_key[32];
    uint8_t proof[64], signature[64];
};

void enroll_request_encode(struct buf *out, const struct enroll_request *request);
NODISCARD bool enroll_request_decode(const json_t *root, struct enroll_request *ret,
                                     struct error *err);
void enroll_reply_encode(struct buf *out, const struct enroll_reply *reply);
NODISCARD bool enroll_reply_decode(const json_t *root, struct enroll_reply *ret, struct error *err);
void nonce_request_encode(struct buf *out, const struct nonce_request *request);
NODISCARD bool nonce_request_decode(const json_t *root, struct nonce_request *ret,
                                    struct error *err);
void nonce_reply_encode(struct buf *out, const struct nonce_reply *reply);
NODISCARD bool nonce_reply_decode(const json_t *root, struct nonce_reply *ret, struct error *err);
void session_request_encode(struct buf *out, const struct session_request *request);
NODISCARD bool session_request_decode(const json_t *root, struct session_request *ret,
                                      struct error *err);
void session_reply_encode(struct buf *out, const struct session_reply *reply);
NODISCARD bool session_reply_decode(const json_t *root, struct session_reply *ret,
                                    struct error *err);

void key_request_encode(struct buf *out, const struct key_request *request);
NODISCARD bool key_request_decode(const json_t *root, struct key_request *ret, struct error *err);

/* Facts alone, as the server keeps them in a row. */
void machine_facts_encode(struct buf *out, const struct machine_facts *facts);
NODISCARD bool machine_facts_decode(const json_t *root, struct machine_facts *ret,
                                    struct error *err);

/* The bytes under a session's signature: domain, nonce, machine, boot id, incarnation,
 * fingerprint. */
void hello_signed(struct buf *out, const struct session_request *request);

/* And under that of all of its body. */
void hello_whole_signed(struct buf *out, int64_t machine_id, const char *body, size_t body_length);

/* Under those of another key: domain, machine, epoch, new key. */
void key_signed(struct buf *out, int64_t machine_id, int64_t session_epoch,
                const uint8_t public_key[static 32]);

/* The bytes under a request's signature: domain, method, path with query, machine, epoch,
 * stream, seq, and the body's bytes. */
struct request_stamp {
    const char *method, *path;
    int64_t machine_id, session_epoch, seq;
    const char *stream; /* "hb", "poll" or "op" */
};
void request_signed(struct buf *out, const struct request_stamp *stamp, const char *body,
                    size_t body_length);

#endif
