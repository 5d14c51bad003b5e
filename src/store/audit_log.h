/* SPDX-License-Identifier: Apache-2.0 */
/* What was called on accounts that may have changed something: append-only, for a while. Not to be
 * confused with the checker's streams (store/audit.h). */

#ifndef BERTH_STORE_AUDIT_LOG_H
#define BERTH_STORE_AUDIT_LOG_H

#include "base/arena.h"
#include "store/db.h"

struct audit_log_row {
    int64_t id, user_id;
    int64_t key_id, login_id; /* by what: the other is 0 */
    int64_t member_id;        /* of a team's account: who did it; else 0 */
    struct instant at;
    const char *address, *route, *args;
};

/* And the address is one that the account was used from; "": it was a machine of it. */
NODISCARD bool audit_log_insert(struct db *db, const struct audit_log_row *row, struct error *err);

/* Newest first, at most `max`; of user 0: of all. */
NODISCARD bool audit_log_list(struct db *db, int64_t user_id, size_t max, struct arena *arena,
                              struct audit_log_row **ret, size_t *ret_count, struct error *err);

/* The logins among them: rows of these routes. */
#define AUDIT_ROUTE_LOGIN  "api.session.create"
#define AUDIT_ROUTE_FACTOR "api.tfa.login"
NODISCARD bool audit_log_logins(struct db *db, int64_t user_id, size_t max, struct arena *arena,
                                struct audit_log_row **ret, size_t *ret_count, struct error *err);
NODISCARD bool audit_log_forget(struct db *db, struct instant before, struct error *err);

struct user_address_row {
    const char *address;
    struct instant first;
};

/* Newest first. */
NODISCARD bool user_address_list(struct db *db, int64_t user_id, size_t max, struct arena *arena,
                                 struct user_address_row **ret, size_t *ret_count,
                                 struct error *err);

#endif
