/* SPDX-License-Identifier: Apache-2.0 */
/* Proofs on the wire: of compute (sys/proof.h) and of memory (sys/proof_memory.h). The desired
 * state's audit_id names the newest challenge; an agent that has not had that one asks for all that
 * it has not had, signed as always:
 *
 *   POST /agent/v1/challenge {} -> {"challenges":[{"id","gpu","token","kind","seed","n",
 *                                             "rounds","nonces"}]}
 *
 * From then on the server's clock runs. Who holds a token answers, with no other credential, so
 * that each GPU's child can do it by itself:
 *
 *   POST /agent/v1/liveness {"token","number"} -> {"nonce"}
 *   POST /agent/v1/commit   {"token","commitment"} -> {"draw","openings","part"}
 *   POST /agent/v1/opening  {"token","opening"} -> {"verdict","cells","draw"}
 *
 * "nonces" says how many are to be asked for, one after the other: the first CHALLENGE_PINGS at
 * once, which is how the server learns the round trip, the others when a live proof needs them.
 * `openings`, of rows or cells, may be 0: nothing is to be opened, this time. Which those are
 * follows from the 32 bytes of `draw` (proof_draw(), memory_draw()). Rows are shown `part` at a
 * time, in order, each part with all roots. The verdict is "good", "bad" or "more": then `cells`
 * says how many are to be shown next, and of memory `draw` which. Of memory `n` are the pages and
 * `rounds` the layers. Bytes are base64url.
 *
 * Of a disk (sys/proof_disk.h) `n` are blocks and `rounds` reads: the commitment is the end of the
 * file that was written, the opening a digest of what was read. Of a network (sys/proof_slice.h)
 * `n` are slices to receive and `rounds` slices to send: the commitment is the digest over those,
 * the opening that over their receipts.
 *
 *   POST /agent/v1/slice {"token","number"} -> bytes
 *   POST /agent/v1/fill  {"token","number","bytes"} -> {"receipt"}
 *
 * What an agent can answer is in its facts (market/machine.h): one of level 0 shows all rows at
 * once, so its matrices are small and CHALLENGE_OPENINGS its most. One below CHALLENGE_BESIDE ends
 * all proofs when anything of the machine is rented, and so is asked only while nothing is. */

#ifndef BERTH_PROTO_CHALLENGE_H
#define BERTH_PROTO_CHALLENGE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "market/audit.h"
#include "market/machine.h"

enum {
    CHALLENGES_MAX = GPUS_MAX,
    CHALLENGE_TOKEN_SIZE = 65,
    CHALLENGE_OPENINGS = 64,
    CHALLENGE_OPENINGS_MAX = 256,       /* after something odd */
    CHALLENGE_PART_MAX = 700 * 1024,    /* bytes of an opening that fit into one message */
    CHALLENGE_PARTS = 1,                /* levels: large matrices, in parts */
    CHALLENGE_TRIALS,                   /* and disk and network */
    CHALLENGE_BESIDE,                   /* and GPUs that are free beside ones that are rented */
    CHALLENGE_LEVEL = CHALLENGE_BESIDE, /* what this version's agents can answer */
    CHALLENGE_PINGS = 4,
    CHALLENGE_NONCES_MAX = 64,
    CHALLENGE_NUMBERS_MAX = 128, /* nonces, slices */
};

struct challenge {
    int64_t id;
    char gpu[GPU_UUID_SIZE];
    char token[CHALLENGE_TOKEN_SIZE];
    uint8_t seed[32];
    int64_t n, rounds;
    int64_t kind;   /* enum audit_kind */
    int64_t nonces; /* pings too */
};

struct challenge_list {
    int64_t count;
    struct challenge challenges[CHALLENGES_MAX];
};

struct challenge_commit {
    const char *token;
    uint8_t commitment[32];
};

struct challenge_draw {
    uint8_t draw[32];
    int64_t openings; /* 0: that was all */
    int64_t part;     /* of them that come first; the verdict asks for more */
};

struct challenge_ask {
    const char *token;
    int64_t number; /* from 0 */
};

struct challenge_nonce {
    int64_t nonce; /* 0 to 2^32 - 1 */
};

struct challenge_verdict {
    char verdict[16];
    int64_t cells; /* that are to be shown next, by */
    uint8_t draw[32];
};

void challenge_list_encode(struct buf *out, const struct challenge_list *list);
NODISCARD bool challenge_list_decode(const json_t *root, struct challenge_list *ret,
                                     struct error *err);
void challenge_commit_encode(struct buf *out, const struct challenge_commit *commit);
NODISCARD bool challenge_commit_decode(const json_t *root, struct challenge_commit *ret,
                                       struct error *err);
void challenge_draw_encode(struct buf *out, const struct challenge_draw *draw);
NODISCARD bool challenge_draw_decode(const json_t *root, struct challenge_draw *ret,
                                     struct error *err);

void challenge_ask_encode(struct buf *out, const struct challenge_ask *ask);
NODISCARD bool challenge_ask_decode(const json_t *root, struct challenge_ask *ret,
                                    struct error *err);
void challenge_nonce_encode(struct buf *out, const struct challenge_nonce *nonce);
NODISCARD bool challenge_nonce_decode(const json_t *root, struct challenge_nonce *ret,
                                      struct error *err);
void challenge_verdict_encode(struct buf *out, const struct challenge_verdict *verdict);
NODISCARD bool challenge_verdict_decode(const json_t *root, struct challenge_verdict *ret,
                                        struct error *err);

struct challenge_receipt {
    uint8_t receipt[32];
};
void challenge_receipt_encode(struct buf *out, const struct challenge_receipt *receipt);
NODISCARD bool challenge_receipt_decode(const json_t *root, struct challenge_receipt *ret,
                                        struct error *err);

/* A slice that is sent: {"token","number","bytes"}; `*ret_bytes` lies in the arena. */
struct challenge_slice {
    struct challenge_ask ask;
    const uint8_t *bytes;
    size_t length;
};
void challenge_slice_encode(struct buf *out, const struct challenge_slice *slice);
NODISCARD bool challenge_slice_decode(const json_t *root, struct arena *arena,
                                      struct challenge_slice *ret, struct error *err);

/* {"token","opening"}. */
void challenge_opening_encode(struct buf *out, const char *token, const void *opening,
                              size_t length);

/* `*ret_opening` lies in the arena. */
NODISCARD bool challenge_opening_decode(const json_t *root, struct arena *arena,
                                        const char **ret_token, const uint8_t **ret_opening,
                                        size_t *ret_length, struct error *err);

#endif
