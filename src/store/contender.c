/* SPDX-License-Identifier: Apache-2.0 */
#include "store/contender.h"

#include <stdint.h>

#include "market/machine.h"
#include "store/rows.h"

static bool contender_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct contender_row *contender = item;
    int64_t kind = db_column_int(row, 2), state = db_column_int(row, 3);
    int64_t reason = db_column_int(row, 4);

    (void)arena;
    if (!rental_kind_is_valid(kind) || !rental_state_is_valid(state) ||
        !rental_reason_is_valid(reason) || (kind == KIND_BID && db_column_int(row, 12) < 1))
        return error_set(err, ERROR_CORRUPT, "kind %lld, state %lld, reason %lld", (long long)kind,
                         (long long)state, (long long)reason);
    contender->kind = (enum rental_kind)kind;
    contender->state = (enum rental_state)state;
    contender->reason = (enum rental_reason)reason;
    contender->state_at = db_column_instant(row, 7);
    contender->end = db_column_instant(row, 8);
    contender->started = db_column_instant(row, 9);
    contender->ran = db_column_instant(row, 10);
    contender->t_zero = db_column_instant(row, 11);
    contender->bid = (struct bid_row){
        .contract_id = db_column_int(row, 0),
        .ticks = db_column_int(row, 12),
        .max_ticks = db_column_int(row, 13),
        .floor_ticks = db_column_int(row, 14),
        .grace_s = db_column_int(row, 15),
        .resumes = db_column_int(row, 16) != 0,
        .placed = db_column_instant(row, 17),
        .lowered = db_column_instant(row, 18),
        .keep_ticks = db_column_int(row, 19),
    };
    return rows_number(row, 0, 1, INT64_MAX, &contender->id, err) &&
           rows_number(row, 1, 1, INT64_MAX, &contender->owner_id, err) &&
           rows_number(row, 5, 0, GPUS_MAX, &contender->num_gpus, err) &&
           rows_number(row, 6, 1, INT64_MAX, &contender->disk_gb, err);
}

bool contender_list(struct db *db, int64_t machine_id, struct instant now, struct arena *arena,
                    struct contender_row **ret, size_t *ret_count, struct error *err)
{
    static const struct rows_reader reader = { "contender", sizeof(struct contender_row),
                                               contender_read };

    /* States: market/rental_states.def. 7 and 3 or 19: stopped, its lifetime over or cut short. */
    return rows_load(
        db, &reader,
        "SELECT c.id, c.owner_id, c.kind, c.state, c.reason, c.num_gpus, c.disk_gb, c.state_us, "
        "c.end_us, c.started_us, c.ran_us, "
        "CASE WHEN c.kind = 3 THEN 9223372036854775807 ELSE u.t_zero_us END, COALESCE(b.ticks, 0), "
        "COALESCE(b.max_ticks, 0), COALESCE(b.floor_ticks, 0), COALESCE(b.grace_s, 0), "
        "COALESCE(b.resumes, 0), COALESCE(b.placed_us, 0), COALESCE(b.lowered_us, 0), "
        "COALESCE(b.keep_ticks, 0) FROM contract c JOIN users u ON u.id = c.owner_id "
        "LEFT JOIN bid b ON b.contract_id = c.id "
        "WHERE c.machine_id = $1 AND c.state <> 9 AND c.destroyed_us = 0 "
        "AND (c.state IN (1, 2, 3, 4, 5, 10) OR (c.kind = 2 AND c.state = 7 AND c.reason IN (3, "
        "19) "
        "AND c.end_us > $2 AND b.resumes = 1)) ORDER BY c.id",
        DB_ARGS(db_int(machine_id), db_instant(now)), arena, ret, ret_count, err);
}
