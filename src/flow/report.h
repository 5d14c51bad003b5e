/* SPDX-License-Identifier: Apache-2.0 */
/* What one instance's part of a heartbeat means for its contract. Pure. Inside src/flow/. */

#ifndef BERTH_FLOW_REPORT_H
#define BERTH_FLOW_REPORT_H

#include "market/rental.h"
#include "proto/heartbeat.h"
#include "store/contract.h"
#include "store/interval.h"
#include "store/machine.h"
#include "sys/crypto.h"

enum {
    REPORT_TOKEN_SIZE = HEX_SIZE(HASH_SIZE),
    REPORT_GAUGES_SECONDS = 15, /* gauges are stored no more often than this */
};

/* One text for one start on one boot of the host: the same start, the same text. */
char *report_token(const struct heartbeat *heartbeat, const struct instance_report *report,
                   char token[static REPORT_TOKEN_SIZE]);

/* Whether the phase is that of the contract's present generation, and after its last restart;
 * else the host is still working on it. */
bool report_is_current(const struct contract_row *contract, const struct instance_report *report);

enum rental_event report_event(const struct instance_report *report);

/* What a reason that comes of it has a place for: the exit status, or why it failed. NULL past the
 * arena's limit. */
const char *report_detail(const struct instance_report *report, struct arena *arena);

/* Whether it shows the contract running for which time is charged. A report of an older generation
 * can carry on what runs already, if it is the same start: every change that ends the
 * charging ends the interval too. It can begin nothing, and neither can who makes way. `open` may
 * be NULL. */
bool report_shows_running(const struct contract_row *contract, const struct instance_report *report,
                          const struct interval_row *open, const char *token);

/* Take over counters and gauges, charging traffic by what the host's link can carry. Returns
 * whether the row is worth storing; false where there was no room for its texts is told by
 * `*ret_is_ok`. */
bool report_take(struct contract_row *contract, const struct instance_report *report,
                 const struct machine_row *machine, struct instant now, struct arena *arena,
                 bool *ret_is_ok);

#endif
