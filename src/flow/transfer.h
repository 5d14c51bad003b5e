/* SPDX-License-Identifier: Apache-2.0 */
/* One person gives bought credit to another. Given credit stays with whom it was given to. */

#ifndef BERTH_FLOW_TRANSFER_H
#define BERTH_FLOW_TRANSFER_H

#include "flow/caller.h"
#include "flow/flow.h"

enum transfer_outcome {
    TRANSFER_DONE,
    TRANSFER_NOBODY, /* no such recipient */
    TRANSFER_SELF,
    TRANSFER_BAD_AMOUNT,
    TRANSFER_NO_CREDIT, /* not so much bought credit, or it is needed for what runs */
};

/* `recipient` is an email or an id as text. */
NODISCARD bool flow_transfer(const struct flow *flow, const struct caller *caller,
                             const char *recipient, struct money amount, enum transfer_outcome *ret,
                             struct error *err);

/* Within a transaction, which holds both accounts' locks (transfer_lock()). `key` makes it happen
 * once. Nothing but TRANSFER_DONE has written anything. */
struct transfer {
    int64_t from_id, to_id;
    struct money amount; /* above 0 */
    struct instant now;
    const char *key; /* "adj:transfer:17", shorter than JOURNAL_KEY_SIZE */
};
NODISCARD bool transfer_lock(struct db *db, int64_t a, int64_t b, struct error *err);

/* Whether that much could be given away now. */
NODISCARD bool transfer_may(struct db *db, int64_t from_id, struct money amount, struct instant now,
                            bool *ret_may, struct error *err);
NODISCARD bool transfer_post(struct db *db, const struct transfer *transfer,
                             enum transfer_outcome *ret, struct error *err);

#endif
