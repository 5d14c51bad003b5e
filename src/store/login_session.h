/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions of people who logged in, of which only the SHA-256 of their token is kept; and those who
 * have given their password and not yet their second factor. */

#ifndef BERTH_STORE_LOGIN_SESSION_H
#define BERTH_STORE_LOGIN_SESSION_H

#include "base/arena.h"
#include "store/db.h"
#include "sys/crypto.h"

enum login_kind { LOGIN_OPEN, LOGIN_HALF /* waits for the second factor */ };

struct login_session_row {
    int64_t id, user_id;
    enum login_kind kind;
    struct hash hash;
    const char *address, *agent; /* of the client that logged in */
    struct instant created, seen, expires;
    struct instant stepped; /* when the second factor was last shown; the epoch: never */
};

NODISCARD bool login_session_insert(struct db *db, const struct login_session_row *session,
                                    int64_t *ret_id, struct error *err);

/* Of that kind, with that hash, not expired, and seen after `idle_since`. */
struct login_session_find {
    enum login_kind kind;
    const struct hash *hash;
    struct instant now, idle_since;
};
NODISCARD bool login_session_find(struct db *db, const struct login_session_find *wanted,
                                  struct arena *arena, struct login_session_row *ret, bool *ret_has,
                                  struct error *err);

/* It is in use, and has shown the second factor when `stepped` says. */
NODISCARD bool login_session_touch(struct db *db, int64_t id, struct instant now,
                                   struct error *err);
NODISCARD bool login_session_step(struct db *db, int64_t user_id, int64_t id,
                                  struct instant stepped, struct error *err);

/* Those that are open, newest first. */
NODISCARD bool login_session_list(struct db *db, int64_t user_id, struct instant now, size_t max,
                                  struct arena *arena, struct login_session_row **ret,
                                  size_t *ret_count, struct error *err);

/* `*ret_count` is 0 where the user has no such session. */
NODISCARD bool login_session_delete(struct db *db, int64_t user_id, int64_t id, int64_t *ret_count,
                                    struct error *err);

/* All of the user's but this one; 0: all. */
NODISCARD bool login_session_delete_others(struct db *db, int64_t user_id, int64_t kept_id,
                                           int64_t *ret_count, struct error *err);

/* All but the newest `max`. */
NODISCARD bool login_session_trim(struct db *db, int64_t user_id, int64_t max, struct error *err);

/* What has expired, or was not seen since. */
NODISCARD bool login_session_forget(struct db *db, struct instant now, struct instant idle_since,
                                    struct error *err);

#endif
