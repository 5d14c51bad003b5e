/* SPDX-License-Identifier: Apache-2.0 */
#include "store/machine_event.h"

#include <stdint.h>

#include "store/rows.h"

#define EVENT_COLUMNS                                                                              \
    "id, machine_id, kind, start_us, end_us, severity_ppm, had_rental, cause, contract_id"

static bool event_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct machine_event_row *event = item;
    int64_t kind = db_column_int(row, 2), cause = db_column_int(row, 7);

    (void)arena;
    if (!reliability_event_is_valid(kind) || !reliability_cause_is_valid(cause))
        return error_set(err, ERROR_CORRUPT, "an event of a kind that there is not");
    event->kind = (enum reliability_event)kind;
    event->cause = (enum reliability_cause)cause;
    event->start = db_column_instant(row, 3);
    event->end = db_column_instant(row, 4);
    event->had_rental = db_column_int(row, 6) != 0;
    event->contract_id = db_column_int(row, 8);
    return rows_number(row, 0, 1, INT64_MAX, &event->id, err) &&
           rows_number(row, 1, 1, INT64_MAX, &event->machine_id, err) &&
           rows_number(row, 5, 0, INT64_MAX, &event->severity_ppm, err);
}

static const struct rows_reader reader = { "event of a machine", sizeof(struct machine_event_row),
                                           event_read };

bool machine_event_insert(struct db *db, const struct machine_event_row *event, struct error *err)
{
    return db_exec(db,
                   "INSERT INTO machine_event (machine_id, kind, start_us, end_us, severity_ppm, "
                   "had_rental, cause, contract_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                   DB_ARGS(db_int(event->machine_id), db_int(event->kind), db_instant(event->start),
                           db_instant(event->end), db_int(event->severity_ppm),
                           db_int(event->had_rental), db_int(event->cause),
                           event->contract_id != 0 ? db_int(event->contract_id) : db_null()),
                   err);
}

bool machine_event_open(struct db *db, int64_t machine_id, struct machine_event_row *ret,
                        bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader,
                         "SELECT " EVENT_COLUMNS " FROM machine_event WHERE machine_id = $1 "
                         "AND end_us = 0 ORDER BY id DESC LIMIT 1",
                         DB_ARGS(db_int(machine_id)), NULL, ret, ret_has, err);
}

bool machine_event_close(struct db *db, const struct machine_event_row *event, struct error *err)
{
    return db_exec(db,
                   "UPDATE machine_event SET end_us = $2, severity_ppm = $3, cause = $4 "
                   "WHERE id = $1 AND end_us = 0",
                   DB_ARGS(db_int(event->id), db_instant(event->end), db_int(event->severity_ppm),
                           db_int(event->cause)),
                   err);
}

bool machine_event_list(struct db *db, int64_t machine_id, size_t max, struct arena *arena,
                        struct machine_event_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT " EVENT_COLUMNS " FROM machine_event WHERE machine_id = $1 "
                     "ORDER BY id DESC LIMIT $2",
                     DB_ARGS(db_int(machine_id), db_int((int64_t)max)), arena, ret, ret_count, err);
}

static bool count_read(struct db_rows *row, void *context, struct error *err)
{
    int64_t *count = context;

    (void)err;
    *count = db_column_int(row, 0);
    return true;
}

bool machine_event_hosts_gone(struct db *db, struct instant from, struct instant until,
                              int64_t *ret_count, struct error *err)
{
    bool has;

    return db_query_one(db,
                        "SELECT COUNT(DISTINCT m.owner_id) FROM machine_event e "
                        "JOIN machine m ON m.id = e.machine_id "
                        "WHERE e.kind = 2 AND e.start_us >= $1 AND e.start_us <= $2",
                        DB_ARGS(db_instant(from), db_instant(until)), count_read, ret_count, &has,
                        err);
}

static bool slot_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct outage_slot *slot = item;

    (void)arena;
    slot->is_market = db_column_int(row, 2) != 0;
    return rows_number(row, 0, 0, INT64_MAX, &slot->slot, err) &&
           rows_number(row, 1, 0, INT64_MAX, &slot->hosts, err);
}

static const struct rows_reader slot_reader = { "slot of outages", sizeof(struct outage_slot),
                                                slot_read };

bool outage_slot_load(struct db *db, int64_t slot, struct outage_slot *ret, bool *ret_has,
                      struct error *err)
{
    return rows_load_one(db, &slot_reader,
                         "SELECT slot, hosts, is_market FROM outage_slot WHERE slot = $1",
                         DB_ARGS(db_int(slot)), NULL, ret, ret_has, err);
}

bool outage_slot_save(struct db *db, const struct outage_slot *slot, int64_t kept_since,
                      struct error *err)
{
    return db_exec(db, "DELETE FROM outage_slot WHERE slot < $1", DB_ARGS(db_int(kept_since)),
                   err) &&
           db_exec(db,
                   "INSERT INTO outage_slot (slot, hosts, is_market) VALUES ($1, $2, $3) "
                   "ON CONFLICT (slot) DO UPDATE SET is_market = 1 WHERE excluded.is_market = 1",
                   DB_ARGS(db_int(slot->slot), db_int(slot->hosts), db_int(slot->is_market)), err);
}

bool machine_event_others_failed(struct db *db, int64_t machine_id, int64_t contract_id,
                                 struct instant since, bool *ret_has, struct error *err)
{
    int64_t count = 0;
    bool has;

    if (!db_query_one(db,
                      "SELECT COUNT(*) FROM machine_event e JOIN contract c ON c.id = "
                      "e.contract_id WHERE e.machine_id = $1 AND e.kind = 3 AND e.start_us >= $3 "
                      "AND c.owner_id <> (SELECT owner_id FROM contract WHERE id = $2)",
                      DB_ARGS(db_int(machine_id), db_int(contract_id), db_instant(since)),
                      count_read, &count, &has, err))
        return false;
    *ret_has = count > 0;
    return true;
}
