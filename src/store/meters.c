/* SPDX-License-Identifier: Apache-2.0 */
#include "store/meters.h"

#include <assert.h>
#include <inttypes.h>

#include "store/accrued.h"
#include "store/driver.h"

static bool insert_meter(struct db *db, int64_t contract_id, const struct meter *meter,
                         struct error *err)
{
    return db_exec(db,
                   "INSERT INTO meter (instance_id, comp, denom, fee_bps, rate, qty) "
                   "VALUES ($1, $2, $3, $4, $5, $6)",
                   DB_ARGS(db_int(contract_id), db_int(meter->component),
                           db_int(component_denominator(meter->component)), db_int(meter->fee_bps),
                           db_money(meter->rate), db_int(meter->quantity)),
                   err);
}

static bool begin_epoch(struct db *db, int64_t contract_id, const struct meter *meter,
                        struct instant now, struct error *err)
{
    return db_exec(db,
                   "INSERT INTO rate_epoch (instance_id, comp, epoch, rate, qty, from_total, "
                   "from_us) VALUES ($1, $2, (SELECT COALESCE(max(epoch), 0) + 1 FROM rate_epoch "
                   "WHERE instance_id = $1 AND comp = $2), $3, $4, $5, $6)",
                   DB_ARGS(db_int(contract_id), db_int(meter->component), db_money(meter->rate),
                           db_int(meter->quantity), db_int(meter->total), db_instant(now)),
                   err);
}

static bool end_epoch(struct db *db, int64_t contract_id, const struct meter *meter,
                      struct instant now, struct error *err)
{
    int64_t count;

    if (!db_count(db,
                  "UPDATE rate_epoch SET to_total = $3, to_us = $4 "
                  "WHERE instance_id = $1 AND comp = $2 AND to_total IS NULL",
                  DB_ARGS(db_int(contract_id), db_int(meter->component), db_int(meter->total),
                          db_instant(now)),
                  &count, err))
        return false;
    if (count != 1)
        return db_fail(db, DB_FAILURE_FINAL, ERROR_CORRUPT, err,
                       "meter %s of %" PRId64 " has no epoch", component_name(meter->component),
                       contract_id);
    return true;
}

bool meters_open(struct db *db, int64_t contract_id, const struct meter of[static COMPONENT_COUNT],
                 struct instant now, struct error *err)
{
    for (size_t i = 0; i < COMPONENT_COUNT; i++) {
        assert(of[i].component == (enum component)(i + 1));
        assert(of[i].total == 0);
        if (!insert_meter(db, contract_id, &of[i], err) ||
            !begin_epoch(db, contract_id, &of[i], now, err))
            return error_context(err, "open the meters of %" PRId64, contract_id);
    }
    return accrued_open(db, contract_id, err);
}

static bool read_meter(struct db_rows *row, struct meters *meters, size_t at)
{
    struct meter *meter = &meters->of[at];
    int64_t denominator = db_column_int(row, 1), version = db_column_int(row, 10);
    bool is_closed = !db_column_is_null(row, 11);

    *meter = (struct meter){
        .component = (enum component)db_column_int(row, 0),
        .fee_bps = db_column_int(row, 2),
        .rate = db_column_money(row, 3),
        .quantity = db_column_int(row, 4),
        .total = db_column_int(row, 5),
        .posted_total = db_column_int(row, 6),
        .remainder = db_column_int(row, 7),
        .fee_remainder = db_column_int(row, 8),
        .gross_posted = db_column_money(row, 9),
        .host_posted = db_column_money(row, 12),
    };
    if (at == 0) {
        meters->version = version;
        meters->is_closed = is_closed;
        meters->closed = db_column_instant(row, 11);
    }
    if (meter->component != (enum component)(at + 1) ||
        denominator != component_denominator(meter->component))
        return false;
    if (version != meters->version || is_closed != meters->is_closed)
        return false;
    return meter_is_valid(meter);
}

bool meters_load(struct db *db, int64_t contract_id, struct meters *ret_meters, struct error *err)
{
    struct meters meters = { .contract_id = contract_id };
    size_t count = 0;
    auto_db_rows struct db_rows rows =
        db_query(db,
                 "SELECT comp, denom, fee_bps, rate, qty, total, posted_total, rem, split_rem, "
                 "gross_posted, ver, closed_us, host_posted FROM meter WHERE instance_id = $1 "
                 "ORDER BY comp",
                 DB_ARGS(db_int(contract_id)));

    while (db_next(&rows, err)) {
        if (count == COMPONENT_COUNT || !read_meter(&rows, &meters, count))
            return error_set(err, ERROR_CORRUPT, "meter %zu of %" PRId64 " does not add up",
                             count + 1, contract_id);
        count++;
    }
    if (rows.has_failed)
        return error_context(err, "load the meters of %" PRId64, contract_id);
    if (count == 0)
        return error_set(err, ERROR_NOT_FOUND, "%" PRId64 " has no meters", contract_id);
    if (count != COMPONENT_COUNT)
        return error_set(err, ERROR_CORRUPT, "%" PRId64 " has %zu meters", contract_id, count);
    *ret_meters = meters;
    return true;
}

