/* SPDX-License-Identifier: Apache-2.0 */
/* When servers were alive, each process for itself. */

#ifndef BERTH_STORE_LIVENESS_H
#define BERTH_STORE_LIVENESS_H

#include "base/arena.h"
#include "market/connected.h"
#include "store/db.h"

/* A process is alive at `now`, and will be until `until`. Its last span goes on, unless that ended
 * before `since`: then a new one begins now. */
struct liveness {
    const char *server_proc;
    struct instant since, now, until;
};
NODISCARD bool liveness_say(struct db *db, const struct liveness *liveness, struct error *err);

/* Spans of life that end after `after`, sorted by `from`. */
NODISCARD bool liveness_list(struct db *db, struct instant after, struct arena *arena,
                             struct span **ret, size_t *ret_count, struct error *err);

/* When the last of all spans ends. `*ret_has` is false where there is none. */
NODISCARD bool liveness_last(struct db *db, struct instant *ret, bool *ret_has, struct error *err);

/* Drop those that would end after `after`: their clock was wrong. */
NODISCARD bool liveness_deny(struct db *db, struct instant after, struct error *err);

/* Drop those that ended before `before`. */
NODISCARD bool liveness_forget(struct db *db, struct instant before, struct error *err);

#endif
