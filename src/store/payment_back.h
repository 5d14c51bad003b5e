/* SPDX-License-Identifier: Apache-2.0 */
/* Refunds of deposits, and disputes of them, as rows. */

#ifndef BERTH_STORE_PAYMENT_BACK_H
#define BERTH_STORE_PAYMENT_BACK_H

#include "base/arena.h"
#include "store/db.h"

/* Stored in pay_refund.state. */
enum pay_refund_state { PAY_REFUND_ASKED, PAY_REFUND_SENT, PAY_REFUND_DONE, PAY_REFUND_FAILED };

struct pay_refund_row {
    int64_t id, deposit_id, user_id;
    const char *ticket; /* the operator's: one refund each */
    struct money amount;
    enum pay_refund_state state;
    const char *object_id; /* the provider's name for it; "" none yet */
    const char *reason;    /* why it failed; "" */
    struct instant created, state_at;
};

/* Sets `row->id`. Its ticket must not be used: pay_refund_used(). */
NODISCARD bool pay_refund_insert(struct db *db, struct pay_refund_row *row, struct error *err);
NODISCARD bool pay_refund_used(struct db *db, const char *ticket, bool *ret_is_used,
                               struct error *err);
NODISCARD bool pay_refund_load(struct db *db, int64_t id, struct arena *arena,
                               struct pay_refund_row *ret, bool *ret_has, struct error *err);
NODISCARD bool pay_refund_update(struct db *db, const struct pay_refund_row *row,
                                 struct error *err);
/* Of a deposit, what did not fail. */
NODISCARD bool pay_refund_of_deposit(struct db *db, int64_t deposit_id, struct money *ret,
                                     struct error *err);
/* Of a user since then, what did not fail. */
NODISCARD bool pay_refund_since(struct db *db, int64_t user_id, struct instant since,
                                struct money *ret, struct error *err);

/* Stored in dispute.state. */
enum dispute_state { DISPUTE_SAID, DISPUTE_TAKEN, DISPUTE_WON, DISPUTE_LOST };

struct dispute_row {
    int64_t id, deposit_id, user_id;
    const char *provider, *object_id;
    struct money amount, frozen;
    enum dispute_state state;
    const char *reason;
    struct instant created, state_at;
    bool asks;          /* its provider waits for evidence, ... */
    struct instant due; /* ... until then; 0: not said */
};

NODISCARD bool dispute_load(struct db *db, int64_t id, struct arena *arena, struct dispute_row *ret,
                            bool *ret_has, struct error *err);
NODISCARD bool dispute_insert(struct db *db, struct dispute_row *row, struct error *err);
NODISCARD bool dispute_find(struct db *db, const char *provider, const char *object_id,
                            struct arena *arena, struct dispute_row *ret, bool *ret_has,
                            struct error *err);
NODISCARD bool dispute_update(struct db *db, const struct dispute_row *row, struct error *err);

/* "said", "taken", "won", "lost"; and back, false for another word. */
const char *dispute_state_name(enum dispute_state state);
bool dispute_state_parse(const char *text, enum dispute_state *ret);

/* In order of id, above `after`; in one state, or any for -1. */
struct dispute_filter {
    int64_t after, state;
    size_t max;
};
NODISCARD bool dispute_list(struct db *db, const struct dispute_filter *filter, struct arena *arena,
                            struct dispute_row **ret, size_t *ret_count, struct error *err);

#endif
