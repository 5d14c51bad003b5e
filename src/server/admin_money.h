/* SPDX-License-Identifier: Apache-2.0 */
/* `berthd admin`, the part about money: credit, and payouts to hosts. Inside src/server/admin*.c.
 */

#ifndef BERTH_SERVER_ADMIN_MONEY_H
#define BERTH_SERVER_ADMIN_MONEY_H

#include "base/buf.h"
#include "flow/admin.h"
#include "server/options.h"

/* What every command works with. */
struct admin {
    const struct options *options;
    struct flow flow;
    struct buf *out;
};

/* Fails with the market's refusal; with what is missing; with a word that is no id. */
bool admin_refuse(struct error *err, const char *sentence);
NODISCARD bool admin_need(const struct admin *admin, const char *name, const char **ret,
                          struct error *err);
NODISCARD bool admin_parse_id(const char *text, int64_t *ret, struct error *err);

/* Whoever --user or --email names. */
NODISCARD bool admin_find_user(struct admin *admin, int64_t *ret_id, struct error *err);

/* {"success":true, what: id}, or why not. */
NODISCARD bool admin_report(struct admin *admin, enum admin_outcome outcome, const char *what,
                            int64_t id, struct error *err);

typedef bool admin_run_command(struct admin *admin, struct error *err);
admin_run_command admin_credit_grant, admin_credit_deposit, admin_credit_limit;
admin_run_command admin_credit_cap, admin_refund, admin_debt_list;
admin_run_command admin_payout_list, admin_payout_submit, admin_payout_settle, admin_payout_fail;

#endif
