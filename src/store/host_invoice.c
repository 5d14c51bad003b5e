/* SPDX-License-Identifier: Apache-2.0 */
#include "store/host_invoice.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "store/array.h"
#include "store/rows.h"

#define INVOICE_COLUMNS                                                                            \
    "id, host_id, number, from_us, until_us, gross, total, drawn, settled, made_us"

static bool number_read(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(int64_t *)context = db_column_int(row, 0);
    return true;
}

bool bill_number_take(struct db *db, const struct bill_series *series, int64_t count,
                      int64_t *ret_first, struct error *err)
{
    int64_t last = 0;
    bool has;

    if (!db_query_one(db,
                      "INSERT INTO bill_series (series, year, last) VALUES ($1, $2, $3) "
                      "ON CONFLICT (series, year) DO UPDATE SET last = bill_series.last + $3 "
                      "RETURNING last",
                      DB_ARGS(db_text(series->name), db_int(series->year), db_int(count)),
                      number_read, &last, &has, err))
        return error_context(err, "number a bill");
    *ret_first = last - count + 1;
    return true;
}

bool bill_number_write(const struct bill_series *series, int64_t number,
                       char ret[static BILL_NUMBER_SIZE], struct error *err)
{
    int length = snprintf(ret, BILL_NUMBER_SIZE, "%s-%04" PRId64 "-%06" PRId64, series->name,
                          series->year, number);

    if ((size_t)length >= BILL_NUMBER_SIZE)
        return error_set(err, ERROR_OUT_OF_RANGE, "a bill's number is too long");
    return true;
}

bool bill_number(struct db *db, const char *series, int64_t year, char ret[static BILL_NUMBER_SIZE],
                 struct error *err)
{
    const struct bill_series of = { series, year };
    int64_t number;

    return bill_number_take(db, &of, 1, &number, err) && bill_number_write(&of, number, ret, err);
}

bool host_invoice_due(struct db *db, struct instant cut, const struct bill_span *span,
                      int64_t *ret_ids, size_t max, size_t *ret_count, struct error *err)
{
    return rows_load_ids(
        db,
        "SELECT DISTINCT owner_id FROM machine WHERE billed_us < $1 "
        "AND owner_id BETWEEN $2 AND $3 ORDER BY owner_id LIMIT $4",
        DB_ARGS(db_instant(cut), db_int(span->first), db_int(span->last), db_int((int64_t)max)),
        ret_ids, max, ret_count, err);
}

bool host_invoice_due_span(struct db *db, struct instant cut, struct bill_span *ret,
                           struct error *err)
{
    auto_db_rows struct db_rows rows =
        db_query(db,
                 "SELECT COALESCE(MIN(owner_id), 0), COALESCE(MAX(owner_id), 0) FROM machine "
                 "WHERE billed_us < $1",
                 DB_ARGS(db_instant(cut)));

    *ret = (struct bill_span){ 0, 0 };
    if (db_next(&rows, err))
        *ret = (struct bill_span){ db_column_int(&rows, 0), db_column_int(&rows, 1) };
    return !rows.has_failed;
}

bool host_invoice_insert_later(struct db *db, const struct host_invoice_row *invoice,
                               int64_t *ret_id, struct error *err)
{
    return db_insert_later(
        db,
        "INSERT INTO host_invoice (host_id, number, from_us, until_us, gross, total, "
        "drawn, settled, made_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
        "RETURNING id",
        DB_ARGS(db_int(invoice->host_id), db_text(invoice->number), db_instant(invoice->from),
                db_instant(invoice->until), db_money(invoice->gross), db_money(invoice->total),
                db_money(invoice->drawn), db_money(invoice->settled), db_instant(invoice->made)),
        ret_id, err);
}

bool host_invoice_add_line(struct db *db, int64_t invoice_id, const struct usage_sum *line,
                           struct error *err)
{
    return db_exec(db,
                   "INSERT INTO host_invoice_line (invoice_id, machine_id, comp, kind, used, "
                   "gross, host) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                   DB_ARGS(db_int(invoice_id), db_int(line->machine_id), db_int(line->component),
                           db_int(line->kind), db_int(line->used), db_money(line->gross),
                           db_money(line->host)),
                   err);
}

static void write_id(const void *items, size_t item, int column, struct buf *out)
{
    (void)column;
    buf_printf(out, "%" PRId64, ((const int64_t *)items)[item]);
}

