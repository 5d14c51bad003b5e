/* SPDX-License-Identifier: Apache-2.0 */
#include "store/decision.h"

#include <stdint.h>

#include "store/rows.h"

#define DECISION_SELECT                                                                            \
    "SELECT id, machine_id, at_us, rule_version, cause, inputs_hash, value_before, value_after, "  \
    "ran_before, runs_after FROM decision "

bool decision_insert(struct db *db, const struct decision_row *decision, int64_t *ret_id,
                     struct error *err)
{
    return db_insert(db,
                     "INSERT INTO decision (machine_id, at_us, rule_version, cause, inputs_hash, "
                     "value_before, value_after, ran_before, runs_after) "
                     "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
                     DB_ARGS(db_int(decision->machine_id), db_instant(decision->at),
                             db_int(decision->rule_version), db_text(decision->cause),
                             db_bytes(decision->inputs.bytes, sizeof decision->inputs.bytes),
                             db_int(decision->value_before), db_int(decision->value_after),
                             db_text(decision->ran_before), db_text(decision->runs_after)),
                     ret_id, err);
}

static bool decision_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct decision_row *decision = item;

    decision->at = db_column_instant(row, 2);
    return rows_number(row, 0, 1, INT64_MAX, &decision->id, err) &&
           rows_number(row, 1, 1, INT64_MAX, &decision->machine_id, err) &&
           rows_number(row, 3, 1, INT64_MAX, &decision->rule_version, err) &&
           rows_text(row, 4, arena, &decision->cause, err) &&
           rows_bytes(row, 5, decision->inputs.bytes, sizeof decision->inputs.bytes, err) &&
           rows_number(row, 6, 0, INT64_MAX, &decision->value_before, err) &&
           rows_number(row, 7, 0, INT64_MAX, &decision->value_after, err) &&
           rows_text(row, 8, arena, &decision->ran_before, err) &&
           rows_text(row, 9, arena, &decision->runs_after, err);
}

static const struct rows_reader reader = { "decision", sizeof(struct decision_row), decision_read };

bool decision_last(struct db *db, int64_t machine_id, struct arena *arena, struct decision_row *ret,
                   bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader,
                         DECISION_SELECT "WHERE machine_id = $1 ORDER BY id DESC LIMIT 1",
                         DB_ARGS(db_int(machine_id)), arena, ret, ret_has, err);
}

bool decision_load(struct db *db, int64_t id, struct arena *arena, struct decision_row *ret,
                   bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader, DECISION_SELECT "WHERE id = $1", DB_ARGS(db_int(id)), arena,
                         ret, ret_has, err);
}
