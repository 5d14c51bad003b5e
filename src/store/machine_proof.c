/* SPDX-License-Identifier: Apache-2.0 */
#include "store/machine_proof.h"

#include <stdint.h>

#include "store/rows.h"

#define PROOF_COLUMNS                                                                              \
    "id, machine_id, gpu_uuid, n, rounds, seed, draw, token_hash, commitment, state, asked_us, "   \
    "sent_us, committed_us, done_us"

static bool proof_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct machine_proof_row *proof = item;
    int64_t state = db_column_int(row, 9);

    if (!audit_state_is_valid(state))
        return error_set(err, ERROR_CORRUPT, "a proof in a state that there is not");
    proof->state = (enum audit_state)state;
    proof->asked = db_column_instant(row, 10);
    proof->sent = db_column_instant(row, 11);
    proof->committed = db_column_instant(row, 12);
    proof->done = db_column_instant(row, 13);
    if (!db_column_is_null(row, 8) &&
        !rows_bytes(row, 8, proof->commitment, sizeof proof->commitment, err))
        return false;
    return rows_number(row, 0, 1, INT64_MAX, &proof->id, err) &&
           rows_number(row, 1, 1, INT64_MAX, &proof->machine_id, err) &&
           rows_text(row, 2, arena, &proof->gpu_uuid, err) &&
           rows_number(row, 3, 1, INT64_MAX, &proof->n, err) &&
           rows_number(row, 4, 1, INT64_MAX, &proof->rounds, err) &&
           rows_bytes(row, 5, proof->seed, sizeof proof->seed, err) &&
           rows_bytes(row, 6, proof->draw, sizeof proof->draw, err) &&
           rows_bytes(row, 7, proof->token_hash, sizeof proof->token_hash, err);
}

static const struct rows_reader reader = { "proof", sizeof(struct machine_proof_row), proof_read };

bool machine_proof_insert(struct db *db, const struct machine_proof_row *proof, int64_t *ret_id,
                          struct error *err)
{
    return db_insert(db,
                     "INSERT INTO machine_proof (machine_id, gpu_uuid, n, rounds, seed, draw, "
                     "token_hash, state, asked_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
                     "RETURNING id",
                     DB_ARGS(db_int(proof->machine_id), db_text(proof->gpu_uuid), db_int(proof->n),
                             db_int(proof->rounds), db_bytes(proof->seed, sizeof proof->seed),
                             db_bytes(proof->draw, sizeof proof->draw),
                             db_bytes(proof->token_hash, sizeof proof->token_hash),
                             db_int(proof->state), db_instant(proof->asked)),
                     ret_id, err);
}

bool machine_proof_asked(struct db *db, int64_t machine_id, size_t max, struct arena *arena,
                         struct machine_proof_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT " PROOF_COLUMNS " FROM machine_proof WHERE machine_id = $1 "
                     "AND state = 1 ORDER BY id LIMIT $2",
                     DB_ARGS(db_int(machine_id), db_int((int64_t)max)), arena, ret, ret_count, err);
}

bool machine_proof_find(struct db *db, const uint8_t token_hash[static 32], struct arena *arena,
                        struct machine_proof_row *ret, bool *ret_has, struct error *err)
{
    *ret = (struct machine_proof_row){ 0 };
    return rows_load_one(db, &reader,
                         "SELECT " PROOF_COLUMNS " FROM machine_proof WHERE token_hash = $1",
                         DB_ARGS(db_bytes(token_hash, 32)), arena, ret, ret_has, err);
}

bool machine_proof_move(struct db *db, const struct machine_proof_row *proof, enum audit_state from,
                        int64_t *ret_count, struct error *err)
{
    return db_count(db,
                    "UPDATE machine_proof SET state = $3, token_hash = $4, commitment = $5, "
                    "sent_us = $6, committed_us = $7, done_us = $8 WHERE id = $1 AND state = $2",
                    DB_ARGS(db_int(proof->id), db_int(from), db_int(proof->state),
                            db_bytes(proof->token_hash, sizeof proof->token_hash),
                            db_bytes(proof->commitment, sizeof proof->commitment),
                            db_instant(proof->sent), db_instant(proof->committed),
                            db_instant(proof->done)),
                    ret_count, err);
}

bool machine_proof_expire(struct db *db, struct instant before, struct instant now,
                          struct error *err)
{
    return db_exec(db,
                   "UPDATE machine_proof SET state = 6, done_us = $2 "
                   "WHERE state IN (1, 2, 3) AND asked_us < $1",
                   DB_ARGS(db_instant(before), db_instant(now)), err);
}

bool machine_proof_list(struct db *db, int64_t machine_id, size_t max, struct arena *arena,
                        struct machine_proof_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT " PROOF_COLUMNS " FROM machine_proof WHERE machine_id = $1 "
                     "ORDER BY id DESC LIMIT $2",
                     DB_ARGS(db_int(machine_id), db_int((int64_t)max)), arena, ret, ret_count, err);
}
