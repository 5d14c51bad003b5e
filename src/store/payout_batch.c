/* SPDX-License-Identifier: Apache-2.0 */
#include "store/payout_batch.h"

#include "store/driver.h"
#include "store/rows.h"

#define BATCH_SELECT                                                                               \
    "SELECT id, provider, object_id, state, looks, made_us, next_us FROM payout_batch WHERE "

static bool batch_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct payout_batch_row *batch = item;
    int64_t state;

    if (!rows_number(row, 3, PAYOUT_BATCH_SENT, PAYOUT_BATCH_OVER, &state, err))
        return false;
    *batch = (struct payout_batch_row){ .id = db_column_int(row, 0),
                                        .state = (enum payout_batch_state)state,
                                        .looks = db_column_int(row, 4),
                                        .made = db_column_instant(row, 5),
                                        .next = db_column_instant(row, 6) };
    return rows_text(row, 1, arena, &batch->provider, err) &&
           rows_text(row, 2, arena, &batch->object_id, err);
}

static const struct rows_reader batch_reader = { "batch of payouts",
                                                 sizeof(struct payout_batch_row), batch_read };

bool payout_batch_insert(struct db *db, const struct payout_batch_row *row, int64_t *ret_id,
                         struct error *err)
{
    return db_insert(db,
                     "INSERT INTO payout_batch (provider, object_id, state, looks, made_us, "
                     "next_us) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
                     DB_ARGS(db_text(row->provider), db_text(row->object_id), db_int(row->state),
                             db_int(row->looks), db_instant(row->made), db_instant(row->next)),
                     ret_id, err);
}

bool payout_batch_load(struct db *db, int64_t id, struct arena *arena, struct payout_batch_row *ret,
                       bool *ret_has, struct error *err)
{
    return rows_load_one(db, &batch_reader, BATCH_SELECT "id = $1", DB_ARGS(db_int(id)), arena, ret,
                         ret_has, err);
}

bool payout_batch_find(struct db *db, const char *provider, const char *object_id,
                       struct arena *arena, struct payout_batch_row *ret, bool *ret_has,
                       struct error *err)
{
    return rows_load_one(db, &batch_reader, BATCH_SELECT "provider = $1 AND object_id = $2",
                         DB_ARGS(db_text(provider), db_text(object_id)), arena, ret, ret_has, err);
}

bool payout_batch_update(struct db *db, const struct payout_batch_row *row, struct error *err)
{
    return db_exec(db,
                   "UPDATE payout_batch SET object_id = $2, state = $3, looks = $4, next_us = $5 "
                   "WHERE id = $1",
                   DB_ARGS(db_int(row->id), db_text(row->object_id), db_int(row->state),
                           db_int(row->looks), db_instant(row->next)),
                   err);
}

bool payout_batch_due(struct db *db, const char *provider, struct instant now, size_t max,
                      struct arena *arena, struct payout_batch_row **ret, size_t *ret_count,
                      struct error *err)
{
    return rows_load(db, &batch_reader,
                     BATCH_SELECT "provider = $1 AND state = 1 AND next_us <= $2 "
                                  "ORDER BY next_us, id LIMIT $3",
                     DB_ARGS(db_text(provider), db_instant(now), db_int((int64_t)max)), arena, ret,
                     ret_count, err);
}

struct due {
    bool has;
    struct instant at;
};

static bool due_read(struct db_rows *row, void *context, struct error *err)
{
    struct due *due = context;

    (void)err;
    due->has = !db_column_is_null(row, 0);
    due->at = db_column_instant(row, 0);
    return true;
}

bool payout_batch_next(struct db *db, struct instant *ret, bool *ret_has, struct error *err)
{
    struct due due = { .has = false };
    bool has_row;

    if (!db_query_one(db, "SELECT min(next_us) FROM payout_batch WHERE state = 1", DB_NO_ARGS,
                      due_read, &due, &has_row, err))
        return error_context(err, "look for batches of payouts");
    *ret_has = due.has;
    if (due.has)
        *ret = due.at;
    return true;
}

static bool item_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct payout_batch_item *one = item;

    one->payout_id = db_column_int(row, 0);
    one->amount = db_column_money(row, 1);
    return rows_text(row, 2, arena, &one->account, err);
}

static const struct rows_reader item_reader = { "payout of a batch",
                                                sizeof(struct payout_batch_item), item_read };

bool payout_batch_waiting(struct db *db, const char *provider, struct instant cut,
                          struct instant now, size_t max, struct arena *arena,
                          struct payout_batch_item **ret, size_t *ret_count, struct error *err)
{
    return rows_load(
        db, &item_reader,
        "SELECT p.id, p.amount, r.account FROM payout_route r "
        "JOIN payout p ON p.id = r.payout_id WHERE r.batch_id = 0 "
        "AND p.provider = $1 AND p.state IN (1, 2, 3) AND p.cut_us <= $2 "
        "AND r.next_us <= $3 ORDER BY p.id LIMIT $4",
        DB_ARGS(db_text(provider), db_instant(cut), db_instant(now), db_int((int64_t)max)), arena,
        ret, ret_count, err);
}

bool payout_batch_items(struct db *db, int64_t batch_id, struct arena *arena,
                        struct payout_batch_item **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &item_reader,
                     "SELECT p.id, p.amount, r.account FROM payout_route r "
                     "JOIN payout p ON p.id = r.payout_id WHERE r.batch_id = $1 ORDER BY p.id",
                     DB_ARGS(db_int(batch_id)), arena, ret, ret_count, err);
}

bool payout_batch_put(struct db *db, const struct payout_batch_move *move, struct error *err)
{
    int64_t count;

    if (!db_count(db,
                  "UPDATE payout_route SET batch_id = $3, next_us = $4 WHERE payout_id = $1 "
                  "AND batch_id = $2",
                  DB_ARGS(db_int(move->payout_id), db_int(move->from), db_int(move->to),
                          db_instant(move->next)),
                  &count, err))
        return false;
    return count == 1 ||
           db_fail(db, DB_FAILURE_RETRY, ERROR_CONFLICT, err,
                   "payout %lld was put into a batch by another", (long long)move->payout_id);
}
