/* SPDX-License-Identifier: Apache-2.0 */
/* What is answered to a dispute: a draft made of what the books hold, the operator's note, and
 * whether the provider has it. */

#ifndef BERTH_STORE_DISPUTE_ANSWER_H
#define BERTH_STORE_DISPUTE_ANSWER_H

#include "base/arena.h"
#include "store/db.h"

/* Stored in dispute_answer.state. */
enum dispute_answer_state {
    DISPUTE_ANSWER_DRAFT,
    DISPUTE_ANSWER_SENT,
    DISPUTE_ANSWER_TAKEN,
    DISPUTE_ANSWER_REFUSED,
};

/* What the books hold, each "" where they hold nothing. */
struct dispute_facts {
    const char *email, *name, *billing; /* of the account; where its bills go */
    const char *address;                /* that the payment was ordered from */
    const char *served;                 /* the day from which it was used */
    const char *product;                /* what was bought */
    const char *activity;               /* what was called on the account, and from where */
    const char *record;                 /* the receipt, the rentals and the mails */
};

struct dispute_answer_row {
    int64_t dispute_id;
    enum dispute_answer_state state;
    const char *note; /* the operator's words */
    struct dispute_facts facts;
    struct instant made, sent;
    int64_t by_user; /* who sent it; 0: the command line, or somebody at the provider itself */
    int64_t tries;
    const char *reason;
    int64_t reminded;
};

/* All of it, whether it is there or not. */
NODISCARD bool dispute_answer_put(struct db *db, const struct dispute_answer_row *row,
                                  struct error *err);
NODISCARD bool dispute_answer_load(struct db *db, int64_t dispute_id, struct arena *arena,
                                   struct dispute_answer_row *ret, bool *ret_has,
                                   struct error *err);

/* "draft", "sent", "taken", "refused". */
const char *dispute_answer_state_name(enum dispute_answer_state state);

/* Disputes that wait for evidence, due in (now, until], that nobody has answered and whose
 * operators were reminded fewer than `reminders` times. */
struct dispute_due {
    struct instant now, until;
    int64_t reminders;
};
NODISCARD bool dispute_answer_due(struct db *db, const struct dispute_due *due, int64_t *ret_ids,
                                  size_t max, size_t *ret_count, struct error *err);

/* A rental of an account, as far as it was charged from `since_day` on. */
struct dispute_rental {
    int64_t contract_id, machine_id;
    struct instant from, until;
    int64_t gpu_us, up_bytes, down_bytes;
    struct money gross;
};
NODISCARD bool dispute_rentals(struct db *db, int64_t owner_id, int64_t since_day, size_t max,
                               struct arena *arena, struct dispute_rental **ret, size_t *ret_count,
                               struct error *err);

/* Mails that were sent to an address, newest first; `body` as the outbox has it. */
struct dispute_mail {
    struct instant sent;
    const char *body;
};
NODISCARD bool dispute_mails(struct db *db, const char *email, size_t max, struct arena *arena,
                             struct dispute_mail **ret, size_t *ret_count, struct error *err);

/* Whom to tell of what concerns the market: operators whose email works. */
struct operator_row {
    int64_t id;
    const char *email;
};
NODISCARD bool operator_list(struct db *db, size_t max, struct arena *arena,
                             struct operator_row **ret, size_t *ret_count, struct error *err);

#endif
