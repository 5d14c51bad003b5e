/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/check.h"
#include "store/support_failing.h"
#include "support.h"

struct number_work {
    const char *sql;
    bool has_parameter;
    int64_t parameter, number;
};

static bool read_number(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(int64_t *)context = db_column_int(row, 0);
    return true;
}

static bool number_work(struct db *db, void *context, struct error *err)
{
    struct number_work *work = context;
    struct db_args args = DB_ARGS(db_int(work->parameter));
    bool has;

    args.count = work->has_parameter;
    work->number = 0;
    return db_query_one(db, work->sql, args, read_number, &work->number, &has, err);
}

int64_t world_number_of(struct world *world, const char *sql, int64_t parameter)
{
    struct number_work work = { .sql = sql, .has_parameter = true, .parameter = parameter };

    support_read(world->support, number_work, &work);
    return work.number;
}

int64_t world_number(struct world *world, const char *sql)
{
    struct number_work work = { .sql = sql };

    support_read(world->support, number_work, &work);
    return work.number;
}

/* Statements are prepared once and found by their text: these must live as long as the program. */
enum { TABLES_MAX = 128 };
static struct {
    char *sql[TABLES_MAX];
    size_t count;
} dumps[2];

static const char *const list_columns[2] = {
    "SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p "
    "WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' ORDER BY m.name, p.cid",
    "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns "
    "WHERE table_schema = 'public' ORDER BY table_name, ordinal_position",
};

/* For each table, a statement that makes each of its rows one text. */
static bool prepare_dumps(struct db *db, void *context, struct error *err)
{
    bool is_postgres = *(const bool *)context;
    auto_db_rows struct db_rows rows = db_query(db, list_columns[is_postgres], DB_NO_ARGS);
    char table[64] = "";
    struct buf sql = buf_of(65536);

    while (db_next(&rows, err)) {
        const char *name = db_column_text(&rows, 0);
        bool is_new = strcmp(name, table) != 0;

        if (is_new && table[0] != '\0') {
            buf_printf(&sql, " FROM %s ORDER BY 1", table);
            dumps[is_postgres].sql[dumps[is_postgres].count++] = buf_take(&sql);
        }
        if (is_new)
            buf_printf(&sql, "SELECT '%s '", name);
        buf_printf(&sql,
                   is_postgres ? " || quote_nullable(CAST(%s AS TEXT)) || ','"
                               : " || quote(%s) || ','",
                   db_column_text(&rows, 1));
        (void)snprintf(table, sizeof table, "%s", name);
    }
    buf_printf(&sql, " FROM %s ORDER BY 1", table);
    dumps[is_postgres].sql[dumps[is_postgres].count++] = buf_take(&sql);
    return !rows.has_failed;
}

struct dump_work {
    bool is_postgres;
    struct buf text;
};

static bool dump_work(struct db *db, void *context, struct error *err)
{
    struct dump_work *work = context;

    buf_release(&work->text);
    for (size_t i = 0; i < dumps[work->is_postgres].count; i++) {
        auto_db_rows struct db_rows rows =
            db_query(db, dumps[work->is_postgres].sql[i], DB_NO_ARGS);

        while (db_next(&rows, err))
            buf_printf(&work->text, "%s\n", db_column_text(&rows, 0));
        if (rows.has_failed)
            return false;
    }
    return true;
}

struct hash world_dump(struct world *world)
{
    struct dump_work work = { .is_postgres = world->support->is_postgres,
                              .text = buf_of(64 << 20) };

    if (dumps[work.is_postgres].count == 0)
        support_read(world->support, prepare_dumps, &work.is_postgres);
    support_read(world->support, dump_work, &work);
    CHECK(!work.text.has_overflowed && work.text.length > 0);
    struct hash hash = crypto_sha256(work.text.bytes, work.text.length);
    buf_release(&work.text);
    return hash;
}

bool world_is_unchanged(struct world *world, struct hash before)
{
    struct hash after = world_dump(world);

    return crypto_equal(before.bytes, after.bytes, sizeof before.bytes);
}

