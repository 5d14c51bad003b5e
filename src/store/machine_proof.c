/* SPDX-License-Identifier: Apache-2.0 */
#include "store/machine_proof.h"

#include <stdint.h>

#include "store/rows.h"

#define PROOF_COLUMNS                                                                              \
    "id, machine_id, gpu_uuid, n, rounds, seed, draw, token_hash, commitment, state, asked_us, "   \
    "sent_us, committed_us, done_us, kind, company, model, nonces, openings, trips, trip_us, "     \
    "rtt_us, late, net_us, round_ns, seen, trial, half_us"

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
    proof->kind = (enum audit_kind)(db_column_int(row, 26) != 0 ? db_column_int(row, 26)
                                                                : db_column_int(row, 14));
    proof->half_us = db_column_int(row, 27);
    proof->company = (enum audit_company)db_column_int(row, 15);
    proof->trips = db_column_int(row, 19);
    proof->trip = db_column_instant(row, 20);
    proof->rtt_us = db_column_int(row, 21);
    proof->late = db_column_int(row, 22);
    proof->net_us = db_column_int(row, 23);
    proof->round_ns = db_column_int(row, 24);
    proof->seen = db_column_int(row, 25);
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
           rows_bytes(row, 7, proof->token_hash, sizeof proof->token_hash, err) &&
           rows_text(row, 16, arena, &proof->model, err) &&
           rows_number(row, 17, 0, INT32_MAX, &proof->nonces, err) &&
           rows_number(row, 18, 0, INT32_MAX, &proof->openings, err);
}

static const struct rows_reader reader = { "proof", sizeof(struct machine_proof_row), proof_read };

bool machine_proof_insert(struct db *db, const struct machine_proof_row *proof, int64_t *ret_id,
                          struct error *err)
{
    bool is_trial = audit_kind_is_trial(proof->kind);

    return db_insert(db,
                     "INSERT INTO machine_proof (machine_id, gpu_uuid, n, rounds, seed, draw, "
                     "token_hash, state, asked_us, kind, company, model, nonces, openings, trial) "
                     "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) "
                     "RETURNING id",
                     DB_ARGS(db_int(proof->machine_id), db_text(proof->gpu_uuid), db_int(proof->n),
                             db_int(proof->rounds), db_bytes(proof->seed, sizeof proof->seed),
                             db_bytes(proof->draw, sizeof proof->draw),
                             db_bytes(proof->token_hash, sizeof proof->token_hash),
                             db_int(proof->state), db_instant(proof->asked),
                             db_int(is_trial ? AUDIT_MEMORY : proof->kind), db_int(proof->company),
                             db_text(proof->model), db_int(proof->nonces), db_int(proof->openings),
                             db_int(is_trial ? proof->kind : 0)),
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

bool machine_proof_move(struct db *db, const struct machine_proof_row *proof,
                        struct machine_proof_from from, int64_t *ret_count, struct error *err)
{
    return db_count(
        db,
        "UPDATE machine_proof SET state = $4, token_hash = $5, commitment = $6, sent_us = $7, "
        "committed_us = $8, done_us = $9, draw = $10, trips = $11, trip_us = $12, rtt_us = $13, "
        "late = $14, net_us = $15, round_ns = $16, seen = $17, half_us = $18 "
        "WHERE id = $1 AND state = $2 AND trips = $3",
        DB_ARGS(db_int(proof->id), db_int(from.state), db_int(from.trips), db_int(proof->state),
                db_bytes(proof->token_hash, sizeof proof->token_hash),
                db_bytes(proof->commitment, sizeof proof->commitment), db_instant(proof->sent),
                db_instant(proof->committed), db_instant(proof->done),
                db_bytes(proof->draw, sizeof proof->draw), db_int(proof->trips),
                db_instant(proof->trip), db_int(proof->rtt_us), db_int(proof->late),
                db_int(proof->net_us), db_int(proof->round_ns), db_int(proof->seen),
                db_int(proof->half_us)),
        ret_count, err);
}

bool machine_proof_keep_sums(struct db *db, int64_t id, const struct buf *sums, struct error *err)
{
    return db_exec(db,
                   "INSERT INTO machine_proof_sums (proof_id, sums) VALUES ($1, $2) "
                   "ON CONFLICT (proof_id) DO UPDATE SET sums = excluded.sums",
                   DB_ARGS(db_int(id), db_bytes(sums->bytes, sums->length)), err);
}

static bool sums_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct buf *ret = *(struct buf **)item;
    size_t length;
    const void *bytes = db_column_bytes(row, 0, &length);

    (void)arena;
    buf_append(ret, bytes, length);
    return !ret->has_overflowed ||
           error_set(err, ERROR_CORRUPT, "the sums of a check are too long");
}

bool machine_proof_sums(struct db *db, int64_t id, struct buf *ret, struct error *err)
{
    static const struct rows_reader sums_reader = { "sums", sizeof(struct buf *), sums_read };
    bool has;

    return rows_load_one(db, &sums_reader,
                         "SELECT sums FROM machine_proof_sums WHERE proof_id = $1",
                         DB_ARGS(db_int(id)), NULL, &ret, &has, err);
}

bool machine_proof_drop_sums(struct db *db, int64_t id, struct error *err)
{
    return db_exec(db, "DELETE FROM machine_proof_sums WHERE proof_id = $1", DB_ARGS(db_int(id)),
                   err);
}

bool machine_proof_late(struct db *db, struct instant before, int64_t *ret_ids, size_t max,
                        size_t *ret_count, struct error *err)
{
    return rows_load_ids(db,
                         "SELECT DISTINCT machine_id FROM machine_proof "
                         "WHERE state IN (1, 2, 3) AND asked_us < $1 ORDER BY machine_id LIMIT $2",
                         DB_ARGS(db_instant(before), db_int((int64_t)max)), ret_ids, max, ret_count,
                         err);
}

bool machine_proof_late_kinds(struct db *db, int64_t machine_id, struct instant before, bool by_gpu,
                              int64_t *ret_kinds, size_t max, size_t *ret_count, struct error *err)
{
    return rows_load_ids(db,
                         "SELECT DISTINCT CASE WHEN p.trial <> 0 THEN p.trial ELSE p.kind END "
                         "AS what FROM machine_proof p WHERE p.machine_id = $1 "
                         "AND p.state IN (1, 2, 3) AND p.asked_us < $2 AND NOT EXISTS ("
                         "  SELECT 1 FROM gpu_claim c JOIN gpu g ON g.id = c.gpu_id "
                         "  WHERE g.machine_id = p.machine_id "
                         "  AND ($4 = 0 OR p.gpu_uuid = '' OR g.uuid = p.gpu_uuid) "
                         "  AND (c.released_us IS NULL OR c.released_us > p.asked_us - $5)) "
                         "ORDER BY what LIMIT $3",
                         DB_ARGS(db_int(machine_id), db_instant(before), db_int((int64_t)max),
                                 db_int(by_gpu), db_int(AUDIT_PATIENCE_US)),
                         ret_kinds, max, ret_count, err);
}

bool machine_proof_expire(struct db *db, int64_t machine_id, struct instant before,
                          struct instant now, int64_t *ret_count, struct error *err)
{
    return db_exec(db,
                   "DELETE FROM machine_proof_sums WHERE proof_id IN (SELECT id FROM machine_proof "
                   "WHERE machine_id = $1 AND state IN (1, 2, 3) AND asked_us < $2)",
                   DB_ARGS(db_int(machine_id), db_instant(before)), err) &&
           db_count(db,
                    "UPDATE machine_proof SET state = 6, done_us = $3 "
                    "WHERE machine_id = $1 AND state IN (1, 2, 3) AND asked_us < $2",
                    DB_ARGS(db_int(machine_id), db_instant(before), db_instant(now)), ret_count,
                    err);
}

bool machine_proof_is_beside(struct db *db, int64_t machine_id, struct instant asked, bool *ret,
                             struct error *err)
{
    int64_t id;
    size_t count;

