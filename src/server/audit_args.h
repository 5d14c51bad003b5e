/* SPDX-License-Identifier: Apache-2.0 */
/* What the audit log keeps of a call: what is in its path, and of its body numbers, booleans, and
 * the texts of members that are known to hold no secret. All else is an ellipsis: a member that
 * nobody thought of shows nothing. */

#ifndef BERTH_SERVER_AUDIT_ARGS_H
#define BERTH_SERVER_AUDIT_ARGS_H

#include "flow/flow.h"
#include "server/routes.h"

enum { AUDIT_ARGS_MAX = 2048 };

/* JSON into `out`; "{}" where it would be too long. */
void audit_args(const struct call *call, struct buf *out);

void audit_args_write(const struct flow *flow, const struct call *call);

#endif
