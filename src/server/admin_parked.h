/* SPDX-License-Identifier: Apache-2.0 */
/* `berthd admin parked ...`: GPU time that waits for an operator (flow/parked.h). Inside
 * src/server/admin*.c. */

#ifndef BERTH_SERVER_ADMIN_PARKED_H
#define BERTH_SERVER_ADMIN_PARKED_H

#include "server/admin_money.h"

admin_run_command admin_parked_list, admin_parked_charge, admin_parked_drop;

#endif