#define EACH(a, b, c, d)                                                                           \
    "CASE comp WHEN 1 THEN $" #a " WHEN 2 THEN $" #b " WHEN 3 THEN $" #c " ELSE $" #d " END"

/* All four in one statement, which is what makes comparing the version hold for all. */
static bool update(struct db *db, const struct meters *meters, int64_t *ret_count,
                   struct error *err)
{
    const struct meter *gpu = &meters->of[0], *disk = &meters->of[1], *up = &meters->of[2],
                       *down = &meters->of[3];

    return db_count(
        db,
        "UPDATE meter SET ver = ver + 1, closed_us = $3, "
        "qty = CASE comp WHEN 2 THEN $32 ELSE qty END, rate = " EACH(4, 5, 6, 7) ", total = " EACH(
            8, 9, 10,
            11) ", "
                "posted_total = " EACH(12, 13, 14, 15) ", rem = " EACH(
                    16, 17, 18,
                    19) ", "
                        "split_rem = " EACH(20, 21, 22, 23) ", gross_posted = " EACH(
                            24, 25, 26,
                            27) ", "
                                "host_posted = " EACH(28, 29, 30,
                                                      31) " WHERE instance_id = $1 AND ver = $2",
        DB_ARGS(db_int(meters->contract_id), db_int(meters->version),
                meters->is_closed ? db_instant(meters->closed) : db_null(), db_money(gpu->rate),
                db_money(disk->rate), db_money(up->rate), db_money(down->rate), db_int(gpu->total),
                db_int(disk->total), db_int(up->total), db_int(down->total),
                db_int(gpu->posted_total), db_int(disk->posted_total), db_int(up->posted_total),
                db_int(down->posted_total), db_int(gpu->remainder), db_int(disk->remainder),
                db_int(up->remainder), db_int(down->remainder), db_int(gpu->fee_remainder),
                db_int(disk->fee_remainder), db_int(up->fee_remainder), db_int(down->fee_remainder),
                db_money(gpu->gross_posted), db_money(disk->gross_posted),
                db_money(up->gross_posted), db_money(down->gross_posted),
                db_money(gpu->host_posted), db_money(disk->host_posted), db_money(up->host_posted),
                db_money(down->host_posted), db_int(disk->quantity)),
        ret_count, err);
}

bool meters_save(struct db *db, struct meters *meters, struct error *err)
{
    int64_t count;

    for (size_t i = 0; i < COMPONENT_COUNT; i++)
        assert(meter_is_valid(&meters->of[i]));
    if (!update(db, meters, &count, err))
        return error_context(err, "save the meters of %" PRId64, meters->contract_id);
    if (count != COMPONENT_COUNT)
        return db_fail(db, DB_FAILURE_RETRY, ERROR_CONFLICT, err,
                       "the meters of %" PRId64 " were saved by another", meters->contract_id);
    meters->version++;
    return true;
}

bool meters_close(struct db *db, struct meters *meters, struct instant now, struct error *err)
{
    assert(!meters->is_closed);
    for (size_t i = 0; i < COMPONENT_COUNT; i++) {
        assert(meters->of[i].posted_total == meters->of[i].total);
        if (!end_epoch(db, meters->contract_id, &meters->of[i], now, err))
            return false;
    }
    meters->is_closed = true;
    meters->closed = now;
    return meters_save(db, meters, err);
}

bool meters_reprice(struct db *db, struct meters *meters, enum component component,
                    struct money rate, struct instant now, struct error *err)
{
    struct meter *meter = &meters->of[component - 1];

    assert(!meters->is_closed);
    if (!end_epoch(db, meters->contract_id, meter, now, err))
        return false;
    *meter = meter_reprice(meter, rate);
    return begin_epoch(db, meters->contract_id, meter, now, err);
}

bool meters_resize(struct db *db, struct meters *meters, int64_t disk_gb, struct instant now,
                   struct error *err)
{
    struct meter *meter = &meters->of[COMPONENT_DISK - 1];

    assert(!meters->is_closed);
    if (!end_epoch(db, meters->contract_id, meter, now, err))
        return false;
    *meter = meter_resize(meter, disk_gb);
    return begin_epoch(db, meters->contract_id, meter, now, err);
}

bool meters_load_epochs(struct db *db, int64_t contract_id, enum component component,
                        struct meter_epoch *ret_epochs, size_t max, size_t *ret_count,
                        struct error *err)
{
    size_t count = 0;
    auto_db_rows struct db_rows rows =
        db_query(db,
                 "SELECT rate, qty, from_total, COALESCE(to_total, -1) FROM rate_epoch "
                 "WHERE instance_id = $1 AND comp = $2 ORDER BY epoch",
                 DB_ARGS(db_int(contract_id), db_int(component)));

    while (db_next(&rows, err)) {
        if (count == max)
            return error_set(err, ERROR_OUT_OF_RANGE, "more than %zu epochs", max);
        ret_epochs[count++] = (struct meter_epoch){
            .rate = db_column_money(&rows, 0),
            .quantity = db_column_int(&rows, 1),
            .from_total = db_column_int(&rows, 2),
            .to_total = db_column_int(&rows, 3),
        };
    }
    if (rows.has_failed)
        return error_context(err, "load the epochs of %" PRId64, contract_id);
    *ret_count = count;
    return true;
}
