/* SPDX-License-Identifier: Apache-2.0 */
/* `berthd admin`, the part about payment providers. Inside src/server/admin*.c. */

#ifndef BERTH_SERVER_ADMIN_PAYMENTS_H
#define BERTH_SERVER_ADMIN_PAYMENTS_H

#include "server/admin_money.h"

admin_run_command admin_payments_sweep, admin_deposit_refund;

#endif
