/* SPDX-License-Identifier: Apache-2.0 */
/* `berthd admin build ...`: programs that hosts are meant to run (flow/agent_build.h). Inside
 * src/server/admin*.c. */

#ifndef BERTH_SERVER_ADMIN_BUILDS_H
#define BERTH_SERVER_ADMIN_BUILDS_H

#include "server/admin_money.h"

admin_run_command admin_build_list, admin_build_add, admin_build_remove;

#endif
