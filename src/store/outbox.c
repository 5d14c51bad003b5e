/* SPDX-License-Identifier: Apache-2.0 */
#include "store/outbox.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "store/driver.h"
#include "store/rows.h"
#include "sys/trace.h"

#define IN_LANE                                                                                    \
    "CASE WHEN provider = '" OUTBOX_WEBHOOK "' THEN 1 "                                            \
    "WHEN provider IN ('stripe', 'paypal') THEN 2 ELSE 0 END"

static bool read_id(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(int64_t *)context = db_column_int(row, 0);
    return true;
}

bool outbox_append(struct db *db, const struct outbox_item *item, struct instant now,
                   struct error *err)
{
    const char *account = item->account != NULL ? item->account : "";
    int64_t id, same;
    bool is_new, has_row;

    if (!db_query_one(db,
                      "INSERT INTO outbox (idem_key, provider, method, path, body, next_us, "
                      "account, request_id) "
                      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (idem_key) DO NOTHING "
                      "RETURNING id",
                      DB_ARGS(db_text(item->key), db_text(item->provider), db_text(item->method),
                              db_text(item->path), db_text(item->body), db_instant(now),
                              db_text(account), db_text(trace_get())),
                      read_id, &id, &is_new, err))
        return error_context(err, "append %s", item->key);
    if (is_new)
        return db_notify(db, TOPIC_OUTBOX, id, err);
    if (!db_query_one(db,
                      "SELECT provider = $2 AND method = $3 AND path = $4 AND body = $5 "
                      "AND account = $6 "
                      "FROM outbox WHERE idem_key = $1",
                      DB_ARGS(db_text(item->key), db_text(item->provider), db_text(item->method),
                              db_text(item->path), db_text(item->body), db_text(account)),
                      read_id, &same, &has_row, err))
        return error_context(err, "append %s", item->key);
    return same != 0 || db_fail(db, DB_FAILURE_FINAL, ERROR_CONFLICT, err,
                                "%s was appended before with another content", item->key);
}

bool outbox_look(struct db *db, const char *key, bool *ret_has, bool *ret_waits, struct error *err)
{
    int64_t state = 1;

    if (!db_query_one(db, "SELECT state FROM outbox WHERE idem_key = $1", DB_ARGS(db_text(key)),
                      read_id, &state, ret_has, err))
        return error_context(err, "look for %s", key);
    *ret_waits = *ret_has && state == 0;
    return true;
}

static bool read_item(struct db_rows *row, struct arena *arena, void *into, struct error *err)
{
    struct outbox_item *item = into;

    item->id = db_column_int(row, 0);
    item->attempts = db_column_int(row, 6) + 1;
    item->first_sent = db_column_instant(row, 8);
    return rows_text(row, 1, arena, &item->key, err) &&
           rows_text(row, 2, arena, &item->provider, err) &&
           rows_text(row, 3, arena, &item->method, err) &&
           rows_text(row, 4, arena, &item->path, err) &&
           rows_text(row, 5, arena, &item->body, err) &&
           rows_text(row, 7, arena, &item->account, err) &&
           rows_text(row, 9, arena, &item->request_id, err);
}

static const struct rows_reader reader = { "outbox", sizeof(struct outbox_item), read_item };

/* Take one that was found free: only if it still is. */
static bool take(struct db *db, const struct outbox_lease *lease, const struct outbox_item *item,
                 struct error *err)
{
    int64_t count;

    if (!db_count(db,
                  "UPDATE outbox SET lease_owner = $2, lease_until_us = $3, "
                  "attempts = attempts + 1, first_sent_us = COALESCE(first_sent_us, $4) "
                  "WHERE id = $1 AND state = 0 AND lease_until_us <= $4 AND attempts = $5",
                  DB_ARGS(db_int(item->id), db_text(lease->owner), db_instant(lease->until),
                          db_instant(lease->now), db_int(item->attempts - 1)),
                  &count, err))
        return false;
    return count == 1 || db_fail(db, DB_FAILURE_RETRY, ERROR_CONFLICT, err,
                                 "%s was leased by another", item->key);
}

bool outbox_lease(struct db *db, const struct outbox_lease *lease, struct arena *arena,
                  struct outbox_item ret_items[static OUTBOX_LEASE_MAX], size_t *ret_count,
                  struct error *err)
{
    struct outbox_item *items;
    size_t count;

    assert(lease->max > 0 && lease->max <= OUTBOX_LEASE_MAX);
    assert(instant_compare(lease->now, lease->until) < 0);
    if (!rows_load(
            db, &reader,
            "SELECT id, idem_key, provider, method, path, body, attempts, account, "
            "COALESCE(first_sent_us, $1), request_id FROM outbox "
            "WHERE state = 0 AND next_us <= $1 AND lease_until_us <= $1 AND " IN_LANE " = $3 "
            "ORDER BY next_us, id LIMIT $2",
            DB_ARGS(db_instant(lease->now), db_int((int64_t)lease->max), db_int(lease->lane)),
            arena, &items, &count, err))
        return error_context(err, "lease from the outbox");
    for (size_t i = 0; i < count; i++)
        if (!take(db, lease, &items[i], err))
            return error_context(err, "lease from the outbox");
    if (count > 0)
        memcpy(ret_items, items, count * sizeof items[0]);
    *ret_count = count;
    return true;
}

bool outbox_finish(struct db *db, int64_t id, const char *owner, const struct outbox_result *result,
                   bool *ret_is_ours, struct error *err)
{
    const char *response = result->response != NULL ? result->response : "";
    size_t length = strnlen(response, OUTBOX_RESPONSE_MAX);
    int64_t count;

    /* Not in the middle of a character. */
    while (length > 0 && ((unsigned char)response[length] & 0xc0) == 0x80)
        length--;
    struct db_value kept = { .type = DB_TEXT, .bytes = response, .length = length };
    if (!db_count(db,
                  "UPDATE outbox SET state = $3, next_us = CASE WHEN $3 = 0 THEN $4 "
                  "ELSE next_us END, lease_owner = NULL, lease_until_us = 0, http_status = $5, "
                  "response = $6 WHERE id = $1 AND lease_owner = $2 AND state = 0",
                  DB_ARGS(db_int(id), db_text(owner), db_int(result->end), db_instant(result->next),
                          db_int(result->status), kept),
                  &count, err))
        return error_context(err, "finish %" PRId64 " of the outbox", id);
    *ret_is_ours = count == 1;
    return true;
}

struct due {
    bool has;
    struct instant at;
};

static bool read_due(struct db_rows *row, void *context, struct error *err)
{
    struct due *due = context;

    (void)err;
    due->has = !db_column_is_null(row, 0);
    due->at = db_column_instant(row, 0);
    return true;
}

bool outbox_next(struct db *db, enum outbox_lane lane, struct instant *ret_due, bool *ret_has,
                 struct error *err)
{
    struct due due = { .has = false };
    bool has_row;

    if (!db_query_one(db,
                      "SELECT min(CASE WHEN lease_until_us > next_us THEN lease_until_us "
                      "ELSE next_us END) FROM outbox WHERE state = 0 AND " IN_LANE " = $1",
                      DB_ARGS(db_int(lane)), read_due, &due, &has_row, err))
        return error_context(err, "look into the outbox");
    *ret_has = due.has;
    if (due.has)
        *ret_due = due.at;
    return true;
}
