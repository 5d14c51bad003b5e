/* SPDX-License-Identifier: Apache-2.0 */
/* Teams, their roles and their members, as rows. The team's account itself is a user. */

#ifndef BERTH_STORE_TEAM_H
#define BERTH_STORE_TEAM_H

#include "base/arena.h"
#include "store/db.h"

/* Texts live in the arena they were loaded into. */
struct team_row {
    int64_t id; /* of its account */
    const char *name;
    int64_t owner_id;
    struct instant created;
};

struct team_role_row {
    int64_t id, team_id;
    const char *name;
    const char *rights; /* a permission object as JSON, api.md 2.11 */
    int64_t scopes;     /* the categories that it grants whole (flow/caller.h) */
};

struct team_member_row {
    int64_t team_id, user_id;
    const char *team_name, *email, *username, *fullname;
    int64_t owner_id; /* of the team */
    struct team_role_row role;
};

NODISCARD bool team_insert(struct db *db, const struct team_row *team, struct error *err);

/* One that was not destroyed. */
NODISCARD bool team_load(struct db *db, int64_t id, struct arena *arena, struct team_row *ret,
                         bool *ret_has, struct error *err);
NODISCARD bool team_find(struct db *db, int64_t owner_id, const char *name, struct arena *arena,
                         struct team_row *ret, bool *ret_has, struct error *err);
NODISCARD bool team_count_owned(struct db *db, int64_t owner_id, int64_t *ret_count,
                                struct error *err);

/* It, its members and its roles are gone; its account stays, as one that nobody acts for. */
NODISCARD bool team_end(struct db *db, int64_t id, struct instant now, struct error *err);

NODISCARD bool team_role_insert(struct db *db, const struct team_role_row *role, int64_t *ret_id,
                                struct error *err);
NODISCARD bool team_role_load(struct db *db, int64_t team_id, int64_t id, struct arena *arena,
                              struct team_role_row *ret, bool *ret_has, struct error *err);
NODISCARD bool team_role_find(struct db *db, int64_t team_id, const char *name, struct arena *arena,
                              struct team_role_row *ret, bool *ret_has, struct error *err);
NODISCARD bool team_role_list(struct db *db, int64_t team_id, struct arena *arena,
                              struct team_role_row **ret, size_t *ret_count, struct error *err);

/* Name, rights and scopes, of the row's id and team. */
NODISCARD bool team_role_update(struct db *db, const struct team_role_row *role, struct error *err);
NODISCARD bool team_role_delete(struct db *db, int64_t team_id, int64_t id, struct error *err);

/* How many members have it. */
NODISCARD bool team_role_count(struct db *db, int64_t team_id, int64_t id, int64_t *ret_count,
                               struct error *err);

NODISCARD bool team_member_insert(struct db *db, int64_t team_id, int64_t user_id, int64_t role_id,
                                  struct instant now, struct error *err);
NODISCARD bool team_member_load(struct db *db, int64_t team_id, int64_t user_id,
                                struct arena *arena, struct team_member_row *ret, bool *ret_has,
                                struct error *err);
NODISCARD bool team_member_list(struct db *db, int64_t team_id, struct arena *arena,
                                struct team_member_row **ret, size_t *ret_count, struct error *err);

/* The teams of somebody. */
NODISCARD bool team_member_list_of(struct db *db, int64_t user_id, struct arena *arena,
                                   struct team_member_row **ret, size_t *ret_count,
                                   struct error *err);
NODISCARD bool team_member_delete(struct db *db, int64_t team_id, int64_t user_id,
                                  int64_t *ret_count, struct error *err);

#endif
