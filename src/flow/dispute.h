/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to disputes. When one arrives that waits for evidence, a draft is made of what the books
 * hold (flow/dispute_facts.h) and operators are told, and reminded before it is due. An operator
 * looks at it, adds a note, and submits it: once, for the bank decides on what it is given. How it
 * ends is flow/pay_back.h. */

#ifndef BERTH_FLOW_DISPUTE_H
#define BERTH_FLOW_DISPUTE_H

#include "flow/pay_in.h"
#include "store/dispute_answer.h"
#include "store/payment_back.h"

enum {
    DISPUTE_NOTE_MAX = 5000, /* bytes */
    DISPUTE_REMIND_MAX = 64, /* at a time */
    DISPUTE_OPERATORS_MAX = 64,
};

enum dispute_outcome {
    DISPUTE_DONE,
    DISPUTE_BEFORE, /* it was submitted: nothing changed */
    DISPUTE_OFF,    /* no payment provider has served this market */
    DISPUTE_NONE,
    DISPUTE_DECIDED,
    DISPUTE_NOT_ASKED, /* its provider does not wait for evidence */
    DISPUTE_TOO_LATE,
    DISPUTE_BAD_NOTE,
};

struct dispute_view {
    struct dispute_row dispute;
    bool has_answer;
    struct dispute_answer_row answer;
};

/* `*ret_has` false: there is no such dispute. */
NODISCARD bool flow_dispute_show(const struct flow *flow, int64_t dispute_id, struct arena *arena,
                                 struct dispute_view *ret, bool *ret_has, struct error *err);

/* The operator's words, and the draft made anew around them. */
NODISCARD bool flow_dispute_note(const struct flow *flow, int64_t dispute_id, const char *note,
                                 enum dispute_outcome *ret, struct error *err);

/* What was previewed goes to the provider. `operator_id` 0: by the command line. */
NODISCARD bool flow_dispute_submit(const struct flow *flow, int64_t dispute_id, int64_t operator_id,
                                   enum dispute_outcome *ret, struct error *err);

/* Mail operators of what is due within three days, and again within one. */
NODISCARD bool flow_dispute_remind(const struct flow *flow, size_t *ret_count, struct error *err);

/* Part of flow/pay.c's and flow/pay_back.c's transactions, the account locked. What the provider
 * says of a dispute now, as far as its answer is concerned; `row` is stored. */
NODISCARD bool dispute_heard(const struct pay *pay, struct dispute_row *row,
                             const struct stripe_object *dispute, struct error *err);
NODISCARD bool dispute_ended(const struct pay *pay, const struct dispute_row *row,
                             struct error *err);
NODISCARD bool dispute_taken(const struct pay *pay, int64_t dispute_id, struct error *err);
NODISCARD bool dispute_refused(const struct pay *pay, int64_t dispute_id, const char *reason,
                               struct error *err);

#endif
