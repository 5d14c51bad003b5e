/* SPDX-License-Identifier: Apache-2.0 */
#include "store/migrate.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "store/dialect.h"
#include "sys/clock.h"
#include "sys/crypto.h"

enum { SCHEMA_SIZE_MAX = 1 << 20 };

/* Generated from src/store/schema/: the items of schema_files[]. */
static const struct migration schema_files[] = {
#include "store/schema_files.inc"
};

struct migration_list migrate_schema(void)
{
    return (struct migration_list){ schema_files, sizeof schema_files / sizeof schema_files[0] };
}

static const char table_of_migrations[] =
    "CREATE TABLE IF NOT EXISTS migration (version I64 PRIMARY KEY, name TEXT NOT NULL,\n"
    "    checksum TEXT NOT NULL, applied_us I64 NOT NULL) STRICT";

static char *checksum_of(const char *text, char checksum[static HEX_SIZE(HASH_SIZE)])
{
    struct hash hash = crypto_sha256(text, strlen(text));

    return hex_format(hash.bytes, sizeof hash.bytes, checksum);
}

/* Compare what was applied with what there is; `*ret_count` were. */
static bool check_applied(struct db *db, struct migration_list list, size_t *ret_count,
                          struct error *err)
{
    auto_db_rows struct db_rows rows =
        db_query(db, "SELECT version, name, checksum FROM migration ORDER BY version", DB_NO_ARGS);
    size_t count = 0;

    while (db_next(&rows, err)) {
        char checksum[HEX_SIZE(HASH_SIZE)];
        int64_t version = db_column_int(&rows, 0);

        if (count == list.count)
            return error_set(err, ERROR_CONFLICT,
                             "the database is newer than this program: it has migration %" PRId64
                             " (%s)",
                             version, db_column_text(&rows, 1));
        if (version != list.items[count].version)
            return error_set(err, ERROR_CORRUPT, "migration %" PRId64 " is missing",
                             list.items[count].version);
        if (strcmp(db_column_text(&rows, 2), checksum_of(list.items[count].text, checksum)) != 0)
            return error_set(err, ERROR_CONFLICT,
                             "migration %" PRId64 " (%s) was edited after it was applied", version,
                             db_column_text(&rows, 1));
        count++;
    }
    if (rows.has_failed)
        return false;
    *ret_count = count;
    return true;
}

static bool run(struct db *db, const char *schema, struct error *err)
{
    auto_buf struct buf sql = buf_of(SCHEMA_SIZE_MAX);

    return dialect_write(schema, db->is_postgres ? DIALECT_POSTGRES : DIALECT_SQLITE, &sql, err) &&
           db_script(db, sql.length > 0 ? sql.bytes : "", err);
}

static bool apply(struct db *db, const struct migration *migration, struct error *err)
{
    char checksum[HEX_SIZE(HASH_SIZE)];

    if (!run(db, migration->text, err))
        return error_context(err, "migration %" PRId64 " (%s)", migration->version,
                             migration->name);
    return db_exec(db,
                   "INSERT INTO migration (version, name, checksum, applied_us) "
                   "VALUES ($1, $2, $3, $4)",
                   DB_ARGS(db_int(migration->version), db_text(migration->name),
                           db_text(checksum_of(migration->text, checksum)),
                           db_instant(clock_now(&clock_system))),
                   err);
}

/* Check, and apply the next one if there is one to apply. */
static bool advance(struct db *db, struct migration_list list, bool *ret_has_applied,
                    struct error *err)
{
    size_t applied;

    if (!run(db, table_of_migrations, err) || !check_applied(db, list, &applied, err))
        return false;
    *ret_has_applied = applied < list.count;
    return applied == list.count || apply(db, &list.items[applied], err);
}

bool migrate(struct db *db, struct migration_list list, size_t *ret_applied, struct error *err)
{
    size_t count = 0;
    bool has_applied;

    for (size_t i = 0; i < list.count; i++)
        assert(list.items[i].version == (int64_t)i + 1);
    do {
        if (!db_begin(db, TRANSACTION_EXCLUSIVE, err))
            return error_context(err, "migrate");
        if (!advance(db, list, &has_applied, err)) {
            db_rollback(db);
            return error_context(err, "migrate");
        }
        if (!db_commit(db, err))
            return error_context(err, "migrate");
        count += has_applied;
    } while (has_applied);
    *ret_applied = count;
    return true;
}