    if (!rows_load_ids(
            db,
            "SELECT c.id FROM gpu_claim c JOIN gpu g ON g.id = c.gpu_id "
            "WHERE g.machine_id = $1 "
            "AND (c.released_us IS NULL OR c.released_us > $2) LIMIT 1",
            DB_ARGS(db_int(machine_id), db_instant(instant_add(asked, -AUDIT_PATIENCE_US))), &id, 1,
            &count, err))
        return false;
    *ret = count > 0;
    return true;
}

static bool has_any(struct db *db, const char *sql, int64_t machine_id, bool *ret,
                    struct error *err)
{
    int64_t id;
    size_t count;

    if (!rows_load_ids(db, sql, DB_ARGS(db_int(machine_id)), &id, 1, &count, err))
        return false;
    *ret = count > 0;
    return true;
}

bool machine_proof_has_open(struct db *db, int64_t machine_id, bool *ret, struct error *err)
{
    return has_any(db,
                   "SELECT id FROM machine_proof WHERE machine_id = $1 AND state IN (1, 2, 3) "
                   "LIMIT 1",
                   machine_id, ret, err);
}

bool machine_proof_has_good(struct db *db, int64_t machine_id, bool *ret, struct error *err)
{
    return has_any(db, "SELECT id FROM machine_proof WHERE machine_id = $1 AND state = 4 LIMIT 1",
                   machine_id, ret, err);
}

bool machine_proof_has_unmended(struct db *db, int64_t machine_id, bool *ret, struct error *err)
{
    return has_any(db,
                   "SELECT p.id FROM machine_proof p WHERE p.machine_id = $1 AND p.trial = 0 "
                   "AND (p.state IN (5, 6) OR p.seen <> 0) AND NOT EXISTS ("
                   "  SELECT 1 FROM machine_proof q WHERE q.machine_id = p.machine_id "
                   "  AND q.gpu_uuid = p.gpu_uuid AND q.kind = p.kind AND q.trial = 0 "
                   "  AND q.state = 4 AND q.seen = 0 AND q.id > p.id) LIMIT 1",
                   machine_id, ret, err);
}

bool machine_proof_list(struct db *db, int64_t machine_id, size_t max, struct arena *arena,
                        struct machine_proof_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT " PROOF_COLUMNS " FROM machine_proof WHERE machine_id = $1 "
                     "ORDER BY id DESC LIMIT $2",
                     DB_ARGS(db_int(machine_id), db_int((int64_t)max)), arena, ret, ret_count, err);
}

