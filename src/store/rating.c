/* SPDX-License-Identifier: Apache-2.0 */
#include "store/rating.h"

#include "store/rows.h"

static bool rating_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct rating_row *rating = item;

    rating->created = db_column_instant(row, 7);
    return rows_number(row, 0, 1, INT64_MAX, &rating->id, err) &&
           rows_number(row, 1, 1, INT64_MAX, &rating->contract_id, err) &&
           rows_number(row, 2, 1, INT64_MAX, &rating->machine_id, err) &&
           rows_number(row, 3, 1, INT64_MAX, &rating->host_id, err) &&
           rows_number(row, 4, 1, INT64_MAX, &rating->user_id, err) &&
           rows_number(row, 5, 1, 5, &rating->stars, err) &&
           rows_text(row, 6, arena, &rating->message, err);
}

static const struct rows_reader reader = { "rating", sizeof(struct rating_row), rating_read };

bool rating_insert(struct db *db, const struct rating_row *rating, struct error *err)
{
    int64_t id;

    return db_insert(
        db,
        "INSERT INTO rating (contract_id, machine_id, host_id, user_id, stars, message, "
        "created_us) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
        DB_ARGS(db_int(rating->contract_id), db_int(rating->machine_id), db_int(rating->host_id),
                db_int(rating->user_id), db_int(rating->stars), db_text(rating->message),
                db_instant(rating->created)),
        &id, err);
}

bool rating_has(struct db *db, int64_t contract_id, bool *ret_has, struct error *err)
{
    auto_db_rows struct db_rows rows = db_query(
        db, "SELECT COUNT(*) FROM rating WHERE contract_id = $1", DB_ARGS(db_int(contract_id)));

    if (!db_next(&rows, err))
        return false;
    *ret_has = db_column_int(&rows, 0) > 0;
    return true;
}

bool rating_sum(struct db *db, int64_t host_id, int64_t *ret_count, int64_t *ret_stars,
                struct error *err)
{
    auto_db_rows struct db_rows rows =
        db_query(db,
                 "SELECT COUNT(*), COUNT(*) + COUNT(CASE WHEN stars > 1 THEN 1 END) + "
                 "COUNT(CASE WHEN stars > 2 THEN 1 END) + COUNT(CASE WHEN stars > 3 THEN 1 END) + "
                 "COUNT(CASE WHEN stars > 4 THEN 1 END) FROM rating WHERE host_id = $1",
                 DB_ARGS(db_int(host_id)));

    if (!db_next(&rows, err))
        return false;
    *ret_count = db_column_int(&rows, 0);
    *ret_stars = db_column_int(&rows, 1);
    return true;
}

bool rating_list(struct db *db, int64_t host_id, size_t max, struct arena *arena,
                 struct rating_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT id, contract_id, machine_id, host_id, user_id, stars, message, "
                     "created_us FROM rating WHERE host_id = $1 ORDER BY id DESC LIMIT $2",
                     DB_ARGS(db_int(host_id), db_int((int64_t)max)), arena, ret, ret_count, err);
}
