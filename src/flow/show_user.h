/* SPDX-License-Identifier: Apache-2.0 */
/* What an account has, to the microsecond: what is posted less what has accrued since. */

#ifndef BERTH_FLOW_SHOW_USER_H
#define BERTH_FLOW_SHOW_USER_H

#include "base/arena.h"
#include "base/buf.h"
#include "flow/caller.h"
#include "flow/flow.h"
#include "store/user.h"

struct user_view {
    struct user_row user;
    const char *address[ADDRESS_PARTS]; /* that its bills go to */
    struct money autobill;              /* below it a card is charged; 0: none is */
    struct money credit;                /* spendable now; negative where the account owes */
    struct money earnings;              /* as a host: earned and not paid out, posted */
    struct money pending_credit;        /* on its way: not in `credit` yet */
    struct money held_credit;           /* set aside: not in `credit` */
    struct money held_earnings;         /* in `earnings`, but in no payout */
    struct money burn_hour;             /* what an hour costs at the present burn */
    const char *ssh_key;                /* the oldest account key; "" without */
    bool has_machines;
};

NODISCARD bool flow_show_user(const struct flow *flow, const struct caller *caller,
                              struct arena *arena, struct user_view *ret, struct error *err);

/* The same as the text that `write` makes of the view and of the caller's key, and of nothing
 * else: while nothing is written, and nothing of the account's runs, it is the same text, and
 * kept. */
typedef void user_view_write(const struct user_view *view, const struct caller *caller,
                             struct buf *out);
NODISCARD bool flow_show_user_text(const struct flow *flow, const struct caller *caller,
                                   struct arena *arena, user_view_write *write, struct buf *out,
                                   struct error *err);

#endif
