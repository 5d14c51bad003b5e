/* SPDX-License-Identifier: Apache-2.0 */
#include "store/usage_line.h"

#include <assert.h>
#include <inttypes.h>

#include "store/array.h"
#include "store/rows.h"

#define LINE_COLUMNS                                                                               \
    "(contract_id, day, comp, kind, rate, owner_id, host_id, machine_id, qty, used, gross, host, " \
    "accrued, from_us, until_us) "
#define LINE_ADD                                                                                   \
    "ON CONFLICT (contract_id, day, comp, kind, rate) DO UPDATE SET "                              \
    "used = usage_line.used + excluded.used, gross = usage_line.gross + excluded.gross, "          \
    "host = usage_line.host + excluded.host, accrued = usage_line.accrued + excluded.accrued, "    \
    "until_us = excluded.until_us"

bool usage_line_add(struct db *db, const struct usage_line *line, struct error *err)
{
    return db_exec(
        db,
        "INSERT INTO usage_line " LINE_COLUMNS
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) " LINE_ADD,
        DB_ARGS(db_int(line->contract_id), db_int(line->day), db_int(line->component),
                db_int(line->kind), db_money(line->rate), db_int(line->owner_id),
                db_int(line->host_id), db_int(line->machine_id), db_int(line->quantity),
                db_int(line->used), db_money(line->gross), db_money(line->host),
                db_money(line->accrued), db_instant(line->from), db_instant(line->until)),
        err);
}

enum { LINE_FIELDS = 15, LINE_FIELD_TEXT_MAX = USAGE_LINES_MAX * 21 + 2 };

static void write_field(const void *items, size_t item, int field, struct buf *out)
{
    const struct usage_line *line = (const struct usage_line *)items + item;
    const int64_t fields[LINE_FIELDS] = { line->contract_id,
                                          line->day,
                                          line->component,
                                          line->kind,
                                          line->rate.nanodollars,
                                          line->owner_id,
                                          line->host_id,
                                          line->machine_id,
                                          line->quantity,
                                          line->used,
                                          line->gross.nanodollars,
                                          line->host.nanodollars,
                                          line->accrued.nanodollars,
                                          line->from.microseconds,
                                          line->until.microseconds };

    buf_printf(out, "%" PRId64, fields[field]);
}

#define INTS(n)               "CAST($" #n " AS BIGINT[])"
#define INTS_5(a, b, c, d, e) INTS(a) ", " INTS(b) ", " INTS(c) ", " INTS(d) ", " INTS(e)

static const char add_all[] = "INSERT INTO usage_line " LINE_COLUMNS "SELECT * FROM unnest(" INTS_5(
    1, 2, 3, 4, 5) ", " INTS_5(6, 7, 8, 9, 10) ", " INTS_5(11, 12, 13, 14, 15) ") " LINE_ADD;

bool usage_line_add_all(struct db *db, const struct usage_line *lines, size_t count,
                        struct error *err)
{
    auto_buf struct buf buf = buf_of(LINE_FIELDS * LINE_FIELD_TEXT_MAX);
    struct db_value values[LINE_FIELDS];

    assert(count <= USAGE_LINES_MAX);
    if (!db->is_postgres || count < 2) {
        for (size_t i = 0; i < count; i++)
            if (!usage_line_add(db, &lines[i], err))
                return false;
        return true;
    }
    array_values(&buf, write_field, lines, count, values, LINE_FIELDS);
    return db_exec(db, add_all, (struct db_args){ values, LINE_FIELDS }, err);
}

static bool line_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    int64_t component, kind;

    (void)arena;
    if (!rows_number(row, 5, COMPONENT_GPU, COMPONENT_DOWN, &component, err) ||
        !rows_number(row, 6, USAGE_USED, USAGE_FORFEITED, &kind, err))
        return false;
    *(struct usage_line *)item = (struct usage_line){
        .contract_id = db_column_int(row, 0),
        .owner_id = db_column_int(row, 1),
        .host_id = db_column_int(row, 2),
        .machine_id = db_column_int(row, 3),
        .day = db_column_int(row, 4),
        .component = (enum component)component,
        .kind = (enum usage_kind)kind,
        .rate = db_column_money(row, 7),
        .quantity = db_column_int(row, 8),
        .used = db_column_int(row, 9),
        .gross = db_column_money(row, 10),
        .host = db_column_money(row, 11),
        .accrued = db_column_money(row, 12),
        .from = db_column_instant(row, 13),
        .until = db_column_instant(row, 14),
    };
    return true;
}

bool usage_line_of_renter(struct db *db, const struct usage_range *range, struct arena *arena,
                          struct usage_line **ret, size_t *ret_count, struct error *err)
{
    static const struct rows_reader line = { "usage line", sizeof(struct usage_line), line_read };

