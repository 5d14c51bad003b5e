/* SPDX-License-Identifier: Apache-2.0 */
/* `berthd admin hold ...`: money that is set aside by hand. Inside src/server/admin*.c. */

#ifndef BERTH_SERVER_ADMIN_HOLDS_H
#define BERTH_SERVER_ADMIN_HOLDS_H

#include "server/admin_money.h"

admin_run_command admin_credit_expect;
admin_run_command admin_hold_credit, admin_hold_earnings, admin_hold_list;
admin_run_command admin_hold_release, admin_hold_take;

#endif
