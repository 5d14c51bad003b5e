/* SPDX-License-Identifier: Apache-2.0 */
#include "store/template.h"

#include <stdint.h>

#include "store/rows.h"

#define TEMPLATE_SELECT                                                                            \
    "SELECT id, owner_id, hash_id, form, login, is_private, is_recommended, created_us, "          \
    "used_count, used_us FROM template WHERE deleted_us IS NULL AND "

static bool read_template(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct template_row *template = item;
    int64_t is_private, is_recommended;

    template->login = NULL;
    template->login_length = 0;
    if (!db_column_is_null(row, 4)) {
        const void *login = db_column_bytes(row, 4, &template->login_length);

        template->login = (const uint8_t *)arena_copy(arena, login, template->login_length);
        if (template->login == NULL)
            return error_set(err, ERROR_OUT_OF_RANGE, "no room for a template");
    }
    template->created = db_column_instant(row, 7);
    template->used = db_column_instant(row, 9);
    if (!rows_number(row, 0, 1, INT64_MAX, &template->id, err) ||
        !rows_number(row, 1, 1, INT64_MAX, &template->owner_id, err) ||
        !rows_text(row, 2, arena, &template->hash_id, err) ||
        !rows_text(row, 3, arena, &template->form, err) ||
        !rows_number(row, 5, 0, 1, &is_private, err) ||
        !rows_number(row, 6, 0, 1, &is_recommended, err) ||
        !rows_number(row, 8, 0, INT64_MAX, &template->used_count, err))
        return false;
    template->is_private = is_private != 0;
    template->is_recommended = is_recommended != 0;
    return true;
}

static const struct rows_reader reader = { "template", sizeof(struct template_row), read_template };

static struct db_value login_of(const struct template_row *row)
{
    return row->login == NULL ? db_null() : db_bytes(row->login, row->login_length);
}

bool template_insert(struct db *db, const struct template_row *row, int64_t *ret_id,
                     struct error *err)
{
    return db_insert(db,
                     "INSERT INTO template (owner_id, hash_id, form, login, is_private, "
                     "is_recommended, created_us) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
                     DB_ARGS(db_int(row->owner_id), db_text(row->hash_id), db_text(row->form),
                             login_of(row), db_int(row->is_private), db_int(row->is_recommended),
                             db_instant(row->created)),
                     ret_id, err);
}

bool template_load(struct db *db, int64_t id, struct arena *arena, struct template_row *ret,
                   bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader, TEMPLATE_SELECT "id = $1", DB_ARGS(db_int(id)), arena, ret,
                         ret_has, err);
}

bool template_find(struct db *db, const char *hash_id, struct arena *arena,
                   struct template_row *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader, TEMPLATE_SELECT "hash_id = $1", DB_ARGS(db_text(hash_id)),
                         arena, ret, ret_has, err);
}

bool template_list(struct db *db, int64_t owner_id, int64_t max, struct arena *arena,
                   struct template_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     TEMPLATE_SELECT "(owner_id = $1 OR is_private = 0) ORDER BY id LIMIT $2",
                     DB_ARGS(db_int(owner_id), db_int(max)), arena, ret, ret_count, err);
}

bool template_count(struct db *db, int64_t owner_id, int64_t *ret, struct error *err)
{
    auto_db_rows struct db_rows rows =
        db_query(db, "SELECT COUNT(*) FROM template WHERE owner_id = $1 AND deleted_us IS NULL",
                 DB_ARGS(db_int(owner_id)));

    if (!db_next(&rows, err))
        return false;
    *ret = db_column_int(&rows, 0);
    return true;
}

bool template_update(struct db *db, const struct template_row *row, struct error *err)
{
    return db_exec(db,
                   "UPDATE template SET hash_id = $2, form = $3, login = $4, is_private = $5, "
                   "is_recommended = $6 WHERE id = $1 AND deleted_us IS NULL",
                   DB_ARGS(db_int(row->id), db_text(row->hash_id), db_text(row->form),
                           login_of(row), db_int(row->is_private), db_int(row->is_recommended)),
                   err);
}

bool template_delete(struct db *db, int64_t id, struct instant now, struct error *err)
{
    return db_exec(db,
                   "UPDATE template SET deleted_us = $2, login = NULL "
                   "WHERE id = $1 AND deleted_us IS NULL",
                   DB_ARGS(db_int(id), db_instant(now)), err);
}

bool template_use(struct db *db, int64_t id, struct instant now, struct error *err)
{
    return db_exec(db,
                   "UPDATE template SET used_count = used_count + 1, used_us = $2 WHERE id = $1",
                   DB_ARGS(db_int(id), db_instant(now)), err);
}
