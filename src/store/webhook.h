/* SPDX-License-Identifier: Apache-2.0 */
/* Where accounts are told of things by HTTP, as rows (flow/webhook.h). */

#ifndef BERTH_STORE_WEBHOOK_H
#define BERTH_STORE_WEBHOOK_H

#include "base/arena.h"
#include "store/db.h"

/* Texts live in the arena they were loaded into. */
struct webhook_row {
    int64_t id, user_id;
    const char *name, *url;
    const char *events; /* keys of kinds, a blank between them */
    const char *secret; /* sealed */
    bool is_enabled;
    struct instant failing; /* since when nothing arrives; the epoch: it does */
    struct instant created, updated;
};

NODISCARD bool webhook_insert(struct db *db, const struct webhook_row *row, int64_t *ret_id,
                              struct error *err);
NODISCARD bool webhook_load(struct db *db, int64_t user_id, int64_t id, struct arena *arena,
                            struct webhook_row *ret, bool *ret_has, struct error *err);

/* Whosever it is: for the deliverer alone. */
NODISCARD bool webhook_load_any(struct db *db, int64_t id, struct arena *arena,
                                struct webhook_row *ret, bool *ret_has, struct error *err);
NODISCARD bool webhook_list(struct db *db, int64_t user_id, struct arena *arena,
                            struct webhook_row **ret, size_t *ret_count, struct error *err);

/* All but owner and creation, of the row's id and owner. */
NODISCARD bool webhook_update(struct db *db, const struct webhook_row *row, struct error *err);
NODISCARD bool webhook_delete(struct db *db, int64_t user_id, int64_t id, int64_t *ret_count,
                              struct error *err);

#endif