bool machine_proof_group(struct db *db, int64_t machine_id, struct instant asked,
                         struct arena *arena, struct machine_proof_row **ret, size_t *ret_count,
                         struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT " PROOF_COLUMNS " FROM machine_proof WHERE machine_id = $1 "
                     "AND asked_us = $2 ORDER BY id",
                     DB_ARGS(db_int(machine_id), db_instant(asked)), arena, ret, ret_count, err);
}

bool machine_proof_last(struct db *db, int64_t machine_id, const char *gpu_uuid, int company,
                        struct arena *arena, struct machine_proof_row *ret, bool *ret_has,
                        struct error *err)
{
    *ret = (struct machine_proof_row){ 0 };
    return rows_load_one(
        db, &reader,
        "SELECT " PROOF_COLUMNS " FROM machine_proof WHERE machine_id = $1 "
        "AND gpu_uuid = $2 AND state = 4 AND kind = 1 AND ($3 < 0 OR company = $3) "
        "ORDER BY id DESC LIMIT 1",
        DB_ARGS(db_int(machine_id), db_text(gpu_uuid), db_int(company)), arena, ret, ret_has, err);
}

bool machine_proof_last_trial(struct db *db, int64_t machine_id, enum audit_kind kind,
                              struct arena *arena, struct machine_proof_row *ret, bool *ret_has,
                              struct error *err)
{
    *ret = (struct machine_proof_row){ 0 };
    return rows_load_one(db, &reader,
                         "SELECT " PROOF_COLUMNS " FROM machine_proof WHERE machine_id = $1 "
                         "AND trial = $2 AND trial <> 0 ORDER BY id DESC LIMIT 1",
                         DB_ARGS(db_int(machine_id), db_int(kind)), arena, ret, ret_has, err);
}

static bool number_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    int64_t *number = item;

    (void)arena;
    (void)err;
    *number = db_column_int(row, 0);
    return true;
}

static const struct rows_reader number_reader = { "proof", sizeof(int64_t), number_read };

bool machine_proof_class(struct db *db, const char *model, int64_t n, int64_t *ret_count,
                         int64_t *ret_round_ns, struct error *err)
{
    bool has;

    *ret_count = *ret_round_ns = 0;
    return rows_load_one(db, &number_reader,
                         "SELECT COUNT(*) FROM machine_proof WHERE model = $1 AND n = $2 "
                         "AND state = 4 AND kind = 1",
                         DB_ARGS(db_text(model), db_int(n)), NULL, ret_count, &has, err) &&
           rows_load_one(db, &number_reader,
                         "SELECT round_ns FROM machine_proof WHERE model = $1 AND n = $2 "
                         "AND state = 4 AND kind = 1 ORDER BY round_ns LIMIT 1 OFFSET $3",
                         DB_ARGS(db_text(model), db_int(n), db_int(*ret_count / 1000)), NULL,
                         ret_round_ns, &has, err);
}

static bool census_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct census *census = item;

    (void)arena;
    census->at = db_column_instant(row, 1);
    return rows_number(row, 0, 1, INT64_MAX, &census->id, err);
}

static const struct rows_reader census_reader = { "census", sizeof(struct census), census_read };

bool census_next(struct db *db, struct census *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(db, &census_reader,
                         "SELECT id, at_us FROM census WHERE is_done = 0 ORDER BY id LIMIT 1",
                         DB_NO_ARGS, NULL, ret, ret_has, err);
}

bool census_plan(struct db *db, struct instant at, struct error *err)
{
    return db_exec(db, "INSERT INTO census (at_us) VALUES ($1)", DB_ARGS(db_instant(at)), err);
}

bool census_set_done(struct db *db, int64_t id, int64_t *ret_count, struct error *err)
{
    return db_count(db, "UPDATE census SET is_done = 1 WHERE id = $1 AND is_done = 0",
                    DB_ARGS(db_int(id)), ret_count, err);
}

bool machine_proof_troubles(struct db *db, int64_t before, size_t max, struct arena *arena,
                            struct machine_proof_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT " PROOF_COLUMNS " FROM machine_proof "
                     "WHERE id < $1 AND (state IN (5, 6) OR seen <> 0) ORDER BY id DESC LIMIT $2",
                     DB_ARGS(db_int(before), db_int((int64_t)max)), arena, ret, ret_count, err);
}
