/* SPDX-License-Identifier: Apache-2.0 */
#include "store/team.h"

#include <stdint.h>

#include "store/rows.h"

static bool team_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct team_row *team = item;

    team->created = db_column_instant(row, 3);
    return rows_number(row, 0, 1, INT64_MAX, &team->id, err) &&
           rows_text(row, 1, arena, &team->name, err) &&
           rows_number(row, 2, 1, INT64_MAX, &team->owner_id, err);
}

static const struct rows_reader teams = { "team", sizeof(struct team_row), team_read };

static bool count_read(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(int64_t *)context = db_column_int(row, 0);
    return true;
}

bool team_insert(struct db *db, const struct team_row *team, struct error *err)
{
    return db_exec(db, "INSERT INTO team (id, name, owner_id, created_us) VALUES ($1, $2, $3, $4)",
                   DB_ARGS(db_int(team->id), db_text(team->name), db_int(team->owner_id),
                           db_instant(team->created)),
                   err);
}

bool team_load(struct db *db, int64_t id, struct arena *arena, struct team_row *ret, bool *ret_has,
               struct error *err)
{
    return rows_load_one(db, &teams,
                         "SELECT id, name, owner_id, created_us FROM team "
                         "WHERE id = $1 AND deleted_us IS NULL",
                         DB_ARGS(db_int(id)), arena, ret, ret_has, err);
}

bool team_find(struct db *db, int64_t owner_id, const char *name, struct arena *arena,
               struct team_row *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(db, &teams,
                         "SELECT id, name, owner_id, created_us FROM team "
                         "WHERE owner_id = $1 AND name = $2 AND deleted_us IS NULL",
                         DB_ARGS(db_int(owner_id), db_text(name)), arena, ret, ret_has, err);
}

bool team_count_owned(struct db *db, int64_t owner_id, int64_t *ret_count, struct error *err)
{
    bool has;

    *ret_count = 0;
    return db_query_one(db, "SELECT COUNT(*) FROM team WHERE owner_id = $1 AND deleted_us IS NULL",
                        DB_ARGS(db_int(owner_id)), count_read, ret_count, &has, err);
}

bool team_end(struct db *db, int64_t id, struct instant now, struct error *err)
{
    return db_exec(db, "DELETE FROM team_member WHERE team_id = $1", DB_ARGS(db_int(id)), err) &&
           db_exec(db, "DELETE FROM team_role WHERE team_id = $1", DB_ARGS(db_int(id)), err) &&
           db_exec(db, "UPDATE team SET deleted_us = $2 WHERE id = $1",
                   DB_ARGS(db_int(id), db_instant(now)), err);
}

static bool role_at(struct db_rows *row, int first, struct arena *arena, struct team_role_row *role,
                    struct error *err)
{
    return rows_number(row, first, 1, INT64_MAX, &role->id, err) &&
           rows_number(row, first + 1, 1, INT64_MAX, &role->team_id, err) &&
           rows_text(row, first + 2, arena, &role->name, err) &&
           rows_text(row, first + 3, arena, &role->rights, err) &&
           rows_number(row, first + 4, 0, UINT32_MAX, &role->scopes, err);
}

static bool role_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    return role_at(row, 0, arena, item, err);
}

static const struct rows_reader roles = { "role", sizeof(struct team_role_row), role_read };

bool team_role_insert(struct db *db, const struct team_role_row *role, int64_t *ret_id,
                      struct error *err)
{
    return db_insert(db,
                     "INSERT INTO team_role (team_id, name, rights, scopes) "
                     "VALUES ($1, $2, $3, $4) RETURNING id",
                     DB_ARGS(db_int(role->team_id), db_text(role->name), db_text(role->rights),
                             db_int(role->scopes)),
                     ret_id, err);
}

bool team_role_load(struct db *db, int64_t team_id, int64_t id, struct arena *arena,
                    struct team_role_row *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(db, &roles,
                         "SELECT id, team_id, name, rights, scopes FROM team_role "
                         "WHERE team_id = $1 AND id = $2",
                         DB_ARGS(db_int(team_id), db_int(id)), arena, ret, ret_has, err);
}

bool team_role_find(struct db *db, int64_t team_id, const char *name, struct arena *arena,
                    struct team_role_row *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(db, &roles,
                         "SELECT id, team_id, name, rights, scopes FROM team_role "
                         "WHERE team_id = $1 AND name = $2",
                         DB_ARGS(db_int(team_id), db_text(name)), arena, ret, ret_has, err);
}

