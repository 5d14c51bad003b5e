/* SPDX-License-Identifier: Apache-2.0 */
/* Codes that are on their way by mail, without the codes (flow/mail_code.h). */

#ifndef BERTH_STORE_MAIL_CODE_H
#define BERTH_STORE_MAIL_CODE_H

#include "base/arena.h"
#include "store/db.h"

struct mail_code_row {
    int64_t id, kind;
    int64_t user_id;   /* 0: nobody yet */
    const char *email; /* where it was sent */
    const char *payload;
    struct instant expires;
};

NODISCARD bool mail_code_insert(struct db *db, const struct mail_code_row *code, int64_t *ret_id,
                                struct error *err);

/* One that has not expired. */
NODISCARD bool mail_code_load(struct db *db, int64_t id, struct instant now, struct arena *arena,
                              struct mail_code_row *ret, bool *ret_has, struct error *err);

/* Use it up: one that somebody else has just used is ERROR_CONFLICT. */
NODISCARD bool mail_code_take(struct db *db, int64_t id, struct error *err);

/* How many of a kind wait that have not expired, and how many of those for one email. */
struct mail_codes {
    int64_t all, of_email;
};
NODISCARD bool mail_code_count(struct db *db, int64_t user_id, int64_t kind, const char *email,
                               struct instant now, struct mail_codes *ret, struct error *err);

/* All of that kind for the user. */
NODISCARD bool mail_code_drop(struct db *db, int64_t user_id, int64_t kind, struct error *err);
NODISCARD bool mail_code_forget(struct db *db, struct instant now, struct error *err);

#endif