/* Each counts what must not be. */
static const struct {
    const char *what, *sql;
} laws[] = {
    { "a running instance without its GPUs",
      "SELECT COUNT(*) FROM contract c WHERE c.state IN (1, 2, 3, 4, 10) AND "
      "(SELECT COUNT(*) FROM gpu_claim g WHERE g.contract_id = c.id AND g.released_us IS NULL) <> "
      "(CASE c.num_gpus WHEN 0 THEN 1 ELSE c.num_gpus END)" },
    { "a GPU held by what is stopped, waiting or gone",
      "SELECT COUNT(*) FROM contract c JOIN gpu_claim g ON g.contract_id = c.id "
      "WHERE g.released_us IS NULL AND c.state IN (5, 7, 9)" },
    { "an open interval of what does not run",
      "SELECT COUNT(*) FROM run_interval i JOIN contract c ON c.id = i.contract_id "
      "WHERE i.end_us IS NULL AND c.state NOT IN (3, 10)" },
    { "intervals of one instance that overlap",
      "SELECT COUNT(*) FROM run_interval a JOIN run_interval b ON a.contract_id = b.contract_id "
      "AND a.id < b.id WHERE a.metered_us > b.start_us" },
    { "GPU time that is not the sum of its intervals, less what was parked and is not charged",
      "SELECT COUNT(*) FROM meter m WHERE m.comp = 1 AND m.total + "
      "COALESCE((SELECT SUM(p.gpu_us - p.charged_us) FROM parked_tick p "
      "WHERE p.contract_id = m.instance_id), 0) <> "
      "COALESCE((SELECT SUM(i.metered_us - i.start_us) FROM run_interval i "
      "WHERE i.contract_id = m.instance_id), 0)" },
    { "an open meter of what is destroyed",
      "SELECT COUNT(*) FROM meter m JOIN contract c ON c.id = m.instance_id "
      "WHERE (m.closed_us IS NULL) <> (c.destroyed_us = 0)" },
    { "an offer of GPUs that are taken",
      "SELECT COUNT(*) FROM offer o WHERE o.removed_us IS NULL AND o.num_gpus > "
      "(SELECT COUNT(*) FROM gpu g WHERE g.machine_id = o.machine_id AND g.retired_us IS NULL "
      " AND NOT EXISTS (SELECT 1 FROM gpu_claim k JOIN contract c ON c.id = k.contract_id "
      "                 WHERE k.gpu_id = g.id AND k.released_us IS NULL AND c.kind IN (1, 3)))" },
    { "an offer of a machine that is not listed",
      "SELECT COUNT(*) FROM offer o JOIN machine m ON m.id = o.machine_id "
      "WHERE o.removed_us IS NULL AND m.is_listed = 0 AND o.is_volume = 0" },
    { "charges that are not their meters'",
      "SELECT CASE WHEN (SELECT COALESCE(SUM(gross_posted), 0) FROM meter) = "
      "(SELECT COALESCE(SUM(CASE WHEN t.code % 10 = 1 THEN t.amount ELSE -t.amount END), 0) "
      " FROM transfer t WHERE t.code < 50 AND t.code % 10 IN (1, 4)) THEN 0 ELSE 1 END" },
    { "host shares that are not their meters'",
      "SELECT CASE WHEN (SELECT COALESCE(SUM(host_posted), 0) FROM meter) = "
      "(SELECT COALESCE(SUM(CASE WHEN t.code % 10 = 2 THEN t.amount ELSE -t.amount END), 0) "
      " FROM transfer t WHERE t.code < 50 AND t.code % 10 IN (2, 5)) THEN 0 ELSE 1 END" },
    { "a renter who runs something and whose credit's end nobody watches",
      "SELECT COUNT(*) FROM users u WHERE u.t_zero_us = 9223372036854775807 AND EXISTS "
      "(SELECT 1 FROM contract c JOIN machine m ON m.id = c.machine_id WHERE c.owner_id = u.id "
      " AND c.state IN (1, 2, 3, 4, 5, 10) AND c.disk_month > 0 AND m.is_online = 1 "
      " AND c.started_us > 0 AND c.kind NOT IN (3, 4) "
      /* what lasts a hundred years lasts for ever (market/credit.h) */
      " AND c.disk_month * c.disk_gb * 1200 > u.credit_limit + (SELECT SUM(a.cr_posted - "
      "a.dr_posted) "
      "  FROM account a WHERE a.owner_id = u.id AND a.code IN (2010, 2020)))" },
    { "something on a host of a bid that never ran",
      "SELECT COUNT(*) FROM contract c WHERE c.started_us = 0 AND (c.state NOT IN (5, 7, 9) OR "
      "EXISTS (SELECT 1 FROM gpu_claim g WHERE g.contract_id = c.id))" },
    { "a bid whose decision is not kept",
      "SELECT COUNT(*) FROM contract_event e JOIN bid b ON b.contract_id = e.contract_id "
      "WHERE e.reason IN (12, 13) AND NOT EXISTS "
      "(SELECT 1 FROM decision d WHERE d.id = e.decision_id)" },
};

static void found(void *context, const char *rule, const char *text)
{
    int *count = context;

    ++*count;
    print_error("%s: %s\n", rule, text);
}

void world_check(struct world *world)
{
    struct check_counts counts;
    struct error err;
    int found_count = 0;

    for (size_t i = 0; i < sizeof laws / sizeof laws[0]; i++) {
        check_row("%s", laws[i].what);
        CHECK_INT(world_number(world, laws[i].sql), 0);
    }
    check_row(" ");
    CHECK_OK(flow_check(world->support->store, found, &found_count, &counts, &err), &err);
    CHECK_INT(found_count, 0);
}

static bool fail_work(struct db *db, void *context, struct error *err)
{
    (void)err;
    support_fail_after(db, *(const int *)context);
    return true;
}

/* The connections that were given back last are the next to be taken: the one that writes, and
 * where that is another, the one that reads. */
void world_fail_after(struct world *world, int statements)
{
    int none = -1;

    support_write(world->support, fail_work, &none);
    support_read(world->support, fail_work, &statements);
}

void world_fail_none(struct world *world)
{
    int none = -1;

    support_read(world->support, fail_work, &none);
}
