/* SPDX-License-Identifier: Apache-2.0 */
/* Second factors: seeds, which lie here sealed, and backup codes, of which the hashes do. */

#ifndef BERTH_STORE_TFA_METHOD_H
#define BERTH_STORE_TFA_METHOD_H

#include "base/arena.h"
#include "store/db.h"
#include "sys/crypto.h"

struct tfa_method_row {
    int64_t id, user_id;
    const char *label;
    const void *sealed;
    size_t length;
    struct instant created;
    struct instant confirmed; /* the epoch: it waits for its first code */
    struct instant used;      /* the epoch: never */
    int64_t last_step;        /* of the last code that was taken */
};

NODISCARD bool tfa_method_insert(struct db *db, const struct tfa_method_row *method,
                                 int64_t *ret_id, struct error *err);

/* The user's, oldest first. */
NODISCARD bool tfa_method_list(struct db *db, int64_t user_id, struct arena *arena,
                               struct tfa_method_row **ret, size_t *ret_count, struct error *err);

/* A code of that step was taken: once. ERROR_CONFLICT: that or a later one was taken before. */
NODISCARD bool tfa_method_use(struct db *db, int64_t id, int64_t step, struct instant now,
                              struct error *err);
NODISCARD bool tfa_method_confirm(struct db *db, int64_t id, const char *label, struct instant now,
                                  struct error *err);

/* `*ret_count` is 0 where the user has no such method that is confirmed. */
NODISCARD bool tfa_method_set_label(struct db *db, int64_t user_id, int64_t id, const char *label,
                                    int64_t *ret_count, struct error *err);
NODISCARD bool tfa_method_delete(struct db *db, int64_t user_id, int64_t id, int64_t *ret_count,
                                 struct error *err);

/* Those that still wait for their first code. */
NODISCARD bool tfa_method_drop_pending(struct db *db, int64_t user_id, struct error *err);

NODISCARD bool backup_code_insert(struct db *db, int64_t user_id, const struct hash *hash,
                                  struct error *err);

/* Use one up; `*ret_count` is 0 where there is none. */
NODISCARD bool backup_code_take(struct db *db, int64_t user_id, const struct hash *hash,
                                int64_t *ret_count, struct error *err);
NODISCARD bool backup_code_count(struct db *db, int64_t user_id, int64_t *ret_count,
                                 struct error *err);
NODISCARD bool backup_code_drop(struct db *db, int64_t user_id, struct error *err);

#endif
