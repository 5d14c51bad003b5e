/* SPDX-License-Identifier: Apache-2.0 */
#include "store/payout.h"

#include "store/driver.h"
#include "store/rows.h"

#define PAYOUT_COLUMNS                                                                             \
    "id, host_id, cut_us, amount, state, provider, reference, reason, created_us, state_us"

static bool payout_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct payout_row *payout = item;
    int64_t state;

    if (!rows_number(row, 4, PAYOUT_CREATED, PAYOUT_CANCELLED, &state, err))
        return false;
    *payout = (struct payout_row){ .id = db_column_int(row, 0),
                                   .host_id = db_column_int(row, 1),
                                   .cut = db_column_instant(row, 2),
                                   .amount = db_column_money(row, 3),
                                   .state = (enum payout_state)state,
                                   .created = db_column_instant(row, 8),
                                   .state_at = db_column_instant(row, 9) };
    return rows_text(row, 5, arena, &payout->provider, err) &&
           rows_text(row, 6, arena, &payout->reference, err) &&
           rows_text(row, 7, arena, &payout->reason, err);
}

static const struct rows_reader reader = { "payout", sizeof(struct payout_row), payout_read };

bool payout_insert_later(struct db *db, const struct payout_row *payout, int64_t *ret_id,
                         struct error *err)
{
    return db_insert_later(
        db,
        "INSERT INTO payout (host_id, cut_us, amount, state, provider, reference, "
        "reason, created_us, state_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
        "RETURNING id",
        DB_ARGS(db_int(payout->host_id), db_instant(payout->cut), db_money(payout->amount),
                db_int(payout->state), db_text(payout->provider), db_text(payout->reference),
                db_text(payout->reason), db_instant(payout->created), db_instant(payout->state_at)),
        ret_id, err);
}

bool payout_load(struct db *db, int64_t id, struct arena *arena, struct payout_row *ret,
                 bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader, "SELECT " PAYOUT_COLUMNS " FROM payout WHERE id = $1",
                         DB_ARGS(db_int(id)), arena, ret, ret_has, err);
}

bool payout_update(struct db *db, const struct payout_row *payout, enum payout_state before,
                   struct error *err)
{
    int64_t count;

    if (!db_count(db,
                  "UPDATE payout SET state = $2, reference = $3, reason = $4, state_us = $5 "
                  "WHERE id = $1 AND state = $6",
                  DB_ARGS(db_int(payout->id), db_int(payout->state), db_text(payout->reference),
                          db_text(payout->reason), db_instant(payout->state_at), db_int(before)),
                  &count, err))
        return false;
    if (count != 1)
        return db_fail(db, DB_FAILURE_RETRY, ERROR_CONFLICT, err,
                       "payout %lld was moved by another", (long long)payout->id);
    return true;
}

bool payout_list(struct db *db, const struct payout_filter *filter, struct arena *arena,
                 struct payout_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT " PAYOUT_COLUMNS " FROM payout WHERE id > $1 "
                     "AND ($2 = 0 OR host_id = $2) AND ($3 = 0 OR state = $3) "
                     "ORDER BY id LIMIT $4",
                     DB_ARGS(db_int(filter->after), db_int(filter->host_id), db_int(filter->state),
                             db_int((int64_t)filter->max)),
                     arena, ret, ret_count, err);
}

bool payout_latest(struct db *db, const struct payout_range *range, struct arena *arena,
                   struct payout_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(
        db, &reader,
        "SELECT " PAYOUT_COLUMNS " FROM payout WHERE host_id = $1 AND cut_us < $2 "
        "ORDER BY cut_us DESC LIMIT $3",
        DB_ARGS(db_int(range->host_id), db_instant(range->before), db_int((int64_t)range->max)),
        arena, ret, ret_count, err);
}

static bool waiting_read(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(struct payout_waiting *)context = (struct payout_waiting){
        .count = db_column_int(row, 0),
        .since = db_column_instant(row, 1),
    };
    return true;
}

bool payout_waiting(struct db *db, struct payout_waiting *ret, struct error *err)
{
    bool has;

    return db_query_one(
        db,
        "SELECT COUNT(*), COALESCE(MIN(cut_us), 0) FROM payout "
        "WHERE state IN ($1, $2, $3)",
        DB_ARGS(db_int(PAYOUT_CREATED), db_int(PAYOUT_SUBMITTED), db_int(PAYOUT_IN_TRANSIT)),
        waiting_read, ret, &has, err);
}

static bool sum_read(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(struct money *)context = db_column_money(row, 0);
    return true;
}

bool payout_sum(struct db *db, int64_t host_id, struct money *ret, struct error *err)
{
    bool has;

    return db_query_one(db,
                        "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM payout "
                        "WHERE host_id = $1 AND state IN ($2, $3, $4, $5)",
                        DB_ARGS(db_int(host_id), db_int(PAYOUT_CREATED), db_int(PAYOUT_SUBMITTED),
                                db_int(PAYOUT_IN_TRANSIT), db_int(PAYOUT_PAID)),
                        sum_read, ret, &has, err);
}
