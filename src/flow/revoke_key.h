/* SPDX-License-Identifier: Apache-2.0 */
/* An operator takes a machine's keys from it, the newest and the one before: one of them is in
 * other hands. Its session is over at once on every server, and no session, request or relay is
 * opened by either; the machine counts as away from its last heartbeat on, with all that follows
 * from that, and nothing on it is stopped or deleted.
 *
 * It comes back by a new key, which a token for that very machine brings in (flow/enroll.h). The
 * key that was revoked stays known as its former one, so that no machine ever joins by it. */

#ifndef BERTH_FLOW_REVOKE_KEY_H
#define BERTH_FLOW_REVOKE_KEY_H

#include "flow/admin.h"
#include "flow/flow.h"

/* The owner's audit log has it by this name, and the return by the other. */
#define REVOKE_KEY_ROUTE  "agent.key.revoked"
#define REPLACE_KEY_ROUTE "agent.key.replaced"

/* ADMIN_DONE where it was revoked before, too: then nothing changes. */
NODISCARD bool flow_revoke_key(const struct flow *flow, int64_t machine_id, enum admin_outcome *ret,
                               struct error *err);

#endif
