/* SPDX-License-Identifier: Apache-2.0 */
#include "store/throttle.h"

#include <assert.h>

static bool read_full(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(struct instant *)context = db_column_instant(row, 0);
    return true;
}

/* When the bucket is full; `now` where it is. */
static bool load(struct db *db, const struct hash *name, struct instant now, struct instant *ret,
                 struct error *err)
{
    bool has;

    *ret = now;
    if (!db_query_one(db, "SELECT full_us FROM throttle WHERE name = $1",
                      DB_ARGS(db_bytes(name->bytes, sizeof name->bytes)), read_full, ret, &has,
                      err))
        return false;
    if (instant_compare(*ret, now) < 0)
        *ret = now;
    return true;
}

static bool save(struct db *db, const struct hash *name, struct instant full, struct error *err)
{
    return db_exec(db,
                   "INSERT INTO throttle (name, full_us) VALUES ($1, $2) "
                   "ON CONFLICT (name) DO UPDATE SET full_us = EXCLUDED.full_us",
                   DB_ARGS(db_bytes(name->bytes, sizeof name->bytes), db_instant(full)), err);
}

bool throttle_take(struct db *db, const struct hash *name, const struct throttle_rule *rule,
                   struct instant now, int64_t *ret_wait_us, struct error *err)
{
    int64_t burst_us = rule->capacity * rule->refill_us;
    struct instant full;

    assert(rule->capacity > 0 && rule->refill_us > 0);
    if (!load(db, name, now, &full, err))
        return error_context(err, "throttle");
    full = instant_add(full, rule->refill_us);
    int64_t over_us = instant_until(now, full) - burst_us;
    *ret_wait_us = over_us > 0 ? over_us : 0;
    return over_us > 0 || save(db, name, full, err);
}

bool throttle_give_back(struct db *db, const struct hash *name, const struct throttle_rule *rule,
                        struct instant now, struct error *err)
{
    struct instant full;

    if (!load(db, name, now, &full, err))
        return error_context(err, "throttle");
    return save(db, name, instant_add(full, -rule->refill_us), err);
}

bool throttle_forget(struct db *db, struct instant now, struct error *err)
{
    return db_exec(db, "DELETE FROM throttle WHERE full_us <= $1", DB_ARGS(db_instant(now)), err);
}
