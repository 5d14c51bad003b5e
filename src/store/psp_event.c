/* SPDX-License-Identifier: Apache-2.0 */
#include "store/psp_event.h"

#include "store/rows.h"

static bool event_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct psp_event_row *event = item;

    event->attempts = db_column_int(row, 6);
    return rows_text(row, 0, arena, &event->provider, err) &&
           rows_text(row, 1, arena, &event->id, err) &&
           rows_text(row, 2, arena, &event->type, err) &&
           rows_text(row, 3, arena, &event->object_id, err) &&
           rows_text(row, 4, arena, &event->account, err) &&
           rows_text(row, 5, arena, &event->body, err);
}

static const struct rows_reader reader = { "psp_event", sizeof(struct psp_event_row), event_read };

bool psp_event_insert(struct db *db, const struct psp_event_row *row, struct instant now,
                      bool *ret_is_new, struct error *err)
{
    int64_t count;

    if (!db_count(db,
                  "INSERT INTO psp_event (provider, event_id, type, object_id, account, "
                  "received_us, body, next_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $6) "
                  "ON CONFLICT (provider, event_id) DO NOTHING",
                  DB_ARGS(db_text(row->provider), db_text(row->id), db_text(row->type),
                          db_text(row->object_id), db_text(row->account), db_instant(now),
                          db_text(row->body)),
                  &count, err))
        return error_context(err, "store event %s", row->id);
    *ret_is_new = count == 1;
    return true;
}

bool psp_event_due(struct db *db, struct instant now, size_t max, struct arena *arena,
                   struct psp_event_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT provider, event_id, type, object_id, account, body, attempts "
                     "FROM psp_event WHERE state = 0 AND next_us <= $1 "
                     "ORDER BY next_us, event_id LIMIT $2",
                     DB_ARGS(db_instant(now), db_int((int64_t)max)), arena, ret, ret_count, err);
}

bool psp_event_finish(struct db *db, const struct psp_event_row *row, enum psp_event_state state,
                      struct instant next, struct error *err)
{
    return db_exec(
        db,
        "UPDATE psp_event SET state = $3, next_us = $4, attempts = attempts + 1 "
        "WHERE provider = $1 AND event_id = $2 AND state = 0",
        DB_ARGS(db_text(row->provider), db_text(row->id), db_int(state), db_instant(next)), err);
}

static bool read_due(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(struct instant *)context =
        db_column_is_null(row, 0) ? INSTANT_NEVER : db_column_instant(row, 0);
    return true;
}

bool psp_event_next(struct db *db, struct instant *ret_due, bool *ret_has, struct error *err)
{
    struct instant due = INSTANT_NEVER;
    bool has;

    if (!db_query_one(db, "SELECT min(next_us) FROM psp_event WHERE state = 0", DB_NO_ARGS,
                      read_due, &due, &has, err))
        return error_context(err, "look for events");
    *ret_has = instant_compare(due, INSTANT_NEVER) < 0;
    *ret_due = due;
    return true;
}
