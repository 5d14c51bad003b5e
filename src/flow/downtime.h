/* SPDX-License-Identifier: Apache-2.0 */
/* What a host gives for the time in which its machine was out of contact and an instance on it
 * should have run: nothing, unless the operator has set that it does (--downtime-credit). Inside
 * src/flow/. */

#ifndef BERTH_FLOW_DOWNTIME_H
#define BERTH_FLOW_DOWNTIME_H

#include "flow/change.h"

/* The machine is back, and had been away since `since`. Given out of what the host has earned this
 * week and is not invoiced; once for an absence. */
NODISCARD bool downtime_credit(struct change *change, const struct contract_row *contract,
                               struct instant since, int64_t bps, struct error *err);

/* What a contract misses, given likewise; once for a key. */
NODISCARD bool downtime_pay(struct change *change, const struct contract_row *contract,
                            const char *key, struct span missed, int64_t bps, struct error *err);

#endif
