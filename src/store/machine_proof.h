/* SPDX-License-Identifier: Apache-2.0 */
/* Challenges to prove what a machine has, one for each GPU, and what came of them; and when all of
 * the market is asked at once. */

#ifndef BERTH_STORE_MACHINE_PROOF_H
#define BERTH_STORE_MACHINE_PROOF_H

#include "base/arena.h"
#include "base/buf.h"
#include "market/audit.h"
#include "store/db.h"

struct machine_proof_row {
    int64_t id, machine_id;
    const char *gpu_uuid;
    const char *model; /* the GPU's name; "" unknown */
    enum audit_kind kind;
    enum audit_company company;
    int64_t n, rounds;        /* of memory: pages, layers; a disk: blocks, reads; a network: slices
                               * received, sent */
    int64_t nonces, openings; /* as it was asked; no openings: the commitment is all */
    uint8_t seed[32], draw[32], token_hash[32];
    uint8_t commitment[32]; /* zeros before AUDIT_COMMITTED */
    enum audit_state state;
    struct instant asked, sent, committed, done; /* 0: not yet */

    int64_t trips;       /* answers since it was sent */
    struct instant trip; /* when the next one was asked for */
    int64_t rtt_us;      /* the least round trip seen by then; 0: none */
    int64_t late;        /* answers that came too late */
    int64_t net_us;      /* the work's own time, and of that a round's; 0: not known yet */
    int64_t round_ns;
    int64_t half_us; /* of a trial: the time of its second half, of which net_us is the first */
    int64_t seen;    /* enum audit_suspicion, bits */
};

NODISCARD bool machine_proof_insert(struct db *db, const struct machine_proof_row *proof,
                                    int64_t *ret_id, struct error *err);

/* Those that were asked and not sent, oldest first. */
NODISCARD bool machine_proof_asked(struct db *db, int64_t machine_id, size_t max,
                                   struct arena *arena, struct machine_proof_row **ret,
                                   size_t *ret_count, struct error *err);

NODISCARD bool machine_proof_find(struct db *db, const uint8_t token_hash[static 32],
                                  struct arena *arena, struct machine_proof_row *ret, bool *ret_has,
                                  struct error *err);

/* All of `proof->id` that can change, if it is still in state `from` with so many trips. */
struct machine_proof_from {
    enum audit_state state;
    int64_t trips;
};
NODISCARD bool machine_proof_move(struct db *db, const struct machine_proof_row *proof,
                                  struct machine_proof_from from, int64_t *ret_count,
                                  struct error *err);

/* What a check has summed up between two parts of an opening (sys/proof_verify.h): put away, in
 * place of what was there, and taken out; into `ret`, whose limit is its size. Nothing: it stays
 * empty. */
NODISCARD bool machine_proof_keep_sums(struct db *db, int64_t id, const struct buf *sums,
                                       struct error *err);
NODISCARD bool machine_proof_sums(struct db *db, int64_t id, struct buf *ret, struct error *err);
NODISCARD bool machine_proof_drop_sums(struct db *db, int64_t id, struct error *err);

/* Machines that were asked something before `before` that has no end yet. */
NODISCARD bool machine_proof_late(struct db *db, struct instant before, int64_t *ret_ids,
                                  size_t max, size_t *ret_count, struct error *err);

/* Of which kinds that is of one of them, enum audit_kind, as far as nobody has held the GPU since
 * AUDIT_PATIENCE_US before it was asked: it may have taken so long to get it back. Not `by_gpu`,
 * and for trials: any of the machine's GPUs. */
NODISCARD bool machine_proof_late_kinds(struct db *db, int64_t machine_id, struct instant before,
                                        bool by_gpu, int64_t *ret_kinds, size_t max,
                                        size_t *ret_count, struct error *err);

/* Whether anybody has held any of the machine's GPUs since as long before that moment. */
NODISCARD bool machine_proof_is_beside(struct db *db, int64_t machine_id, struct instant asked,
                                       bool *ret, struct error *err);

/* A GPU has a wrong or odd answer, or none, and no right one of that kind since. */
NODISCARD bool machine_proof_has_unmended(struct db *db, int64_t machine_id, bool *ret,
                                          struct error *err);

/* What that is of one of them is unanswered: how many. */
NODISCARD bool machine_proof_expire(struct db *db, int64_t machine_id, struct instant before,
                                    struct instant now, int64_t *ret_count, struct error *err);

/* Something that it was asked has no end yet. */
NODISCARD bool machine_proof_has_open(struct db *db, int64_t machine_id, bool *ret,
                                      struct error *err);

/* It has ever given a right answer. */
NODISCARD bool machine_proof_has_good(struct db *db, int64_t machine_id, bool *ret,
                                      struct error *err);

/* Those of the machine that were asked in that moment. */
NODISCARD bool machine_proof_group(struct db *db, int64_t machine_id, struct instant asked,
                                   struct arena *arena, struct machine_proof_row **ret,
                                   size_t *ret_count, struct error *err);

/* The newest good proof of compute of that GPU in that machine; `company` narrows it, or is
 * MACHINE_PROOF_ANY. */
enum { MACHINE_PROOF_ANY = -1 };
NODISCARD bool machine_proof_last(struct db *db, int64_t machine_id, const char *gpu_uuid,
                                  int company, struct arena *arena, struct machine_proof_row *ret,
                                  bool *ret_has, struct error *err);

/* The newest of that kind, which is a trial, however it ended. */
NODISCARD bool machine_proof_last_trial(struct db *db, int64_t machine_id, enum audit_kind kind,
                                        struct arena *arena, struct machine_proof_row *ret,
                                        bool *ret_has, struct error *err);

/* How many good ones there are of a model and size, and what a round took in the fastest thousandth
 * of them, nanoseconds. */
NODISCARD bool machine_proof_class(struct db *db, const char *model, int64_t n, int64_t *ret_count,
                                   int64_t *ret_round_ns, struct error *err);

/* The census that is next: when; `*ret_has` false: none was planned. */
struct census {
    int64_t id;
    struct instant at;
};
NODISCARD bool census_next(struct db *db, struct census *ret, bool *ret_has, struct error *err);
NODISCARD bool census_plan(struct db *db, struct instant at, struct error *err);
NODISCARD bool census_set_done(struct db *db, int64_t id, int64_t *ret_count, struct error *err);

/* Of all machines those that somebody ought to look at, below `before`, newest first: wrong,
 * without an answer, or odd. */
NODISCARD bool machine_proof_troubles(struct db *db, int64_t before, size_t max,
                                      struct arena *arena, struct machine_proof_row **ret,
                                      size_t *ret_count, struct error *err);

/* The machine's, newest first. */
NODISCARD bool machine_proof_list(struct db *db, int64_t machine_id, size_t max,
                                  struct arena *arena, struct machine_proof_row **ret,
                                  size_t *ret_count, struct error *err);

#endif
