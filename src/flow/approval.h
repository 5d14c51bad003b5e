/* SPDX-License-Identifier: Apache-2.0 */
/* What takes two operators (market/approval.h): refunds of charges, bought credit that is sent
 * back, earnings that the house keeps. */

#ifndef BERTH_FLOW_APPROVAL_H
#define BERTH_FLOW_APPROVAL_H

#include "flow/flow.h"
#include "market/approval.h"
#include "store/approval.h"

/* Inside src/flow/, in the deed's transaction: whether `what` ("take:7") may be done by this
 * request, which is done in this transaction then. Else it has been written down that it was asked
 * for. */
NODISCARD bool approval_seek(struct db *db, const char *what,
                             const struct approval_request *request, enum approval_outcome *ret,
                             struct error *err);

/* From when on what went the same way counts. */
struct instant approval_day_before(struct instant now);

/* Whose API key that is, if it is an operator's and may do anything; 0: it is not. */
NODISCARD bool flow_operator(const struct flow *flow, const struct hash *key, int64_t *ret_id,
                             struct error *err);

NODISCARD bool flow_approval_list(const struct flow *flow, const struct approval_filter *filter,
                                  struct arena *arena, struct approval_row **ret, size_t *ret_count,
                                  struct error *err);

#endif
