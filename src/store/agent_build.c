/* SPDX-License-Identifier: Apache-2.0 */
#include "store/agent_build.h"

#include "store/rows.h"

static bool build_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct agent_build_row *build = item;

    build->added = db_column_instant(row, 2);
    return rows_text(row, 0, arena, &build->digest, err) &&
           rows_text(row, 1, arena, &build->version, err);
}

static const struct rows_reader reader = { "agent build", sizeof(struct agent_build_row),
                                           build_read };

bool agent_build_put(struct db *db, const struct agent_build_row *build, struct error *err)
{
    return db_exec(
        db,
        "INSERT INTO agent_build (digest, version, added_us) VALUES ($1, $2, $3) "
        "ON CONFLICT (digest) DO UPDATE SET version = excluded.version",
        DB_ARGS(db_text(build->digest), db_text(build->version), db_instant(build->added)), err);
}

bool agent_build_remove(struct db *db, const char *digest, int64_t *ret_count, struct error *err)
{
    return db_count(db, "DELETE FROM agent_build WHERE digest = $1", DB_ARGS(db_text(digest)),
                    ret_count, err);
}

bool agent_build_list(struct db *db, size_t max, struct arena *arena, struct agent_build_row **ret,
                      size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT digest, version, added_us FROM agent_build "
                     "ORDER BY added_us DESC, digest LIMIT $1",
                     DB_ARGS(db_int((int64_t)max)), arena, ret, ret_count, err);
}

struct counts {
    int64_t all, that;
};

static bool counts_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct counts *counts = item;

    (void)arena;
    (void)err;
    *counts = (struct counts){ db_column_int(row, 0), db_column_int(row, 1) };
    return true;
}

bool agent_build_count(struct db *db, const char *digest, int64_t *ret_all, int64_t *ret_that,
                       struct error *err)
{
    static const struct rows_reader counts_reader = { "agent build", sizeof(struct counts),
                                                      counts_read };
    struct counts counts = { 0 };
    bool has;

    if (!rows_load_one(db, &counts_reader,
                       "SELECT COUNT(*), COUNT(CASE WHEN digest = $1 THEN 1 END) FROM agent_build",
                       DB_ARGS(db_text(digest)), NULL, &counts, &has, err))
        return false;
    *ret_all = counts.all;
    *ret_that = counts.that;
    return true;
}
