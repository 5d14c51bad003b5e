/* SPDX-License-Identifier: Apache-2.0 */
#include "store/payout_method.h"

#include "store/rows.h"

#define METHOD_SELECT                                                                              \
    "SELECT user_id, provider, country, account, is_ready, reason, links, link, created_us, "      \
    "updated_us, held_until_us FROM payout_method WHERE "

static bool method_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct payout_method_row *method = item;

    *method = (struct payout_method_row){ .user_id = db_column_int(row, 0),
                                          .is_ready = db_column_int(row, 4) != 0,
                                          .links = db_column_int(row, 6),
                                          .created = db_column_instant(row, 8),
                                          .updated = db_column_instant(row, 9),
                                          .held = db_column_instant(row, 10) };
    return rows_text(row, 1, arena, &method->provider, err) &&
           rows_text(row, 2, arena, &method->country, err) &&
           rows_text(row, 3, arena, &method->account, err) &&
           rows_text(row, 5, arena, &method->reason, err) &&
           rows_text(row, 7, arena, &method->link, err);
}

static const struct rows_reader method_reader = { "way to be paid",
                                                  sizeof(struct payout_method_row), method_read };

bool payout_method_load(struct db *db, int64_t user_id, struct arena *arena,
                        struct payout_method_row *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(db, &method_reader, METHOD_SELECT "user_id = $1", DB_ARGS(db_int(user_id)),
                         arena, ret, ret_has, err);
}

bool payout_method_list(struct db *db, int64_t first, int64_t last, struct arena *arena,
                        struct payout_method_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &method_reader, METHOD_SELECT "user_id BETWEEN $1 AND $2 ORDER BY user_id",
                     DB_ARGS(db_int(first), db_int(last)), arena, ret, ret_count, err);
}

bool payout_method_find(struct db *db, const char *provider, const char *account,
                        struct arena *arena, struct payout_method_row *ret, bool *ret_has,
                        struct error *err)
{
    return rows_load_one(db, &method_reader, METHOD_SELECT "provider = $1 AND account = $2",
                         DB_ARGS(db_text(provider), db_text(account)), arena, ret, ret_has, err);
}

bool payout_method_put(struct db *db, const struct payout_method_row *row, struct error *err)
{
    return db_exec(db,
                   "INSERT INTO payout_method (user_id, provider, country, account, is_ready, "
                   "reason, links, link, created_us, updated_us, held_until_us) "
                   "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) "
                   "ON CONFLICT (user_id) DO UPDATE SET provider = $2, country = $3, account = $4, "
                   "is_ready = $5, reason = $6, links = $7, link = $8, updated_us = $10, "
                   "held_until_us = $11",
                   DB_ARGS(db_int(row->user_id), db_text(row->provider), db_text(row->country),
                           db_text(row->account), db_int(row->is_ready), db_text(row->reason),
                           db_int(row->links), db_text(row->link), db_instant(row->created),
                           db_instant(row->updated), db_instant(row->held)),
                   err);
}

#define ROUTE_SELECT                                                                               \
    "SELECT payout_id, account, transfer, object_id, tries, failed_us, batch_id FROM "             \
    "payout_route "                                                                                \
    "WHERE "

static bool route_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct payout_route_row *route = item;

    *route = (struct payout_route_row){ .payout_id = db_column_int(row, 0),
                                        .tries = db_column_int(row, 4),
                                        .failed = db_column_instant(row, 5),
                                        .batch_id = db_column_int(row, 6) };
    return rows_text(row, 1, arena, &route->account, err) &&
           rows_text(row, 2, arena, &route->transfer, err) &&
           rows_text(row, 3, arena, &route->object_id, err);
}

static const struct rows_reader route_reader = { "route of a payout",
                                                 sizeof(struct payout_route_row), route_read };

bool payout_route_load(struct db *db, int64_t payout_id, struct arena *arena,
                       struct payout_route_row *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(db, &route_reader, ROUTE_SELECT "payout_id = $1",
                         DB_ARGS(db_int(payout_id)), arena, ret, ret_has, err);
}

bool payout_route_find(struct db *db, const char *account, const char *object_id,
                       struct arena *arena, struct payout_route_row *ret, bool *ret_has,
                       struct error *err)
{
    return rows_load_one(db, &route_reader, ROUTE_SELECT "account = $1 AND object_id = $2",
                         DB_ARGS(db_text(account), db_text(object_id)), arena, ret, ret_has, err);
}

bool payout_route_open(struct db *db, int64_t max, struct arena *arena,
                       struct payout_route_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(
        db, &route_reader,
        "SELECT r.payout_id, r.account, r.transfer, r.object_id, r.tries, r.failed_us, "
        "0 "
        "FROM payout_route r JOIN payout p ON p.id = r.payout_id "
        "WHERE p.state IN (2, 3) AND p.provider = 'stripe' AND r.object_id <> '' UNION ALL "
        "SELECT 0, account, '', '', 0, 0, 0 FROM payout_method "
        "WHERE is_ready = 0 AND provider = 'stripe' AND account <> '' ORDER BY 1 LIMIT $1",
        DB_ARGS(db_int(max)), arena, ret, ret_count, err);
}

bool payout_route_put(struct db *db, const struct payout_route_row *row, struct error *err)
{
    return db_exec(db,
                   "INSERT INTO payout_route (payout_id, account, transfer, object_id, tries, "
                   "failed_us) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (payout_id) DO UPDATE "
                   "SET transfer = $3, object_id = $4, tries = $5, failed_us = $6",
                   DB_ARGS(db_int(row->payout_id), db_text(row->account), db_text(row->transfer),
                           db_text(row->object_id), db_int(row->tries), db_instant(row->failed)),
                   err);
}
