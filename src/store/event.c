/* SPDX-License-Identifier: Apache-2.0 */
#include "store/event.h"

#include <stdint.h>

#include "store/rows.h"
#include "sys/trace.h"

#define LAST_REQUEST                                                                               \
    "(SELECT request_id FROM contract_event WHERE contract_id = $1 ORDER BY id DESC LIMIT 1)"

bool event_insert(struct db *db, const struct event_row *event, struct error *err)
{
    if (event->is_answer)
        return db_exec(db,
                       "INSERT INTO contract_event (contract_id, at_us, state, reason, detail, "
                       "decision_id, request_id) VALUES ($1, $2, $3, $4, $5, $6, "
                       "COALESCE(" LAST_REQUEST ", ''))",
                       DB_ARGS(db_int(event->contract_id), db_instant(event->at),
                               db_int(event->state), db_int(event->reason), db_text(event->detail),
                               db_int(event->decision_id)),
                       err);
    return db_exec(db,
                   "INSERT INTO contract_event (contract_id, at_us, state, reason, detail, "
                   "decision_id, request_id) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                   DB_ARGS(db_int(event->contract_id), db_instant(event->at), db_int(event->state),
                           db_int(event->reason), db_text(event->detail),
                           db_int(event->decision_id), db_text(trace_get())),
                   err);
}

struct request {
    struct arena *arena;
    const char *id;
};

static bool read_request(struct db_rows *row, void *context, struct error *err)
{
    struct request *request = context;

    return rows_text(row, 0, request->arena, &request->id, err);
}

bool event_request(struct db *db, int64_t contract_id, struct arena *arena, const char **ret,
                   struct error *err)
{
    struct request request = { .arena = arena, .id = "" };
    bool has;

    if (!db_query_one(db,
                      "SELECT request_id FROM contract_event WHERE contract_id = $1 "
                      "ORDER BY id DESC LIMIT 1",
                      DB_ARGS(db_int(contract_id)), read_request, &request, &has, err))
        return false;
    *ret = *request.id != '\0' ? request.id : NULL;
    return true;
}

static bool event_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct event_row *event = item;
    int64_t state = db_column_int(row, 2), reason = db_column_int(row, 3);

    if (!rental_state_is_valid(state) || !rental_reason_is_valid(reason))
        return error_set(err, ERROR_CORRUPT, "no such state or reason");
    event->at = db_column_instant(row, 1);
    event->state = (enum rental_state)state;
    event->reason = (enum rental_reason)reason;
    return rows_number(row, 0, 1, INT64_MAX, &event->contract_id, err) &&
           rows_text(row, 4, arena, &event->detail, err) &&
           rows_number(row, 5, 0, INT64_MAX, &event->decision_id, err) &&
           rows_text(row, 6, arena, &event->request_id, err);
}

bool event_list(struct db *db, int64_t owner_id, int64_t contract_id, size_t max,
                struct arena *arena, struct event_row **ret, size_t *ret_count, struct error *err)
{
    static const struct rows_reader reader = { "event", sizeof(struct event_row), event_read };

    return rows_load(
        db, &reader,
        "SELECT contract_id, at_us, state, reason, detail, decision_id, request_id FROM "
        "(SELECT e.id AS event_id, e.contract_id, e.at_us, e.state, "
        " e.reason, e.detail, e.decision_id, e.request_id FROM contract_event e "
        " JOIN contract c ON c.id = e.contract_id "
        " WHERE c.owner_id = $1 AND e.contract_id = $2 "
        " ORDER BY e.id DESC LIMIT $3) AS latest ORDER BY event_id",
        DB_ARGS(db_int(owner_id), db_int(contract_id), db_int((int64_t)max)), arena, ret, ret_count,
        err);
}