static bool set_billed(struct db *db, const int64_t *host_ids, size_t count, struct instant cut,
                       struct error *err)
{
    auto_buf struct buf buf = buf_of(HOST_INVOICE_SET_MAX * 21 + 2);
    struct db_value values[2] = { { 0 }, db_instant(cut) };

    array_values(&buf, write_id, host_ids, count, values, 1);
    return db_exec(db,
                   "UPDATE machine SET billed_us = $2 "
                   "WHERE owner_id = ANY(CAST($1 AS BIGINT[])) AND billed_us < $2",
                   (struct db_args){ values, 2 }, err);
}

bool host_invoice_set_billed(struct db *db, const int64_t *host_ids, size_t count,
                             struct instant cut, struct error *err)
{
    for (size_t from = 0, some; from < count; from += some) {
        some = !db->is_postgres                      ? 1
               : count - from < HOST_INVOICE_SET_MAX ? count - from
                                                     : HOST_INVOICE_SET_MAX;
        if (db->is_postgres && !set_billed(db, &host_ids[from], some, cut, err))
            return false;
        if (!db->is_postgres &&
            !db_exec(db, "UPDATE machine SET billed_us = $2 WHERE owner_id = $1 AND billed_us < $2",
                     DB_ARGS(db_int(host_ids[from]), db_instant(cut)), err))
            return false;
    }
    return true;
}

static bool invoice_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct host_invoice_row *invoice = item;

    *invoice = (struct host_invoice_row){
        .id = db_column_int(row, 0),
        .host_id = db_column_int(row, 1),
        .from = db_column_instant(row, 3),
        .until = db_column_instant(row, 4),
        .gross = db_column_money(row, 5),
        .total = db_column_money(row, 6),
        .drawn = db_column_money(row, 7),
        .settled = db_column_money(row, 8),
        .made = db_column_instant(row, 9),
    };
    return rows_text(row, 2, arena, &invoice->number, err);
}

static const struct rows_reader invoice_reader = { "host invoice", sizeof(struct host_invoice_row),
                                                   invoice_read };

bool host_invoice_list(struct db *db, int64_t host_id, struct instant from, struct instant until,
                       struct arena *arena, struct host_invoice_row **ret, size_t *ret_count,
                       struct error *err)
{
    return rows_load(db, &invoice_reader,
                     "SELECT " INVOICE_COLUMNS " FROM host_invoice WHERE host_id = $1 "
                     "AND made_us BETWEEN $2 AND $3 ORDER BY id DESC",
                     DB_ARGS(db_int(host_id), db_instant(from), db_instant(until)), arena, ret,
                     ret_count, err);
}

bool host_invoice_load(struct db *db, int64_t id, struct arena *arena, struct host_invoice_row *ret,
                       bool *ret_has, struct error *err)
{
    return rows_load_one(db, &invoice_reader,
                         "SELECT " INVOICE_COLUMNS " FROM host_invoice WHERE id = $1",
                         DB_ARGS(db_int(id)), arena, ret, ret_has, err);
}

static bool line_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    int64_t component, kind;

    (void)arena;
    if (!rows_number(row, 1, COMPONENT_GPU, COMPONENT_DOWN, &component, err) ||
        !rows_number(row, 2, USAGE_USED, USAGE_FORFEITED, &kind, err))
        return false;
    *(struct usage_sum *)item = (struct usage_sum){ .machine_id = db_column_int(row, 0),
                                                    .component = (enum component)component,
                                                    .kind = (enum usage_kind)kind,
                                                    .used = db_column_int(row, 3),
                                                    .gross = db_column_money(row, 4),
                                                    .host = db_column_money(row, 5) };
    return true;
}

bool host_invoice_lines(struct db *db, int64_t invoice_id, struct arena *arena,
                        struct usage_sum **ret, size_t *ret_count, struct error *err)
{
    static const struct rows_reader line = { "invoice line", sizeof(struct usage_sum), line_read };

    return rows_load(db, &line,
                     "SELECT machine_id, comp, kind, used, gross, host FROM host_invoice_line "
                     "WHERE invoice_id = $1 ORDER BY machine_id, comp, kind",
                     DB_ARGS(db_int(invoice_id)), arena, ret, ret_count, err);
}
