/* SPDX-License-Identifier: Apache-2.0 */
/* `berthd admin dispute`: the queue, what is said to one, and that it is submitted. */

#ifndef BERTH_SERVER_ADMIN_DISPUTES_H
#define BERTH_SERVER_ADMIN_DISPUTES_H

#include "server/admin_money.h"

NODISCARD bool admin_dispute_list(struct admin *admin, struct error *err);
NODISCARD bool admin_dispute_show(struct admin *admin, struct error *err);
NODISCARD bool admin_dispute_note(struct admin *admin, struct error *err);
NODISCARD bool admin_dispute_submit(struct admin *admin, struct error *err);

#endif
