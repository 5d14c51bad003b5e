/* SPDX-License-Identifier: Apache-2.0 */
/* How a host joins and comes back: enrolment, then a session (control.md 3.6, 4.2).
 *
 *   POST /agent/v1/enroll   {"token","public_key","facts"} -> {"machine_id","server_key"}
 *   POST /agent/v1/nonce    {"machine_id"} -> {"nonce"}                        (valid 60 s, once)
 *   POST /agent/v1/session  {"machine_id","nonce","boot_id","agent_incarnation","fingerprint",
 *                            "facts","signature"} -> {"session_epoch","heartbeat_ms","lease_ms"}
 *
 * Keys, nonces and signatures are base64url. The session's signature is Ed25519 over
 * hello_signed(). From then on every request of the machine carries the headers
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

enum {
    GPUS_MAX = 64,
    GPU_UUID_SIZE = 64,
    NAME_SIZE = 128,
    PROTO_BODY_MAX = 1 << 20,
    HEARTBEAT_MS = 5000,
    LEASE_MS = 30000,
};

struct gpu_facts {
    char uuid[GPU_UUID_SIZE];
    char name[NAME_SIZE]; /* as in api.md, appendix D: "RTX 4090" */
    int64_t memory_mb;
    int64_t compute_cap;      /* times 100: 890; 0 unknown */
    int64_t power_max_w;      /* 0 unknown */
    int64_t pcie_gen, pcie_lanes; /* 0 unknown */
    char pci_bus[32];
};

/* What the machine is, measured by the agent. Every text is NUL-terminated, valid UTF-8. */
struct machine_facts {
    char hostname[NAME_SIZE];
    char os_version[NAME_SIZE];
    char cpu_name[NAME_SIZE];
    char cpu_arch[16]; /* "amd64" or "arm64" */
    int64_t cpu_cores; /* hardware threads */
    int64_t cpu_mhz;
    bool has_avx;
    int64_t ram_mb;
    char disk_name[NAME_SIZE];
    int64_t disk_gb;          /* what the agent may give away, GB of 2^30 bytes */
    int64_t disk_mbs;         /* measured sequential write, MB/s; 0 unknown */
    int64_t inet_up_kbps, inet_down_kbps; /* measured; 0 unknown */
    char public_ip[64];       /* where renters connect; "" unknown */
    int64_t port_first, port_last; /* direct ports, both included; 0 and -1: none */
    char driver_version[32];  /* "" without a GPU */
    int64_t cuda_version;     /* times 10: 128 is 12.8; 0 without */
    bool is_simulated;        /* the GPUs do not exist (--simulate-gpus) */
    char agent_version[32];
    char engine_version[32];
    int64_t gpu_count;
    struct gpu_facts gpus[GPUS_MAX];
};

struct enroll_request {
    const char *token;
    uint8_t public_key[32];
    struct machine_facts facts;
};

struct enroll_reply {
    int64_t machine_id;
    uint8_t server_key[32]; /* signs destroy instructions (proto/desired.h) */
};

struct session_request {
    int64_t machine_id;
    uint8_t nonce[32];
    char boot_id[64]; /* /proc/sys/kernel/random/boot_id */
    int64_t agent_incarnation; /* counts the agent's own starts, kept on its disk */
    uint8_t fingerprint[32];   /* hash over sorted GPU uuids, board serial, MAC addresses */
    struct machine_facts facts;
    uint8_t signature[64];
};

struct session_reply {
    int64_t session_epoch;
    int64_t heartbeat_ms;
    int64_t lease_ms;
};

void enroll_request_encode(struct buf *out, const struct enroll_request *request);
NODISCARD bool enroll_request_decode(const json_t *root, struct enroll_request *ret,
                                     struct error *err);
void enroll_reply_encode(struct buf *out, const struct enroll_reply *reply);
NODISCARD bool enroll_reply_decode(const json_t *root, struct enroll_reply *ret,
                                   struct error *err);
void session_request_encode(struct buf *out, const struct session_request *request);
NODISCARD bool session_request_decode(const json_t *root, struct session_request *ret,
                                      struct error *err);
void session_reply_encode(struct buf *out, const struct session_reply *reply);
NODISCARD bool session_reply_decode(const json_t *root, struct session_reply *ret,
                                    struct error *err);

/* Facts alone, as the server keeps them in a row. */
void machine_facts_encode(struct buf *out, const struct machine_facts *facts);
NODISCARD bool machine_facts_decode(const json_t *root, struct machine_facts *ret,
                                    struct error *err);

/* The bytes under a session's signature: domain, nonce, machine, boot id, incarnation,
 * fingerprint. */
void hello_signed(struct buf *out, const struct session_request *request);

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