    return rows_load(
        db, &line,
        "SELECT contract_id, owner_id, host_id, machine_id, day, comp, kind, rate, qty, used, "
        "gross, host, accrued, from_us, until_us FROM usage_line "
        "WHERE owner_id = $1 AND day BETWEEN $2 AND $3 "
        "ORDER BY contract_id, comp, kind, day, from_us, rate",
        DB_ARGS(db_int(range->user_id), db_int(range->from_day), db_int(range->until_day)), arena,
        ret, ret_count, err);
}

static bool sum_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    int64_t component, kind;

    (void)arena;
    if (!rows_number(row, 2, COMPONENT_GPU, COMPONENT_DOWN, &component, err) ||
        !rows_number(row, 3, USAGE_USED, USAGE_FORFEITED, &kind, err))
        return false;
    *(struct usage_sum *)item = (struct usage_sum){
        .day = db_column_int(row, 0),
        .machine_id = db_column_int(row, 1),
        .component = (enum component)component,
        .kind = (enum usage_kind)kind,
        .used = db_column_int(row, 4),
        .gross = db_column_money(row, 5),
        .host = db_column_money(row, 6),
        .accrued = db_column_money(row, 7),
    };
    return true;
}

/* PostgreSQL sums BIGINT to NUMERIC. */
#define SUMS_OF                                                                                    \
    "CAST(SUM(used) AS BIGINT), CAST(SUM(gross) AS BIGINT), CAST(SUM(host) AS BIGINT), "           \
    "CAST(SUM(accrued) AS BIGINT) FROM usage_line WHERE "
#define SUMS SUMS_OF "host_id = $1 AND day BETWEEN $2 AND $3 "

bool usage_line_sum_host(struct db *db, const struct usage_range *range, bool by_day,
                         struct arena *arena, struct usage_sum **ret, size_t *ret_count,
                         struct error *err)
{
    static const struct rows_reader sum = { "sum of usage", sizeof(struct usage_sum), sum_read };
    const char *sql = by_day ? "SELECT day, machine_id, comp, kind, " SUMS
                               "GROUP BY day, machine_id, comp, kind "
                               "ORDER BY day, machine_id, comp, kind"
                             : "SELECT 0, machine_id, comp, kind, " SUMS
                               "GROUP BY machine_id, comp, kind ORDER BY machine_id, comp, kind";

    return rows_load(
        db, &sum, sql,
        DB_ARGS(db_int(range->user_id), db_int(range->from_day), db_int(range->until_day)), arena,
        ret, ret_count, err);
}

static bool host_sum_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct usage_sum *sum = item;

    if (!sum_read(row, arena, item, err))
        return false;
    sum->host_id = sum->day; /* the first column */
    sum->day = 0;
    return true;
}

bool usage_line_sum_hosts(struct db *db, const struct usage_hosts *range, struct arena *arena,
                          struct usage_sum **ret, size_t *ret_count, struct error *err)
{
    static const struct rows_reader sum = { "sum of usage", sizeof(struct usage_sum),
                                            host_sum_read };

    return rows_load(db, &sum,
                     "SELECT host_id, machine_id, comp, kind, " SUMS_OF
                     "host_id BETWEEN $1 AND $2 AND day BETWEEN $3 AND $4 "
                     "GROUP BY host_id, machine_id, comp, kind "
                     "ORDER BY host_id, machine_id, comp, kind",
                     DB_ARGS(db_int(range->first), db_int(range->last), db_int(range->from_day),
                             db_int(range->until_day)),
                     arena, ret, ret_count, err);
}

static bool rate_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    (void)arena;
    (void)err;
    *(struct usage_rate *)item = (struct usage_rate){ .rate = db_column_money(row, 0),
                                                      .quantity = db_column_int(row, 1),
                                                      .used = db_column_int(row, 2) };
    return true;
}

bool usage_line_rates(struct db *db, int64_t contract_id, enum component component,
                      struct arena *arena, struct usage_rate **ret, size_t *ret_count,
                      struct error *err)
{
    static const struct rows_reader rate = { "price of usage", sizeof(struct usage_rate),
                                             rate_read };

    return rows_load(db, &rate,
                     "SELECT rate, qty, "
                     "CAST(SUM(CASE kind WHEN 1 THEN used WHEN 2 THEN -used ELSE 0 END) AS BIGINT) "
                     "FROM usage_line WHERE contract_id = $1 AND comp = $2 "
                     "GROUP BY rate, qty ORDER BY rate DESC, qty",
                     DB_ARGS(db_int(contract_id), db_int(component)), arena, ret, ret_count, err);
}

static bool accrued_read(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(struct money *)context = db_column_money(row, 0);
    return true;
}

bool usage_line_accrued(struct db *db, int64_t host_id, int64_t from_day, struct money *ret,
                        struct error *err)
{
    bool has;

    return db_query_one(db,
                        "SELECT CAST(SUM(accrued) AS BIGINT) FROM usage_line "
                        "WHERE host_id = $1 AND day >= $2",
                        DB_ARGS(db_int(host_id), db_int(from_day)), accrued_read, ret, &has, err);
}
