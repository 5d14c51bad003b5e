/* SPDX-License-Identifier: Apache-2.0 */
/* What accounts chose to be told of, by kind (market/notification.h). */

#ifndef BERTH_STORE_NOTIFICATION_H
#define BERTH_STORE_NOTIFICATION_H

#include "base/arena.h"
#include "store/db.h"

struct notification_row {
    const char *kind; /* "client:low_credit" */
    bool email, webhooks;
};

/* Those that were chosen; at most one a kind. */
NODISCARD bool notification_list(struct db *db, int64_t user_id, struct arena *arena,
                                 struct notification_row **ret, size_t *ret_count,
                                 struct error *err);

/* This in place of what was chosen before, for its kind. */
NODISCARD bool notification_put(struct db *db, int64_t user_id, const struct notification_row *row,
                                struct error *err);

/* Nothing is chosen any more. */
NODISCARD bool notification_clear(struct db *db, int64_t user_id, struct error *err);

#endif
