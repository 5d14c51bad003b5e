/* SPDX-License-Identifier: Apache-2.0 */
/* `berthd admin approval ...`, and who it is that asks for what takes two (flow/approval.h). Inside
 * src/server/admin*.c. */

#ifndef BERTH_SERVER_ADMIN_APPROVALS_H
#define BERTH_SERVER_ADMIN_APPROVALS_H

#include "server/admin_money.h"

admin_run_command admin_approval_list;

/* Whose API key is in the file that --operator names; 0 where it is not given. */
NODISCARD bool admin_operator(struct admin *admin, int64_t *ret_id, struct error *err);

/* Why it is not done: it takes two, and nobody said who they are. */
bool admin_refuse_nobody(struct error *err);

#endif
