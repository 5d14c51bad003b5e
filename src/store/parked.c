/* SPDX-License-Identifier: Apache-2.0 */
#include "store/parked.h"

#include "store/rows.h"

#define PARKED_SELECT                                                                              \
    "SELECT p.id, p.contract_id, p.from_us, p.gpu_us, p.outage_us, p.parked_us, p.state, "         \
    "p.charged_us, p.decided_us, COALESCE(c.owner_id, 0), COALESCE(c.host_id, 0), "                \
    "COALESCE(c.machine_id, 0), COALESCE(c.gpu_hour, 0), COALESCE(c.destroyed_us, 0) "             \
    "FROM parked_tick p LEFT JOIN contract c ON c.id = p.contract_id "

static bool guard_read(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(int64_t *)context = db_column_int(row, 0);
    return true;
}

bool parked_guard(struct db *db, int64_t *tick_max_us, struct error *err)
{
    bool has;

    return db_query_one(db, "SELECT tick_max_us FROM posting_guard WHERE id = 1", DB_NO_ARGS,
                        guard_read, tick_max_us, &has, err);
}

bool parked_insert(struct db *db, const struct parked_row *row, struct error *err)
{
    return db_exec(db,
                   "INSERT INTO parked_tick (contract_id, from_us, gpu_us, outage_us, parked_us) "
                   "VALUES ($1, $2, $3, $4, $5)",
                   DB_ARGS(db_int(row->contract_id), db_instant(row->from), db_int(row->gpu_us),
                           db_int(row->outage_us), db_instant(row->parked)),
                   err);
}

bool parked_insert_dropped(struct db *db, const struct parked_row *row, struct error *err)
{
    return db_exec(db,
                   "INSERT INTO parked_tick (contract_id, from_us, gpu_us, outage_us, parked_us, "
                   "state, decided_us) VALUES ($1, $2, $3, 0, $4, 3, $4)",
                   DB_ARGS(db_int(row->contract_id), db_instant(row->from), db_int(row->gpu_us),
                           db_instant(row->parked)),
                   err);
}

static bool parked_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    int64_t state;

    (void)arena;
    if (!rows_number(row, 6, PARKED_WAITS, PARKED_DROPPED, &state, err))
        return false;
    *(struct parked_row *)item = (struct parked_row){
        .id = db_column_int(row, 0),
        .contract_id = db_column_int(row, 1),
        .from = db_column_instant(row, 2),
        .gpu_us = db_column_int(row, 3),
        .outage_us = db_column_int(row, 4),
        .parked = db_column_instant(row, 5),
        .state = (enum parked_state)state,
        .charged_us = db_column_int(row, 7),
        .decided = db_column_instant(row, 8),
        .owner_id = db_column_int(row, 9),
        .host_id = db_column_int(row, 10),
        .machine_id = db_column_int(row, 11),
        .gpu_hour = db_column_money(row, 12),
        .destroyed = db_column_instant(row, 13),
    };
    return true;
}

static const struct rows_reader reader = { "parked time", sizeof(struct parked_row), parked_read };

bool parked_list(struct db *db, size_t max, struct arena *arena, struct parked_row **ret,
                 size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader, PARKED_SELECT "WHERE p.state = 1 ORDER BY p.id LIMIT $1",
                     DB_ARGS(db_int((int64_t)max)), arena, ret, ret_count, err);
}

static bool waiting_read(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(struct parked_waiting *)context = (struct parked_waiting){
        .count = db_column_int(row, 0),
        .since = db_column_instant(row, 1),
    };
    return true;
}

bool parked_waiting(struct db *db, struct parked_waiting *ret, struct error *err)
{
    bool has;

    return db_query_one(db,
                        "SELECT COUNT(*), COALESCE(MIN(parked_us), 0) FROM parked_tick "
                        "WHERE state = 1",
                        DB_NO_ARGS, waiting_read, ret, &has, err);
}

bool parked_load(struct db *db, int64_t id, struct arena *arena, struct parked_row *ret,
                 bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader, PARKED_SELECT "WHERE p.id = $1", DB_ARGS(db_int(id)), arena,
                         ret, ret_has, err);
}

bool parked_decide(struct db *db, const struct parked_row *row, struct error *err)
{
    return db_exec(db,
                   "UPDATE parked_tick SET state = $2, charged_us = $3, decided_us = $4 "
                   "WHERE id = $1 AND state = 1",
                   DB_ARGS(db_int(row->id), db_int(row->state), db_int(row->charged_us),
                           db_instant(row->decided)),
                   err);
}