bool team_role_list(struct db *db, int64_t team_id, struct arena *arena, struct team_role_row **ret,
                    size_t *ret_count, struct error *err)
{
    return rows_load(db, &roles,
                     "SELECT id, team_id, name, rights, scopes FROM team_role "
                     "WHERE team_id = $1 ORDER BY id",
                     DB_ARGS(db_int(team_id)), arena, ret, ret_count, err);
}

bool team_role_update(struct db *db, const struct team_role_row *role, struct error *err)
{
    return db_exec(db,
                   "UPDATE team_role SET name = $3, rights = $4, scopes = $5 "
                   "WHERE team_id = $1 AND id = $2",
                   DB_ARGS(db_int(role->team_id), db_int(role->id), db_text(role->name),
                           db_text(role->rights), db_int(role->scopes)),
                   err);
}

bool team_role_delete(struct db *db, int64_t team_id, int64_t id, struct error *err)
{
    return db_exec(db, "DELETE FROM team_role WHERE team_id = $1 AND id = $2",
                   DB_ARGS(db_int(team_id), db_int(id)), err);
}

bool team_role_count(struct db *db, int64_t team_id, int64_t id, int64_t *ret_count,
                     struct error *err)
{
    bool has;

    *ret_count = 0;
    return db_query_one(db, "SELECT COUNT(*) FROM team_member WHERE team_id = $1 AND role_id = $2",
                        DB_ARGS(db_int(team_id), db_int(id)), count_read, ret_count, &has, err);
}

#define MEMBER_SELECT                                                                              \
    "SELECT m.team_id, m.user_id, t.name, u.email, u.username, u.fullname, t.owner_id, r.id, "     \
    "r.team_id, r.name, r.rights, r.scopes FROM team_member m JOIN team t ON t.id = m.team_id "    \
    "JOIN users u ON u.id = m.user_id JOIN team_role r ON r.id = m.role_id "                       \
    "WHERE t.deleted_us IS NULL AND "

static bool member_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct team_member_row *member = item;

    return rows_number(row, 0, 1, INT64_MAX, &member->team_id, err) &&
           rows_number(row, 1, 1, INT64_MAX, &member->user_id, err) &&
           rows_text(row, 2, arena, &member->team_name, err) &&
           rows_text(row, 3, arena, &member->email, err) &&
           rows_text(row, 4, arena, &member->username, err) &&
           rows_text(row, 5, arena, &member->fullname, err) &&
           rows_number(row, 6, 1, INT64_MAX, &member->owner_id, err) &&
           role_at(row, 7, arena, &member->role, err);
}

static const struct rows_reader members = { "member", sizeof(struct team_member_row), member_read };

bool team_member_insert(struct db *db, int64_t team_id, int64_t user_id, int64_t role_id,
                        struct instant now, struct error *err)
{
    return db_exec(db,
                   "INSERT INTO team_member (team_id, user_id, role_id, joined_us) "
                   "VALUES ($1, $2, $3, $4)",
                   DB_ARGS(db_int(team_id), db_int(user_id), db_int(role_id), db_instant(now)),
                   err);
}

bool team_member_load(struct db *db, int64_t team_id, int64_t user_id, struct arena *arena,
                      struct team_member_row *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(db, &members, MEMBER_SELECT "m.team_id = $1 AND m.user_id = $2",
                         DB_ARGS(db_int(team_id), db_int(user_id)), arena, ret, ret_has, err);
}

bool team_member_list(struct db *db, int64_t team_id, struct arena *arena,
                      struct team_member_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &members, MEMBER_SELECT "m.team_id = $1 ORDER BY m.joined_us, m.user_id",
                     DB_ARGS(db_int(team_id)), arena, ret, ret_count, err);
}

bool team_member_list_of(struct db *db, int64_t user_id, struct arena *arena,
                         struct team_member_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &members, MEMBER_SELECT "m.user_id = $1 ORDER BY m.team_id",
                     DB_ARGS(db_int(user_id)), arena, ret, ret_count, err);
}

bool team_member_delete(struct db *db, int64_t team_id, int64_t user_id, int64_t *ret_count,
                        struct error *err)
{
    return db_count(db, "DELETE FROM team_member WHERE team_id = $1 AND user_id = $2",
                    DB_ARGS(db_int(team_id), db_int(user_id)), ret_count, err);
}
