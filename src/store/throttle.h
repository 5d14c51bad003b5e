/* SPDX-License-Identifier: Apache-2.0 */
/* Token buckets that outlive a restart and are shared by all servers: how often a secret may be
 * guessed. A bucket is kept as the instant at which it will be full; one without a row is full. */

#ifndef BERTH_STORE_THROTTLE_H
#define BERTH_STORE_THROTTLE_H

#include "store/db.h"
#include "sys/crypto.h"

struct throttle_rule {
    int64_t capacity;  /* tokens of a full bucket */
    int64_t refill_us; /* one more each time */
};

/* Take one. `*ret_wait_us` is 0, or how long there will be none; then nothing was taken. */
NODISCARD bool throttle_take(struct db *db, const struct hash *name,
                             const struct throttle_rule *rule, struct instant now,
                             int64_t *ret_wait_us, struct error *err);

/* Put one back: the guess was right. */
NODISCARD bool throttle_give_back(struct db *db, const struct hash *name,
                                  const struct throttle_rule *rule, struct instant now,
                                  struct error *err);

/* Drop what is full anyway. */
NODISCARD bool throttle_forget(struct db *db, struct instant now, struct error *err);

#endif
